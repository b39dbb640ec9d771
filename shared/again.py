"""Records of the dead letter, through the rooms once more.

Rule: each is read by itself, with the state that was kept with it, and shaped as the
route says now; what was a row already is sent as it is. Invariants: every record
given is accounted for, under an ordinal of this run (0, 1, 2, ...) which `owners`
and `ordinals` lead back from; one that gives nothing is the reject that it was; the
facts of its source are those of the first time, so that `record_id` is the same. A
record that has become several (its bytes were put right by hand, or the route takes
it apart otherwise) has its own ordinal for the first, and for the others one that no
record of a source can have.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import msgspec

from .decode import Piece
from .decode.charset import make_charset
from .formats import FORMATS, Parser
from .formats import again as formats
from .formats.within import Within
from .model import Block, Counts, Origin, Position, Reject, Rows, SourceFacts
from .pipeline import Front, Limits, Start, exploding, front
from .routes import Route

AT_ONCE = 1 << 40
"""More than the records of any source."""

_ONE_BYTE = {"latin-1", "windows-1252"}
"""What is decoded from them is always UTF-8: bytes that are none were read before the route said so."""


def start() -> Start:
    """Where a run over records of the dead letter begins."""
    return Start(Position(), Counts(), seekable=False)


@dataclass(slots=True, kw_only=True)
class Again(Front):
    """The rooms from rejects to rows. `rows` is asked once."""

    route: Route
    rejects: Sequence[Reject]
    """With their ordinals in the source, ascending."""
    owners: list[int] = field(default_factory=list)
    """For each ordinal of this run the index of its reject."""
    ordinals: list[int] = field(default_factory=list)
    """For each ordinal of this run the one in the source."""
    within: Within = field(default_factory=Within)

    def rows(self, pieces: Iterable[Piece]) -> Iterator[Rows]:
        """Rows of the rejects; no bytes of the source are asked for."""
        del pieces
        for index, reject in enumerate(self.rejects):
            self.shaper.context.member = reject.member or None
            for rows in self._of(reject):
                yield self._numbered(rows, index)

    def outcome(self, found: Iterable[Reject], settled: int) -> tuple[list[int], list[tuple[int, Reject]]]:
        """What became of the first `settled` of the rejects.

        One of which nothing landed keeps its bytes, whatever was made of them on the way, and gets its
        new reason; of any other what is left are new rejects.

        Args:
            found: rejects of this run, under its ordinals.
            settled: all of what the first `settled` rejects have become is accounted for.

        Returns:
            Indexes of those of which nothing is left; and the new rejects, with ordinals of the source,
            and the index of the old one for each.
        """
        counts = Counter(self.owners)
        by_owner: dict[int, list[Reject]] = {}
        for reject in found:
            by_owner.setdefault(self.owners[reject.ordinal], []).append(reject)
        back: list[tuple[int, Reject]] = []
        for index, rejects in sorted(by_owner.items()):
            old = self.rejects[index]
            if index >= settled:
                continue
            if len(rejects) == counts[index]:
                back.append((index, replace(old, reason=rejects[0].reason, detail=rejects[0].detail)))
            else:
                back += [(index, self._new(old, reject)) for reject in rejects]
        return [index for index in range(settled) if index not in by_owner], back

    def _new(self, old: Reject, reject: Reject) -> Reject:
        ordinal = self.ordinals[reject.ordinal]
        if reject.form == "row":
            return replace(reject, ordinal=ordinal, offset=old.offset, line=old.line, member=old.member)
        return replace(reject, ordinal=ordinal, member=old.member)

    # -- one reject -----------------------------------------------------------------------------

    def _of(self, reject: Reject) -> Iterator[Rows]:
        if reject.form == "row":
            yield _row(reject)
            return
        passed = 0
        for block in self._blocks(reject):
            count = block.end - block.start.base
            yield self.shaper.shape(_placed(block, reject.ordinal, passed))
            passed += count
        if not passed:
            yield _unchanged(reject)

    def _blocks(self, reject: Reject) -> Iterator[Block]:
        """What is in a reject, with ordinals from the reject's own on."""
        name = self.route.format.__struct_config__.tag
        if reject.form == "record":
            found = formats.records(name, self.route.format, reject.raw, reject.reason)
            if found:
                yield _block_of(reject, found)
        elif reject.form == "source":
            options, state = formats.prepared(name, self.route.format, reject.state, reject.reason)
            make: Callable[[Position], Parser] = partial(FORMATS[name].make, options, want=self.shaper.want)
            at = Position(reject.offset, reject.ordinal, reject.line or 1, reject.ordinal, state)
            last = reject.reason == "TruncatedInput"

            def read(raw: bytes) -> Iterator[Block]:
                return formats.blocks(name, exploding(self.route, make), self._text(raw), at, last=last)

            if reject.parent is None:
                yield from read(reject.raw)
            else:
                yield from self.within.element(reject, (options, state, last), partial(read, reject.parent))

    def _text(self, raw: bytes) -> bytes:
        """In UTF-8, where the route has only learnt meanwhile that its text is not."""
        if self.route.charset not in _ONE_BYTE or _is_utf8(raw):
            return raw
        stage = make_charset(self.route.charset)
        return b"".join([*stage.feed(raw), *stage.flush()])

    # -- ordinals -------------------------------------------------------------------------------

    def _numbered(self, rows: Rows, index: int) -> Rows:
        """The same rows under ordinals of this run."""
        first = len(self.ordinals)
        every = sorted({*rows.ordinals, *rows.filtered, *(reject.ordinal for reject in rows.rejects)})
        self.ordinals += every
        self.owners += [index] * len(every)
        new = {ordinal: first + place for place, ordinal in enumerate(every)}
        at = msgspec.structs.replace(rows.block.start, base=first, ordinal=first)
        block = replace(
            rows.block,
            start=at,
            ordinals=[new[ordinal] for ordinal in rows.block.ordinals],
            end=first + len(every),
            member=self.rejects[index].member,
        )
        return replace(
            rows,
            block=block,
            ordinals=[new[ordinal] for ordinal in rows.ordinals],
            filtered=[new[ordinal] for ordinal in rows.filtered],
            rejects=[replace(reject, ordinal=new[reject.ordinal]) for reject in rows.rejects],
        )


def made(route: Route, rejects: Sequence[Reject], facts: SourceFacts, limits: Limits) -> Again:
    """The rooms for one document of the dead letter.

    Args:
        route: as it is now; the one for JSON text, if the source was a message.
        rejects: what was kept, all of one source.
        facts: of the source, as they were then.
        limits: see Limits.
    """
    rooms = front(route, facts, start(), limits)
    return Again(
        decoder=rooms.decoder, reader=rooms.reader, shaper=rooms.shaper, route=route, rejects=rejects
    )


def _row(reject: Reject) -> Rows:
    """What was posted and refused, to be posted again."""
    try:
        row = msgspec.json.decode(reject.raw, type=dict[str, msgspec.Raw])
        text = msgspec.json.encode(row) + b"\n"
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        detail = "the row is no JSON object: whoever edited it has to put that right"
        return _unchanged(replace(reject, reason="InvalidJson", detail=detail))
    return Rows(text, [reject.ordinal], _block_of(reject, [row]), [])


def _unchanged(reject: Reject) -> Rows:
    at = Position(reject.offset, reject.ordinal, reject.line or 1, reject.ordinal, dict(reject.state))
    return Rows(b"", [], Block(at, [], [], reject.ordinal + 1, lambda _: _origin(reject), [reject]), [reject])


def _block_of(reject: Reject, records: list[Any]) -> Block:
    first = reject.ordinal
    return Block(
        Position(reject.offset, first, reject.line or 1, first),
        records,
        range(first, first + len(records)),
        first + len(records),
        lambda _: _origin(reject),
        odd=True,
    )


def _origin(reject: Reject) -> Origin:
    return Origin(reject.offset, reject.line, reject.raw, reject.form)


def _placed(block: Block, own: int, passed: int) -> Block:
    """The block of a reject's records from number `passed` on, with ordinals that are no other record's."""
    base = block.start.base
    if passed == 0 and block.end == base + 1 and base == own:
        return block

    def moved(ordinal: int) -> int:
        number = ordinal - base + passed
        return own + number * AT_ONCE

    return replace(
        block,
        ordinals=[moved(ordinal) for ordinal in block.ordinals],
        rejects=[replace(reject, ordinal=moved(reject.ordinal)) for reject in block.rejects],
        end=moved(block.end - 1) + 1,
    )


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True
