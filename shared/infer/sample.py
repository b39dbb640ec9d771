"""A file's first bytes, decompressed, and the charset they are in.

Rule: only the beginning is read. Invariant: the text never ends in half a character.
"""

from __future__ import annotations

import codecs
import re
from pathlib import Path
from typing import NamedTuple

from ..decode import make_decoder
from ..errors import DecodeError

_MULTIBYTE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_HIGH = re.compile(rb"[\x80-\xff]")
READ_BYTES = 2_000_000
"""How much of a file is looked at, compressed and decompressed each."""


class Sample(NamedTuple):
    """The beginning of a file."""

    raw: bytes
    """Decompressed."""
    charset: str
    text: str
    """Decoded; "" of a binary format."""
    whole: bool
    """Whether that is all of it."""

    @property
    def lines(self) -> list[str]:
        """Lines that are not blank; not the last one, which may be cut."""
        found = self.text.replace("\r\n", "\n").split("\n")
        return [line for line in (found if self.whole else found[:-1]) if line.strip()]


def sample(path: Path) -> Sample:
    """The beginning of a file, or of the first file in an archive.

    Raises:
        OSError: it cannot be read.
        DecodeError: not even its beginning can be decompressed.
    """
    with path.open("rb") as file:
        data = file.read(READ_BYTES + 1)
    raw, whole = _decompressed(data)
    charset = _charset(raw)
    return Sample(raw, charset, _text(raw, charset), whole)


def _decompressed(data: bytes) -> tuple[bytes, bool]:
    # Latin-1 and back leaves every byte as it is: what is wanted here is the decompressed file.
    decoder, out, size = make_decoder("latin-1"), list[bytes](), 0
    whole = len(data) <= READ_BYTES
    try:
        for piece in decoder.feed(data[:READ_BYTES]):
            if isinstance(piece, bytes):
                out.append(piece)
                size += len(piece)
            elif out:
                return _bytes(out), True  # the first file of an archive has ended
            if size > 2 * READ_BYTES:
                return _bytes(out)[:READ_BYTES], False
        if whole:
            for piece in decoder.flush():
                if not isinstance(piece, bytes):
                    if out:
                        break
                    continue
                out.append(piece)
    except DecodeError:
        if not out:
            raise
        whole = False
    return _bytes(out), whole


def _bytes(pieces: list[bytes]) -> bytes:
    return b"".join(pieces).decode(errors="ignore").encode("latin-1", errors="replace")


def _charset(raw: bytes) -> str:
    head = raw[:4096]
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if head and not raw.startswith((b"PAR1", b"Obj\x01")):
        if head[1::2].count(0) > len(head) // 4:
            return "utf-16-le"
        if head[::2].count(0) > len(head) // 4:
            return "utf-16-be"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(raw)
    except UnicodeDecodeError:
        return "utf-8" if _is_mostly_utf8(raw) else "windows-1252"
    return "utf-8"


def _is_mostly_utf8(raw: bytes) -> bool:
    """Whether most of what is no ASCII is UTF-8: then a few bytes are broken, and not the charset."""
    valid = len(_MULTIBYTE.findall(raw))
    return valid > len(_HIGH.findall(_MULTIBYTE.sub(b"", raw)))


def _text(raw: bytes, charset: str) -> str:
    if raw.startswith((b"PAR1", b"Obj\x01")):
        return ""
    return raw.decode(charset if charset != "utf-8" else "utf-8-sig", errors="ignore")
