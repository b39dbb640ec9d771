"""azure-monitor-query's own client against the local query endpoint.

What a detection's author sees of each kind of value and of each answer, through the
SDK's pipeline and with a token from azure-identity.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
import requests
from azure.core.exceptions import (
    HttpResponseError,
    ServiceRequestError,
)
from azure.identity import ManagedIdentityCredential
from azure.monitor.ingestion import LogsIngestionClient
from azure.monitor.query import (
    LogsBatchQuery,
    LogsQueryClient,
    LogsQueryError,
    LogsQueryPartialResult,
    LogsQueryResult,
    LogsQueryStatus,
    LogsTable,
)

from local.azure_monitor import Config, StreamSpec, serve
from tests.monitor import RULE, SECRET, WORKSPACE, identity_environment

STREAM, TABLE = "Custom-Things", "Things_CL"
COLUMNS = {
    "TimeGenerated": "datetime",
    "Text": "string",
    "Small": "int",
    "Big": "long",
    "Share": "real",
    "Ok": "boolean",
    "At": "datetime",
    "Extra": "dynamic",
}
NOW = dt.datetime.now(dt.UTC)
AT = dt.datetime(2031, 2, 3, 4, 5, 6, 123456, dt.UTC)
FULL = {
    "TimeGenerated": (NOW - dt.timedelta(minutes=1)).isoformat(),
    "Text": 'Grüße, "Welt" 🚢\nzweite Zeile',
    "Small": -(2**31),
    "Big": 2**63 - 1,
    "Share": 0.1,
    "Ok": True,
    "At": AT.isoformat(),
    "Extra": {"a": [1, 2.5, None, True, "ü"], "b": {}},
}
DYNAMICS = ({"a": {"b": 1}}, [1, "x", None], "text", 7, 1.5, True, {}, [])
MOST = 1_000


class Service:
    """The server, and the SDK's client of it."""

    def __init__(self, url: str, client: LogsQueryClient) -> None:
        self.url, self.client = url, client

    def ask(self, kql: str, **options: Any) -> LogsQueryResult | LogsQueryPartialResult:
        """A query of everything, unless a timespan is given."""
        asked = {"timespan": None, **options}
        return self.client.query_workspace(WORKSPACE, kql, enforce_https=False, **asked)

    def table(self, kql: str, **options: Any) -> LogsTable:
        """The one table of a result that is whole."""
        result = self.ask(kql, **options)
        assert isinstance(result, LogsQueryResult)
        assert result.status == LogsQueryStatus.SUCCESS
        (table,) = result.tables
        assert table.name == "PrimaryResult"
        return table

    def value(self, kql: str) -> Any:
        """The one value of a result."""
        ((value,),) = self.table(kql).rows
        return value

    def refused(self, kql: str, **options: Any) -> HttpResponseError:
        """The error of a query that has no answer."""
        with pytest.raises(HttpResponseError) as error:
            self.ask(kql, **options)
        return error.value

    def fault(self, **fault: Any) -> None:
        """The next answer."""
        answer = requests.post(f"{self.url}/local/faults", json={"on": "query", **fault}, timeout=30)
        assert answer.status_code == 200, answer.text


@contextmanager
def serving(rows: list[dict[str, Any]]) -> Iterator[Service]:
    """A server with these rows, and a client signed in by the managed identity."""
    streams = (StreamSpec(STREAM, TABLE, COLUMNS), StreamSpec("Custom-None", "None_CL", COLUMNS))
    with ExitStack() as stack:
        running = stack.enter_context(serve(Config(streams, (RULE,), SECRET, result_rows=MOST)))
        stack.enter_context(identity_environment(running.url))
        credential = stack.enter_context(ManagedIdentityCredential())
        with LogsIngestionClient(running.url, credential) as ingestion:
            ingestion.upload(RULE, STREAM, rows, enforce_https=False)
        client = LogsQueryClient(credential, endpoint=running.url, retry_backoff_factor=0)
        yield Service(running.url, stack.enter_context(client))


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """A server with a full row, an empty one, an old one and one for each dynamic value."""
    rows: list[dict[str, Any]] = [
        FULL,
        {"TimeGenerated": (NOW - dt.timedelta(minutes=2)).isoformat(), "Text": None},
        {"TimeGenerated": (NOW - dt.timedelta(hours=3)).isoformat(), "Text": "old"},
    ]
    rows += [{"TimeGenerated": NOW.isoformat(), "Small": n, "Extra": v} for n, v in enumerate(DYNAMICS)]
    with serving(rows) as made:
        yield made


def inner(error: HttpResponseError) -> dict[str, Any]:
    """What is inside of an error, as the SDK gives it."""
    assert error.error is not None
    return dict(error.error.innererror)


# -- values -----------------------------------------------------------------------------------


def test_every_column_type_of_a_table_comes_back_as_it_was_sent(service: Service) -> None:
    """Names and types are Kusto's, and the SDK makes the Python value that was sent."""
    names = [name for name in COLUMNS if name != "TimeGenerated"]
    table = service.table(f"{TABLE} | where isnotempty(Text) and Ok | project {', '.join(names)}")
    assert table.columns == names
    assert table.columns_types == ["string", "int", "long", "real", "bool", "datetime", "dynamic"]
    (row,) = table.rows
    assert [row[name] for name in names[:-1]] == [FULL[name] for name in names[:-2]] + [AT]
    assert json.loads(row["Extra"]) == FULL["Extra"]


def test_null_is_none_whatever_the_type(service: Service) -> None:
    """A row that has nothing but its time has None everywhere, a string being empty as in Kusto."""
    names = [name for name in COLUMNS if name not in {"TimeGenerated", "Text"}]
    kql = f"{TABLE} | where isnull(Small) and Text != 'old' | project {', '.join(names)}"
    (row,) = service.table(kql).rows
    assert list(row) == [None] * len(names)


@pytest.mark.parametrize("number", range(len(DYNAMICS)), ids=[json.dumps(v) for v in DYNAMICS])
def test_a_dynamic_value_is_json_text(service: Service, number: int) -> None:
    """Objects, arrays, strings, numbers and booleans in a dynamic column are what was sent once read as JSON."""
    text = service.value(f"{TABLE} | where Small == {number} | project Extra")
    assert json.loads(text) == DYNAMICS[number]
    assert service.value(f"{TABLE} | where Small == {number} | project gettype(Extra)") != ""


@pytest.mark.parametrize("microsecond", [0, 1, 10, 500_000, 999_999])
def test_a_date_is_whole_to_the_microsecond(service: Service, microsecond: int) -> None:
    """Every microsecond survives, and the time is in UTC."""
    moment = AT.replace(microsecond=microsecond)
    found = service.value(f"print datetime({moment.isoformat()})")
    assert (found, found.utcoffset()) == (moment, dt.timedelta())


@pytest.mark.parametrize(
    ("kql", "kind", "value"),
    [
        ("1", "long", 1),
        ("toint(1)", "int", 1),
        ("0.5", "real", 0.5),
        ("real(nan)", "real", "NaN"),
        ("real(+inf)", "real", "Infinity"),
        ("real(-inf)", "real", "-Infinity"),
        ("decimal(12.30)", "real", 12.3),
        ("true", "bool", True),
        ("'ü'", "string", "ü"),
        ("1d + 2h + 3m + 4.5s", "timespan", "1.02:03:04.5000000"),
        ("-1s", "timespan", "-00:00:01"),
        ("guid(74be27de-1e4e-49d9-b579-fe0b331d3642)", "guid", "74be27de-1e4e-49d9-b579-fe0b331d3642"),
        ("dynamic({'a':[1]})", "dynamic", '{"a":[1]}'),
        ("int(null)", "int", None),
    ],
)
def test_an_expression_of_every_type(service: Service, kql: str, kind: str, value: Any) -> None:
    """Types that no stream declares come out of expressions, and numbers that JSON has not are words."""
    table = service.table(f"print x = {kql}")
    assert (table.columns, table.columns_types, list(table.rows[0])) == (["x"], [kind], [value])


def test_an_empty_result_has_its_columns(service: Service) -> None:
    """No rows, and names and types all the same."""
    table = service.table(f"None_CL | project {', '.join(COLUMNS)}")
    assert (table.rows, table.columns) == ([], list(COLUMNS))
    assert table.columns_types == ["datetime", "string", "int", "long", "real", "bool", "datetime", "dynamic"]


def test_a_query_is_text_in_any_script(service: Service) -> None:
    """A query in UTF-8 finds what it says, and may name its columns so."""
    table = service.table(
        f"{TABLE} | where Text startswith 'Grüße' and Text has '🚢' | project ['Größe'] = Small"
    )
    assert ([list(row) for row in table.rows], table.columns) == ([[-(2**31)]], ["Größe"])


# -- what is asked besides --------------------------------------------------------------------


def test_a_time_span_leaves_older_rows_out(service: Service) -> None:
    """A duration, from and to, and from and how long: rows outside are not there; None is everything."""
    count, hour = f"{TABLE} | where Text == 'old' | count", dt.timedelta(hours=1)
    old = NOW - dt.timedelta(hours=3)
    spans: list[tuple[Any, int]] = [
        (None, 1),
        (hour, 0),
        (hour * 4, 1),
        ((old - hour, old + hour), 1),
        ((old - hour, hour / 2), 0),
        ((old - hour, hour * 2), 1),
        ((old, old), 1),
    ]
    found = [next(iter(service.table(count, timespan=span).rows[0])) for span, _ in spans]
    assert found == [rows for _, rows in spans]


def test_statistics_and_the_drawing_are_given_when_asked(service: Service) -> None:
    """Statistics say how long it took, and the visualization how the query wants to be drawn."""
    kql = f"{TABLE} | summarize count() by Ok | render barchart with (title='How many', kind=stacked)"
    plain = service.ask(kql)
    assert (plain.statistics, plain.visualization) == (None, None)
    result = service.ask(kql, include_statistics=True, include_visualization=True, server_timeout=20)
    assert result.statistics is not None
    assert result.statistics["query"]["executionTime"] > 0
    assert result.visualization is not None
    drawn = {name: result.visualization[name] for name in ("visualization", "title", "kind")}
    assert drawn == {"visualization": "barchart", "title": "How many", "kind": "stacked"}


def test_a_result_over_the_limit_is_partial_and_says_so(service: Service) -> None:
    """As many rows as the limit are a success; one more is a partial result with the reason."""
    assert len(service.table(f"range x from 1 to {MOST} step 1").rows) == MOST
    result = service.ask(f"range x from 1 to {MOST + 1} step 1")
    assert isinstance(result, LogsQueryPartialResult)
    assert result.status == LogsQueryStatus.PARTIAL
    assert len(result.partial_data[0].rows) == MOST
    assert result.partial_error is not None
    assert (result.partial_error.code, f"limit of {MOST} records" in str(result.partial_error.details)) == (
        "PartialError",
        True,
    )


def test_a_batch_answers_each_query_by_itself(service: Service) -> None:
    """In the order of the questions, and one that is wrong harms no other."""
    asked = [
        LogsBatchQuery(WORKSPACE, f"{TABLE} | where Text == 'old' | count", timespan=None),
        LogsBatchQuery(WORKSPACE, f"{TABLE} | wher", timespan=None),
        LogsBatchQuery(WORKSPACE, f"range x from 1 to {MOST + 1} step 1", timespan=None),
        LogsBatchQuery(
            WORKSPACE,
            f"{TABLE} | where Text == 'old' | count",
            timespan=dt.timedelta(hours=1),
            include_statistics=True,
        ),
    ]
    first, wrong, cut, last = service.client.query_batch(asked, enforce_https=False)
    assert isinstance(first, LogsQueryResult)
    assert isinstance(last, LogsQueryResult)
    assert [list(result.tables[0].rows[0]) for result in (first, last)] == [[1], [0]]
    assert (first.statistics, last.statistics is not None) == (None, True)
    assert isinstance(wrong, LogsQueryError)
    assert wrong.code == "BadArgumentError"
    assert wrong.message.startswith("Query could not be parsed at '|' on line [1,10]")
    assert isinstance(cut, LogsQueryPartialResult)


# -- what has no answer -----------------------------------------------------------------------


def test_a_syntax_error_says_where(service: Service) -> None:
    """Code, line (from 1), position (from 0) and token are where the service has them."""
    error = service.refused(f"{TABLE}\n| where Text == 'x' oops")
    assert (error.status_code, error.model.code) == (400, "BadArgumentError")
    found = inner(error)
    assert (found["code"], found["innererror"]["code"]) == ("SyntaxError", "SYN0002")
    place = {name: found["innererror"][name] for name in ("line", "pos", "token")}
    assert place == {"line": 2, "pos": 20, "token": "oops"}


@pytest.mark.parametrize(
    ("kql", "words"),
    [
        ("Nothing_CL | count", "no table 'Nothing_CL'"),
        (f"{TABLE} | where Txet == 1", "did you mean 'Text'?"),
        (f"{TABLE} | where text == ''", "it is 'Text'"),
    ],
)
def test_an_unknown_table_or_column_is_a_semantic_error(service: Service, kql: str, words: str) -> None:
    """The innermost message names what there is."""
    found = inner(service.refused(kql))
    assert (found["code"], found["innererror"]["code"]) == ("SemanticError", "SEM0100")
    assert words in found["innererror"]["message"]


def test_one_workspace_and_no_resource(service: Service) -> None:
    """Further workspaces, and queries of a resource, are refused and not left out in silence."""
    error = service.refused(f"{TABLE} | count", additional_workspaces=["another"])
    assert "one workspace" in inner(error)["message"]
    with pytest.raises(HttpResponseError) as none:
        service.client.query_resource(
            "/subscriptions/s/resourceGroups/g/providers/p/t/n", "x", timespan=None, enforce_https=False
        )
    assert none.value.status_code == 404


def test_a_query_that_takes_too_long_is_ended(service: Service) -> None:
    """After the seconds that the client gives it the query is over, and the server goes on."""
    many = "range a from 1 to 200000 step 1 | extend k = 1"
    kql = f"{many} | join kind=inner ({many}) on k | where a * a1 == 7 | count"
    assert service.refused(kql, server_timeout=1, retry_total=0).status_code == 504
    assert service.value("print 1") == 1


def test_a_throttled_query_is_asked_again_by_the_client(service: Service) -> None:
    """429 with Retry-After comes from a fault, and the SDK does what it does in Azure."""
    service.fault(status=429, retry_after="0")
    assert service.value("print 1") == 1
    service.fault(status=429, times=9)
    assert service.refused("print 1", retry_total=0).status_code == 429
    requests.delete(f"{service.url}/local/faults", timeout=30)


def test_a_lost_connection_is_the_clients_own_error(service: Service) -> None:
    """A connection that is dropped before the answer is no HttpResponseError."""
    service.fault(reset="before")
    with pytest.raises((ServiceRequestError, Exception)) as error:
        service.ask("print 1", retry_total=0)
    assert not isinstance(error.value, HttpResponseError)


# -- signing in -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("audience", "status"),
    [
        ("https://api.loganalytics.io", 200),
        ("https://api.loganalytics.io/", 200),
        ("https://monitor.azure.com", 403),
    ],
)
def test_a_token_is_for_the_query_api(service: Service, audience: str, status: int) -> None:
    """A token of this identity for ingestion reads nothing; one for the query API does."""
    with (
        ManagedIdentityCredential() as credential,
        LogsQueryClient(credential, endpoint=service.url, audience=audience) as client,
    ):
        asking = Service(service.url, client)
        if status == 200:
            assert asking.value("print 1") == 1
        else:
            error = asking.refused("print 1")
            assert (error.status_code, error.model.code) == (status, "InvalidTokenError")


def test_a_revoked_token_is_a_401() -> None:
    """A token that the identity endpoint does not know any more is not let in; a query without one is answered."""
    with serving([]) as service:
        assert service.value("print 1") == 1
        requests.post(f"{service.url}/local/tokens", json={"revoke": True}, timeout=30)
        assert service.refused("print 1").status_code == 401
        url, asked = f"{service.url}/v1/workspaces/{WORKSPACE}/query", {"query": "print x = 1"}
        assert requests.post(url, json=asked, timeout=30).json()["tables"][0]["rows"] == [[1]]
