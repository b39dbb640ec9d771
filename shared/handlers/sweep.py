"""The sweep: what raised no event, and what was left behind.

Rule: it only looks and queues; the work itself is done where all work is done.
Invariants: a blob that is done is never queued; a blob without an entry is queued
once it has settled; memory does not grow with the number of blobs; a sweep that has no
time to end is gone on with by the next. Strategy: one pass over the container and its
ledger finds the differences; what that pass cannot tell for sure is queued, and costs
one look.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import msgspec

from .. import logs
from ..app import App
from ..ledger.entry import Entry, parse
from ..ledger.store import Listed
from ..sources.work import LEFT_BEHIND, BlobWork
from . import orphans, poison
from .blob import named_route
from .sweep_mark import Bookmark
from .sweep_pass import Stretch, stretches

logger = logs.logger("logferry.sweep")

BORN = "meta/born"
_UNSETTLED = frozenset({"running", "deferred", "split"})


def sweep(app: App) -> int:
    """Queue what was missed; how many blobs and messages that was.

    Raises:
        ServiceUnavailable: storage does not answer; the next run goes on.
    """
    deadline = time.monotonic() + app.budget
    # A look at the service's clock, too: it has whole seconds, and an older one lies behind.
    born = _born(app)
    since = 0.0 if app.settings.sweep_existing else born
    now = app.state.now()
    queued = _held(app, now)
    orphans.remove(app)
    poison.drain(app)
    queued += _pass(app, since, now, deadline)
    logger.info("sweep: %d queued", queued)
    return queued


def _pass(app: App, since: float, now: float, deadline: float) -> int:
    """From where the last sweep came to; how many blobs were queued."""
    mark, queued = Bookmark(app.state), 0
    for number, stretch in enumerate(mark.go_on(lambda place: stretches(app, place))):
        for work in _missed(app, stretch, since, now):
            app.work.put(work)
            queued += 1
            if number and time.monotonic() >= deadline:  # thousands of them take minutes
                mark.stop(stretch.place)
                return queued
        if stretch.following is not None and time.monotonic() >= deadline:
            mark.stop(stretch.following)
            return queued
        mark.passed(stretch)
    return queued


def _held(app: App, now: float) -> int:
    """Queue messages that were put aside and have lost the work message that would take them."""
    queued = 0
    for row in app.state.listing("held/"):
        if now - row.modified > LEFT_BEHIND:
            _requeue_held(app, row)
            queued += 1
    return queued


def _missed(app: App, stretch: Stretch, since: float, now: float) -> Iterator[BlobWork]:
    for blob, entry in stretch.pairs:
        if _is_missed(app, blob, entry, born=since, now=now):
            yield BlobWork(app.settings.drop_container, blob.name, _named_route(app, blob, entry))
    for row in stretch.entries:
        left = _left(app, row, now)
        if left is not None:
            container, _, name = left.source.partition("/")
            route = left.route if left.route in app.routes.by_name else ""
            yield BlobWork(container, name, named_route(app, name, route))


def _left(app: App, row: Listed, now: float) -> Entry | None:
    """The entry of a blob elsewhere, if it was left behind; with a new date, so that it is queued seldom."""
    if row.metadata.get("state") not in _UNSETTLED or now - row.modified <= LEFT_BEHIND:
        return None
    stored = app.state.read(row.name)
    try:
        entry = None if stored is None else parse(stored.document)
    except (msgspec.MsgspecError, UnicodeError) as error:
        logger.warning("%s in the state container is no entry of the ledger: %s", row.name, error)
        return None
    if entry is None or entry.state not in _UNSETTLED:
        return None
    return app.ledger.amend(entry, lambda _: None)


def _named_route(app: App, blob: Any, entry: Listed | None) -> str | None:
    """The route that a message had named for this version, where its path leads to another or to none."""
    tags = entry.metadata if entry is not None else {}
    route = tags.get("route", "")
    if tags.get("version") != blob.etag.strip('"') or route not in app.routes.by_name:
        return None
    return named_route(app, blob.name, route)


def _requeue_held(app: App, held: Listed) -> None:
    from ..sources.work import HeldWork  # noqa: PLC0415 - seldom needed

    app.work.put(HeldWork(held.name.removeprefix("held/")))


def _born(app: App) -> float:
    """When the app was set up: blobs from before that are nobody's news unless asked for."""
    stored = app.state.read(BORN)
    if stored is not None:
        return float(stored.document)
    born = app.state.made()
    app.state.put(BORN, str(born).encode())
    return born


def _is_missed(app: App, blob: Any, entry: Listed | None, *, born: float, now: float) -> bool:
    modified = blob.last_modified.timestamp()
    # An append blob may never come to rest, and what is added to it raises no event.
    settled = blob.blob_type == "AppendBlob" or now - modified >= app.settings.settle_seconds
    if entry is None:
        return bool(settled and modified >= born)
    if entry.metadata.get("version") != blob.etag.strip('"'):
        return bool(settled)
    if entry.metadata.get("state") == "unrouted":
        return app.routes.for_blob(blob.name) is not None
    return _is_left(app, entry, now)


def _is_left(app: App, entry: Listed, now: float) -> bool:
    """Whether nobody is on it any more, though it is not settled."""
    state, quiet = entry.metadata.get("state"), now - entry.modified
    if state == "running":
        return quiet > app.settings.claim_seconds
    return state in {"deferred", "split"} and quiet > LEFT_BEHIND
