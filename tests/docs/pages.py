"""The pages for users: README.md and docs/, each in English and in Chinese, and their parts."""

import re

from sandbox_process import ROOT

ALL = sorted(["README.md", "README.zh-CN.md", *(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))])
CHINESE = [name for name in ALL if name.endswith(".zh-CN.md")]
ENGLISH = [name for name in ALL if name not in CHINESE]
HAN = r"[\u4e00-\u9fff]"


def chinese(name):
    """The name of the Chinese page beside an English one."""
    return name.removesuffix(".md") + ".zh-CN.md"


def read(name):
    return (ROOT / name).read_text("utf-8")


def prose(text):
    """The text without its code blocks."""
    return re.sub(r"^( *)```.*?^ *```$", "", text, flags=re.M | re.S)


def headings(text):
    """(level, heading), in their order."""
    return [(len(level), heading) for level, heading in re.findall(r"^(#+) +(.+)$", prose(text), re.M)]


def slugs(text):
    """The anchors of the headings, in their order, as GitHub makes them."""
    return [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for _, heading in headings(text)]


def sections(text):
    """The prose below each heading."""
    return re.split(r"^#+ .+$", prose(text), flags=re.M)[1:]


def links(text):
    return re.findall(r"\]\(([^)]+)\)", prose(text))


def code_spans(text):
    """What is set as code within the text, and the same in both languages."""
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", text) if not re.search(HAN, span)]


def tables(text):
    """The tables, as rows of cells; their heads first, without the lines below them."""
    found = re.findall(r"(?:^\|.*\|\n)+", prose(text), re.M)
    return [[[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in table.splitlines()
             if not re.fullmatch(r"[|-]+", line)] for table in found]
