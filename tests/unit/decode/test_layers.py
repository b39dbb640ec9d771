"""Compressions inside one another, caps over all of them, charsets file by file, and flat memory."""

from __future__ import annotations

import codecs
import gzip
import io
import itertools
import subprocess
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.decode import RATIO_GRACE, Caps, limits, make_decoder
from shared.errors import DecodeError
from tests.unit.decode.packing import PACKERS, broken, decoded, events, files, text, zipped

ROOT = Path(__file__).resolve().parents[3]
TEXT = b"".join(b'{"n":%d}\n' % i for i in range(2000))
PAIRS = list(itertools.product(PACKERS, PACKERS))


def _joined(data: bytes, size: int = 1 << 16) -> bytes:
    return b"".join(event for event in events(data, size) if isinstance(event, bytes))


@pytest.mark.parametrize("size", [100, 1 << 16])
@pytest.mark.parametrize(("outer", "inner"), PAIRS)
def test_one_inside_the_other(outer: str, inner: str, size: int) -> None:
    """Any compression inside of any other is undone."""
    assert _joined(PACKERS[outer](PACKERS[inner](TEXT)), size) == TEXT


@pytest.mark.parametrize(("outer", "inner"), PAIRS)
def test_a_third_one_is_refused(outer: str, inner: str) -> None:
    """It is named; in a file of a zip it costs that file."""
    data = PACKERS[outer](PACKERS[inner](PACKERS["gzip"](TEXT)))
    told = [str(event) for event in events(data) if not isinstance(event, bytes)]
    assert _joined(data) == b""
    assert sum("gzip inside of two other compressions" in event for event in told) == 1
    assert ("error" in told[0]) == ("zip" not in {outer, inner})


def test_the_usual_nestings() -> None:
    """`.csv.gz` and plain files in one `.zip`; a `.zip` in a `.gz`; a `.zip` in a `.zip`."""
    inner = zipped({"x.csv": b"x\n", "y.csv.gz": gzip.compress(b"y\n")}, streamed=True)
    mixed = {"a.csv.gz": gzip.compress(b"a\n") + gzip.compress(b"b\n"), "c.csv": b"c\n", "e.zip": b""}
    assert files(zipped(mixed)) == {"a.csv.gz": b"a\nb\n", "c.csv": b"c\n", "e.zip": b""}
    assert files(gzip.compress(zipped({"a.csv": b"a\n", "b.csv": b"b"}))) == {"a.csv": b"a\n", "b.csv": b"b"}
    found = events(zipped({"a.zip": inner, "b.csv": b"b"}))
    assert found[:5] == [
        ("member", "a.zip"),
        ("member", "a.zip/x.csv"),
        b"x\n",
        ("end", "a.zip/x.csv"),
        ("member", "a.zip/y.csv.gz"),
    ]
    assert found[5][:2] == ("end", "a.zip/y.csv.gz")
    assert "two other compressions" in str(found[5][2])
    assert found[6:] == [("end", "a.zip"), ("member", "b.csv"), b"b", ("end", "b.csv")]


def test_a_broken_file_inside_costs_itself() -> None:
    """A gzip in a zip that is cut or changed ends with its error, where it stands in the zip; the next file comes."""
    whole = gzip.compress(TEXT)
    data = zipped({"a.gz": whole[:-20], "b.gz": whole[:-1] + b"x", "c.gz": whole}, zipfile.ZIP_STORED)
    found = events(data)
    assert [event[:2] for event in found if not isinstance(event, bytes)] == [
        (kind, name) for name in ("a.gz", "b.gz", "c.gz") for kind in ("member", "end")
    ]
    assert "truncated" in str(found[2][2])
    assert TEXT.startswith(found[1])  # type: ignore[arg-type]
    assert "checksum" in str(found[5][2])
    assert data.index(b"b.gz") < int(found[5][3]) <= data.index(b"c.gz")
    assert found[4] == found[7] == TEXT


def test_a_broken_zip_inside_costs_itself() -> None:
    """A zip in a zip that is cut: its whole files come, the cut one as far as it goes, then the next file."""
    inner = zipped({"x": b"x\n", "y": TEXT})
    found = events(zipped({"a.zip": inner[:-200], "b": b"b"}))
    assert found[:4] == [("member", "a.zip"), ("member", "a.zip/x"), b"x\n", ("end", "a.zip/x")]
    assert found[-5][:2] == ("end", "a.zip/y")
    assert "truncated in y" in str(found[-5][2])
    assert found[-4] == ("end", "a.zip")
    assert found[-3:] == [("member", "b"), b"b", ("end", "b")]


@pytest.mark.parametrize("data", [b"PAR1" + bytes(range(256)) + b"PAR1", b"Obj\x01" + bytes(range(256)) * 3])
def test_parquet_and_avro_pass_untouched(data: bytes) -> None:
    """Their own magic numbers are no compression's, bare or packed."""
    assert text(data) == data
    assert decoder_is_transparent(data)
    for pack in PACKERS.values():
        assert _joined(pack(data)) == data


def decoder_is_transparent(data: bytes) -> bool:
    """Whether offsets in what comes out are those of `data`."""
    decoder = make_decoder()
    assert b"".join(decoded(decoder, data)) == data
    return decoder.transparent


def _tar() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as file:
        file.addfile(tarfile.TarInfo("a.log"))
    return out.getvalue()


REFUSED = [
    ("7z", b"7z\xbc\xaf\x27\x1c\0\4"),
    ("rar", b"Rar!\x1a\x07\x01\0"),
    ("lz4", b"\x04\x22\x4d\x18\x64\x40\xa7"),
    ("snappy", b"\xff\x06\0\0sNaPpY\x01"),
    ("tar", _tar()),
]


@pytest.mark.parametrize(("name", "data"), REFUSED)
@pytest.mark.parametrize("size", [1, 1000])
def test_what_is_not_taken_is_named(name: str, data: bytes, size: int) -> None:
    """Its bytes never reach a parser: the error says what they are and what to do; in a zip it costs one file."""
    given, error, offset = broken(data, size)
    assert (given, offset) == (b"", 0)
    assert f"this is {name}, which Logferry does not take: store it as gzip, zip, zstd, bzip2, xz or" in error
    assert f"this is {name}" in broken(gzip.compress(data))[1]
    found = files(zipped({"a": data, "b": b"b"}), size)
    assert f"this is {name}".encode() in found["a"]
    assert found["b"] == b"b"


# -- charsets -----------------------------------------------------------------------------------


def test_each_file_has_its_own_mark() -> None:
    """A byte order mark begins each file of a zip anew, in UTF-8 and UTF-16 of either kind."""
    word = "gr\u00f6\u00dfe\n"
    wanted = {name: word.encode() for name in "abc"}
    with_marks = {name: codecs.BOM_UTF8 + word.encode() for name in "abc"}
    assert files(zipped(with_marks)) == wanted
    packed = {
        "a": word.encode("utf-16"),
        "b": codecs.BOM_UTF16_BE + word.encode("utf-16-be"),
        "c": word.encode("utf-16-le"),
    }
    found = events(zipped(packed), charset="utf-16")
    assert [event for event in found if isinstance(event, bytes)] == [word.encode()] * 3


def test_half_a_character_stays_in_its_file() -> None:
    """What a file of a zip ends in is given at its end; what a broken one ends in is not made up."""
    whole = events(zipped({"a": b"x\0y", "b": b"z\0"}), charset="utf-16-le")
    assert whole == [("member", "a"), b"x\xff", ("end", "a"), ("member", "b"), b"z", ("end", "b")]
    cut = gzip.compress(b"x\0y" + TEXT)[:-5]
    found = events(zipped({"a": cut, "b": b"z\0"}, zipfile.ZIP_STORED), charset="utf-16-le")
    assert not found[1].endswith(b"\xff")  # type: ignore[union-attr]
    assert found[4] == b"z"


# -- caps ---------------------------------------------------------------------------------------


def _zeros(megabytes: int) -> bytes:
    """Gzip of so many MB of zeros."""
    packer = zlib.compressobj(level=9, wbits=31)
    return b"".join([packer.compress(bytes(1 << 20)) for _ in range(megabytes)]) + packer.flush()


def test_a_zip_of_ten_gigabytes_of_zeros_is_stopped() -> None:
    """A zip made while it is read: the decoder stops soon after the grace, and asks for no more."""
    asked = 0

    def bomb() -> Iterator[bytes]:
        nonlocal asked
        yield b"PK\x03\x04\x14\0\x08\0\x08\0" + bytes(4) + bytes(12) + b"\x05\0\0\0" + b"a.log"
        packer = zlib.compressobj(level=9, wbits=-15)
        for _ in range(10_000):
            asked += 1
            yield packer.compress(bytes(1 << 20))

    decoder, given = make_decoder(), 0
    with pytest.raises(DecodeError, match="bomb"):
        for chunk in bomb():
            given += sum(len(piece) for piece in decoder.feed(chunk) if isinstance(piece, bytes))
    assert given <= RATIO_GRACE + (2 << 20)
    assert asked < 200


def test_a_bomb_made_of_bombs_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each file of the zip is under the grace, and so is each layer's ratio; all together they are not."""
    monkeypatch.setattr(limits, "RATIO_GRACE", 6 << 20)
    bombs = {f"{n}.gz": _zeros(4) for n in range(10)}
    given, error, _ = broken(zipped(bombs))
    assert "bomb" in error
    assert 4 << 20 <= len(given) <= 6 << 20
    assert "bomb" in broken(PACKERS["zstd"](_zeros(10)))[1]


@pytest.mark.parametrize("name", PACKERS)
def test_every_compression_is_under_the_caps(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over the size or over the ratio, the whole source stops, with what came before given."""
    data = PACKERS[name](TEXT * 20)
    given, error, _ = broken(data, caps=Caps(max_output=200_000))
    assert "over the limit of 200,000 bytes" in error
    assert "MAX_DECODED_BYTES" in error
    assert (TEXT * 20).startswith(given)
    monkeypatch.setattr(limits, "RATIO_GRACE", 6 << 20)
    given, error, _ = broken(PACKERS[name](bytes(8 << 20)), caps=Caps(max_ratio=100))
    assert "bomb" in error
    assert len(given) <= 6 << 20


def test_the_size_is_that_of_all_files() -> None:
    """A cap that is passed inside a file ends the source, not only the file."""
    small = {f"{n}.gz": gzip.compress(TEXT) for n in range(10)}
    found = events(zipped(small), caps=Caps(max_output=len(TEXT) * 3 + 100))
    assert [event[1] for event in found if event[0] == "end"] == ["0.gz", "1.gz", "2.gz"]
    assert found[-1][0] == "error"
    assert "over the limit" in str(found[-1][1])


# -- memory and imports --------------------------------------------------------------------------

_MEASURE = """
import sys
from benchmarks.peak import peak_mb
from shared.decode import make_decoder
from tests.unit.decode.packing import PACKERS, zipped
import random
random.seed(1)
block = b"".join(b'{"n":%d,"h":"%032x"}\\n' % (i, random.getrandbits(128)) for i in range(20_000))
inner, outer = sys.argv[1:]
count = {"bzip2": 6, "xz": 12}.get(inner, 40)
packed = PACKERS[inner](block)
decoder, total, peaks = make_decoder(), 0, []
def take(pieces):
    global total
    total += sum(len(p) for p in pieces if isinstance(p, bytes))
if outer == "zip":
    out = {f"{n}": packed for n in range(4)}
    rounds = [zipped(out)] * count
else:
    rounds = [packed * 4] * count
for number, data in enumerate(rounds):
    for start in range(0, len(data), 1 << 16):
        take(decoder.feed(data[start:start + (1 << 16)]))
    peaks.append(peak_mb())
take(decoder.flush())
assert total == len(block) * 4 * count, total
print(peaks[3], peaks[-1])
"""


@pytest.mark.parametrize(
    ("inner", "outer"), [(name, "") for name in PACKERS] + [("gzip", "zip"), ("zstd", "zip")]
)
def test_memory_is_flat(inner: str, outer: str) -> None:
    """Of 20 to 150 MB that come out, all after the first 15 needs no memory that these did not."""
    run = subprocess.run(
        [sys.executable, "-c", _MEASURE, inner, outer],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    early, late = map(int, run.stdout.split())
    assert late - early < 16


def test_a_library_is_loaded_when_it_is_needed() -> None:
    """Plain and gzipped sources load none of zstd, bzip2, xz and zip; a zip loads neither of the others."""
    code = """
import gzip, sys
from shared.decode import make_decoder
late = {"bz2", "lzma", "_bz2", "_lzma", "backports.zstd", "shared.decode.zip", "shared.decode.zstd", "shared.decode.streams"}
for data in (b"text", gzip.compress(b"text")):
    decoder = make_decoder()
    assert b"".join([*decoder.feed(data), *decoder.flush()]) == b"text"
    assert not late & set(sys.modules), late & set(sys.modules)
decoder = make_decoder()
list(decoder.feed(bytes.fromhex("504b0506") + bytes(300)))
print(*sorted(late & set(sys.modules)))
"""
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["shared.decode.streams", "shared.decode.zip"]
