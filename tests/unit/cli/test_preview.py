"""`logferry preview` and `logferry formats`, as a user runs them."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from shared.cli.main import app
from shared.formats import FORMATS
from shared.shape.times import to_text

ROUTES = """
routes:
  web:
    from: { blobs: ["web/{host}/*.csv"] }
    format: csv
    table: Web_CL
    columns:
      TimeGenerated: { type: datetime, from: ts }
      Host: { fact: path.host }
      Status: { type: int, from: status }
    drop: { Status: [204] }
    redact: { email: hash }
"""
FRESH = to_text(datetime.now(UTC))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "routes.yaml").write_text(ROUTES)
    (tmp_path / "web" / "edge").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str, code: int = 0) -> Result:
    done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code == code, done.output
    return done


def answer(*arguments: str, code: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(*arguments, "--json", code=code).output)
    return found


def drop(here: Path, text: str) -> str:
    path = here / "web" / "edge" / "a.csv"
    path.write_text(text)
    return str(path)


def test_the_rows_as_they_would_land(here: Path) -> None:
    """The route is found by the file's path, and what it captures, filters and redacts shows in the rows."""
    file = drop(here, f"ts,status,email\n{FRESH},200,a@b.example\n{FRESH},204,x\n{FRESH},500,\n")
    found = answer("preview", file)
    assert (found["path"], found["route"], found["table"]) == ("web/edge/a.csv", "web", "Web_CL")
    assert (found["read"], found["accepted"], found["filtered"], found["lost"]) == (3, 2, 1, 0)
    assert [row["Host"] for row in found["rows"]] == ["edge", "edge"]
    assert [row["Status"] for row in found["rows"]] == [200, 500]
    assert "a@b.example" not in json.dumps(found)


def test_each_loss_and_reject_with_its_line(here: Path) -> None:
    """What would be put right and what would be dead-lettered is told with its line, and the exit code is 1."""
    file = drop(here, f"ts,status,email\n{FRESH},many,a\n2001-01-01,200,a\n{FRESH},1\n")
    found = answer("preview", file, code=1)
    assert [(r["line"], r["reason"]) for r in found["rejects"]] == [(4, "RaggedRow")]
    notes = {(note["line"], note["kind"]) for note in found["notes"]}
    assert {(2, "bad_value_kept"), (3, "time_replaced")} <= notes
    text = run("preview", file, code=1).output
    assert "line 4" in text
    assert "RaggedRow" in text
    assert "Not everything would land" in text


def test_what_a_route_gives_up_counts_as_lost(here: Path) -> None:
    """A value that the route has made null is a loss, named as one."""
    (here / "routes.yaml").write_text(ROUTES + "    on_bad_value: null\n")
    found = answer("preview", drop(here, f"ts,status,email\n{FRESH},many,\n"), code=1)
    assert found["changed"]["bad_value_null"] == 1
    assert found["lost"] == 1


def test_a_list_in_a_record_is_a_row_each(here: Path) -> None:
    """`explode` shows in the rows, with the record's other fields; each row is counted."""
    route = """
routes:
  a:
    from: { blobs: ["*.json"] }
    format: json
    table: A_CL
    explode: items
    columns: { Host: { from: host }, Number: { type: int, from: items.n } }
"""
    (here / "routes.yaml").write_text(route)
    (here / "a.json").write_text('[{"host":"x","items":[{"n":1},{"n":2}]},{"host":"y"}]')
    found = answer("preview", "a.json")
    assert [(row["Host"], row.get("Number")) for row in found["rows"]] == [("x", 1), ("x", 2), ("y", None)]
    assert found["read"] == 3


def test_a_file_that_no_route_takes(here: Path) -> None:
    """The answer says how to name a route, or a path."""
    other = here / "other.log"
    other.write_text("x")
    done = CliRunner().invoke(app, ["preview", str(other)])
    assert done.exit_code == 1
    assert "--route" in str(done.exception)
    named = answer("preview", str(other), "--route", "web")
    assert named["route"] == "web"


def test_formats_are_listed_and_explained() -> None:
    """Every format is named, and one of them told with its options."""
    text = run("formats").output
    assert all(name in text for name in FORMATS)
    assert "delimiter" in run("formats", "csv").output
    listed = json.loads(run("formats", "--json").output)
    assert [entry["format"] for entry in listed] == list(FORMATS)


def test_as_many_as_asked_for(here: Path) -> None:
    """--rows bounds rows and rejects alike, for people and for programs; the figures count all."""
    file = drop(here, "ts,status,email\n" + f"{FRESH},200,a\n" * 9 + f"{FRESH},1\n" * 9)
    found = answer("preview", file, "--rows", "2", code=1)
    assert (len(found["rows"]), len(found["rejects"]), found["read"]) == (2, 2, 18)
    page = run("preview", file, "--rows", "2", code=1).output
    assert (page.count(FRESH), page.count("RaggedRow")) == (2, 2)
    assert "... and 7 more rows." in page


def test_a_name_that_is_no_text(here: Path) -> None:
    """A file whose name is not UTF-8 is previewed like any other."""
    name = os.fsdecode(b"n\xe4me.csv")
    (here / name).write_text(f"ts,status,email\n{FRESH},200,a\n")
    assert answer("preview", name, "--route", "web")["file"] == "n\\udce4me.csv"


def test_the_rows_are_those_after_the_transform(here: Path) -> None:
    """What the rule leaves out is counted and not shown; what it makes is in the rows."""
    transform = "    transform: source | where Status >= 400 | extend Host = strcat(Host, '!')\n"
    (here / "routes.yaml").write_text(ROUTES + transform)
    file = drop(here, f"ts,status,email\n{FRESH},200,\n{FRESH},500,\n{FRESH},404,\n")
    assert [(row["Status"], row["Host"]) for row in answer("preview", file)["rows"]] == [
        (500, "edge!"),
        (404, "edge!"),
    ]
    assert "The transform leaves 1 of the rows out: 2 land." in run("preview", file).output


def test_a_transform_with_a_mistake_is_named(here: Path) -> None:
    """The sentence says which route's transform it is, and where in it."""
    (here / "routes.yaml").write_text(ROUTES + "    transform: source | extend Host = strlen(Status)\n")
    done = run("preview", drop(here, f"ts,status,email\n{FRESH},200,\n"), code=1)
    assert "route web, its transform, line 1, column 31: strlen() takes string here" in str(done.exception)
