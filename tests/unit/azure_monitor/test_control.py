"""Faults, identity, the page and the command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from tests.unit.azure_monitor.client import RULE, SECRET, STREAM, TABLE, Client, now, row

ROUTES = """
routes:
  web:
    from: { blobs: ["web/*.ndjson"] }
    format: ndjson
    table: Web_CL
    columns: { Status: { type: int } }
    transform: source | where Status >= 400
"""


def test_faults_are_used_up_in_order(client: Client) -> None:
    """Each fault answers as often as it says, in the order given, then posts are taken again."""
    client.control(
        "faults", [{"status": 429, "retry_after": "7", "times": 2}, {"status": 503, "code": "Busy"}]
    )
    answers = [client.post([row()]) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [429, 429, 503, 204]
    assert answers[0].headers["Retry-After"] == "7"
    assert answers[2].json()["error"]["code"] == "Busy"
    assert client.get("/local/faults").json() == []


def test_a_fault_only_meets_the_posts_that_it_matches(client: Client) -> None:
    """A fault for another stream waits, and can be seen and cleared."""
    client.control("faults", {"match": {"stream": "Custom-Other"}, "status": 500})
    assert client.post([row()]).status_code == 204
    (waiting,) = client.get("/local/faults").json()
    assert waiting == {
        "match": {"stream": "Custom-Other", "rule": None, "contains": None},
        "status": 500,
        "times": 1,
    }
    assert client.session.delete(f"{client.url}/local/faults", timeout=30).json() == {"waiting": 0}


def test_a_fault_may_look_into_the_body(client: Client) -> None:
    """A fault for a text meets the posts that hold it, gzipped or not; the others are taken whole."""
    client.control("faults", {"match": {"contains": "poison"}, "status": 400, "times": 2})
    answers = [client.post([row(Name=name)]) for name in ("good", "poison", "fine")]
    assert [answer.status_code for answer in answers] == [204, 400, 204]
    assert len(client.rows(TABLE)) == 2
    assert client.get("/local/faults").json()[0]["times"] == 1


@pytest.mark.parametrize(("moment", "rows"), [("before", 0), ("middle", 0), ("after", 1)])
def test_a_reset_drops_the_connection_before_or_after_the_rows_are_taken(
    client: Client, moment: str, rows: int
) -> None:
    """The caller gets no answer either way; only after means that the rows are there."""
    client.control("faults", [{"reset": moment, "match": {"rule": RULE}}])
    with pytest.raises(requests.ConnectionError):
        client.post([row()])
    assert len(client.rows(TABLE)) == rows
    assert client.get("/local/metrics").json()[0]["ApiCallReceived_Count"] == {"Reset": 1}


def test_a_delay_comes_before_the_answer(client: Client) -> None:
    """A fault with only a delay takes the post, later."""
    client.control("faults", [{"delay": 0.2}])
    began = time.monotonic()
    assert client.post([row()]).status_code == 204
    assert time.monotonic() - began >= 0.2


def test_an_answer_may_have_any_shape_and_any_pace(client: Client) -> None:
    """A page in place of the service's JSON takes no row; an odd 204 takes them; a byte at a time is still an answer."""
    page = {"body": "<html>sign in</html>", "headers": {"Content-Type": "text/html", "Date": "yesterday"}}
    client.control(
        "faults", [{"status": 200, **page}, {**page}, {"drip": 0.002}, {"status": 503, "drip": 0.001}]
    )
    portal = client.post([row()])
    assert (portal.status_code, portal.text, portal.headers["Date"]) == (200, page["body"], "yesterday")
    assert [client.post([row()]).status_code for _ in range(3)] == [204, 204, 503]
    assert len(client.rows(TABLE)) == 2


def test_the_identity_endpoint_can_fail_too(client: Client) -> None:
    """A fault on tokens meets requests for a token and no post."""
    client.control("faults", [{"on": "token", "status": 500}, {"on": "token", "reset": "before"}])
    assert client.post([row()]).status_code == 204
    assert client.ask_token().status_code == 500
    with pytest.raises(requests.ConnectionError):
        client.ask_token()
    assert client.ask_token().status_code == 200


def test_an_auxiliary_table_refuses_what_spans_more_than_half_an_hour(client: Client) -> None:
    """The whole post is refused, with the service's code; halves that fit are taken."""
    assert client.control("plans", {"auxiliary": ["Elsewhere_CL"]}).status_code == 400
    assert client.control("plans", {"auxiliary": [TABLE]}).status_code == 200
    old, new = row(TimeGenerated=now(minutes=40)), row()
    answer = client.post([old, new])
    assert (answer.status_code, answer.json()["error"]["code"]) == (
        400,
        "RecordsTimeRangeIsMoreThan30Minutes",
    )
    assert client.rows(TABLE) == []
    assert [client.post([one]).status_code for one in (old, new)] == [204, 204]


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 204},
        {"stauts": 500},
        {"reset": "during"},
        {"status": 500, "reset": "after"},
        {"drip": 1, "reset": "after"},
        "x",
    ],
)
def test_a_fault_that_is_not_understood_is_refused(client: Client, fault: object) -> None:
    """One bad fault refuses all the faults of its request."""
    assert client.control("faults", [{"status": 500}, fault]).status_code == 400
    assert client.get("/local/faults").json() == []


def test_a_change_needs_the_type_that_a_page_elsewhere_cannot_send(client: Client) -> None:
    """The control API takes application/json only."""
    body = json.dumps({"granted": False})
    answer = client.session.post(f"{client.url}/local/roles", data=body, timeout=30)
    assert answer.status_code == 415
    assert client.post([row()]).status_code == 204


def test_the_identity_endpoint_gives_a_token(client: Client) -> None:
    """The answer has the App Service form: text for a number, and the resource as it was asked."""
    answer = client.ask_token("https://monitor.azure.com/").json()
    assert answer["resource"] == "https://monitor.azure.com/"
    assert abs(int(answer["expires_on"]) - time.time() - 86_400) < 60
    assert answer["token_type"] == "Bearer"
    client.token = answer["access_token"]
    assert client.post([row()]).status_code == 204


@pytest.mark.parametrize(
    ("query", "header", "status"),
    [
        ({"api-version": "2019-08-01", "resource": "x"}, None, 401),
        ({"api-version": "2019-08-01", "resource": "x"}, "wrong", 401),
        ({"api-version": "2017-09-01", "resource": "x"}, SECRET, 400),
        ({"api-version": "2019-08-01"}, SECRET, 400),
    ],
)
def test_the_identity_endpoint_refuses_who_does_not_ask_right(
    client: Client, query: dict[str, str], header: str | None, status: int
) -> None:
    """Without the secret, the version or a resource there is no token."""
    headers = {} if header is None else {"X-IDENTITY-HEADER": header}
    assert client.get("/msi/token", query, headers).status_code == status


def test_the_page_shows_what_happened_and_escapes_it(client: Client) -> None:
    """Tables, streams, losses, posts and a query's rows are on the page; nothing posted becomes markup."""
    client.post([row(Text="<script>alert(1)</script>", Nope=1)])
    answer = client.get("/", {"query": f"{TABLE} | project Text", "timespan": "PT1H"})
    assert answer.headers["Content-Type"].startswith("text/html")
    for part in (TABLE, STREAM, "UndeclaredField", "&lt;script&gt;alert(1)", "1 row"):
        assert part in answer.text
    assert "<script" not in answer.text
    assert "SyntaxError" in client.get("/", {"query": "x | |"}).text


def test_what_is_not_there_is_a_404_in_json(client: Client) -> None:
    """An unknown path gets the service's error form."""
    answer = client.get("/nothing")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NotFound")


def _command(tmp_path: Path, *more: str, routes: str = ROUTES) -> subprocess.Popen[str]:
    path = tmp_path / "routes.yaml"
    path.write_text(routes)
    command = [sys.executable, "-m", "local.azure_monitor", "--routes", str(path), "--rule", RULE]
    root = Path(__file__).parents[3]
    return subprocess.Popen(
        [*command, "--identity-header", SECRET, *more],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_says_when_it_is_ready_and_stops_cleanly(tmp_path: Path, number: int) -> None:
    """One line of JSON on stdout, rows on disk, and exit code 0 after a signal."""
    process = _command(tmp_path, "--database", str(tmp_path / "d.duckdb"))
    assert process.stdout is not None
    ready = json.loads(process.stdout.readline())
    assert (ready["ready"], ready["rules"]) == (True, {RULE: ["Custom-Web"]})
    assert requests.get(ready["url"] + "/local/status", timeout=30).json()["rows"] == {"Web_CL": 0}
    process.send_signal(number)
    out, _ = process.communicate(timeout=30)
    assert (process.returncode, out) == (0, "")
    assert (tmp_path / "d.duckdb").exists()


def test_the_command_names_what_is_wrong_with_the_routes(tmp_path: Path) -> None:
    """A mistake in the routes is exit code 2 and a message, without a traceback."""
    process = _command(tmp_path, routes=ROUTES.replace("Status >= 400", "Nope >= 400"))
    _, said = process.communicate(timeout=30)
    assert process.returncode == 2
    assert "Nope" in said
    assert "Traceback" not in said
