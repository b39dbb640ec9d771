"""More workers on one rule than a machine has cores for, in virtual time: `python -m benchmarks.crowd [--workers N ...]`.

Rule: each worker has the app's own limit (upload/limit.py) and keeps the pause that an
answer names, as the app's gate does; the rule is the throttle of local Azure Monitor,
by the same clock. Every worker always has a post ready. Round trips differ by a fifth
at random. Invariant: the same arguments give the same figures. What posts cost in
processor and network is left out; `benchmarks.share` has that.
"""

from __future__ import annotations

import argparse
import heapq
import random
from collections.abc import Sequence
from dataclasses import dataclass

from local.azure_monitor.throttle import BYTES_PER_MINUTE, MINUTE, Throttle
from shared.upload.gate import MOST
from shared.upload.limit import Limit, Ticket

from .share import jain

POST = 1_000_000
"""Raw bytes of a post."""
_APART = 10.0
"""Workers begin within so many seconds."""
_BEFORE = 5
"""Minutes of the rule that are not measured: in the first one, whoever is first takes most."""


@dataclass(slots=True)
class Worker:
    """One process, as far as the rule sees it."""

    limit: Limit
    opens: float = 0.0
    """Virtual seconds at which the pause is over."""
    accepted: int = 0
    """Posts."""
    refused: int = 0
    """Posts that were answered with 429."""


class Crowd:
    """Workers that share one rule.

    Args:
        workers: how many.
        round_trip: seconds from a post to its answer.
        seed: for what is at random.
    """

    def __init__(self, workers: int, round_trip: float, seed: int = 7) -> None:
        self.now = 0.0
        self.workers = [Worker(Limit(MOST)) for _ in range(workers)]
        self._throttle = Throttle(lambda: self.now)
        self._round_trip = round_trip
        self._dice = random.Random(seed)
        self._events: list[tuple[float, int, int, Ticket | None]] = []
        self._count = 0
        for number in range(workers):
            self._later(self._dice.uniform(0, _APART), number)

    def run(self, minutes: int) -> None:
        """Go on for so many minutes of the rule."""
        end = self.now + minutes * MINUTE
        while self._events[0][0] < end:
            self.now, _, number, ticket = heapq.heappop(self._events)
            if ticket is not None:
                self._answer(number, ticket)
            self._send(number)
        self.now = end

    def forget(self) -> None:
        """Count anew."""
        for worker in self.workers:
            worker.accepted = worker.refused = 0

    def _later(self, seconds: float, number: int, ticket: Ticket | None = None) -> None:
        self._count += 1
        heapq.heappush(self._events, (self.now + seconds, self._count, number, ticket))

    def _send(self, number: int) -> None:
        worker = self.workers[number]
        while self.now >= worker.opens and worker.limit.flying < worker.limit.level:
            ticket = worker.limit.begin(self.now)
            self._later(self._round_trip * self._dice.uniform(0.8, 1.2), number, ticket)

    def _answer(self, number: int, ticket: Ticket) -> None:
        worker = self.workers[number]
        refusal = self._throttle.take("rule", POST)
        worker.limit.end(ticket, self.now, "trouble" if refusal else "accepted", POST)
        if refusal is None:
            worker.accepted += 1
            return
        worker.refused += 1
        pause = float(refusal.headers["Retry-After"])
        if self.now + pause > worker.opens:
            worker.opens = self.now + pause
            self._later(pause, number)


@dataclass(frozen=True, slots=True)
class Figures:
    """What a crowd showed."""

    workers: int
    used: float
    """Share of what the rule takes."""
    refused: float
    """Share of all posts that were answered with 429."""
    a_minute: float
    """429 a worker and minute."""
    fairness: float
    """Jain's index."""
    least: float
    """The smallest share for the largest."""


def measure(workers: int, round_trip: float, minutes: int) -> Figures:
    """Let a crowd run."""
    crowd = Crowd(workers, round_trip)
    crowd.run(_BEFORE)
    crowd.forget()
    crowd.run(minutes)
    shares = [worker.accepted for worker in crowd.workers]
    refused, accepted = sum(worker.refused for worker in crowd.workers), sum(shares)
    return Figures(
        workers,
        used=accepted / (BYTES_PER_MINUTE // POST * minutes),
        refused=refused / (accepted + refused),
        a_minute=refused / workers / minutes,
        fairness=jain(shares),
        least=min(shares) / max(shares),
    )


def table(found: Sequence[Figures]) -> str:
    """For people and for docs/scaling.md."""
    lines = [
        "| workers | of what the rule takes | 429, of all posts | 429 a worker and minute | Jain's index | smallest share of the largest |",
        "| ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {f.workers} | {f.used:.1%} | {f.refused:.1%} | {f.a_minute:.1f} | {f.fairness:.3f} | {f.least:.0%} |"
        for f in found
    ]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Let each crowd run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.crowd", description=__doc__)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4, 10, 40])
    parser.add_argument("--round-trip", type=float, default=0.1, help="seconds (default 0.1)")
    parser.add_argument("--minutes", type=int, default=30, help="minutes of the rule (default 30)")
    given = parser.parse_args(arguments)
    print(table([measure(count, given.round_trip, given.minutes) for count in given.workers]))


if __name__ == "__main__":
    main()
