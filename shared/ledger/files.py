"""How far files of this machine are, by what they are and by what they are called.

Rule: a file is known by its place on the disk (device and inode), so that a log which
was renamed goes on where it stopped; one that was written anew in place of another is
known by its path. Either way it goes on only if it begins with what was read. Invariants:
one push at a time works on a file, whatever it is called; an entry covers what was
accepted, filtered or dead-lettered, and nothing else.

    files/<key of the file>.json    its entry, as of a blob in the ledger
    paths/<key of the path>         the key of the file that was last seen there

Both keys are of a route as well: a file can go through several.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from .entry import Entry, Marks, parse
from .folder import Folder


class Claimed:
    """A file that is ours alone, and what is known of it."""

    def __init__(self, folder: Folder, file_key: str, path_key: str) -> None:
        self._folder = folder
        self._name = f"files/{file_key}.json"
        self._key = file_key
        self._index = f"paths/{path_key}"
        self._lock = f"locks/{path_key}"
        self._indexed = False

    def known(self, begins_with: Callable[[Marks], bool]) -> Entry | None:
        """The entry that the file goes on from, if it begins with what left its marks.

        Raises:
            ServiceUnavailable: the state folder cannot be read.
        """
        keys = [self._key, (self._folder.read(self._index) or b"").decode(errors="replace")]
        for key in dict.fromkeys(filter(None, keys)):
            entry = self._entry(f"files/{key}.json")
            if entry is not None and begins_with(entry.marks):
                return entry
        return None

    def _entry(self, name: str) -> Entry | None:
        text = self._folder.read(name)
        try:
            return None if text is None else parse(text)
        except msgspec.DecodeError:  # somebody wrote in it: as if it had never been pushed
            return None

    def write(self, entry: Entry) -> None:
        """Make an entry durable. Raises ServiceUnavailable."""
        entry.updated = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        self._folder.put(self._name, entry.dump())
        if not self._indexed:
            self._folder.put(self._index, self._key.encode())
            self._indexed = True

    def forget(self) -> None:
        """Remove what is known of it: of a file that is gone, and that nobody else could name.

        Raises:
            ServiceUnavailable: the state folder cannot be written.
        """
        for name in (self._index, self._name, self._lock):
            self._folder.remove(name)


@contextlib.contextmanager
def claim(folder: Folder, path: Path, identity: str, route: str) -> Iterator[Claimed]:
    """Have a file to oneself.

    Args:
        folder: the state folder.
        path: the file's, absolute.
        identity: of the file itself.
        route: the route's name.

    Raises:
        SourceBusy: another push is on it.
        ServiceUnavailable: the state folder cannot be written.
    """
    file_key, path_key = _key(identity, route), _key(str(path), route)
    with folder.lock(path_key), folder.lock(file_key):
        yield Claimed(folder, file_key, path_key)


def _key(text: str, route: str) -> str:
    return hashlib.sha256(f"{route}\n{text}".encode(errors="surrogateescape")).hexdigest()[:24]
