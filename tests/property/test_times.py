"""Readers of times agree with Python's own, alone and in columns."""

from __future__ import annotations

import re
from calendar import isleap
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.shape.times import _COMMON, NAMES, TimeReader, formats_for, time_reader

REFERENCE = datetime(2026, 11, 20, 12, tzinfo=UTC)
BAD = (ValueError, TypeError, OverflowError)
AS_AZURE_TAKES_IT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,7})?Z", re.ASCII
)

PATTERNS = [
    "%d/%b/%Y:%H:%M:%S %z",
    "%a %b %d %H:%M:%S %Y",
    "%A, %d. %B %Y %I:%M:%S %p",
    "%Y/%m/%d %H:%M:%S.%f",
    "%d.%m.%y %H:%M:%S",
    "%m/%d/%Y %I:%M:%S %p %z",
    "%y%m%d %H%M%S",
    "%Y%m%d-%H:%M:%S:%f",
    "%d%H%M%S%m%Y",
    "%H%M%S%d%m%Y",
    "%H%M%S%f %d%m%Y",
    "%B %d %Y %H:%M:%S:%f",
    "%f %S:%M:%H %d.%m.%Y",
    "%M:%S %H %j %Y",
    "%Y-%m-%d %Hh%Mm%Ss",
    "%w %u %d%b%Y\t%H:%M:%S %%",
    "%Y-%m-%dT%H:%M",
    "%c",
]
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Africa/Monrovia",
         "Europe/Amsterdam", "Pacific/Apia", "America/St_Johns"]  # fmt: skip
CHARACTERS = "0123456789:/ -+.,ZzTWaApPmMNov\n٣é"

moments = st.datetimes(datetime(1900, 1, 3), datetime(2100, 1, 1))  # noqa: DTZ001 - what walls say
offsets = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
fractions = st.text("0123456789", max_size=9)


@st.composite
def runs(draw: st.DrawFn) -> list[datetime]:
    """Times as a log has them: near each other, or not."""
    start, step = draw(moments), draw(st.sampled_from([0.001, 1, 59, 600, 3601, 90_000, 10_000_000]))
    return [start + timedelta(seconds=step * i) for i in range(draw(st.integers(1, 40)))]


@st.composite
def damaged(draw: st.DrawFn, text: str) -> str:
    """A text with a few characters put in, taken out or exchanged."""
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(text)))
        text = (
            text[:place] + draw(st.sampled_from(["", *CHARACTERS])) + text[place + draw(st.integers(0, 1)) :]
        )
    return text


def one(reader: TimeReader, value: object) -> str | None:
    """The text of a value, or None: then it raised what it may raise."""
    try:
        return reader.one(value)
    except BAD:
        return None


def column(reader: TimeReader, values: list[str]) -> list[str | None]:
    """The texts of values, once it is sure that a column of them gives the same."""
    ones = [one(reader, value) for value in values]
    if None in ones:
        with pytest.raises(BAD):
            reader.many(list(values))
    good = [value for value, found in zip(values, ones, strict=True) if found is not None]
    assert reader.many(good) == [found for found in ones if found is not None]
    return ones


def instant(text: str | None) -> datetime | None:
    """What a text that was read says, after a look at its form."""
    if text is None:
        return None
    assert AS_AZURE_TAKES_IT.fullmatch(text)
    return datetime.fromisoformat(text)


def by_python(text: str, pattern: str) -> datetime | None:
    try:
        when = datetime.strptime(text, pattern)  # noqa: DTZ007 - without a zone it is UTC
        return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    except BAD:
        return None


@given(runs(), fractions, st.sampled_from("T _"), st.sampled_from(".,"), st.none() | st.just(UTC) | offsets)
def test_iso_is_what_python_reads(
    times: list[datetime], fraction: str, between: str, point: str, zone: timezone | None
) -> None:
    """ISO 8601 text is the instant that datetime.fromisoformat reads, with its digits up to the seventh."""
    end = (
        ""
        if zone is None
        else "Z"
        if zone is UTC
        else times[0].replace(tzinfo=zone, microsecond=0).isoformat()[19:]
    )
    clocks = [when.replace(microsecond=0).isoformat(between) for when in times]
    texts = [f"{clock}{point}{fraction}{end}" if fraction else f"{clock}{end}" for clock in clocks]
    found = column(time_reader("iso", None, REFERENCE), texts)
    assert [instant(text) for text in found] == [
        datetime.fromisoformat(text if end else f"{text}Z") for text in texts
    ]
    assert {(text or "")[19:].strip(".Z") for text in found} == {fraction[:7]}


@given(moments, st.none() | offsets, st.data())
def test_damaged_iso_is_no_other_time(when: datetime, zone: timezone | None, data: st.DataObject) -> None:
    """Whatever is read as ISO 8601 is what datetime.fromisoformat reads; whatever it refuses is refused."""
    texts = [data.draw(damaged(when.replace(tzinfo=zone).isoformat())) for _ in range(6)]
    for text, found in zip(texts, column(time_reader("iso", None, REFERENCE), texts), strict=True):
        try:
            right = datetime.fromisoformat(text)
            right = right.replace(tzinfo=UTC) if right.tzinfo is None else right.astimezone(UTC)
        except BAD:
            assert found is None
        else:
            assert instant(found) in {right, None}


@pytest.mark.parametrize("pattern", PATTERNS)
@given(times=runs(), zone=offsets, padded=st.booleans())
@settings(max_examples=40)
def test_patterns_are_what_python_reads(
    pattern: str, times: list[datetime], zone: timezone, *, padded: bool
) -> None:
    """A pattern reads what datetime.strptime reads, in columns too, with numbers padded and not."""
    texts = [when.replace(tzinfo=zone).strftime(pattern) for when in times]
    if not padded:
        texts = [re.sub(r"\b0(?=[0-9])", "", text) for text in texts]
    found = column(time_reader(pattern, None, REFERENCE), texts)
    assert [instant(text) for text in found] == [by_python(text, pattern) for text in texts]


@pytest.mark.parametrize("pattern", PATTERNS)
@given(when=moments, data=st.data())
@settings(max_examples=40)
def test_damaged_text_is_no_other_time(pattern: str, when: datetime, data: st.DataObject) -> None:
    """Whatever a pattern reads is what datetime.strptime reads; more than six digits of fraction apart, it reads no more."""
    text = when.replace(tzinfo=UTC).strftime(pattern)
    texts = [data.draw(damaged(text)) for _ in range(6)]
    for text, found in zip(texts, column(time_reader(pattern, None, REFERENCE), texts), strict=True):
        right = by_python(text, pattern)
        if right is None:
            assert found is None or len(found) > len("YYYY-MM-DDTHH:MM:SS.123456Z")
        else:
            assert instant(found) == right or not text.isascii() or ("%j" in pattern and found is None)


@given(st.lists(fractions.filter(bool), min_size=1, max_size=20))
def test_fractions_keep_seven_digits(digits: list[str]) -> None:
    """A fraction in a pattern is kept as it is written, up to Azure's seven digits."""
    texts = [f"20.11.2026 10:00:00,{fraction}" for fraction in digits]
    found = column(time_reader("%d.%m.%Y %H:%M:%S,%f", None, REFERENCE), texts)
    assert found == [f"2026-11-20T10:00:00.{fraction[:7]}Z" for fraction in digits]


@given(
    runs(), st.sampled_from(ZONES), st.sampled_from(["iso", "%Y-%m-%d %H:%M:%S.%f", "%j %Y %I:%M:%S.%f %p"])
)
def test_zones_are_what_zoneinfo_says(times: list[datetime], zone: str, pattern: str) -> None:
    """A time without a zone is that of the declared zone, as zoneinfo has it, whatever its clocks do."""
    texts = [when.isoformat(" ") if pattern == "iso" else when.strftime(pattern) for when in times]
    found = column(time_reader(pattern, zone, REFERENCE), texts)
    known = ZoneInfo(zone)
    assert [instant(text) for text in found] == [when.replace(tzinfo=known).astimezone(UTC) for when in times]


@given(
    st.lists(st.integers(-(10**11), 10**11), min_size=1, max_size=20),
    st.sampled_from([0, 3, 6, 9]),
    st.integers(0, 12),
)
def test_epochs_are_exact(numbers: list[int], digits: int, places: int) -> None:
    """Numbers since 1970, and such in text with any fraction, are exact to the 100 ns."""
    reader = time_reader(["epoch", "epoch_ms", "epoch_us", "epoch_ns"][digits // 3], None, REFERENCE)
    numbers = [number * 10**digits + number % 1000 for number in numbers]
    whole = [one(reader, number) for number in numbers]
    assert column(reader, [str(number) for number in numbers]) == whole
    assert reader.many([n for n, t in zip(numbers, whole, strict=True) if t]) == [t for t in whole if t]
    texts = [f"{number}.{'123456789012'[:places]}" for number in numbers]
    for values, found in ((map(str, numbers), whole), (texts, column(reader, texts))):
        for value, text in zip(values, found, strict=True):
            assert text is None or ticks(text) == Decimal(value).scaleb(7 - digits) // 1 - (
                Decimal(value) < 0 and Decimal(value).scaleb(7 - digits) % 1 != 0
            )


def ticks(text: str) -> int:
    """Of 100 ns since 1970."""
    seconds = datetime.fromisoformat(text[:19] + "Z") - datetime(1970, 1, 1, tzinfo=UTC)
    return (seconds // timedelta(seconds=1)) * 10**7 + int(text[20:-1].ljust(7, "0"))


@given(st.lists(st.floats(-6e10, 2.5e11), min_size=1, max_size=20))
def test_floats_are_exact_to_the_microsecond(numbers: list[float]) -> None:
    """A float is the nearest microsecond."""
    found = time_reader("epoch", None, REFERENCE).many(numbers)
    assert [text and ticks(text) for text in found] == [round(number * 1e6) * 10 for number in numbers]


@given(st.datetimes(datetime(1950, 1, 1), datetime(2090, 1, 1)), runs(), st.sampled_from(ZONES))  # noqa: DTZ001
def test_a_missing_year_is_the_latest_that_can_be(
    reference: datetime, times: list[datetime], zone: str
) -> None:
    """A time without a year is at most a day after the reference, and no later year would be; day and time stay."""
    latest = reference.replace(tzinfo=UTC) + timedelta(days=1)
    texts = [when.strftime("%b %d %H:%M:%S") for when in times]
    for name in ("syslog", "%b %d %H:%M:%S"):
        found = column(time_reader(name, zone, reference), texts)
        for when, text in zip(times, found, strict=True):
            utc = instant(text)
            assert utc is not None
            assert utc <= latest
            years = [utc.year + i for i in range(-1, 9)]
            days = [(y, when.month, when.day) for y in years if when.month != 2 or when.day < 29 or isleap(y)]
            walls = [datetime(*d, when.hour, when.minute, when.second, tzinfo=ZoneInfo(zone)) for d in days]
            assert max(wall.astimezone(UTC) for wall in walls if wall.astimezone(UTC) <= latest) == utc


@pytest.mark.parametrize("name", [*NAMES, *PATTERNS, "%Y-%m-%d %Z"])
@given(
    values=st.lists(st.text() | st.text(CHARACTERS) | st.none() | st.integers() | st.floats() | st.booleans())
)
@settings(max_examples=50)
def test_anything_is_read_or_refused(name: str, values: list[object]) -> None:
    """Any value at all gives text as Azure takes it, or one of the three errors; a column gives the same."""
    reader = time_reader(name, "Europe/Berlin", REFERENCE)
    ones = [None if value is None else one(reader, value) for value in values]
    for text in ones:
        assert instant(text) or text is None
    if all(text is not None or value is None for text, value in zip(ones, values, strict=True)):
        assert reader.many(list(values)) == ones
    else:
        with pytest.raises(BAD):
            reader.many(list(values))


@pytest.mark.parametrize("pattern", [p for p in _COMMON if p != "syslog"])
@given(times=st.lists(st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1))))  # noqa: DTZ001
@settings(max_examples=20)
def test_a_common_pattern_is_recognised(pattern: str, times: list[datetime]) -> None:
    """What a common pattern wrote is read by the format that is found for it, as the very same times."""
    moments = [when.replace(tzinfo=UTC) for when in [*times, datetime(2022, 12, 31)]]  # noqa: DTZ001
    texts = [when.strftime(pattern.replace("%L", str(when.microsecond // 1000))) for when in moments]
    name = formats_for(texts)
    assert name is not None
    ours = time_reader(name, None, REFERENCE).many(texts)
    right = time_reader(pattern, None, REFERENCE).many(texts)
    if "%y" not in pattern:  # 01/02/03 has three meanings
        assert [instant(text) for text in ours] == [instant(text) for text in right]
