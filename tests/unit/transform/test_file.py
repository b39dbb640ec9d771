"""The transforms of a routes file: every problem at its line and column in that file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from shared.routes.read import read
from shared.transform.analyser import HOW, Analyser, find
from shared.transform.file import FileChecked, check_file, usable

ROOT = Path(__file__).resolve().parents[3]
HEAD = """routes:
  web:
    from: { blobs: ["web/*.csv"] }
    format: csv
    table: Web_CL
    columns:
      TimeGenerated: { type: datetime }
      Status: { type: int }
      Text: { type: string }
"""
OTHER = """  other:
    from: { blobs: ["other/*.csv"] }
    format: csv
    table: %s
    columns:
      Level: { type: string }
"""


def look(text: str, analyser: Analyser | None = None) -> FileChecked:
    return check_file(read(text, "routes.yaml"), analyser)


def said(text: str) -> list[tuple[str, int, int, str]]:
    """Route, line, column, and the text of the file from there on."""
    lines = text.splitlines()
    return [(p.route, p.line, p.column, lines[p.line - 1][p.column - 1 :]) for p in look(text).problems]


@pytest.mark.parametrize(
    ("written", "line", "column"),
    [
        ("    transform: |\n      source\n      | where Statsu == 1\n", 12, 15),
        ("    transform: |2-\n      source\n      | where Statsu == 1\n", 12, 15),
        ("    transform: >-\n      source\n      | where Statsu == 1\n", 12, 15),
        ("    transform:\n      source\n      | where Statsu == 1\n", 12, 15),
        ("    transform: source | where Statsu == 1\n", 10, 31),
        ('    transform: "source | where Text == \\"a\\" and Statsu == 1"\n', 10, 50),
        ("    transform: 'source | where Text == ''a'' and Statsu == 1'\n", 10, 50),
        ("    transform: 'source\n\n      | where Statsu == 1'\n", 12, 15),
        (
            "    transform: |\n\n      // é😀 summarize\n      source | where Text == '😀' and Statsu == 1\n",
            13,
            38,
        ),
    ],
)
def test_a_problem_stands_where_its_word_does(written: str, line: int, column: int) -> None:
    """In a block, folded, plain or in quotes: line and column are those of the wrong word in routes.yaml."""
    ((route, at, col, there),) = said(HEAD + written)
    assert (route, at, col) == ("web", line, column)
    assert there.startswith("Statsu")


def test_transforms_are_looked_at_whatever_is_wrong_with_other_routes() -> None:
    """A route that cannot be used hides no other's transform; its own is still held to the language."""
    text = HEAD + "    transform: source | where Statsu == 1\n" + OTHER.replace("csv", "csb") % "Other_CL"
    text += "    transform: source | where Anything == 1 | take 5\n"
    assert [(route, there.split()[0]) for route, _, _, there in said(text)] == [
        ("web", "Statsu"),
        ("other", "take"),
    ]
    assert list(usable(read(text, "r.yaml"))) == ["web"]


def test_a_table_has_the_columns_of_all_its_routes() -> None:
    """A column that only another route of the table declares can come out of a transform."""
    made = "    transform: source | extend Level = Text\n"
    assert said(HEAD + made + OTHER % "Web_CL") == []
    assert [there for *_, there in said(HEAD + made + OTHER % "Other_CL")] == ["Level = Text"]


def test_of_a_table_that_is_not_known_whole_nothing_is_said() -> None:
    """A built-in table, or one that a broken route fills too, may have the columns that come out."""
    made = "    transform: source | extend Level = Text\n"
    assert said(HEAD.replace("Web_CL", "Syslog") + "    on_undeclared: drop\n" + made) == []
    assert said(HEAD + made + OTHER.replace("csv", "csb") % "Web_CL") == []


def test_azures_own_tables_have_their_types() -> None:
    """A column of CommonSecurityLog that comes out with another type is said; one that is not listed here passes."""
    text = """routes:
  cef:
    from: { blobs: ["cef/*"] }
    format: ndjson
    table: CommonSecurityLog
    on_undeclared: drop
    transform: source | extend Activity = 5, SimplifiedDeviceAction = DeviceAction
"""
    assert [there.split()[0] for *_, there in said(text)] == ["Activity"]


def test_the_columns_are_the_routes_effective_ones() -> None:
    """TimeGenerated and Extra, which a route has without writing them, are columns of source."""
    text = 'routes:\n  web:\n    from: { blobs: ["*"] }\n    format: csv\n    table: Web_CL\n'
    assert said(text + "    transform: source | where TimeGenerated > ago(1d) and isnotnull(Extra.a)\n") == []


@pytest.mark.parametrize("style", [">-", ""])
def test_a_comment_that_takes_in_the_next_lines_is_named(style: str) -> None:
    """Where YAML makes one line of several, a // comment swallows the rest, and that is said at the comment."""
    text = HEAD + f"    transform: {style}\n      source // all of them\n      | where Status > 1\n"
    assert said(text) == [("web", 11, 14, "// all of them")]
    assert said(text.replace(f"transform: {style}", "transform: |")) == []
    assert said(text.replace("| where Status > 1", "")) == []


def test_a_text_that_is_too_long_is_left_to_the_routes_check() -> None:
    """Its length is said once, by the check of the routes."""
    text = HEAD + f"    transform: source | where Text == '{'x' * 16000}'\n"
    assert look(text).problems == ()


def test_the_analyser_sees_all_transforms(analyser: Analyser) -> None:
    """What only a parser sees is said at its place too, for every route that can be used."""
    text = HEAD + "    transform: |\n      source\n      | extend Status = toint(strlen(Status))\n"
    text += OTHER % "Other_CL" + "    transform: \"source | extend Level = substring('a')\"\n"
    found = look(text, analyser)
    assert [(p.route, p.line, p.column) for p in found.problems] == [("web", 12, 38), ("other", 19, 41)]
    assert found.failed is None


def test_an_analyser_that_fails_is_no_problem(tmp_path: Path) -> None:
    """If the analyser does not answer, the check is ours alone, and why is told."""
    found = look(HEAD + "    transform: source | take 5\n", Analyser(str(tmp_path / "node"), tmp_path))
    assert [p.column for p in found.problems] == [25]
    assert "No such file" in str(found.failed)


def test_the_routes_that_ship_are_clean(analyser: Analyser) -> None:
    """The transform of the sample routes has no problem, and leaves the table's columns."""
    text = (ROOT / "routes.yaml").read_text()
    found = look(text, analyser)
    assert found.problems == ()
    assert "firewall" in found.by_route


@pytest.fixture(scope="module")
def analyser() -> Analyser:
    """Microsoft's analyser, from node_modules."""
    found = find(os.environ, [ROOT])
    if found is None:
        pytest.skip(f"Microsoft's Kusto analyser was not found: {HOW}")
    return found


def test_thousands_of_problems_are_not_all_shown() -> None:
    """A slip that upsets all that follows ends with how many more there are, and where they begin."""
    found = look(HEAD + f"    transform: 'source | where {'(' * 2000}'\n").problems
    assert len(found) == 21
    assert found[-1].sentence == "1,980 more problems from here on; mend those above first."
    assert found[-1].column == found[-2].column + 1
