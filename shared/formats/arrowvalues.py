"""Arrow arrays, as what JSON can carry.

Rule: nothing is rounded and nothing is lost: what JSON has no type for becomes text
(times ISO 8601, decimals with all their digits, bytes base64), a map whose keys come
twice a list of pairs. Invariant: a list comes out as long as the array. Strategy:
what Arrow can turn into text in one call it does; numbers and strings become Python
objects in one call each; nested types are taken apart column by column.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any
from uuid import UUID

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from .moments import FIRST_SECOND, LAST_SECOND, day, moments, time_of_day
from .names import unique

_DIGITS = {"s": 0, "ms": 3, "us": 6, "ns": 9}
_decode = msgspec.json.Decoder()


class Values:
    """Turns arrays into lists.

    Args:
        as_text: whether bytes are text where they are valid UTF-8, and not always base64.
    """

    def __init__(self, *, as_text: bool) -> None:
        self._binary = _text_or_base64 if as_text else _base64
        self.odd = False
        """Whether a float came up that is no finite number."""

    def of(self, array: Any) -> list[Any]:
        """A value for each place of an array; None where there is none.

        Raises:
            UnicodeDecodeError: a string is no valid UTF-8.
        """
        kind = array.type
        for is_kind, convert in _KINDS:
            if is_kind(kind):
                return convert(self, array)
        return [None if value is None else str(value) for value in array.to_pylist()]

    # -- plain types ----------------------------------------------------------------------------

    def _as_it_is(self, array: Any) -> list[Any]:
        found: list[Any] = array.to_pylist()
        return found

    def _floats(self, array: Any) -> list[Any]:
        if pa.types.is_float16(array.type):
            array = array.cast(pa.float32())
        if pc.all(pc.is_finite(array)).as_py() is False:
            self.odd = True
        return self._as_it_is(array)

    def _bytes(self, array: Any) -> list[Any]:
        return _each(self._binary, array.to_pylist())

    def _text(self, array: Any) -> list[Any]:
        """Whatever Arrow's own text says in full."""
        return self._as_it_is(array.cast(pa.string()))

    def _moments(self, array: Any) -> list[Any]:
        unit, zone = array.type.unit, "Z" if array.type.tz else ""
        digits = _DIGITS[unit]
        ticks = array.view(pa.int64())
        if not _within(ticks, FIRST_SECOND * 10**digits, (LAST_SECOND + 1) * 10**digits - 1):
            return _each(moments(digits, zone), ticks.to_pylist())
        text = pc.binary_replace_slice(ticks.view(pa.timestamp(unit)).cast(pa.string()), 10, 11, "T")
        if unit == "ns":
            return _each(lambda t: t.removesuffix("00") + zone, text.to_pylist())
        return self._as_it_is(pc.binary_join_element_wise(text, zone, "") if zone else text)

    def _days(self, array: Any) -> list[Any]:
        if pa.types.is_date64(array.type):
            array = array.cast(pa.date32())
        return _each(day, array.view(pa.int32()).to_pylist())

    def _times(self, array: Any) -> list[Any]:
        digits = _DIGITS[array.type.unit]
        ticks = array.view(pa.int32() if pa.types.is_time32(array.type) else pa.int64())
        return _each(lambda tick: time_of_day(tick, digits), ticks.to_pylist())

    def _durations(self, array: Any) -> list[Any]:
        """Seconds, as text with all digits."""
        digits = _DIGITS[array.type.unit]
        return _each(lambda ticks: _seconds(ticks, digits), array.view(pa.int64()).to_pylist())

    # -- nested types ---------------------------------------------------------------------------

    def _dictionary(self, array: Any) -> list[Any]:
        if len(array.dictionary) > len(array):
            return self.of(array.dictionary.take(array.indices))
        words = self.of(array.dictionary)
        return _each(words.__getitem__, array.indices.to_pylist())

    def _lists(self, array: Any) -> list[Any]:
        return list(_cut(iter(self.of(array.flatten())), pc.list_value_length(array).to_pylist()))

    def _maps(self, array: Any) -> list[Any]:
        lists = _as_lists(array)
        keys, values = lists.flatten().flatten()
        pairs = zip(_each(_key, self.of(keys)), self.of(values), strict=True)
        return _each(_mapping, _cut(pairs, pc.list_value_length(lists).to_pylist()))

    def _structs(self, array: Any) -> list[Any]:
        names = unique([array.type.field(index).name for index in range(array.type.num_fields)])
        columns = [self.of(child) for child in array.flatten()]
        if not columns:
            return [{} if valid else None for valid in array.is_valid().to_pylist()]
        made: list[Any] = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
        if array.null_count:
            valid = array.is_valid().to_pylist()
            made = [value if there else None for value, there in zip(made, valid, strict=True)]
        return made

    def _extensions(self, array: Any) -> list[Any]:
        name = array.type.extension_name
        if name == "arrow.uuid":
            return _each(lambda value: str(UUID(bytes=value)), array.storage.to_pylist())
        stored = self.of(array.storage)
        return _each(_json, stored) if name == "arrow.json" else stored


_is = pa.types
_KINDS: list[tuple[Callable[[Any], bool], Callable[[Values, Any], list[Any]]]] = [
    (lambda kind: isinstance(kind, pa.BaseExtensionType), Values._extensions),
    (_is.is_floating, Values._floats),
    (
        lambda kind: _is.is_integer(kind) or _is.is_boolean(kind) or _is.is_null(kind),
        Values._as_it_is,
    ),
    (
        lambda kind: _is.is_string(kind) or _is.is_large_string(kind) or _is.is_string_view(kind),
        Values._as_it_is,
    ),
    (_is.is_timestamp, Values._moments),
    (_is.is_date, Values._days),
    (_is.is_time, Values._times),
    (_is.is_duration, Values._durations),
    (_is.is_decimal, Values._text),
    (
        lambda kind: _is.is_binary(kind) or _is.is_large_binary(kind) or _is.is_fixed_size_binary(kind),
        Values._bytes,
    ),
    (_is.is_dictionary, Values._dictionary),
    (_is.is_map, Values._maps),
    (
        lambda kind: _is.is_list(kind) or _is.is_large_list(kind) or _is.is_fixed_size_list(kind),
        Values._lists,
    ),
    (_is.is_struct, Values._structs),
]


def weight(array: Any) -> int:
    """About how many bytes an array's values take, those of nothing but places in a list included."""
    kind = array.type
    if isinstance(kind, pa.BaseExtensionType):
        return weight(array.storage)
    if _is.is_struct(kind):
        return sum(map(weight, array.flatten())) + 8 * len(array)
    if _is.is_map(kind):
        return weight(_as_lists(array))
    if _is.is_list(kind) or _is.is_large_list(kind) or _is.is_fixed_size_list(kind):
        return weight(array.flatten()) + 8 * len(array)
    return int(array.nbytes) + 8 * len(array)


def _as_lists(maps: Any) -> Any:
    """Maps as lists of pairs: what takes a list apart, and minds where a slice begins, takes no map."""
    kind = maps.type
    pair = [pa.field("key", kind.key_type, nullable=False), pa.field("value", kind.item_type)]
    return maps.cast(pa.list_(pa.struct(pair)))


def _each(convert: Callable[[Any], Any], values: Any) -> list[Any]:
    return [None if value is None else convert(value) for value in values]


def _cut(values: Iterator[Any], lengths: list[int | None]) -> Iterator[list[Any] | None]:
    for length in lengths:
        yield None if length is None else list(islice(values, length))


def _within(ticks: Any, low: int, high: int) -> bool:
    found = pc.min_max(ticks).as_py()
    return found["min"] is None or (found["min"] >= low and found["max"] <= high)


def _seconds(ticks: int, digits: int) -> str:
    whole, fraction = divmod(abs(ticks), 10**digits)
    sign = "-" if ticks < 0 else ""
    return f"{sign}{whole}.{fraction:0{digits}}" if digits else f"{sign}{whole}"


def _key(value: Any) -> str:
    """A map's key: text, or what JSON calls it."""
    return value if type(value) is str else msgspec.json.encode(value).decode()


def _mapping(pairs: list[tuple[str, Any]]) -> Any:
    found = dict(pairs)
    return found if len(found) == len(pairs) else [list(pair) for pair in pairs]


def _json(text: Any) -> Any:
    try:
        return _decode.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError, TypeError):
        return text


def _base64(value: bytes) -> str:
    return b64encode(value).decode("ascii")


def _text_or_base64(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return _base64(value)
