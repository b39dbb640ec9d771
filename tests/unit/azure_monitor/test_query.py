"""The query API speaks as the workspace's own."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.azure_monitor.client import TABLE, Client, now, row


@pytest.mark.parametrize(
    ("kql", "kind", "value"),
    [
        ("print x = 1", "long", 1),
        ("print x = toint(1)", "int", 1),
        ("print x = 0.5", "real", 0.5),
        ("print x = real(nan)", "real", "NaN"),
        ("print x = 'a'", "string", "a"),
        ("print x = true", "bool", True),
        ("print x = parse_json('{\"a\":1}')", "dynamic", '{"a":1}'),
        ("print x = datetime(2026-01-02 03:04:05.5)", "datetime", "2026-01-02T03:04:05.5Z"),
        ("print x = datetime(2026-01-02)", "datetime", "2026-01-02T00:00:00Z"),
        ("print x = 1d + 2h + 3m + 4s", "timespan", "1.02:03:04"),
        ("print x = -1500ms", "timespan", "-00:00:01.5000000"),
        ("print x = int(null)", "int", None),
    ],
)
def test_values_have_kusto_types_and_forms(client: Client, kql: str, kind: str, value: Any) -> None:
    """Every type has its Kusto name and is written as the service writes it."""
    answer = client.query(kql).json()
    (table,) = answer["tables"]
    assert (table["name"], table["columns"]) == ("PrimaryResult", [{"name": "x", "type": kind}])
    assert table["rows"] == [[value]]
    assert "statistics" not in answer


def test_a_table_is_known_before_its_first_row(client: Client) -> None:
    """An empty table gives its columns and no rows."""
    (table,) = client.query(TABLE).json()["tables"]
    types = {column["name"]: column["type"] for column in table["columns"]}
    assert (types["TimeGenerated"], types["Status"], types["Ok"]) == ("datetime", "int", "bool")
    assert types["Extra"] == "dynamic"
    assert table["rows"] == []


@pytest.mark.parametrize(
    ("kql", "code", "words"),
    [
        ("Things_CL | wher", "SyntaxError", "could not be parsed at"),
        (".show tables", "SyntaxError", "control commands"),
        (
            "print ingestion_time()",
            "SemanticError",
            "cannot run 'ingestion_time', which may be right in Azure",
        ),
        ("Nope_CL", "SemanticError", "There are: Things_CL."),
        ("Things_CL | where Statu == 1", "SemanticError", "did you mean 'Status'?"),
        ("Things_CL | where status == 1", "SemanticError", "it is 'Status'"),
        ("things_cl", "SemanticError", "Things_CL"),
    ],
)
def test_a_bad_query_is_a_400_that_helps(client: Client, kql: str, code: str, words: str) -> None:
    """A mistake is BadArgumentError with the service's inner codes and a sentence that names the remedy."""
    answer = client.query(kql)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["code"], error["innererror"]["code"]) == ("BadArgumentError", code)
    assert words in error["innererror"]["innererror"]["message"]


def test_an_alias_may_differ_from_a_column_in_case(client: Client) -> None:
    """A query may make a name of its own that only differs in case."""
    client.post([row(Status=5)])
    assert client.rows(f"{TABLE} | project status = Status") == [{"status": 5}]


@pytest.mark.parametrize(
    ("timespan", "count"),
    [(None, 2), ("PT1H", 1), ("P1D", 2), (f"{now(hours=5)}/{now(hours=2)}", 1), (f"{now(hours=5)}/PT1H", 0)],
    ids=["none", "an hour", "a day", "from and to", "from and how long"],
)
def test_a_timespan_narrows_what_a_query_sees(client: Client, timespan: str | None, count: int) -> None:
    """Durations and intervals are a filter on TimeGenerated, under every form of query."""
    client.post([row(), {"TimeGenerated": now(hours=3)}])
    asked = {"timespan": timespan.replace("+00:00", "Z") if timespan else None}
    assert client.query(f"{TABLE} | count", **asked).json()["tables"][0]["rows"] == [[count]]
    joined = f"{TABLE} | union {TABLE} | sort by TimeGenerated asc"
    assert len(client.query(joined, **asked).json()["tables"][0]["rows"]) == 2 * count
    assert client.query("print 1", **asked).status_code == 200


def test_a_timespan_that_is_none_is_a_400(client: Client) -> None:
    """A timespan that is no ISO 8601 is refused with its text."""
    for timespan in ("yesterday", "P1M", "PT1H/soon"):
        answer = client.query(TABLE, timespan=timespan)
        assert (answer.status_code, timespan in answer.text) == (400, True)


def test_statistics_are_given_when_asked(client: Client) -> None:
    """Prefer: include-statistics=true adds them."""
    answer = client.query("print 1", headers={"Prefer": "wait=10,include-statistics=true"})
    assert answer.json()["statistics"]["query"]["executionTime"] >= 0


def test_a_query_can_be_a_get(client: Client) -> None:
    """The same by GET."""
    answer = client.get("/v1/workspaces/any/query", {"query": "print x = 1"})
    assert answer.json()["tables"][0]["rows"] == [[1]]
    assert client.get("/v1/workspaces/any/query").status_code == 400


def test_a_body_that_is_no_question_is_a_400(client: Client) -> None:
    """Anything but {"query": text} is refused."""
    answer = client.session.post(f"{client.url}/v1/workspaces/any/query", data=b"[", timeout=30)
    assert answer.json()["error"]["code"] == "BadArgumentError"


def test_a_query_reads_tables_and_nothing_else(client: Client, tmp_path: Any) -> None:
    """No file of the machine can be read through a query."""
    secret = tmp_path / "secret.csv"
    secret.write_text("a\nb\n")
    for kql in (f"externaldata(a:string)['{secret}']", f"['{secret}']", "duckdb_settings"):
        assert client.query(kql).status_code == 400, kql


def test_a_token_is_known_or_there_is_none(client: Client) -> None:
    """No token is let in on loopback; one that is shown has to be this server's, and for the query API."""
    own = client.ask_token(client.url).json()["access_token"]
    public = client.ask_token("https://api.loganalytics.io/").json()["access_token"]
    for token, status in ((own, 200), (public, 200), (client.token, 403), ("any", 401)):
        answer = client.query("print 1", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == status, token


@pytest.mark.parametrize(
    ("clause", "drawn"),
    [
        ("render timechart", {"visualization": "timechart", "title": ""}),
        ("render piechart with (title='a b, c', kind=stacked)", {"title": "a b, c", "kind": "stacked"}),
        ('render barchart title="24H" accumulate = true ;', {"title": "24H", "accumulate": True}),
    ],
)
def test_how_a_query_wants_to_be_drawn(client: Client, clause: str, drawn: dict[str, Any]) -> None:
    """Prefer: include-render=true reads the render clause, in both its forms."""
    asked = {"headers": {"Prefer": "include-render=true"}}
    found = client.query(f"print x = 1 | {clause}", **asked).json()["render"]
    assert {name: found[name] for name in drawn} == drawn
    for other in ("print x = '| render piechart'", "print x = 1"):
        assert "render" not in client.query(other, **asked).json()


@pytest.mark.parametrize(
    "body",
    [
        {"requests": [{"id": "1", "body": {"query": "print 1"}}, {"id": "1", "body": {"query": "print 2"}}]},
        {"requests": [{"id": str(n), "body": {"query": "print 1"}} for n in range(101)]},
        {"requests": [{"body": {"query": "print 1"}}]},
        [],
    ],
    ids=["twice the same id", "too many", "no id", "none"],
)
def test_a_batch_that_is_none_is_a_400(client: Client, body: Any) -> None:
    """Nothing of it is asked."""
    answer = client.session.post(f"{client.url}/v1/$batch", json=body, timeout=30)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BadArgumentError")


def test_a_batch_takes_queries_only(client: Client) -> None:
    """Another path or method is that part's error."""
    parts = [{"id": "1", "body": {"query": "print 1"}, "path": "/metadata"}]
    (part,) = client.session.post(f"{client.url}/v1/$batch", json={"requests": parts}, timeout=30).json()[
        "responses"
    ]
    assert (part["id"], part["status"], part["body"]["error"]["code"]) == ("1", 400, "BadArgumentError")
