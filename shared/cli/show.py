"""Output for people, and for pipes.

Rule: colours and boxes only where the output is a terminal; anywhere else plain
columns, the same words, nothing to take out again. NO_COLOR is honoured. Invariant:
whatever the data, no control character of it reaches a terminal, so a log line
cannot write over the screen of who reads it; that holds for JSON and CSV as well,
which a pipe gets as they are.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Collection, Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console

Cell = str | tuple[str, str]
"""Text, or text and its style (rich's words: `red`, `bold`, `dim`)."""

_READABLE = 24
"""A column that is wider may be folded to this many characters."""

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


class Show:
    """Writes to one stream.

    Args:
        stream: where to; default standard output as it is now.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream if stream is not None else sys.stdout
        self.pretty = self._stream.isatty() and os.environ.get("TERM") != "dumb"

    @cached_property
    def console(self) -> Console:
        """rich's, for a terminal."""
        from rich.console import Console  # noqa: PLC0415 - a pipe does without it

        plain = bool(os.environ.get("NO_COLOR"))
        return Console(
            file=self._stream, highlight=False, color_system=None if plain else "auto", no_color=plain or None
        )

    def raw(self, text: str) -> None:
        """Text for a program: as it is; on a terminal with its control characters as JSON writes them."""
        self.control(_CONTROL.sub(_as_json, text) if self._stream.isatty() else text)

    def control(self, text: str) -> None:
        """Our own text, with what moves the cursor."""
        self._stream.write(text)
        self._stream.flush()

    def line(self, text: str = "", style: str = "") -> None:
        """One line; a longer one is not cut, so that it can be copied."""
        if not self.pretty:
            self._stream.write(clean(text) + "\n")
            self._stream.flush()
            return
        self.console.print(clean(text), style=style or None, markup=False, soft_wrap=True)

    def prose(self, text: str, style: str = "") -> None:
        """A sentence or two; broken between words where the screen is narrow."""
        if self.pretty:
            self.console.print(clean(text), style=style or None, markup=False)
        else:
            self.line(text)

    def heading(self, text: str) -> None:
        """A line above a table."""
        self.line()
        self.line(text, "bold")

    def table(
        self,
        headings: Sequence[str],
        rows: Iterable[Sequence[Cell]],
        *,
        right: Collection[str] = (),
        indent: int = 0,
    ) -> None:
        """A table; columns whose heading is in `right` hold numbers."""
        if self.pretty:
            rows = list(rows)
            if self._fits(headings, rows, indent):
                self._boxed(headings, rows, right, indent)
            else:
                self._listed(headings, rows)
            return
        text = [list(headings), *([clean(_text(cell)) for cell in row] for row in rows)]
        widths = [max(map(len, column)) for column in zip(*text, strict=True)]
        for row in text:
            cells = [
                cell.rjust(width) if heading in right else cell.ljust(width)
                for cell, width, heading in zip(row, widths, headings, strict=True)
            ]
            self._stream.write(" " * indent + "  ".join(cells).rstrip() + "\n")
        self._stream.flush()

    def _fits(self, headings: Sequence[str], rows: Sequence[Sequence[Cell]], indent: int) -> bool:
        """Whether a table would be readable: a column folded to a few letters is not."""
        room = self.console.width - indent - 2 * len(headings)
        columns: list[tuple[int, ...]] = list(
            zip(*([len(_text(c)) for c in row] for row in rows), strict=True)
        )
        widths = [max(len(heading), *found) for heading, found in zip(headings, columns, strict=False)]
        return sum(min(width, _READABLE) for width in widths) <= room

    def _listed(self, headings: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
        """A row after another, a line a value; what is empty is left out."""
        width = max(map(len, headings))
        for number, row in enumerate(rows, 1):
            self.line(f"row {number}", "bold")
            for heading, cell in zip(headings, row, strict=True):
                if _text(cell):
                    self.line(f"  {heading.ljust(width)}  {_text(cell)}")

    def _boxed(
        self, headings: Sequence[str], rows: Iterable[Sequence[Cell]], right: Collection[str], indent: int
    ) -> None:
        from rich import box  # noqa: PLC0415
        from rich.padding import Padding  # noqa: PLC0415
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        table = Table(
            box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold"
        )
        for heading in headings:
            number = heading in right
            table.add_column(heading, justify="right" if number else "left", no_wrap=number, overflow="fold")
        for row in rows:
            table.add_row(*(Text(clean(_text(cell)), style=_style(cell)) for cell in row))
        self.console.print(Padding(table, (0, 0, 0, indent)))


def _as_json(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


def clean(text: str) -> str:
    """`text` on one line, with control characters written out."""
    if text.isprintable():
        return text
    text = text.replace("\n", "\\n").replace("\t", "\\t")
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def _text(cell: Cell) -> str:
    return cell if isinstance(cell, str) else cell[0]


def _style(cell: Cell) -> str:
    return "" if isinstance(cell, str) else cell[1]
