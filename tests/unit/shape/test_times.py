"""Times as sources write them become UTC text."""

from __future__ import annotations

import pytest

from shared.shape.times import time_parser


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("iso", "2026-11-20T10:00:00Z", "2026-11-20T10:00:00Z"),
        ("iso", "2026-11-20T10:00:00.1234567Z", "2026-11-20T10:00:00.1234567Z"),
        ("iso", "2026-11-20T12:00:00+02:00", "2026-11-20T10:00:00Z"),
        ("iso", "2026-11-20 10:00:00", "2026-11-20T10:00:00Z"),
        ("iso", "20261120T100000Z", "2026-11-20T10:00:00Z"),
        ("iso", "2026-11-20T10:00:00,5Z", "2026-11-20T10:00:00.500000Z"),
        ("epoch", 1521911720.865716, "2018-03-24T17:15:20.865716Z"),
        ("epoch", "1521911720", "2018-03-24T17:15:20Z"),
        ("epoch_ms", 1521911720865, "2018-03-24T17:15:20.865000Z"),
        ("epoch_us", 1521911720865716, "2018-03-24T17:15:20.865716Z"),
        ("epoch_ns", 1521911720865716999, "2018-03-24T17:15:20.865716Z"),
        ("%d/%b/%Y:%H:%M:%S %z", "20/Nov/2026:12:00:00 +0200", "2026-11-20T10:00:00Z"),
        ("%Y-%m-%d %H:%M", "2026-11-20 10:00", "2026-11-20T10:00:00Z"),
    ],
)
def test_times_become_utc_text(name: str, value: object, text: str) -> None:
    """Every format gives the instant as UTC text, with all the digits it had."""
    assert time_parser(name)(value) == text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("iso", "yesterday"),
        ("iso", 5),
        ("iso", "2026-02-30T00:00:00Z"),
        ("epoch", True),
        ("epoch", "x"),
        ("epoch", 1e20),
        ("epoch", float("nan")),
        ("epoch_ms", None),
        ("%Y", "20x6"),
    ],
)
def test_what_is_no_time_is_refused(name: str, value: object) -> None:
    """A value that is no time of its format raises, and only what the shaper expects."""
    with pytest.raises((ValueError, TypeError, OverflowError)):
        time_parser(name)(value)
