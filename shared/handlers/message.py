"""A queue message: records to ship, or blobs to take.

Invariants: a message that can be none of the accepted forms is in the dead letter
with its text and its reason; one that Azure is not ready for is put aside, whole,
before the queue forgets it, and from then on lands from there alone, by one worker
at a time.
"""

from __future__ import annotations

import base64
import binascii
import time
from contextlib import suppress

import msgspec

from .. import audit, logs
from ..app import App
from ..errors import NotReady, Permanent, ServiceUnavailable, Transient, Unrouted
from ..ledger.store import Conflict, Stored
from ..model import Counts, Position, Reject, SourceFacts
from ..pipeline import Run, Start
from ..routes import Route
from ..sources.message import Records, asked
from ..sources.work import HeldWork, backoff
from . import audits, blob
from .lasttry import bury, last_try
from .taken import MAX_CRASHES

logger = logs.logger("logferry.message")

HELD = "held/"


class Held(msgspec.Struct):
    """A message that was put aside."""

    id: str
    text: str
    inserted: float
    since: float
    """Epoch seconds by the service's clock: when it was first put aside."""
    tries: int = 1
    taken: bool = False
    """Whether a worker is on it, or was when it died."""
    crashes: int = 0
    """How many workers in a row died on it."""


_decoder = msgspec.json.Decoder(Held)
"""Made by the import, as in ledger/entry.py."""


class MessageProgress:
    """A message has no checkpoints: the queue keeps it until it is settled."""

    beat_seconds = 3_600.0
    seekable = False

    def __init__(self, app: App, facts: SourceFacts, route: str) -> None:
        self._dead_letter = app.dead_letter
        self._facts = facts
        self._route = route

    def save(self, position: Position, counts: Counts) -> None:
        """Nothing to write."""

    def dead_letter(self, first: int, rejects: list[Reject]) -> None:
        """Write rejects. Raises ServiceUnavailable."""
        self._dead_letter.records(self._facts, self._route, first, rejects)


def take(app: App, body: bytes, message_id: str, inserted: float, tries: int = 1) -> str:
    """Take a message; why it is in the dead letter as a whole, if it is.

    Args:
        app: the app.
        body: as it came: JSON text, or that in base64.
        message_id: the queue's id of it.
        inserted: epoch seconds when it was put on the queue.
        tries: how often the host has given it out, this time included.

    Raises:
        ServiceUnavailable: storage does not answer; the message should come again.
    """
    if tries > 1 and app.state.read(HELD + message_id) is not None:
        # Whoever put it aside died before the queue knew, or could not queue the work.
        app.work.put(HeldWork(message_id), backoff(1))
        return ""
    text = _text(body)
    facts = SourceFacts("message", message_id, message_id, inserted, inserted)
    why = "it failed for the last time"
    with last_try(app, facts, text.encode("utf-8", "surrogateescape"), tries):
        why = _take(app, Held(message_id, text, inserted, since=0.0, tries=0))
    return why  # noqa: RET504 - last_try swallows what failed for the last time


def take_held(app: App, message_id: str, tries: int = 1) -> None:
    """Take a message that was put aside.

    Args:
        app: the app.
        message_id: the queue's id of it.
        tries: how often the host has given out the work message for it, this time included.

    Raises:
        ServiceUnavailable: storage does not answer; the work message should come again.
    """
    stored = app.state.read(HELD + message_id)
    if stored is None:
        logger.info("the held message %s is settled already", message_id)
        return
    held, etag = _claimed(app, _decoder.decode(stored.document), stored)
    if not etag:
        logger.info("the held message %s: another worker is on it; looking again later", message_id)
        app.work.put(HeldWork(message_id), app.settings.claim_seconds)
        return
    if held.crashes >= MAX_CRASHES:
        _give_up(app, held)
    else:
        _take_claimed(app, held, etag, tries)
    # What was put aside again is a new document of the same name, with one more try.
    latest = app.state.read(HELD + message_id)
    if latest is not None and latest.etag == etag:
        app.state.remove(HELD + message_id)


def _take_claimed(app: App, held: Held, etag: str, tries: int) -> None:
    facts = SourceFacts("message", held.id, held.id, held.inserted, held.since)
    try:
        with last_try(app, facts, held.text.encode("utf-8", "surrogateescape"), tries):
            _take(app, held)
    except Exception:  # alive, and done with it for now: whoever comes next need not wait
        with suppress(Conflict, ServiceUnavailable):
            _write(app, msgspec.structs.replace(held, taken=False, crashes=0), etag)
        raise


def _give_up(app: App, held: Held) -> None:
    facts = SourceFacts("message", held.id, held.id, held.inserted, held.since)
    detail = f"{MAX_CRASHES} workers in a row died on it"
    bury(app, facts, held.text.encode("utf-8", "surrogateescape"), "WorkerDied", detail)


def _claimed(app: App, held: Held, stored: Stored) -> tuple[Held, str]:
    """The message, and the ETag under which it is ours now; none if another worker is on it."""
    config = app.settings
    if held.taken and stored.age < config.retry_seconds + config.claim_seconds:
        return held, ""
    ours = msgspec.structs.replace(held, taken=True, crashes=held.crashes + held.taken)
    try:
        return ours, _write(app, ours, stored.etag)
    except Conflict:
        return held, ""


def _write(app: App, held: Held, etag: str) -> str:
    return app.state.replace(HELD + held.id, msgspec.json.encode(held), {"state": "held"}, etag)


def _text(body: bytes) -> str:
    """The message's text; producers differ in whether they send base64."""
    try:
        plain = base64.b64decode(body, validate=True).decode() if body[:1] not in b"{[ \t\r\n" else ""
    except (binascii.Error, UnicodeDecodeError, ValueError):
        plain = ""
    return plain if plain[:1] in {"{", "["} else body.decode("utf-8", "surrogateescape")


def _take(app: App, held: Held) -> str:
    began = time.monotonic()
    facts = SourceFacts("message", held.id, held.id, held.inserted, held.since or time.time())
    account = app.storage.blobs.url
    try:
        what = asked(held.text, account, app.settings.allowed_containers)
        if not isinstance(what, Records):
            for named in what:
                blob.take(app, named.container, named.name, named.route)
            return ""
        route = _route(app, what)
    except Permanent as error:
        _die(app, facts, None, held, error, began)
        return str(error)
    run = _ship(app, route, what, facts, held.text)
    if run.error is None:
        _audit(app, facts, route, "done", run.counts, began)
    elif isinstance(run.error, NotReady) and held.since and _age(app, held) >= app.settings.defer_seconds:
        _die(app, facts, route, held, run.error, began)
        return str(run.error)
    else:
        _put_aside(app, held, run.error)
        _audit(app, facts, route, "deferred", run.counts, began, str(run.error))
    return ""


def _age(app: App, held: Held) -> float:
    return max(app.state.now() - held.since, 0.0)  # the service's clock has whole seconds


def _route(app: App, what: Records) -> Route:
    if what.route is not None:
        return app.corridor.route(what.route)
    route = app.routes.for_messages()
    if route is None:
        raise Unrouted("the message names no route, and no route says `from: {messages: true}`")
    return route


def _ship(app: App, route: Route, what: Records, facts: SourceFacts, text: str) -> Run:
    data = text.encode("utf-8", "surrogateescape")
    progress = MessageProgress(app, facts, route.name)
    start = Start(Position(), Counts(), seekable=False)
    return app.corridor.run(
        app.corridor.for_json(route, what.path),
        facts,
        lambda _offset: iter([data]),
        start,
        progress,
        lambda: False,
        small=True,
    )


def _put_aside(app: App, held: Held, error: Transient) -> None:
    delay = max(backoff(held.tries), error.retry_after or 0)
    logger.warning("message %s: deferred for %.0f s: %s", held.id, delay, error)
    since = held.since or app.state.now()
    again = msgspec.structs.replace(held, since=since, tries=held.tries + 1, taken=False, crashes=0)
    app.state.put(HELD + held.id, msgspec.json.encode(again), {"state": "held"})
    app.work.put(HeldWork(held.id), delay)


def _die(
    app: App, facts: SourceFacts, route: Route | None, held: Held, error: Exception, began: float
) -> None:
    reason = type(error).__name__
    logger.error("message %s: dead-lettered: %s: %s", held.id, reason, error)
    raw = held.text.encode("utf-8", "surrogateescape")
    app.dead_letter.source(facts, route.name if route else "", reason, str(error), raw)
    _audit(app, facts, route, "dead", Counts(), began, str(error))


def _audit(
    app: App,
    facts: SourceFacts,
    route: Route | None,
    outcome: audit.Result,
    counts: Counts,
    began: float,
    reason: str = "",
) -> None:
    row = audit.Audit(
        kind="message",
        source=facts.name,
        version=facts.version,
        route=route.name if route else "",
        table=route.table if route else "",
        outcome=outcome,
        ms=round((time.monotonic() - began) * 1000),
        reason=reason,
        modified=audit.when(facts.modified),
    )
    row = audit.with_counts(row, counts)
    audits.post(app, row)
    audit.write(row)
