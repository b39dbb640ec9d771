"""The elements that are open around records.

Rule: an element is a record by its name, or by being a child of the root, and by
nothing in it. Invariant: what is kept is the names of open elements, and of a
document without a record so far its beginning: both bounded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ..model import Position
from .face import RAW_BYTES
from .xmlmarkup import Piece, local

DEEPEST = 200
_NAMES_NAMED = 20


class Document(NamedTuple):
    """One that is open and holds no record so far."""

    start: Position
    raw: bytes = b""
    """Its beginning, as far as it is in no window any more."""
    names: tuple[str, ...] = ()
    """Of the elements in it."""


class Around:
    """Open elements, and which elements in them are records.

    Args:
        element: the route's: names from the outer to the inner one with / between; empty for the children
            of the root.
        state: of a Position.
    """

    def __init__(self, element: str, state: dict[str, Any]) -> None:
        *self._parents, self.name = element.split("/")
        self._open: list[str] = list(state.get("in", []))
        self._deeper: int = state.get("deeper", 0)
        self.document: Document | None = None

    def state(self) -> dict[str, Any]:
        """What a parser that begins here has to know."""
        state: dict[str, Any] = {"in": list(self._open)} if self._open else {}
        return {**state, "deeper": self._deeper} if self._deeper else state

    @property
    def last(self) -> str:
        """The innermost open element; empty if there is none, or it is not known."""
        return self._open[-1] if self._open and not self._deeper else ""

    def wants(self, piece: Piece) -> bool:
        """Whether a record begins here."""
        if piece.kind not in {"start", "empty"}:
            return False
        if not self.name:
            return len(self._open) == 1
        if local(piece.name) != self.name:
            return False
        return not self._parents or (not self._deeper and self._open[-len(self._parents) :] == self._parents)

    def is_outside(self) -> bool:
        """Whether text here is in no element that the route leaves out."""
        return not self._open or (not self.name and len(self._open) == 1)

    def found(self) -> None:
        """The document holds a record, or a reject in its place."""
        self.document = None

    def enter(self, piece: Piece, where: Callable[[], Position]) -> None:
        """An element begins that is no record; `where` tells its place."""
        name = local(piece.name)
        document = self.document
        if document is not None and len(document.names) < _NAMES_NAMED:
            self.document = document._replace(names=(*document.names, name))
        if piece.kind == "empty":
            return
        if self.name and not self._open:
            self.document = Document(where())
        if len(self._open) < DEEPEST:
            self._open.append(name)
        else:
            self._deeper += 1

    def leave(self, piece: Piece) -> Document | None:
        """An end tag; the document, if it ends here and no record was in it but other elements were."""
        name = local(piece.name)
        if self._deeper:
            self._deeper -= 1
        elif name in self._open:
            while self._open.pop() != name:
                pass
        if self._open:
            return None
        ended, self.document = self.document, None
        return ended if ended is not None and ended.names else None

    def clear(self) -> None:
        """Another document begins, or none."""
        self._open, self._deeper, self.document = [], 0, None

    def is_open(self) -> bool:
        """Whether the input would end inside a document here."""
        return bool(self._open)

    def took(self, data: bytes, offset: int) -> None:
        """The bytes from `offset` on leave the window: keep the document's beginning."""
        document = self.document
        if document is None or len(document.raw) >= RAW_BYTES:
            return
        first = max(0, document.start.offset - offset)
        self.document = document._replace(raw=(document.raw + data[first : first + RAW_BYTES])[:RAW_BYTES])
