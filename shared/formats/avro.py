r"""Avro container files, those of Event Hubs Capture and IoT Hub included.

Rule: a file is a header and blocks, each ended by the file's sync marker; where a
block is damaged, all up to the next marker is one reject, and reading goes on
behind it. Invariants: nothing is held beyond one block and its records; a block of
ours is cut by the bytes alone; a Position's state has all of the header that is
needed. Strategy: small blocks are put together, so that a writer that flushes every
record costs little more; of a large one each piece is a block of its own, begun
again by reading over the records before it (`skip`).

Files that were joined (`cat a.avro b.avro`) are read one after the other: a block
cannot begin with the letter O, which as a number of records is negative.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from bisect import bisect_right
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from msgspec import Meta

from ..model import Block, Form, Origin, Position, Reject
from .avrobody import How, is_odd, rows
from .avrocodecs import unpack
from .avrofile import MAGIC, SYNC, Head, Header, read_head, read_header
from .avrorecords import Piece, pieces
from .avroschema import Schema, read_schema
from .face import BLOCK_BYTES, MAX_RECORD_BYTES, RAW_BYTES
from .jsonvalue import Problem
from .records import Bad, as_json


class AvroOptions(
    msgspec.Struct, tag_field="type", tag="avro", frozen=True, forbid_unknown_fields=True, kw_only=True
):
    """Avro container files (`.avro`), those of Event Hubs Capture and IoT Hub included.

    A record has the schema's fields as keys. Records, maps and arrays become objects and lists, a union the
    value that is there, an enum its symbol, `bytes` and `fixed` base64 text (see `binary`). Logical types
    become text: timestamps ISO 8601 in UTC (`2026-11-20T06:00:00.123Z`; those of `local-timestamp` without
    the Z), dates, times of the day, decimals with all their digits, uuids; a `duration` is an object of
    months, days and milliseconds. A file whose schema is no record gives records with the key `value`.

    **Event Hubs Capture, IoT Hub.** What was sent is in the field `Body`, as bytes; see `body`. As a rule it
    is JSON: then `from: Body.level` takes a value out of it. A body that is an array of objects, or an
    object a line, becomes a record each, every one with the message's other fields (`SequenceNumber`,
    `Offset`, `EnqueuedTimeUtc`, `SystemProperties`, `Properties`). Capture writes `EnqueuedTimeUtc` as
    `6/12/2026 6:32:34 PM`, which a column reads with `format: "%m/%d/%Y %I:%M:%S %p"`. A message whose
    other fields, a copy for each record, would be more than 64 MiB is rejected (`ExplodesTooFar`).

    Codecs: null, deflate, snappy, zstandard, bzip2, xz. Rejected: a damaged block as one (`CorruptBlock`;
    records before the damage are kept, and reading goes on with the next block), one of more than 16 MiB or
    of more than 32 MiB unpacked (`BlockTooLarge`), a file that is cut off (`TruncatedInput`: the whole
    blocks before are kept), a file that is no Avro container, or with a schema or codec that cannot be read
    (one reject for all of it). Schemas whose records, or items of an array, take no bytes are refused.

    A block is held while its records are made. A block of ordinary records within these limits takes less
    than 150 MB of memory; a record made to take the most, of millions of empty objects, takes 400 MB.

    ```yaml
    from: { blobs: ["capture/**/*.avro"] }
    format: { type: avro }
    table: Orders_CL
    columns:
      TimeGenerated: { type: datetime, from: EnqueuedTimeUtc, format: "%m/%d/%Y %I:%M:%S %p" }
      Level:         { type: string,   from: Body.level }
    ```
    """

    binary: Annotated[
        Literal["base64", "text"],
        Meta(
            description="What bytes and fixed become: `base64` text; or `text`, with base64 for a value "
            "that is no UTF-8."
        ),
    ] = "base64"
    body: Annotated[
        How,
        Meta(
            description="How the field `Body` is read, if it is bytes: `json` or `text` (a record whose body "
            "is none is rejected, `InvalidBody`), `base64`; `auto` takes a JSON object or array, else text, "
            "else base64."
        ),
    ] = "auto"


class _File(NamedTuple):
    """An open container."""

    schema: Schema
    codec: str
    sync: bytes
    state: dict[str, Any]
    """What a Position says of it."""


@dataclass(slots=True)
class _Lost:
    """Bytes that are being passed over."""

    offset: int
    problem: Problem
    raw: bytearray = field(default_factory=bytearray)
    length: int = 0

    def add(self, data: bytes) -> None:
        self.raw += data[: RAW_BYTES - len(self.raw)]
        self.length += len(data)


@dataclass(slots=True)
class _Group:
    """A block in the making."""

    start: Position
    names: Sequence[str] | None
    records: list[Any] = field(default_factory=list)
    ordinals: list[int] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    firsts: list[int] = field(default_factory=list)
    """Of each Avro block the index of its first record here."""
    offsets: list[int] = field(default_factory=list)
    odd: bool = False

    def block(self, end: int) -> Block:
        names, records, firsts, offsets = self.names, self.records, self.firsts, self.offsets
        return Block(
            start=self.start,
            records=records,
            ordinals=self.ordinals if self.rejects else range(self.start.base, end),
            end=end,
            origin=lambda index: Origin(
                offsets[bisect_right(firsts, index) - 1], None, as_json(names, records[index]), "record"
            ),
            rejects=self.rejects,
            names=names,
            odd=self.odd,
        )


class AvroParser:
    """See `Parser`."""

    def __init__(self, options: AvroOptions, start: Position, want: type | None = None) -> None:
        del want  # values have the schema's types
        self._options = options
        self._held = bytearray()
        self._offset = start.offset
        self._ordinal = start.base
        self._skip: int = start.state.get("skip", 0)
        self._lost: _Lost | None = None
        self._group: _Group | None = None
        self._size = 0
        self._file: _File | None = None
        if "schema" in start.state:
            state = {key: start.state[key] for key in ("schema", "codec", "sync")}
            sync = b64decode(state["sync"])
            self._use(Header(state["schema"].encode(), state["codec"], sync, 0))

    def feed(self, data: bytes) -> Iterator[Block]:
        """Take the next bytes; give the blocks that are complete."""
        self._held += data
        yield from self._blocks()

    def flush(self) -> Iterator[Block]:
        """Give what is left; what the input ends in is rejected."""
        yield from self._blocks()
        while self._held and self._lost is None:
            self._lose(_TRUNCATED if self._file is None or self._file.sync not in self._held else _NO_SYNC)
            yield from self._blocks()
        self._pass_over(len(self._held))
        self._end_of_lost()
        yield from self._close()

    def complete(self) -> Iterator[Block]:
        """Give the records of the whole blocks that are left."""
        yield from self._blocks()
        yield from self._close()

    def rest(self) -> Origin:
        """What is held of an unfinished block."""
        if self._lost is not None:
            return Origin(self._lost.offset, None, bytes(self._lost.raw))
        return Origin(self._offset, None, bytes(self._held[:MAX_RECORD_BYTES]))

    # -- bytes ----------------------------------------------------------------------------------

    def _blocks(self) -> Iterator[Block]:
        """What can be said of the bytes that are held."""
        more = bool(self._held)
        while more:
            if self._lost is not None:
                more = self._look_for_sync()
            elif self._file is None or MAGIC.startswith(self._held[: len(MAGIC)]):
                more = yield from self._header()
            else:
                more = yield from self._block(self._file)
            if self._size >= BLOCK_BYTES // 2:  # these bytes are denser than text
                yield from self._close()
            more = more and bool(self._held)

    def _header(self) -> Generator[Block, None, bool]:
        """At a header; False if more bytes are needed."""
        header = read_header(self._held)
        if header is None:
            return False
        yield from self._close()
        problem = self._use(header) if isinstance(header, Header) else header
        if problem is None and isinstance(header, Header):
            self._take(header.size)
        elif problem is not None:
            self._file = None
            self._lose(problem)
        return True

    def _use(self, header: Header) -> Problem | None:
        """Read on with another header."""
        schema = read_schema(header.schema, as_text=self._options.binary == "text")
        if isinstance(schema, Problem):
            return schema
        sync = b64encode(header.sync).decode()
        state = {"schema": header.schema.decode(), "codec": header.codec, "sync": sync}
        self._file = _File(schema, header.codec, header.sync, state)
        return None

    def _block(self, file: _File) -> Generator[Block, None, bool]:
        """At a block of the file; False if more bytes are needed."""
        head = read_head(self._held)
        if isinstance(head, Problem):
            self._lose(head)
            return True
        if head is None or len(self._held) < head.after + head.size + SYNC:
            return False
        end = head.after + head.size
        if self._held[end : end + SYNC] != file.sync:
            self._lose(_NO_SYNC)
            return True
        offset = self._offset
        stored = self._take(end + SYNC)
        yield from self._content(file, offset, stored, head)
        return True

    def _take(self, size: int) -> bytes:
        with memoryview(self._held) as view:
            taken = bytes(view[:size])
        del self._held[:size]
        self._offset += size
        return taken

    # -- what is lost ---------------------------------------------------------------------------

    def _lose(self, problem: Problem) -> None:
        """Nothing can be read from here up to the next sync marker."""
        self._lost = _Lost(self._offset, problem)

    def _look_for_sync(self) -> bool:
        """Pass over what is lost; False if its end is not among the bytes that are held."""
        found = -1 if self._file is None else self._held.find(self._file.sync)
        if found >= 0:
            self._pass_over(found + SYNC)
            self._end_of_lost()
            return True
        keep = 0 if self._file is None else SYNC - 1
        self._pass_over(len(self._held) - keep)
        return False

    def _pass_over(self, size: int) -> None:
        if self._lost is not None and size > 0:
            self._lost.add(self._take(size))

    def _end_of_lost(self) -> None:
        lost, self._lost = self._lost, None
        if lost is not None:
            self._size += lost.length
            group = self._joined(lost.offset)
            self._reject(group, lost.offset, lost.problem, bytes(lost.raw), lost.length)

    def _reject(
        self, group: _Group, offset: int, problem: Problem, raw: bytes, length: int, form: Form = "part"
    ) -> None:
        cut = length if length > len(raw) else -1
        group.rejects.append(Reject(self._ordinal, offset, None, *problem, raw, cut, form))
        self._ordinal += 1

    # -- records --------------------------------------------------------------------------------

    def _content(self, file: _File, offset: int, stored: bytes, head: Head) -> Iterator[Block]:
        """Make records of a block that is whole."""
        skip, self._skip = self._skip, 0
        content = unpack(file.codec, stored[head.after : head.after + head.size])
        if isinstance(content, Problem):
            self._size += len(stored)
            self._reject(self._joined(offset), offset, content, stored[:RAW_BYTES], len(stored))
            return
        if not skip:  # else it was counted where the first piece ended
            self._size += max(len(stored), len(content))
        for piece in pieces(file.schema, content, head.records, skip):
            group = self._joined(offset, piece.first)
            self._add(group, file, offset, piece)
            if piece.damage is not None:
                self._reject(group, offset, piece.damage, stored[:RAW_BYTES], len(stored))
            if not piece.last:
                yield from self._close()

    def _joined(self, offset: int, skip: int = 0) -> _Group:
        """The block that is being made, or a new one that begins here."""
        if self._group is None:
            file, state = self._file, dict[str, Any]()
            if file is not None:
                state = {**file.state, "skip": skip} if skip else file.state
            start = Position(offset=offset, base=self._ordinal, ordinal=self._ordinal, state=state)
            self._group = _Group(start, None if file is None else file.schema.names)
        return self._group

    def _add(self, group: _Group, file: _File, offset: int, piece: Piece) -> None:
        made = rows(file.schema, piece.records, self._options.body)
        group.odd = group.odd or piece.odd or is_odd(file.schema, made)
        group.firsts.append(len(group.records))
        group.offsets.append(offset)
        if Bad not in set(map(type, made)):
            group.records += made
            group.ordinals += range(self._ordinal, self._ordinal + len(made))
            self._ordinal += len(made)
            return
        for row in made:
            if type(row) is Bad:
                self._reject(
                    group, offset, row.problem, as_json(group.names, row.record), -1, _form(row.problem)
                )
            else:
                group.records.append(row)
                group.ordinals.append(self._ordinal)
                self._ordinal += 1

    def _close(self) -> Iterator[Block]:
        """Give the block that is being made."""
        group, self._group, self._size = self._group, None, 0
        if group is not None and self._ordinal > group.start.base:
            yield group.block(self._ordinal)


def _form(problem: Problem) -> Form:
    """Where text is none, or too long, what stands in the dead letter is not what it was."""
    return "record" if problem.reason == "InvalidBody" else "part"


_NO_SYNC = Problem(
    "CorruptBlock", "the block does not end in the file's sync marker; reading goes on after the next"
)
_TRUNCATED = Problem(
    "TruncatedInput", "the file ends inside a block or its header: it was cut off, or is still being written"
)
