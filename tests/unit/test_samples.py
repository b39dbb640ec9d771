"""The samples and the flawed inputs: made by samples/make.py, small, and one for every route."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import subprocess
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from backports import zstd

from samples.make import FILES, FLAWED, FLAWED_HERE, HERE, files, flawed
from shared.routes import load

ROOT = HERE.parent
MADE = {
    **{HERE / name: data for name, data in files().items()},
    **{FLAWED_HERE / name: data for name, data in flawed().items()},
}


def unzipped(data: bytes) -> bytes:
    """The names in a zip and what they stand for."""
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        return b"".join(name.encode() + b"\n" + unpacked(file.read(name)) for name in file.namelist())


UNPACK: dict[bytes, Callable[[bytes], bytes]] = {
    b"PK": unzipped,
    b"BZh": bz2.decompress,
    b"\xfd7zXZ": lzma.decompress,
    b"\x28\xb5\x2f\xfd": zstd.decompress,
}


def unpacked(data: bytes) -> bytes:
    """What is in the file, as far as its bytes go."""
    for magic, unpack in UNPACK.items():
        if data.startswith(magic):
            return unpack(data)
    if data[:2] != b"\x1f\x8b":
        return data
    found = b""
    while data:
        member = zlib.decompressobj(31)
        found += member.decompress(data)
        data = member.unused_data
    return found


@pytest.mark.parametrize("path", MADE, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_files_are_what_the_generator_makes(path: Path) -> None:
    """A sample file holds what make.py makes, so that nobody edits one by hand."""
    here, made = unpacked(path.read_bytes()), unpacked(MADE[path])
    if path.name == "refunds.ndjson.gz":  # cut in its compressed bytes, which differ between zlibs
        assert min(len(here), len(made)) > 10_000
        assert here.startswith(made) or made.startswith(here)
    else:
        assert here == made


@pytest.mark.parametrize("folder", [HERE, FLAWED_HERE], ids=lambda folder: folder.name)
def test_every_file_is_listed(folder: Path) -> None:
    """Every file in samples/ and flawed/ is made by make.py or explains the others."""
    listed = subprocess.run(
        ["git", "ls-files", "--others", "--cached", "--exclude-standard", "."],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    there = {folder / name for name in listed.stdout.splitlines() if (folder / name).is_file()}
    if listed.returncode:  # no git here: an unpacked archive
        there = {p for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts}
    made = {path for path in MADE if path.is_relative_to(folder)}
    assert there - {folder / "make.py", folder / "README.md"} == made


def test_they_are_small() -> None:
    """The samples are under 2.2 MB together."""
    assert sum(path.stat().st_size for path in MADE) < 2_200_000


def test_every_route_has_one() -> None:
    """Every route that takes files takes at least one of the samples, and two samples are taken by none."""
    routes = load(ROOT / "routes.yaml")
    taken = {name: routes.for_blob(name.removeprefix("archive/")) for name in FILES}
    names = {route.name for route in taken.values() if route is not None}
    assert names == {route.name for route in routes.by_name.values() if route.takes.blobs}
    assert [name for name, route in taken.items() if route is None] == [
        "exports/edge-07.csv",
        "notes/handover.txt",
    ]


def test_the_cut_file_is_cut() -> None:
    """apps/refunds.ndjson.gz breaks off, as its row in README.md says."""
    with pytest.raises(EOFError):
        gzip.decompress((FLAWED_HERE / "apps/refunds.ndjson.gz").read_bytes())


def test_the_readme_names_every_file() -> None:
    """Each README.md has a row for every file of its folder."""
    for folder, names in ((HERE, files()), (FLAWED_HERE, FLAWED)):
        text = (folder / "README.md").read_text(encoding="utf-8")
        assert [name for name in names if f"`{name}`" not in text] == []
