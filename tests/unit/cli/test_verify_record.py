"""A record that `logferry verify` can find again, for any route."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from shared.cli.local import Trouble
from shared.cli.verify_record import WORD, Marked, file, message
from shared.routes import Routes, loads


def routes(body: str, **more: str) -> Routes:
    """One route, `r`, with these further keys."""
    rest = "".join(f"    {key}: {value}\n" for key, value in more.items())
    return loads(
        f"routes:\n  r:\n    from: {{ blobs: ['r/*.csv'] }}\n    format: csv\n    table: R_CL\n"
        f"    columns: {{ {body} }}\n{rest}"
    )


def record(marked: Marked) -> dict[str, Any]:
    envelope = json.loads(marked.content)
    assert (envelope["route"], len(envelope["records"])) == ("r", 1)
    found: dict[str, Any] = envelope["records"][0]
    return found


@pytest.mark.parametrize(
    ("columns", "more", "column", "key"),
    [
        ("Name: { from: n }, Other: {}", {}, "Name", "n"),
        ("Name: { from: [a.b, c] }", {}, "Name", "a.b"),
        ("Name: {}, Other: {}", {"keep": "{ Name: [x] }"}, "Other", "Other"),
        ("Name: {}, Other: {}", {"redact": "{ Name: hash }"}, "Other", "Other"),
        ("Name: { value: x }, At: { fact: path }, Both: { join: [a, b] }, Other: {}", {}, "Other", "Other"),
        ("Name: {}, Other: {}", {"transform": "source | project TimeGenerated, Other"}, "Other", "Other"),
        (
            "Name: {}",
            {"transform": "source | project TimeGenerated, New = toupper(strcat(Name, '!'))"},
            "",
            "",
        ),
        ("Name: {}", {"transform": "source | project TimeGenerated, New = strcat(Name, '!')"}, "New", "Name"),
        ("Size: { type: int }, More: { type: dynamic }", {"on_undeclared": "drop"}, "More", "More"),
        ("Size: { type: int }", {}, "Extra", "logferry_verify"),
        ("Name: {}", {"explode": "a.b"}, "Name", "Name"),
    ],
)
def test_the_mark_goes_where_it_stays_whole(
    columns: str, more: dict[str, str], column: str, key: str
) -> None:
    """Not into what is filtered, redacted, constant, joined or changed by the transform; else into a dynamic column."""
    known = routes(columns, **more)
    if not column:
        column, key = "Extra", "logferry_verify"
        with pytest.raises(Trouble, match="leaves the mark out of its row"):
            message(known, "r", {})
        return
    marked = message(known, "r", {})
    assert marked.column == column
    assert marked.mark in json.dumps(record(marked)[key])
    assert marked.kql.startswith("R_CL | where ")


@pytest.mark.parametrize(
    ("declared", "written"),
    [
        ("", str),
        ("format: epoch", int),
        ("format: epoch_ms", int),
        ("format: '%d/%b/%Y:%H:%M:%S', zone: Europe/Berlin", str),
        ("format: '%Y-%m-%d %H:%M:%S', zone: '+05:30'", str),
        ("format: syslog", str),
    ],
)
def test_the_time_is_written_as_its_column_reads_it(declared: str, written: type) -> None:
    """The record has a time of now in the column's own form, so that nothing is put right on the way."""
    comma = ", " if declared else ""
    known = routes(f"TimeGenerated: {{ type: datetime, from: t{comma}{declared} }}, Name: {{}}")
    assert isinstance(record(message(known, "r", {}))["t"], written)


def test_a_filter_gets_what_it_keeps() -> None:
    """A value that `keep` lets through is in the record, and one that is given goes under its column's key."""
    known = routes("Kind: { from: k }, Name: {}, Size: { type: int, from: s }", keep="{ Kind: [a, b] }")
    found = record(message(known, "r", {"Size": "7", "free": "x"}))
    assert (found["k"], found["s"], found["free"]) == ("a", "7", "x")


@pytest.mark.parametrize(
    ("columns", "more", "words"),
    [
        ("Name: {}", {"transform": "source | where 1 == 2"}, "the transform leaves it out"),
        ("Name: { value: x }", {"on_undeclared": "dead_letter"}, "takes a text of the record"),
        ("Size: { type: int }, Name: {}", {"keep": "{ Name: [x] }", "on_undeclared": "drop"}, "takes a text"),
    ],
)
def test_a_route_that_lets_no_mark_through_is_a_sentence(
    columns: str, more: dict[str, str], words: str
) -> None:
    """The reason, and the two ways out."""
    with pytest.raises(Trouble, match=words) as error:
        message(routes(columns, **more), "r", {})
    assert "--set NAME=VALUE" in str(error.value)
    assert "--file" in str(error.value)


@pytest.mark.parametrize(
    "condition", ["Name == 'x'", "Size >= 4", "Size > 4 and Name in ('a', 'b')", "Name has 'x' or Size < 2"]
)
def test_what_a_transform_compares_with_is_tried(condition: str) -> None:
    """A filter of the rule is passed by the values that stand in it."""
    known = routes("Name: {}, Size: { type: int }", transform=f'"source | where {condition}"')
    assert message(known, "r", {}).mark.startswith(WORD)


def test_a_route_that_is_not_there() -> None:
    """The routes that are there are named."""
    with pytest.raises(Trouble, match="there is no route 'x'; there are: r"):
        message(routes("Name: {}"), "x", {})


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    """The word in it becomes the mark; its path is one of its own that the route takes."""
    sample = tmp_path / "a.csv"
    sample.write_text(f"Name,Size\nx,1\n{WORD},2\n")
    marked = file(routes("Name: {}"), sample, "", "r/a.csv")
    assert (marked.column, marked.path) == ("Name", f"r/{marked.mark}.csv")
    assert marked.content == f"Name,Size\nx,1\n{marked.mark},2\n".encode()


@pytest.mark.parametrize(
    ("text", "more", "words"),
    [
        ("Name\nx\n", {}, "has to have the text logferry-verify"),
        (f"Name\n{WORD}\n", {"drop": "{ Other: [null] }"}, "would hold the mark"),
        (f"Name,Other\n{WORD},2,3\n", {}, "RaggedRow"),
    ],
)
def test_a_file_that_would_not_be_found(tmp_path: Path, text: str, more: dict[str, str], words: str) -> None:
    """Nothing is sent, and the reason is a sentence."""
    sample = tmp_path / "a.csv"
    sample.write_text(text)
    with pytest.raises(Trouble, match=words):
        file(routes("Name: {}, Other: {}", **more), sample, "", "r/a.csv")


def test_marks_are_nobody_elses() -> None:
    """Two records have two marks, whatever the moment."""
    known = routes("Name: {}")
    assert message(known, "r", {}).mark != message(known, "r", {}).mark
    assert datetime.now(UTC).isoformat() not in message(known, "r", {}).mark
