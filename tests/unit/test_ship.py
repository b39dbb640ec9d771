"""The corridor, where the rooms at its beginning are none that read bytes."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future

from shared import again
from shared.encode import Encoder
from shared.model import Batch, Counts, Outcome, Position, Reject, SourceFacts
from shared.pipeline import Limits, Rooms, ship
from shared.routes import loads
from shared.upload.flow import Flow

PATIENCE = 10.0
"""Seconds that nothing here takes."""

ROUTE = {
    "from": {"blobs": ["**"]},
    "format": "ndjson",
    "table": "Again_CL",
    "columns": {"Name": {"from": "a"}},
}


class Takes:
    """Takes all."""

    def begin(self, batch: Batch) -> Future[Outcome]:
        done: Future[Outcome] = Future()
        done.set_result(Outcome(batch, batch.rows, [], 1, 0, 10))
        return done

    def room(self) -> int:
        return 1

    def stop(self) -> None:
        pass


class Beats:
    """Says when there was a sign of life; one is always due."""

    beat_seconds = 0.0
    seekable = False

    def __init__(self) -> None:
        self.alive = threading.Event()

    def save(self, position: Position, counts: Counts) -> None:
        self.alive.set()

    def dead_letter(self, first: int, rejects: list[Reject]) -> None:
        raise AssertionError


class Waits(list[Reject]):
    """Gives the second only after a sign of life."""

    def __init__(self, rejects: list[Reject], alive: threading.Event) -> None:
        super().__init__(rejects)
        self.seen: list[bool] = []
        self._alive = alive

    def __iter__(self) -> Iterator[Reject]:
        for reject in super().__iter__():
            yield reject
            self.seen.append(self._alive.wait(PATIENCE))


def test_a_replay_shows_signs_of_life() -> None:
    """No bytes of the source are read and nothing is sent for long: the right to the document is renewed all the same."""
    route = loads(json.dumps({"routes": {"again": ROUTE}})).by_name["again"]
    facts = SourceFacts("blob", "drop/a", "0x1", time.time(), time.time())
    beats = Beats()
    rejects = Waits([Reject(n, 0, 1, "BadValue", "", b'{"a":"b"}') for n in range(2)], beats.alive)
    rooms = Rooms(
        front=again.made(route, rejects, facts, Limits()),
        encoder=Encoder(route.stream, Position()),
        flow=Flow(Takes(), beats, Position(), Counts(), 4),
        progress=beats,
        received=facts.received,
    )
    run = ship((), rooms, Position(), lambda: False)
    assert (run.finished, run.counts.accepted) == (True, 2)
    assert rejects.seen[0]
