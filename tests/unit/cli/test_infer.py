"""`logferry infer`: a ready route for files that nobody has described."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from shared.cli import app
from shared.errors import LogferryError
from shared.infer.write import scalar
from shared.routes import loads
from shared.shape.times import to_text

ROOT = Path(__file__).resolve().parents[3]
DATA = ROOT.parent / "shared" / "data"
FRESH = to_text(datetime.now(UTC))
FLAWED = {"README.md", "make.py"}


def run(*arguments: str, code: int = 0) -> Result:
    done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code == code, (done.output, done.exception)
    return done


def inferred(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run("infer", str(path), "--json").stdout)
    return found


def columns(tmp_path: Path, name: str, content: str | bytes) -> dict[str, Any]:
    """The columns for a file with this content."""
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return inferred(path)["route"]["columns"]  # type: ignore[no-any-return]


def test_types_names_and_the_time(tmp_path: Path) -> None:
    """Each key gets the narrowest type that every value fits, a legal name, and the time its column."""
    text = (
        f"when,Type,zip,n,share,ok,big\n{FRESH},a,01234,1,1.5,true,5000000000\n{FRESH},b,10115,,2,FALSE,1\n"
    )
    assert columns(tmp_path, "a.csv", text) == {
        "TimeGenerated": {"type": "datetime", "from": "when"},
        "TypeValue": {"type": "string", "from": "Type"},
        "Zip": {"type": "string", "from": "zip"},
        "NValue": {"type": "int", "from": "n"},
        "Share": {"type": "real", "from": "share"},
        "Ok": {"type": "boolean", "from": "ok"},
        "Big": {"type": "long", "from": "big"},
    }


def test_nested_objects_and_lists(tmp_path: Path) -> None:
    """Fields of objects become columns by their path; lists are dynamic; epochs are known by their size."""
    record = {
        "ts": int(datetime.now(UTC).timestamp() * 1000),
        "a": {"b": {"c": "x"}},
        "l": [1, {"z": 2}],
        "f": True,
    }
    assert columns(tmp_path, "a.json", json.dumps(record) + "\n" + json.dumps(record)) == {
        "TimeGenerated": {"type": "datetime", "from": "ts", "format": "epoch_ms"},
        "ABC": {"type": "string", "from": "a.b.c"},
        "LValue": {"type": "dynamic", "from": "l"},
        "FValue": {"type": "boolean", "from": "f"},
    }


def test_an_old_time_is_kept_in_a_column_of_its_own(tmp_path: Path) -> None:
    """Where Azure would replace the times, the record's own has a second column."""
    found = columns(tmp_path, "a.csv", "t,x\n2001-01-01 00:00:00,1\n2001-01-02 00:00:00,2\n")
    assert found["EventTime"] == found["TimeGenerated"] == {"type": "datetime", "from": "t"}


def test_compression_and_charset(tmp_path: Path) -> None:
    """The content says what a file is compressed with, and which charset it is in."""
    path = tmp_path / "data"
    path.write_bytes(gzip.compress("näme;größe\nä;1\nö;2\n".encode("windows-1252")))
    found = inferred(path)["route"]
    assert found["charset"] == "windows-1252"
    assert found["format"] == {"type": "csv", "delimiter": ";"}
    assert [column["from"] for column in found["columns"].values()] == ["näme", "größe"]
    path.write_bytes("a,b\n1,2\n3,4\n".encode("utf-16"))
    assert inferred(path)["route"]["charset"] == "utf-16"


def test_a_route_is_added_to_a_file(tmp_path: Path) -> None:
    """--append leaves a routes file that is right, or as it was."""
    routes, file = tmp_path / "routes.yaml", tmp_path / "a.csv"
    file.write_text("name,size\na,1\nb,2\n")
    run("infer", str(file), "--append", str(routes), "--name", "one", "--table", "One_CL")
    assert list(loads(routes.read_text()).by_name) == ["one"]
    run("infer", str(file), "--append", str(routes), "--name", "two", "--table", "Two_CL")
    assert list(loads(routes.read_text()).by_name) == ["one", "two"]
    before = routes.read_text()
    run("infer", str(file), "--append", str(routes), "--name", "two", code=1)
    assert routes.read_text() == before


@given(st.text())
def test_a_scalar_is_read_back(text: str) -> None:
    """Whatever a key or a pattern holds, the YAML that is written says the same."""
    if text.encode(errors="replace").decode() == text:
        assert yaml.safe_load(scalar(text)) == text or scalar(text) == text


def _files() -> list[Path]:
    found = [
        path for path in sorted((ROOT / "samples").rglob("*")) if path.is_file() and path.name not in FLAWED
    ]
    return found + [path for path in sorted(DATA.rglob("*")) if path.is_file()] if DATA.is_dir() else found


@pytest.mark.parametrize("path", _files(), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_sample_gets_a_route_that_loses_nothing(path: Path, tmp_path: Path) -> None:
    """With the proposed route, preview shows no reject and no loss, for the samples and for logs that nobody here wrote."""
    routes = tmp_path / "routes.yaml"
    run("infer", str(path), "--append", str(routes))
    found = json.loads(run("preview", str(path), "--routes", str(routes), "--json").stdout)
    assert found["read"] > 0
    assert (found["lost"], found["rejects"]) == (0, [])
    assert found["changed"].get("bad_value_kept", 0) == 0


@pytest.mark.parametrize(
    ("before", "start", "gap"),
    [
        (None, "routes:", "\n"),
        ("", "routes:", "\n"),
        ("routes:\n", "routes:", "\n"),
        (
            "routes:\r\n  z: { from: {}, format: csv, table: Z_CL }\r\n",
            "routes:\r\n  z: { from: {}, format: csv, table: Z_CL }\r\n",
            "\r\n",
        ),
    ],
)
def test_a_route_is_added_as_the_file_is_written(
    tmp_path: Path, before: str | None, start: str, gap: str
) -> None:
    """A routes file that is not there or empty is begun; one with CRLF line ends keeps them."""
    source, routes = tmp_path / "a.csv", tmp_path / "r.yaml"
    source.write_text(f"time,b\n{FRESH},1\n")
    if before is not None:
        routes.write_bytes(before.encode())
    run("infer", str(source), "--append", str(routes))
    after = routes.read_bytes().decode()
    assert after.startswith(f"{start}{gap}  a:{gap}")
    assert after.count("\n") == after.count(gap)


@pytest.mark.parametrize("name", ["binary", "folder", "no/folder"])
def test_a_file_that_cannot_be_added_to_is_a_sentence(tmp_path: Path, name: str) -> None:
    """What cannot be read or written is said in a line, and is as it was."""
    (tmp_path / "binary").write_bytes(b"\xff\xfe\xfd")
    (tmp_path / "folder").mkdir()
    source = tmp_path / "a.csv"
    source.write_text(f"time,b\n{FRESH},1\n")
    done = run("infer", str(source), "--append", str(tmp_path / name), code=1)
    assert isinstance(done.exception, LogferryError)
    assert (tmp_path / "binary").read_bytes() == b"\xff\xfe\xfd"


def test_an_empty_file_is_no_sample(tmp_path: Path) -> None:
    """Nothing follows from an empty file, and that is said."""
    (tmp_path / "a.csv").touch()
    done = run("infer", str(tmp_path / "a.csv"), code=1)
    assert "a.csv is empty" in str(done.exception)
