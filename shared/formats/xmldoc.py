"""XML documents: a repeated element is a record.

Rule: records are cut by their tags and read each on its own, so that a bad one costs
itself; entities are never declared, so none is ever expanded. Invariants: of
well-formed documents the records are what XML says they are; the parser is always
outside of records, and the open elements, offset and ordinal are all that a Block's
start needs to go on; what is held is one window or one record. Strategy: a window's
records are read in one call if they are plain; else by the few. A window is large
enough for one record, or MAX_RECORD_BYTES.

How it recovers: an element that is not closed within MAX_RECORD_BYTES, or before the
input ends, is looked at again and ends before the next of its name; as far as it had
been looked for, elements are taken not to hold any of their own name, because to look
again from each would take for ever. End tags without a beginning are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import Meta

from ..model import Block, Origin, Position, Record, Reject
from .buffer import LineBuffer
from .face import BLOCK_BYTES, MAX_RECORD_BYTES, RAW_BYTES
from .jsonvalue import Problem
from .lines import no_record
from .xmlaround import Around, Document
from .xmlmarkup import MARKS, SPACE, Found, Piece, Places, element_end, ends_of, flat_end, piece_at
from .xmlrecord import Elements

_MARK = b"\xef\xbb\xbf"
_BLANK = SPACE + _MARK
_OPENS = 0x3C
_AT_ONCE = 16
"""Records of a window that has some that are not plain are read so many at once."""
_OVERLAP = 4096
"""More than any end that is looked for in what is dropped."""


class XmlOptions(
    msgspec.Struct, tag_field="type", tag="xml", frozen=True, forbid_unknown_fields=True, kw_only=True
):
    """XML: a repeated element is a record; Windows events, exports, anything like it.

    An element that holds nothing but text is that text (`from: System.Computer`), an empty one an empty
    text. Any other is an object of its attributes and its children by their names, with its own text under
    `_text`; what comes several times under one name is a list. Prefixes and declarations of namespaces are
    left out. Every value is a string; columns give them their types.

    Of Windows events (`element: Event`; wevtutil, Event Viewer and Windows Event Forwarding write them)
    the data stands under its names: `<Data Name="IpAddress">` is `EventData.IpAddress`; data without names
    is the list `EventData.Data`. `System.EventID` is a text even where it has Qualifiers, which are
    `System.Qualifiers`.

    Rejected are an element that is not well-formed (InvalidXml) or not closed (UnclosedElement), text
    outside of records (StrayText), a document in which there is no such element though there are others
    (ElementNotFound), and what the input ends in (TruncatedInput). A document type declaration is passed
    over: an entity that it declares is never expanded, and costs the record that uses it. The charset is
    the route's, whatever the XML declaration says; a byte order mark comes before both.

    ```yaml
    format: { type: xml, element: Event }
    columns:
      TimeGenerated: { type: datetime, from: System.TimeCreated.SystemTime }
      EventId:       { type: int,      from: System.EventID }
      Computer:      { type: string,   from: System.Computer }
      Account:       { type: string,   from: EventData.TargetUserName }
      EventData:     { type: dynamic }
    ```
    """

    element: Annotated[
        str,
        Meta(
            description="Name of the element that is a record, without a prefix, such as Event; with the "
            "names of elements around it where that is needed, such as orders/order. Empty: the children of "
            "a document's root."
        ),
    ] = ""
    keyed: Annotated[
        Mapping[str, str],
        Meta(
            description="Elements that stand in a record under the value of one of their attributes: name of "
            "the element, and of the attribute. The default is that of Windows events."
        ),
    ] = msgspec.field(default_factory=lambda: {"Data": "Name"})

    def __post_init__(self) -> None:
        if self.element and not all(self.element.split("/")):
            raise ValueError(
                f"element: {self.element!r} has an empty name; write names with one / between two"
            )
        if ":" in self.element:
            raise ValueError(f"element: {self.element!r} has a prefix; leave it out")


class _Held(NamedTuple):
    """What is dropped while it is read."""

    start: Position
    raw: bytes
    length: int
    until: re.Pattern[bytes]
    """It ends with what this matches, or before it if that begins with <."""
    rejected: bool
    """Whether it is a reject: a comment is not."""


class XmlParser:
    """See `Parser`. Records are dicts."""

    def __init__(self, options: XmlOptions, start: Position, want: type | None = None) -> None:
        del want  # values have no types
        self._around = Around(options.element, start.state)
        self._elements = Elements(options.keyed)
        self._buffer = LineBuffer(start)
        self._ordinal = start.base
        self._window = BLOCK_BYTES
        self._flat_until: int = start.state.get("flat_until", 0)
        self._held: _Held | None = None

    # -- Parser ------------------------------------------------------------------------------

    def feed(self, data: bytes) -> Iterator[Block]:
        """Take the next bytes; give the blocks that are complete."""
        self._buffer.push(data)
        yield from self._blocks(ended=False)

    def flush(self) -> Iterator[Block]:
        """Give what is left; a document that the input ends in is rejected (TruncatedInput)."""
        yield from self._blocks(ended=True, final=True)
        while self._recovers():
            yield from self._blocks(ended=True, final=True)
        if self._held is not None or self._around.is_open() or self._buffer.data:
            yield self._truncated()

    def complete(self) -> Iterator[Block]:
        """Give the records that are whole."""
        yield from self._blocks(ended=True)

    def rest(self) -> Origin:
        """What is held of an unfinished element."""
        if self._held is not None:
            return Origin(self._held.start.offset, self._held.start.line, self._held.raw)
        return self._buffer.rest()

    # -- windows: how much to read at once ---------------------------------------------------

    def _blocks(self, *, ended: bool, final: bool = False) -> Iterator[Block]:
        while True:
            if self._held is not None:
                block = self._drop(self._held)
                if block is None:
                    return
            else:
                size = len(self._buffer.data)
                if not size or (size <= self._window and not ended):
                    return
                block, taken = self._scan(
                    self._buffer.peek(self._window), final=final and size <= self._window
                )
                if not taken and not self._more(ended=ended and size <= self._window):
                    return
                self._take(taken)
            if block is not None and block.end > block.start.base:
                self._ordinal = block.end
                yield block

    def _more(self, *, ended: bool) -> bool:
        """Nothing in the window is whole: whether there is another way to go on."""
        if ended:
            return False
        if self._window < MAX_RECORD_BYTES:
            self._window = min(2 * self._window, MAX_RECORD_BYTES)
        elif not self._recovers():
            self._hold(self._buffer.peek(self._window))
        return True

    def _take(self, size: int) -> None:
        if size:
            offset = self._buffer.offset
            self._around.took(self._buffer.take(size), offset)
            self._window = BLOCK_BYTES

    # -- a window ----------------------------------------------------------------------------

    def _scan(self, text: bytes, *, final: bool) -> tuple[Block | None, int]:
        """The block of what is whole in `text`, and how many bytes that is."""
        start, place = self._position(), 0
        found: list[Found] = []
        state: dict[str, Any] | None = None
        while place < len(text):
            if text[place] != _OPENS:
                after = self._text(text, place, found, final=final)
                if after < 0:
                    break
                place = after
                continue
            piece = piece_at(text, place)
            if piece.end < 0:
                break
            if self._around.wants(piece):
                state = self._around.state() if state is None else state
                whole = None if found else self._at_once(text, place, piece, start)
                if whole is not None:
                    whole[0].state = state
                    return whole
                element = self._element(text, place, piece)
                if element is None:
                    break
                found.append(element)
                self._around.found()
                place = element.after
                continue
            ended = self._pass(text, place, piece, found)
            if ended is not None:
                lacking = self._without_records(ended, text, piece.end, start, found)
                lacking[0].state = state
                return lacking
            place = piece.end
        if not found:
            return None, place
        block = self._block(text, found, start)
        block.state = state
        return block, place

    def _text(self, text: bytes, place: int, found: list[Found], *, final: bool) -> int:
        """Pass over text between tags; where it ends, -1 if that is not known yet."""
        after = text.find(b"<", place)
        run = text[place:after] if after >= 0 else text[place:]
        if run.strip(_BLANK):
            if after < 0 and not final:
                return -1
            first = place + len(run) - len(run.lstrip(_BLANK))
            self._stray(first, first + len(run.strip(_BLANK)), found)
        return len(text) if after < 0 else after

    def _stray(self, first: int, after: int, found: list[Found]) -> None:
        """Text that is in no record; what follows such text at once is one with it."""
        if not self._around.is_outside():
            return
        if found and found[-1].problem is _STRAY and found[-1].after == first:
            first = found.pop().first
        found.append(Found(first, after, _STRAY))

    def _pass(self, text: bytes, place: int, piece: Piece, found: list[Found]) -> Document | None:
        """Pass over what is no record; the document, if it ends here without one."""
        if piece.kind in {"start", "empty"}:
            self._around.enter(piece, partial(self._position, text, place))
        elif piece.kind == "end":
            return self._around.leave(piece)
        elif piece.kind == "xml":
            self._around.clear()
        elif piece.kind in {"cdata", "broken"}:
            self._stray(place, piece.end, found)
        return None

    def _element(self, text: bytes, place: int, piece: Piece) -> Found | None:
        """A record, or what is not closed; None if it goes on after `text`."""
        if piece.kind == "empty":
            return Found(place, piece.end)
        if self._buffer.offset + place >= self._flat_until:
            end = element_end(text, piece.end, piece.name)
            return None if end < 0 else Found(place, end)
        cut = flat_end(text, piece.end, piece.name, self._around.last)
        if cut is None:
            return None
        if cut.closed:
            return Found(place, cut.end)
        return Found(place, place + len(text[place : cut.end].rstrip(SPACE)), _UNCLOSED)

    # -- blocks ------------------------------------------------------------------------------

    def _at_once(self, text: bytes, place: int, piece: Piece, start: Position) -> tuple[Block, int] | None:
        """All elements up to the last end tag, if they are plain."""
        close = b"/>" if piece.kind == "empty" else b"</%b>" % piece.name
        end = text.rfind(close, place) + len(close)
        records = self._elements.many(text[place:end], self._around.name or None) if end > place else None
        if not records:
            return None
        self._around.found()
        places = Places(start, text[:end], place)
        base = start.base
        block = Block(
            start=start,
            records=records,
            ordinals=range(base, base + len(records)),
            end=base + len(records),
            origin=places.of_record,
        )
        return block, end

    def _block(self, text: bytes, found: list[Found], start: Position) -> Block:
        """The block of records and rejects one by one."""
        places = Places(start, text, 0, found)
        kept, records, rejects = list[int](), list[Record](), list[Reject]()
        for index, outcome in enumerate(self._outcomes(text, found)):
            if isinstance(outcome, Problem):
                where = places.of_record(index)
                rejects.append(Reject(start.base + index, where.offset, where.line, *outcome, where.raw))
            else:
                records.append(outcome)
                kept.append(index)
        return Block(
            start=start,
            records=records,
            ordinals=[start.base + index for index in kept],
            end=start.base + len(found),
            origin=lambda index: places.of_record(kept[index]),
            rejects=rejects,
        )

    def _outcomes(self, text: bytes, found: list[Found]) -> Iterator[Record | Problem]:
        """What each of them is; several at once where all are plain."""
        wanted = self._around.name or None
        for begin in range(0, len(found), _AT_ONCE):
            some = found[begin : begin + _AT_ONCE]
            records = None
            if not any(one.problem for one in some):
                records = self._elements.many(text[some[0].first : some[-1].after], wanted)
            if records is not None and len(records) == len(some):
                yield from records
            else:
                yield from (one.problem or self._elements.one(text[one.first : one.after]) for one in some)

    def _without_records(
        self, document: Document, text: bytes, end: int, start: Position, found: list[Found]
    ) -> tuple[Block, int]:
        """The reject for a document; what comes before it in the window first."""
        first = document.start.offset - start.offset
        if found:
            return self._block(text, found, start), first
        raw = (document.raw + text[max(0, first) : end])[:RAW_BYTES]
        names = ", ".join(dict.fromkeys(document.names))
        detail = (
            f"the document has no element {self._around.name!r} where it is looked for; those in it: {names}"
        )
        return self._rejected(document.start, "ElementNotFound", detail, raw, end - first), end

    def _rejected(self, start: Position, reason: str, detail: str, raw: bytes, length: int) -> Block:
        base = self._ordinal
        start = msgspec.structs.replace(start, base=base, ordinal=base)
        cut = length if length > len(raw) else -1
        reject = Reject(base, start.offset, start.line, reason, detail, raw, cut)
        return Block(start, [], [], base + 1, no_record, [reject])

    def _position(self, text: bytes = b"", place: int = 0) -> Position:
        """Of the next byte, or of a place in the window."""
        state, offset = self._around.state(), self._buffer.offset + place
        if offset < self._flat_until:
            state["flat_until"] = self._flat_until
        line = self._buffer.line + text.count(b"\n", 0, place)
        return Position(offset=offset, base=self._ordinal, line=line, ordinal=self._ordinal, state=state)

    # -- what is not whole -------------------------------------------------------------------

    def _recovers(self) -> bool:
        """Whether an element at the front that nothing closes ends somewhere, if it is looked at so."""
        text = self._buffer.peek(self._window)
        if self._held is not None or not text.startswith(b"<") or self._buffer.offset < self._flat_until:
            return False
        piece = piece_at(text, 0)
        if piece.kind != "start" or piece.end < 0 or not self._around.wants(piece):
            return False
        if flat_end(text, piece.end, piece.name, self._around.last) is None:
            return False
        self._flat_until = self._buffer.offset + len(text)
        self._window = BLOCK_BYTES  # as it is for a parser that begins here
        return True

    def _hold(self, text: bytes) -> None:
        """Begin to drop what is too long."""
        piece = piece_at(text, 0) if text.startswith(b"<") else Piece("text", -1)
        rejected, size = True, 0
        if piece.kind == "text":
            until, rejected = re.compile(b"<"), self._around.is_outside()
        elif piece.kind in MARKS:
            mark = MARKS[piece.kind]
            until, size = re.compile(re.escape(mark)), {b"-->": 4, b"]]>": 9}.get(mark, 2)
            rejected = piece.kind == "cdata" and self._around.is_outside()
        elif piece.end >= 0:
            until, size = ends_of(piece.name, self._around.last), piece.end
        else:
            until, size = re.compile(b">"), 1
        self._held = _Held(self._position(), text[:RAW_BYTES], size, until, rejected)
        if rejected:
            self._around.found()
        self._take(size)

    def _drop(self, held: _Held) -> Block | None:
        """Drop more of it; None if it goes on after what is there, a block without rejects if it is none."""
        data = self._buffer.data
        found = held.until.search(data)
        if found is None:
            size = max(0, len(data) - _OVERLAP)
            self._take(size)
            self._held = held._replace(length=held.length + size)
            return None
        size = found.end() if found[0].endswith(b">") else found.start()
        self._take(size)
        self._held = None
        if not held.rejected:
            return Block(held.start, [], [], held.start.base, no_record)
        length = held.length + size
        detail = f"the record has {length:,} bytes; the limit is {MAX_RECORD_BYTES:,}"
        return self._rejected(held.start, "RecordTooLong", detail, held.raw, length)

    def _truncated(self) -> Block:
        """The reject for what the input ends in."""
        left = bytes(self._buffer.data)
        held = self._held or _Held(self._position(), left, 0, _NOTHING, rejected=True)
        self._held = None
        self._take(len(left))
        self._around.clear()
        block = self._rejected(held.start, "TruncatedInput", _TRUNCATED, held.raw, held.length + len(left))
        self._ordinal = block.end
        return block


_STRAY = Problem("StrayText", "text stands outside of the elements that are records")
_UNCLOSED = Problem("UnclosedElement", "the element is not closed before the next one of its name")
_TRUNCATED = "the input ends inside an element or a document: records may be missing from here on"
_NOTHING = re.compile(b"(?!)")
