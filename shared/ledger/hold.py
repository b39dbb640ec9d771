"""The right to work on something that has no entry in the ledger.

Rule: as with a claim, whoever has it writes a sign of life, and one that shows none
may be taken over. Invariant: nobody who lost it can renew it, whatever their clock
says. There is nothing to remember once it is given back.
"""

from __future__ import annotations

import uuid

from ..errors import ClaimLost, SourceBusy
from .store import Conflict, Store


class Hold:
    """One right, taken."""

    def __init__(self, store: Store, name: str, document: bytes, etag: str) -> None:
        self._store = store
        self._name = name
        self._document = document
        self._etag = etag

    def renew(self) -> None:
        """A sign of life. Raises ClaimLost, ServiceUnavailable."""
        try:
            self._etag = self._store.replace(self._name, self._document, {}, self._etag)
        except Conflict:
            stored = self._store.read(self._name)  # our own write, if only its answer was lost
            if stored is None or stored.document != self._document:
                raise ClaimLost(f"{self._name}: another worker has taken over") from None
            self._etag = stored.etag

    def give_back(self) -> None:
        """Let others have it; nothing if it is theirs already. Raises ServiceUnavailable."""
        try:
            self._store.remove(self._name, self._etag)
        except Conflict:
            return


def take(store: Store, name: str, seconds: float) -> Hold:
    """Take the right called `name`.

    Args:
        store: where it is written down.
        name: of the document.
        seconds: after that long without a sign of life it may be taken over.

    Raises:
        SourceBusy: another worker has it, or many want it at once.
        ServiceUnavailable: storage does not answer.
    """
    document = uuid.uuid4().hex.encode()
    for _ in range(5):
        stored = store.read(name)
        if stored is not None and stored.age < seconds:
            raise SourceBusy(f"{name}: another worker is on it")
        try:
            if stored is None:
                return Hold(store, name, document, store.create(name, document, {}))
            return Hold(store, name, document, store.replace(name, document, {}, stored.etag))
        except Conflict:
            continue  # somebody was faster; look again
    raise SourceBusy(f"{name}: many workers want it at once")
