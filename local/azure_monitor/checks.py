"""The fast check: whether there is anything in a post that Azure would lose.

Rule: yes or no, and no explanation; `careful.py` finds the words. Strategy: a
msgspec type made from the stream's columns refuses undeclared fields, wrong types,
numbers out of range, long strings, broken UTF-8 and NaN while it decodes; what it
lets through is looked at with a few passes in C over the whole post.

Invariant: a post that passes needs no change at all before it is stored. A false
alarm only costs time. A repeated key is seen by counting: the keys in the text
against the fields that were set plus the keys inside dynamic values. Keys with
white space before their colon count too low and raise a false alarm.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter, countOf
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from .careful import MAX_VALUE, OLDEST, YOUNGEST, as_text, check_carefully
from .config import StreamSpec
from .losses import Findings

_Text = Annotated[str, Meta(max_length=MAX_VALUE // 4)]  # characters take up to four bytes
_TYPES: dict[str, Any] = {
    "string": _Text | int | float | bool | None | UnsetType,
    "int": Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)] | None | UnsetType,
    "long": Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | None | UnsetType,
    "real": float | None | UnsetType,
    "boolean": bool | None | UnsetType,
    "datetime": dt.datetime | None | UnsetType,
}
_TIME = "TimeGenerated"


@dataclass(frozen=True, slots=True)
class Checked:
    """What is left of a post."""

    rows: int
    """Elements of the array, whatever became of them."""
    body: bytes | None
    """A JSON array of the rows that Azure would take, as it would take them; None if there are none."""
    findings: Findings


class Checker:
    """Checks the posts of one stream."""

    def __init__(self, spec: StreamSpec) -> None:
        self.spec = spec
        plain = [(name, _TYPES[kind], UNSET) for name, kind in spec.columns.items() if kind != "dynamic"]
        self._dynamic = [name for name, kind in spec.columns.items() if kind == "dynamic"]
        time: list[tuple[Any, ...]] = [(_TIME, Annotated[dt.datetime, Meta(tz=True)])]
        self._timed = spec.columns.get(_TIME) == "datetime"
        fields = [field for field in plain if field[0] != _TIME or not self._timed]
        self._plain = [name for name, *_ in fields]
        fields_of_row = (
            (time if self._timed else []) + fields + [(name, Raw, Raw()) for name in self._dynamic]
        )
        row = msgspec.defstruct(  # a renamed field keeps `__init__` and the like usable as columns
            "Row",
            [(f"c{index}", *field[1:]) for index, field in enumerate(fields_of_row)],
            rename={f"c{index}": field[0] for index, field in enumerate(fields_of_row)},
            forbid_unknown_fields=True,
            gc=False,
        )
        self._attribute = {field[0]: f"c{index}" for index, field in enumerate(fields_of_row)}
        self._decode: Callable[[bytes], list[Any]] = msgspec.json.Decoder(list[row]).decode  # type: ignore[valid-type]

    def check(self, body: bytes, received: dt.datetime) -> Checked:
        """What Azure would keep of a post's body, and what it would lose.

        Args:
            body: the decompressed bytes.
            received: time of receipt, with its zone.
        """
        rows = self._fast(body, received)
        if rows is not None:
            return Checked(rows, body if rows else None, Findings())
        findings = Findings()
        count, kept = check_carefully(self.spec.columns, body, received, findings)
        return Checked(count, as_text(kept).encode() if kept else None, findings)

    def _fast(self, body: bytes, received: dt.datetime) -> int | None:
        """How many rows the post has if nothing at all is wrong with it, else None."""
        try:
            if not body.isascii():
                body.decode()  # Raw fields are not looked into
            rows = self._decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        if not rows:
            return 0
        if self._timed and not self._times_fit(rows, received):
            return None
        keys = self._set_fields(rows)
        for name in self._dynamic:
            found = self._inside(name, rows)
            if found is None:
                return None
            keys += found
        return len(rows) if _count_keys(body) == keys else None

    def _times_fit(self, rows: Sequence[Any], received: dt.datetime) -> bool:
        times = list(map(attrgetter(self._attribute[_TIME]), rows))
        return bool(min(times) >= received - OLDEST and max(times) <= received + YOUNGEST)

    def _set_fields(self, rows: Sequence[Any]) -> int:
        timed = len(rows) if self._timed else 0
        if not self._plain:
            return timed
        get = attrgetter(*(self._attribute[name] for name in self._plain))
        values: Any = map(get, rows) if len(self._plain) == 1 else chain.from_iterable(map(get, rows))
        return timed + len(rows) * len(self._plain) - countOf(values, UNSET)

    def _inside(self, name: str, rows: Sequence[Any]) -> int | None:
        """Keys that a dynamic column accounts for; None if one of its values needs a closer look."""
        values = list(map(attrgetter(self._attribute[name]), rows))
        sizes = list(map(len, values))
        if max(sizes) > MAX_VALUE:
            return None
        text = b"".join(values)
        if b"\\u" in text:  # might be a lone surrogate
            return None
        return len(rows) - sizes.count(0) + _count_keys(text)


def _count_keys(text: bytes) -> int:
    """Colons right after a closing quote; an escaped quote closes nothing."""
    escaped = text.count(b'\\":') if b"\\" in text else 0
    return text.count(b'":') - escaped
