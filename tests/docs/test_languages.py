"""The English and the Chinese pages say the same: what can be compared without understanding either."""

import collections

import pytest

import code_blocks
import pages

BOTH = pytest.mark.parametrize("english", pages.ENGLISH)


def both(english):
    return pages.read(english), pages.read(pages.chinese(english))


def together(english):
    """The sections of both pages, side by side, with the English heading."""
    one, other = both(english)
    return zip((heading for _, heading in pages.headings(one)), pages.sections(one), pages.sections(other), strict=True)


def test_each_page_is_there_in_both_languages():
    assert len(pages.ENGLISH) > 5
    assert [pages.chinese(name) for name in pages.ENGLISH] == pages.CHINESE


@BOTH
def test_headings(english):
    one, other = ([level for level, _ in pages.headings(text)] for text in both(english))
    assert one == other


@BOTH
def test_code_blocks(english):
    one, other = map(code_blocks.blocks, both(english))
    for first, second in zip(one, other):
        where = f"{english}:{first.line}, {pages.chinese(english)}:{second.line}"
        assert first.language == second.language, where
        assert code_blocks.without_language(first) == code_blocks.without_language(second), where
    assert len(one) == len(other)


@BOTH
def test_tables(english):
    """As many rows and cells, and the same names in each first cell."""
    one, other = map(pages.tables, both(english))
    assert [[len(row) for row in table] for table in one] == [[len(row) for row in table] for table in other]
    for first, second in zip(one, other):
        for row, beside in zip(first, second):
            assert pages.code_spans(row[0]) == pages.code_spans(beside[0])
            assert row[0].isdecimal() is beside[0].isdecimal() and (not row[0].isdecimal() or row[0] == beside[0])


@BOTH
def test_lists(english):
    for heading, one, other in together(english):
        items = [[line for line in text.splitlines() if line.lstrip().startswith(("- ", *(f"{n}. " for n in range(1, 10))))]
                 for text in (one, other)]
        assert len(items[0]) == len(items[1]), heading


@BOTH
def test_names(english):
    """What is set as code in a section of one language stands in the same section of the other."""
    for heading, one, other in together(english):
        first, second = (set(pages.code_spans(text)) for text in (one, other))
        assert first - second == set() and second - first == set(), heading


def destination(page, link):
    """(page in English, number of the heading), whatever the language."""
    path, _, anchor = link.partition("#")
    if "://" in path:
        return link, None
    target = (pages.ROOT / page).parent / path if path else pages.ROOT / page
    name = str(target.resolve().relative_to(pages.ROOT.resolve()))
    place = pages.slugs(target.read_text("utf-8")).index(anchor) if anchor else None
    if page in pages.CHINESE and name in pages.ENGLISH:
        raise AssertionError(f"{page} leads to {name}, which there is in Chinese")
    if page in pages.ENGLISH and name in pages.CHINESE:
        raise AssertionError(f"{page} leads to {name}, which there is in English")
    return (name.replace(".zh-CN.md", ".md"), place)


@BOTH
def test_links(english):
    for number, (heading, one, other) in enumerate(together(english)):
        found = []
        for page, text, beside in ((english, one, pages.chinese(english)), (pages.chinese(english), other, english)):
            to_the_other_language = beside.rpartition("/")[2]
            ways = [link for link in pages.links(text) if link != to_the_other_language]
            assert len(ways) == len(pages.links(text)) - (number == 0), f"{page}: its first section leads to {beside}, once"
            found.append(collections.Counter(destination(page, link) for link in ways))
        assert found[0] == found[1], heading
