"""A source that is in the dead letter as a whole, taken again.

Rule: it is put back where it came from: a blob on the work queue, to go on from its
checkpoint; a message's text is taken at once; a work message goes back on its queue.
Invariants: the document goes only after that, so a crash in between repeats it; only
containers that the settings allow are looked into, whatever a document says.
"""

from __future__ import annotations

import time

from .. import logs
from ..app import App
from ..audit import Result
from ..errors import BadMessage, Forbidden
from ..ledger.deadletter import Line
from ..ledger.entry import Entry
from ..ledger.store import Conflict, Stored, guarded
from ..ledger.trace import Trace
from ..model import Counts
from ..sources.message import leads_elsewhere
from ..sources.work import BlobWork, PartWork, ReplayWork, check, parse_work
from . import message
from .replay import finish

logger = logs.logger("logferry.replay")

_DOTS = "it is named by a path with . or .. in it"


def take(app: App, work: ReplayWork, stored: Stored, line: Line) -> None:
    """Put a source back. Raises ServiceUnavailable, and what a handler of messages raises."""
    began = time.monotonic()
    again = {"blob": _blob, "message": _message, "work": _work, "audit": _audit}.get(line.kind, _unknown)
    forged = leads_elsewhere(line.source)
    why = _DOTS if forged else again(app, line)
    if why and (forged or line.kind != "message"):
        logger.error("%s stays in the dead letter: %s", work.document, why)
    else:  # a message that died again has a document of its own, or has written over this one
        try:
            app.dead_letter.store.remove(work.document, stored.etag)
        except Conflict:
            logger.info("%s is in the dead letter again", work.document)
    outcome: Result = "dead" if why else "continued"
    trace = Trace(
        document=work.document,
        by=work.by,
        source=line.source,
        version=line.version,
        route=line.route,
        outcome=outcome,
        left=1 if why else 0,
        reason=why or "taken again as a whole",
    )
    finish(app, trace, "", Counts(), began)


def _blob(app: App, line: Line) -> str:
    """Have a blob go on; or why not."""
    from azure.core.exceptions import ResourceNotFoundError  # noqa: PLC0415

    container, _, name = line.source.partition("/")
    if container not in app.settings.allowed_containers:
        return _elsewhere(container)
    try:
        guarded(app.storage.blobs.get_blob_client(container, name).get_blob_properties)
    except ResourceNotFoundError:
        return "there is no such blob any more"
    entry = app.ledger.read(line.source)
    if entry is not None and entry.state in {"dead", "split"}:
        _revive(app, entry)
    matched = app.routes.for_blob(name)
    own = line.route if line.route in app.routes.by_name else None
    app.work.put(BlobWork(container, name, None if matched is None or matched.name == own else own))
    return ""


def _revive(app: App, entry: Entry) -> None:
    """Have a dead source's entry say that it goes on, and its dead parts' as well.

    Parts are queued last: whoever takes one looks whether the source is in work. A crash in between leaves
    the document, and the next try finds what is left to do.
    """
    parts = [part for row in list(app.ledger.parts(entry)) if (part := app.ledger.part(row)) is not None]
    for part in parts:
        if part.state == "dead":
            app.ledger.amend(part, _alive)
    if entry.state == "dead":
        app.ledger.amend(entry, _alive)
    container, _, name = entry.source.partition("/")
    for part in parts:
        if part.state in {"dead", "deferred"}:
            app.work.put(PartWork(container, name, part.version, part.part))


def _alive(entry: Entry) -> None:
    entry.state = "split" if entry.parts else "deferred"
    entry.crashes, entry.failure, entry.deferred_since = 0, "", 0.0
    entry.reason = "replayed from the dead letter"


def _message(app: App, line: Line) -> str:
    # As if it came again: who died on an earlier replay may have put it aside.
    return message.take(app, line.content, line.source, line.modified, tries=2)


def _work(app: App, line: Line) -> str:
    try:
        work = parse_work(line.content)
        check(work, app.settings.allowed_containers)
    except (BadMessage, Forbidden) as error:
        return str(error)
    app.work.put(work)
    return ""


def _elsewhere(container: str) -> str:
    return f"the container {container!r} is none that the settings allow (ALLOWED_CONTAINERS)"


def _audit(app: App, line: Line) -> str:
    from . import audits  # noqa: PLC0415 - seldom needed

    audits.again(app, line.source, line.content)
    return ""


def _unknown(_: App, line: Line) -> str:
    return f"nothing is known of sources of the kind {line.kind!r}"
