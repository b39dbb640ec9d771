"""The ingestion endpoint answers in the service's words, and reports what it accepts and loses."""

from __future__ import annotations

import json
import zlib

import pytest
from isal import igzip

from local.azure_monitor import StreamSpec
from local.azure_monitor.ingestion import MAX_RAW, MAX_WIRE, decompress
from local.azure_monitor.losses import Findings
from local.azure_monitor.throttle import Throttle
from tests.unit.azure_monitor.client import COLUMNS, RULE, STREAM, Client, now, row
from tests.unit.azure_monitor.conftest import Start

OTHER = "dcr-" + "f" * 32


def test_an_accepted_post_is_an_empty_204(client: Client) -> None:
    """Success is 204 without a body, with a request id, and the rows are there."""
    answer = client.post([row(Text="a"), row(Text="b")])
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["x-ms-request-id"]
    assert [found["Text"] for found in client.rows("Things_CL | sort by Text asc")] == ["a", "b"]
    assert client.losses() == {}


@pytest.mark.parametrize(
    ("change", "status", "code", "words"),
    [
        ({"Authorization": None}, 401, "AuthenticationFailed", "bearer token is required"),
        ({"Authorization": "Bearer made.up.token"}, 401, "AuthenticationFailed", "not one that"),
        ({"rule": OTHER}, 404, "NotFound", f"Data collection rule with immutable Id '{OTHER}' not found."),
        (
            {"stream": "Custom-Nope"},
            400,
            "InvalidStream",
            "The stream Custom-Nope was not configured in the data collection rule with immutable Id " + RULE,
        ),
        ({"version": None}, 400, "MissingApiVersionParameter", "api-version"),
        ({"version": "2020-01-01"}, 400, "InvalidApiVersionParameter", "2020-01-01"),
        ({"Content_Type": None}, 415, "UnsupportedMediaType", "application/json"),
        ({"Content_Type": "text/plain"}, 415, "UnsupportedMediaType", "text/plain"),
        ({"Content_Encoding": "br"}, 415, "UnsupportedContentEncoding", "br"),
    ],
)
def test_a_refusal_has_the_status_code_and_words_of_the_service(
    client: Client, change: dict[str, str | None], status: int, code: str, words: str
) -> None:
    """Each way to be refused has its own status, error code, header and message, and stores nothing."""
    answer = client.post([row()], **change)  # type: ignore[arg-type]
    assert (answer.status_code, answer.headers["x-ms-error-code"]) == (status, code)
    error = answer.json()["error"]
    assert error["code"] == code
    assert words in error["message"]
    assert client.rows("Things_CL | count") == [{"Count": 0}]


def test_a_token_for_another_audience_is_refused(client: Client) -> None:
    """Only tokens for Azure Monitor are let in."""
    client.token = client.ask_token("https://storage.azure.com/").json()["access_token"]
    assert client.post([row()]).status_code == 401


def test_an_expired_or_revoked_token_is_refused(client: Client) -> None:
    """A token is good until it expires or is revoked, and not a moment longer."""
    client.control("tokens", {"revoke": True})
    assert client.post([row()]).status_code == 401
    client.control("tokens", {"lifetime": -1})
    client.token = client.ask_token().json()["access_token"]
    assert "expired" in client.post([row()]).json()["error"]["message"]


def test_without_the_role_the_answer_is_403_until_it_is_given(client: Client) -> None:
    """The role can be taken and given while the server runs."""
    client.control("roles", {"granted": False})
    answer = client.post([row()])
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "OperationFailed")
    assert f"immutable Id '{RULE}'" in answer.json()["error"]["message"]
    client.control("roles", {"granted": True})
    assert client.post([row()]).status_code == 204


def test_the_limit_of_one_megabyte_counts_on_the_wire(client: Client) -> None:
    """1,048,576 bytes on the wire are taken, one more is 413 with both numbers in the message."""
    fits = b'[{"TimeGenerated":"%s","Text":"%s"}]'
    body = fits % (now().encode(), b"")
    body = fits % (now().encode(), b"x" * (MAX_WIRE - len(body)))
    assert client.post(body, gzip=False).status_code == 204
    answer = client.post(body + b" ", gzip=False)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "ContentLengthLimitExceeded")
    words = "Maximum allowed content length: 1048576 bytes (1 MB). Provided content length: 1048577 bytes."
    assert answer.json()["error"]["message"] == words
    assert "length: 3000000 bytes." in client.post(b"x" * 3_000_000, gzip=False).json()["error"]["message"]


def test_a_body_without_a_length_is_counted_while_it_is_read(client: Client) -> None:
    """A chunked body over the limit is refused too."""
    answer = client.session.post(
        f"{client.url}/dataCollectionRules/{RULE}/streams/{STREAM}?api-version=2023-01-01",
        data=(b"x" * 65536 for _ in range(20)),
        headers={"Authorization": f"Bearer {client.token}", "Content-Type": "application/json"},
        timeout=30,
    )
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("body", "gzip", "kind"),
    [
        (b'{"TimeGenerated":null}', True, "NotAnArray"),
        (igzip.compress(b"[]", 1, mtime=0), True, "DoublyGzipped"),
        (b"[{", True, "MalformedJson"),
        (b"[" + b" " * MAX_RAW + b"]", True, "TooLargeDecompressed"),
    ],
)
def test_a_body_that_azure_loses_is_accepted_and_reported(
    client: Client, body: bytes, gzip: bool, kind: str
) -> None:
    """What Azure answers with 204 and then loses gets its 204 here too, and a place in the losses."""
    answer = client.post(body, gzip=gzip)
    assert answer.status_code == 204
    (loss,) = client.get("/local/losses").json()["losses"]
    assert (loss["kind"], loss["severity"], loss["rule"], loss["stream"]) == (kind, "post", RULE, STREAM)
    assert loss["request_id"] == answer.headers["x-ms-request-id"]
    assert client.rows("Things_CL | count") == [{"Count": 0}]


def test_a_body_that_only_says_gzip_is_accepted_and_reported(client: Client) -> None:
    """Content-Encoding: gzip on bytes that are none, or are cut short, loses the post."""
    for body in (b"[]", igzip.compress(b"[]", 1)[:-4]):
        assert client.post(body, gzip=False, Content_Encoding="gzip").status_code == 204
    assert client.losses() == {"CorruptGzip": 2}


def test_gzip_of_several_members_is_one_body() -> None:
    """Concatenated gzip members are one body, as everywhere."""
    wire = igzip.compress(b"[", 1) + zlib.compress(b"]", wbits=31)
    assert decompress(wire, "gzip", Findings()) == b"[]"


@pytest.mark.parametrize(("size", "kind"), [(1_000_001, "NearLimit"), (1_048_577, "OverLimit")])
def test_a_post_near_the_documented_limit_is_a_warning(size: int, kind: str) -> None:
    """Raw bytes count by the documentation, though not in practice: so a warning, and the rows are kept."""
    findings = Findings()
    assert decompress(igzip.compress(b" " * size, 1), "gzip", findings)
    assert list(findings.counts) == [kind]


def test_losses_after_a_sequence_number_are_asked_for(client: Client) -> None:
    """`since` gives what is new, with the rule, stream, record and column of each."""
    client.post([row(Nope=1)])
    first = client.get("/local/losses").json()
    client.post([row(), row(Status="x")])
    (loss,) = client.get("/local/losses", {"since": str(first["next"])}).json()["losses"]
    assert (loss["kind"], loss["record"], loss["column"]) == ("BadValue", 1, "Status")
    assert client.get("/local/losses", {"since": "soon"}).status_code == 400


def test_the_rate_of_a_rule_is_limited() -> None:
    """Over the bytes or requests of a minute it is 429 with the seconds left; the next minute is free."""
    clock = [1000.0]
    throttle = Throttle(lambda: clock[0], max_bytes=100, max_requests=3)
    assert throttle.take("a", 100) is None
    refusal = throttle.take("a", 1)
    assert refusal is not None
    assert (refusal.status, refusal.headers) == (429, {"Retry-After": "60"})
    assert throttle.take("b", 1) is None
    clock[0] += 59.5
    assert (refusal := throttle.take("a", 1)) is not None
    assert refusal.headers == {"Retry-After": "1"}
    clock[0] += 0.5
    assert [throttle.take("a", 1) is None for _ in range(4)] == [True, True, True, False]


def test_a_simulation_may_have_smaller_limits_and_shorter_minutes(start: Start) -> None:
    """The server takes what it is told of bytes, requests and seconds, and nothing that is no limit."""
    client = start(limit_requests=1, limit_minute=5.0)
    assert client.post([row()]).status_code == 204
    refused = client.post([row()])
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "5")
    refused = start(limit_bytes=10, retry_after=False).post([row()])
    assert (refused.status_code, "Retry-After" in refused.headers) == (429, False)
    with pytest.raises(ValueError, match="more than 0"):
        start(limit_minute=0)


@pytest.mark.parametrize(("limits", "status"), [(True, 429), (False, 204)])
def test_limits_can_be_switched_off(start: Start, limits: bool, status: int) -> None:
    """With limits off nothing is throttled; the limit is lowered here, 12,000 posts would take long."""
    client = start(limits=limits)
    client.monitor.throttle = Throttle(max_requests=1)
    client.post([row()])
    assert client.post([row()]).status_code == status


def test_metrics_and_posts_count_everything(client: Client) -> None:
    """Calls by response code, raw bytes and rows are counted for each stream, and posts are listed."""
    body = json.dumps([row(), row()]).encode()
    client.post(body)
    client.post(body, stream="Custom-Nope")
    here, nope = client.get("/local/metrics").json()
    assert (here["InputStreamId"], here["ApiCallReceived_Count"]) == (STREAM, {"204": 1})
    assert (here["RowsReceived_Count"], here["BytesReceived_Count"]) == (2, len(body))
    assert (nope["ApiCallReceived_Count"], nope["RowsReceived_Count"]) == ({"400": 1}, 0)
    latest, first = client.get("/local/posts").json()
    assert (latest["status"], first["status"]) == (400, 204)
    assert (first["rows"], first["raw_bytes"]) == (2, len(body))
    assert 0 < first["wire_bytes"] < len(body)


def test_nothing_is_kept_when_told_so(start: Start) -> None:
    """keep=False checks and counts, and stores no row."""
    client = start(keep=False)
    client.post([row(Nope=1)])
    assert client.losses() == {"UndeclaredField": 1}
    assert client.get("/local/metrics").json()[0]["RowsReceived_Count"] == 1
    assert client.rows("Things_CL | count") == [{"Count": 0}]


def test_a_stream_belongs_to_its_rule(start: Start) -> None:
    """The eleventh stream is in the second rule, and nowhere else."""
    streams = [StreamSpec(f"Custom-T{k}", f"T{k}_CL", COLUMNS) for k in range(11)]
    client = start(*streams, rules=(RULE, OTHER))
    answers = [client.post([row()], rule=rule, stream="Custom-T10").status_code for rule in (RULE, OTHER)]
    assert answers == [400, 204]


def test_another_host_name_is_not_answered(client: Client) -> None:
    """A web page that points its own name at this machine gets nothing."""
    assert client.get("/local/metrics", headers={"Host": "evil.example"}).status_code == 421
