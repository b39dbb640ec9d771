"""A growing file -> its lines, as they are completed.

Rule: a line is given when its newline is there, never half of it; a file that got
shorter was begun again and is read from its start. It holds one unfinished line.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

POLL_SECONDS = 0.05
CHUNK = 256 * 1024


class Tail:
    """Follows one file.

    Args:
        path: of the file; it may not exist yet.
        from_start: give what is in it already, too.
    """

    def __init__(self, path: Path, *, from_start: bool = False) -> None:
        self._path = path
        self._offset = 0 if from_start or not path.exists() else path.stat().st_size
        self._part = b""

    def read(self) -> list[str]:
        """The lines that were completed since the last call, at most CHUNK bytes of them."""
        if not self._path.exists():
            return []
        with self._path.open("rb") as file:
            if file.seek(0, 2) < self._offset:
                self._offset, self._part = 0, b""
            file.seek(self._offset)
            data = file.read(CHUNK)
        self._offset += len(data)
        *lines, self._part = (self._part + data).split(b"\n")
        return [line.decode("utf-8", "replace") for line in lines]

    async def lines(self) -> AsyncIterator[str]:
        """Every line, for ever."""
        while True:
            found = self.read()
            for line in found:
                yield line
            if not found:
                await asyncio.sleep(POLL_SECONDS)
