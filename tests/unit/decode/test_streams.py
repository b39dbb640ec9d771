"""zstd, bzip2 and xz: streams, frames, padding, damage and windows."""

from __future__ import annotations

import bz2
import lzma
import os
import zlib
from collections.abc import Callable

import pytest
from backports import zstd

from shared.decode import Caps
from tests.unit.decode.packing import PACKERS, broken, events, shared, text

TEXT = b"".join(b'{"n":%d,"text":"line %d"}\n' % (i, i * i) for i in range(40_000))
STREAMS = ["zstd", "bzip2", "xz"]
CHECKSUM = zstd.CompressionParameter.checksum_flag


def _skippable(size: int, kind: int = 0) -> bytes:
    return bytes([0x50 + kind]) + b"\x2a\x4d\x18" + size.to_bytes(4, "little") + bytes(size)


@pytest.mark.parametrize("size", [1, 7, 1 << 16, 1 << 24])
@pytest.mark.parametrize("name", STREAMS)
def test_streams_one_after_another_are_one_text(name: str, size: int) -> None:
    """Streams one after another, empty ones and zeros at the end give the joined text."""
    pack = PACKERS[name]
    data = pack(b"one\n") + pack(b"") + pack(b"x" * 300_000 + b"\n") + pack(b"four\n") + bytes(512)
    assert text(data, size) == b"one\n" + b"x" * 300_000 + b"\nfour\n"


@pytest.mark.parametrize("name", STREAMS)
def test_a_large_text_comes_back(name: str) -> None:
    """What the library packed comes out whole, whatever the text: runs, noise or lines."""
    for source in (TEXT, bytes(3 << 20), os.urandom(1 << 20), b"", b"a"):
        assert text(PACKERS[name](source)) == source


@pytest.mark.parametrize("level", [-7, 1, 19])
@pytest.mark.parametrize("size", [0, 200, 256, 300, 65_535, 65_791, 65_792, 200_000])
def test_zstd_frames_of_every_header(level: int, size: int) -> None:
    """With the content's size in one, two, four bytes or not at all, with a checksum or without."""
    source = (TEXT * 2)[:size]
    assert text(zstd.compress(source, level)) == source
    packer = zstd.ZstdCompressor(options={zstd.CompressionParameter.compression_level: level, CHECKSUM: 1})
    pieces = [packer.compress(source[i : i + 1000], packer.FLUSH_BLOCK) for i in range(0, size, 1000)]
    assert text(b"".join(pieces) + packer.flush(packer.FLUSH_FRAME)) == source


@pytest.mark.parametrize("size", [1, 1000])
def test_skippable_zstd_frames_are_passed_over(size: int) -> None:
    """Before, between and behind frames of data, of any kind and size."""
    data = _skippable(0) + _skippable(5, 15) + zstd.compress(b"one ") + _skippable(100_000, 3)
    assert text(data + zstd.compress(b"two") + _skippable(9), size) == b"one two"


def test_xz_streams_may_be_padded() -> None:
    """Zeros between two streams are no data."""
    assert text(lzma.compress(b"one ") + bytes(8) + lzma.compress(b"two") + bytes(4)) == b"one two"


@pytest.mark.parametrize("name", STREAMS)
def test_cut_anywhere_it_is_a_true_beginning(name: str) -> None:
    """Cut at every byte: a true beginning of the text, and an error at the end of the bytes that says so."""
    pack = PACKERS[name]
    first = pack(b"first line\n" * 20)
    data = first + pack(b"second line\n" * 20)
    source = b"first line\n" * 20 + b"second line\n" * 20
    for cut in range(10, len(data)):
        if cut == len(first):
            continue
        given, error, offset = broken(data[:cut])
        assert source.startswith(given)
        assert "truncated" in error
        assert offset == cut
        assert cut < len(first) or len(given) >= 220


@pytest.mark.parametrize("name", STREAMS)
def test_a_cut_loses_nothing_before_it(name: str) -> None:
    """What the library can get out of the bytes that are there comes out."""
    data = PACKERS[name](TEXT * 3)
    data = data[: len(data) * 2 // 3]
    made: dict[str, Callable[[], object]] = {
        "zstd": zstd.ZstdDecompressor,
        "bzip2": bz2.BZ2Decompressor,
        "xz": lzma.LZMADecompressor,
    }
    expected = made[name]().decompress(data)  # type: ignore[attr-defined]
    given, _, _ = broken(data)
    assert given == expected
    assert len(given) > 900_000


@pytest.mark.parametrize("name", STREAMS)
def test_damage_costs_little_of_what_came_before(name: str) -> None:
    """A byte changed in the middle: what comes out is the text up to about there, then an error."""
    data = bytearray(PACKERS[name](TEXT * 3))
    data[len(data) // 2] ^= 0x55
    given, error, offset = broken(bytes(data))
    assert "corrupt" in error or "checksum" in error
    assert shared(given, TEXT * 3) > len(TEXT) // 2
    assert len(data) // 4 < offset <= len(data)


def test_a_wrong_zstd_checksum_is_told_after_the_data() -> None:
    """The data is given whole; the error names the place of the checksum."""
    data = bytearray(PACKERS["zstd"](TEXT))
    data[-1] ^= 1
    assert broken(bytes(data))[0] == TEXT
    assert "checksum" in broken(bytes(data))[1]
    assert broken(bytes(data))[2] == len(data) - 4


@pytest.mark.parametrize(("name", "place"), [("bzip2", 10), ("xz", -28 - 9)])
def test_a_wrong_checksum_costs_less_than_a_kilobyte(name: str, place: int) -> None:
    """Of bzip2 and xz all is given but the end of the block that the checksum is for."""
    source = TEXT[:500_000]
    data = bytearray(PACKERS[name](source))
    data[place] ^= 1
    given, error, _ = broken(bytes(data))
    assert "corrupt" in error
    assert source.startswith(given)
    assert len(source) - len(given) < 1024


@pytest.mark.parametrize("junk", [b"junk", b"\0\0\0junk", b"BZjunk", b"(\xb5/junk", b"\xfd7z\0junk"])
@pytest.mark.parametrize("name", STREAMS)
def test_bytes_behind_the_last_stream_are_told(name: str, junk: bytes) -> None:
    """What follows the last stream and is neither another nor zeros may be data: an error, after the text."""
    data = PACKERS[name](TEXT)
    given, error, offset = broken(data + junk)
    assert given == TEXT
    assert "there are bytes" in error
    assert len(data) <= offset <= len(data) + 3


def _frame(window: int, content: bytes = b"text\n") -> bytes:
    """A zstd frame that asks for a window of 2**window bytes and holds one raw block."""
    return b"\x28\xb5\x2f\xfd\x00" + bytes([(window - 10) << 3]) + _raw_block(content)


def _raw_block(content: bytes) -> bytes:
    return (len(content) << 3 | 1).to_bytes(3, "little") + content


def test_a_zstd_window_is_limited() -> None:
    """A frame that asks for more memory than the limit is refused by its header, with the remedy."""
    assert text(_frame(26)) == b"text\n"
    given, error, offset = broken(zstd.compress(b"before\n") + _frame(27))
    assert given == b"before\n"
    assert "134,217,728 bytes" in error
    assert "67,108,864" in error
    assert "MAX_WINDOW_BYTES" in error
    assert offset == len(zstd.compress(b"before\n"))
    assert "2,199,023,255,552" in broken(_frame(41))[1]
    assert "1,048,576" in broken(_frame(26), caps=Caps(max_window=1 << 20))[1]


def test_a_higher_limit_takes_a_larger_window() -> None:
    """With MAX_WINDOW_BYTES raised, what the default refuses is read."""
    assert events(_frame(28), caps=Caps(max_window=1 << 28)) == [b"text\n"]


def test_a_whole_content_is_a_window_too() -> None:
    """A zstd frame that says how large its content is has a window of that size."""
    single = b"\x28\xb5\x2f\xfd\xe0" + (1 << 40).to_bytes(8, "little") + _raw_block(b"text")
    assert "1,099,511,627,776 bytes" in broken(single)[1]


def test_a_zstd_dictionary_is_asked_for() -> None:
    """A frame that cannot be read without its dictionary says so."""
    samples = [b'{"level":"info","message":"request %d"}' % i for i in range(2000)]
    dictionary = zstd.train_dict(samples, 4096)
    _, error, offset = broken(zstd.compress(b"x" * 100, zstd_dict=dictionary))
    assert f"needs the dictionary {dictionary.dict_id}" in error
    assert offset == 0


def test_a_zstd_block_is_never_larger_than_the_standard_has_it() -> None:
    """A block that says it has 2 MB is corrupt at its header; nobody waits for its bytes."""
    data = b"\x28\xb5\x2f\xfd\x00\x58" + ((1 << 21) - 1 << 3).to_bytes(3, "little") + bytes(10)
    _, error, offset = broken(data)
    assert "corrupt" in error
    assert offset == 6


def _xz_with_dictionary(code: int) -> bytes:
    """An xz stream whose block says it was made with the dictionary of that code (40: 4 GB - 1)."""
    data = bytearray(lzma.compress(b"text"))
    size = (data[12] + 1) * 4
    header = data[12 : 12 + size]
    place = header.index(b"\x21\x01") + 2
    header[place] = code
    header[-4:] = zlib.crc32(bytes(header[:-4])).to_bytes(4, "little")
    data[12 : 12 + size] = header
    return bytes(data)


def test_an_xz_dictionary_is_limited() -> None:
    """One of 64 MiB (`xz -9`) is taken; a larger one is refused with the remedy."""
    assert text(_xz_with_dictionary(28)) == b"text"
    for code in (29, 30, 40):
        _, error, _ = broken(_xz_with_dictionary(code))
        assert "MAX_WINDOW_BYTES" in error
