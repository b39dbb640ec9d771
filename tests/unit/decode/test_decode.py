"""Compression, charsets and their limits."""

from __future__ import annotations

import codecs
import gzip
import io
import tracemalloc
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.decode import CHARSETS, OUTPUT_CHUNK, Caps, Decoder, End, Member, make_decoder, skip
from shared.decode.limits import PIECE
from shared.errors import DecodeError
from shared.formats import FORMATS
from shared.model import Position

ZEEK = Path(__file__).parents[4] / "shared" / "data" / "zeek" / "dns.json.gz"
TEXT = b"".join(b'{"n":%d,"text":"line %d"}\n' % (i, i * i) for i in range(40_000))


def _decode(decoder: Decoder, data: bytes, size: int = 1 << 16) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield from decoder.feed(data[start : start + size])
    yield from decoder.flush()


def _broken(decoder: Decoder, data: bytes, size: int = 1 << 16) -> tuple[bytes, DecodeError]:
    """What came out before the error, and the error."""
    given = bytearray()
    with pytest.raises(DecodeError) as broken:
        for chunk in _decode(decoder, data, size):
            given += chunk
    return bytes(given), broken.value


@pytest.mark.parametrize("size", [1, 7, 1 << 16, 1 << 24])
def test_gzip_members_are_one_text(size: int) -> None:
    """Members one after another, empty ones and zeros at the end give the joined text."""
    named = io.BytesIO()
    with gzip.GzipFile("name.log", "wb", fileobj=named) as file:
        file.write(b"with a name\n")
    data = (
        gzip.compress(b"one\n")
        + gzip.compress(b"")
        + named.getvalue()
        + gzip.compress(b"three\n")
        + bytes(1000)
    )
    assert b"".join(_decode(make_decoder(), data, size)) == b"one\nwith a name\nthree\n"


def test_every_part_of_a_gzip_header_is_passed_over() -> None:
    """Extra field, name, comment and header checksum are no data."""
    deflated = zlib.compressobj(wbits=-15)
    body = deflated.compress(b"text") + deflated.flush()
    trailer = zlib.crc32(b"text").to_bytes(4, "little") + (4).to_bytes(4, "little")
    header = b"\x1f\x8b\x08\x1e" + bytes(6) + b"\x03\x00abc" + b"name\0" + b"comment\0" + b"\x12\x34"
    for size in (1, 100):
        assert b"".join(_decode(make_decoder(), header + body + trailer, size)) == b"text"


def test_chunks_are_bounded_whatever_the_ratio() -> None:
    """300 MB of zeros in 300 kB come in chunks of at most OUTPUT_CHUNK, in flat memory."""
    packer = zlib.compressobj(level=9, wbits=31)
    data = b"".join([packer.compress(bytes(1 << 20)) for _ in range(300)]) + packer.flush()
    total = 0
    tracemalloc.start()
    try:
        for chunk in _decode(make_decoder(caps=Caps(max_ratio=2000)), data, len(data)):
            assert len(chunk) <= OUTPUT_CHUNK
            total += len(chunk)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert total == 300 << 20
    assert peak < 8 * OUTPUT_CHUNK


def test_a_bomb_is_stopped() -> None:
    """Over the ratio, or over the size, the decoder says so and stops."""
    packer = zlib.compressobj(level=9, wbits=31)
    bomb = b"".join([packer.compress(bytes(1 << 20)) for _ in range(200)]) + packer.flush()
    given, error = _broken(make_decoder(), bomb)
    assert "bomb" in str(error)
    assert 63 << 20 <= len(given) <= 64 << 20
    given, error = _broken(make_decoder(caps=Caps(max_output=1 << 20)), gzip.compress(TEXT * 3))
    assert "1,048,576 bytes" in str(error)
    assert given == (TEXT * 3)[: len(given)]


def test_one_line_repeated_is_no_bomb() -> None:
    """The default ratio lets pass what a log can be: 100 MB of one line."""
    data = gzip.compress(b"2024-05-01T12:00:00Z host app[1]: health check ok, status 200\n" * 1_600_000, 6)
    assert sum(map(len, _decode(make_decoder(), data))) > 64 << 20


@pytest.mark.parametrize("cut", [3, 5, 9, 10, 11, 5_000, -9, -8, -1])
def test_a_truncated_gzip_gives_what_there_is(cut: int) -> None:
    """Cut anywhere: a true beginning of the text, then an error at the end of the bytes that says so."""
    data = gzip.compress(TEXT)[:cut]
    given, error = _broken(make_decoder(), data)
    assert "truncated" in str(error)
    assert error.offset == len(data)
    assert TEXT.startswith(given)
    if -8 <= cut < 0:
        assert given == TEXT


def test_a_cut_inside_the_data_loses_nothing_before_it() -> None:
    """What zlib can get out of the bytes that are there comes out."""
    data = gzip.compress(TEXT)[:30_000]
    expected = zlib.decompressobj(31).decompress(data)
    given, _ = _broken(make_decoder(), data, 1000)
    assert len(given) >= len(expected) - 300


def test_corrupt_data_gives_what_came_before() -> None:
    """All but what the last PIECE bytes before the fault hold, then where it is about."""
    packer = zlib.compressobj(wbits=31)
    sound = packer.compress(TEXT) + packer.flush(zlib.Z_FULL_FLUSH)
    given, error = _broken(make_decoder(), sound + b"\x07" * 1000)  # a block of the type that deflate has not
    assert "corrupt" in str(error)
    assert len(sound) - PIECE <= error.offset <= len(sound)
    assert TEXT.startswith(given)
    lost = TEXT[len(given) :]
    assert len(zlib.compress(lost)) <= PIECE


def test_a_wrong_checksum_is_told_after_the_data() -> None:
    """The data is given whole; the error names the place of the checksum."""
    data = bytearray(gzip.compress(TEXT))
    data[-6] ^= 1
    given, error = _broken(make_decoder(), bytes(data))
    assert given == TEXT
    assert "checksum" in str(error)
    assert error.offset == len(data) - 8


@pytest.mark.parametrize("junk", [b"junk", b"\0\0\0junk"])
def test_bytes_after_the_gzip_are_told(junk: bytes) -> None:
    """What follows the last member and is neither gzip nor zeros may be data: an error, after the text."""
    data = gzip.compress(TEXT)
    given, error = _broken(make_decoder(), data + junk)
    assert given == TEXT
    assert error.offset == len(data) + len(junk) - 4


def test_an_error_stays() -> None:
    """A decoder that broke says the same again, and gives no more."""
    decoder = make_decoder()
    _, error = _broken(decoder, gzip.compress(TEXT)[:-3] + b"xxx" + b"y")
    with pytest.raises(DecodeError, match="checksum"):
        list(decoder.feed(gzip.compress(b"more")))
    with pytest.raises(DecodeError) as again:
        list(decoder.flush())
    assert (str(again.value), again.value.offset) == (str(error), error.offset)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"B",
        b"BZh",
        b"BZh9 is how this text begins",
        b"PK",
        b"PK\x03",
        b"\x1f",
        b"\x1f\x8b?",
        b"(\xb5/",
        b"7z",
        b"Rar!",
    ],
)
@pytest.mark.parametrize("size", [1, 100])
def test_what_only_resembles_a_compression_is_text(text: bytes, size: int) -> None:
    """A magic number counts when it is whole."""
    assert b"".join(_decode(make_decoder(), text, size)) == text


def test_a_route_can_say_what_it_expects() -> None:
    """`none` takes gzip as bytes; `gzip` takes nothing else; an unknown word lists those there are."""
    packed = gzip.compress(b"x")
    assert b"".join(_decode(make_decoder("latin-1", compression="none"), packed)).decode() == packed.decode(
        "latin-1"
    )
    assert b"".join(_decode(make_decoder(compression="gzip"), b"")) == b""
    assert "not gzip" in str(_broken(make_decoder(compression="gzip"), b"plain text")[1])
    with pytest.raises(ValueError, match="there are auto, none, gzip"):
        make_decoder(compression="rar")
    with pytest.raises(
        ValueError, match="there are utf-8, utf-16, utf-16-le, utf-16-be, latin-1, windows-1252"
    ):
        make_decoder("ebcdic")


ODD = "größe €\u2028 😀\r\n" * 3


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
@pytest.mark.parametrize(
    ("charset", "data", "expected"),
    [
        ("utf-8", codecs.BOM_UTF8 + ODD.encode(), ODD.encode()),
        ("utf-8", b"\xef\xbb", b"\xef\xbb"),
        ("utf-8", b"\xff\xfe" + codecs.BOM_UTF8, b"\xff\xfe" + codecs.BOM_UTF8),
        ("utf-16", ODD.encode("utf-16"), ODD.encode()),
        ("utf-16", codecs.BOM_UTF16_BE + ODD.encode("utf-16-be"), ODD.encode()),
        ("utf-16", ODD.encode("utf-16-le"), ODD.encode()),
        ("utf-16-le", codecs.BOM_UTF16_LE + ODD.encode("utf-16-le"), ODD.encode()),
        ("utf-16-be", ODD.encode("utf-16-be"), ODD.encode()),
        ("utf-16", b"", b""),
        ("utf-16", b"a", b"\xff"),
        ("utf-16-le", b"a\0\0\xd8b\0", b"a\xed\xa0\x80b"),
        ("utf-16-le", b"a\0\0\xdcb\0", b"a\xed\xb0\x80b"),
        ("utf-16-le", b"a\0\0\xd8", b"a\xed\xa0\x80"),
        ("utf-16-le", b"a\0\0\xd8\0", b"a\xed\xa0\x80\xff"),
        ("latin-1", bytes(range(256)), bytes(range(256)).decode("latin-1").encode()),
        ("windows-1252", b"caf\xe9 \x80 \x81", "café € \x81".encode()),
    ],
)
def test_charsets_become_utf8(charset: str, data: bytes, expected: bytes, size: int) -> None:
    """Whatever the chunks; marks go; what is no character becomes bytes that are no UTF-8."""
    assert b"".join(_decode(make_decoder(charset), data, size)) == expected
    assert b"".join(_decode(make_decoder(charset, compression="none"), data, size)) == expected


def test_a_bad_sequence_costs_one_record() -> None:
    """Half a surrogate pair in UTF-16 rejects the line that it stands in."""
    lines = '{"a":1}\n{"a":"x"}\n{"a":3}\n'.encode("utf-16-le").replace(b"x\0", b"\0\xd8")
    parser = FORMATS["ndjson"].make(FORMATS["ndjson"].options(), Position())
    blocks = [b for chunk in _decode(make_decoder("utf-16"), lines) for b in parser.feed(chunk)]
    blocks += parser.flush()
    assert [r for b in blocks for r in b.records] == [{"a": 1}, {"a": 3}]
    assert [(r.reason, r.ordinal) for b in blocks for r in b.rejects] == [("InvalidUtf8", 1)]


@pytest.mark.parametrize("charset", CHARSETS)
def test_no_chunk_is_too_long_in_any_charset(charset: str) -> None:
    """5 MB of characters that grow in UTF-8 come in chunks of at most OUTPUT_CHUNK."""
    data = b"\x80" * (5 << 20)
    chunks = list(_decode(make_decoder(charset), data, len(data)))
    assert max(map(len, chunks)) <= OUTPUT_CHUNK


@pytest.mark.parametrize(
    ("data", "charset", "expected"),
    [
        (b"plain text, long enough", "utf-8", True),
        (codecs.BOM_UTF8 + b"plain text", "utf-8", False),
        (b"plain text, long enough", "latin-1", False),
        (gzip.compress(b"plain text", mtime=0), "utf-8", False),
    ],
)
def test_what_is_given_as_it_is_says_so(data: bytes, charset: str, expected: bool) -> None:
    """`transparent` is True only where an offset that comes out is the same in the source."""
    decoder = make_decoder(charset)
    assert decoder.transparent is False
    given = b"".join(_decode(decoder, data))
    assert decoder.transparent is expected
    assert (given == data) or not expected


def test_a_mark_in_the_middle_is_a_character() -> None:
    """Where reading goes on at an offset, U+FEFF there is data and stays."""
    decoder = make_decoder(compression="none", at_start=False)
    data = codecs.BOM_UTF8 + b"text"
    assert b"".join(_decode(decoder, data, 1)) == data
    assert decoder.transparent


def test_skip_drops_so_many_bytes() -> None:
    """The first n decoded bytes go, wherever a chunk ends."""
    chunks = [b"abc", b"", b"def", b"g"]
    for n in range(9):
        assert b"".join(skip(chunks, n)) == b"abcdefg"[n:]


def test_skip_drops_so_many_marks() -> None:
    """The first marks go too; an offset that is the end of one file and the beginning of the next means both."""
    found = [Member("a"), b"abc", End("a"), Member("b"), End("b"), Member("c"), b"def", End("c")]
    assert list(skip(found, 3, 1)) == found[2:]
    assert list(skip(found, 3, 4)) == found[5:]
    assert list(skip(found, 3, 5)) == found[6:]
    assert list(skip(found, 4, 5)) == [b"ef", End("c")]
    assert list(skip(found, 0, 0)) == found


@pytest.mark.skipif(not ZEEK.is_file(), reason="the Zeek logs are not beside the repository")
def test_a_real_file() -> None:
    """Zeek's DNS log comes out as gzip.decompress gives it."""
    data = ZEEK.read_bytes()
    assert b"".join(_decode(make_decoder(), data)) == gzip.decompress(data)
