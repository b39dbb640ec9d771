r"""Line formats whose lines are read as header lines above them say: `#Fields: date time`.

Rule: a line that begins with # is a header line and no record; it may come anywhere
and holds from there on. Invariant: a window is one section, header lines and then
records, so that all its records have the same fields and a Position's `state` says
what a parser begun there has to know. Strategy: a window ends before the next header
line; a format is told the header lines of a section and then its other lines at once,
which it takes apart by `cut` where nothing is odd about them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..model import Block, Position
from .lines import Lines, TextParser

_MARK = b"#"
_SPACE = b" \t\r\n"


class SectionParser(TextParser):
    """One record a line. A format overrides `header`, `values` and `state`."""

    raw = b""
    """The lines that `values` is given, as bytes: to find out at once what none of them holds."""
    _section = 0
    """Size of the section that the buffer begins with, once it is known."""

    def header(self, line: str) -> None:
        """Take note of a header line."""
        raise NotImplementedError

    def whole(self, text: bytes, *, last: bool) -> int:
        """The first section of the window."""
        del last
        end = text.find(b"\n" + _MARK, _header_size(text)) + 1
        self._section = end or len(text)
        return self._section

    def read(self, source: Lines) -> Iterator[Block]:
        """One block for a section."""
        size = _header_size(source.text)
        head, self.raw = source.text[:size], source.text[size:]
        for line in head.split(b"\n"):
            if line.strip(_SPACE):
                self.header(line.decode(errors="replace").rstrip("\r"))
        begin = source.start
        first = Position(
            offset=begin.offset + size,
            base=begin.base,
            line=begin.line + head.count(b"\n"),
            ordinal=begin.ordinal,
        )
        for block in super().read(Lines(first, self.raw)):
            block.start, block.state = begin, self.state()
            yield block

    def complete(self) -> Iterator[Block]:
        """Give the whole records that are left, of all sections."""
        yield from self._blocks(ended=False)
        size = self._buffer.data.rfind(b"\n") + 1
        if size:
            yield from self._window_of(size)

    def _window_of(self, size: int) -> Iterator[Block]:
        """At the end of the input a window holds all that is left: go through its sections."""
        while size:
            section = self._section or self.whole(self._buffer.peek(size), last=True)
            self._section = 0
            yield from super()._window_of(section)
            size -= section


def _header_size(text: bytes) -> int:
    """Bytes of the header lines, and of the blank ones, that `text` begins with."""
    place, size = 0, len(text)
    while place < size:
        end = text.find(b"\n", place) + 1 or size
        line = text[place:end]
        if not line.startswith(_MARK) and line.strip(_SPACE):
            return place
        place = end
    return size


def cut(lines: Sequence[str], separator: str, width: int) -> list[list[str]] | None:
    """The texts of each column, by one split of all lines; None if one has more or less than `width`.

    Args:
        lines: at least one, none with a newline.
        separator: no newline in it.
        width: at least 1.
    """
    between, step = f"{separator}\n{separator}", width + 1
    found = f"{between.join(lines)}{between}".split(separator)
    del found[-1:]
    if len(found) != step * len(lines) or set(found[width::step]) > {"\n"}:
        return None
    return [found[place::step] for place in range(width)]
