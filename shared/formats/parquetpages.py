"""What a Parquet file says of itself: its footer, and the headers of its pages.

Rule: Arrow believes what a file says and makes room for it, and where a footer is
damaged in some ways asking Arrow about a column ends the process (pyarrow 26.0.1:
a C++ exception that nobody catches); so both are read here first. Invariant:
whatever the bytes are, the functions here end, and raise ValueError and nothing
else. Strategy: of a footer what the sizes follow from is kept; of a column's pages
nothing but the headers is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from .thrift import Fields, read_struct

STRINGS = 6
"""The physical type of values that have a length of their own."""
_WIDTHS = {0: 1, 1: 4, 2: 8, 3: 12, 4: 4, 5: 8}
"""Bytes of the other physical types: boolean, int32, int64, int96, float, double."""
_REPEATED = 2

_COLUMN: Fields = {3: {3: [bytes], 5: int, 9: int, 11: int}, 8: {}}
_FOOTER: Fields = {2: [{1: int, 2: int, 3: int, 5: int}], 3: int, 4: [{1: [_COLUMN], 2: int, 3: int}]}

_LONGEST_HEADER = 1024 * 1024
"""Bytes: statistics in it may hold whole values."""
_FIRST_LOOK = 256
_DATA, _INDEX, _DICTIONARY, _DATA_V2 = 0, 1, 2, 3
_PLACE = {_DATA: 5, _DICTIONARY: 7, _DATA_V2: 8}
"""Of each kind of page the field that has its number of values."""
_PAGE: Fields = {1: int, 2: int, 3: int, **{place: {1: int} for place in _PLACE.values()}}

ReadAt = Callable[[int, int], bytes]
"""Bytes of the file: offset, size."""


class EncryptedError(ValueError):
    """A column of the file is encrypted."""


class Leaf(NamedTuple):
    """A column as the schema has it."""

    kind: int
    """Its physical type."""
    width: int
    """Bytes of a value; 0 where each has its own length."""
    repeated: bool
    """Whether a row may have any number of its values."""


class Column(NamedTuple):
    """A column in one row group."""

    leaf: Leaf
    path: str
    values: int
    """Nulls and empty lists included."""
    pages: int
    """Offset of its first page."""


class Group(NamedTuple):
    """A row group."""

    rows: int
    size: int
    """Bytes, unpacked."""
    columns: list[Column]


class Footer(NamedTuple):
    """What the end of the file says."""

    rows: int
    groups: list[Group]


@dataclass(slots=True)
class Pages:
    """What one column of a row group takes to be read."""

    count: int = 0
    largest: int = 0
    """Bytes of its largest page, packed and unpacked."""
    dictionary: int = 0
    """Bytes of its dictionary, unpacked."""
    per_value: int = 0
    """Bytes of a value, in the page where that is most."""


def read_footer(data: bytes) -> Footer:
    """A file's footer.

    Raises:
        ValueError: it is none.
        EncryptedError: it is, but a column cannot be read.
    """
    try:
        found, _ = read_struct(data, 0, _FOOTER)
        leaves = list(_leaves(iter(found[2]), repeated=False))
        return Footer(found[3], [_group(group, leaves) for group in found[4]])
    except (IndexError, KeyError, TypeError, StopIteration, RuntimeError) as error:
        raise ValueError("no footer") from error


def _leaves(elements: Iterator[Fields], *, repeated: bool, depth: int = 0) -> Iterator[Leaf]:
    """The columns below the next element of a schema, which is a tree written depth first."""
    if depth > 100:
        raise ValueError("the schema is nested too deep")
    element = next(elements)
    repeated = repeated or element.get(3) == _REPEATED
    if 1 in element and not element.get(5):
        kind = element[1]
        yield Leaf(kind, _WIDTHS.get(kind, element.get(2, 0) if kind != STRINGS else 0), repeated)
        return
    for _ in range(element.get(5, 0)):
        yield from _leaves(elements, repeated=repeated, depth=depth + 1)


def _group(found: Fields, leaves: list[Leaf]) -> Group:
    columns = [_column(column, leaf) for column, leaf in zip(found[1], leaves, strict=True)]
    if found[3] < 0:
        raise ValueError("fewer than no rows")
    return Group(found[3], found[2], columns)


def _column(found: Fields, leaf: Leaf) -> Column:
    if 8 in found or 3 not in found:
        raise EncryptedError
    meta = found[3]
    first, dictionary = meta[9], meta.get(11, 0)
    if 0 < dictionary < first:
        first = dictionary
    path = ".".join(part.decode() for part in meta[3])
    return Column(leaf, path, meta[5], first)


def measure(read_at: ReadAt, column: Column, limit: int) -> Pages:
    """What the headers of a column's pages say.

    Args:
        read_at: reads the file.
        column: from its footer.
        limit: pages that there can be at most.

    Raises:
        ValueError: they are no headers, or contradict the footer.
    """
    pages, left, at = Pages(), column.values, column.pages
    while left > 0:
        pages.count += 1
        if pages.count > limit or at < 0:
            raise ValueError("more pages than there can be")
        header, size = _header(read_at, at)
        kind, unpacked, packed = header.get(1), header.get(2, -1), header.get(3, -1)
        if unpacked < 0 or packed < 0:
            raise ValueError("a page of less than nothing")
        pages.largest = max(pages.largest, unpacked + packed)
        if kind == _DICTIONARY:
            pages.dictionary = max(pages.dictionary, unpacked)
        elif kind != _INDEX:
            values = _values(header)
            if not 0 <= values <= left:
                raise ValueError("more values than the footer says")
            left -= values
            pages.per_value = max(pages.per_value, unpacked // max(1, values))
        at += size + packed
    return pages


def _values(header: Fields) -> int:
    try:
        return int(header[_PLACE[header[1]]][1])
    except KeyError:
        raise ValueError("no page of data") from None


def _header(read_at: ReadAt, at: int) -> tuple[Any, int]:
    """A page's header, and its own size."""
    look = _FIRST_LOOK
    while True:
        data = read_at(at, look)
        try:
            return read_struct(data, 0, _PAGE)
        except IndexError:
            if len(data) < look or look >= _LONGEST_HEADER:
                raise ValueError("no header") from None
            look *= 16
