"""Decoders against any bytes in any chunks."""

from __future__ import annotations

import gzip
import itertools
from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.decode import CHARSETS, make_decoder, skip
from shared.errors import DecodeError

_CHUNKS = st.lists(st.integers(1, 200), min_size=1, max_size=8)
_TEXTS = st.lists(st.binary(max_size=300) | st.sampled_from([b"x" * 20_000, b""]), max_size=4)


def _chunked(data: bytes, sizes: list[int]) -> Iterator[bytes]:
    place = 0
    for size in itertools.cycle(sizes):
        if place >= len(data):
            return
        yield data[place : place + size]
        place += size


def _decode(data: bytes, sizes: list[int], charset: str = "utf-8") -> tuple[bytes, str | None]:
    """What comes out, and the error at the end if there is one."""
    decoder, given = make_decoder(charset, compression="auto"), bytearray()
    try:
        for chunk in _chunked(data, sizes):
            for out in decoder.feed(chunk):
                given += out
        for out in decoder.flush():
            given += out
    except DecodeError as error:
        return bytes(given), str(error) if 0 <= error.offset <= len(data) else "an offset outside of the data"
    return bytes(given), None


@settings(deadline=None)
@given(_TEXTS, _CHUNKS, st.integers(0, 20))
def test_gzip_comes_back(texts: list[bytes], sizes: list[int], zeros: int) -> None:
    """Any number of members, any chunks, any padding: the joined texts."""
    data = b"".join(gzip.compress(text, 1) for text in texts)
    expected = b"".join(texts).removeprefix(b"\xef\xbb\xbf")
    assert _decode(data + bytes(zeros if data else 0), sizes) == (expected, None)


@settings(deadline=None)
@given(st.binary(min_size=1, max_size=300), _CHUNKS, st.data())
def test_a_cut_gives_a_beginning(text: bytes, sizes: list[int], data: st.DataObject) -> None:
    """Cut anywhere after its magic number, a gzip gives a beginning of its text and then an error."""
    packed = gzip.compress(b"#" + text)
    cut = data.draw(st.integers(3, len(packed) - 1))
    given, error = _decode(packed[:cut], sizes)
    assert (b"#" + text).startswith(given)
    assert error is not None


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=300), st.integers(0, 400), st.integers(0, 255), _CHUNKS)
def test_damage_never_raises_anything_else(text: bytes, at: int, byte: int, sizes: list[int]) -> None:
    """One changed byte in a gzip, or no gzip at all: bytes, and perhaps a DecodeError."""
    packed = bytearray(gzip.compress(text))
    packed[3 + at % (len(packed) - 3)] = byte
    cut, whole = _decode(bytes(packed), sizes), _decode(bytes(packed), [1000])
    assert cut[1] == whole[1] or "corrupt" in f"{cut[1]}{whole[1]}"
    assert "outside" not in f"{cut[1]}"
    assert cut[0].startswith(whole[0])
    _decode(b"\x1f\x8b\x08" + text, sizes)


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(sorted(CHARSETS)), st.binary(max_size=300), _CHUNKS)
def test_any_bytes_in_any_charset(charset: str, data: bytes, sizes: list[int]) -> None:
    """No bytes raise in any charset, and the chunks never change what comes out."""
    data = b"text: " + data
    given, error = _decode(data, sizes, charset)
    assert error is None
    assert given == _decode(data, [1000], charset)[0]
    if charset.startswith("utf-16"):
        order = "utf-16-be" if charset == "utf-16-be" else "utf-16-le"
        whole = data[: len(data) // 2 * 2].decode(order, "surrogatepass").encode("utf-8", "surrogatepass")
        assert given == whole + b"\xff" * (len(data) % 2)


@given(st.lists(st.binary(max_size=5)), st.integers(0, 30))
def test_skip_is_a_slice(chunks: list[bytes], n: int) -> None:
    """Dropping n bytes of chunks is dropping n bytes of the whole."""
    assert b"".join(skip(chunks, n)) == b"".join(chunks)[n:]
