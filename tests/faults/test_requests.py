"""What a source costs in requests to the storage account, which is most of what a small one costs."""

from __future__ import annotations

from collections import Counter

import pytest

from benchmarks.requests_of import Requests, Sizes, of_file

from .conftest import Faulty
from .rig import NAME, Source, dropped, mixed, sound


def _asked(faulty: Faulty) -> list[str]:
    app, account = faulty
    account.asked.clear()
    app.take(NAME)
    path = f"{app.environ['DROP_CONTAINER']}/{NAME}"
    return [line.replace(path, "NAME").partition("/devstoreaccount1/")[::2] for line in account.asked]  # type: ignore[misc]


@pytest.mark.parametrize("count", [0, 1, 10])
def test_a_small_blob_takes_three_requests(faulty: Faulty, count: int) -> None:
    """One brings its bytes with what it is, one takes it, one says that it is done; an empty one has no bytes to bring."""
    source = dropped(faulty.app, mixed(count, bad=False) if count else Source())
    asked = _asked(faulty)
    state = f"{faulty.app.environ['STATE_CONTAINER']}/blobs/NAME"
    looks = [("GET ", "NAME")] if count else [("GET ", "NAME"), ("HEAD ", "NAME")]
    assert [one for one in asked if one[1] == "NAME"] == looks
    assert [one for one in asked if one[1] != "NAME"] == [("PUT ", state)] * 2
    if count:
        sound(faulty.app, source)


def test_the_same_event_again_reads_and_writes_nothing_more(faulty: Faulty) -> None:
    """It is looked at, found to be done, and left."""
    dropped(faulty.app, mixed(10, bad=False))
    faulty.app.take(NAME)
    again = _asked(faulty)
    assert [method for method, _ in again] == ["GET ", "PUT ", "GET "]


SIZES = Sizes(read=65_536, part=150_000, batch=20_000, window=4)
SETTINGS = {"READ_BYTES": "65536", "PART_BYTES": "150000", "BATCH_BYTES": "20000", "UPLOAD_WINDOW": "4"}
"""The same as the app is told."""


def _counted(faulty: Faulty) -> Requests:
    """What was asked of the account, as the arithmetic counts; the host's own part of a queue left out."""
    methods = Counter[str]()
    for line in faulty.account.asked:
        method, _, path = line.partition(" ")
        lists = path.count("/") == 2  # /account/container, and no blob
        methods["LIST" if lists else "QUEUE" if path.endswith("/messages") else method] += 1
    return Requests(methods["GET"], methods["PUT"], methods["LIST"], methods["HEAD"], methods["QUEUE"], 0)


def _is_as_reckoned(found: Requests, reckoned: Requests, checkpoints: int, messages: int) -> None:
    exact = reckoned._replace(writes=found.writes, queue=messages, executions=0)
    assert found == exact
    assert reckoned.writes - checkpoints <= found.writes <= reckoned.writes


@pytest.mark.parametrize("count", [800, 2000])
def test_a_larger_blob_takes_what_the_arithmetic_says(faulty: Faulty, count: int) -> None:
    """A look, a read for each range, two entries, and no more checkpoints than it is reckoned with (docs/scaling.md)."""
    faulty.app.again(**{**SETTINGS, "PART_BYTES": "100000000"})
    source = dropped(faulty.app, mixed(count, bad=False))
    faulty.account.asked.clear()
    faulty.app.take(NAME)
    size = len(source.content)
    reckoned = of_file(size, size, SIZES, cut=False)
    _is_as_reckoned(_counted(faulty), reckoned, -(-size // SIZES.batch), 0)
    sound(faulty.app, source)


def test_a_blob_in_parts_takes_what_the_arithmetic_says(faulty: Faulty) -> None:
    """Cutting it, each part by itself, and closing it (docs/scaling.md)."""
    faulty.app.again(**SETTINGS)
    source = dropped(faulty.app, mixed(6000, bad=False))
    size = len(source.content)
    assert size > 2 * SIZES.part
    faulty.account.asked.clear()
    faulty.app.take(NAME)
    first = _counted(faulty)
    work = faulty.app.queued()
    faulty.account.asked.clear()
    for one in work:
        faulty.app.work(one)
    assert len(work) == round(size / SIZES.part) > 2
    found = first.plus(_counted(faulty))
    _is_as_reckoned(found, of_file(size, size, SIZES), -(-size // SIZES.batch), len(work))
    sound(faulty.app, source)
