"""The fenced code blocks of a Markdown page."""

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
