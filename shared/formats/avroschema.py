"""An Avro schema, made ready to read values as JSON can carry them.

Rule: the schema that fastavro gets is the file's own with the logical types
replaced by ones of ours, so that bytes, decimals and times come out as text in the
one pass that reads them. Invariants: a schema that is taken can be read in time and
memory bounded by the data: no value that takes no bytes may be repeated (a count
alone would make a billion of them); what may nest without end is read by fastavro's
Python code, because its compiled code crashes the process (1.13.1, some 5,000
levels), where the Python code raises RecursionError.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import fastavro
import msgspec

from .avrologic import BINARY, FINITE, logical, reader_of
from .jsonvalue import Problem

BODY = "Body"
"""The field that Event Hubs Capture and IoT Hub put the sender's bytes in."""

_DEEPEST = 64
"""Levels of types within types; more would be a schema made to do harm."""


@dataclass(frozen=True, slots=True)
class Schema:
    """A schema that records can be read with."""

    one: Any
    """Of a record."""
    many: Any
    """Of an array of records."""
    names: tuple[str, ...] | None
    """The fields, if a record has fields."""
    body: int | None
    """The place of the field that is a message's body, as bytes."""
    columns: tuple[tuple[int, Callable[..., Any]], ...]
    """Places of fields that are read as they are stored, and what makes their values."""
    reals: tuple[int, ...]
    """Places of fields that are floats."""
    nests: bool
    """Whether values may nest without end."""
    floats: bool
    """Whether there may be floats, and so NaN."""

    def read(self, source: io.BytesIO) -> Any:
        """The next record. Text that is not UTF-8 has halves of surrogate pairs for its bytes.

        Raises:
            Whatever fastavro raises on bytes that are none.
        """
        return self._reader()(source, self.one, handle_unicode_errors="surrogateescape")

    def read_all(self, count: int, data: bytes) -> list[Any] | None:
        """All records of a block in one call; None if it is not `count` records with nothing odd in them.

        A block's content is that of an array but for the count before and the zero
        after it; reading it as one saves half the time.
        """
        source = io.BytesIO(b"".join((_varint(count), data, b"\0")))
        try:
            records: list[Any] = self._reader()(source, self.many)["all"]
        except Exception:  # record by record it is seen which one it is
            return None
        return records if len(records) == count and not source.read(1) else None

    def _reader(self) -> Any:
        if self.nests:
            from fastavro import _read_py  # noqa: PLC0415 - rare

            return _read_py.schemaless_reader
        return fastavro.schemaless_reader


def read_schema(text: bytes, *, as_text: bool) -> Schema | Problem:
    """The schema of a file's header, or why it cannot be used.

    Args:
        text: JSON.
        as_text: whether bytes are text where they are valid UTF-8, and not always base64.
    """
    try:
        return _schema(msgspec.json.decode(text), "text" if as_text else "base64")
    except _Unusable as unusable:
        return Problem("UnsupportedSchema", f"the file's schema cannot be used: {unusable}")
    except RecursionError:
        return Problem("UnsupportedSchema", "the file's schema is nested too deep")
    except Exception:  # fastavro raises what it likes, and its words hold parts of the schema
        return Problem("InvalidSchema", "the schema in the file's header is no valid Avro schema")


def _schema(given: Any, binary: str) -> Schema:
    rewriter = _Rewriter(binary, strict=False)
    plain = rewriter.record(given)
    strict = _Rewriter(binary, strict=True).record(given)
    fields = _Fields(strict, rewriter.nests)
    _Fields(plain, rewriter.nests)
    # as the field of a record: what has a name is parsed here, what has none at every call
    field = {"name": "all", "type": {"type": "array", "items": strict}}
    return Schema(
        one=fastavro.parse_schema(plain),
        many=fastavro.parse_schema({"type": "record", "name": "LogferryAll", "fields": [field]}),
        names=fields.names,
        body=fields.body,
        columns=tuple(fields.columns),
        reals=tuple(fields.reals),
        nests=rewriter.nests,
        floats=rewriter.floats,
    )


class _Unusable(Exception):  # noqa: N818 - never leaves this module
    """A schema that may be valid and is not taken."""


class _Fields:
    """The fields of a record's schema, those that are whole columns made plain: their values are made later.

    fastavro looks a logical type up by its name for every value; column by column that
    takes a third of the time. Of a record that holds records of its own type the fields
    stay as they are, because they are no columns.

    Args:
        made: from a _Rewriter; it is changed.
        nests: whether values may nest without end.
    """

    def __init__(self, made: Any, nests: bool) -> None:
        self.names: tuple[str, ...] | None = None
        self.body: int | None = None
        self.columns: list[tuple[int, Callable[..., Any]]] = []
        self.reals: list[int] = []
        if isinstance(made, dict) and made["type"] == "record":
            self.names = tuple(field["name"] for field in made["fields"])
            for place, field in enumerate([] if nests else made["fields"]):
                field["type"] = self._plain(place, field)

    def _plain(self, place: int, field: Any) -> Any:
        kinds = field["type"] if isinstance(field["type"], list) else [field["type"]]
        given = [kind for kind in kinds if kind != "null"]
        if len(given) != 1 or not isinstance(given[0], dict):
            return field["type"]
        kind, read = given[0], reader_of(given[0])
        if kind.get("logicalType") == FINITE:
            self.reals.append(place)
        elif field["name"] == BODY and kind in BINARY.values():
            self.body = place
        elif read is not None:
            self.columns.append((place, read))
        else:
            return field["type"]
        plain = [kind["type"] if branch is kind else branch for branch in kinds]
        return plain if isinstance(field["type"], list) else plain[0]


class _Rewriter:
    """Makes a schema from another. Its methods give the new one, and whether a value of it may take no bytes.

    Args:
        binary: how bytes become text: text or base64.
        strict: whether a float that is no finite number is an error.
    """

    def __init__(self, binary: str, *, strict: bool) -> None:
        self.nests = self.floats = False
        self._binary = binary
        self._strict = strict
        self._open: list[str] = []
        self._empty: dict[str, bool] = {}

    def record(self, schema: Any) -> Any:
        """The schema of a whole record."""
        made, empty = self._type(schema, 0)
        if empty:
            raise _Unusable("its records take no bytes")
        return made

    def _type(self, schema: Any, depth: int) -> tuple[Any, bool]:
        if depth > _DEEPEST:
            raise _Unusable(f"types are nested more than {_DEEPEST} levels deep")
        if isinstance(schema, list):
            return [self._type(branch, depth + 1)[0] for branch in schema], False
        if isinstance(schema, str):
            return self._named(schema)
        kind = schema["type"]
        if not isinstance(kind, str) or kind not in _KINDS:
            return self._type(kind, depth + 1)
        if kind in _PRIMITIVES:
            return self._primitive(schema, kind)
        return self._WAYS[kind](self, schema, depth)

    def _array(self, schema: Any, depth: int) -> tuple[Any, bool]:
        items, empty = self._type(schema["items"], depth + 1)
        if empty:
            raise _Unusable("it has an array of values that take no bytes")
        return {"type": "array", "items": items}, False

    def _map(self, schema: Any, depth: int) -> tuple[Any, bool]:
        return {"type": "map", "values": self._type(schema["values"], depth + 1)[0]}, False

    def _primitive(self, schema: Any, kind: str) -> tuple[Any, bool]:
        if kind in {"float", "double"}:
            self.floats = True
            return {"type": kind, "logicalType": FINITE} if self._strict else kind, False
        return logical(schema, kind, self._binary), kind == "null"

    def _record(self, schema: Any, depth: int) -> tuple[Any, bool]:
        name = _last(schema["name"])
        self._open.append(name)
        fields, empty = [], True
        for field in schema["fields"]:
            made, nothing = self._type(field["type"], depth + 1)
            fields.append({"name": field["name"], "type": made})
            empty = empty and nothing
        self._open.pop()
        if len({str(field["name"]) for field in fields}) < len(fields):
            raise ValueError("a name comes twice")
        self._note(name, empty=empty)
        return {**_name(schema), "type": "record", "fields": fields}, empty

    def _enum(self, schema: Any, _depth: int) -> tuple[Any, bool]:
        self._note(_last(schema["name"]), empty=False)
        return {**_name(schema), "type": "enum", "symbols": schema["symbols"]}, False

    def _fixed(self, schema: Any, _depth: int) -> tuple[Any, bool]:
        size = schema["size"]
        self._note(_last(schema["name"]), empty=size < 1)
        return {**_name(schema), "size": size, **logical(schema, "fixed", self._binary)}, bool(size < 1)

    def _named(self, name: str) -> tuple[Any, bool]:
        if name in _PRIMITIVES:
            return self._primitive({}, name)
        name_only = _last(name)
        if name_only in self._open:
            self.nests = True
        return name, self._empty.get(name_only, False)

    def _note(self, name: str, *, empty: bool) -> None:
        """Names are told apart by their last part here; of two alike the worse counts."""
        self._empty[name] = empty or self._empty.get(name, False)

    _WAYS: ClassVar = {
        "record": _record,
        "error": _record,
        "array": _array,
        "map": _map,
        "enum": _enum,
        "fixed": _fixed,
    }


_PRIMITIVES = {"null", "boolean", "int", "long", "float", "double", "bytes", "string"}
_KINDS = _PRIMITIVES | {"record", "error", "array", "map", "enum", "fixed"}


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _name(schema: Any) -> dict[str, Any]:
    return {key: schema[key] for key in ("name", "namespace") if key in schema}


def _varint(number: int) -> bytes:
    """A count as Avro writes it: zigzag, seven bits a byte."""
    number <<= 1
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)
