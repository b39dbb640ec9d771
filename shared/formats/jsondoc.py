"""JSON documents, read as a stream.

Rule: a document is walked, never loaded: what is held is one window of text or one
record, at most MAX_RECORD_BYTES. Invariant: the parser is always in one *place*
(PLACES), and place, offset and ordinal are all that a Block's start needs to go on.

What is a record: an element of a top-level array; a top-level object; or, with
`path`, the elements of the list that the path leads to in every top-level object
(or the one object there). Several documents one after another are each treated
the same. The other members of an object with a path are skipped.

Tolerated, because nothing is lost by it: commas too many or missing between
elements. A list or object that the input ends in is a reject (TruncatedInput) of
its own, since records may be missing. A document whose outer object is malformed
outside the list cannot be followed: its rest is one reject and the input is read
to its end without another.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from ..model import Block, Origin, Position, Reject
from .buffer import LineBuffer
from .face import BLOCK_BYTES, MAX_RECORD_BYTES, RAW_BYTES
from .jsonbalance import Balance
from .jsonrun import SEPARATORS, Run, Span, Values
from .jsonvalue import FAILED

_KEY = re.compile(rb'("(?:[^"\\\n]|\\.)*+")[ \t\r\n]*:[ \t\r\n]*(?=[^ \t\r\n])')
_LONGEST_KEY = 64 * 1024
_KEYS_NAMED = 20


class JsonOptions(
    msgspec.Struct, tag_field="type", tag="json", frozen=True, forbid_unknown_fields=True, kw_only=True
):
    """JSON documents of any size: an array of objects, or objects one after another."""

    path: Annotated[
        str,
        Meta(
            description="Dotted keys that lead from a document to the list of its records, such as records "
            "or data.items; what they lead to may also be one object. Empty: the document is the list, "
            "or one record."
        ),
    ] = ""

    def __post_init__(self) -> None:
        if self.path and not all(self.path.split(".")):
            raise ValueError(f"path: {self.path!r} has an empty key; write keys with one dot between two")


class _Envelope:
    """The object around the list, while it is open."""

    def __init__(self, start: Position) -> None:
        self.start = start
        self.raw = b""
        self.length = 0
        self.keys: list[str] = []
        self.found = False
        self.ends_at = ""

    def took(self, data: bytes) -> None:
        if len(self.raw) < RAW_BYTES:
            self.raw += data[: RAW_BYTES - len(self.raw)]
        self.length += len(data)

    def saw(self, key: str) -> None:
        if len(self.keys) < _KEYS_NAMED:
            self.keys.append(key[:100])


class _Large:
    """One value that is taken in piece by piece.

    Args:
        start: where it begins.
        where: see `Balance`.
        keep: how many bytes of it to hold; RAW_BYTES of one that turns out longer.
    """

    def __init__(self, start: Position, where: str, keep: int) -> None:
        self.start = start
        self.balance = Balance(where)
        self.held = bytearray()
        self.length = 0
        self._keep = keep

    def add(self, data: bytes) -> None:
        """Take the value's next bytes."""
        self.length += len(data)
        if self.length <= self._keep:
            self.held += data
            return
        del self.held[RAW_BYTES:]
        self.held += data[: max(0, min(RAW_BYTES, self._keep) - len(self.held))]


class JsonParser:
    """See `Parser`. `Block.text` is given where every record of a block fits `want`."""

    def __init__(self, options: JsonOptions, start: Position, want: type | None = None) -> None:
        self._path = options.path.split(".") if options.path else []
        self._buffer = LineBuffer(start)
        self._ordinal = start.base
        self._run = Run(want)
        self._place: str = start.state.get("in", "top")
        self._depth: int = start.state.get("depth", 0)
        self._wrapped: bool = start.state.get("wrapped", False)
        self._envelope = _Envelope(start)
        self._envelope.found = self._depth > 0
        self._large: _Large | None = None
        self._lost: _Large | None = None
        self._steps: dict[str, Callable[[bool], Block | bool]] = {
            "top": self._top,
            "list": self._list,
            "members": self._members,
            "value": self._value,
            "skip": self._skip,
            "broken": self._broken,
        }

    def feed(self, data: bytes) -> Iterator[Block]:
        """Take the next bytes; give the blocks that are complete."""
        self._buffer.push(data)
        yield from self._blocks(ended=False)

    def flush(self) -> Iterator[Block]:
        """Give what is left; a document that the input ends in is rejected (TruncatedInput)."""
        yield from self._blocks(ended=True)
        if self._place != "top" or self._wrapped or self._large or self._buffer.data:
            yield self._truncated()

    def complete(self) -> Iterator[Block]:
        """Give the records that are whole."""
        yield from self._blocks(ended=True)

    def rest(self) -> Origin:
        """What is held of an unfinished value."""
        if self._large is None:
            return self._buffer.rest()
        start, held = self._large.start, bytes(self._large.held)
        if start.offset + len(held) != self._buffer.offset:
            return (
                self._buffer.rest()
            )  # the beginning was not kept: it is a member that no path leads through
        return Origin(start.offset, start.line, held + bytes(self._buffer.data))

    # -- steps: each gives a block, or whether it moved on -----------------------------------

    def _blocks(self, *, ended: bool) -> Iterator[Block]:
        moved: Block | bool = True
        while moved:
            moved = self._grow() if self._large else self._steps[self._place](ended)
            if isinstance(moved, Block) and moved.end > moved.start.base:
                yield moved

    def _top(self, ended: bool) -> Block | bool:
        """Between documents."""
        first = self._skip_space()
        if first is None:
            return False
        if self._path and first in b"[]":
            self._wrapped = first in b"["
            self._take(1)
        elif self._path and first in b"{":
            self._envelope = _Envelope(self._position())
            self._take(1)
            self._enter("members", 1)
        elif first in b"[" and not self._path:
            self._take(1)
            self._enter("list", 0)
        else:
            return self._values("top", b"[]{" if self._path else b"[", ended)
        return True

    def _list(self, ended: bool) -> Block | bool:
        """Before an element."""
        first = self._skip_space()
        if first is None:
            return False
        if first in b"]":
            self._take(1)
            self._leave()
            return True
        return self._values("list", b"]", ended)

    def _members(self, _ended: bool) -> Block | bool:
        """Before a key of an object on the path."""
        first = self._skip_space()
        if first is None:
            return False
        if first in b"}":
            self._take(1)
            self._depth -= 1
            return self._close() if self._depth == 0 else True
        found = _KEY.match(self._buffer.data, 0, _LONGEST_KEY)
        if found:
            key = bytes(found[1])
            self._take(found.end())
            self._member(_text(key), bytes(self._buffer.data[:1]))
        elif first != b'"' or len(self._buffer.data) > _LONGEST_KEY:
            self._lost = _Large(self._position(), "top", RAW_BYTES)
            self._enter("broken", self._depth)
        else:
            return False
        return True

    def _member(self, key: str, first: bytes) -> None:
        """Decide what to do with the value that begins here."""
        last = self._depth == len(self._path)
        if first in b",}":
            self._envelope.saw(key)
        elif key != self._path[self._depth - 1]:
            self._envelope.saw(key)
            self._enter("skip", self._depth)
        elif last and first == b"[":
            self._take(1)
            self._envelope.found = True
            self._enter("list", self._depth)
        elif last and first == b"{":
            self._envelope.found = True
            self._enter("value", self._depth)
        elif not last and first == b"{":
            self._take(1)
            self._envelope.keys = []
            self._enter("members", self._depth + 1)
        else:
            self._envelope.ends_at = ".".join(self._path[: self._depth])
            self._enter("skip", self._depth)

    def _value(self, ended: bool) -> Block | bool:
        """At the one object that the path leads to."""
        return self._values("member", b"", ended, only=True)

    def _skip(self, _ended: bool) -> Block | bool:
        """At a value that nobody asked for."""
        if not self._buffer.data:
            return False
        self._large = _Large(self._position(), "member", 0)
        return self._grow()

    def _broken(self, _ended: bool) -> Block | bool:
        """Nothing can be told apart any more: measure the rest for one reject."""
        assert self._lost is not None  # noqa: S101 - _members() has set it
        self._lost.add(self._take(len(self._buffer.data)))
        return False

    # -- values ------------------------------------------------------------------------------

    def _values(self, where: str, stops: bytes, ended: bool, *, only: bool = False) -> Block | bool:
        """The values in the next window, or the first piece of one that goes beyond it."""
        size = len(self._buffer.data)
        if size < BLOCK_BYTES and not ended:
            return False
        start = self._position()
        values = Values(self._buffer.peek(BLOCK_BYTES), where, stops, final=ended and size < BLOCK_BYTES)
        quick = self._run.at_once(values, start) if where == "list" else None
        if quick is not None:
            return self._given(*quick)
        spans = list(islice(values.spans(), 1 if only else None))
        if not spans:
            self._large = _Large(start, where, MAX_RECORD_BYTES)
            return self._grow()
        block = self._run.one_by_one(values.text, spans, start)
        if only:
            self._place = "members"
        return self._given(block, spans[-1].end)

    def _given(self, block: Block, size: int) -> Block:
        self._take(size)
        self._ordinal = block.end
        return block

    def _grow(self) -> Block | bool:
        """Take in more of a large value; its block once it is whole."""
        large = self._large
        assert large is not None  # noqa: S101 - called for one only
        if not self._buffer.data:
            return False
        end = large.balance.find(self._buffer.data, 0, first=large.length == 0)
        size = large.balance.scanned - large.length if end is None else end
        large.add(self._take(size))
        if end is None:
            return size > 0
        self._large = None
        return self._whole(large)

    def _whole(self, large: _Large) -> Block | bool:
        place = self._place
        if place in {"skip", "value"}:
            self._place = "members"
        if place == "skip":
            return True
        if large.length > MAX_RECORD_BYTES:
            detail = f"the record has {large.length:,} bytes; the limit is {MAX_RECORD_BYTES:,}"
            return self._rejected(large.start, "RecordTooLong", detail, bytes(large.held), large.length)
        raw = bytes(large.held).rstrip()
        return self._given(self._run.one_by_one(raw, [Span(0, len(raw))], large.start), 0)

    # -- places ------------------------------------------------------------------------------

    def _position(self) -> Position:
        state: dict[str, Any] = {} if self._place == "top" else {"in": self._place, "depth": self._depth}
        if self._wrapped:
            state["wrapped"] = True
        at = self._buffer
        return Position(
            offset=at.offset, base=self._ordinal, line=at.line, ordinal=self._ordinal, state=state
        )

    def _enter(self, place: str, depth: int) -> None:
        self._place, self._depth = place, depth

    def _leave(self) -> None:
        """The list has ended."""
        self._place = "members" if self._depth else "top"

    def _close(self) -> Block | bool:
        """The object around the list has ended."""
        self._place = "top"
        envelope = self._envelope
        if envelope.found:
            return True
        if envelope.ends_at:
            detail = f'"{envelope.ends_at}" leads to neither a list nor an object'
        else:
            keys = ", ".join(envelope.keys) or "none"
            detail = f'the document has no "{".".join(self._path)}"; the keys looked through: {keys}'
        return self._rejected(envelope.start, "PathNotFound", detail, envelope.raw, envelope.length)

    def _truncated(self) -> Block:
        """The reject for a document that the input ends in, or that could not be followed."""
        broken = self._lost is not None
        begun = self._lost or self._large or _Large(self._position(), "top", MAX_RECORD_BYTES)
        begun.add(self._take(len(self._buffer.data)))
        start, raw, length = begun.start, bytes(begun.held), begun.length
        envelope = self._envelope
        if self._depth and not envelope.found:
            start, raw, length = envelope.start, envelope.raw, envelope.length
        self._large = self._lost = None
        self._enter("top", 0)
        self._wrapped = False
        reason = "InvalidJson" if broken else "TruncatedInput"
        detail = _BROKEN if broken else _TRUNCATED
        return self._rejected(start, reason, detail, raw, length)

    def _rejected(self, start: Position, reason: str, detail: str, raw: bytes, length: int) -> Block:
        base = self._ordinal
        self._ordinal += 1
        start = msgspec.structs.replace(start, base=base, ordinal=base)
        cut = length if length > len(raw) else -1
        reject = Reject(base, start.offset, start.line, reason, detail, raw, cut)
        return Block(start, [], [], base + 1, _no_record, [reject])

    def _take(self, size: int) -> bytes:
        data = self._buffer.take(size)
        self._envelope.took(data)
        return data

    def _skip_space(self) -> bytes | None:
        """Pass over white space and commas; the next byte, or None if there is none yet."""
        found = SEPARATORS.match(self._buffer.data)
        if found and found.end():
            self._take(found.end())
        return bytes(self._buffer.data[:1]) or None


_BROKEN = "the object around the list is malformed from here on, so that its records cannot be told apart"
_TRUNCATED = "the input ends inside a list or an object: records may be missing from here on"


def _text(key: bytes) -> str:
    try:
        return msgspec.json.decode(key, type=str)
    except FAILED:
        return key[1:-1].decode(errors="replace")


def _no_record(index: int) -> Origin:
    raise IndexError(index)
