"""Where a character of a text in routes.yaml stands in the file."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from shared.routes.read import read
from shared.routes.scalars import places

PATH = ("transform",)
WAYS = {
    "literal": "a: 1\ntransform: |\n  source\n  | where Status == 1\n\n    and Text == 'x'\nb: 2\n",
    "literal with its own indentation": "transform: |4-\n      source\n    | where Status == 1\n",
    "literal, blank lines first": "transform: |+ # why\n\n\n   source\n   | where Status\n\n\nb: 2\n",
    "folded": "transform: >-\n  source\n  | where Status == 1\n\n  | extend Text = 'a'\n    and more\n  | take\nb: 2\n",
    "plain": "transform: source | where Status == 1\nb: 2\n",
    "plain on several lines": "transform:\n  source\n  | where Status == 1\n\n  | extend Text = 'a'\nb: 2\n",
    "single quotes": "transform: 'source | where Text == ''a'' and Status'\n",
    "single quotes on several lines": "transform: 'source\n   | where Text == ''a''\n\n   and Status'\n",
    "double quotes": 'transform: "source | where Text == \\"\\u00e4\\x41\\t\\\\d\\" and Status"\n',
    "double quotes on several lines": 'transform: "source\n   | where Text \\\n     == 1\n\n   and \\\n\n Status"\n',
    "in braces": "x: {transform: source, b: 1}\ntransform: {a: 1}\n",
    "carriage returns": "a: 1\r\ntransform: |\r\n  source\r\n  | where Status\r\nb: 2\r\n",
    "an alias": "base: &text |\n  source\n  | where Status\ntransform: *text\n",
}


def check(text: str, value: str, found: list[tuple[int, int]]) -> None:
    """Every character that is no blank and no escape stands where it is said to."""
    lines = text.splitlines()
    assert len(found) == len(value) + 1
    for sign, (line, column) in zip(value, found, strict=False):
        if not sign.isspace():
            there = lines[line - 1][column - 1]
            assert there in {sign, "\\"}, (sign, line, column)


@pytest.mark.parametrize("way", WAYS)
def test_each_character_has_its_place(way: str) -> None:
    """However a text is written in YAML, each of its characters is found in the file where it stands."""
    document = read(WAYS[way], "r.yaml")
    for path in document.scalars:
        value = document.value
        for part in path:
            value = value[part]
        check(WAYS[way], value, places(document, path))


def test_a_literal_is_exact_to_its_blanks() -> None:
    """After | every character has its own place, blanks at the beginning of a line too."""
    text = "a: 1\ntransform: |\n    source\n      | where X\n"
    document = read(text, "r.yaml")
    found = places(document, PATH)
    assert document.value["transform"] == "source\n  | where X\n"
    assert [found[i] for i in (0, 5, 7, 8, 9)] == [(3, 5), (3, 10), (4, 5), (4, 6), (4, 7)]
    assert found[-1] == (4, 16)


def test_an_escape_is_one_character() -> None:
    """What follows an escape in double quotes, or two quotes in single ones, stands where it is written."""
    double = read('transform: "a\\u00e4b\\"c"\n', "r.yaml")
    assert places(double, PATH) == [(1, 13), (1, 14), (1, 20), (1, 21), (1, 23), (1, 24)]
    single = read("transform: 'a''b'\n", "r.yaml")
    assert places(single, PATH) == [(1, 13), (1, 14), (1, 16), (1, 17)]


WORDS = [
    "source",
    "|",
    "where",
    "==",
    '"a b"',
    "'x'",
    "é😀",
    "#no",
    "a: b",
    "\\d",
    "  ",
    "{x}",
    "\n",
    "\n\n",
    "\n  ",
]


@given(
    st.lists(st.sampled_from(WORDS), max_size=20).map(" ".join),
    st.sampled_from(["|", ">", "'", '"', ""]),
    st.sampled_from([10, 40, 99]),
)
def test_whatever_yaml_writes_has_places(value: str, style: str, width: int) -> None:
    """A text that PyYAML wrote in any style is found again, character by character."""
    text = yaml.dump({"transform": value, "z": 1}, default_style=style, width=width, allow_unicode=True)
    document = read(text, "r.yaml")
    found = places(document, PATH)
    if len(set(found)) > 1:
        check(text, value, found)
    else:
        assert not value.strip() or len(value) == 1
