"""Zip, file by file while it arrives: from the local headers, not from the directory at its end.

Rule: a file that cannot be read costs that file alone, wherever its end can be
told. Invariant: nothing is held but a header, or the few bytes in which a data
descriptor may hide. Strategy: a header says how long the content is, or that a
descriptor after it will say so; then its end is where the deflate data ends, or
where a descriptor's signature stands with exactly the number of bytes that came.

- Stored, deflated, bzip2, zstd and xz content is read; encrypted content, Deflate64
  (Windows Explorer over 2 GB) and other methods are a broken file each.
- What macOS adds besides the files (`__MACOSX/.../._name`, `.DS_Store`) is no data
  of anybody's and is passed over. Folders and empty files hold no records.
- Office documents and Java archives are zips too: they are refused as a whole.
- Several zips one after another are read as one; zeros at the end are tolerated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from isal import isal_zlib

from ..errors import DecodeError
from .deflate import Inflater
from .face import End, Member, Piece, Unpack
from .limits import Caps
from .streams import bzip2, xz
from .ziphead import (
    DESCRIPTOR,
    END_OF_ZIP,
    FOLLOWED_BY,
    LOCAL,
    LONGEST_DESCRIPTOR,
    Local,
    find_descriptor,
    read_descriptor,
    read_local,
    says,
    trailing,
)

_WINDOW = 16 * 1024
_HIDDEN = LONGEST_DESCRIPTOR + 2
"""Bytes at the end of what is held that may be a descriptor's beginning, which what follows would prove."""

_METHODS = {1: "Shrink", 6: "Implode", 9: "Deflate64", 14: "LZMA", 97: "WavPack", 98: "PPMd", 99: "AES"}
_NOT_LOGS = {
    "[Content_Types].xml": "an Office document",
    "_rels/.rels": "an Office document",
    "mimetype": "an OpenDocument or EPUB file",
    "META-INF/": "a Java archive",
    "META-INF/MANIFEST.MF": "a Java archive",
}


class _Body(Protocol):
    """Reads one file's content."""

    eof: bool
    """Whether the content says of itself that it has ended."""
    unused: bytes

    def feed(self, data: bytes) -> Iterator[bytes]: ...
    def finish(self) -> Iterator[bytes]: ...


class _Stored:
    """Content as it is."""

    eof = False
    unused = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        yield data

    def finish(self) -> Iterator[bytes]:
        return iter(())


class _Deflated(Inflater):
    """Deflated content."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        return iter(()) if self.eof else super().feed(data)

    def finish(self) -> Iterator[bytes]:
        if not self.eof:
            raise DecodeError("the deflated data stops in the middle", offset=self.taken)
        return iter(())


class _Packed:
    """Content that is a whole stream of another compression."""

    eof = False
    unused = b""

    def __init__(self, unpack: Unpack) -> None:
        self._unpack = unpack

    def feed(self, data: bytes) -> Iterator[bytes]:
        yield from self._bytes(self._unpack.feed(data))

    def finish(self) -> Iterator[bytes]:
        yield from self._bytes(self._unpack.flush())

    def _bytes(self, found: Iterator[Piece]) -> Iterator[bytes]:
        yield from (piece for piece in found if isinstance(piece, bytes))


def _zstd(caps: Caps) -> _Body:
    from .zstd import ZstdDecoder  # noqa: PLC0415

    return _Packed(ZstdDecoder(caps.max_window))


_BODIES: dict[int, Callable[[Caps], _Body]] = {
    0: lambda _: _Stored(),
    8: lambda _: _Deflated(),
    12: lambda _: _Packed(bzip2()),
    93: _zstd,
    95: lambda caps: _Packed(xz(caps.max_window)),
}


class _File:
    """The file that is being read."""

    def __init__(self, head: Local, start: int, body: _Body | None) -> None:
        self.head = head
        self.start = start
        """Where its content begins in the zip."""
        self.body = body
        """None: it is passed over."""
        self.left = head.packed
        """Bytes of content that are still to come; None if that is not known."""
        self.crc = 0
        self.size = 0

    def read(self, found: Iterator[bytes]) -> Iterator[bytes]:
        """What comes out of the content, counted."""
        for out in found:
            self.crc = isal_zlib.crc32(out, self.crc)
            self.size += len(out)
            yield out


class ZipDecoder:
    """A zip in; its files' contents out, each between its marks. See `Unpack`.

    Args:
        caps: those that content of other compressions needs.
    """

    def __init__(self, caps: Caps) -> None:
        self._caps = caps
        self._held = bytearray()
        self.taken = 0
        self._stage = ZipDecoder._record
        self._skip = 0
        self._first = True
        self._ended = False
        self._file: _File | None = None

    def feed(self, data: bytes) -> Iterator[Piece]:
        """Take bytes of the zip; give what its files hold."""
        self._held += data
        moved = True
        while moved:
            before = (self._stage, len(self._held))
            yield from self._stage(self)
            moved = (self._stage, len(self._held)) != before

    def flush(self) -> Iterator[Piece]:
        """Give what is held of a file that was cut off; raise DecodeError unless the zip is whole."""
        file, at = self._file, self.taken + len(self._held)
        if file is not None:
            if file.left is None and self._stage is ZipDecoder._content:
                yield from self._give(self._take(_before_descriptor(self._held)))
            where = f"in {file.head.name}"
        elif self._ended and not self._held and self._stage is ZipDecoder._record:
            return
        else:
            where = (
                "in the directory at its end" if self._stage is ZipDecoder._passing else "between two files"
            )
        raise DecodeError(
            f"the zip is truncated {where}: the file was cut off, or is still being written; "
            "what came before the cut was read",
            offset=at,
        )

    def _take(self, size: int) -> bytes:
        taken = bytes(self._held[:size])
        del self._held[:size]
        self.taken += len(taken)
        return taken

    # -- stages: each takes what it can; the loop ends when one takes nothing and stays -----------

    def _record(self) -> Iterator[Piece]:
        """Before a record."""
        if self._ended:  # zeros may follow
            self._take(len(self._held) - len(self._held.lstrip(b"\0")))
        if len(self._held) < 4:
            return
        if self._held.startswith(LOCAL):
            head = read_local(self._held)
            if head is not None:
                yield from self._open(head)
            return
        length = trailing(self._held)
        if length:
            self._ended = self._held.startswith(END_OF_ZIP)
            self._skip, self._stage = length, ZipDecoder._passing
        elif length == 0:
            after = "after the zip's end" if self._ended else "where the zip's next file should begin"
            raise DecodeError(f"there are bytes {after} that are no part of it", offset=self.taken)

    def _passing(self) -> Iterator[Piece]:
        """Inside a record of which only the length matters."""
        self._skip -= len(self._take(min(self._skip, len(self._held))))
        if not self._skip:
            self._stage = ZipDecoder._record
        return iter(())

    def _content(self) -> Iterator[Piece]:
        """Inside a file."""
        file = self._file
        assert file is not None  # noqa: S101 - _open() has set it
        if file.left is None:
            yield from self._open_ended(file)
            return
        data = self._take(min(file.left, len(self._held)))
        file.left -= len(data)
        yield from self._give(data)
        if not file.left:
            self._stage = ZipDecoder._descriptor if file.head.described else ZipDecoder._record
            if not file.head.described:
                yield from self._close(file.head.crc, file.head.size)

    def _open_ended(self, file: _File) -> Iterator[Piece]:
        """Content up to its own end, or to the descriptor behind it."""
        packed, stored = self.taken - file.start, file.head.method == 0 and not file.head.encrypted
        found = find_descriptor(self._held[: _WINDOW + _HIDDEN], packed, stored=stored)
        size = min(_WINDOW, len(self._held) - _HIDDEN) if found is None else found
        if size > 0:
            yield from self._give(self._take(size))
        ended = file.body is not None and file.body.eof
        if file.body is not None and file.body.unused:
            self._held[:0] = file.body.unused
            self.taken -= len(file.body.unused)
        if ended or found is not None:
            self._stage = ZipDecoder._descriptor

    def _descriptor(self) -> Iterator[Piece]:
        """Behind a file's content."""
        file = self._file
        assert file is not None  # noqa: S101 - _open() has set it
        if len(self._held) < _HIDDEN:
            return
        found = read_descriptor(self._held, self.taken - file.start)
        if found is not None:
            self._take(found.length)
        elif not self._held.startswith(FOLLOWED_BY):
            raise DecodeError(
                f"behind {file.head.name} the zip is corrupt: its sizes are missing", offset=self.taken
            )
        self._stage = ZipDecoder._record
        yield from self._close(*((found.crc, found.size) if found else (file.head.crc, file.head.size)))

    # -- files ----------------------------------------------------------------------------------

    def _open(self, head: Local) -> Iterator[Piece]:
        """A file begins."""
        at = self.taken
        if self._first and head.name in _NOT_LOGS:
            raise DecodeError(f"this is {_NOT_LOGS[head.name]}: a zip inside, but no logs", offset=at)
        self._take(head.length)
        self._first = self._ended = False
        problem, of_macos, body = _problem(head), _is_of_macos(head.name), None
        if problem is None and not of_macos:
            body = _BODIES[head.method if head.packed != 0 else 0](self._caps)
        self._file = _File(head, self.taken, body)
        self._stage = ZipDecoder._content
        if problem is not None and not of_macos and not _is_empty(head):
            yield Member(head.name)
            yield End(head.name, DecodeError(problem, offset=at))
        elif body is not None:
            yield Member(head.name)

    def _give(self, data: bytes) -> Iterator[Piece]:
        """What the next bytes of content become."""
        file = self._file
        if file is not None and file.body is not None:
            try:
                yield from file.read(file.body.feed(data))
            except DecodeError as error:
                yield self._broken(file, str(error), file.start + error.offset)

    def _close(self, crc: int, size: int) -> Iterator[Piece]:
        """A file has ended; `crc` and `size` are what it should have been."""
        file, self._file = self._file, None
        if file is None or file.body is None:
            return
        try:
            yield from file.read(file.body.finish())
        except DecodeError as error:
            yield self._broken(file, str(error), file.start + error.offset)
            return
        if file.crc == crc and says(size, file.size):
            yield End(file.head.name)
        else:
            yield self._broken(file, _CHANGED, self.taken)

    def _broken(self, file: _File, problem: str, at: int) -> End:
        """The file goes no further; what is left of its content is passed over."""
        file.body = None
        return End(file.head.name, DecodeError(problem, offset=at))


_CHANGED = (
    "the checksum or the size does not match: bytes were changed on the way here, "
    "and what was read of this file may be wrong"
)


def _problem(head: Local) -> str | None:
    """Why a file cannot be read, if so."""
    if head.encrypted:
        return "this file of the zip is encrypted; store it without a password"
    if head.method not in _BODIES:
        method = _METHODS.get(head.method, f"method {head.method}")
        return f"this file of the zip is packed by {method}, which is not taken; use Deflate, or gzip"
    return None


def _is_empty(head: Local) -> bool:
    """A folder, or a file of no bytes: nothing is lost with it, however it is packed."""
    return not head.size and not head.described


def _is_of_macos(name: str) -> bool:
    folder, _, last = name.rpartition("/")
    return last == ".DS_Store" or (last.startswith("._") and folder.split("/")[0] == "__MACOSX")


def _before_descriptor(held: bytes | bytearray) -> int:
    """How much of the last bytes of a zip that was cut off is surely content."""
    place = held.find(DESCRIPTOR)
    if place >= 0:
        return place
    for size in (3, 2, 1):
        if held.endswith(DESCRIPTOR[:size]):
            return len(held) - size
    return len(held)
