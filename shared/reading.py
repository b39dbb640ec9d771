"""What a decoder gives becomes blocks: one parser for each file in a source.

Rule: every file of an archive begins anew (header, byte order mark, JSON array),
and ordinals and offsets run on over all of them. Invariants: a run that begins again
at any block's start gives that block and all after it again; a file that breaks off
is one reject, and so is a source that does. Strategy: a Position's `state` belongs
to its parser, besides two keys of this module's, which no parser sees:

- `@marks`: how many marks of the decoder came before. An offset alone does not tell
  the end of one file from the beginning of the next.
- `@broken`: the position is that of the reject for broken input, whose bytes no
  parser reads again; the reject's length and line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from msgspec.structs import replace

from .decode import End, Member, Piece, skip
from .errors import DecodeError
from .formats import Parser
from .model import Block, Origin, Position, Reject

_MARKS, _BROKEN = "@marks", "@broken"


class Reader:
    """Reads one source.

    Args:
        make: a parser that begins at a position.
        start: where the run begins.
        decoded: bytes that the decoder gives before those at `start`: `start.offset`,
            or 0 if it was begun there itself.
    """

    def __init__(self, make: Callable[[Position], Parser], start: Position, decoded: int) -> None:
        state = dict(start.state)
        self._marks: int = state.pop(_MARKS, 0)
        broken = state.pop(_BROKEN, None)
        self._make = make
        self._decoded = decoded
        self._offset = start.offset
        self._ordinal = start.base
        own = replace(start, state=state)
        self._parser: Parser = _Remainder(own, *broken) if broken else make(own)
        self.member = ""
        """The file of an archive that the blocks come from, with its path in it; "" in no archive."""
        self.waiting = False
        """Whether bytes of a record that is not ended yet were left."""

    def blocks(self, found: Iterable[Piece], *, final: bool = True) -> Iterator[Block]:
        """The blocks of what a decoder gives; where it raises DecodeError, one more, with a reject.

        Args:
            found: from the decoder.
            final: whether the source ends here. If it may still grow, its last record is left for
                the run that sees the end of it, and `waiting` says that there is one.
        """
        try:
            for piece in skip(self._named(found), self._decoded, self._marks):
                yield from self._take(piece)
        except DecodeError as error:
            yield from self._broken(error, str(error))
        else:
            yield from self._given(self._parser.flush() if final else self._parser.complete())
            self.waiting = not final and bool(self._parser.rest().raw)

    def _named(self, found: Iterable[Piece]) -> Iterator[Piece]:
        """Before anything is skipped: a file's name is needed where a run begins in its middle, too."""
        for piece in found:
            if isinstance(piece, Member):
                self.member = piece.name
            yield piece
            if isinstance(piece, End):
                self.member = ""

    def _take(self, piece: Piece) -> Iterator[Block]:
        if isinstance(piece, bytes):
            self._offset += len(piece)
            yield from self._given(self._parser.feed(piece))
            return
        if isinstance(piece, End):
            if piece.error is None:
                yield from self._given(self._parser.flush())
            else:
                yield from self._broken(piece.error, f"{piece.name}: {piece.error}")
            self._parser = self._make(
                Position(offset=self._offset, base=self._ordinal, ordinal=self._ordinal)
            )
        self._marks += 1

    def _given(self, blocks: Iterable[Block]) -> Iterator[Block]:
        for block in blocks:
            self._ordinal = block.end
            block.member = self.member
            if self._marks:
                block.start = self._with(block.start, {_MARKS: self._marks})
            yield block

    def _with(self, start: Position, more: dict[str, Any]) -> Position:
        return replace(start, state={**start.state, **more})

    def _broken(self, error: DecodeError, text: str) -> Iterator[Block]:
        """What is complete; then a reject for the record that the break cut, and all that would follow."""
        yield from self._given(self._parser.complete())
        rest, base = self._parser.rest(), self._ordinal
        detail = f"{text} (at byte {error.offset:,} of the source)"
        reject = Reject(base, rest.offset, rest.line, "BrokenInput", detail, rest.raw, form="part")
        state = {_BROKEN: [len(rest.raw), rest.line]}
        start = Position(offset=rest.offset, base=base, line=rest.line or 1, ordinal=base, state=state)
        yield from self._given([Block(start, [], [], base + 1, lambda _: rest, [reject])])


class _Remainder:
    """Stands in for the parser where a run begins again at a reject for broken input.

    Args:
        start: the reject's place.
        length: bytes that it holds.
        line: its line, if its format has lines.
    """

    def __init__(self, start: Position, length: int, line: int | None) -> None:
        self._start = start
        self._length = length
        self._line = line
        self._raw = b""

    def feed(self, data: bytes) -> Iterator[Block]:
        """Keep what belongs to the reject."""
        self._raw += data[: self._length - len(self._raw)]
        return iter(())

    def flush(self) -> Iterator[Block]:
        """Nothing: a file around the broken one has ended, or an empty one."""
        return iter(())

    def complete(self) -> Iterator[Block]:
        """Nothing is."""
        return iter(())

    def rest(self) -> Origin:
        """The reject's bytes."""
        return Origin(self._start.offset, self._line, self._raw)
