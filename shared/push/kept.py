"""What came on a stream: on the disk until all of it is settled.

Rule: a stream can be read once, so it is in the state folder whole before anything of it
is sent. Invariants: a file of `spool/` is whole, and goes when every record of it is
settled; one that nobody is on was left by a push that was killed or turned away, and
`left` names it. What came of a stream that never ended is removed: nothing of it was
sent, and its writer was told by a closed pipe.

    spool/<route>.<random>     whole
    spool/.<route>.<random>    still coming
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from ..errors import SourceBusy
from ..ledger.folder import Folder
from ..sources.file import spool

_FOLDER = "spool"


class Kept:
    """Streams in a state folder.

    Args:
        folder: the state folder.
    """

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._place = folder.root.absolute() / _FOLDER

    @contextmanager
    def taken(self, stream: BinaryIO, route: str) -> Iterator[Path]:
        """Have all that comes on a stream in a file, and the file to oneself.

        Args:
            stream: standard input, a pipe.
            route: the route's name.

        Raises:
            SourceChanged: the stream gives no more, and has not ended.
            ServiceUnavailable: the state folder cannot be written.
        """
        name = f"{route}.{uuid.uuid4().hex}"
        with self._locked(name):
            path = self._folder.place(f"{_FOLDER}/{name}").absolute()
            coming = path.with_name(f".{name}")
            try:
                with self._folder.usable():
                    spool(stream, coming)
                    coming.replace(path)
            except BaseException:
                coming.unlink(missing_ok=True)
                raise
            yield path

    def left(self) -> dict[Path, str]:
        """Whole streams that no push is on, each with the name of its route. Raises ServiceUnavailable."""
        found: dict[Path, str] = {}
        with self._folder.usable():
            there = sorted(self._place.iterdir()) if self._place.is_dir() else []
        for path in there:
            with suppress(SourceBusy), self._locked(path.name.removeprefix(".")), self._folder.usable():
                if path.name.startswith("."):
                    path.unlink(missing_ok=True)
                elif path.exists():  # settled a moment ago, else
                    found[path] = path.name.rpartition(".")[0]
        return found

    def settled(self, path: Path) -> bool:
        """Every record of a file is settled: remove it, if it is one of these; whether it was.

        Raises:
            ServiceUnavailable: the state folder cannot be written.
        """
        if path.absolute().parent != self._place:
            return False
        with self._folder.usable():
            path.unlink(missing_ok=True)
        return True

    @contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        lock = f"{_FOLDER}-{name}"
        with self._folder.lock(lock):
            try:
                yield
            finally:
                self._folder.remove(f"locks/{lock}")  # nobody else has that name
