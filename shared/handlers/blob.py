"""A blob: claim it, ship it, and write down how far it came.

Invariants: the same version of a blob lands once, however often it is announced;
whoever stops short leaves a checkpoint and a work message; a source that keeps
killing its worker ends in the dead letter.
"""

from __future__ import annotations

import logging
import time

from .. import audit
from ..app import App
from ..errors import ClaimLost, NotReady, SourceBusy, SourceChanged, Transient
from ..ledger.claims import Claim
from ..ledger.entry import Entry, State
from ..model import Counts, Position, Reject, SourceFacts
from ..pipeline import Run, Start
from ..routes import Route
from ..sources.blob import BlobSource, open_blob
from ..sources.work import BlobWork, backoff

logger = logging.getLogger("logferry.blob")

MAX_CRASHES = 5


class BlobProgress:
    """Checkpoints of one claim, and the dead letter of its source."""

    def __init__(self, app: App, claim: Claim, facts: SourceFacts, route: str) -> None:
        self.beat_seconds = app.settings.claim_seconds / 3
        self.seekable = claim.entry.seekable
        self._claim = claim
        self._dead_letter = app.dead_letter
        self._facts = facts
        self._route = route

    def save(self, position: Position, counts: Counts) -> None:
        """Write a checkpoint. Raises ClaimLost, ServiceUnavailable."""
        self._claim.save(position, counts, seekable=self.seekable)

    def dead_letter(self, first: int, rejects: list[Reject]) -> None:
        """Write rejects. Raises ServiceUnavailable."""
        self._dead_letter.records(self._facts, self._route, first, rejects)


def take(app: App, container: str, name: str, route_name: str | None = None) -> None:
    """Take a blob as it is now.

    Args:
        app: the app.
        container: its container.
        name: its path in the container.
        route_name: the route to use, if not the first whose patterns match.

    Raises:
        ServiceUnavailable: storage does not answer; the event should come again.
        BadMessage: there is no route of that name.
    """
    work = BlobWork(container, name, route_name)
    source = open_blob(app.storage.blobs.get_blob_client(container, name), app.settings.read_bytes)
    if source is None:
        _audit_gone(f"{container}/{name}")
        return
    route = app.corridor.route(route_name) if route_name else app.routes.for_blob(name)
    try:
        with app.room_for(source.size) as there_is_room:
            if there_is_room:
                _claim_and_go_on(app, source, route, work)
            else:
                _look_again(app, work, f"{source.name}: other blobs are in work (CONCURRENT_BLOBS)")
    except SourceBusy as busy:
        _look_again(app, work, str(busy))


def _look_again(app: App, work: BlobWork, why: str) -> None:
    logger.info("%s; looking again later", why)
    app.work.put(work, delay=app.settings.claim_seconds / 2)


def _claim_and_go_on(app: App, source: BlobSource, route: Route | None, work: BlobWork) -> None:
    began = time.monotonic()
    claim = app.ledger.claim(_fresh(source, route), grows=source.grows)
    if claim is None:
        logger.info("%s is done already", source.name)
        return
    _Taken(app, source, claim, work, began).go_on(route)


def _fresh(source: BlobSource, route: Route | None) -> Entry:
    return Entry(
        source=source.name,
        version=source.version,
        size=source.size,
        route=route.name if route else "",
        state="running",
        received=time.time(),
    )


class _Taken:
    """A claimed blob."""

    def __init__(self, app: App, source: BlobSource, claim: Claim, work: BlobWork, began: float) -> None:
        self._app = app
        self._source = source
        self._claim = claim
        self._work = work
        self._began = began
        entry = claim.entry
        self._facts = SourceFacts("blob", source.name, source.version, source.modified, entry.received)
        self._table = ""

    def go_on(self, route: Route | None) -> None:
        """Ship what is left, and write down what became of it."""
        if route is None:
            logger.warning("%s: no route takes it; add its path to a route in routes.yaml", self._source.name)
            self._end("unrouted", "unrouted", "no route takes this path")
            return
        self._table = route.table
        if self._claim.entry.crashes >= MAX_CRASHES:
            self._die("WorkerDied", f"{MAX_CRASHES} workers died on it")
            return
        try:
            run = self._ship(route)
        except Exception:
            self._claim.finish("deferred", "an unexpected error; see the log")
            raise
        self._settle(run)

    def _ship(self, route: Route) -> Run:
        entry = self._claim.entry
        progress = BlobProgress(self._app, self._claim, self._facts, route.name)
        start = Start(entry.position, entry.counts, entry.seekable)
        deadline = self._began + self._app.budget
        return self._app.corridor.run(
            route, self._facts, self._source.chunks, start, progress, lambda: time.monotonic() > deadline
        )

    def _settle(self, run: Run) -> None:
        entry = self._claim.entry
        if run.position.ordinal > entry.position.ordinal:
            entry.deferred_since = 0.0
        entry.position, entry.counts = run.position, run.counts
        try:
            self._close(run)
        except ClaimLost as lost:
            self._leave(lost)

    def _close(self, run: Run) -> None:
        if run.finished:
            self._end("done", "done", "")
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
        self._app.work.put(self._work, self._app.settings.claim_seconds)

    def _waited_enough(self) -> bool:
        since = self._claim.entry.deferred_since
        waited = max(self._app.state.now() - since, 0.0)  # the service's clock has whole seconds
        return bool(since) and waited >= self._app.settings.defer_seconds

    def _defer(self, error: Transient) -> None:
        level = logging.ERROR if isinstance(error, NotReady) else logging.WARNING
        delay = max(backoff(self._claim.entry.attempts), error.retry_after or 0)
        logger.log(level, "%s: deferred for %.0f s: %s", self._source.name, delay, error)
        self._later("deferred", str(error), delay)

    def _later(self, outcome: audit.Result, reason: str, delay: float) -> None:
        if outcome != "deferred":
            self._claim.entry.deferred_since = 0.0
        self._end("deferred", outcome, reason)
        self._app.work.put(self._work, delay)

    def _die(self, reason: str, detail: str) -> None:
        logger.error("%s: dead-lettered: %s", self._source.name, detail)
        self._app.dead_letter.source(self._facts, self._claim.entry.route, reason, detail)
        self._end("dead", "dead", detail)

    def _end(self, state: State, outcome: audit.Result, reason: str) -> None:
        entry = self._claim.entry
        self._claim.finish(state, reason)
        row = audit.Audit(
            kind="blob",
            source=entry.source,
            version=entry.version,
            route=entry.route,
            table=self._table,
            outcome=outcome,
            ms=round((time.monotonic() - self._began) * 1000),
            reason=reason,
        )
        audit.write(audit.with_counts(row, entry.counts))


def _audit_gone(name: str) -> None:
    row = audit.Audit(
        kind="blob",
        source=name,
        version="",
        route="",
        table="",
        outcome="gone",
        reason="there is no such blob",
    )
    audit.write(row)
