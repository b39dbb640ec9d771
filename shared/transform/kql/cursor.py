"""The tokens of a transform, read one after the other.

Rule: a mark, a name or a word is asked for by its text, a string or a number by its
kind. Invariant: behind the last token is one that is nothing, so that looking ahead
always finds a token.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ..face import kusto_type
from ..tokens import Token
from . import literals
from .tree import KqlError

_T = TypeVar("_T")
_TYPES = frozenset(
    {"string", "int", "long", "real", "boolean", "datetime", "timespan", "dynamic", "guid", "decimal"}
)


class Cursor:
    """A place among tokens.

    Args:
        found: the tokens.
        end: the length of the text.
    """

    def __init__(self, found: list[Token], end: int) -> None:
        self._tokens = [*found, Token("mark", "", end, end)]
        self._at = 0

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _take(self) -> Token:
        token = self._tokens[self._at]
        self._at = min(self._at + 1, len(self._tokens) - 1)
        return token

    def _is(self, *texts: str, ahead: int = 0) -> bool:
        token = self._tokens[min(self._at + ahead, len(self._tokens) - 1)]
        return token.text in texts and token.kind in {"mark", "name", "word"}

    def _kind(self, ahead: int) -> str:
        return self._tokens[min(self._at + ahead, len(self._tokens) - 1)].kind

    def _accept(self, *texts: str) -> Token | None:
        return self._take() if self._is(*texts) else None

    def _expect(self, text: str) -> Token:
        if not self._is(text):
            raise self._wrong(f"{text} belongs here")
        return self._take()

    def _wrong(self, what: str) -> KqlError:
        token = self._next
        there = f", not {token.text[:40]}" if token.text else " before the end"
        return KqlError(f"{what}{there}.", token.start)

    def _separated(self, one: Callable[[], _T], end: str) -> tuple[_T, ...]:
        """As many as there are, with commas between them, up to and with the closing mark."""
        found: list[_T] = []
        while not self._is(end):
            found.append(one())
            if not self._accept(","):
                break
        self._expect(end)
        return tuple(found)

    def _listed(self, one: Callable[[], _T]) -> tuple[_T, ...]:
        """One or more with commas between them."""
        found = [one()]
        while self._accept(","):
            found.append(one())
        return tuple(found)

    def _name(self) -> str:
        """A name, as it is or in ['...']."""
        if self._next.kind == "name":
            return self._take().text
        quoted = self._is("[") and self._tokens[self._at + 1].kind == "string" and self._is("]", ahead=2)
        if not quoted:
            raise self._wrong("a name belongs here")
        self._take()
        name = literals.text_of(self._take())
        self._take()
        return name

    def _type(self) -> str:
        token = self._take()
        kind = kusto_type(token.text.lower())
        if kind not in _TYPES:
            raise KqlError(f"{token.text} is no type.", token.start)
        return kind

    def _strings(self) -> str:
        """A string; several in a row are one."""
        found = ""
        while self._next.kind == "string":
            found += literals.text_of(self._take())
        return found
