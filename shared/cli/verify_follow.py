"""Where something that was sent is, as the app's storage tells.

Rule: it is looked for where the app puts things: the queue, the ledger, what is put
aside, the dead letter. Invariant: nothing is changed by looking; above all, a message
is peeked at and never taken.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Protocol

import msgspec

from ..ledger.claims import PREFIX
from ..ledger.entry import parse
from .deadletters_find import Wanted, find, read
from .storage import Place, reached
from .verify_record import Marked

_HELD = "held/"
_PEEKED = 32
"""Messages that one look at a queue shows. Source: Azure Queue Storage, Peek Messages."""


class Seen(NamedTuple):
    """What one look shows."""

    taken: bool
    """Whether the app has it, or had it."""
    done: bool = False
    """Whether the ledger says so; no message has an entry there."""
    waits: str = ""
    """What it waits for, in a few words."""
    advice: str = ""
    """The same as sentences, with what to look at."""
    dead: str = ""
    """Why it will never be found; empty while it may."""


class Sent(Protocol):
    """Something on its way."""

    name: str
    """As audit rows have it."""
    said: str
    """For people: what and where."""
    settles: bool
    """Whether the ledger says when it is done."""

    def look(self) -> Seen:
        """Where it is now. Raises Trouble."""


def send(place: Place, marked: Marked) -> Sent:
    """Send it. Raises Trouble."""
    with reached(place):
        return FileSent(place, marked) if marked.path else MessageSent(place, marked)


class MessageSent:
    """A message on the ingest queue."""

    settles = False

    def __init__(self, place: Place, marked: Marked) -> None:
        self._place = place
        self._since = datetime.now(UTC)
        self._route = marked.route.name
        self._name = place.names.ingest_queue
        self._queue = place.storage.queues.get_queue_client(self._name)
        self.name = str(self._queue.send_message(marked.content.decode()).id)
        self.said = f"message {self.name} on the queue {self._name}"

    def look(self) -> Seen:
        """See Sent."""
        with reached(self._place):
            waiting = [message.id for message in self._queue.peek_messages(_PEEKED)]
            held = self._place.state.read(_HELD + self.name)
        dead = _dead(self._place, self._route, self.name, self._since)
        if dead:
            return Seen(taken=True, dead=dead)
        if held is not None:
            return Seen(taken=True, waits=_ASIDE, advice=_put_aside(held.document))
        if self.name in waiting:
            return Seen(taken=False, advice=self._untaken)
        if len(waiting) == _PEEKED:  # only those in front can be seen: it may be behind them
            return Seen(taken=False, advice=self._untaken)
        return Seen(taken=True)

    @property
    def _untaken(self) -> str:
        return (
            f"It is still on the queue {self._name}, where nobody takes it: is the app running, and is this "
            "the queue of its setting INGEST_QUEUE, in the account of its DropStorage?"
        )


class FileSent:
    """A file in the drop container."""

    settles = True

    def __init__(self, place: Place, marked: Marked) -> None:
        self._place = place
        self._since = datetime.now(UTC)
        self._route = marked.route.name
        container = place.names.drop_container
        blob = place.storage.blobs.get_blob_client(container, marked.path)
        blob.upload_blob(marked.content)
        self.name = f"{container}/{marked.path}"
        self.said = f"{self.name}, {len(marked.content):,} bytes"

    def look(self) -> Seen:
        """See Sent."""
        with reached(self._place):
            stored = self._place.state.read(PREFIX + self.name)
        if stored is None:
            return Seen(taken=False, advice=self._untaken)
        entry = parse(stored.document)
        if entry.state in {"dead", "gone", "unrouted"}:
            return Seen(
                taken=True, dead=f"The ledger says {entry.state}: {entry.reason or 'no route takes it'}"
            )
        dead = _dead(self._place, self._route, self.name, self._since)
        if dead:
            return Seen(taken=True, dead=dead)
        if entry.state == "done":
            return Seen(taken=True, done=True)
        why = f": {entry.reason}" if entry.reason else ""
        advice = f"The app took it and is not done with it: its entry in the ledger says {entry.state}{why}."
        return Seen(taken=True, waits=f"{entry.state}{why}", advice=advice)

    @property
    def _untaken(self) -> str:
        return (
            f"The app knows nothing of {self.name}: is the app running, and is there an Event Grid "
            "subscription for its drop container? Without one its sweep finds the file, minutes later."
        )


_ASIDE = "put aside: Azure does not take it yet"


def _put_aside(document: bytes) -> str:
    try:
        tries = int(msgspec.json.decode(document)["tries"])
    except (msgspec.DecodeError, LookupError, TypeError, ValueError):
        tries = 1
    tried = "once" if tries == 1 else f"{tries} times"
    return (
        f"It is put aside, tried {tried}, because Azure does not take it; the app goes on by itself. "
        "Its log says why: most often its identity has no role Monitoring Metrics Publisher on the rule yet "
        "(403, up to half an hour), or the rule or its stream is another one (404, 400)."
    )


def _dead(place: Place, route: str, source: str, since: datetime) -> str:
    """Why it is in the dead letter, and where to look; empty if it is not."""
    days = sorted({f"{moment:%Y-%m-%d}" for moment in (since - timedelta(minutes=10), datetime.now(UTC))})
    names = tuple(f"{folder}/{day}/" for folder in (route, "none") for day in days)
    for document in find(place, Wanted(names=names)):
        if document.source != source:
            continue
        found = read(place, document)
        if found is not None and found[1]:
            line = found[1][0]
            look = f"logferry deadletters show {document.name.rpartition('/')[0]}"
            return f"It is in the dead letter: {line.reason}: {line.detail}. Look at it: {look}"
    return ""
