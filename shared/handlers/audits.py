"""The audit table: a row for every source that came to its end, where routes.yaml asks for it.

Rule: rows go through the corridor like anybody's, but with one try: whoever is done is
not held up. What Azure does not take at once is put aside, as a deferred message is, and
goes out later. Invariants: a row never fails the source that it is about; there are no
audit rows about audit rows. At least once: the row goes out before the ledger, or the
queue, says that the source is over, and a repeat has the same RowId.
"""

from __future__ import annotations

import hashlib
import logging
import time
from typing import Any

import msgspec

from .. import logs
from ..app import App
from ..audit import ENDS, Audit, when, with_counts
from ..errors import NotReady, ServiceUnavailable, Transient
from ..model import Counts, Position, Reject, SourceFacts
from ..pipeline import Start
from ..routes import Route
from ..sources.work import HeldWork, backoff

logger = logs.logger("logferry.audits")

HELD = "audit/"
"""What ids of held rows begin with; a queue's own ids are GUIDs. Below held/ in the state container."""
_PLACE = f"held/{HELD}"


class HeldRow(msgspec.Struct):
    """A row that Azure did not take at once."""

    id: str
    row: msgspec.Raw
    since: float
    """Epoch seconds: when it was first put aside."""
    tries: int = 1


_decoder = msgspec.json.Decoder(HeldRow)
"""Made by the import, as in ledger/entry.py."""


class _Progress:
    """A row has no checkpoints. One that Azure refuses by itself is kept, with the reason."""

    beat_seconds = 3_600.0
    seekable = False

    def __init__(self, app: App, facts: SourceFacts, route: Route) -> None:
        self._app = app
        self._facts = facts
        self._route = route.name

    def save(self, position: Position, counts: Counts) -> None:
        """Nothing to write."""

    def dead_letter(self, first: int, rejects: list[Reject]) -> None:
        """Write rejects. Raises ServiceUnavailable."""
        logger.error("audit row %s: refused: %s", self._facts.name, rejects[0].detail)
        self._app.dead_letter.records(self._facts, self._route, first, rejects)


def wanted(app: App, row: Audit) -> bool:
    """Whether a row goes to the table: of an end, and of a source as a whole."""
    return app.routes.audit is not None and row.outcome in ENDS and row.kind != "part"


def post(app: App, row: Audit, before: Counts | None = None) -> None:
    """Send a row to the table, if it is wanted there. Raises nothing.

    Args:
        app: the app.
        row: what became of a source.
        before: what earlier rows of the same source have counted, so that rows can be summed.
    """
    route = app.routes.audit
    if route is None or not wanted(app, row):
        return
    try:
        line = _line(row, before)
        held = HeldRow(line["row_id"], msgspec.Raw(msgspec.json.encode(line)), app.state.now(), tries=0)
        error = _send(app, route, held)
        if error is not None:
            _put_aside(app, held, error)
    except ServiceUnavailable as lost:
        logger.error("%s: its audit row is in the log only: %s", row.source, lost)  # noqa: TRY400
    except Exception as error:
        logs.failed(logger, "%s: its audit row is in the log only", error, row.source)


def take_held(app: App, held_id: str) -> None:
    """Send a row that was put aside. Raises ServiceUnavailable."""
    name = f"held/{held_id}"
    stored = app.state.read(name)
    if stored is None:
        logger.info("the held audit row %s is sent already", held_id)
        return
    held = _decoder.decode(stored.document)
    error = _settled(app, held)
    if error is not None:
        _put_aside(app, held, error)
    else:
        app.state.remove(name)


def again(app: App, held_id: str, row: bytes) -> None:
    """Have a row of the dead letter sent once more. Raises ServiceUnavailable."""
    held = HeldRow(held_id, msgspec.Raw(row), time.time())
    app.state.put(_PLACE + held.id, msgspec.json.encode(held), {"state": "held"})
    app.work.put(HeldWork(HELD + held.id))


def _settled(app: App, held: HeldRow) -> Transient | None:
    """None where the row is over: in its table, or in the dead letter."""
    route = app.routes.audit
    if route is None:
        logger.warning("audit row %s: routes.yaml asks for none any more; dropped", held.id)
        return None
    error = _send(app, route, held)
    waited = max(app.state.now() - held.since, 0.0)  # the service's clock has whole seconds
    if isinstance(error, NotReady) and waited >= app.settings.defer_seconds:
        logger.error("audit row %s: dead-lettered: %s", held.id, error)
        app.dead_letter.source(_facts(held), route.name, "NotReady", str(error), bytes(held.row))
        return None
    return error


def _send(app: App, route: Route, held: HeldRow) -> Transient | None:
    """Why it was not taken, or None."""
    facts = _facts(held)
    return app.corridor.run(
        route,
        facts,
        lambda _offset: iter([bytes(held.row)]),
        Start(Position(), Counts(), seekable=False),
        _Progress(app, facts, route),
        lambda: False,
        small=True,
        retry_seconds=0,
    ).error


def _facts(held: HeldRow) -> SourceFacts:
    return SourceFacts("audit", held.id, held.id, held.since, held.since)


def _put_aside(app: App, held: HeldRow, error: Transient) -> None:
    level = logging.ERROR if isinstance(error, NotReady) else logging.WARNING
    delay = max(backoff(held.tries), error.retry_after or 0)
    logger.log(level, "audit row %s: deferred for %.0f s: %s", held.id, delay, error)
    again = msgspec.structs.replace(held, tries=held.tries + 1)
    app.state.put(_PLACE + held.id, msgspec.json.encode(again), {"state": "held"})
    app.work.put(HeldWork(HELD + held.id), delay)


def _line(row: Audit, before: Counts | None) -> dict[str, Any]:
    """The row as a record of the audit route: the counts since the source's last row."""
    counted = Counts(**{name: getattr(row, name) for name in Counts.__struct_fields__})
    if before is not None:
        row = with_counts(row, counted.since(before))
    ended = when(time.time())
    # Of what is gone nothing is known that would tell two events apart.
    version = row.version or ended
    key = f"{row.source}\n{version}\n{row.route}\n{row.outcome}\n{counted.read}\n{row.read}"
    row_id = hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:32]
    return {**msgspec.structs.asdict(row), "ended": ended, "row_id": row_id}
