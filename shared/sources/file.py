"""A file of this machine as a source: what it holds at one moment, read in order.

Rule: the file is opened once, so that a rename, or another file in its place, changes
nothing of what is read. Invariants: every byte comes from before the size that it had
when it was opened; one that has become shorter meanwhile, or that the disk does not
give, raises SourceChanged. What
is no regular file (standard input, a pipe) can be read once only: it is put into a
file first.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ..errors import SourceChanged
from ..ledger.entry import Marks
from .marks import Seen, begins_with, digest

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
        self.size = facts.st_size
        self.modified = facts.st_mtime
        """Epoch seconds."""
        self.identity = f"{facts.st_dev:x}-{facts.st_ino:x}"
        """The file, whatever it is called and holds."""

    def version(self) -> str:
        """A name for what it holds, to tell it from what another file has held under the same name."""
        return f"{int(self.modified * 1e6):x}-{digest(self.read(0, min(self.size, 4_096)))[:16]}"

    def chunks(self, offset: int = 0) -> Iterator[bytes]:
        """Its bytes from `offset` on, up to the size that it had. Raises SourceChanged."""
        while offset < self.size:
            data = self.read(offset, min(offset + READ_BYTES, self.size))
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


def is_regular(path: Path) -> bool:
    """Whether it can be read again and again. Raises OSError if there is none."""
    path.stat()
    return path.is_file()


def spool(stream: BinaryIO, into: Path) -> None:
    """Put all that comes on a stream into a file, durably. Raises OSError."""
    with into.open("xb") as file:
        shutil.copyfileobj(stream, file, READ_BYTES)
        file.flush()
        os.fsync(file.fileno())
