"""Worker processes that share one rule's limits: `python -m benchmarks.share [--workers N] [--seconds S]`.

Rule: each worker is a process of its own and has the app's own way out (flow, threads,
uploader, gate, limit: shared/upload); it knows of the others only by what the endpoint
answers, as instances of the app do. The endpoint enforces the limits of one rule, and
waits before each answer as a service far away does. Rows are made before the clock
starts, so that two cores are enough to reach the limits. Invariant: what the workers
count (posts, refusals, rows) is what the endpoint counted, or the run is an error.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from shared.errors import Throttled, Transient
from shared.model import Batch, Counts, Outcome, Position, Reject
from shared.upload.flow import Flow
from shared.upload.service import Service
from shared.upload.threads import Threads
from shared.upload.uploader import Uploader

from . import corridor
from .data import ROUTES, ndjson
from .small import call

STREAM = "Custom-Bench"
_MARGIN = 1.0
"""Seconds between the word to begin and the beginning."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A simulation."""

    workers: int = 4
    sources: int = 4
    """Sources that each worker has in work at once: CONCURRENT_BLOBS."""
    window: int = 16
    """Posts of a source in flight or not settled: UPLOAD_WINDOW."""
    seconds: float = 60.0
    """How long is measured, from when the last worker has begun."""
    stagger: float = 0.0
    """Seconds from one worker's beginning to the next one's."""
    post_bytes: int = 250_000
    """Raw bytes of a post."""
    delay: float = 0.1
    """Seconds that the endpoint waits before each answer."""
    limit_bytes: int = 400_000_000
    """Raw bytes that the rule takes in `minute`."""
    limit_requests: int = 12_000
    """Requests that the rule takes in `minute`."""
    minute: float = 20.0
    """Seconds of a minute of the rule: Azure's is 60."""
    retry_after: str = "on"
    """Whether 429 says how long to wait: on or off."""


@dataclass(slots=True)
class Tally:
    """What one worker counted."""

    accepted: int = 0
    """Posts, all of the run."""
    refused: int = 0
    """Posts that were answered with 429, all of the run."""
    other: int = 0
    """Posts with any other answer, or none."""
    rows: int = 0
    """Rows that were accepted, all of the run."""
    measured: int = 0
    """Raw bytes that were accepted in the measured time."""
    level: int = 0
    """Posts that the rule's gate allowed at once in the end."""
    cpu: float = 0.0
    """Seconds of processor."""


# -- a worker, in a process of its own ----------------------------------------------------------


class Watched(Service):
    """The app's own service, and a count of its answers."""

    def __init__(self, endpoint: str, tally: Tally) -> None:
        super().__init__(endpoint)
        self._tally, self._guard = tally, threading.Lock()

    def post(self, rule: str, stream: str, body: bytes) -> None:
        """Send as the app does."""
        answer = "other"
        try:
            super().post(rule, stream, body)
            answer = "accepted"
        except Throttled:
            answer = "refused"
            raise
        finally:
            with self._guard:
                setattr(self._tally, answer, getattr(self._tally, answer) + 1)


class Counted(Threads):
    """The app's own sender, and a count of what was accepted from one time to another."""

    def __init__(self, uploader: Uploader, service: Service, plan: Plan, tally: Tally, clock: Clock) -> None:
        super().__init__(uploader, service.gate(corridor.RULE), plan.window)
        self._tally, self._clock, self._guard = tally, clock, threading.Lock()

    def begin(self, batch: Batch) -> Future[Outcome]:
        """Send as the app does."""
        future = super().begin(batch)
        future.add_done_callback(self._count)
        return future

    def _count(self, future: Future[Outcome]) -> None:
        if future.exception() is None:
            outcome, now = future.result(), time.monotonic()
            with self._guard:
                self._tally.rows += outcome.accepted
                if self._clock.measure <= now <= self._clock.end:
                    self._tally.measured += outcome.batch.size


@dataclass(frozen=True, slots=True)
class Clock:
    """When a worker begins, is measured, and ends: the machine's monotonic seconds, the same in all processes."""

    begin: float
    measure: float
    end: float


class _NoLedger:
    """Checkpoints that cost nothing: the rule's limits are looked at, not the storage account."""

    beat_seconds = 20.0
    seekable = True

    def save(self, position: Position, counts: Counts) -> None:
        """Nothing."""

    def dead_letter(self, first: int, rejects: list[Reject]) -> None:
        """No record here is bad."""
        raise AssertionError(rejects)


def batches(size: int) -> Iterator[Batch]:
    """Posts of about `size` bytes without end: the same rows again and again."""
    texts = list(ndjson(8 * size, size))
    counts = [text.count(b"\n") for text in texts]
    place, sequence = Position(), 0
    while True:
        text, rows = texts[sequence % len(texts)], counts[sequence % len(texts)]
        end = Position(ordinal=place.ordinal + rows)
        ordinals = list(range(place.ordinal, end.ordinal))
        yield Batch(STREAM, sequence, [text], ordinals, len(text) + 1, place, end, 0, [])
        place, sequence = end, sequence + 1


def work(plan: Plan) -> Tally:
    """One worker: as many sources at once as the plan says, until its time is over."""
    import azure.identity
    import azure.monitor.ingestion  # noqa: F401 - the app imports them with its first post

    tally = Tally()
    service = Watched(os.environ["DATA_COLLECTION_ENDPOINT"], tally)
    made = [batches(plan.post_bytes) for _ in range(plan.sources)]
    for source in made:
        next(source)
    print("ready", flush=True)
    clock = Clock(**json.loads(sys.stdin.readline()))
    time.sleep(max(clock.begin - time.monotonic(), 0))
    threads = [threading.Thread(target=_source, args=(plan, service, s, tally, clock)) for s in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tally.level = service.gate(corridor.RULE).share()  # all have parted: the share is all of it
    tally.cpu = time.process_time()
    return tally


def _source(plan: Plan, service: Service, made: Iterator[Batch], tally: Tally, clock: Clock) -> None:
    uploader = Uploader(service, corridor.RULE, retry_seconds=300)
    with contextlib.closing(Counted(uploader, service, plan, tally, clock)) as sender:
        flow = Flow(sender, _NoLedger(), Position(), Counts(), plan.window)
        alarm = threading.Timer(clock.end - time.monotonic(), sender.stop)
        alarm.start()
        with contextlib.suppress(Transient):  # it was stopped while it waited for its turn
            while time.monotonic() < clock.end:
                flow.submit(next(made))
        flow.abandon()
        alarm.cancel()


# -- all of them --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Result:
    """What a simulation showed."""

    plan: Plan
    tallies: list[Tally]
    endpoint: Counter[str]
    """Posts by status, as the endpoint counted."""
    rows: int
    """Rows that it took."""

    @property
    def rate(self) -> float:
        """Accepted bytes a second, all workers together."""
        return sum(tally.measured for tally in self.tallies) / self.plan.seconds

    @property
    def ceiling(self) -> float:
        """Bytes a second that the rule takes."""
        return self.plan.limit_bytes / self.plan.minute

    def total(self, what: str) -> int:
        """A count of the workers', all together."""
        return sum(getattr(tally, what) for tally in self.tallies)

    def problems(self) -> list[str]:
        """Where the workers' counts and the endpoint's differ."""
        accepted, refused = self.endpoint["204"], self.endpoint["429"]
        its = {
            "accepted": accepted,
            "refused": refused,
            "other": self.endpoint.total() - accepted - refused,
            "rows": self.rows,
        }
        return [
            f"{what}: {self.total(what)} by the workers, {count} by the endpoint"
            for what, count in its.items()
            if self.total(what) != count
        ]


def jain(shares: Sequence[float]) -> float:
    """Jain's index of fairness: 1 where all have the same, 1/n where one has all."""
    squares = sum(share * share for share in shares)
    return sum(shares) ** 2 / (len(shares) * squares) if squares else 1.0


def simulate(plan: Plan) -> Result:
    """Run it.

    Raises:
        RuntimeError: a worker failed, or the counts do not add up.
    """
    limits = ["--limit-bytes", str(plan.limit_bytes), "--limit-requests", str(plan.limit_requests)]
    limits += ["--limit-minute", str(plan.minute), "--retry-after", plan.retry_after]
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        (folder / "routes.yaml").write_text(ROUTES)
        with corridor.endpoint(folder, *limits) as url:
            if plan.delay:
                call(url, "/local/faults", {"delay": plan.delay, "times": 100_000_000})
            tallies = _run(plan, url)
            metrics = [one for one in call(url, "/local/metrics") if one["InputStreamId"] == STREAM]
    seen = Counter[str]()
    for one in metrics:
        seen.update(one["ApiCallReceived_Count"])
    result = Result(plan, tallies, seen, sum(one["RowsReceived_Count"] for one in metrics))
    if result.problems():
        raise RuntimeError("; ".join(result.problems()))
    return result


def _run(plan: Plan, url: str) -> list[Tally]:
    command = [sys.executable, "-m", "benchmarks.share", "--here", json.dumps(asdict(plan))]
    environment = corridor.environment("", url, corridor.ROOT)
    processes = [
        subprocess.Popen(
            command,
            cwd=corridor.ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(plan.workers)
    ]
    try:
        for process in processes:
            _line(process)
        first = time.monotonic() + _MARGIN
        measure = first + plan.stagger * (plan.workers - 1)
        for number, process in enumerate(processes):
            clock = Clock(first + plan.stagger * number, measure, measure + plan.seconds)
            _stdin(process).write(json.dumps(asdict(clock)) + "\n")
            _stdin(process).flush()
        return [Tally(**json.loads(_line(process))) for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"a worker ended with {process.wait()}; its error stands above")
    return line


def _stdin(process: subprocess.Popen[str]) -> Any:
    return process.stdin


def table(result: Result) -> str:
    """For people and for docs/scaling.md."""
    plan, shares = result.plan, [tally.measured for tally in result.tallies]
    total = sum(shares) or 1
    minutes = (plan.seconds + plan.stagger * (plan.workers - 1)) / plan.minute
    lines = [
        "| worker | accepted, MB/s | share | posts accepted | 429 | at once in the end | processor, s |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {number} | {tally.measured / plan.seconds / 1e6:.2f} | {tally.measured / total:.1%} | {tally.accepted:,} "
        f"| {tally.refused:,} | {tally.level} | {tally.cpu:.1f} |"
        for number, tally in enumerate(result.tallies, 1)
    ]
    refused = result.total("refused")
    sent = refused + result.total("accepted") + result.total("other")
    lines += [
        f"| all | {result.rate / 1e6:.2f} | 100% | {result.total('accepted'):,} | {refused:,} "
        f"| {sum(tally.level for tally in result.tallies)} | {sum(tally.cpu for tally in result.tallies):.1f} |",
        "",
        f"Of the rule's {result.ceiling / 1e6:.1f} MB/s: {result.rate / result.ceiling:.1%}. "
        f"Jain's index {jain(shares):.4f}; the smallest share is {min(shares) / (max(shares) or 1):.1%} of the largest. "
        f"429: {refused / max(sent, 1):.2%} of all posts, {refused / plan.workers / minutes:.1f} a worker and minute of the rule.",
    ]
    return "\n".join(lines)


def main() -> None:
    """Simulate, or be one worker."""
    if sys.argv[1:2] == ["--here"]:
        print(json.dumps(asdict(work(Plan(**json.loads(sys.argv[2]))))))
        return
    parser = argparse.ArgumentParser(prog="python -m benchmarks.share", description=__doc__)
    for name, value in asdict(Plan()).items():
        parser.add_argument(
            f"--{name.replace('_', '-')}", type=type(value), default=value, help=f"default {value}"
        )
    print(table(simulate(Plan(**vars(parser.parse_args())))))


if __name__ == "__main__":
    main()
