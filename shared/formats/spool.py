"""A file that is needed as a whole, on disk.

Rule: what is fed goes into a temporary file that has no name (where the system
allows that) and is gone when nobody holds it. Invariant: no more than `limit` bytes
are written; of what is longer its beginning and its length are known.
"""

from __future__ import annotations

import errno
import tempfile
import weakref
from typing import IO

from ..errors import NotReady
from .face import RAW_BYTES


class Spool:
    """Bytes in order; then a file that can be read anywhere.

    Args:
        limit: bytes that are kept at most.

    Raises:
        NotReady: there is no temporary folder that can be written.
    """

    def __init__(self, limit: int) -> None:
        self.length = 0
        """Bytes that were added, kept or not."""
        self.limit = limit
        self._head = b""
        self._file = _opened()
        self._closer = weakref.finalize(self, self._file.close)

    @property
    def over(self) -> bool:
        """Whether there were more bytes than are kept."""
        return self.length > self.limit

    def add(self, data: bytes) -> None:
        """Take the next bytes.

        Raises:
            NotReady: the disk is full.
        """
        if len(self._head) < RAW_BYTES:
            self._head += data[: RAW_BYTES - len(self._head)]
        self.length += len(data)
        if self.over:
            self._file.truncate(0)
        else:
            self._write(data)

    def _write(self, data: bytes) -> None:
        left = memoryview(data)
        try:
            while left:
                left = left[self._file.write(left) :]
        except OSError as error:
            if error.errno not in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
                raise
            detail = (
                f"the temporary folder is full after {self.length:,} bytes of this file, which is needed as "
                "a whole; take a plan with more temporary storage, fewer blobs at once (CONCURRENT_BLOBS), "
                "or smaller files"
            )
            raise NotReady(detail) from error

    def head(self, size: int) -> bytes:
        """The first bytes: at most `size`, and at most RAW_BYTES of what is not kept."""
        if self.over or size <= len(self._head):
            return self._head[:size]
        return self.read_at(0, size)

    def tail(self, size: int) -> bytes:
        """The last bytes, at most `size`."""
        return self.read_at(max(0, self.length - size), size)

    def read_at(self, offset: int, size: int) -> bytes:
        """Bytes of a file that is kept; fewer where it ends.

        Raises:
            ValueError: the offset is negative.
        """
        self._file.seek(offset)
        return self._file.read(size)

    @property
    def file(self) -> IO[bytes]:
        """The file; it is closed when this object goes."""
        return self._file

    def close(self) -> None:
        """Give the disk back."""
        self._closer()


def _opened() -> IO[bytes]:
    try:
        return tempfile.TemporaryFile(buffering=0)
    except OSError as error:
        detail = f"no temporary file can be made for a file that is needed as a whole: {error}"
        raise NotReady(detail) from error
