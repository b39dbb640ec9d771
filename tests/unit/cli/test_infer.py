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

from shared.cli.main import app
from shared.errors import LogferryError
from shared.infer.draft import draft
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


DATES = [
    (
        "Datum;Uhrzeit;Wer\n20.11.2026;06:00:01;ana\n",
        {"join": ["Datum", "Uhrzeit"], "format": "%d.%m.%Y %H:%M:%S"},
    ),
    ("on,at,tz\n2026-11-20,06:00:00,+0100\n", {"join": ["on", "at", "tz"], "format": "%Y-%m-%d %H:%M:%S %z"}),
    ("date,time,n\n11/20/26,6:00:01 AM,1\n", {"join": ["date", "time"], "format": "%m/%d/%y %I:%M:%S %p"}),
    ("Month,Date,Time,n\nNov,2,06:00:01,1\n", {"join": ["Month", "Date", "Time"], "format": "syslog"}),
    ("day,open,ts\n2026-11-20,06:00,2026-11-20T06:00:01Z\n", {"from": "ts"}),
]


@pytest.mark.parametrize(("text", "declared"), DATES, ids=["names", "offset", "american", "syslog", "whole"])
def test_a_date_and_a_time_of_day_are_one_time(text: str, declared: dict[str, Any], tmp_path: Path) -> None:
    """They are told by what they hold, with the offset from UTC beside them; a whole time goes before them."""
    found = columns(tmp_path, "a.csv", text + text.split("\n")[1] + "\n")
    assert found["TimeGenerated"] == {"type": "datetime", **declared}
    assert found.get("Tz", {"type": "string", "from": "tz"}) == {"type": "string", "from": "tz"}


def test_a_text_that_a_number_would_change_stays_one(tmp_path: Path) -> None:
    """Versions, offsets and codes with leading zeros are no numbers."""
    found = columns(tmp_path, "a.csv", "version,offset,code,n\n1.10,+0100,007,1.5\n1.9,-0330,017,2\n")
    assert {name: column["type"] for name, column in found.items()} == {
        "Version": "string", "Offset": "string", "Code": "string", "NValue": "real",
    }  # fmt: skip


def test_a_second_time_without_a_year_stays_text(tmp_path: Path) -> None:
    """A year is guessed for the row's own time only: elsewhere the guess would replace what was written."""
    found = columns(
        tmp_path,
        "a.csv",
        "ts,local\n2006-11-20T06:00:01Z,Nov 20 07:00:01\n2006-11-20T06:00:02Z,Nov  2 07:00:01\n",
    )
    assert found["Local"]["type"] == "string"


def test_a_list_in_a_line_is_no_envelope(tmp_path: Path) -> None:
    """Of JSON lines with a list in them nothing is left out; lines that are nothing but their list are envelopes."""
    line = {"timestamp": 1795154401123, "request": {"uri": "/", "headers": [{"name": "a"}, {"name": "b"}]}}
    path = tmp_path / "a.json"
    path.write_text(f"{json.dumps(line)}\n" * 2)
    assert inferred(path)["route"]["format"] == {"type": "ndjson"}
    path.write_text(f"{json.dumps({'data': {'items': [line, line]}})}\n" * 2)
    assert inferred(path)["route"]["format"] == {"type": "json", "path": "data.items"}


def test_one_broken_line_does_not_make_json_text(tmp_path: Path) -> None:
    """A form that reads all but a few records is the file's; what it rejects is shown."""
    path = tmp_path / "a.ndjson"
    path.write_text('{"n": 1}\n' * 40 + '{"n": \n')
    assert inferred(path)["route"]["format"] == {"type": "ndjson"}
    path.write_text("a,b\n" + "1,2\n" * 40 + "(40 rows)\n")
    assert inferred(path)["route"]["format"] == {"type": "csv"}


TABLES = [
    ("sep=;\na;b\n1;2\n", {"delimiter": ";", "skip_lines": 1}),
    ("\t\tActivity Log\n\nID  Meaning\n00\tstarted\n0: none, 1: some, 2: all\n\nID,Name, At\n1,a,2\n2,b,3\n",
     {"skip_lines": 6, "trim": True}),
    ("version id port start end\n2 eni-1 22 1795154401 7\n2 eni-1 - 1795154402 9\n", {"delimiter": " "}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "options"), TABLES, ids=["excel", "preamble", "blanks"])
def test_a_table_is_found_below_what_stands_before_it(
    text: str, options: dict[str, Any], tmp_path: Path
) -> None:
    """Lines before a header are skipped, blanks around names removed, and blanks taken for delimiters."""
    path = tmp_path / "a.csv"
    path.write_text(text)
    assert inferred(path)["route"]["format"] == {"type": "csv", **options}


def test_indented_lines_go_on_with_the_one_before(tmp_path: Path) -> None:
    """Of a console's output the indented lines are no records of their own, unless most lines are indented."""
    path = tmp_path / "a.log"
    path.write_text("copying\n  from a\ndone\nready\n")
    assert inferred(path)["route"]["format"] == {"type": "text", "indented": True}
    path.write_text("list\n  a\n  b\n  c\n")
    assert inferred(path)["route"]["format"] == {"type": "text"}


def test_a_header_that_is_a_comment_names_the_columns(tmp_path: Path) -> None:
    """Exchange's logs are tables with commas, whatever their #Fields line looks like."""
    path = tmp_path / "a.log"
    path.write_text('#Version: 15\n#Fields: date-time,source,subject\n2026-11-20T06:00:01Z,SMTP,"a, b"\n')
    assert inferred(path)["route"]["format"] == {
        "type": "csv", "comment": "#", "header": False, "names": ["date-time", "source", "subject"],
    }  # fmt: skip


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_a_file_that_nests_without_end_gets_a_route(opening: str, tmp_path: Path) -> None:
    """Brackets beyond what a JSON library goes into are text."""
    path = tmp_path / "a.log"
    path.write_text(f"{opening * 20_000}\n" * 3)
    assert inferred(path)["route"]["format"]["type"] == "text"


def test_prose_is_no_table(tmp_path: Path) -> None:
    """Lines of as many words each are text."""
    path = tmp_path / "a.log"
    path.write_text(
        "door opened by the user now\ndoor closed by the user now\ndoor opened by no user again\n"
    )
    assert inferred(path)["route"]["format"] == {"type": "text"}


def test_the_time_in_an_object_of_its_own(tmp_path: Path) -> None:
    """MongoDB's `{"$date": ...}` is gone into."""
    line = '{"t": {"$date": "2026-11-20T06:00:01.123+00:00"}, "s": "I"}\n'
    assert columns(tmp_path, "a.json", line * 2)["TimeGenerated"]["from"] == "t.$date"


NAMES = [
    ("inventory/2026-11-20.json", "inventory", "Inventory_CL", "inventory/**/*.json"),
    ("flows/y=2026/m=11/PT1H.json", "flows", "Flows_CL", "flows/**/*.json"),
    ("web/access-2.csv.gz", "access", "Access_CL", "web/**/*.csv.gz"),
    ("web/access.log.1", "access", "Access_CL", "web/**/access.log*"),
    ("web/access.log-20261120.gz", "access", "Access_CL", "web/**/access.log*"),
    ("var/messages-20261120", "messages", "Messages_CL", "var/**/messages*"),
    ("Tomcat.txt", "tomcat", "Tomcat_CL", "*.txt"),
]


@pytest.mark.parametrize(("file", "name", "table", "blobs"), NAMES, ids=[case[0] for case in NAMES])
def test_names_are_those_of_a_kind_of_file_and_not_of_one(
    file: str, name: str, table: str, blobs: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dates and numbers in a file's path are in no name, and the glob takes the files that are rotated beside it."""
    monkeypatch.chdir(tmp_path)
    Path(file).parent.mkdir(parents=True, exist_ok=True)
    Path(file).write_text("started\n")
    found = draft([Path(file)])
    assert (found.name, found.declaration["table"], found.declaration["from"]) == (
        name,
        table,
        {"blobs": [blobs]},
    )


def test_a_broken_byte_does_not_change_the_charset(tmp_path: Path) -> None:
    """Text that is UTF-8 but for a byte stays it: that line is rejected, and the others are read rightly."""
    path = tmp_path / "a.log"
    path.write_bytes("größer\nกขค\n".encode() * 20 + b"x\x81\n")
    made = draft([path])
    assert "charset" not in made.declaration
    assert made.trials[0].rows[0]["Message"] == "größer"
    path.write_bytes("größer\n".encode("latin-1") * 20)
    assert draft([path]).declaration["charset"] == "windows-1252"


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


def test_a_route_is_added_before_what_stands_behind_the_routes(tmp_path: Path) -> None:
    """Other keys of the file stay where they are, with the comments above them."""
    routes, file = tmp_path / "routes.yaml", tmp_path / "a.csv"
    file.write_text("name,size\na,1\nb,2\n")
    run("infer", str(file), "--append", str(routes), "--name", "one", "--table", "One_CL")
    rest = "# what became of every source\naudit: { table: Ends_CL }\n"
    routes.write_text(routes.read_text() + "\n" + rest)
    run("infer", str(file), "--append", str(routes), "--name", "two", "--table", "Two_CL")
    found = loads(routes.read_text())
    assert list(found.by_name) == ["one", "two"]
    assert found.audit is not None
    assert routes.read_text().endswith(f"\n\n{rest}")


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
