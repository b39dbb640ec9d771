"""Decoders against any bytes in any chunks."""

from __future__ import annotations

import bz2
import gzip
import itertools
import lzma
import zipfile
from collections.abc import Iterator

import pytest
from backports import zstd
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.decode import CHARSETS, Caps, End, Member, Piece, limits, make_decoder, skip
from shared.errors import DecodeError
from tests.unit.decode.packing import Event, zipped

_CHUNKS = st.lists(st.integers(1, 200), min_size=1, max_size=8)
_TEXTS = st.lists(st.binary(max_size=300) | st.sampled_from([b"x" * 20_000, b""]), max_size=4)
_WHOLE = [1 << 20]
_LONGEST_MAGIC = 10


@pytest.fixture(autouse=True, scope="module")
def small_pieces() -> Iterator[None]:
    """Pieces of 256 bytes, so that short inputs cross every boundary that large files cross."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "INPUT_PIECE", 256)
        yield


def _chunked(data: bytes, sizes: list[int]) -> Iterator[bytes]:
    place = 0
    for size in itertools.cycle(sizes):
        if place >= len(data):
            return
        yield data[place : place + size]
        place += size


def _events(data: bytes, sizes: list[int], charset: str = "utf-8") -> list[Event]:
    """What became of `data`, the error at the end included; bytes that nothing stands between are joined."""
    decoder = make_decoder(charset, caps=Caps(max_output=1 << 20, max_window=1 << 20, max_members=20))
    found: list[Event] = []
    try:
        for chunk in _chunked(data, sizes):
            for piece in decoder.feed(chunk):
                _add(found, piece, len(data))
        for piece in decoder.flush():
            _add(found, piece, len(data))
    except DecodeError as error:
        assert 0 <= error.offset <= len(data)  # noqa: PT017 - an error is one of the outcomes
        found.append(("error", str(error), error.offset))
    return found


def _add(found: list[Event], piece: Piece, size: int) -> None:
    if isinstance(piece, Member):
        found.append(("member", piece.name))
    elif isinstance(piece, End):
        assert piece.error is None or 0 <= piece.error.offset <= size
        found.append(("end", piece.name, str(piece.error), piece.error.offset if piece.error else -1))
    elif found and isinstance(found[-1], bytes):
        found[-1] += piece
    elif piece:
        found.append(piece)


def _text(found: list[Event]) -> bytes:
    return b"".join(event for event in found if isinstance(event, bytes))


# -- what is packed -----------------------------------------------------------------------------


def _zstd(data: bytes, level: int = 1) -> bytes:
    return zstd.compress(
        data,
        options={
            zstd.CompressionParameter.checksum_flag: 1,
            zstd.CompressionParameter.compression_level: level,
        },
    )


_ONE = {
    "gzip": lambda data: gzip.compress(data, 1, mtime=0),
    "zstd": _zstd,
    "bzip2": lambda data: bz2.compress(data, 1),
    "xz": lambda data: lzma.compress(data, preset=0),
}
_METHODS = st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
_NAMES = st.lists(st.sampled_from(["a.csv", "b/", "b/c.csv", ".DS_Store", "gr\u00f6\u00dfe"]), unique=True)


@st.composite
def _zips(draw: st.DrawFn, contents: st.SearchStrategy[bytes]) -> bytes:
    found = {name: draw(contents) for name in draw(_NAMES)}
    return zipped(found, draw(_METHODS), streamed=draw(st.booleans()))


def _packed(contents: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    streams = st.builds(
        lambda name, texts: b"".join(_ONE[name](text) for text in texts),
        st.sampled_from(sorted(_ONE)),
        st.lists(contents, min_size=1, max_size=3),
    )
    return streams | _zips(contents)


_CONTENT = st.binary(max_size=300) | st.sampled_from([b"x" * 3000, b"a,b\n1,2\n" * 20])
_PACKED = _packed(_CONTENT) | _packed(_packed(_CONTENT)) | _packed(_packed(_packed(_CONTENT)))


# -- properties ---------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.sampled_from(sorted(_ONE)), _TEXTS, _CHUNKS, st.integers(0, 20))
def test_streams_come_back(name: str, texts: list[bytes], sizes: list[int], zeros: int) -> None:
    """Any number of members, streams or frames, any chunks, any padding: the joined texts."""
    texts = [b"#" + text for text in texts]
    data = b"".join(_ONE[name](text) for text in texts)
    found = _events(data + bytes(zeros if data else 0), sizes)
    assert found == ([b"".join(texts)] if texts else [])


@settings(deadline=None)
@given(st.lists(_CONTENT.map(b"#".__add__), max_size=4), _METHODS, st.booleans(), st.booleans(), _CHUNKS)
def test_zips_come_back(
    texts: list[bytes], method: int, streamed: bool, twice: bool, sizes: list[int]
) -> None:
    """Any files, by any method, sizes before or behind, bare or packed once more: each between its marks."""
    data = zipped({f"{n}.csv": text for n, text in enumerate(texts)}, method, streamed=streamed)
    wanted: list[Event] = []
    for number, text in enumerate(texts):
        wanted += [("member", f"{number}.csv"), text, ("end", f"{number}.csv", "None", -1)]
    assert _events(gzip.compress(data) if twice else data, sizes) == wanted


@settings(deadline=None, max_examples=200)
@given(_PACKED, _CHUNKS, st.sampled_from(sorted(CHARSETS)))
def test_chunks_change_nothing(data: bytes, sizes: list[int], charset: str) -> None:
    """However it is nested and cut into chunks: the same bytes, marks and errors."""
    assert _events(data, sizes, charset) == _events(data, _WHOLE, charset)


@settings(deadline=None, max_examples=300)
@given(_PACKED, st.data(), _CHUNKS)
def test_a_cut_gives_a_beginning(data: bytes, drawn: st.DataObject, sizes: list[int]) -> None:
    """Cut anywhere: the same files, and bytes that begin theirs, but for a magic number that is cut itself."""
    whole = _events(data, _WHOLE)
    cut = _events(data[: drawn.draw(st.integers(0, len(data)))], sizes)
    given = _text(cut)
    assert _text(whole).startswith(given) or _text(whole).startswith(given[:-_LONGEST_MAGIC])
    _check_marks(cut)
    marks = [event for event in cut if not isinstance(event, bytes) and event[0] == "member"]
    assert (
        marks
        == [event for event in whole if not isinstance(event, bytes) and event[0] == "member"][: len(marks)]
    )


@settings(deadline=None, max_examples=500)
@given(
    _PACKED, st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 255)), min_size=1, max_size=3), _CHUNKS
)
def test_damage_never_raises_anything_else(
    data: bytes, changes: list[tuple[int, int]], sizes: list[int]
) -> None:
    """Changed bytes: bytes, marks that close what they open, perhaps a DecodeError; the chunks change nothing."""
    damaged = bytearray(data or b"?")
    for place, byte in changes:
        damaged[place % len(damaged)] = byte
    found = _events(bytes(damaged), sizes)
    assert found == _events(bytes(damaged), _WHOLE)
    _check_marks(found)


def _check_marks(found: list[Event]) -> None:
    """Every End closes the innermost Member; only an error at the end leaves some open."""
    open_: list[str] = []
    for event in found:
        if isinstance(event, bytes) or event[0] == "error":
            continue
        if event[0] == "member":
            open_.append(event[1])
        else:
            assert open_.pop() == event[1]
    assert not open_ or (not isinstance(found[-1], bytes) and found[-1][0] == "error")


_MAGIC = [
    b"\x1f\x8b\x08",
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"PK\x07\x08",
    b"PK\x01\x02",
    b"\x28\xb5\x2f\xfd",
    b"\x50\x2a\x4d\x18",
    b"BZh91AY&SY",
    b"\xfd7zXZ\0",
    bytes(20),
    b"\xff" * 8,
]


@settings(deadline=None, max_examples=500)
@given(st.lists(st.sampled_from(_MAGIC) | st.binary(max_size=40), max_size=12).map(b"".join), _CHUNKS)
def test_noise_behind_a_magic_number(data: bytes, sizes: list[int]) -> None:
    """What begins as a compression and is none: bytes, marks, perhaps a DecodeError; the chunks change nothing."""
    found = _events(data, sizes)
    assert found == _events(data, _WHOLE)
    _check_marks(found)


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(sorted(CHARSETS)), st.binary(max_size=300), _CHUNKS)
def test_any_bytes_in_any_charset(charset: str, data: bytes, sizes: list[int]) -> None:
    """No bytes raise in any charset, and the chunks never change what comes out."""
    data = b"text: " + data
    found = _events(data, sizes, charset)
    assert found == _events(data, _WHOLE, charset)
    if charset.startswith("utf-16"):
        order = "utf-16-be" if charset == "utf-16-be" else "utf-16-le"
        whole = data[: len(data) // 2 * 2].decode(order, "surrogatepass").encode("utf-8", "surrogatepass")
        assert found == [whole + b"\xff" * (len(data) % 2)]


@given(st.lists(st.binary(max_size=5)), st.integers(0, 30))
def test_skip_is_a_slice(chunks: list[bytes], n: int) -> None:
    """Dropping n bytes of chunks is dropping n bytes of the whole."""
    assert b"".join(c for c in skip(chunks, n) if isinstance(c, bytes)) == b"".join(chunks)[n:]
