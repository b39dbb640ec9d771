"""Times as sources write them become UTC text."""

from __future__ import annotations

import csv
import itertools
import re
import zoneinfo
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.shape import time_epoch, time_frames
from shared.shape.time_zones import _NAMED
from shared.shape.times import _COMMON, NAMES, check_format, formats_for, time_reader

REFERENCE = datetime(2026, 11, 20, 12, tzinfo=UTC)
LOGHUB = Path(__file__).resolve().parents[4] / "shared" / "data" / "loghub"

READ = [
    ("iso", "2026-11-20T10:00:00Z", "2026-11-20T10:00:00Z"),
    ("iso", "2026-11-20T10:00:00.1234567Z", "2026-11-20T10:00:00.1234567Z"),
    ("iso", "2026-11-20T10:00:00.123456789Z", "2026-11-20T10:00:00.1234567Z"),
    ("iso", "2026-11-20T12:00:00+02:00", "2026-11-20T10:00:00Z"),
    ("iso", "2026-11-20T12:00:00.1234567+02:00", "2026-11-20T10:00:00.1234567Z"),
    ("iso", "2026-11-20T12:00:00.5+02:00:01", "2026-11-20T09:59:59.5Z"),
    ("iso", "2026-11-20 10:00:00", "2026-11-20T10:00:00Z"),
    ("iso", "2026-11-20t10:00:00.5z", "2026-11-20T10:00:00.5Z"),
    ("iso", "20261120T100000Z", "2026-11-20T10:00:00Z"),
    ("iso", "20261120T100000.1234567Z", "2026-11-20T10:00:00.1234567Z"),
    ("iso", "2026-11-20T10:00:00,5Z", "2026-11-20T10:00:00.5Z"),
    ("iso", "2026-W47-5T10:00:00Z", "2026-11-20T10:00:00Z"),
    ("iso", "2026-11-20", "2026-11-20T00:00:00Z"),
    ("iso", datetime(2026, 11, 20, 10, 0, 0, 5, UTC), "2026-11-20T10:00:00.000005Z"),
    ("epoch", 1521911720, "2018-03-24T17:15:20Z"),
    ("epoch", 1521911720.865716, "2018-03-24T17:15:20.865716Z"),
    ("epoch", "1521911720", "2018-03-24T17:15:20Z"),
    ("epoch", "1521911720.865716", "2018-03-24T17:15:20.865716Z"),
    ("epoch", "1521911720.123456789", "2018-03-24T17:15:20.1234567Z"),
    ("epoch", "1.521911720865716e9", "2018-03-24T17:15:20.8657160Z"),
    ("epoch", " +1521911720 ", "2018-03-24T17:15:20Z"),
    ("epoch", "-1.5", "1969-12-31T23:59:58.5000000Z"),
    ("epoch", -1, "1969-12-31T23:59:59Z"),
    ("epoch_ms", 1521911720865, "2018-03-24T17:15:20.865Z"),
    ("epoch_ms", "1521911720865.716", "2018-03-24T17:15:20.8657160Z"),
    ("epoch_us", 1521911720865716, "2018-03-24T17:15:20.865716Z"),
    ("epoch_ns", 1521911720865716999, "2018-03-24T17:15:20.8657169Z"),
    ("epoch_ns", "1521911720865716999", "2018-03-24T17:15:20.8657169Z"),
    ("syslog", "Jun 14 15:16:01", "2026-06-14T15:16:01Z"),
    ("syslog", "Jun  4 15:16:01", "2026-06-04T15:16:01Z"),
    ("syslog", "Jun 04 15:16:01.123", "2026-06-04T15:16:01.123Z"),
    ("syslog", "Jun 14 2005 15:16:01", "2005-06-14T15:16:01Z"),
    ("syslog", "2005 Jun 14 15:16:01", "2005-06-14T15:16:01Z"),
    ("syslog", "Jun 14 15:16:01 CEST 2005", "2005-06-14T13:16:01Z"),
    ("syslog", "*Jun 14 2005 15:16:01.123 UTC:", "2005-06-14T15:16:01.123Z"),
    ("syslog", "2026-06-14T15:16:01.123456+02:00", "2026-06-14T13:16:01.123456Z"),
    ("%d/%b/%Y:%H:%M:%S %z", "20/Nov/2026:12:00:00 +0200", "2026-11-20T10:00:00Z"),
    ("%d/%b/%Y:%H:%M:%S %z", "20/nov/2026:12:00:00 Z", "2026-11-20T12:00:00Z"),
    ("%Y-%m-%d %H:%M", "2026-11-20 10:00", "2026-11-20T10:00:00Z"),
    ("%d.%m.%y %H:%M:%S,%f", "1.2.69 3:04:05,123456789", "1969-02-01T03:04:05.1234567Z"),
    ("%Y%m%d-%H:%M:%S:%L", "20261120-6:0:1:7", "2026-11-20T06:00:01.007Z"),
    ("%Y%m%d-%H:%M:%S:%L", "20261120-16:10:11:97", "2026-11-20T16:10:11.097Z"),
    ("%Y%m%d-%H:%M:%S:%L", "20261120-16:10:11:606", "2026-11-20T16:10:11.606Z"),
    ("%A, %B %d, %Y %I:%M:%S %p", "Friday, November 20, 2026 12:30:00 AM", "2026-11-20T00:30:00Z"),
    ("%Y%j %H%M%S", "2026324 100000", "2026-11-20T10:00:00Z"),
    ("%c", "Fri Nov 20 10:00:00 2026", "2026-11-20T10:00:00Z"),
    ("%Y-%m-%d %H:%M:%S %Z", "2026-07-01 10:00:00 CEST", "2026-07-01T08:00:00Z"),
    ("100%% %Y-%m", "100% 2026-11", "2026-11-01T00:00:00Z"),
]


@pytest.mark.parametrize(("name", "value", "text"), READ)
def test_times_become_utc_text(name: str, value: Any, text: str) -> None:
    """Every format gives the instant as UTC text, with all the digits it had, alone and in a column."""
    reader = time_reader(name, None, REFERENCE)
    assert reader.one(value) == text
    assert reader.many([value] * 3) == [text] * 3


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("iso", "yesterday"),
        ("iso", ""),
        ("iso", 5),
        ("iso", "2026-02-30T00:00:00Z"),
        ("iso", "0000-01-01T00:00:00Z"),
        ("iso", "2026-11-20T10:00:00Z\n2026-11-20T10:00:00Z"),
        ("iso", "1512113012345"),
        ("iso", "2026-11-20510:00:00"),
        ("iso", "2026-11-20T10.5"),
        ("iso", "2026-11-20T10:30.5"),
        ("iso", "2026-11-20T10:00:00:606"),
        ("iso", "20261120-10:00:00:606"),
        ("iso", "2026-11-20T10:00:00 Z"),
        ("iso", "2026-11-20T10:00:00+01:00:00.5"),
        ("iso", "\ud800"),
        ("iso", "0001-01-01T00:00:00+01:00"),
        ("epoch", True),
        ("epoch", "x"),
        ("epoch", ""),
        ("epoch", "1.2.3"),
        ("epoch", "1_0"),
        ("epoch", "٣"),
        ("epoch", "nan"),
        ("epoch", 1e20),
        ("epoch", 10**400),
        ("epoch", "1e999"),
        ("epoch", float("nan")),
        ("epoch", float("inf")),
        ("epoch_ms", None),
        ("epoch_ms", []),
        ("syslog", "Jun 31 15:16:01"),
        ("syslog", "Jun 14 15:61:01"),
        ("syslog", "Jun 14 15:16:01 CST"),
        ("syslog", "2005 Jun 14 15:16:01 2006"),
        ("%Y", "20x6"),
        ("%Y", 2026),
        ("%Y-%m-%d", "٢٠٢٦-11-20"),
        ("%Y-%m-%d %H", "2026-11-20\u200710"),
        ("%Y-%m-%d %H:%M:%S", "2026-11-20 10:00:60"),
        ("%Y-%j", "2025-366"),
        ("%d. %b %Y", "20. Mai 2026"),
        ("%Y-%m-%d %z", "2026-11-20 +2400"),
        ("%Y-%m-%d %Z", "2026-11-20 PST"),
    ],
)
def test_what_is_no_time_is_refused(name: str, value: Any) -> None:
    """A value that is no time of its format raises, and only what the shaper expects, alone and in a column."""
    reader = time_reader(name, None, REFERENCE)
    with pytest.raises((ValueError, TypeError, OverflowError)):
        reader.one(value)
    if value is not None:
        with pytest.raises((ValueError, TypeError, OverflowError)):
            reader.many([value])


@pytest.mark.parametrize("name", ["iso", "syslog"])
def test_a_column_has_gaps(name: str) -> None:
    """None stays None, and "" is None only where the caller says so."""
    reader = time_reader(name, None, REFERENCE)
    text = "2026-11-20T10:00:00Z"
    assert reader.many([]) == []
    assert reader.many([None, None]) == [None, None]
    assert reader.many([None, text, "", text], empty=True) == [None, text, None, text]
    assert reader.many([""], empty=True) == [None]
    with pytest.raises(ValueError, match=r"no |Invalid"):
        reader.many([text, ""])


def test_a_column_of_mixed_kinds_is_read_value_by_value() -> None:
    """Numbers and numbers in text stand in one column."""
    reader = time_reader("epoch", None, REFERENCE)
    texts = ["1970-01-01T00:00:01Z", "1970-01-01T00:00:01.500000Z", "1970-01-01T00:00:02Z", None]
    assert reader.many([1, 1.5, "2", ""], empty=True) == texts


# -- zones -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "text"),
    [
        ("Europe/Berlin", "2026-11-20T09:00:00Z"),
        ("Asia/Kolkata", "2026-11-20T04:30:00Z"),
        ("+02:00", "2026-11-20T08:00:00Z"),
        ("-0930", "2026-11-20T19:30:00Z"),
        ("UTC", "2026-11-20T10:00:00Z"),
        (None, "2026-11-20T10:00:00Z"),
    ],
)
def test_times_without_a_zone_are_in_the_declared_one(zone: str | None, text: str) -> None:
    """The declared zone counts where the text has none, and only there."""
    for name, value in [
        ("iso", "2026-11-20 10:00:00"),
        ("syslog", "Nov 20 10:00:00"),
        ("%c", "Fri Nov 20 10:00:00 2026"),
    ]:
        reader = time_reader(name, zone, REFERENCE)
        assert reader.one(value) == text
        assert reader.many([value] * 3) == [text] * 3
    assert time_reader("iso", zone, REFERENCE).one("2026-11-20T10:00:00Z") == "2026-11-20T10:00:00Z"


@pytest.mark.parametrize(
    "zone", ["Europe/Berlin", "Australia/Lord_Howe", "America/St_Johns", "Asia/Kathmandu"]
)
def test_a_changing_clock_keeps_every_second(zone: str) -> None:
    """A day on which clocks change reads in columns as zoneinfo has it: skipped hours go on, repeated ones are the first."""
    known = zoneinfo.ZoneInfo(zone)
    for month, day in [(3, 29), (10, 25), (4, 5), (10, 4)]:
        midnight = datetime(2026, month, day, tzinfo=known)
        times = [midnight + timedelta(seconds=97 * i) for i in range(900)]  # by the wall's clock
        texts = [when.replace(tzinfo=None).isoformat(" ") for when in times]
        right = [when.astimezone(UTC).isoformat()[:19] + "Z" for when in times]
        assert time_reader("iso", zone, REFERENCE).many(texts) == right
        assert time_reader("%Y-%m-%d %H:%M:%S", zone, REFERENCE).many(texts) == right


def test_a_declared_zone_settles_its_own_names() -> None:
    """CST is America's, China's or Cuba's; the declared zone says which, and tells a repeated hour's two passes apart."""
    pattern = "%Y-%m-%d %H:%M:%S %Z"
    read = {
        zone: time_reader(pattern, zone, REFERENCE).one("2026-01-01 12:00:00 CST")
        for zone in ("America/Chicago", "Asia/Shanghai", "America/Havana")
    }
    assert list(read.values()) == ["2026-01-01T18:00:00Z", "2026-01-01T04:00:00Z", "2026-01-01T17:00:00Z"]
    chicago = time_reader(pattern, "America/Chicago", REFERENCE)
    assert chicago.one("2026-11-01 01:30:00 CDT") == "2026-11-01T06:30:00Z"
    assert chicago.one("2026-11-01 01:30:00 CST") == "2026-11-01T07:30:00Z"


def test_a_zone_name_has_one_meaning() -> None:
    """No name that is read without a declared zone has a second offset anywhere in the world since 2000."""
    found: dict[str, set[timedelta | None]] = {}
    for key in zoneinfo.available_timezones() - {"localtime"}:
        zone = zoneinfo.ZoneInfo(key)
        for day in (
            datetime(year, month, 1, tzinfo=UTC) for year in range(2000, 2027, 2) for month in (1, 7)
        ):
            local = day.astimezone(zone)
            found.setdefault(local.tzname() or "", set()).add(local.utcoffset())
    assert {name: found[name] for name in _NAMED if name in found} == {
        name: {offset} for name, offset in _NAMED.items() if name in found
    }
    assert set(_NAMED) - set(found) <= {"UT", "Z"}


# -- years -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reference", "text", "year"),
    [
        (datetime(2026, 1, 1, 0, 5, tzinfo=UTC), "Dec 31 23:59:59", 2025),
        (datetime(2026, 1, 1, 0, 5, tzinfo=UTC), "Jan  1 00:04:59", 2026),
        (datetime(2026, 1, 1, 0, 5, tzinfo=UTC), "Jan  2 00:05:00", 2026),
        (datetime(2026, 1, 1, 0, 5, tzinfo=UTC), "Jan  2 00:05:01", 2025),
        (datetime(2025, 12, 31, 23, 50, tzinfo=UTC), "Jan  1 00:10:00", 2026),
        (datetime(2026, 3, 1, tzinfo=UTC), "Feb 29 12:00:00", 2024),
        (datetime(2024, 3, 1, tzinfo=UTC), "Feb 29 12:00:00", 2024),
        (datetime(1903, 3, 1, tzinfo=UTC), "Feb 29 12:00:00", 1896),
        (datetime(9999, 12, 31, 23, 59, tzinfo=UTC), "Dec 31 23:00:00", 9999),
    ],
)
def test_a_missing_year_follows_from_when_the_source_was_written(
    reference: datetime, text: str, year: int
) -> None:
    """The year is that of the latest such day not more than a day after the source was last written."""
    for name, value in [("syslog", text), ("%b %d %H:%M:%S", text)]:
        for when in (reference, reference.replace(tzinfo=None)):
            reader = time_reader(name, None, when)
            assert reader.one(value)[:4] == str(year)
            assert reader.many([value] * 3) == [reader.one(value)] * 3


def test_a_column_may_cross_a_year_within_an_hour() -> None:
    """Lines of the hour in which the year is decided are read each for itself."""
    reader = time_reader("syslog", None, datetime(2026, 6, 1, 12, 30, tzinfo=UTC))
    texts = [f"Jun  2 12:{minute:02}:00" for minute in range(60)]
    assert [text[:4] for text in reader.many(texts) if text] == ["2026"] * 31 + ["2025"] * 29


def test_the_declared_zone_counts_for_the_year_too() -> None:
    """In Auckland it is New Year half a day before UTC."""
    reader = time_reader("syslog", "Pacific/Auckland", datetime(2025, 12, 30, 11, tzinfo=UTC))
    assert reader.one("Jan  1 00:00:00") == "2025-12-31T11:00:00Z"
    assert reader.one("Jan  1 00:00:01") == "2024-12-31T11:00:01Z"


# -- what is said ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "zone", "said"),
    [
        ("ios", None, "no time format 'ios'. Did you mean iso?"),
        ("yyyy-MM-dd", None, "There are: iso, epoch, "),
        ("%s", None, "seconds since 1970 are format: epoch"),
        ("%T", None, "%T is not read: write %H:%M:%S."),
        ("%-d.%m.%Y", None, "leave the - out"),
        ("%G-W%V-%u", None, "weeks of a year are not read"),
        ("%Y %", None, "% is not read: there are %Y"),
        ("%%", None, "a pattern has parts of a time"),
        ("%H:%M:%S", None, "the pattern needs a date"),
        ("%Y %H:%M", None, "the day is missing"),
        ("%b %Y %H:%M", None, "the day is missing"),
        ("%m", None, "the day is missing"),
        ("%d %Y", None, "%d needs its month"),
        ("%I:%M %d/%m/%Y", None, "%I (1 to 12) and %p (AM or PM) need each other"),
        ("%H:%M %p %d/%m/%Y", None, "need each other"),
        ("%Y %Y", None, "%Y is there twice"),
        ("%Y %y", None, "the year is there twice: %Y and %y"),
        ("%b %m %d", None, "the month is there twice: %b and %m"),
        ("%c %H", None, "%H is there twice"),
        ("iso", "europe/berlin", "no time zone 'europe/berlin'. Did you mean Europe/Berlin?"),
        ("iso", "", "Write an IANA name (Europe/Berlin), an offset (+02:00) or UTC"),
        ("iso", "Europe", "no time zone 'Europe'"),
        ("iso", "../UTC", "no time zone '../UTC'"),
        ("iso", "localtime", "no time zone 'localtime'"),
        ("iso", "right/UTC", "no time zone 'right/UTC'"),
        ("iso", "+24:00", "more than a day"),
        ("epoch_ms", "UTC", "leave the zone out"),
        ("%Y-%m-%d %z", "UTC", "leave the zone out"),
    ],
)
def test_a_wrong_format_or_zone_is_explained(name: str, zone: str | None, said: str) -> None:
    """What cannot be read, or would be read wrongly in silence, is refused with a sentence before any record."""
    with pytest.raises(ValueError, match=re.escape(said)):
        check_format(name, zone)


@pytest.mark.parametrize("name", [*NAMES, *_COMMON])
def test_every_format_that_is_offered_can_be_written(name: str) -> None:
    """What `formats_for` may answer passes the check."""
    check_format(name, None)


# -- what format are these? ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "name"),
    [
        (["2026-11-20T10:00:00Z"], "iso"),
        (["2026-11-20 10:00:00,123", "2026-11-20"], "iso"),
        (["1795168800"], "epoch"),
        (["1795168800.123", "1795168801"], "epoch"),
        (["1795168800000"], "epoch_ms"),
        (["1795168800000000"], "epoch_us"),
        (["1795168800000000000"], "epoch_ns"),
        (["20261120"], "%Y%m%d"),
        (["20261120100000"], "%Y%m%d%H%M%S"),
        (["20/Nov/2026:12:00:00 +0200"], "%d/%b/%Y:%H:%M:%S %z"),
        (["Fri Nov 20 10:00:00 2026"], "%a %b %d %H:%M:%S %Y"),
        (["Jun 14 15:16:01", "Jun  4 15:16:01"], "syslog"),
        (["Jun 14 15:16:01", "2026-06-14T15:16:01Z"], "syslog"),
        (["Fri, 20 Nov 2026 10:00:00 +0000"], "%a, %d %b %Y %H:%M:%S %z"),
        (["Fri, 20 Nov 2026 10:00:00 GMT"], "%a, %d %b %Y %H:%M:%S %Z"),
        (["2026/11/20 10:00:00"], "%Y/%m/%d %H:%M:%S"),
        (["11/20/2026 10:00:00 AM"], "%m/%d/%Y %I:%M:%S %p"),
        (["04/05/2026 10:00:00"], "%m/%d/%Y %H:%M:%S"),
        (["04/05/2026 10:00:00", "13/05/2026 10:00:00"], "%d/%m/%Y %H:%M:%S"),
        (["20.11.2026 10:00:00"], "%d.%m.%Y %H:%M:%S"),
        (["081109 203615"], "%y%m%d %H%M%S"),
        (["17/06/09 20:10:40"], "%y/%m/%d %H:%M:%S"),
        (["20171223-22:15:29:606", "20171224-0:1:3:97"], "%Y%m%d-%H:%M:%S:%L"),
        (["20171223-22:15:29:6061"], "%Y%m%d-%H:%M:%S:%f"),
        (["2005-06-03-15.42.50.363779"], "%Y-%m-%d-%H.%M.%S.%f"),
        (["03-17 16:13:38.811"], "%m-%d %H:%M:%S.%f"),
        (["2026-11-20 10:00:00.123 UTC", ""], "%Y-%m-%d %H:%M:%S.%f %Z"),
        (["17"], None),
        (["10.0.0.1"], None),
        (["2026-11-20", "1795168800"], None),
        (["yesterday"], None),
        ([""], None),
        ([], None),
    ],
)
def test_samples_tell_their_format(texts: list[str], name: str | None) -> None:
    """The format that reads all samples is found; day and month are told apart by a day after the 12th, else the month is first."""
    assert formats_for(texts) == name


# -- memory ----------------------------------------------------------------------------------------


def test_what_a_reader_remembers_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many hours and lengths go by, a reader holds a limited number of them, and reads on."""
    monkeypatch.setattr(time_frames, "_FRAMES", 4)
    monkeypatch.setattr(time_frames, "_LAYOUTS", 2)
    monkeypatch.setattr(time_epoch, "_HOURS", 4)
    reader = time_reader("%d.%m.%Y %H:%M:%S.%f", None, REFERENCE)
    for digits in ("1", "12", "123"):
        for hour in range(24):
            texts = [f"20.11.2026 {hour:02}:{minute:02}:00.{digits}" for minute in range(60)]
            assert reader.many(texts) == [
                f"2026-11-20T{hour:02}:{minute:02}:00.{digits}Z" for minute in range(60)
            ]
    layouts = reader._columns._layouts  # type: ignore[attr-defined]
    assert len(layouts) <= 2
    assert {len(layout.frames) for layout in layouts.values()} <= {1, 2, 3, 4}
    epoch = time_reader("epoch", None, REFERENCE)
    assert epoch.many([3600 * hour for hour in range(24)]) == [
        f"1970-01-01T{hour:02}:00:00Z" for hour in range(24)
    ]
    assert len(epoch._hours) <= 4  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("iso", [f"2026-11-20T10:{i:02}:{i:02}.{i:03}+02:00" for i in range(20)]),
        ("iso", [f"2026-11-20T10:{i:02}:{i:02}Z" for i in range(20)]),
        ("syslog", [f"Nov  9 10:{i:02}:{i:02}" for i in range(20)]),
        ("%y%m%d %H%M%S", [f"261120 10{i:02}{i:02}" for i in range(20)]),
        ("%d/%b/%Y:%I:%M:%S.%f %p", [f"20/Nov/2026:10:{i:02}:{i:02}.{i:09} AM" for i in range(20)]),
        ("%Y%m%d-%H:%M:%S:%L", [f"20261120-10:{i:02}:{i:02}:{i:03}" for i in range(20)]),
        ("epoch", [f"17951688{i:02}.{i:03}" for i in range(20)]),
        ("epoch_ms", [f"17951688{i:02}000" for i in range(20)]),
    ],
)
def test_one_bad_text_is_found_among_many(name: str, texts: list[str]) -> None:
    """Whatever character of one text is another, a column is read as its texts are, or refused if that one is."""
    reader = time_reader(name, None, REFERENCE)
    right = [reader.one(text) for text in texts]
    for place, character in itertools.product(range(len(texts[0])), "0369 :.x\n\u0663"):
        bad = texts[7][:place] + character + texts[7][place + 1 :]
        column = [*texts[:7], bad, *texts[8:]]
        try:
            one = reader.one(bad)
        except (ValueError, TypeError, OverflowError):
            with pytest.raises((ValueError, TypeError, OverflowError)):
                reader.many(column)
        else:
            assert reader.many(column) == [*right[:7], one, *right[8:]]


# -- real logs -------------------------------------------------------------------------------------


@pytest.mark.skipif(not LOGHUB.exists(), reason="loghub's logs are not beside the project")
@pytest.mark.parametrize(
    ("name", "columns", "pattern"),
    [
        ("Linux_2k", ("Month", "Date", "Time"), "syslog"),
        ("OpenSSH_2k", ("Date", "Day", "Time"), "syslog"),
        ("Apache_2k", ("Time",), "%a %b %d %H:%M:%S %Y"),
        ("Windows_2k", ("Date", "Time"), "iso"),
    ],
)
def test_real_logs_tell_their_format_and_are_read(name: str, columns: tuple[str, ...], pattern: str) -> None:
    """The times of 2,000 real lines have the format that is found, and are read in columns as one by one."""
    with (LOGHUB / f"{name}.log_structured.csv").open(newline="") as file:
        texts = [" ".join(row[column] for column in columns) for row in csv.DictReader(file)]
    reader = time_reader(pattern, None, REFERENCE)
    assert formats_for(texts) == pattern
    assert reader.many(texts) == [reader.one(text) for text in texts]


def _documented() -> list[tuple[str, str]]:
    """Time and format of each row of the docs' table of times."""
    page = (Path(__file__).parents[3] / "docs" / "routes.md").read_text(encoding="utf-8")
    rows = page.partition("| as it is written |")[2].partition("\n\n")[0].split("\n")[2:]
    cells = [re.findall("`([^`]+)`", row) for row in rows]
    return [(text, form) for *texts, form in cells for text in texts]


@pytest.mark.parametrize(("text", "form"), _documented())
def test_a_time_in_the_docs_is_read_as_the_docs_say(text: str, form: str) -> None:
    """Each time that the docs show is the same moment, by the format beside it."""
    found = time_reader(form, None, datetime(2026, 11, 24, tzinfo=UTC)).one(text)
    assert found[:19] == "2026-11-20T06:00:01"
