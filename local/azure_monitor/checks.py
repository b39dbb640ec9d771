"""The fast check: whether there is anything in a post that Azure would lose.

Rule: yes or no, and no explanation; `careful.py` finds the words. Strategy: a
msgspec type made from the stream's columns refuses undeclared fields, wrong types,
numbers out of range, long strings, broken UTF-8 and NaN while it decodes; what it
lets through is looked at with a few passes in C over the whole post.

Invariant: a post that passes needs no change at all before it is stored. A false
alarm only costs time. A repeated key is seen by counting: the keys in the text
against the fields that were set plus the keys inside dynamic values. Keys with
white space before their colon count too low and raise a false alarm. Inside a
dynamic value only what would cost the value or the post is looked for: a repeated
key there, or a number beyond a real, passes as the JSON text that it is.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence, Set
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
    "string": _Text | int | float | bool | None,
    "int": Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)] | None,
    "long": Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | None,
    "real": float | None,
    "boolean": bool | None,
    "datetime": dt.datetime | None,
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
        self._timed = spec.columns.get(_TIME) == "datetime"
        self._dynamic = [name for name, kind in spec.columns.items() if kind == "dynamic"]
        required = {_TIME} if self._timed else set()
        self._plain = [name for name in spec.columns if name not in {*self._dynamic, *required}]
        self._attribute = {name: f"c{index}" for index, name in enumerate(spec.columns)}
        self._decode = self._decoder(required)
        self._decode_full = self._decoder({*required, *self._plain})
        self._full = True

    def _decoder(self, required: Set[str]) -> Callable[[bytes], list[Any]]:
        """Decodes rows that have these columns at least; their attributes are c0, c1, ...

        Attributes have names of their own, so that a column may be called anything.
        """
        columns = sorted(self.spec.columns.items(), key=lambda item: item[0] not in required)
        row = msgspec.defstruct(
            "Row",
            [_field(self._attribute[name], name, kind, name in required) for name, kind in columns],
            rename={attribute: name for name, attribute in self._attribute.items()},
            forbid_unknown_fields=True,
            gc=False,
        )
        decode: Callable[[bytes], list[Any]] = msgspec.json.Decoder(list[row]).decode  # type: ignore[valid-type]
        return decode

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
            rows, full = self._rows(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        if not rows:
            return 0
        if self._timed and not self._times_fit(rows, received):
            return None
        keys = len(rows) * (len(self._plain) + self._timed) - (0 if full else self._unset(rows))
        for name in self._dynamic:
            found = self._inside(name, rows)
            if found is None:
                return None
            keys += found
        return len(rows) if _count_keys(body) == keys else None

    def _times_fit(self, rows: Sequence[Any], received: dt.datetime) -> bool:
        times = list(map(attrgetter(self._attribute[_TIME]), rows))
        return bool(min(times) >= received - OLDEST and max(times) <= received + YOUNGEST)

    def _rows(self, body: bytes) -> tuple[list[Any], bool]:
        """The rows, and whether each has every plain column.

        Most producers write every column or leave nulls out, always: once a stream is seen
        to leave some out, the first is not tried again.
        """
        if self._full:
            try:
                return self._decode_full(body), True
            except msgspec.ValidationError:
                rows = self._decode(body)
                self._full = False
                return rows, False
        return self._decode(body), False

    def _unset(self, rows: Sequence[Any]) -> int:
        """How many plain fields the rows leave out."""
        if not self._plain:
            return 0
        get = attrgetter(*(self._attribute[name] for name in self._plain))
        values: Any = map(get, rows) if len(self._plain) == 1 else chain.from_iterable(map(get, rows))
        return countOf(values, UNSET)

    def _inside(self, name: str, rows: Sequence[Any]) -> int | None:
        """Keys that a dynamic column accounts for; None if one of its values needs a closer look."""
        values = list(map(attrgetter(self._attribute[name]), rows))
        sizes = list(map(len, values))
        if max(sizes) > MAX_VALUE:
            return None
        text = b"".join(values)
        if b"\\ud" in text or b"\\uD" in text:  # might be a lone surrogate
            return None
        return len(rows) - sizes.count(0) + _count_keys(text)


def _field(attribute: str, name: str, kind: str, required: bool) -> tuple[Any, ...]:
    if kind == "dynamic":
        return attribute, Raw, Raw()
    if required and name == _TIME:
        return attribute, Annotated[dt.datetime, Meta(tz=True)]
    return (attribute, _TYPES[kind]) if required else (attribute, _TYPES[kind] | UnsetType, UNSET)


def _count_keys(text: bytes) -> int:
    """Colons right after a closing quote; an escaped quote closes nothing."""
    escaped = text.count(b'\\":') if b"\\" in text else 0
    return text.count(b'":') - escaped
