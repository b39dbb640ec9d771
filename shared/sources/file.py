"""A file of this machine as a source: what it holds at one moment, read in order.

Rule: the file is opened once, so that a rename, or another file in its place, changes
nothing of what is read. Invariants: every byte comes from before the size that it had
when it was last looked at; one that has become shorter meanwhile, that was written anew
from its beginning, or that the disk does not give, raises SourceChanged. What is no
regular file (standard input, a pipe) can be read once only: it is put into a file first.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ..errors import SourceChanged
from ..ledger.entry import Marks
from .marks import MARK_BYTES, Seen, begins_with, digest, whole

READ_BYTES = 1024 * 1024


class FileSource:
    """An open file; close it.

    Args:
        path: the file.

    Raises:
        OSError: it cannot be opened, or is a folder.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)
        self._seen = Seen()
        facts = os.fstat(self._file.fileno())
        self.path = path
        self.identity = f"{facts.st_dev:x}-{facts.st_ino:x}"
        """The file, whatever it is called and holds."""
        self.size = facts.st_size
        self.modified = facts.st_mtime
        """Epoch seconds."""
        self._head = b""

    def look(self) -> None:
        """Take it as it is by now: since it was opened it may have grown. Raises as `chunks` does."""
        facts = os.fstat(self._file.fileno())
        self.size, self.modified = facts.st_size, facts.st_mtime
        self._head = self.read(0, min(self.size, MARK_BYTES))

    def version(self) -> str:
        """A name for what it holds, to tell it from what another file has held under the same name."""
        return f"{int(self.modified * 1e6):x}-{digest(self.read(0, min(self.size, MARK_BYTES)))[:16]}"

    def beginning(self) -> Marks:
        """Its first bytes as hashes, to know it again by before anything of it is settled."""
        return whole(min(self.size, MARK_BYTES), self.read)

    def chunks(self, offset: int = 0) -> Iterator[bytes]:
        """Its bytes from `offset` on, up to the size that it had. Raises SourceChanged."""
        while offset < self.size:
            data = self.read(offset, min(offset + READ_BYTES, self.size))
            if self.read(0, len(self._head)) != self._head:  # who writes anew begins with it
                raise SourceChanged(f"{self.path} was written anew while it was read")
            self._seen.see(offset, data)
            offset += len(data)
            yield data

    def read(self, start: int, stop: int) -> bytes:
        """The bytes of one range. Raises as `chunks` does."""
        data = b""
        try:
            self._file.seek(start)
            while len(data) < stop - start and (more := self._file.read(stop - start - len(data))):
                data += more
        except OSError as error:
            raise SourceChanged(f"{self.path} cannot be read any further: {error.strerror}") from error
        if len(data) < stop - start:
            raise SourceChanged(f"{self.path} has become shorter while it was read")
        return data

    def marks(self, before: Marks) -> Marks:
        """What has been read so far, as hashes; `before` are those of the run that this one goes on from."""
        return self._seen.marks(before)

    def begins_with(self, marks: Marks) -> bool:
        """Whether it begins with what left these marks. Raises as `chunks` does."""
        return begins_with(marks, self.size, self.read)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def is_stream(path: Path) -> bool:
    """Whether it can be read once only: a pipe, a device."""
    try:
        mode = path.stat().st_mode
    except OSError:  # who opens it is told why
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def spool(stream: BinaryIO, into: Path) -> None:
    """Put all that comes on a stream into a file, durably.

    Raises:
        SourceChanged: the stream gives no more, and has not ended.
        OSError: the file cannot be written.
    """
    with into.open("xb") as file:
        while data := _next(stream):
            file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _next(stream: BinaryIO) -> bytes:
    try:
        return stream.read(READ_BYTES)
    except OSError as error:
        raise SourceChanged(f"it cannot be read: {error.strerror}") from error
