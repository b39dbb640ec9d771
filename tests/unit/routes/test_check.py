"""routes.yaml: what is wrong, where, and what to do about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.errors import RoutesError
from shared.routes import load, loads
from shared.routes.match import matches

ROOT = Path(__file__).resolve().parents[3]


def problems(text: str) -> list[str]:
    with pytest.raises(RoutesError) as caught:
        loads(text)
    return list(caught.value.problems)


def test_the_sample_routes_are_good() -> None:
    """The routes file that ships is usable; test_samples.py holds that every route has a sample."""
    routes = load(ROOT / "routes.yaml")
    assert "web-access" in routes.by_name
    assert routes.streams()[-2:] == ["Custom-ZeekDns", "Custom-LogferryAudit"]


def test_the_shortest_route_has_every_default() -> None:
    """Three lines are a route: TimeGenerated and Extra are there, the stream is named after the table."""
    route = loads("routes: {a: {from: {blobs: ['x/*']}, format: ndjson, table: A_CL}}").by_name["a"]
    assert route.stream == "Custom-A"
    assert {name: column.type for name, column in route.columns.items()} == {
        "TimeGenerated": "datetime",
        "Extra": "dynamic",
    }
    assert (route.on_bad_value, route.on_old_time) == ("keep_in_extra", "keep_in_extra")


def test_without_a_column_for_the_rest_the_defaults_are_the_dead_letter() -> None:
    """Where nothing can be kept, a record is dead-lettered rather than lost in part."""
    text = "routes: {a: {from: {messages: true}, format: json, table: A_CL, on_undeclared: drop}}"
    route = loads(text).by_name["a"]
    assert "Extra" not in route.columns
    assert (route.on_bad_value, route.on_old_time) == ("dead_letter", "dead_letter")


BROKEN = """\
routes:
  web:
    from: { blobs: ["/web/*.csv"] }
    format: { type: cvs }
    table: Web_CL
    colums: {}
  apps:
    from: { blobs: ["apps/*"] }
    format: { type: csv, delimeter: ";" }
    table: Apps_CL
    stream: Apps
    columns:
      id:            { type: string }
      Ümlaut:        { type: string }
      Key:           { type: guid }
      TimeGenerated: { type: string }
      When:          { type: datetime, format: isoo }
    drop: { Statsu: [1] }
    on_bad_value: keep
  apps:
    from: {}
  Bad_Name: 5
"""


def test_every_problem_is_found_at_once() -> None:
    """All mistakes of all routes come in one go, each with its line, its key and a remedy."""
    found = "\n".join(problems(BROKEN))
    for line, words in (
        (20, "apps is written twice"),
        (6, "colums: no such key; did you mean columns?"),
        (22, "Bad_Name"),
    ):
        assert any(f":{line}:" in row and words in row for row in found.splitlines()), (words, found)


MANY = """\
routes:
  a:
    from: { blobs: ["x/{d}/{d}/*.csv", "/abs"], mesages: true }
    format: { type: csv, delimeter: ";" }
    table: A-CL
    columns:
      Kind: { type: integer, from: kind }
      When: { type: datetime, format: isoo, zone: Mars/Phobos }
      None: { from: [] }
      File: { fact: fiel, typ: int }
      9x: {}
      Five: 5
      Empty:
    keep: { Zz: [1], Kind: 5 }
    redact: { When: { replace: "(?=x)" }, kind: remove, Kind: hsh }
    explode: a..b
    on_long_value: trim
  b:
    from: { blobs: "x" }
    format: { type: regx }
    table: [B_CL]
    columns: 5
  c: { columns: { id: {} } }
  ? [d]
  : 1
"""


def test_no_mistake_hides_another() -> None:
    """What cannot be read is left out, and the rest is looked at as if it were all."""
    places = [
        (3, "blobs.0: 'x/{d}/{d}/*.csv' captures a name twice"),
        (3, "blobs.1: '/abs': write the path below the container"),
        (3, "from.mesages: no such key; did you mean messages?"),
        (4, "format.delimeter: no such key; did you mean delimiter?"),
        (5, "table: 'A-CL' is no table name"),
        (7, "Kind.type: no 'integer' here; did you mean int? There are: string, int,"),
        (8, "When.format: no time format 'isoo'. Did you mean iso?"),
        (8, "When.zone: no time zone 'Mars/Phobos'"),
        (9, "None.from: name at least one key"),
        (10, "File.typ: no such key; did you mean type?"),
        (10, "File.fact: no fact 'fiel'; did you mean file?"),
        (11, "9x: a column's name is 2 to 45 letters"),
        (12, "Five: this is a whole number; it must be a mapping."),
        (13, "Empty: this is nothing; it must be a mapping."),
        (14, "keep.Zz: no such column"),
        (15, "redact.When: When is datetime, and what stands there instead would be text"),
        (15, "redact.When: RE2 does not read the pattern"),
        (15, "redact.Kind: no 'hsh' here; did you mean hash? There are: remove, hash, mask."),
        (16, "explode: 'a..b' has an empty key"),
        (17, "on_long_value: no 'trim' here. There are: dead_letter, cut."),
        (19, "from.blobs: this is a text; it must be a list."),
        (20, "format.type: no format 'regx'; did you mean regex?"),
        (21, "table: this is a list; it must be a text."),
        (22, "columns: this is a whole number; it must be a mapping."),
        (23, "routes.c: from is missing."),
        (23, "routes.c: format is missing."),
        (23, "routes.c: table is missing."),
        (23, "columns.id: id is reserved by Azure Monitor"),
        (24, "a key is a text."),
    ]
    found = problems(MANY)
    for line, words in places:
        assert any(f":{line}:" in row and words in row for row in found), (words, found)
    assert len(found) == len(places)


def one(part: str) -> str:
    head = "routes:\n  a:\n    from: { blobs: ['x'] }\n    format: { type: csv }\n    table: A_CL\n"
    found = problems(head + part)
    assert len(found) == 1, found
    return found[0]


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (
            "    columns: { id: {} }\n",
            "id is reserved by Azure Monitor. Take another name, such as IdValue, and say from: id.",
        ),
        ("    columns: { 'a-b': {} }\n", "2 to 45 letters, digits and _"),
        ("    columns: { Key: { type: guid } }\n", "a stream has no guid type. Use string."),
        ("    columns: { TimeGenerated: { type: string } }\n", "TimeGenerated is a datetime, not string"),
        ("    columns: { When: { type: datetime, format: isoo } }\n", "Did you mean iso?"),
        ("    columns: { When: { format: iso } }\n", "format is for datetime columns"),
        ("    columns: { Rest: { from: '*' } }\n", '"*" stands alone, on a column of type dynamic'),
        ("    columns: { Extra: {} }\n", 'give it type: dynamic and from: "*"'),
        ("    drop: { Statsu: [1] }\n", "no such column"),
        (
            "    columns: { St: { type: int } }\n    keep: { St: ['200'] }\n",
            "'200' is str, but St is int: it would match no row",
        ),
        ("    columns: { St: {} }\n    keep: { St: [] }\n", "names no value"),
        ("    stream: Web\n", "begins with Custom-"),
        ("    charset: utf8\n", "did you mean utf-8?"),
        ("    on_undeclared: drop\n    on_old_time: keep_in_extra\n", "no column from"),
        ("    table2: x\n", "no such key; did you mean table?"),
    ],
)
def test_a_mistake_is_named_with_its_remedy(part: str, words: str) -> None:
    """One mistake gives one sentence that says what to write instead."""
    assert words in one(part)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "routes:"),
        ("routes: {}", "routes:"),
        ("routes: [", "this is not YAML"),
        ("routes:\n\t- a", "this is not YAML"),
        ("routes: {a: {from: {}, table: A_CL}}", "format is missing"),
        ("routes: {a: {from: {}, format: nope, table: A_CL}}", "There are: "),
        ("routes: {a: {from: {}, format: csv, table: 'A B'}}", "is no table name"),
        ("routes: {a: {from: {}, format: {}, table: A_CL}}", "routes.a.format: type is missing."),
        (
            "routes: {a: {from: {}, format: {type: csv, skip_lines: -1}, table: A_CL}}",
            "skip_lines: it must be a whole number, at least 0.",
        ),
    ],
)
def test_files_that_are_no_routes(text: str, words: str) -> None:
    """A file that has no routes at all says so, with the place."""
    assert any(words in problem for problem in problems(text))


def test_routes_that_share_a_stream_must_agree() -> None:
    """Two routes into one stream with other columns would lose fields in silence, so they are refused."""
    text = """
routes:
  a: { from: { blobs: [x] }, format: csv, table: A_CL, columns: { Pp: {} } }
  b: { from: { blobs: [y] }, format: csv, table: A_CL, columns: { Qq: {} } }
"""
    assert "shares the stream Custom-A with a" in problems(text)[0]


def test_null_means_null() -> None:
    """`on_bad_value: null` is the choice of that name, though YAML reads it as nothing."""
    text = "routes: {a: {from: {messages: true}, format: json, table: A_CL, on_bad_value: null}}"
    assert loads(text).by_name["a"].on_bad_value == "null"


def test_one_column_of_one_table_has_one_type() -> None:
    """Routes that fill one table through streams of their own must agree on a column, whatever its case."""
    text = """
routes:
  a: { from: { blobs: [x] }, format: csv, table: A_CL, columns: { Pp: {} } }
  b: { from: { blobs: [y] }, format: csv, table: A_CL, stream: Custom-B, columns: { pp: { type: int } } }
"""
    assert "A_CL.Pp is string in a" in problems(text)[0]


def test_a_built_in_table_has_no_column_of_ours() -> None:
    """What no column takes would be lost in a table that is not known here, so the route has to say what becomes of it."""
    text = "routes: {a: {from: {blobs: [x]}, format: csv, table: SecurityEvent, columns: {Computer: {}}}}"
    assert "_CF" in problems(text)[0]
    assert "a table of your own ends in _CL (" in problems(text)[0]
    made = loads(text.replace("table:", "on_undeclared: drop, table:")).by_name["a"]
    assert made.stream == "Custom-SecurityEvent"


BUILTIN = "routes: {a: {from: {blobs: [x]}, format: %s, table: %s%s}}"


def test_a_built_in_table_brings_its_columns() -> None:
    """A route into Syslog or CommonSecurityLog needs no columns: they are Azure's, filled as Microsoft's agents fill them."""
    made = loads(BUILTIN % ("syslog", "Syslog", "")).by_name["a"]
    assert made.columns["SyslogMessage"].from_ == "message"
    assert made.columns["SeverityLevel"].from_ == "severity"
    assert made.extra == "Extra_CF"
    made = loads(BUILTIN % ("cef", "CommonSecurityLog", "")).by_name["a"]
    assert made.columns["SourceIP"].from_ == "src"
    assert (made.extra, made.columns["AdditionalExtensions"].format) == ("AdditionalExtensions", "pairs")
    strict = loads(BUILTIN % ("cef", "CommonSecurityLog", ", on_undeclared: drop")).by_name["a"]
    assert strict.extra is None


def test_a_route_adds_to_and_replaces_columns_of_a_built_in_table() -> None:
    """What a route declares itself goes first, and has the type that it has in Azure."""
    more = ", columns: {Site_CF: {value: Berlin}, Computer: {from: sender}}"
    columns = loads(BUILTIN % ("syslog", "Syslog", more)).by_name["a"].columns
    assert (columns["Site_CF"].value, columns["Computer"].from_) == ("Berlin", "sender")
    assert columns["Facility"].from_ == "facility"
    (problem,) = problems(BUILTIN % ("syslog", "Syslog", ", columns: {ProcessID: {type: string}}"))
    assert "Syslog.ProcessID is int in Azure, not string" in problem


def test_yaml_reads_as_bicep_reads_it() -> None:
    """no, on and dates stay text."""
    text = "routes: {a: {from: {messages: true}, format: json, table: A_CL, columns: {Co: {}}, drop: {Co: [no, on, 2026-01-01]}}}"
    assert loads(text).by_name["a"].drop == {"Co": ("no", "on", "2026-01-01")}


@pytest.mark.parametrize(
    ("path", "pattern", "taken"),
    [
        ("web/a.csv", "web/**/*.csv", True),
        ("web/2026/11/a.csv", "web/**/*.csv", True),
        ("web/a.csv.gz", "web/**/*.csv", False),
        ("Web/a.csv", "web/**/*.csv", False),
        ("a/b/c", "*", False),
        ("a b/ü #%.json", "**/*.json", True),
        ("x/.hidden", "x/*", True),
    ],
)
def test_globs(path: str, pattern: str, taken: bool) -> None:
    """`**` crosses folders, `*` does not, case matters."""
    assert matches(path, (pattern,)) is taken


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """A missing file and one that is not UTF-8 are named with the setting to look at."""
    for path, content in ((tmp_path / "none.yaml", None), (tmp_path / "bad.yaml", b"\xff\xfe")):
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(RoutesError, match="ROUTES_FILE"):
            load(path)
