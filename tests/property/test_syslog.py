"""Short ways through syslog, CEF and their headers, against the long ones."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from shared.formats import cef, insyslog
from shared.formats.insyslog import TOO_MANY
from shared.formats.lines import BLANK
from shared.formats.sysloghead import BLANKS, Message, read_line
from shared.formats.syslogtext import read_lines
from tests.property.cases.syslog import PIECES
from tests.unit.formats.reading import parser

_EXACT = settings(deadline=None, max_examples=400)


def _texts(pieces: list[bytes]) -> st.SearchStrategy[str]:
    decoded = [piece.decode(errors="replace").replace("\r", "") for piece in pieces]
    return st.lists(st.sampled_from(decoded), max_size=24).map("".join)


def _bare(line: str) -> Message:
    return Message(message=line.rstrip(BLANKS))


def _said(names: tuple[str, ...], values: tuple[Any, ...]) -> dict[str, Any]:
    return {name: value for name, value in zip(names, values, strict=True) if value is not None}


def _together(lines: list[str], *, host: bool) -> list[dict[str, Any]]:
    found = read_lines(lines, host=host, other=_bare)
    names, values = (tuple(found), zip(*found.values(), strict=True)) if isinstance(found, dict) else found
    return [_said(names, value) for value in values]


def _alone(lines: list[str], *, host: bool) -> list[dict[str, Any]]:
    return [_said(Message._fields, read_line(line, host=host) or _bare(line)) for line in lines]


@_EXACT
@given(_texts(PIECES), st.booleans())
def test_all_lines_at_once_say_what_each_says(text: str, host: bool) -> None:
    """A window's lines give, all at once, what each of them gives on its own."""
    lines = [line for line in text.split("\n") if line.strip(BLANK)]
    assume(lines)
    assert _together(lines, host=host) == _alone(lines, host=host)


_WORDS = st.sampled_from(["-", "web-01", "a", "", "x\ty", "\u00e9", "h\u00a0i", "[x]", '"'])
_TIMES = st.sampled_from(
    ["-", "2026-11-20T06:00:01Z", "2026-11-20T06:00:01.5+01:00", "2026-11-20T", "Nov 20"]
)
_DATA = st.sampled_from([
    "-", "", "[a]", '[a@1 b="c"]', '[a@1 b="d" e="f"]', '[a@1 b="c"][g h="i" j="k" l="m"]', '[a b="c"][d]',
    '[a b="c" b="d"]', '[a b="c"][a d="e"]', r'[a b="\"] c"]', r'[a b="\] \\"]', '[a b="] c"]', '[a b="]"]', "[a b=c]",
    '[a b="c"', '[a  b="c" ]', '[a b="c"]x', '[a b=""]', '[a[ b="c"]',
])  # fmt: skip
_MESSAGES = st.sampled_from(
    ["", " hi", "  hi ", " \ufeffhi", ' he said "x"] now', r" C:\x \" y", " \t", " é"]
)
_IETF_LINES = st.builds(
    lambda head, time, words, data, text: " ".join([head, time, *words, data]) + text,
    st.sampled_from(["<34>1", "<0>1", "<191>1", "<192>1", "<34>2", "<034>1"]),
    _TIMES,
    st.lists(_WORDS, min_size=4, max_size=4),
    _DATA,
    _MESSAGES,
)
_GOOD_LINES = st.builds(
    lambda data, text: f"<34>1 2026-11-20T06:00:01Z web-01 app - ID{data}{text}",
    _DATA.map(" {}".format),
    _MESSAGES,
)


@_EXACT
@given(st.lists(_IETF_LINES | _GOOD_LINES, min_size=1, max_size=8) | st.lists(_GOOD_LINES, min_size=1))
def test_lines_of_rfc_5424_at_once_say_what_each_says(lines: list[str]) -> None:
    """Headers, structured data and messages of RFC 5424 are the same together and alone, odd ones too."""
    assert _together(lines, host=True) == _alone(lines, host=True)


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


def _events(kind: str, lines: list[str], **options: Any) -> list[Any]:
    """The events of lines that are read together, without what a line has no value for."""
    found = parser(kind, **options).taken(lines)
    if not isinstance(found, dict):
        return found
    rows = zip(*found.values(), strict=True)
    return [{key: value for key, value in zip(found, row, strict=True) if value is not None} for row in rows]


_BEFORE = st.sampled_from(
    ["", "", "", "<34>Jun 14 15:16:01 fw-1 ", "Jun 14 15:16:01 fw-1 ", "<13>odd: ", "CEF: ", "LEEF:x "]
)
_VALUE_PARTS = st.lists(
    st.sampled_from(
        ["x", "10.0.0.1", " ", "=", r"\=", r"\n", "\\", "\\\\", r"\|", "|", "é", "\t", "a b", "", "^"]
    ),
    max_size=4,
)
_VALUES = _VALUE_PARTS.map("".join)
_KEYS = st.sampled_from(
    ["src", "dst", "cs1", "cs1Label", "deviceVendor", "_duplicate_keys", "a.b", "x[0]", "no key", ""]
)


def _pairs(between: str) -> st.SearchStrategy[str]:
    alike = st.tuples(_VALUES, _VALUES).map(lambda two: between.join([f"src={two[0]}", f"dst={two[1]}"]))
    others = st.lists(
        st.tuples(_KEYS, st.sampled_from(["=", "=", "=", ""]), _VALUES).map("".join), max_size=4
    )
    return alike | alike | others.map(between.join)


_CEF_LINES = st.builds(
    lambda before, version, name, pairs, end: f"{before}{version}|V|P|1|id|{name}|5|{pairs}{end}",
    _BEFORE,
    st.sampled_from(["CEF:0", "CEF:0", "CEF:0", "CEF:1", "CEF: 0", "CEF:0.1", "CEF"]),
    st.sampled_from(["n", "n", "a b", r"a\|b", r"a\\b", "a|b", ""]),
    _pairs(" "),
    st.sampled_from(["", " ", "\t "]),
)


@_EXACT
@given(st.lists(_CEF_LINES, min_size=1, max_size=8))
@example(
    ["CEF:0|V|P|1|id|n|5|src=1 dst=2", "CEF:0|V|P|1|id|n|5|src=3 dst=4", "CEF:0|V|P|1|id|n|5|dst=3 src=4"]
)
def test_events_of_cef_together_are_events_alone(lines: list[str]) -> None:
    """An event of CEF is the same whatever lines it is read with."""
    assert _events("cef", lines) == [cef._event(line) for line in lines]


_LEEF_LINES = st.builds(
    lambda before, head, pairs, end: f"{before}{head}{pairs}{end}",
    _BEFORE,
    st.sampled_from(["LEEF:1.0|V|P|1|id|", "LEEF:1.0|V|P|1|id|", "LEEF:2.0|V|P|1|id|^|", "LEEF:2.0|V|P|1|id|x5E|", "LEEF:2.0|V|P|1|id||", "LEEF:2.0|V|P|1|id|", "LEEF:1.0|V"]),
    _pairs("\t") | _pairs("^"),
    st.sampled_from(["", "\t", " ", "^"]),
)  # fmt: skip


@_EXACT
@given(st.lists(_LEEF_LINES, min_size=1, max_size=8), st.sampled_from([None, "^", "space"]))
def test_events_of_leef_together_are_events_alone(lines: list[str], delimiter: str | None) -> None:
    """An event of LEEF is the same whatever lines it is read with."""
    options = {"delimiter": delimiter} if delimiter else {}
    reader = parser("leef", **options)
    assert _events("leef", lines, **options) == [reader._event(line) for line in lines]


@pytest.mark.parametrize("kind", ["cef", "leef"])
def test_an_event_of_too_many_fields_costs_itself(kind: str) -> None:
    """Beside others an event of over 10,000 fields is rejected as it is alone; one of 10,000 is not."""
    head, between = {"cef": ("CEF:0|V|P|1|id|n|5|", " "), "leef": ("LEEF:1.0|V|P|1|id|", "\t")}[kind]
    most, more = (head + between.join(f"k{n}=" for n in range(size)) for size in (10_000, 10_001))
    for lines in ([most], [more], [more] * 2, [head + "k0=", more, most]):
        found = [
            len(event) - len(head.split("|")) + 2 if isinstance(event, dict) else event
            for event in _events(kind, lines)
        ]
        assert found == [TOO_MANY if line == more else line.count("=") for line in lines]


@_EXACT
@given(_texts(PIECES))
def test_the_usual_header_is_read_as_any_other(text: str) -> None:
    """What stands before an event says the same as it does before a message."""
    found = read_line(text)
    if "\n" in text or found is None:
        return
    named = {f"syslog_{name}": value for name, value in found._asdict().items() if value}
    assert insyslog.header_of(text) == named
