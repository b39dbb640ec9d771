"""Keys of records to columns: names, types, the time.

Rule: a type is kept as long as every value seen fits it, by the same casts that the
shaper uses; what fits none is text. Invariant: each key has one column, or is left to
the "*" column; names are legal and differ by more than case. Strategy: a block's
values of a key are tried as a whole, so that looking at a file costs little more than
reading it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..model import Block, Record
from ..routes.names import legal
from ..shape.bulk import BULK
from ..shape.times import NAMES, formats_for

MAX_COLUMNS = 80
_DEPTH = 3
_TIMES_LOOKED_AT = 200
_BAD = (ValueError, TypeError, OverflowError)
_ORDER = ("boolean", "int", "long", "real")
_TIME_NAMES = (
    *(
        "timegenerated",
        "@timestamp",
        "flowtime",
        "timestamp",
        "datetime",
        "eventtime",
        "time",
        "ts",
        "date",
        "when",
    ),
    *("createddatetime", "created", "start", "rt", "systemtime", "enqueuedtimeutc", "received"),
)
_ID = re.compile(r"[+-]?0\d|\d{16,}|[+-]?\d+[eE]")
_CLOCK = re.compile(r"\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?(?: ?[AaPp][Mm])?")
_OFFSET = re.compile(r"[+-]\d\d:?\d\d")
_APART = (
    *(("date", "time"), ("day", "time"), ("date", "hour")),
    *(("month", "day", "time"), ("month", "date", "time"), ("date", "day", "time")),
)
"""Names of the parts of a time, in the order in which they are one text."""
_ZONE_NAMES = ("tz", "timezone", "zone", "offset", "utcoffset")


@dataclass(slots=True)
class Key:
    """What was seen of one key."""

    name: str
    """As it stands in a route: a dotted path goes into objects."""
    kinds: set[type] = field(default_factory=set)
    fits: list[str] = field(default_factory=lambda: list(_ORDER))
    samples: list[str] = field(default_factory=list)
    """Texts and numbers that may be times."""
    number_of: int = 0
    largest: int = 0
    ids: bool = False
    """Whether a text looks like an identifier: leading zeros, more digits than a number has."""

    def see(self, values: Sequence[Any]) -> None:
        """Take values of a block, none of them None."""
        self.number_of += len(values)
        self.kinds |= set(map(type, values))
        filled = [value for value in values if value != ""]
        self.fits = [kind for kind in self.fits if not filled or _all_fit(kind, filled)]
        if len(self.samples) < _TIMES_LOOKED_AT:
            texts = [v if isinstance(v, str) else repr(v) for v in filled if type(v) in {str, int, float}]
            self.samples += texts[: _TIMES_LOOKED_AT - len(self.samples)]
        if "int" in self.fits and filled:
            self.largest = max(self.largest, *(abs(int(value)) for value in filled))
        if self.kinds & {str} and not self.ids:
            self.ids = any(type(v) is str and _ID.match(v) for v in filled[:200])

    @property
    def time_format(self) -> str | None:
        """How its values are written as times, if all of them are."""
        if not self.samples or self.kinds & {dict, list, bool}:
            return None
        return formats_for(self.samples)

    @property
    def type(self) -> str:
        """The narrowest type that every value fits."""
        if self.kinds & {dict, list}:
            return "dynamic"
        if not self.samples and bool not in self.kinds:
            return "string"
        if self.ids or self._is_version or (str in self.kinds and len(self.kinds) > 1):
            return "string"
        found = next((kind for kind in self.fits if kind != "boolean" or self._is_truth()), "string")
        return "long" if found == "int" and self.largest > 100_000 else found

    @property
    def _is_version(self) -> bool:
        """Of a version, 1.10 is not 1.1."""
        return str in self.kinds and self.name.lower().endswith("version")

    def all_are(self, pattern: re.Pattern[str]) -> bool:
        """Whether every text seen has this form."""
        return bool(self.samples) and self.kinds == {str} and all(map(pattern.fullmatch, self.samples))

    @property
    def is_day(self) -> bool:
        """Whether its values are dates without a time of day."""
        form = self.time_format if self.kinds == {str} else None
        return (
            form is not None
            and not form.startswith("epoch")
            and not any(":" in text for text in self.samples)
        )

    def _is_truth(self) -> bool:
        words = {sample.lower() for sample in self.samples}
        return self.kinds == {bool} or (bool(words) and words <= {"true", "false"})


class Keys:
    """All keys of the records seen."""

    def __init__(self) -> None:
        self.by_name: dict[str, Key] = {}
        self.records = 0

    def see(self, block: Block) -> None:
        """Take the records of a block, whose records are dicts or named rows."""
        self.records += len(block.records)
        if block.names is not None and not _holds_objects(block):
            for name, values in zip(block.names, zip(*block.records, strict=True), strict=False):
                self._column(name, [value for value in values if value is not None])
            return
        columns: dict[str, list[Any]] = {}
        for record in block.dicts():
            _flat(record, "", columns, _DEPTH)
        for name, found in columns.items():
            self._column(name, found)

    def _column(self, name: str, values: list[Any]) -> None:
        if values:
            self.by_name.setdefault(name, Key(name)).see(values)

    def columns(self, *, old: bool) -> dict[str, dict[str, Any]]:
        """The columns of a route, as routes.yaml has them.

        Args:
            old: whether the times are such that Azure would replace them: then the record's own is kept in a
                column besides TimeGenerated.
        """
        found: dict[str, dict[str, Any]] = {}
        time, declared = self._time()
        if declared:
            found["TimeGenerated"] = {"type": "datetime", **declared}
            if old:
                found["EventTime"] = {"type": "datetime", **declared}
        for key in self._worth_a_column():
            if key.name in time:
                continue
            name = legal(key.name, found)
            found[name] = _declared(key, name)
        return found

    def _worth_a_column(self) -> list[Key]:
        """The keys that most records have first, if there are too many."""
        keys = [key for key in self.by_name.values() if key.name and all(key.name.split("."))]
        if len(keys) <= MAX_COLUMNS:
            return keys
        often = sorted(keys, key=lambda key: -key.number_of)[:MAX_COLUMNS]
        return [key for key in keys if key in often]

    def _time(self) -> tuple[set[str], dict[str, Any]]:
        """The keys that TimeGenerated comes from, and how."""
        joined = self._date_and_time()
        if joined is not None:
            return joined
        times = {key.name: form for key in self.by_name.values() if (form := self._as_time(key)) is not None}
        if not times:
            return set(), {}
        name = min(times, key=_time_rank)
        return {name}, {"from": name, **_format(times[name])}

    def _as_time(self, key: Key) -> str | None:
        """A number is a time only if it is called one."""
        form = key.time_format
        if form is None or (form.startswith("epoch") and _time_rank(key.name) >= len(_TIME_NAMES)):
            return None
        return form if key.number_of >= self.records * 0.9 else None

    def _date_and_time(self) -> tuple[set[str], dict[str, Any]] | None:
        """A date in one key and the time of day in another, perhaps the offset from UTC in a third."""
        for apart in self._dates_and_times():
            offset = self._offset(apart[0])
            keys = [*apart, offset] if offset is not None else [*apart]
            texts = [" ".join(parts) for parts in zip(*(key.samples for key in keys), strict=False)]
            form = formats_for(texts)
            if form is not None:
                # an offset stays a column too: UTC does not tell what it was
                return {key.name for key in apart}, {"join": [key.name for key in keys], **_format(form)}
        return None

    def _dates_and_times(self) -> Iterator[tuple[Key, ...]]:
        """Keys that may be a date and a time of day: by their names, else by what they hold."""
        lower = {name.lower(): key for name, key in self.by_name.items()}
        for names in _APART if "datetime" not in lower else ():
            keys = [lower[name] for name in names if name in lower]
            texts = len(keys) == len(names) and all(key.samples and key.kinds == {str} for key in keys)
            if texts and keys[-1].time_format is None:
                yield tuple(keys)
        if any(self._as_time(key) and not key.is_day for key in self.by_name.values()):
            return
        clocks = [key for key in self.by_name.values() if key.all_are(_CLOCK)]
        days = [key for key in self.by_name.values() if clocks and key.is_day]
        yield from (
            (day, clock) for day in days[:1] for clock in clocks[:1] if day.number_of == clock.number_of
        )

    def _offset(self, beside: Key) -> Key | None:
        """The key that says how far from UTC the times are, if there is one."""
        for key in self.by_name.values():
            if key.name.lower() in _ZONE_NAMES and key.number_of == beside.number_of and key.all_are(_OFFSET):
                return key
        return None


def _declared(key: Key, name: str) -> dict[str, Any]:
    form = key.time_format if str in key.kinds else None
    declared: dict[str, Any] = {} if name == key.name else {"from": key.name}
    if form is not None and not form.startswith("epoch") and _says_its_year(form, key.samples):
        return {"type": "datetime", **declared, **_format(form)}
    return {"type": key.type, **declared}


def _says_its_year(form: str, samples: Sequence[str]) -> bool:
    """Whether no year has to be guessed, which may be done for the row's own time only."""
    if form in {"syslog", "cef"}:
        return all(re.search(r"(?<!\d)\d{4}(?!\d)", text) for text in samples)
    return form in NAMES or any(part in form for part in ("%Y", "%y", "%c", "%x"))


def _format(form: str) -> dict[str, str]:
    return {} if form == "iso" else {"format": form}


def _time_rank(name: str) -> int:
    last = name.rpartition(".")[2].lower().replace("_", "").replace("-", "").removeprefix("$")
    for rank, word in enumerate(_TIME_NAMES):
        if last == word:
            return rank
    return len(_TIME_NAMES) - (1 if "time" in last else 0) + (1 if "time" not in last else 0)


def _all_fit(kind: str, values: list[Any]) -> bool:
    try:
        BULK[kind](values)
    except _BAD:
        return False
    return True


def _holds_objects(block: Block) -> bool:
    return any(type(value) is dict for record in block.records[:50] for value in record)


def _flat(record: Record, prefix: str, columns: dict[str, list[Any]], depth: int) -> None:
    """A record's values by dotted path; objects with few keys are gone into."""
    for key, value in record.items():
        if value is None:
            continue
        name = f"{prefix}{key}"
        inner = isinstance(value, dict) and depth > 1 and 0 < len(value) <= 30 and _names(value)
        if inner:
            _flat(value, f"{name}.", columns, depth - 1)
        else:
            columns.setdefault(name, []).append(value)


def _names(keys: Iterable[str]) -> bool:
    """Whether an object's keys are names and not data."""
    return all(re.fullmatch(r"[@$]?[^\W\d][\w@$-]{0,60}", key) for key in keys)
