"""A bar for work that takes a while: in steps, or in bytes.

Rule: on a terminal only, and gone when the work is done; a pipe gets no trace of it,
but for a line now and then on standard error where a long transfer asks for it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .show import clean

LINE_SECONDS = 15.0
"""How often a transfer says on a pipe how far it is."""


@contextmanager
def steps(title: str, total: int, *, shown: bool) -> Iterator[Callable[[], None]]:
    """A bar of `total` steps; what it gives is called after each of them."""
    if not shown:
        yield lambda: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    with Progress(
        TextColumn(title), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), transient=True
    ) as bar:
        task = bar.add_task("", total=total)
        yield lambda: bar.advance(task)


@contextmanager
def transfer(title: str, total: int, *, shown: bool) -> Iterator[Callable[[int], None]]:
    """A bar of `total` bytes, 0 where nobody knows; what it gives is told of each part."""
    if not shown:
        yield _Lines(title, total).add
        return
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(TextColumn("{task.description}", markup=False), *columns, transient=True) as bar:
        task = bar.add_task(clean(title), total=total or None)
        yield lambda size: bar.advance(task, size)


class _Lines:
    """The same for a pipe."""

    def __init__(self, title: str, total: int) -> None:
        self._title = clean(title)
        self._total = total
        self._done = 0
        self._said = time.monotonic()

    def add(self, size: int) -> None:
        """Count a part."""
        self._done += size
        if time.monotonic() - self._said >= LINE_SECONDS:
            self._said = time.monotonic()
            share = (
                f"{100 * self._done // self._total} % of {self._total:,}"
                if self._total
                else f"{self._done:,}"
            )
            sys.stderr.write(f"{self._title}: {share} bytes read\n")
            sys.stderr.flush()
