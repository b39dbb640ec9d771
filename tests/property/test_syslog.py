"""Short ways through syslog, CEF and their headers, against the long ones."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.formats import cef, insyslog
from shared.formats.lines import BLANK
from shared.formats.sysloghead import BLANKS, Message, read_line
from shared.formats.syslogtext import read_text
from tests.property.cases.syslog import EVENTS, PIECES

_EXACT = settings(deadline=None, max_examples=400)


def _texts(pieces: list[bytes]) -> st.SearchStrategy[str]:
    decoded = [piece.decode(errors="replace").replace("\r", "") for piece in pieces]
    return st.lists(st.sampled_from(decoded), max_size=24).map("".join)


def _bare(line: str) -> Message:
    return Message(message=line.rstrip(BLANKS))


def _said(names: tuple[str, ...], values: tuple[Any, ...]) -> dict[str, Any]:
    return {name: value for name, value in zip(names, values, strict=True) if value is not None}


@_EXACT
@given(_texts(PIECES), st.booleans())
def test_all_lines_at_once_say_what_each_says(text: str, host: bool) -> None:
    """A window's lines give, all at once, what each of them gives on its own."""
    names, values = read_text(text, host=host, other=_bare)
    lines = [line for line in text.split("\n") if line.strip(BLANK)]
    alone = [read_line(line, host=host) or _bare(line) for line in lines]
    assert [_said(names, value) for value in values] == [_said(Message._fields, value) for value in alone]


@_EXACT
@given(_texts(PIECES))
def test_a_line_loses_nothing_to_its_header(text: str) -> None:
    """Every letter and digit of a line is in one of its values, but for the version and a frame's length."""
    for line in filter(None, text.split("\n")):
        found = read_line(line)
        if found is None:
            continue
        said = " ".join(map(repr, found._replace(facility=None, severity=None)))
        words = "".join(letter if letter.isalnum() else " " for letter in line).split()
        assert [word for word in words if not word.isdecimal() and word not in said] == []


@_EXACT
@given(_texts(EVENTS))
def test_the_usual_event_is_read_as_any_other(text: str) -> None:
    """An event of CEF is the same whether it is read the short way or the long one."""
    for line in text.split("\n"):
        assert cef._event(line) == cef._odd_event(line)


@_EXACT
@given(_texts(PIECES))
def test_the_usual_header_is_read_as_any_other(text: str) -> None:
    """What stands before an event says the same as it does before a message."""
    found = read_line(text)
    if "\n" in text or found is None:
        return
    named = {f"syslog_{name}": value for name, value in found._asdict().items() if value}
    assert insyslog.header_of(text) == named
