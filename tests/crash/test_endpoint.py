"""The harness's own endpoint, and its judgement: they see what they are there to see."""

from __future__ import annotations

import gzip
import json
import random
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.azurite import Azurite
from tests.crash import records
from tests.crash.endpoint import RULE, Endpoint, Post, serve
from tests.crash.inputs import Inputs
from tests.crash.stage import Nursery, stage
from tests.crash.verdict import _again, judge

NAMES = ("Record", "Body", "Number", "Keep", "Check", "TimeGenerated")
PATH = f"/dataCollectionRules/{RULE}/streams/Custom-Lines?api-version=2023-01-01"


def row(number: int = 0) -> dict[str, Any]:
    """A row as it should arrive."""
    made = records.record(random.Random(number), f"s1-{number:06d}", int(time.time()))
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(made["number"]))
    return {**dict(zip(NAMES, made.values(), strict=True)), "TimeGenerated": at}


class Client:
    """Posts to the endpoint as a worker of the third life."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        identity = endpoint.identity(3)
        url = f"{identity['IDENTITY_ENDPOINT']}?api-version=2019-08-01&resource=https://monitor.azure.com/"
        request = urllib.request.Request(url, headers={"X-IDENTITY-HEADER": identity["IDENTITY_HEADER"]})
        with urllib.request.urlopen(request) as reply:
            self.token = json.loads(reply.read())["access_token"]

    def post(self, body: bytes, path: str = PATH, **headers: str) -> int:
        """The status; 0 for no answer."""
        sent = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        sent |= {"Authorization": f"Bearer {self.token}"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(self.endpoint.url + path, body, sent)
        try:
            with urllib.request.urlopen(request) as reply:
                return int(reply.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0


@pytest.fixture
def client() -> Iterator[Client]:
    with serve(Endpoint(random.Random(1))) as endpoint:
        yield Client(endpoint)


def packed(rows: Any) -> bytes:
    """A body."""
    return gzip.compress(json.dumps(rows).encode())


def test_a_good_post_is_taken(client: Client) -> None:
    """204, and each record counted by its id, under the life whose token it came with."""
    assert client.post(packed([row(0), row(1)])) == 204
    assert client.endpoint.posts == [Post(3, ("s1-000000", "s1-000001"), lost=False)]
    assert client.endpoint.problems == []


@pytest.mark.parametrize(
    ("body", "more"),
    [
        (packed([{**row(), "Body": "changed"}]), {}),
        (packed([{**row(), "More": 1}]), {}),
        (packed([{**row(), "TimeGenerated": "2026-01-01T00:00:00Z"}]), {}),
        (packed(row()), {}),
        (packed([]), {}),
        (json.dumps([row()]).encode(), {}),
        (gzip.compress(packed([row()])), {}),
        (packed([row()])[:-9], {}),
        (packed([{**row(), "Body": "x" * 1_000_000}]), {}),
        (packed([row()]), {"Authorization": "Bearer made-up"}),
        (packed([row()]), {"Content_Type": "text/plain"}),
        (packed([row()]), {"Content_Encoding": "identity"}),
        (packed([row()]), {"path": PATH.replace("Lines", "Other")}),
        (packed([row()]), {"path": PATH.replace("2023-01-01", "2021-11-01")}),
    ],
    ids=[
        "changed", "column", "time", "object", "empty", "plain", "twice", "cut", "large",
        "token", "type", "encoding", "stream", "version",
    ],
)  # fmt: skip
def test_whatever_breaks_a_rule_is_seen(client: Client, body: bytes, more: dict[str, str]) -> None:
    """It is not counted, and it is in `problems`."""
    assert client.post(body, **more) == 400
    assert client.endpoint.posts == []
    assert client.endpoint.problems


def test_faults_are_the_ones_that_were_drawn(client: Client) -> None:
    """Every kind comes; a post is counted exactly if its rows were taken, with a reply or without."""
    client.endpoint.rate = 1.0
    answers = Counter(client.post(packed([row(0), row(1)])) for _ in range(120))
    assert {500, 503, 429, 408, 401, 403, 404, 400, 413, 0, 204} == answers.keys()
    lost = sum(post.lost for post in client.endpoint.posts)
    assert 0 < lost < answers[0]
    assert len(client.endpoint.posts) == answers[204] + lost


def posts(*told: tuple[int, str, bool]) -> list[Post]:
    """(life, letters of ids, whether the reply was lost)."""
    return [Post(life, tuple(letters), lost) for life, letters, lost in told]


@pytest.mark.parametrize(
    ("told", "killed", "alive"),
    [
        (posts((1, "ab", False), (1, "cd", False)), {}, 0),
        (posts((1, "ab", False), (2, "ab", False)), {1: 1}, 0),
        (posts((1, "ab", False), (1, "cd", False), (2, "abcd", False)), {1: 2}, 0),
        (posts((1, "ab", False), (1, "ab", False)), {}, 1),
        (posts((1, "ab", True), (1, "ab", False)), {}, 0),
        (posts((1, "ab", True), (1, "ab", False), (2, "ab", False)), {1: 1}, 0),
        (posts((1, "ab", False), (2, "ab", False), (3, "ab", False)), {1: 1, 2: 1}, 0),
    ],
)
def test_repeats_are_told_apart(told: list[Post], killed: dict[int, int], alive: int) -> None:
    """What came again after a kill, within a life, and because a reply was lost."""
    assert _again(told) == (Counter(killed), alive)


def test_work_that_nobody_did_is_seen(azurite: Azurite, hosts: Nursery) -> None:
    """The verdict over a stage without any host: rows, bad records and ledger are missing, the messages are left."""
    with stage(azurite.connection_string, hosts, Endpoint(random.Random(1))) as there:
        inputs = Inputs(there, random.Random(3))
        for _ in range(8):
            inputs.drop()
            inputs.send()
        broken = judge(there, inputs.sources).broken
    assert set(broken) == {
        "no row is missing",
        "every bad record is in the dead letter",
        "read = accepted + filtered + dead-lettered, in the ledger",
        "no more audit rows are missing than there were kills",
        "every source has a row in the audit table",
        "nothing is left",
    }
