"""Archives through the whole app: each file by itself, what is broken told, nothing twice."""

from __future__ import annotations

import gzip
import lzma
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.azurite import Azurite
from tests.ferry import Ferry, ferry
from tests.unit.decode.packing import zipped


@pytest.fixture
def app(azurite: Azurite, tmp_path: Path) -> Iterator[Ferry]:
    with ferry(azurite, tmp_path) as made:
        yield made


def rows(first: int, count: int) -> bytes:
    return b"name,size\n" + b"".join(b"n%d,%d\n" % (i, i) for i in range(first, first + count))


def test_a_zip_with_broken_files_loses_no_other(app: Ferry) -> None:
    """Encrypted, cut off and of an unknown method: one dead letter each, by name; the other files' rows land."""
    data = bytearray(
        zipped(
            {
                "locked.csv": rows(0, 5),
                "a.csv": rows(100, 50).replace(b"n149", b"skip"),
                "cut.csv.gz": gzip.compress(rows(1000, 20_000))[:-5000],
                "logs/b.csv.gz": gzip.compress(rows(200, 50)),
                "deflate64.csv": rows(300, 10),
                "empty.csv": b"",
                "c.csv.xz": lzma.compress(rows(400, 50)),
            },
            zipfile.ZIP_STORED,
        )
    )
    data[6] |= 1
    struct.pack_into("<H", data, data.index(b"deflate64.csv") - 22, 9)
    app.drop("rows/many.zip", bytes(data))
    app.take("rows/many.zip")
    names = {row["Name"] for row in app.server.rows("Rows_CL | project Name")}
    assert {f"n{i}" for i in [*range(100, 149), *range(200, 250), *range(400, 450)]} <= names
    counts = app.entry("rows/many.zip").counts
    assert counts.accepted == len(names) > 149 + 1000
    assert (counts.filtered, counts.dead_lettered) == (1, 3)
    assert counts.adds_up()
    dead = [(d["reason"], d["detail"].partition(":")[0]) for d in app.dead()]
    assert dead == [("BrokenInput", name) for name in ("locked.csv", "cut.csv.gz", "deflate64.csv")]


def test_a_zip_goes_on_in_the_next_invocation(app: Ferry) -> None:
    """Stopped after every block, in every file: each row lands once, each broken file is told once."""
    app.again(BATCH_BYTES="20000", UPLOAD_WINDOW="4")
    app.app.budget = -1.0
    broken = gzip.compress(rows(0, 1000))[:-8] + bytes(8)
    files = {
        "1.csv": rows(0, 20_000),
        "2.csv.gz": broken,
        "3.csv": b"\xef\xbb\xbf" + rows(20_000, 20_000),
        "4.csv": b"size,name\n" + b"".join(b"%d,n%d\n" % (i, i) for i in range(40_000, 60_000)),
    }
    app.drop("rows/a.zip", zipped(files, streamed=True))
    app.take("rows/a.zip")
    runs = 1
    while app.entry("rows/a.zip").state != "done":
        (again,) = app.queued()
        app.work(again)
        runs += 1
    assert runs > 4
    found = app.server.rows("Rows_CL | summarize N = count(), S = sum(Size)")
    assert found == [{"N": 61_000, "S": sum(range(60_000)) + sum(range(1000))}]
    assert ["2.csv.gz" in d["detail"] for d in app.dead()] == [True]
    assert app.entry("rows/a.zip").counts.adds_up()


def test_the_caps_are_settings(app: Ferry) -> None:
    """What is over MAX_DECODED_BYTES is not read: one dead letter that names the setting; what came before lands."""
    app.again(MAX_DECODED_BYTES="1000000")
    app.drop("rows/a.csv.gz", gzip.compress(rows(0, 200_000)))
    app.take("rows/a.csv.gz")
    (dead,) = app.dead()
    assert dead["reason"] == "BrokenInput"
    assert "over the limit of 1,000,000 bytes" in dead["detail"]
    assert "MAX_DECODED_BYTES" in dead["detail"]
    counts = app.entry("rows/a.csv.gz").counts
    assert counts.accepted > 20_000
    assert counts.adds_up()
