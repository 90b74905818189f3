"""How the Chinese texts are set: full-width punctuation, and one word for whoever follows an account."""

import re

import pages
from pages import HAN
from sandbox_process import ROOT

SOURCES = sorted(path for folder in ("server", "client", "protos") for path in (ROOT / folder).rglob("*")
                 if path.suffix in (".cc", ".h", ".proto"))
PAGES = [ROOT / "hongyan.example.yaml", ROOT / "scripts/demo", ROOT / "scripts/demo_stage.sh",
         *(ROOT / name for name in pages.CHINESE)]
# Between two characters, behind one at the end of a sentence, or between Latin words of a Chinese list.
HALF_WIDTH = re.compile(rf"{HAN}[,;!?:](\s|{HAN}|$|[\"'])|{HAN} ?[(]|[)]{HAN}|[,;]\d+ ?{HAN}|\w[,;] [\w`$]")
# What is typed or printed as it stands; where a link leads; YAML, tables of commands and comments beside English.
VERBATIM = re.compile(r"`[^`]*`|(?<=\])\([^)\s]*\)|\{[^{}]*\{.*\}|\{[^{}]*\}|^\s*[\w.\[\] -]*: ")
LITERAL = re.compile(r'R"\((.*?)\)"|"((?:[^"\\\n]|\\.)*)"', re.S)


def is_chinese(text):
    return len(re.findall(HAN, text)) > len(re.findall(r"[A-Za-z]+", text))


def chinese_lines():
    for path in SOURCES:
        text = path.read_text("utf-8")
        for literal in LITERAL.finditer(text):
            number = text.count("\n", 0, literal.start()) + 1
            for offset, line in enumerate((literal[1] or literal[2] or "").split("\n")):
                if is_chinese(line):
                    yield f"{path.relative_to(ROOT)}:{number + offset}", line
    for path in PAGES:
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            if path.suffix == ".yaml":  # its comments are English first, then Chinese
                line = VERBATIM.sub("", line)
                line = line[re.search(f"{HAN}|$", line).start():]
            # Beside English, in a comment, the words in brackets are names.
            if is_chinese(line):
                yield f"{path.relative_to(ROOT)}:{number}", line


def test_W05_punctuation_is_full_width():
    lines = list(chinese_lines())
    assert len(lines) > 500
    assert [(place, text) for place, text in lines if HALF_WIDTH.search(VERBATIM.sub("", text))] == []


def test_W05_whoever_follows_has_one_name():
    assert [(place, text) for place, text in chinese_lines() if re.search("订阅者|粉丝", text)] == []
