"""A claimed blob, or a claimed part of one: shipped, and written down how far it came.

Rule: what is to be read, and what to do in the end, is said in a Job; the rest is
the same for all. Invariants: whoever stops short leaves a checkpoint and a work
message; a source that keeps killing its worker, or keeps failing in a way that
nobody expected, ends in the dead letter.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .. import audit, logs
from ..app import App
from ..errors import ClaimLost, NotReady, SourceChanged, Transient, place_of, untold
from ..ledger.claims import Claim
from ..ledger.entry import Marks, State
from ..model import Counts, Position, Reject, SourceFacts
from ..pipeline import Run, Start
from ..routes import Route
from ..sources.work import Work, backoff
from . import audits

logger = logs.logger("logferry.blob")

MAX_CRASHES = 5


@dataclass(frozen=True, slots=True)
class Job:
    """What there is to do on a claimed source."""

    label: str
    """What it is called in logs and audit rows: container/path, and which part of it."""
    facts: SourceFacts
    work: Work
    """The message that has somebody go on with it."""
    read: Callable[[int], Iterator[bytes]]
    """Its bytes from an offset on."""
    marks: Callable[[Marks], Marks]
    """What has been read, from what had been read before."""
    final: bool
    """Whether its last record ends where its bytes do."""
    dead: Callable[[str, str], None]
    """Writes the whole of it to the dead letter: reason and detail."""
    ended: Callable[[State], None] = lambda _: None
    """Told when it is done or dead, after that is written down."""
    kind: str = "blob"
    lines: bool = True
    """Whether line numbers mean anything."""
    small: bool = False
    """Whether its rows should share posts with those of others."""


class Progress:
    """Checkpoints of one claim, and the dead letter of its source."""

    def __init__(self, app: App, claim: Claim, job: Job, route: str) -> None:
        self.beat_seconds = app.settings.claim_seconds / 3
        self.seekable = claim.entry.seekable
        self._claim = claim
        self._dead_letter = app.dead_letter
        self._job = job
        self._route = route
        self._before = claim.entry.marks

    @property
    def marks(self) -> Marks:
        """What all runs over the source have read."""
        return self._job.marks(self._before)

    def save(self, position: Position, counts: Counts) -> None:
        """Write a checkpoint. Raises ClaimLost, ServiceUnavailable."""
        self._claim.save(position, counts, seekable=self.seekable, marks=self.marks)

    def dead_letter(self, first: int, rejects: list[Reject]) -> None:
        """Write rejects. Raises ServiceUnavailable."""
        if not self._job.lines:
            from dataclasses import replace  # noqa: PLC0415 - seldom needed

            rejects = [replace(reject, line=None) for reject in rejects]
        self._dead_letter.records(self._job.facts, self._route, first, rejects)


class Taken:
    """A claimed source.

    Args:
        app: the app.
        claim: on it.
        job: what there is to do.
        began: `time.monotonic()` when this invocation began.
    """

    def __init__(self, app: App, claim: Claim, job: Job, began: float) -> None:
        self._app = app
        self._claim = claim
        self._job = job
        self._began = began
        self._table = ""

    def unrouted(self) -> None:
        """No route takes it."""
        logger.warning("%s: no route takes it; add its path to a route in routes.yaml", self._job.label)
        self.end("unrouted", "unrouted", "no route takes this path")

    def go_on(self, route: Route) -> None:
        """Ship what is left, and write down what became of it."""
        self._table = route.table
        entry = self._claim.entry
        if entry.crashes >= MAX_CRASHES:
            detail = f"{entry.failure}; the log has it" if entry.failure else "nothing else is known of why"
            self._die(
                "UnexpectedError" if entry.failure else "WorkerDied",
                f"{MAX_CRASHES} invocations in a row ended on it without getting any further: {detail}",
            )
            return
        progress = Progress(self._app, self._claim, self._job, route.name)
        try:
            run = self._ship(route, progress)
        except Exception as error:
            self._failed(error)
            raise untold(error) from None
        self._settle(run, progress)

    def _ship(self, route: Route, progress: Progress) -> Run:
        entry = self._claim.entry
        start = Start(entry.position, entry.counts, entry.seekable, final=self._job.final)
        deadline = self._began + self._app.budget
        return self._app.corridor.run(
            route,
            self._job.facts,
            self._job.read,
            start,
            progress,
            lambda: time.monotonic() > deadline,
            small=self._job.small,
        )

    def _failed(self, error: Exception) -> None:
        """A bug: the host tries again, and so does whoever comes later; but not for ever."""
        entry = self._claim.entry
        entry.crashes += 1
        entry.failure = place_of(error)
        self._claim.finish("deferred", f"an error that nobody expected: {entry.failure}; the log has it")

    def _settle(self, run: Run, progress: Progress) -> None:
        entry = self._claim.entry
        if run.position.ordinal > entry.position.ordinal:
            entry.deferred_since, entry.crashes, entry.failure = 0.0, 0, ""
        entry.position, entry.counts = run.position, run.counts
        entry.seekable, entry.marks = progress.seekable, progress.marks
        try:
            self._close(run)
        except ClaimLost as lost:
            self._leave(lost)

    def _close(self, run: Run) -> None:
        if run.waiting:
            delay = self._app.settings.settle_seconds
            self._later("growing", f"its last record is not ended; taken as it is after {delay} s", delay)
        elif run.finished:
            self.end("done", "done", "")
        elif run.error is None:
            self._later("continued", "out of time", 0)
        elif isinstance(run.error, SourceChanged):
            self._later("changed", str(run.error), 0)
        elif isinstance(run.error, ClaimLost):
            self._leave(run.error)
        elif isinstance(run.error, NotReady) and self._waited_enough():
            self._die("NotReady", str(run.error))
        else:
            self._defer(run.error)

    def _leave(self, lost: ClaimLost) -> None:
        """Another worker goes on; should it be gone too, somebody looks again once its claim is stale."""
        logger.warning("%s", lost)
        self._app.work.put(self._job.work, self._app.settings.claim_seconds)

    def _waited_enough(self) -> bool:
        since = self._claim.entry.deferred_since
        waited = max(self._app.state.now() - since, 0.0)  # the service's clock has whole seconds
        return bool(since) and waited >= self._app.settings.defer_seconds

    def _defer(self, error: Transient) -> None:
        delay = max(backoff(self._claim.entry.attempts), error.retry_after or 0)
        logger.warning("%s: deferred for %.0f s: %s", self._job.label, delay, error)
        self._later("deferred", str(error), delay)

    def _later(self, outcome: audit.Result, reason: str, delay: float) -> None:
        if outcome != "deferred":
            self._claim.entry.deferred_since = 0.0
        self.end("deferred", outcome, reason)
        self._app.work.put(self._job.work, delay)

    def _die(self, reason: str, detail: str) -> None:
        logger.error("%s: dead-lettered: %s", self._job.label, detail)
        self._job.dead(reason, detail)
        self.end("dead", "dead", detail)

    def end(self, state: State, outcome: audit.Result, reason: str) -> None:
        """Write the last entry of this run, and its audit row. Raises ClaimLost, ServiceUnavailable.

        The audit table comes first, if there is one: a crash in between repeats a row and loses none.
        """
        entry = self._claim.entry
        row = audit.with_counts(self._row(outcome, reason), entry.counts)
        if audits.wanted(self._app, row):
            if entry.position != self._claim.saved:  # what the row counts must not be sent again
                self._claim.save(entry.position, entry.counts, seekable=entry.seekable)
            audits.post(self._app, row, entry.audited)
            entry.audited = entry.counts
        self._claim.finish(state, reason)
        audit.write(row)
        if state in {"done", "dead"}:
            self._job.ended(state)

    def _row(self, outcome: audit.Result, reason: str) -> audit.Audit:
        entry = self._claim.entry
        return audit.Audit(
            kind=self._job.kind,
            source=self._job.label,
            version=entry.version,
            route=entry.route,
            table=self._table,
            outcome=outcome,
            ms=round((time.monotonic() - self._began) * 1000),
            reason=reason,
            modified=audit.when(self._job.facts.modified),
            size=entry.size,
        )
