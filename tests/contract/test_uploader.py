"""The uploader against the ingestion endpoint, through the real SDK and the real credential."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from typing import Any

import pytest

from local.azure_monitor.config import StreamSpec
from shared.encode import Encoder
from shared.errors import NotReady, ServiceUnavailable, Throttled
from shared.model import Batch, Position
from shared.upload import identity
from shared.upload import uploader as module
from shared.upload.answers import LONGEST_PAUSE, retry_after
from shared.upload.service import Service
from shared.upload.uploader import Uploader
from tests.build import rows
from tests.monitor import RULE, MonitorUnderTest, monitor

STREAM = "Custom-Test"
SPEC = StreamSpec(STREAM, "Test_CL", {"TimeGenerated": "datetime", "Name": "string"})


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[MonitorUnderTest]:
    monkeypatch.setattr(module, "FIRST_WAIT", 0.01)
    with monitor((SPEC,)) as running:
        yield running


def batch(count: int, stream: str = STREAM) -> Batch:
    encoder = Encoder(stream, Position())
    made = [*encoder.add(rows([{"Name": f"n{i}"} for i in range(count)])), *encoder.flush()]
    assert len(made) == 1
    return made[0]


def uploader(server: MonitorUnderTest, *, rule: str = RULE, seconds: float = 5) -> Uploader:
    return Uploader(Service(server.url), rule, retry_seconds=seconds)


def names(server: MonitorUnderTest) -> list[str]:
    return sorted(row["Name"] for row in server.rows("Test_CL"))


def test_an_accepted_batch_is_in_its_table(server: MonitorUnderTest) -> None:
    """204 means every row of the batch, and the outcome says so."""
    outcome = uploader(server).send(batch(3))
    assert (outcome.accepted, outcome.attempts, outcome.rejects) == (3, 1, [])
    assert outcome.sent_bytes > 0
    assert names(server) == ["n0", "n1", "n2"]


@pytest.mark.parametrize("status", [429, 408, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again(server: MonitorUnderTest, status: int) -> None:
    """429, 408 and 5xx are tried again until the service accepts."""
    server.faults({"status": status, "times": 2, "retry_after": "0"})
    outcome = uploader(server).send(batch(2))
    assert (outcome.accepted, outcome.attempts) == (2, 3)
    assert names(server) == ["n0", "n1"]


@pytest.mark.parametrize(("status", "error"), [(429, Throttled), (503, ServiceUnavailable)])
def test_what_does_not_pass_in_time_is_transient(
    server: MonitorUnderTest, status: int, error: type[Exception]
) -> None:
    """When the time allowed is over the last answer is raised, for the caller to defer."""
    server.faults({"status": status, "times": 50, "retry_after": "1"})
    with pytest.raises(error):
        uploader(server, seconds=0.5).send(batch(1))


def test_one_pause_for_all_who_use_a_rule(server: MonitorUnderTest) -> None:
    """After a 429 nobody posts to the rule before its Retry-After is over, and waiting ends when a run is stopped."""
    server.faults({"status": 429, "retry_after": "30"})
    service = Service(server.url)
    with pytest.raises(Throttled):
        Uploader(service, RULE, retry_seconds=0).send(batch(1))
    assert 25 < service.gate(RULE).pause() <= 30
    other = Uploader(service, RULE, retry_seconds=60)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(other.send, batch(1))
        other.stop()
        with pytest.raises(Throttled, match="asked to wait: 429"):
            waiting.result()
    assert names(server) == []


def test_a_refused_batch_is_halved_down_to_the_record_at_fault(server: MonitorUnderTest) -> None:
    """400 and 413 cost the record at fault, and no other."""
    server.faults({"status": 400, "times": 3})
    outcome = uploader(server).send(batch(4))
    assert (outcome.accepted, [(r.ordinal, r.reason) for r in outcome.rejects]) == (
        3,
        [(0, "RefusedByService")],
    )
    assert outcome.rejects[0].raw == b'{"Name": "n0"}'
    assert names(server) == ["n1", "n2", "n3"]
    server.faults({"status": 413, "times": 3})
    assert [r.reason for r in uploader(server).send(batch(4)).rejects] == ["TooLargeForService"]


def test_a_refused_token_is_replaced_by_a_new_credential(server: MonitorUnderTest) -> None:
    """401 once: a new credential, and the batch is accepted; 401 again: not ready, never dead-lettered."""
    server.faults({"status": 401})
    assert uploader(server).send(batch(1)).accepted == 1
    server.faults({"status": 401, "times": 2})
    with pytest.raises(NotReady, match="401"):
        uploader(server).send(batch(1))


def test_a_missing_role_is_named(server: MonitorUnderTest) -> None:
    """403 says which role is missing on which rule."""
    server.call("POST", "/local/roles", {"granted": False})
    with pytest.raises(NotReady, match="Monitoring Metrics Publisher") as caught:
        uploader(server).send(batch(1))
    assert RULE in str(caught.value)


def test_a_wrong_rule_is_named(server: MonitorUnderTest) -> None:
    """404 says which rule, and which two settings have to fit."""
    with pytest.raises(NotReady, match="LOGS_DCR_RULE_ID and DATA_COLLECTION_ENDPOINT"):
        uploader(server, rule="dcr-" + "f" * 32).send(batch(1))


def test_an_unknown_stream_is_named(server: MonitorUnderTest) -> None:
    """400 InvalidStream is a rule that is not ready, not a record at fault."""
    with pytest.raises(NotReady, match="Custom-Nowhere") as caught:
        uploader(server).send(batch(2, "Custom-Nowhere"))
    assert "routes.yaml" in str(caught.value)


def test_an_endpoint_that_is_down_is_transient(server: MonitorUnderTest) -> None:
    """Nobody listening: transient, and the message says that it cannot be reached."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(ServiceUnavailable, match="cannot be reached"):
        Uploader(Service(url), RULE, retry_seconds=0).send(batch(1))


def test_a_lost_reply_counts_as_a_possible_repeat(server: MonitorUnderTest) -> None:
    """The connection breaks after the rows were taken: sent again, and the count of possible repeats says so."""
    server.faults({"reset": "after"})
    outcome = uploader(server).send(batch(2))
    assert (outcome.accepted, outcome.maybe_repeated) == (2, 2)
    assert names(server) == ["n0", "n0", "n1", "n1"]


@pytest.mark.parametrize(
    ("faults", "there"),
    [
        ([{"reset": "after"}], 4),
        ([{"status": 413}, {}, {"status": 503}], 2),
        ([{"status": 503}], 0),
    ],
)
def test_an_error_says_how_many_rows_may_be_there(
    server: MonitorUnderTest, faults: list[dict[str, Any]], there: int
) -> None:
    """A batch that was taken in part, or whose last reply was lost, ends in an error that counts these rows."""
    server.faults(*faults)
    with pytest.raises(ServiceUnavailable) as caught:
        uploader(server, seconds=0).send(batch(4))
    assert caught.value.maybe_there == there


def test_no_identity_is_a_set_up_that_is_not_ready(
    server: MonitorUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refused identity request is told from a refused post, and is never dead-lettered."""
    monkeypatch.setenv("IDENTITY_HEADER", "wrong")
    with pytest.raises(NotReady, match="managed identity"):
        uploader(server).send(batch(1))


NOW = 1_000_000_000.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5", 5.0),
        ("1.5", 1.5),
        ("0", 0.0),
        ("-3", 0.0),
        ("1e9", LONGEST_PAUSE),
        ("Sun, 09 Sep 2001 01:47:10 GMT", 30.0),
        ("Sun, 09 Sep 2001 01:40:00 GMT", 0.0),
        ("soon", None),
        ("", None),
        ("nan", None),
        ("inf", None),
    ],
)
def test_retry_after_in_all_its_forms(text: str, seconds: float | None) -> None:
    """Seconds, a date, negative, absurd or unreadable: a pause between 0 and five minutes, or none named."""
    assert retry_after({"retry-after": text}, NOW) == seconds


def test_retry_after_in_milliseconds() -> None:
    """Azure's own millisecond headers are read too."""
    assert retry_after({"x-ms-retry-after-ms": "250"}, NOW) == 0.25


def http_date(seconds: float) -> str:
    return formatdate(time.time() + seconds, usegmt=True)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("30", 25.0, 30.0),
        (http_date(3_000), LONGEST_PAUSE - 5, LONGEST_PAUSE),
        (http_date(-30), 0.0, 0.0),
        ("-3", 0.0, 0.0),
        ("1e12", LONGEST_PAUSE - 5, LONGEST_PAUSE),
        ("soon", 0.0, 0.0),
        (None, 0.0, 0.0),
    ],
    ids=["seconds", "far date", "past date", "negative", "absurd", "no time", "absent"],
)
def test_a_pause_in_all_its_forms_at_the_socket(
    server: MonitorUnderTest, status: int, text: str | None, least: float, most: float
) -> None:
    """Seconds, a date, the past, negative, absurd, unreadable, absent: the rule's pause for everybody, if it names one."""
    server.faults({"status": status, **({} if text is None else {"retry_after": text})})
    service = Service(server.url)
    with pytest.raises((Throttled, ServiceUnavailable)):
        Uploader(service, RULE, retry_seconds=0).send(batch(1))
    assert least <= service.gate(RULE).pause() <= most


@pytest.mark.parametrize("status", [429, 503])
def test_all_threads_keep_the_one_pause(server: MonitorUnderTest, status: int) -> None:
    """While a rule asks to wait, no thread of the process posts to it, whether it saw the answer or not."""
    service = Service(server.url)
    Uploader(service, RULE, retry_seconds=0).send(batch(1))
    server.faults({"status": status, "retry_after": "60"})
    with pytest.raises((Throttled, ServiceUnavailable)):
        Uploader(service, RULE, retry_seconds=0).send(batch(1))
    before = len(server.call("GET", "/local/posts"))
    with ThreadPoolExecutor(16) as pool:
        sent = [pool.submit(Uploader(service, RULE, retry_seconds=5).send, batch(1)) for _ in range(16)]
        for future in sent:
            with pytest.raises(Throttled, match=f"asked to wait: {status}") as caught:
                future.result()
            assert caught.value.retry_after is not None
    assert len(server.call("GET", "/local/posts")) == before


def test_trouble_means_fewer_posts_at_once(server: MonitorUnderTest) -> None:
    """429 halves what a rule gets at once, for every run of the process."""
    service = Service(server.url)
    before = service.gate(RULE).share()
    server.faults({"status": 429})
    Uploader(service, RULE, retry_seconds=5).send(batch(1))
    assert service.gate(RULE).share() == before // 2


def test_many_threads_with_a_refused_token_make_one_new_credential(server: MonitorUnderTest) -> None:
    """401 for sixteen threads at once: one new credential between them, and every batch is accepted."""
    made: list[int] = []

    def credential() -> Any:
        made.append(1)
        return identity.credential()

    service = Service(server.url, credential)
    Uploader(service, RULE, retry_seconds=5).send(batch(1))
    server.call("POST", "/local/tokens", {"revoke": True})
    ready = threading.Barrier(16)

    def send() -> int:
        ready.wait()
        return Uploader(service, RULE, retry_seconds=5).send(batch(1)).accepted

    with ThreadPoolExecutor(16) as pool:
        assert [future.result() for future in [pool.submit(send) for _ in range(16)]] == [1] * 16
    assert len(made) == 2


def test_what_a_rule_lacks_is_an_error_once(
    server: MonitorUnderTest, caplog: pytest.LogCaptureFixture
) -> None:
    """A missing role is said with its name and the rule's as one ERROR a minute, not one a message."""
    server.call("POST", "/local/roles", {"granted": False})
    service = Service(server.url)
    for _ in range(5):
        with pytest.raises(NotReady):
            Uploader(service, RULE, retry_seconds=0).send(batch(1))
    (said,) = [r for r in caplog.records if r.name == "logferry.upload"]
    assert said.levelname == "ERROR"
    assert "Monitoring Metrics Publisher" in said.getMessage()
    assert RULE in said.getMessage()
