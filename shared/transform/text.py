"""The tokens of a transform, with their brackets matched.

Rule: a part is a range of tokens, `low` to `high`, and brackets are stepped over
whole. Invariant: every opening bracket has a closing index, if need be the end of
the text, so that whoever reads goes on whatever is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from .allowed import MAX_DEPTH
from .face import Kind
from .instead import TOO_DEEP
from .tokens import Token, string_value

Say = Callable[[int, str, Kind], None]
"""Takes an offset into the text, a sentence and its kind."""

_OPEN = {"(": ")", "[": "]", "{": "}"}


class Text:
    """The tokens of a transform, with their brackets matched."""

    def __init__(self, tokens: list[Token], say: Say) -> None:
        self.tokens = tokens
        self.say = say
        self.closing: dict[int, int] = {}
        """Index of an opening bracket -> index of its closing one; the end where it has none."""
        self.deepest = 0
        """How many brackets stand in one another, at most."""
        self._match()

    def _match(self) -> None:
        waiting: list[int] = []
        for index, token in enumerate(self.tokens):
            if token.kind == "open":
                self.say(token.start, f"this {_what(token)} has no end.", "bracket")
            elif token.kind == "mark" and token.text in _OPEN:
                waiting.append(index)
                self._deeper(len(waiting), token)
            elif token.kind == "mark" and token.text in _OPEN.values():
                if waiting and _OPEN[self.tokens[waiting[-1]].text] == token.text:
                    self.closing[waiting.pop()] = index
                else:
                    self.say(token.start, f"this {token.text} closes nothing.", "bracket")
        for index in waiting:
            self.closing[index] = len(self.tokens)
            self.say(self.tokens[index].start, f"this {self.tokens[index].text} is never closed.", "bracket")

    def _deeper(self, depth: int, token: Token) -> None:
        if depth == MAX_DEPTH + 1 > self.deepest:
            self.say(token.start, TOO_DEEP.format(most=MAX_DEPTH), "syntax")
        self.deepest = max(self.deepest, depth)

    def split(self, low: int, high: int, *marks: str) -> Iterator[tuple[int, int]]:
        """The parts between marks that stand in no bracket of their own."""
        at = start = low
        while at < high:
            token = self.tokens[at]
            if token.kind == "mark" and token.text in marks:
                yield start, at
                start = at + 1
            at = min(self.closing.get(at, at), high) + 1
        yield start, high

    def is_mark(self, index: int, high: int, *marks: str) -> bool:
        """Whether a token is one of these marks."""
        return index < high and self.tokens[index].kind == "mark" and self.tokens[index].text in marks

    def offset(self, index: int, high: int) -> int:
        """Where a token begins; behind the last one where there is none."""
        if index < high:
            return self.tokens[index].start
        return self.tokens[high - 1].end if high else 0

    def name(self, low: int, high: int) -> tuple[str, int] | None:
        """The name at `low`, written as it is or ['so'], and the index behind it."""
        if low >= high:
            return None
        token = self.tokens[low]
        if token.kind == "name":
            return token.text, low + 1
        quoted = self.is_mark(low, high, "[") and self.closing[low] == low + 2 < high
        if quoted and self.tokens[low + 1].kind == "string":
            value = string_value(self.tokens[low + 1])
            return (value, low + 3) if value is not None else None
        return None


def _what(token: Token) -> str:
    return "string" if token.text.lstrip("hH")[:1] in {"@", '"', "'", "`", "~"} else f"{token.text[:12]}..."
