"""One record of a source, read by itself once more.

Rule: what a parser needs to know of the source around a record is in the state that
was kept with it; what a route says now goes before what was found then. Invariant:
a record that is whole gives what it would give in its place, and one that is not
gives nothing: the input does not end here, so nothing is missing at its end.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from ..model import Block, Position, Record, Reject
from .avrobody import READ, Several
from .face import Parser
from .jsonvalue import Problem

_LEFT = "what is left of the record's bytes after those that are whole"
_INSIDE = {"list", "value"}
"""Places of the JSON parser where a record begins that is not the document."""
_OF_A_DOCUMENT = {"PathNotFound", "TruncatedInput", "InvalidJson"}
"""Rejects that may stand for a document; all others are of a record."""
_GO_ON = {"json", "azure", "xml"}
"""Formats whose records stand in a document, which goes on after them."""


def prepared(name: str, options: Any, state: Mapping[str, Any], reason: str) -> tuple[Any, dict[str, Any]]:
    """The options and the state to read one record with.

    Args:
        name: the format's.
        options: the route's, as they are now.
        state: of the parser, where the record was read first.
        reason: why it was rejected.
    """
    state = dict(state)
    if name == "json" and state.get("in") in _INSIDE:
        # The element stands for itself: whatever leads to its list is behind us.
        return msgspec.structs.replace(options, path=""), {"in": "list"}
    if name == "azure" and reason not in _OF_A_DOCUMENT:
        return options, {"in": "list", "depth": 1}
    if name in {"csv", "tsv"} and options.names:
        state["header"] = list(options.names)
    return options, state


def blocks(
    name: str, make: Callable[[Position], Parser], raw: bytes, at: Position, *, last: bool
) -> Iterator[Block]:
    """The blocks of one record.

    Args:
        name: the format's.
        make: a parser that begins at a position.
        raw: the record.
        at: where it stands.
        last: whether it is what the source ended in.
    """
    parser = make(at)
    yield from parser.feed(raw)
    if name in _GO_ON:
        yield from _complete(parser, at)
        return
    if not last:
        # A record's own carriage return at its end must not be taken for one of the newline.
        yield from parser.feed(b"\r\n" if raw.endswith(b"\r") else b"\n")
    yield from parser.flush()


def _complete(parser: Parser, at: Position) -> Iterator[Block]:
    """The blocks of what is whole; if anything is, a reject for what is left."""
    end = at.base
    for block in parser.complete():
        end = block.end
        yield block
    rest = parser.rest()
    if end > at.base and rest.raw.strip():
        reject = Reject(end, rest.offset, rest.line, "TruncatedInput", _LEFT, rest.raw)
        start = Position(rest.offset, end, rest.line or 1, end, at.state)
        yield Block(start, [], [], end + 1, lambda _: rest, [reject])


def records(name: str, options: Any, raw: bytes, reason: str) -> list[Record] | None:
    """The records that stand as JSON in the dead letter; None if that is no JSON object.

    Args:
        name: the format's.
        options: the route's, as they are now.
        raw: the JSON.
        reason: why it was rejected.
    """
    try:
        record = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict):
        return None
    if name == "avro" and reason == "InvalidBody":
        return _bodies(record, READ[options.body])
    return [record]


def _bodies(record: Record, read: Callable[[bytes], Any]) -> list[Record] | None:
    """A message of which the body could not be read in the way that the route named then."""
    try:
        value = read(b64decode(record["Body"], validate=True))
    except (KeyError, TypeError, ValueError):
        return None
    if isinstance(value, Problem):
        return None
    return (
        [{**record, "Body": item} for item in value]
        if type(value) is Several
        else [{**record, "Body": value}]
    )
