"""Documents in a folder of this machine, for who pushes files without a storage account.

Rule: nothing here knows what is in a document. Invariants: a document is there whole
or as it was before, whatever ends the process or the machine, and is on the disk when
`put` returns; who holds a lock holds it alone on this machine, and a process that dies
lets go of it at once. The folder is its owner's only: dead letters hold what records
hold.
"""

from __future__ import annotations

import contextlib
import os
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

from ..errors import ServiceUnavailable, SourceBusy

_LONGEST_PART = 200
_OWNER = 0o700


class Folder:
    """A state folder.

    Args:
        root: made if it is not there.

    Raises:
        ServiceUnavailable: it cannot be made or written.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        with self.usable():
            root.mkdir(_OWNER, parents=True, exist_ok=True)
            probe = root / f".{uuid.uuid4().hex}"
            probe.touch()
            probe.unlink()

    def read(self, name: str) -> bytes | None:
        """A document, or None. Raises ServiceUnavailable."""
        with self.usable():
            try:
                return self._path(name).read_bytes()
            except FileNotFoundError:
                return None

    def put(self, name: str, document: bytes) -> None:
        """Write, whatever is there. Raises ServiceUnavailable."""
        path = self._path(name)
        beside = path.with_name(f".{uuid.uuid4().hex}")
        with self.usable():
            path.parent.mkdir(_OWNER, parents=True, exist_ok=True)
            try:
                _write(beside, document)
                beside.replace(path)
            finally:
                beside.unlink(missing_ok=True)
            _sync(path.parent)

    def remove(self, name: str) -> None:
        """Delete a document if it is there. Raises ServiceUnavailable."""
        with self.usable():
            self._path(name).unlink(missing_ok=True)

    def place(self, name: str) -> Path:
        """Where a file of that name may be written; its folder is there. Raises ServiceUnavailable."""
        path = self._path(name)
        with self.usable():
            path.parent.mkdir(_OWNER, parents=True, exist_ok=True)
        return path

    @contextlib.contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Hold a lock while the context is open.

        Raises:
            SourceBusy: another process, or another thread of this one, has it.
            ServiceUnavailable: it cannot be written.
        """
        path = self.place(f"locks/{name}")
        with self.usable():
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            with self.usable():
                mine = _locked(handle)
            if not mine:
                raise SourceBusy("another push is on it")
            yield
        finally:
            os.close(handle)  # which lets go of the lock

    def _path(self, name: str) -> Path:
        return self.root.joinpath(*(part[:_LONGEST_PART] for part in name.split("/")))

    @contextlib.contextmanager
    def usable(self) -> Iterator[None]:
        """What the disk refuses in here is one sentence. Raises ServiceUnavailable."""
        try:
            yield
        except OSError as error:
            raise ServiceUnavailable(
                f"The state folder {self.root}, where progress and dead letters are kept, cannot be written "
                f"({error.strerror}).",
                remedy="Name another one with --state, or let who runs this write there.",
            ) from error


def _write(path: Path, document: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(document)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """Have the disk know the folder's names. Windows does so by itself."""
    if sys.platform != "win32":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


if sys.platform == "win32":  # pragma: no cover - the other half of this
    import msvcrt

    def _locked(handle: int) -> bool:
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _locked(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
