"""How the Chinese texts are set: full-width punctuation, and one word for whoever follows an account."""

import re

from sandbox_process import ROOT

SOURCES = sorted(path for folder in ("server", "client", "protos") for path in (ROOT / folder).rglob("*")
                 if path.suffix in (".cc", ".h", ".proto"))
PAGES = [ROOT / "README.zh-CN.md", ROOT / "hongyan.example.yaml", ROOT / "scripts/demo", ROOT / "scripts/demo_stage.sh",
         *sorted((ROOT / "docs").glob("*.zh-CN.md"))]
HAN = r"[\u4e00-\u9fff]"
# Between two characters, or behind one at the end of a sentence.
HALF_WIDTH = re.compile(rf"{HAN}[,;!?](\s*{HAN}|\s*$|[\"'])|{HAN}[(]|[)]{HAN}|[,;]\d+ ?{HAN}")


def is_chinese(text):
    return len(re.findall(HAN, text)) > len(re.findall(r"[A-Za-z]+", text))


def chinese_lines():
    for path in SOURCES:
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            for literal in re.findall(r'"((?:[^"\\]|\\.)*)"', line):
                if is_chinese(literal):
                    yield f"{path.relative_to(ROOT)}:{number}", literal
    for path in PAGES:
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            # Beside English, in a comment, the words in brackets are names.
            if is_chinese(line):
                yield f"{path.relative_to(ROOT)}:{number}", line


def test_C05_punctuation_is_full_width():
    lines = list(chinese_lines())
    assert len(lines) > 500
    assert [(place, text) for place, text in lines if HALF_WIDTH.search(text)] == []


def test_C05_whoever_follows_has_one_name():
    assert [(place, text) for place, text in chinese_lines() if re.search("订阅者|粉丝", text)] == []
