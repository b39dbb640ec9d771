"""What was accepted is in its table, as the rule's transform leaves it."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from local.azure_monitor import StreamSpec, serve
from tests.unit.azure_monitor.client import COLUMNS, TABLE, Client, config, now, row, things
from tests.unit.azure_monitor.conftest import Start

TRANSFORM = """source
| where Status >= 400
| extend Parsed = parse_json(Text)
| extend Host = tostring(Parsed.host), Age = now() - TimeGenerated
| project TimeGenerated, Status, Host, Extra"""


def test_every_type_comes_back_as_it_went_in(client: Client) -> None:
    """A value of every column type is read back as it was posted."""
    time = "2020-05-06T07:08:09.123456Z"
    values: dict[str, Any] = {"Text": "é\n\"'", "Status": -5, "Count": 2**62, "Share": 0.1, "Ok": False}
    client.post([row(**values, At=time, Extra={"a": [1, "b"]})])
    (found,) = client.rows(TABLE)
    assert {name: found[name] for name in values} == values
    assert (found["At"], found["Extra"]) == (time, '{"a":[1,"b"]}')
    assert (found["Type"], found["TenantId"]) == (TABLE, "00000000-0000-0000-0000-000000000000")
    assert found["_TimeReceived"].endswith("Z")


@pytest.mark.parametrize("time", ["2020-05-06t07:08:09z", "2020-05-06 08:08:09+0100", "2020-05-06T07:08:09"])
def test_a_time_in_any_form_that_passes_is_the_same_time(client: Client, time: str) -> None:
    """What the checks take for a time is that time in the table, never null."""
    client.post([row(At=time)])
    assert client.losses() == {}
    assert client.rows(f"{TABLE} | project At") == [{"At": "2020-05-06T07:08:09Z"}]


def test_a_transform_runs_on_what_was_posted(start: Start) -> None:
    """where, parse_json, extend and project do what they do in the rule; dropped rows are counted."""
    client = start(things(TRANSFORM))
    client.post([row(Status=200), row(Status=404, Text='{"host":"a"}', Extra={"k": 1})])
    (found,) = client.rows(TABLE)
    assert (found["Status"], found["Host"], found["Extra"]) == (404, "a", '{"k":1}')
    assert (found["Text"], found["Type"]) == (None, TABLE)
    (metrics,) = client.get("/local/metrics").json()
    assert (metrics["RowsReceived_Count"], metrics["RowsDropped_Count"]) == (2, 1)
    assert metrics["TransformationErrors_Count"] == 0


def test_now_is_the_time_of_the_run(start: Start) -> None:
    """A transform that is translated once still has a new now() for every post."""
    client = start(things("source | extend Seen = now()"))
    for text in "ab":
        client.post([row(Text=text)])
        client.rows(TABLE)
    first, second = client.rows(f"{TABLE} | sort by Text asc | project Seen")
    assert first["Seen"] < second["Seen"]


def test_what_no_table_can_hold_is_dropped_and_reported(start: Start) -> None:
    """A timespan, a reserved name or a name that is no column's is dropped, with every row counted."""
    client = start(things("source | extend Age = 1h, Title = 'x', N = 1"))
    client.post([row(), row()])
    assert client.losses() == {"ColumnNotInTable": 6}
    assert {"Age", "Title", "N"}.isdisjoint(client.rows(TABLE)[0])


def test_a_transform_that_loses_the_time_is_reported(start: Start) -> None:
    """TimeGenerated that a transform makes null or too old is the time of receipt, and that is reported."""
    client = start(things("source | extend TimeGenerated = At"))
    client.post([row(At=now(days=3)), row(), row(At=now(hours=1))])
    assert client.losses() == {"TimeReplaced": 2}
    recent = client.rows(f"{TABLE} | where TimeGenerated > ago(30m) | count")
    assert recent == [{"Count": 2}]


def test_a_transform_that_fails_drops_its_posts_rows_and_no_others(start: Start) -> None:
    """A run-time failure costs the post that caused it; it is counted and reported."""
    client = start(things("source | extend Found = Text matches regex tostring(Extra)"))
    for pattern in ("a", "(", "b"):
        client.post([row(Text="a"), row(Text="a", Extra=pattern)])
    assert [found["Found"] for found in client.rows(f"{TABLE} | where isnotempty(Extra)")] == [True, False]
    assert len(client.rows(TABLE)) == 4
    (metrics,) = client.get("/local/metrics").json()
    assert (metrics["TransformationErrors_Count"], metrics["RowsDropped_Count"]) == (1, 2)
    assert client.losses() == {"TransformationError": 2}


def test_what_a_transform_works_out_is_in_the_table_as_kusto_has_it(start: Start) -> None:
    """Overflow wraps, a division by zero is null or infinite, a time keeps its digits: no post is lost by them."""
    text = "source | extend Big = Count * Count, None = Status / 0, Far = Share / 0, End = endofday(At)"
    client = start(things(f"{text} | project-away Text, Ok, Extra"))
    client.post([row(Count=9007199254740993, Status=1, Share=-1.5, At="2020-02-29T01:02:03Z"), row()])
    found, empty = client.rows(f"{TABLE} | sort by Big desc")
    assert (found["Big"], found["None"], found["Far"]) == (18014398509481985, None, "-Infinity")
    assert found["End"] == "2020-02-29T23:59:59.999999Z"
    assert {empty[name] for name in ("Big", "None", "Far", "End")} == {None}
    assert client.losses() == {}


def test_columns_that_differ_by_case_alone_are_said_to_be_one_too_many(start: Start) -> None:
    """A column that a transform adds beside one of the same letters is left out, with a warning."""
    client = start(things("source | extend status = 1"))
    client.post([row(Status=2)])
    assert client.rows(f"{TABLE} | project Status") == [{"Status": 2}]
    assert "status is left out here" in client.get("/local/status").json()["warnings"][0]
    assert client.losses() == {}


@pytest.mark.parametrize(
    ("transform", "words"),
    [
        ("source | wher", "line 1, column 10: wher is no operator"),
        ("source | where Nope == 1", "Nope"),
        ("source | where status == 1", "case-sensitive"),
        ("Other | where 1 == 1", "Other"),
        ("source | take 1", "take is no operator"),
    ],
)
def test_a_transform_with_a_mistake_stops_the_server(transform: str, words: str) -> None:
    """What Azure refuses to deploy does not start here either, and the stream is named."""
    with pytest.raises(ValueError, match=words) as error:
        serve(config(things(transform)))
    assert "Custom-Things" in str(error.value)


def test_a_transform_that_cannot_run_here_says_so_and_keeps_the_rows(start: Start) -> None:
    """What needs a service in Azure is not guessed: rows stay as they came, with a warning at start."""
    client = start(things("source | extend Where = geo_location(Text)"))
    client.post([row(Text="a")])
    assert [found["Text"] for found in client.rows(TABLE)] == ["a"]
    assert "cannot be run here" in client.get("/local/status").json()["warnings"][0]
    assert client.losses() == {"TransformNotRun": 1}


def test_two_streams_share_a_table(start: Start) -> None:
    """A table has the columns of all its streams; what a stream has not is null."""
    other = StreamSpec("Custom-Other", TABLE, {"TimeGenerated": "datetime", "More": "string"})
    client = start(things(), other)
    client.post([row(Text="a")])
    client.post([row(More="b")], stream="Custom-Other")
    found = client.rows(f"{TABLE} | sort by Text desc | project Text, More")
    assert found == [{"Text": "a", "More": None}, {"Text": None, "More": "b"}]


def test_streams_that_disagree_about_a_column_stop_the_server() -> None:
    """One column has one type."""
    other = StreamSpec("Custom-Other", TABLE, {"TimeGenerated": "datetime", "Text": "int"})
    with pytest.raises(ValueError, match="Text"):
        serve(config(things(), other))


def test_a_file_keeps_the_tables_and_takes_new_columns(tmp_path: Path) -> None:
    """Rows survive a restart, and a column that a route adds later is added to the table."""
    path = str(tmp_path / "tables.duckdb")
    wider = StreamSpec("Custom-Things", TABLE, {**COLUMNS, "More": "long"})
    for spec, values in ((things(), {"Text": "old"}), (wider, {"Text": "new", "More": 1})):
        with serve(config(spec, database=path)) as server:
            client = Client(server)
            client.post([row(**values)])
            client.close()
    with serve(config(wider, database=path)) as server:
        client = Client(server)
        found = client.rows(f"{TABLE} | sort by Text asc | project Text, More, Type")
        client.close()
    assert found == [
        {"Text": "new", "More": 1, "Type": TABLE},
        {"Text": "old", "More": None, "Type": TABLE},
    ]


def test_many_posts_at_once_lose_nothing(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every row of many concurrent posts is there once, even when the writer cannot follow."""
    monkeypatch.setattr("local.azure_monitor.tables.WAITING_POSTS", 1)
    client = start(things("source | extend Doubled = Count * 2"))
    numbers = [[row(Count=post * 10 + k) for k in range(10)] for post in range(150)]
    with ThreadPoolExecutor(8) as pool:
        statuses = {answer.status_code for answer in pool.map(client.post, numbers)}
    assert statuses == {204}
    assert client.rows(
        f"{TABLE} | summarize Rows = count(), Different = dcount(Count), Sum = sum(Doubled)"
    ) == [{"Rows": 1500, "Different": 1500, "Sum": sum(range(1500)) * 2}]


def test_what_was_lost_in_checks_is_null_in_the_table(client: Client) -> None:
    """The table holds what Azure would hold: cut values, nulls, the time of receipt."""
    client.post([{"TimeGenerated": now(days=10), "Status": "x", "Text": "y" * 70_000, "Nope": 1}, 5])
    (found,) = client.rows(TABLE)
    assert (found["Status"], len(found["Text"])) == (None, 65_536)
    assert dt.datetime.fromisoformat(found["TimeGenerated"]) > dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)
    lost = {"TimeReplaced": 1, "BadValue": 1, "ValueCut": 1, "UndeclaredField": 1, "NotAnObject": 1}
    assert client.losses() == lost
    assert client.get("/local/metrics").json()[0]["RowsDropped_Count"] == 0
