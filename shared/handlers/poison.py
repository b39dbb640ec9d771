"""Poison queues: what the host gave up, into the dead letter.

Rule: messages whose worker died on every try, or that failed before the app could say
why. Invariants: the dead letter first, then the message is deleted; a crash in between
repeats the same document, since its name follows from the message; a run takes at
most MOST messages from a queue; a message can only name blobs in containers that the
settings allow, and one of another app's, which may share the account, is left alone.

    <INGEST_QUEUE>-poison          messages: dead-lettered with their text
    <WORK_QUEUE>-poison            the app's own work, likewise
    webjobs-blobtrigger-poison     the host's, of blob events: what the ledger says decides
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from .. import logs
from ..app import App
from ..errors import Transient
from ..ledger.claims import PREFIX
from ..ledger.entry import Entry, parse
from ..ledger.store import guarded, name_of
from ..model import SourceFacts
from ..sources.message import leads_elsewhere
from ..sources.work import BlobWork
from .blob import named_route
from .lasttry import bury
from .taken import MAX_CRASHES

logger = logs.logger("logferry.poison")

MOST = 320
"""Messages of one queue in one run."""
HIDDEN = 300
"""Seconds: how long a message is out of others' sight while it is looked at."""
BLOBS = "webjobs-blobtrigger-poison"
"""Source: Microsoft.Azure.WebJobs.Extensions.Storage.Blobs, BlobQueueTriggerExecutor and its queue's name."""
FUNCTION = "on_blob"

_SETTLED = {"done", "dead", "gone"}

_DIED = (
    "the host gave it out as often as it does and it was never settled: its worker died or ran out of time, "
    "or the app could not begin; the log says which"
)


class BlobPoison(msgspec.Struct, rename="pascal"):
    """What the host puts on the queue of blob events."""

    container_name: str
    blob_name: str
    function_id: str = ""
    e_tag: str = msgspec.field(name="ETag", default="")


_decoder = msgspec.json.Decoder(BlobPoison)
"""Made by the import, as in ledger/entry.py."""


def drain(app: App) -> int:
    """Take what is on the poison queues; how many messages that was. Raises ServiceUnavailable."""
    config = app.settings
    done = _queue(app, f"{config.ingest_queue}-poison", _message)
    done += _queue(app, f"{config.work_queue}-poison", _work)
    done += _queue(app, BLOBS, _blob)
    return done


def _queue(app: App, name: str, take: Callable[[App, Any], bool]) -> int:
    """Take one queue's messages; those that `take` says no to come back by themselves."""
    from azure.core.exceptions import ResourceNotFoundError  # noqa: PLC0415

    queue, done = app.storage.queues.get_queue_client(name), 0
    for message in _received(queue):
        if _taken(app, name, message, take):
            try:
                guarded(lambda message=message: queue.delete_message(message))  # type: ignore[misc]
            except ResourceNotFoundError:
                logger.info("%s: message %s was taken by another", name, message.id)
            done += 1
    if done:
        logger.warning("%s: %d messages settled", name, done)
    return done


def _taken(app: App, name: str, message: Any, take: Callable[[App, Any], bool]) -> bool:
    """Whether a message is settled; one that cannot be is no reason to leave the others."""
    try:
        return take(app, message)
    except Transient:
        raise
    except Exception as error:
        logs.failed(logger, "%s: message %s could not be settled", error, name, message.id)
        return False


def _received(queue: Any) -> Iterator[Any]:
    """At most MOST messages of a queue; none if there is no such queue."""
    from azure.core.exceptions import ResourceNotFoundError  # noqa: PLC0415

    pages = queue.receive_messages(
        messages_per_page=min(32, MOST), visibility_timeout=HIDDEN, max_messages=MOST
    )
    rows = iter(pages)
    while True:
        try:
            row = guarded(lambda: next(rows, None))
        except ResourceNotFoundError:
            return
        if row is None:
            return
        yield row


def _facts(kind: str, message: Any) -> SourceFacts:
    """Of a message on a poison queue; the same whenever it is looked at."""
    inserted = message.inserted_on.timestamp()
    return SourceFacts(kind, message.id, message.id, inserted, inserted)


def _message(app: App, message: Any) -> bool:
    bury(app, _facts("message", message), _bytes(message), "Poison", _DIED)
    return True


def _work(app: App, message: Any) -> bool:
    bury(app, _facts("work", message), _bytes(message), "Poison", _DIED)
    return True


def _bytes(message: Any) -> bytes:
    return str(message.content).encode("utf-8", "surrogateescape")


# -- blobs --------------------------------------------------------------------------------------


def _blob(app: App, message: Any) -> bool:
    """Settle a blob event that the host gave up; False leaves it on the queue."""
    told = _told(message)
    if told is None:
        bury(
            app, _facts("poison", message), _bytes(message), "BadMessage", "it is no blob event of the host's"
        )
        return True
    if told.function_id.rpartition(".")[2] not in {FUNCTION, ""}:
        return False
    elsewhere = leads_elsewhere(told.blob_name)
    if elsewhere or told.container_name not in app.settings.allowed_containers:
        detail = f"the container {told.container_name!r} is none that the settings allow (ALLOWED_CONTAINERS)"
        if elsewhere:
            detail = "it names a blob by a path with . or .. in it"
        bury(app, _facts("poison", message), _bytes(message), "Forbidden", detail)
        return True
    return _settle(app, told, message)


def _told(message: Any) -> BlobPoison | None:
    text = _bytes(message)
    for candidate in (text, _plain(text)):
        try:
            told = _decoder.decode(candidate)
        except (msgspec.DecodeError, UnicodeError):
            continue
        return told if told.container_name and told.blob_name else None
    return None


def _plain(text: bytes) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _settle(app: App, told: BlobPoison, message: Any) -> bool:
    """What the ledger and the container say of the blob decides."""
    source = f"{told.container_name}/{told.blob_name}"
    version = _version(app, told)
    stored = app.state.read(name_of(PREFIX, source))
    entry = None if stored is None else parse(stored.document)
    if entry is not None and entry.state in _SETTLED and version in {None, entry.version}:
        return True
    if version is None:
        _gone(app, source, told, message)
        return True
    if entry is None or (entry.version != version and entry.state != "running"):
        logger.warning("%s: the app never came to look at it; queued", source)
        app.work.put(BlobWork(told.container_name, told.blob_name))
        return True
    if entry.state == "running":
        if stored is not None and stored.age < app.settings.claim_seconds:
            return False
        _give_up(app, told, entry)
    elif entry.state == "deferred" and entry.crashes:
        _give_up(app, told, entry)
    return True


def _version(app: App, told: BlobPoison) -> str | None:
    """The blob's version as it is now; None if there is none."""
    from azure.core.exceptions import HttpResponseError, ResourceNotFoundError  # noqa: PLC0415

    from ..errors import ServiceUnavailable  # noqa: PLC0415

    try:
        client = app.storage.blobs.get_blob_client(told.container_name, told.blob_name)
        return str(guarded(client.get_blob_properties).etag).strip('"')
    except ResourceNotFoundError:
        return None
    except ServiceUnavailable as error:
        if isinstance(error.__cause__, HttpResponseError) and error.__cause__.status_code == 400:
            return None  # no blob can have such a name
        raise


def _gone(app: App, source: str, told: BlobPoison, message: Any) -> None:
    inserted = message.inserted_on.timestamp()
    version = told.e_tag.strip('"')
    facts = SourceFacts("blob", source, version, inserted, inserted)
    bury(
        app,
        facts,
        _bytes(message),
        "BlobGone",
        "the host gave up its event, and there is no such blob any more",
    )


def _give_up(app: App, told: BlobPoison, entry: Entry) -> None:
    """Have whoever takes the blob next write down that it is dead; somebody who is on it by now goes on."""

    def dying(found: Entry) -> None:
        found.state, found.owner, found.crashes = "deferred", "", max(found.crashes, MAX_CRASHES)

    if app.ledger.amend(entry, dying) is None:
        logger.warning("%s was taken up again while its event was given up", entry.source)
        return
    route = named_route(app, told.blob_name, entry.route)
    app.work.put(BlobWork(told.container_name, told.blob_name, route))
