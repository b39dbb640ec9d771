"""The samples and the flawed inputs, as things to drop and to send.

Rule: a file's place below samples/ or flawed/ says where it goes: `messages/` on the queue,
`archive/` in the container of that name (whose blobs raise no event), everything
else in the drop container under its own path.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
FLAWED = SAMPLES.parent / "flawed"
ARCHIVE = "archive"
_NO_INPUT = frozenset({"make.py", "README.md"})


@dataclass(frozen=True, slots=True)
class File:
    """Something to upload."""

    container: str
    path: str
    data: bytes

    @property
    def source(self) -> str:
        """What audit rows call it."""
        return f"{self.container}/{self.path}"


@dataclass(frozen=True, slots=True)
class Message:
    """Something to put on the queue."""

    name: str
    text: str


def files(drop_container: str, folders: Iterable[Path] = (SAMPLES, FLAWED)) -> list[File]:
    """Every sample and every flawed file, the archive's first, since messages name them."""
    found = []
    for name, path in (pair for folder in folders for pair in _paths(folder)):
        top, _, rest = name.partition("/")
        if top == ARCHIVE:
            found.append(File(ARCHIVE, rest, path.read_bytes()))
        elif top != "messages" and rest:
            found.append(File(drop_container, name, path.read_bytes()))
    return sorted(found, key=lambda file: (file.container != ARCHIVE, file.path))


def messages(blob_url: str, folder: Path = SAMPLES) -> list[Message]:
    """Every sample message; {blobs} in one becomes the blob service's address."""
    return [
        Message(path.name, path.read_text(encoding="utf-8").replace("{blobs}", blob_url.rstrip("/")))
        for name, path in _paths(folder)
        if name.startswith("messages/")
    ]


def _paths(folder: Path) -> list[tuple[str, Path]]:
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file() and "__pycache__" not in path.parts)
    named = ((path.relative_to(folder).as_posix(), path) for path in paths)
    return [(name, path) for name, path in named if name not in _NO_INPUT]
