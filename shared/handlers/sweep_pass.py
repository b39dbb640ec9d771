"""A sweep's way through the containers and their ledgers, in stretches that it can stop between.

Rule: nothing here decides what was missed. Invariants: every blob is met once in a pass,
with its entry; a pass that stops at a stretch goes on with it; memory is that of a page or
two. Strategy: the container and the ledger list in the same order, so reading both side
by side finds a blob's entry; one whose name ends in a hash is asked for by itself. Of
other containers only the ledger is read: what no message has named there is nobody's
business.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from ..app import App
from ..ledger import listing
from ..ledger.claims import PREFIX, metadata
from ..ledger.entry import parse
from ..ledger.listing import Page
from ..ledger.store import Listed, guarded, name_of


class Place(msgspec.Struct):
    """Where a stretch begins: a container, and the service's tokens of a page of each listing."""

    container: str = ""
    blobs: str = ""
    entries: str = ""


class Stretch(NamedTuple):
    """What was met from a place on, and where the next stretch begins; None behind the last one."""

    place: Place
    pairs: list[tuple[Any, Listed | None]]
    """Blobs of the drop container, each with its entry."""
    entries: list[Listed]
    """Entries of other containers' blobs."""
    following: Place | None


def stretches(app: App, place: Place) -> Iterator[Stretch]:
    """From that place on. Raises ServiceUnavailable."""
    containers = list(dict.fromkeys([app.settings.drop_container, *app.settings.allowed_containers]))
    if place.container in containers:
        containers = containers[containers.index(place.container) :]
    else:
        place = Place()
    for number, container in enumerate(containers):
        found = (
            _dropped(app, place)
            if container == app.settings.drop_container
            else _named(app, container, place)
        )
        after = Place(containers[number + 1]) if number + 1 < len(containers) else None
        for stretch in found:
            yield stretch if stretch.following else stretch._replace(following=after)
        place = Place()


def _dropped(app: App, place: Place) -> Iterator[Stretch]:
    container = app.settings.drop_container
    prefix = f"{PREFIX}{container}/"
    entries = _Entries(app, prefix, place.entries)
    client = app.storage.blobs.get_container_client(container)
    listed: Any = client.list_blobs(results_per_page=listing.PAGE_ROWS)
    pages = listed.by_page(continuation_token=place.blobs or None)
    while (page := guarded(lambda: next(pages, None))) is not None:
        pairs = [(blob, entries.of(blob.name)) for blob in page]
        token = pages.continuation_token
        following = Place(container, token, entries.token) if token else None
        yield Stretch(place, pairs, [], following)
        place = following or place


def _named(app: App, container: str, place: Place) -> Iterator[Stretch]:
    before = Page(place.entries, [])
    for number, page in enumerate(app.state.pages(f"{PREFIX}{container}/", place.entries)):
        if number:
            yield Stretch(_at(container, before), [], before.rows, _at(container, page))
        before = page
    yield Stretch(_at(container, before), [], before.rows, None)


def _at(container: str, page: Page) -> Place:
    return Place(container, "", page.token)


class _Entries:
    """The ledger's listing, for one who asks in the same order.

    Args:
        app: the app.
        prefix: of the container's entries.
        token: of the first page.
    """

    def __init__(self, app: App, prefix: str, token: str) -> None:
        self.token = token
        """Of the page that the next entry is on."""
        self._state = app.state
        self._prefix = prefix
        self._rows = self._one_by_one(app.state.pages(prefix, token))
        self._next = next(self._rows, None)

    def _one_by_one(self, pages: Iterator[Page]) -> Iterator[Listed]:
        for page in pages:
            self.token = page.token
            yield from page.rows

    def of(self, blob: str) -> Listed | None:
        """A blob's entry, if there is one."""
        wanted = name_of(PREFIX, f"{self._prefix}{blob}"[len(PREFIX) :])
        if not wanted.endswith(blob):
            return self._read(wanted)
        sought = wanted.encode()
        while self._next is not None and self._next.name.encode() < sought:
            self._next = next(self._rows, None)
        return self._next if self._next is not None and self._next.name == wanted else None

    def _read(self, name: str) -> Listed | None:
        """An entry that stands elsewhere in the listing than its blob does."""
        stored = self._state.read(name)
        if stored is None:
            return None
        return Listed(name, metadata(parse(stored.document)), self._state.now() - stored.age)
