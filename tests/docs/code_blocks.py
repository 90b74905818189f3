"""The fenced code blocks of a Markdown file, and what its links lead to."""

import ast
import dataclasses
import re
import textwrap


@dataclasses.dataclass
class Block:
    language: str
    code: str  # without the indentation of its fence
    heading: str  # the last one before it
    line: int


def blocks(text):
    found, heading, fence = [], "", None
    for number, line in enumerate(text.splitlines(), 1):
        opening = re.fullmatch(r"( *)```(\w*)", line)
        if fence is None and opening:
            fence = (len(opening[1]), Block(opening[2], "", heading, number))
        elif fence is not None and line.strip() == "```":
            found.append(fence[1])
            fence = None
        elif fence is not None:
            indent, block = fence
            assert not line.strip() or line[:indent].isspace() or indent == 0, (number, line)
            block.code += line[indent:] + "\n"
        elif line.startswith("#"):
            heading = line.lstrip("#").strip()
    assert fence is None, "a code block has no end"
    return found


def slugs(text):
    """The anchors of the headings, as GitHub makes them."""
    headings = re.findall(r"^#+ +(.+)$", re.sub(r"^ *```.*?^ *```", "", text, flags=re.M | re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(text):
    return re.findall(r"\]\(([^)]+)\)", re.sub(r"^ *```.*?^ *```", "", text, flags=re.M | re.S))


class _Mute(ast.NodeTransformer):
    """Takes out what is said to people: docstrings, and strings that are printed or hold more than one word."""

    def visit_Constant(self, node):
        if isinstance(node.value, str) and (not node.value.isascii() or re.search(r"[ :]", node.value)):
            return ast.Constant("")
        return node


def without_language(block):
    """The code as it must be in both languages: without comments and without sentences."""
    if block.language == "python":
        return ast.dump(_Mute().visit(ast.parse(block.code)))
    comment = {"javascript": r"//.*", "go": r"//.*", "java": r"//.*", "xml": r"<!--.*?-->"}.get(block.language, r"#.*")
    lines = (re.sub(rf"(^|\s)\s*{comment}", "", line).rstrip() for line in textwrap.dedent(block.code).splitlines())
    return "\n".join(line for line in lines if line)


def compare(root, english, chinese):
    """Both pages must have the same code."""
    one, other = (blocks((root / name).read_text("utf-8")) for name in (english, chinese))
    for first, second in zip(one, other):
        where = f"{english}:{first.line} and {chinese}:{second.line}"
        assert first.language == second.language, where
        assert without_language(first) == without_language(second), where
    assert len(one) == len(other)
