"""A sweep's way through the containers and their ledgers, in stretches that it can stop between.

Rule: nothing here decides what was missed. Invariants: every blob is met once in a pass,
with its entry; a pass that stops behind a stretch goes on with the next one; memory is
that of a page or two. Strategy: the container and the ledger list in the same order, so
reading both side by side finds a blob's entry. Of other containers only the ledger is
read: what no message has named there is nobody's business.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from ..app import App
from ..ledger import listing
from ..ledger.claims import PREFIX
from ..ledger.listing import Page
from ..ledger.store import Listed, guarded, name_of


class Place(msgspec.Struct):
    """Where a stretch begins: a container, and the service's tokens of a page of each listing."""

    container: str = ""
    blobs: str = ""
    entries: str = ""


class Stretch(NamedTuple):
    """What was met, and where the next stretch begins; None behind the last one."""

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
    entries = _Entries(app.state.pages(prefix, place.entries), place.entries)
    client = app.storage.blobs.get_container_client(container)
    listed: Any = client.list_blobs(results_per_page=listing.PAGE_ROWS)
    pages = listed.by_page(continuation_token=place.blobs or None)
    while (page := guarded(lambda: next(pages, None))) is not None:
        pairs = [(blob, entries.of(name_of(prefix, blob.name))) for blob in page]
        token = pages.continuation_token
        yield Stretch(pairs, [], Place(container, token, entries.token) if token else None)


def _named(app: App, container: str, place: Place) -> Iterator[Stretch]:
    before: Page | None = None
    for page in app.state.pages(f"{PREFIX}{container}/", place.entries):
        if before is not None:
            yield Stretch([], before.rows, Place(container, "", page.token))
        before = page
    yield Stretch([], before.rows if before else [], None)


class _Entries:
    """The ledger's listing, for one who asks in the same order."""

    def __init__(self, pages: Iterator[Page], token: str) -> None:
        self.token = token
        """Of the page that the next entry is on."""
        self._rows = self._one_by_one(pages)
        self._next = next(self._rows, None)

    def _one_by_one(self, pages: Iterator[Page]) -> Iterator[Listed]:
        for page in pages:
            self.token = page.token
            yield from page.rows

    def of(self, wanted: str) -> Listed | None:
        """The entry of that name, if there is one."""
        sought = wanted.encode()
        while self._next is not None and self._next.name.encode() < sought:
            self._next = next(self._rows, None)
        return self._next if self._next is not None and self._next.name == wanted else None
