"""What Azure would lose is seen, and what it would not is left alone."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from local.azure_monitor.careful import check_carefully
from local.azure_monitor.checks import Checked, Checker
from local.azure_monitor.losses import PER_POST, Findings
from tests.unit.azure_monitor.client import COLUMNS, things

RECEIVED = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
TIME = "2026-03-01T11:00:00Z"
CHECKER = Checker(things())


def check(body: bytes) -> Checked:
    """As the server would."""
    return CHECKER.check(body, RECEIVED)


def one(text: str) -> bytes:
    """A post of one good row with these members besides."""
    return f'[{{"TimeGenerated":"{TIME}",{text}}}]'.encode()


def kept(checked: Checked) -> list[dict[str, Any]]:
    """The rows that are left."""
    return json.loads(checked.body or b"[]")


GOOD = [
    one('"Text":"a","Status":200,"Count":9007199254740993,"Share":0.5,"Ok":true,"At":"2020-01-01T00:00:00Z"'),
    one('"Extra":{"a":[1,{"b":"\\u00e9\\ud83d\\ude00"}]},"Text":"\\":"'),
    one('"Text":null,"Status":null,"Count":null,"Share":null,"Ok":null,"At":null,"Extra":null'),
    one('"Text":5,"Share":5'),
    one(f'"Text":"{"x" * 65536}"'),
    one('"Status":-2147483648,"Count":9223372036854775807'),
    b"[]",
    f'[ {{ "TimeGenerated" : "{TIME}" }} ,\n {{"TimeGenerated":"{TIME}"}} ]'.encode(),
]


@pytest.mark.parametrize("body", GOOD)
def test_a_good_post_is_kept_as_it_is(body: bytes) -> None:
    """A post without losses has no findings, and every value of it stays what it was."""
    checked = check(body)
    assert not checked.findings.losses
    assert [row.get("Extra") for row in kept(checked)] == [row.get("Extra") for row in json.loads(body)]
    assert checked.rows == len(json.loads(body))


LOST_VALUES = [
    ('"Nope":1', "UndeclaredField", "Nope"),
    ('"text":1', "UndeclaredField", "text"),
    ('"Status":"abc"', "BadValue", "Status"),
    ('"Status":5.5', "BadValue", "Status"),
    ('"Status":{}', "BadValue", "Status"),
    ('"Status":2147483648', "OutOfRange", "Status"),
    ('"Count":9223372036854775808', "OutOfRange", "Count"),
    ('"Share":"fast"', "BadValue", "Share"),
    ('"Share":1e999', "OutOfRange", "Share"),
    ('"Ok":"maybe"', "BadValue", "Ok"),
    ('"At":"01/02/2026"', "BadTime", "At"),
    ('"At":"2026-02-30T00:00:00Z"', "BadTime", "At"),
    ('"At":1700000000', "BadTime", "At"),
    ('"Text":"a","Text":"b"', "DuplicateKey", "Text"),
    (f'"Text":"{"é" * 32769}"', "ValueCut", "Text"),
    (f'"Extra":"{"x" * 65535}"', "ValueCut", "Extra"),
]


@pytest.mark.parametrize(("text", "kind", "column"), LOST_VALUES)
def test_a_lost_value_is_named(text: str, kind: str, column: str) -> None:
    """A value that Azure would drop, cut or make null is reported with its kind, record and column."""
    checked = check(one(text))
    assert [(loss.kind, loss.record, loss.column) for loss in checked.findings.losses] == [(kind, 0, column)]
    assert len(kept(checked)) == 1


@pytest.mark.parametrize(
    ("text", "column", "expected"),
    [
        ('"Status":"7"', "Status", 7),
        ('"Status":7.0', "Status", 7),
        ('"Share":"1.5"', "Share", 1.5),
        ('"Ok":"True"', "Ok", True),
        ('"Ok":0', "Ok", False),
        ('"Text":{"a":1}', "Text", '{"a":1}'),
        ('"At":"2026-01-01"', "At", "2026-01-01T00:00:00+00:00"),
        ('"At":"2026-01-01T01:00:00.1234567+01:00"', "At", "2026-01-01T00:00:00.123456+00:00"),
    ],
)
def test_a_value_that_casts_is_no_loss(text: str, column: str, expected: Any) -> None:
    """A value of another type that Azure casts without loss is cast, and not reported."""
    findings = Findings()
    _, rows = check_carefully(COLUMNS, one(text), RECEIVED, findings)
    assert not findings
    assert rows[0][column] == expected
    assert not check(one(text)).findings


@pytest.mark.parametrize(
    ("time", "kind"),
    [
        ('"2026-02-27T11:59:59Z"', "TimeReplaced"),
        ('"2026-03-02T12:00:01Z"', "TimeReplaced"),
        ("null", "TimeMissing"),
        (None, "TimeMissing"),
    ],
)
def test_a_time_outside_the_window_becomes_the_time_of_receipt(time: str | None, kind: str) -> None:
    """TimeGenerated that is missing, 2 days old or 1 day ahead is replaced, and that is reported."""
    checked = check(b"[{}]" if time is None else f'[{{"TimeGenerated":{time}}}]'.encode())
    assert [loss.kind for loss in checked.findings.losses] == [kind]
    assert kept(checked)[0]["TimeGenerated"] == RECEIVED.isoformat()


@pytest.mark.parametrize("time", ["2026-02-27T12:00:00Z", "2026-03-02T12:00:00Z"])
def test_a_time_at_the_edge_of_the_window_stays(time: str) -> None:
    """Exactly 2 days old and exactly 1 day ahead are still inside."""
    assert not check(f'[{{"TimeGenerated":"{time}"}}]'.encode()).findings


LOST_POSTS = [
    (f'{{"TimeGenerated":"{TIME}"}}'.encode(), "NotAnArray"),
    (b'"text"', "NotAnArray"),
    (b"[{]", "MalformedJson"),
    (b"", "MalformedJson"),
    (b"[" * 100_000, "MalformedJson"),
    (b"\x1f\x8b\x08", "InvalidUtf8"),
    (one('"Text":"\xff"').replace(b"\xc3\xbf", b"\xff"), "InvalidUtf8"),
    (one('"Extra":"\xff"').replace(b"\xc3\xbf", b"\xff"), "InvalidUtf8"),
    (one('"Share":NaN'), "NotANumber"),
    (one('"Extra":[{"a":-Infinity}]'), "NotANumber"),
    (one('"Text":"\\ud800"'), "LoneSurrogate"),
    (one('"Extra":{"\\uDC00":1}'), "LoneSurrogate"),
]


@pytest.mark.parametrize(("body", "kind"), LOST_POSTS)
def test_a_lost_post_is_reported_and_nothing_of_it_kept(body: bytes, kind: str) -> None:
    """A body that a strict reader refuses is gone as a whole, and its kind says why."""
    checked = check(body)
    assert set(checked.findings.counts) == {kind}
    assert checked.body is None


def test_an_element_that_is_no_object_costs_only_itself() -> None:
    """Numbers, texts and arrays between the rows are lost one by one."""
    checked = check(f'[1,{{"TimeGenerated":"{TIME}"}},"x",[],null]'.encode())
    assert [loss.record for loss in checked.findings.losses] == [0, 2, 3, 4]
    assert len(kept(checked)) == 1
    assert checked.rows == 5


def test_counts_are_complete_and_lists_are_short() -> None:
    """However many records lose something, the count is exact and the list stays small."""
    body = json.dumps([{"TimeGenerated": TIME, "Nope": 1}] * 100).encode()
    findings = check(body).findings
    assert findings.counts["UndeclaredField"] == 100
    assert len(findings.losses) == PER_POST


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(),
    st.text('aé":\\,ud8\ud800', max_size=5),
    st.sampled_from([TIME, "2020-01-01", "7", [1, {"Text": 2}], {"Status": {"a": "b"}}, '":', "\\"]),
)  # fmt: skip
ROWS = st.lists(st.dictionaries(st.sampled_from([*COLUMNS, "Nope"]), VALUES), max_size=4)


@given(ROWS, st.binary(max_size=3), st.integers(0, 400), st.booleans())
@example([{"Extra": {"a": 1}}], b"\xff", 30, True)
def test_the_fast_check_passes_only_what_the_careful_one_passes(
    rows: list[Any], noise: bytes, at: int, spaced: bool
) -> None:
    """Whatever the bytes, what passes the fast check has no losses in the careful one, and neither raises."""
    rows = [{"TimeGenerated": TIME, **row} for row in rows]
    text = json.dumps(rows, separators=None if spaced else (",", ":")).encode()
    body = text[:at] + noise + text[at:]
    passed = CHECKER._fast(body, RECEIVED)
    count, left = check_carefully(COLUMNS, body, RECEIVED, findings := Findings())
    if passed is not None:
        assert not findings.losses
        assert count == passed == len(left)


@given(st.dictionaries(st.sampled_from(list(COLUMNS)), VALUES), st.sampled_from(list(COLUMNS)))
def test_a_repeated_key_never_passes_the_fast_check(row: dict[str, Any], again: str) -> None:
    """A key that comes twice is always seen, whatever the values look like."""
    row = {"TimeGenerated": TIME, again: None, **row}
    text = json.dumps(row, separators=(",", ":"))
    repeated = f'{text[:-1]},"{again}":{json.dumps(row[again])}}}'
    assert CHECKER._fast(f"[{repeated}]".encode(), RECEIVED) is None
