"""What the rooms hand to each other.

Rule: these are plain values, with no behaviour that a room owns.

    bytes --parse--> Block --shape--> Rows --encode--> Batch --upload--> Outcome

Invariant: every record of a source has an *ordinal* (0, 1, 2, ... in reading
order), rejects included. A Position says how far a source is settled; everything
before it is accepted, filtered or dead-lettered, everything from it on is not
settled yet. So `end.ordinal - start.ordinal == rows + filtered + rejects` for
every Batch.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Literal, NamedTuple, overload

import msgspec

Record = dict[str, Any]
"""One record as a parser gives it: keys as in the source, JSON-like values."""


class Position(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where to go on in a source.

    A parser can begin again at `offset`; the first record it gives there has the
    ordinal `base`; records before `ordinal` are settled already and are skipped.
    """

    offset: int = 0
    """Bytes into the decoded source."""
    base: int = 0
    """Ordinal of the first record at `offset`."""
    line: int = 1
    """Line number at `offset` (from 1), for messages."""
    ordinal: int = 0
    """The first record that is not settled."""
    state: dict[str, Any] = {}
    """What the parser must know at `offset`: a CSV header, for instance. JSON types only."""


Form = Literal["source", "record", "row", "part"]
"""What the bytes of a reject are:

- source: those of the decoded source; a parser reads them again.
- record: a record as JSON, of a format that is no text, or an element of a list that was exploded.
- row: what was posted and refused.
- part: only a part of what is lost, or a description of it; the source itself must be taken again.
"""


class Origin(NamedTuple):
    """Where a record came from, and its own bytes."""

    offset: int
    """Bytes into the decoded source."""
    line: int | None
    raw: bytes
    form: Form = "source"


@dataclass(frozen=True, slots=True)
class Reject:
    """A record that cannot become a row, with its reason. Destined for the dead letter.

    `reason` is a short word of the field (InvalidJson, InvalidUtf8, BadValue,
    RecordTooLarge, TruncatedInput, ...), `detail` a sentence that names the key
    and the value's type, never the value.
    """

    ordinal: int
    offset: int
    line: int | None
    reason: str
    detail: str
    raw: bytes
    length: int = -1
    """Length of the original in bytes, where `raw` is only its beginning; else -1."""
    form: Form = "source"
    state: Mapping[str, Any] = field(default_factory=dict)
    """What a parser must know to read `raw` by itself (see Block.state); set by the encoder."""
    member: str = ""
    """The file of an archive that it comes from; set by the encoder."""
    parent: bytes | None = None
    """The record whose list it was in, where it is no row of itself; `raw` is its own part of it."""
    row: int = 0
    """Its place among what `parent` becomes."""


class Table(Sequence[tuple[Any, ...]]):
    """Records that are held column by column; a row is made where somebody asks for it.

    Args:
        columns: a value for each record, None where it has none; at least one column,
            all of the same length.
    """

    __slots__ = ("columns",)

    def __init__(self, columns: Sequence[Sequence[Any]]) -> None:
        self.columns = columns

    def __len__(self) -> int:
        return len(self.columns[0])

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return zip(*self.columns, strict=True)

    @overload
    def __getitem__(self, index: int) -> tuple[Any, ...]: ...
    @overload
    def __getitem__(self, index: slice) -> list[tuple[Any, ...]]: ...
    def __getitem__(self, index: int | slice) -> tuple[Any, ...] | list[tuple[Any, ...]]:
        if isinstance(index, slice):
            return list(zip(*[column[index] for column in self.columns], strict=True))
        return tuple(column[index] for column in self.columns)


@dataclass(slots=True)
class Block:
    """A run of consecutive records, as a parser gives them.

    `records` are dicts; or, where `names` is given, sequences of values in the order
    of these names, as long as they are (None stands for a value that is not there),
    as a list or, which shaping likes best, as a Table;
    or, where the parser was asked for a type and every record of the block fits it
    (`typed`), instances of that type. `text`, where it is given, holds the same
    records as JSON, a line each, every line ended by one newline: a route that
    changes nothing can pass it on as it is.
    """

    start: Position
    """Where a parser would begin again to read this block; `start.ordinal == start.base`."""
    records: Sequence[Any]
    ordinals: Sequence[int]
    """Ordinal of each record: a range where the block has no rejects."""
    end: int
    """Ordinal after the last record or reject of this block."""
    origin: Callable[[int], Origin]
    """Of the record at an index into `records`. Slow; for rejects only."""
    rejects: list[Reject] = field(default_factory=list)
    typed: bool = False
    text: bytes | None = None
    names: Sequence[str] | None = None
    odd: bool = False
    """Whether a value may hold what JSON cannot carry: NaN, Infinity, half of a surrogate pair."""
    state: dict[str, Any] | None = None
    """What a parser must know to read any one of these records by itself, if that is not `start.state`."""
    member: str = ""
    """The file of an archive that they come from, with its path in it; "" in no archive."""

    def dicts(self) -> Sequence[Record]:
        """The records as dicts, for who needs no speed; a block of `typed` records has none."""
        if self.names is None:
            return self.records
        names = self.names
        return [
            {name: value for name, value in zip(names, record, strict=True) if value is not None}
            for record in self.records
        ]


def own_state(block: Block) -> Mapping[str, Any]:
    """What a parser must know to read one record of a block by itself."""
    if block.state is not None:
        return block.state
    state = block.start.state
    # What begins with @ is the reader's, of where in an archive the block stands.
    return {key: state[key] for key in state if key[0] != "@"} if "@marks" in state else state


@dataclass(slots=True)
class Rows:
    """A block after shaping: rows as JSON text, and what became of the other records."""

    text: bytes
    """A JSON object a line, every line ended by one newline."""
    ordinals: Sequence[int]
    """The source ordinal of each row."""
    block: Block
    rejects: list[Reject]
    """The block's and the shaper's, in order of their ordinals."""
    filtered: Sequence[int] = ()
    """Ordinals that a filter of the route dropped, in order."""


class Ordinals(Sequence[int]):
    """Ordinals of many records, in few bytes: a batch lives until its post and those before it are accepted.

    Rule: what follows one another is kept as a range, all else at eight bytes each and not as objects.
    """

    def __init__(self) -> None:
        self._parts: list[Sequence[int]] = []
        self._count = 0

    def add(self, more: Sequence[int]) -> None:
        """Further ones, which come after those that are there."""
        self._parts.append(more if isinstance(more, range) else array("q", more))
        self._count += len(more)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[int]:
        return chain.from_iterable(self._parts)

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[int]: ...
    def __getitem__(self, index: int | slice) -> int | Sequence[int]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(self._count))]
        place = index + self._count if index < 0 else index
        for part in self._parts if place >= 0 else ():
            if place < len(part):
                return part[place]
            place -= len(part)
        raise IndexError(f"{index} of {self._count}")


@dataclass(slots=True)
class Batch:
    """The rows of one post, and the span of the source that it settles."""

    stream: str
    sequence: int
    """0, 1, 2, ... within one run over a source."""
    text: list[bytes]
    """Pieces of JSON lines; joined they are the rows."""
    ordinals: Sequence[int]
    """The source ordinal of each row."""
    size: int
    """Length of the JSON array in bytes, before gzip."""
    start: Position
    end: Position
    filtered: int
    rejects: list[Reject]

    @property
    def rows(self) -> int:
        """How many rows the post holds; 0 for a span of rejects and filtered records only."""
        return len(self.ordinals)


@dataclass(slots=True)
class Outcome:
    """What became of a batch: every one of its rows is in `accepted` or in `rejects`."""

    batch: Batch
    accepted: int
    rejects: list[Reject]
    """Rows that the service refused, one by one."""
    attempts: int
    maybe_repeated: int
    """Rows whose reply was lost once, so that they may be there twice."""
    sent_bytes: int
    """On the wire, accepted posts only; of a shared post, its share."""
    posts: int = 1
    """Accepted posts; one that several batches shared counts with the first of them."""


class Counts(msgspec.Struct, omit_defaults=True):
    """Per record, what became of a source so far. read = accepted + filtered + dead_lettered."""

    read: int = 0
    accepted: int = 0
    filtered: int = 0
    dead_lettered: int = 0
    maybe_repeated: int = 0
    batches: int = 0
    raw_bytes: int = 0
    sent_bytes: int = 0
    attempts: int = 0
    changed: dict[str, int] = {}
    """What shaping kept from being lost, by kind: undeclared_kept, time_replaced, ..."""

    def adds_up(self) -> bool:
        """Whether every record that was read is accounted for."""
        return self.read == self.accepted + self.filtered + self.dead_lettered

    def since(self, earlier: Counts) -> Counts:
        """What was counted after `earlier`, which is of the same source."""
        numbers = {
            name: getattr(self, name) - getattr(earlier, name)
            for name in self.__struct_fields__
            if name != "changed"
        }
        kinds = {kind: count - earlier.changed.get(kind, 0) for kind, count in self.changed.items()}
        return Counts(**numbers, changed={kind: count for kind, count in kinds.items() if count})


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """What is known of a source besides its bytes."""

    kind: str
    """blob, message, or file: one that a machine pushes by itself."""
    name: str
    """container/path of a blob, machine/path of a file, id of a message."""
    version: str
    """ETag of a blob (its first one, if it has only grown), a file's own mark, id of a message: with `name`
    and an ordinal it names one record for ever."""
    modified: float
    """Epoch seconds: the blob's or file's last modification, the message's insertion."""
    received: float
    """Epoch seconds: when work on this source first began."""
    extra: Mapping[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """Without container or machine, as patterns of routes are held against it; "" of a message."""
        return self.name.partition("/")[2] if self.kind in {"blob", "file"} else ""
