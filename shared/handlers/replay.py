"""A document of the dead letter, taken again through its route as it is now.

Rule: the facts of the first time stay (source, version, ordinal); everything else is
as it is now. Invariants: a record leaves the document only once it is accepted or
filtered, and one that is rejected again stays, with its new reason; a document that
somebody else has changed meanwhile is not written over; whoever dies on the way
leaves the document as it was, so that some of its records may land twice, and none
is lost; what was done is written down in a trace, which holds no record's content.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from .. import again, audit, logs
from ..app import App
from ..errors import BadMessage, NotReady, SourceBusy, Transient
from ..ledger import hold
from ..ledger.deadletter import DOCUMENT, Line, document, line_of, parse, rejects_of, shared
from ..ledger.store import Conflict, Stored
from ..ledger.trace import Trace, ranges
from ..model import Counts, Position, Reject, SourceFacts
from ..pipeline import Limits, Run
from ..routes import Route
from ..sources.work import ReplayWork, backoff

logger = logs.logger("logferry.replay")

HOLDS = "replays/"


def take(app: App, work: ReplayWork) -> None:
    """Take a document again.

    Args:
        app: the app.
        work: which document, and who asked.

    Raises:
        ServiceUnavailable: storage does not answer; the message should come again.
    """
    try:
        held = hold.take(app.state, f"{HOLDS}{work.document}", app.settings.claim_seconds)
    except SourceBusy as busy:
        logger.info("%s; looking again later", busy)
        app.work.put(work, app.settings.claim_seconds / 2)
        return
    try:
        _take(app, work, held)
    finally:
        held.give_back()


def _take(app: App, work: ReplayWork, held: hold.Hold) -> None:
    store = app.dead_letter.store
    stored = store.read(work.document) if work.document.endswith(DOCUMENT) else None
    if stored is None:
        logger.info("%s is not in the dead letter, or not any more", work.document)
        return
    try:
        lines = parse(stored.document)
    except ValueError as error:
        logger.error("%s cannot be replayed: %s", work.document, error)  # noqa: TRY400 - it names the line
        return
    if lines and lines[0].whole:
        from . import replay_source  # noqa: PLC0415 - few documents are of a source as a whole

        replay_source.take(app, work, stored, lines[0])
    elif any(not work.reason or line.reason == work.reason for line in lines):
        _Replay(app, work, stored, lines, held).run()


class _Progress:
    """Signs of life; the rejects stay in the document, which is written when all is settled."""

    seekable = False

    def __init__(self, held: hold.Hold, beat_seconds: float) -> None:
        self.beat_seconds = beat_seconds
        self.rejects: list[Reject] = []
        self._held = held

    def save(self, position: Position, counts: Counts) -> None:
        """A sign of life. Raises ClaimLost, ServiceUnavailable."""
        del position, counts
        self._held.renew()

    def dead_letter(self, first: int, rejects: list[Reject]) -> None:
        """Keep rejects."""
        del first
        self.rejects += rejects


@dataclass(frozen=True, slots=True)
class _Result:
    """What became of the lines."""

    gone: list[int]
    """Ordinals of lines of which nothing is left."""
    back: list[tuple[Line, Reject]]
    """Rejected again."""
    left: list[tuple[Line, Reject]]
    """Not settled."""


class _Replay:
    """One document of records.

    Args:
        app: the app.
        work: which document, and who asked.
        stored: the document as it was read.
        lines: its lines.
        held: the right to do this.
    """

    def __init__(
        self, app: App, work: ReplayWork, stored: Stored, lines: list[Line], held: hold.Hold
    ) -> None:
        self._app = app
        self._work = work
        self._stored = stored
        pairs = list(zip(lines, rejects_of(lines), strict=True))
        # Others stay as they are.
        self._others = [pair for pair in pairs if work.reason and pair[0].reason != work.reason]
        self._pairs = [pair for pair in pairs if not work.reason or pair[0].reason == work.reason]
        self._lines = [line for line, _ in self._pairs]
        self._held = held
        self._began = time.monotonic()

    def run(self) -> None:
        """Take the records again, and write down what became of them. Raises ServiceUnavailable."""
        first = self._lines[0]
        try:
            route = route_of(self._app, first)
        except BadMessage as error:
            logger.error("%s: %s", self._work.document, error)  # noqa: TRY400 - it is the operator's to mend
            self._trace(None, _Result([], [], self._pairs), Counts(), "unrouted", str(error))
            return
        rejects = [reject for _, reject in self._pairs]
        progress = _Progress(self._held, self._app.settings.claim_seconds / 3)
        rooms, run = self._ship(route, rejects, first.facts, progress)
        result = self._sorted(rooms, run, progress.rejects)
        if run.error is None:
            self._write(result)
            self._trace(route, result, run.counts, "done" if run.finished else "continued", "")
            if not run.finished:
                self._app.work.put(self._work)
        else:
            self._defer(route, result, run.counts, run.error)

    def _ship(
        self, route: Route, rejects: Sequence[Reject], facts: SourceFacts, progress: _Progress
    ) -> tuple[again.Again, Run]:
        made: list[again.Again] = []

        def make(limits: Limits) -> again.Again:
            made.append(again.made(route, rejects, facts, limits))
            return made[0]

        deadline = self._began + self._app.budget
        run = self._app.corridor.run(
            route,
            facts,
            lambda _: iter(()),
            again.start(),
            progress,
            lambda: time.monotonic() > deadline,
            made=make,
        )
        return made[0], run

    def _sorted(self, rooms: again.Again, run: Run, found: Sequence[Reject]) -> _Result:
        """Which lines are gone, which came back and which are not settled."""
        settled = _settled(rooms, run, len(self._lines))
        gone, back = rooms.outcome(found, settled)
        return _Result(
            gone=[self._lines[index].ordinal or 0 for index in gone],
            back=[(_back(self._lines[index], reject), reject) for index, reject in back],
            left=self._pairs[settled:],
        )

    def _defer(self, route: Route, result: _Result, counts: Counts, error: Transient) -> None:
        """Azure was not ready: what is settled is settled, the rest stays, and is taken later."""
        since = self._work.since or time.time()
        waited = isinstance(error, NotReady) and time.time() - since >= self._app.settings.defer_seconds
        logger.log(
            logging.ERROR if isinstance(error, NotReady) else logging.WARNING,
            "%s: %s: %s",
            self._work.document,
            "given up; the records stay in the dead letter" if waited and self._work.since else "deferred",
            error,
        )
        self._write(result)
        if waited and self._work.since:
            self._trace(route, result, counts, "dead", str(error))
            return
        self._trace(route, result, counts, "deferred", str(error))
        delay = max(backoff(self._work.tries), error.retry_after or 0)
        later = msgspec.structs.replace(self._work, tries=self._work.tries + 1, since=since)
        self._app.work.put(later, delay)

    def _write(self, result: _Result) -> None:
        """Write the document as it is now, or remove it. Raises ServiceUnavailable."""
        if not result.gone and not result.back:
            return
        kept = [*result.back, *result.left, *self._others]
        kept.sort(key=lambda pair: pair[0].ordinal or 0)
        store, name = self._app.dead_letter.store, self._work.document
        try:
            if not kept:
                store.remove(name, self._stored.etag)
                return
            text, tags = document(shared([line for line, _ in kept], [reject for _, reject in kept]))
            store.replace(name, text, tags, self._stored.etag)
        except Conflict:
            latest = store.read(name)
            if latest is not None and (not kept or latest.document != text):
                logger.warning(
                    "%s was changed while it was replayed; it is left as it is, so that %d records which "
                    "landed may land again",
                    name,
                    len(result.gone),
                )

    def _trace(
        self, route: Route | None, result: _Result, counts: Counts, outcome: audit.Result, reason: str
    ) -> None:
        first = self._lines[0]
        trace = Trace(
            document=self._work.document,
            by=self._work.by,
            source=first.source,
            version=first.version,
            route=first.route,
            outcome=outcome,
            read=counts.read,
            accepted=counts.accepted,
            filtered=counts.filtered,
            dead_lettered=counts.dead_lettered,
            left=len(result.left),
            gone=ranges(result.gone),
            back=ranges([line.ordinal or 0 for line, _ in result.back]),
            reason=reason,
        )
        finish(self._app, trace, route.table if route else "", counts, self._began)


def _back(line: Line, reject: Reject) -> Line:
    """The new line of a record that was rejected again; since when it is here stays."""
    return line_of(line.facts, line.route, reject, line.time, line.tries + 1)


def _settled(rooms: again.Again, run: Run, lines: int) -> int:
    """How many lines, from the first on, are settled."""
    position = run.position.ordinal
    if position < len(rooms.owners):
        return rooms.owners[position]
    if run.finished:
        return lines
    # The last line that was read may have had more to give.
    return rooms.owners[-1] if rooms.owners else 0


def route_of(app: App, line: Line) -> Route:
    """The route that a line's records are taken with.

    Raises:
        BadMessage: there is none of that name.
    """
    if app.routes.audit is not None and line.route == app.routes.audit.name:
        return app.routes.audit
    route = app.corridor.route(line.route)
    return app.corridor.for_json(route, None) if line.kind == "message" else route


def finish(app: App, trace: Trace, table: str, counts: Counts, began: float) -> None:
    """Write the trace, and the audit row. Raises ServiceUnavailable."""
    trace.write(app.dead_letter.store)
    row = audit.Audit(
        kind="replay",
        source=trace.source,
        version=trace.version,
        route=trace.route,
        table=table,
        outcome=trace.outcome,
        ms=round((time.monotonic() - began) * 1000),
        reason=trace.reason,
    )
    audit.write(audit.with_counts(row, counts))
