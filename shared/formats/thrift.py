"""Structs in Thrift's compact protocol, which Parquet's headers are written in.

Rule: what is asked for is kept, all else is passed over. Invariant: for any bytes
`read_struct` gives a dict, raises ValueError (they are no such struct) or IndexError
(they end before it does); it takes time and memory in proportion to the bytes.

    { field: what }      what: int        a whole number
                               bytes      bytes, or text as bytes
                               a dict     a struct, with the fields that it is asked for
                               [what]     a list of such
"""

from __future__ import annotations

from typing import Any

_DEEPEST = 8
_BOOLEANS, _BYTE, _NUMBERS, _DOUBLE, _BYTES, _LISTS, _STRUCT = {1, 2}, 3, {4, 5, 6}, 7, 8, {9, 10}, 12

Fields = dict[int, Any]


def read_struct(data: bytes, at: int, fields: Fields, depth: int = 0) -> tuple[Fields, int]:
    """The values of a struct's fields, by their numbers, and where it ends.

    Args:
        data: bytes.
        at: where the struct begins in them.
        fields: what to keep.
        depth: structs around it.
    """
    if depth > _DEEPEST:
        raise ValueError("structs are nested too deep")
    found: Fields = {}
    number = 0
    while head := data[at]:
        at += 1
        if head >> 4:
            number += head >> 4
        else:
            number, at = _zigzag(data, at)
        if number in fields:
            found[number], at = _read(data, at, head & 15, fields[number], depth)
        else:
            at = _pass(data, at, head & 15, depth)
    return found, at + 1


def _read(data: bytes, at: int, kind: int, what: Any, depth: int) -> tuple[Any, int]:
    if isinstance(what, dict):
        if kind != _STRUCT:
            raise ValueError("no struct")
        return read_struct(data, at, what, depth + 1)
    if isinstance(what, list):
        return _read_list(data, at, kind, what[0], depth)
    if what is int and kind in _NUMBERS:
        return _zigzag(data, at)
    if what is bytes and kind == _BYTES:
        size, at = _varint(data, at)
        return data[at : _inside(data, at + size)], at + size
    raise ValueError("a value of another type")


def _read_list(data: bytes, at: int, kind: int, what: Any, depth: int) -> tuple[list[Any], int]:
    if kind not in _LISTS:
        raise ValueError("no list")
    size, inner, at = _list_head(data, at)
    values = []
    for _ in range(size):
        value, at = _read(data, at, inner, what, depth)
        values.append(value)
    return values, at


def _pass(data: bytes, at: int, kind: int, depth: int) -> int:
    """Where a value ends."""
    if kind in _BOOLEANS:
        return at
    if kind in _NUMBERS:
        return _varint(data, at)[1]
    if kind == _BYTES:
        size, at = _varint(data, at)
        return _inside(data, at + size)
    if kind == _STRUCT:
        return read_struct(data, at, {}, depth + 1)[1]
    if kind in _LISTS:
        return _pass_list(data, at, depth)
    if kind in {_BYTE, _DOUBLE}:
        return _inside(data, at + (1 if kind == _BYTE else 8))
    raise ValueError("no such type")


def _pass_list(data: bytes, at: int, depth: int) -> int:
    size, inner, at = _list_head(data, at)
    if depth > _DEEPEST:
        raise ValueError("lists are nested too deep")
    if inner in _BOOLEANS:  # here they take a byte each
        return _inside(data, at + size)
    for _ in range(size):
        at = _pass(data, at, inner, depth + 1)
    return at


def _list_head(data: bytes, at: int) -> tuple[int, int, int]:
    head = data[at]
    size, at = head >> 4, at + 1
    if size == 15:
        size, at = _varint(data, at)
    if size > len(data) - at:  # an element takes a byte at least
        raise IndexError(at)
    return size, head & 15, at


def _inside(data: bytes, at: int) -> int:
    if at > len(data):
        raise IndexError(at)
    return at


def _zigzag(data: bytes, at: int) -> tuple[int, int]:
    value, at = _varint(data, at)
    return (value >> 1) ^ -(value & 1), at


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = data[at]
    if value < 0x80:
        return value, at + 1
    value &= 0x7F
    for shift in range(7, 70, 7):
        at += 1
        byte = data[at]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at + 1
    raise ValueError("no number has so many bytes")
