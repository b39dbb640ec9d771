"""Zip: files, descriptors, damage, what is passed over and what is refused."""

from __future__ import annotations

import io
import lzma
import shutil
import struct
import subprocess
import zipfile
import zlib
from pathlib import Path

import pytest
from backports.zstd import zipfile as newer

from shared.decode import Caps, ziphead
from tests.unit.decode.packing import Event, OneWay, broken, events, files, shared, text, zipped

LINES = b"".join(b"line %d\n" % i for i in range(30_000))
NOISE = bytes((i * i * 31 >> 7 ^ i) & 0xFF for i in range(50_000))
MANY = {"a.log": LINES, "empty.log": b"", "folder/b.log": NOISE, "c.log": b"c\n"}
_ENCRYPTED = 1
METHODS = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2]

pytestmark = pytest.mark.filterwarnings("ignore:Duplicate name")


def _between(found: dict[str, bytes]) -> list[Event]:
    """The events of a zip with these files."""
    wanted: list[Event] = []
    for name, content in found.items():
        wanted += [("member", name), *([content] if content else []), ("end", name)]
    return wanted


@pytest.mark.parametrize("size", [1000, 1 << 16, 1 << 24])
@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("method", METHODS)
def test_each_file_comes_between_its_marks(method: int, streamed: bool, size: int) -> None:
    """In their order, whatever packs them, with their sizes before or behind them."""
    data = zipped(MANY, method, streamed=streamed, comment=b"a comment")
    assert events(data, size) == _between(MANY)


def test_files_packed_by_zstd_and_xz() -> None:
    """Method 93, and 95 (here by hand: the standard library writes it not)."""
    out = io.BytesIO()
    with newer.ZipFile(out, "w", newer.ZIP_ZSTANDARD) as file:
        file.writestr("a.log", LINES)
    assert files(out.getvalue()) == {"a.log": LINES}
    packed = zipped({"a.log": lzma.compress(LINES)}, zipfile.ZIP_STORED)
    crc = zlib.crc32(LINES)
    assert files(_with(packed, method=95, crc=crc, size=len(LINES))) == {"a.log": LINES}


def _with(
    data: bytes, *, method: int | None = None, flags: int = 0, crc: int | None = None, size: int | None = None
) -> bytes:
    """The zip with its first local header changed."""
    changed = bytearray(data)
    changed[6] |= flags
    for place, code, value in ((8, "<H", method), (14, "<I", crc), (22, "<I", size)):
        if value is not None:
            struct.pack_into(code, changed, place, value)
    return bytes(changed)


@pytest.mark.parametrize("streamed", [False, True])
def test_zip64_sizes(streamed: bool) -> None:
    """Sizes of eight bytes, in the extra field or in the descriptor."""
    out = OneWay() if streamed else io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:  # type: ignore[arg-type]
        for name, content in MANY.items():
            with file.open(name, "w", force_zip64=True) as member:
                member.write(content)
    assert files(bytes(out.data) if isinstance(out, OneWay) else out.getvalue()) == MANY


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED])
def test_a_descriptor_may_have_no_signature(method: int) -> None:
    """The standard leaves it open; deflated content says itself where it ends."""
    data = zipped(MANY, method, streamed=True).replace(b"PK\x07\x08", b"")
    assert files(data) == MANY


def test_a_descriptor_may_be_missing_where_it_is_not_needed() -> None:
    """The flag is set, the sizes are in the header, and nothing stands behind the content."""
    assert files(_with(zipped(MANY), flags=8)) == MANY


@pytest.mark.parametrize("code", ["<IIIH", "<IQQH"])
@pytest.mark.parametrize("signature", [b"", ziphead.DESCRIPTOR])
def test_sizes_over_four_gigabytes(code: str, signature: bytes) -> None:
    """In 64 bits, or the last 32 of them as macOS writes it: both are found where the content ends."""
    size = (1 << 32) + 5
    written = size if "Q" in code else 5
    data = signature + struct.pack(code, 7, written, written, 0x4B50) + bytes(20)
    found = ziphead.read_descriptor(data, size)
    assert found is not None
    assert (found.length, found.crc) == (len(signature) + struct.calcsize(code) - 2, 7)
    assert ziphead.says(found.size, size)
    assert not ziphead.says(found.size, size + 1)
    if signature:
        assert ziphead.find_descriptor(b"text" + data, size - 4, stored=True) == 4


def test_stored_content_may_hold_what_looks_like_a_descriptor() -> None:
    """A zip in a zip, stored while it was streamed: only the descriptor with the right size ends it."""
    inner = zipped({"x.log": LINES, "y.log": b"PK\x07\x08" * 20}, zipfile.ZIP_STORED, streamed=True)
    odd = b"x" + b"PK\x07\x08" + struct.pack("<III", 0, 1, 2) + b"PK" + LINES
    data = zipped({"inner.zip": inner, "odd.log": odd, "b.log": b"b"}, zipfile.ZIP_STORED, streamed=True)
    found = files(data)
    assert found["inner.zip/x.log"] == LINES
    assert found["inner.zip/y.log"] == b"PK\x07\x08" * 20
    assert (found["odd.log"], found["b.log"]) == (odd, b"b")


@pytest.mark.skipif(shutil.which("zip") is None, reason="there is no zip command here")
def test_what_the_zip_command_writes(tmp_path: Path) -> None:
    """Info-ZIP's files: by name, piped in and out, with folders, encrypted."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "b.log").write_bytes(LINES)
    (tmp_path / "a.log").write_bytes(b"a\n")

    def run(*arguments: str, given: bytes | None = None) -> bytes:
        command = ["zip", "-q", *arguments]
        return subprocess.run(command, cwd=tmp_path, input=given, capture_output=True, check=True).stdout

    wanted = {"a.log": b"a\n", "folder/": b"", "folder/b.log": LINES}
    run("-r", "plain.zip", "a.log", "folder")
    assert files((tmp_path / "plain.zip").read_bytes()) == wanted
    for more in ([], ["-0"], ["-fd"], ["-fz"]):
        assert files(run("-r", *more, "-", "a.log", "folder")) == wanted
    assert files(run("-", "-", given=LINES)) == {"-": LINES}
    run("-P", "secret", "locked.zip", "a.log", "folder/b.log")
    run("locked.zip", "a.log")
    found = files((tmp_path / "locked.zip").read_bytes())
    assert found["a.log"] == b"a\n"
    assert b"encrypted" in found["folder/b.log"]


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_an_encrypted_file_costs_itself(method: int, streamed: bool) -> None:
    """It is one error between its marks, at its header; the others come."""
    found = events(_with(zipped(MANY, method, streamed=streamed), flags=_ENCRYPTED))
    assert found[:2] == [("member", "a.log"), ("end", "a.log", found[1][2], 0)]
    assert "encrypted" in str(found[1][2])
    assert found[2:] == _between(MANY)[3:]


@pytest.mark.parametrize(
    ("method", "name"), [(9, "Deflate64"), (14, "LZMA"), (98, "PPMd"), (77, "method 77")]
)
@pytest.mark.parametrize("streamed", [False, True])
def test_an_unknown_method_costs_one_file(method: int, name: str, streamed: bool) -> None:
    """It is named, with what to do; the others come."""
    found = files(_with(zipped(MANY, streamed=streamed), method=method))
    assert name.encode() in found["a.log"]
    assert b"Deflate, or gzip" in found["a.log"]
    assert {**found, "a.log": LINES} == MANY


@pytest.mark.parametrize("streamed", [False, True])
def test_a_damaged_file_costs_itself(streamed: bool) -> None:
    """Deflate data that break in the middle: what came before comes, an error, and then the other files."""
    data = bytearray(zipped({"first.log": b"1\n", **MANY}, streamed=streamed))
    at = data.index(b"a.log") + 20_000
    data[at : at + 2000] = NOISE[:2000]
    found = events(bytes(data))
    assert found[:4] == [("member", "first.log"), b"1\n", ("end", "first.log"), ("member", "a.log")]
    assert isinstance(found[4], bytes)
    assert shared(found[4], LINES) > 50_000
    assert "corrupt" in str(found[5][2])
    assert at - 1100 < int(found[5][3]) < at + 2000
    assert found[6:] == _between(MANY)[3:]


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_wrong_checksum_is_told_after_the_file(method: int, streamed: bool) -> None:
    """The content is given whole; then the error; then the other files."""
    data = bytearray(zipped(MANY, method, streamed=streamed))
    crc = struct.pack("<I", zlib.crc32(LINES))
    at = data.index(crc)
    data[at] ^= 1
    found = events(bytes(data))
    assert found[:2] == [("member", "a.log"), LINES]
    assert "checksum" in str(found[2][2])
    assert found[3:] == _between(MANY)[3:]


def test_deflate_data_that_end_too_early() -> None:
    """A header that says less than the content has: the file is broken, and the zip behind it too."""
    data = bytearray(zipped({"a.log": LINES, "b.log": b"b"}))
    size = struct.unpack_from("<I", data, 18)[0]
    struct.pack_into("<I", data, 18, size - 5)
    found = events(bytes(data))
    assert "stops in the middle" in str(found[2][2])
    assert "no part of it" in str(found[3][1])


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("method", METHODS)
def test_cut_anywhere_it_is_a_true_beginning(method: int, streamed: bool) -> None:
    """Cut at every byte: the files before are whole, the one that is cut is a true beginning, then the error."""
    source = {"a.log": b"first line\n" * 9, "b/": b"", "c.log": b"second line\n" * 9, "d": b"PK"}
    data = zipped(source, method, streamed=streamed)
    wanted = _between(source)
    for cut in range(4, len(data)):
        found = events(data[:cut])
        kind, error, offset = found.pop()
        assert (kind, offset) == ("error", cut)
        assert "truncated" in str(error)
        whole = wanted[: len(found)]
        if found and isinstance(found[-1], bytes):
            assert isinstance(whole[-1], bytes)
            assert whole[-1].startswith(found[-1])
            found, whole = found[:-1], whole[:-1]
        assert found == whole


def test_what_macos_adds_is_passed_over() -> None:
    """AppleDouble files and .DS_Store; what only stands in a folder of that name is a file."""
    odd = {"__MACOSX/._a.log": b"\0\5\x16\7", ".DS_Store": b"\0\0\0\1Bud1", "logs/.DS_Store": b"x"}
    kept = {"a.log": LINES, "__MACOSX/real.log": b"r", "._not.log": b"n"}
    for streamed in (False, True):
        assert files(zipped({**odd, **kept, "__MACOSX/logs/._b": b"y"}, streamed=streamed)) == kept


def test_nothing_is_lost_with_what_holds_nothing() -> None:
    """Folders, empty files and what macOS adds are no rejects, even where they could not be unpacked."""
    nothing = {"logs/": b"", "empty.log": b"", "__MACOSX/._a.log": b"\0\5\x16\7"}
    found = files(zipped({**nothing, "logs/a.log": LINES}, zipfile.ZIP_LZMA))
    assert list(found) == ["logs/a.log"]
    assert b"LZMA" in found["logs/a.log"]
    for name, content in nothing.items():
        assert files(_with(zipped({name: content, "z": b"z"}), flags=_ENCRYPTED)) == {"z": b"z"}


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("[Content_Types].xml", "an Office document"),
        ("_rels/.rels", "an Office document"),
        ("mimetype", "OpenDocument"),
        ("META-INF/", "a Java archive"),
        ("META-INF/MANIFEST.MF", "a Java archive"),
    ],
)
def test_what_is_a_zip_only_inside_is_refused(name: str, what: str) -> None:
    """A spreadsheet or a program holds no logs: it is named at its first byte, and nothing of it is read."""
    given, error, offset = broken(zipped({name: b"x", "b.xml": LINES}))
    assert (given, offset) == (b"", 0)
    assert what in error
    later = files(zipped({"a.log": b"a", name: b"x"}))
    assert later == {"a.log": b"a", name: b"x"}


def test_zips_one_after_another_are_read() -> None:
    """Two zips in one file, and zeros behind; an empty zip is empty."""
    data = zipped({"a.log": LINES}, comment=b"one") + zipped({"b.log": b"b"}, streamed=True) + bytes(700)
    assert files(data) == {"a.log": LINES, "b.log": b"b"}
    assert events(zipped({})) == []
    assert text(zipped({"a/": b""})[:0]) == b""


@pytest.mark.parametrize("junk", [b"junk", b"\0\0\0junk", b"PK\x07\x08"])
def test_bytes_behind_the_zip_are_told(junk: bytes) -> None:
    """They may be data: an error, after all the files."""
    data = zipped(MANY)
    found = events(data + junk)
    assert found[:-1] == _between(MANY)
    assert "after the zip's end" in str(found[-1][1])


def test_bytes_between_files_are_told() -> None:
    """Where the next file should begin and none does, nothing more can be read."""
    data = zipped(MANY)
    at = data.index(b"PK\x03\x04", 1)
    found = events(data[:at] + b"?" + data[at:])
    assert found[:3] == _between(MANY)[:3]
    assert found[3:] == [
        ("error", "there are bytes where the zip's next file should begin that are no part of it", at)
    ]


@pytest.mark.parametrize(
    ("raw", "utf8", "name"),
    [
        ("gr\u00f6\u00dfe.log".encode(), True, "gr\u00f6\u00dfe.log"),
        (b"gr\x94\xe1e.log", False, "gr\u00f6\u00dfe.log"),
        (b"logs\\a.log", False, "logs/a.log"),
        (b"a\n\x1b[31m.log", False, "a\ufffd\ufffd[31m.log"),
        (b"bad\xff.log", True, "bad\ufffd.log"),
        (b"x" * 60_000, False, "x" * 400 + "..."),
    ],
)
def test_names_can_be_shown(raw: bytes, utf8: bool, name: str) -> None:
    """UTF-8 or cp437, with `/` between folders, and nothing in them that a terminal would obey."""
    data = zipped({"n" * len(raw): b"x"}).replace(b"n" * len(raw), raw)
    data = data[:7] + bytes([data[7] | (8 if utf8 else 0)]) + data[8:]
    assert files(data) == {name: b"x"}


def test_so_many_files_and_no_more() -> None:
    """A cap on the number of files ends the source, whatever they hold."""
    data = zipped({f"{n}.log": b"x" for n in range(10)})
    assert len(events(data, caps=Caps(max_members=10))) == 30
    given, error, _ = broken(data, caps=Caps(max_members=9))
    assert given == b"x" * 9
    assert "more than 9 files" in error
