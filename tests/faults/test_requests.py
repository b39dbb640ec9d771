"""What a source costs in requests to the storage account, which is most of what a small one costs."""

from __future__ import annotations

import pytest

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
