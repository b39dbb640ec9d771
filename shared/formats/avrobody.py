"""What a message's sender put in it: the field `Body` of Event Hubs Capture and of IoT Hub.

Rule: a body is read in the way that the route names; where it cannot be, the record
is rejected (InvalidBody) and nothing else. With `auto` nothing is rejected: what is
no JSON object or array is text, what is no text is base64. A body that is several
objects (an array of them, or one a line) is a record each, all with the message's
other fields; as these are repeated, messages that are read at once may make no more
than MOST_REPEATED of them: one that makes more is rejected (ExplodesTooFar).

    rows     what fastavro gave, as the records of a Block
    READ     the ways to read a body
"""

from __future__ import annotations

import codecs
from base64 import b64encode
from collections.abc import Callable
from typing import Any, Literal

import msgspec

from ..twice import maybe_twice
from .avroschema import Schema
from .face import MAX_RECORD_BYTES
from .jsonodd import Odd
from .jsonvalue import FAILED, OBJECT, Problem, read_object
from .records import Bad

How = Literal["auto", "json", "text", "base64"]

MOST_REPEATED = 16 * MAX_RECORD_BYTES
"""Bytes, about, of the other fields of messages, as often as these are repeated, in one piece of a block."""

_decode = msgspec.json.Decoder()
_NO_JSON = Problem(
    "InvalidBody", "the message's body is no JSON; with body: auto it would be kept as text, or as base64"
)
_TOO_MANY = Problem(
    "ExplodesTooFar",
    f"the records in the body, with the message's other fields each, would hold over {MOST_REPEATED:,} bytes",
)
_NO_TEXT = Problem(
    "InvalidBody", "the message's body is no UTF-8 text; with body: auto it would be kept as base64"
)


class Several(list[Any]):
    """A body that is more than one record."""


def rows(schema: Schema, records: list[Any], how: How) -> list[Any]:
    """Records of a Block, and Bad for those to be rejected.

    Args:
        schema: what they were read with.
        records: dicts, values of other types, or Bad.
        how: the way to read a body.

    Returns:
        Lists of values in the order of `schema.names`; dicts if the schema has none.
    """
    if schema.names is None:
        return [r if type(r) in {dict, Bad} else {"value": r} for r in records]
    if Bad in set(map(type, records)):
        made = [r if type(r) is Bad else list(r.values()) for r in records]
    else:
        made = list(map(list, map(dict.values, records)))
    for place, read in schema.columns:
        for row in made:
            if type(row) is list and row[place] is not None:
                row[place] = read(row[place])
    if schema.body is None:
        return made
    if how in {"auto", "json"}:
        _read_objects(made, schema.body)
    return _with_bodies(made, schema.body, READ[how])


def _read_objects(made: list[Any], place: int) -> None:
    r"""Put dicts in the place of the bodies that are an object each, if one call can read all that look so.

    Where every body begins with { and ends with }, each }\n{ between two of them is a
    boundary between two values; so as many values as bodies are one each.
    """
    rows_ = [row for row in made if type(row) is list and _is_in_braces(row[place])]
    text = b"\n".join([row[place] for row in rows_])
    try:
        found = OBJECT.decode_lines(text)
    except FAILED:
        return
    if len(found) == len(rows_) and not maybe_twice(text, found):
        for row, record in zip(rows_, found, strict=True):
            row[place] = record


def _is_in_braces(body: bytes | None) -> bool:
    return body is not None and body.startswith(b"{") and body.endswith(b"}")


def _with_bodies(made: list[Any], place: int, read: Callable[[bytes], Any]) -> list[Any]:
    found, repeated = [], 0
    for row in made:
        if type(row) is Bad or type(row[place]) is not bytes:
            found.append(row)
            continue
        value = read(row[place])
        if type(value) is Several:
            before, after = row[:place], row[place + 1 :]
            more = len(value) * len(repr((before, after)))
            if repeated + more > MOST_REPEATED:
                found.append(Bad(row, _TOO_MANY))
                continue
            repeated += more
            found += [[*before, item, *after] for item in value]
        elif type(value) is Problem:
            found.append(Bad(row, value))
        else:
            row[place] = value
            found.append(row)
    return found


def is_odd(schema: Schema, made: list[Any]) -> bool:
    """Whether a record holds what JSON cannot carry: a body as its sender wrote it, or a field's float."""
    rows_ = [row for row in made if type(row) is list]
    if schema.body is not None and any(type(row[schema.body]) is Odd for row in rows_):
        return True
    # NaN minus itself is NaN, and so is Infinity; of all other numbers it is 0
    return any(row[place] and row[place] - row[place] for place in schema.reals for row in rows_)


def _json(body: bytes) -> Any:
    """A JSON value, Several, or a Problem."""
    if body.startswith(codecs.BOM_UTF8):  # .NET's writers like to put one there
        body = body[3:]
    text = body.strip()
    if not text:
        return None
    if text.startswith(b"{"):
        record = read_object(text)
        return _lines(text) if isinstance(record, Problem) else record
    try:
        value = _decode.decode(text)
    except FAILED:
        return _NO_JSON
    return _several(value) if isinstance(value, list) else value


def _lines(text: bytes) -> Any:
    """An object a line, as Stream Analytics writes them."""
    records = [read_object(line) for line in text.split(b"\n") if line.strip()]
    if len(records) < 2 or any(isinstance(record, Problem) for record in records):
        return _NO_JSON
    return Several(records)


def _several(values: list[Any]) -> list[Any]:
    """A list, marked where all of it are objects."""
    return Several(values) if values and all(isinstance(value, dict) for value in values) else values


def _text(body: bytes) -> Any:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return _NO_TEXT


def _base64(body: bytes) -> Any:
    return b64encode(body).decode("ascii")


def _auto(body: bytes) -> Any:
    if body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in {b"{", b"["}:
        value = _json(body)
        if not isinstance(value, Problem):
            return value
    text = _text(body)
    return _base64(body) if isinstance(text, Problem) else text


READ: dict[str, Callable[[bytes], Any]] = {"auto": _auto, "json": _json, "text": _text, "base64": _base64}
"""By the option: a body as a value, as Several records, or a Problem."""
