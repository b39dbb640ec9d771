"""One scalar expression: what in it a rule refuses, and its type.

Rule: reads any sequence of tokens to its end; what it cannot place it says once and
goes on, so that a mistake hides no other. Invariant: a type is given only where it
follows for certain, None else. Strategy: precedence climbing over the tokens; the
brackets are matched beforehand, so that a part in brackets is looked at on its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from . import instead
from .allowed import RESULTS, SOURCE, STRING_OPERATORS, TYPED_LITERALS
from .face import Kind
from .scope import Columns, Scope
from .text import Text
from .tokens import Token, bad_escape, number_type, string_value
from .words import NOT_USED, bracketed

_COMPARING = frozenset({*STRING_OPERATORS, "<", ">", "<=", ">=", "<>", "matches"}) - {"matches regex"}
_RANK = {
    "or": 1,
    "and": 2,
    **dict.fromkeys(_COMPARING, 3),
    **dict.fromkeys(("+", "-"), 4),
    **dict.fromkeys(("*", "/", "%"), 5),
}
_NOT = "to turn a condition round, write not(...)."
_SLIPS = {
    "&&": ("and", "&& is no operator of KQL: write and."),
    "||": ("or", "|| is no operator of KQL: write or."),
    "=": ("==", "= gives a name in extend and project; to compare, write ==."),
}
"""What is written for an operator by habit, and the operator."""
_NUMBERS = frozenset({"int", "long", "real"})


class _Operator(NamedTuple):
    """An operator, and what is to be said of how it is written."""

    name: str
    sentence: str = ""
    kind: Kind = "syntax"


class Expression:
    """Reads the tokens `low` to `high` of a text as one scalar expression.

    Args:
        text: the whole transform.
        columns: what the names of columns are here; None where no column can stand (a function's body).
        scope: what `let` has bound.
        nested: reads a query in brackets.
    """

    def __init__(
        self, text: Text, columns: Columns, scope: Scope, nested: Callable[[int, int, Scope], Columns]
    ) -> None:
        self.text = text
        self.columns = columns
        self.scope = scope
        self.nested = nested
        self.at = 0
        self.high = 0
        self.lost = False
        """Whether the structure is lost up to `high`."""

    def read(self, low: int, high: int) -> str | None:
        """Look at the expression; its type, or None."""
        outer = self.at, self.high, self.lost
        self.at, self.high, self.lost = low, high, False
        if low >= high:
            self._say(low, "a value is missing here.", "syntax")
        kind: str | None = None
        while self.at < high:
            kind = self._climb(0)
            if self.at < high:
                self._stray(self.text.tokens[self.at])
        if self.lost:
            kind = None
        self.at, self.high, self.lost = outer
        return kind

    def _say(self, index: int, sentence: str, kind: Kind) -> None:
        if not self.lost or kind == "subset":
            self.text.say(self.text.offset(index, self.high), sentence, kind)

    def _stray(self, token: Token) -> None:
        """A value behind a value, with no operator between: of the structure no more is said."""
        shown = token.text[:20]
        self._say(
            self.at, f"{shown} is not expected here; an operator or a comma is missing before it.", "syntax"
        )
        self.lost = True
        if token.kind in {"mark", "word"} and token.text not in {"(", "["}:
            self.at = self.text.closing.get(self.at, self.at) + 1

    def _operator(self) -> _Operator | None:
        """The operator that stands between two values here."""
        token = self.text.tokens[self.at]
        text = token.text
        if token.kind not in {"mark", "name", "word"}:
            return None
        if text in _RANK:
            return _Operator(text)
        if text in _SLIPS:
            return _Operator(*_SLIPS[text])
        if token.kind == "name" and text.lower() in _RANK:
            return _Operator(text.lower(), f"operators are in lower case: write {text.lower()}.")
        refused = instead.infix(text)
        like = "in" if self.text.is_mark(self.at + 1, self.high, "(") else "=="
        return _Operator(like, refused, "subset") if refused else None

    def _climb(self, rank: int) -> str | None:
        left = self._operand()
        while self.at < self.high:
            operator = self._operator()
            if operator is None or _RANK[operator.name] <= rank:
                break
            if operator.sentence:
                self._say(self.at, operator.sentence, operator.kind)
            self.at += 1
            if operator.name == "matches":
                self._regex()
            if operator.name in {"in", "!in"}:
                self._list()
                left = "boolean"
            else:
                left = _combined(operator.name, left, self._climb(_RANK[operator.name]))
        return left

    def _regex(self) -> None:
        if self.at < self.high and self.text.tokens[self.at].text == "regex":
            self.at += 1
        else:
            self._say(self.at, "matches is followed by regex: TEXT matches regex PATTERN.", "syntax")

    def _list(self) -> None:
        """What follows `in`: values or a table, in brackets."""
        if self.text.is_mark(self.at, self.high, "("):
            close = self.text.closing[self.at]
            self._inside(self.at + 1, min(close, self.high), empty=False)
            self.at = close + 1
        else:
            self._say(self.at, "in is followed by values in brackets: in (1, 2).", "syntax")

    # -- operands ---------------------------------------------------------------------------

    def _operand(self) -> str | None:
        if self.at >= self.high:
            self._say(self.at, "a value is missing here.", "syntax")
            return None
        token = self.text.tokens[self.at]
        if token.kind == "mark":
            kind = self._marked(token)
        elif token.kind == "word":
            known = token.text in _RANK or instead.infix(token.text)
            self._say(self.at, f"a value is missing before {token.text}." if known else _NOT, "syntax")
            self.at += 1
            return None
        else:
            self.at += 1
            kind = self._plain(token)
        return self._path(kind)

    def _plain(self, token: Token) -> str | None:
        if token.kind == "string":
            return self._string()
        if token.kind == "number":
            return number_type(token.text)
        if token.kind == "literal":
            return self._literal(token)
        if token.kind == "name":
            return self._called(token) if self.text.is_mark(self.at, self.high, "(") else self._name(token)
        return None

    def _string(self) -> str:
        """Strings side by side are one."""
        self.at -= 1
        while self.at < self.high and self.text.tokens[self.at].kind == "string":
            token = self.text.tokens[self.at]
            bad = bad_escape(token)
            if bad is not None:
                shown = token.text[bad - token.start : bad - token.start + 2]
                self.text.say(
                    bad,
                    f"{shown} is no escape of a string: write \\{shown}, or @ before the string.",
                    "syntax",
                )
            self.at += 1
        return "string"

    def _literal(self, token: Token) -> str | None:
        kind = TYPED_LITERALS[token.text.partition("(")[0].strip()]
        if kind == "dynamic":
            self._say(self.at - 1, instead.DYNAMIC, "subset")
        return kind

    def _marked(self, token: Token) -> str | None:
        if token.text in {"-", "+"}:
            self.at += 1
            kind = self._climb(5)
            return kind if kind in {"real", "timespan", "long"} else None
        if token.text == "(":
            close = self.text.closing[self.at]
            inner = self.at + 1, min(close, self.high)
            self.at = close + 1
            return self._inside(*inner, empty=False)
        name = self.text.name(self.at, self.high)
        if name:
            at, self.at = self.at, name[1]
            return self._column(name[0], at)
        self._unplaced(token)
        return None

    def _unplaced(self, token: Token) -> None:
        if token.text == "*":
            self.at += 1
            return
        if token.text in {"[", "{"}:
            self._say(self.at, "a list or an object is written parse_json('...').", "syntax")
            self.at = self.text.closing[self.at] + 1
            return
        if token.text == "!":
            self._say(
                self.at,
                "! stands before operators such as !in; to turn a condition round, write not(...).",
                "syntax",
            )
        elif token.text == "=":
            self._say(self.at, "to compare, write ==.", "syntax")
        else:
            self._say(self.at, f"a value is missing before {token.text[:20]}.", "syntax")
        self.at += 1

    def _path(self, kind: str | None) -> str | None:
        """What follows a value: .key, ['key'], [0]."""
        while self.at < self.high:
            if self.text.is_mark(self.at, self.high, "."):
                self.at += 1
                if self.at < self.high and self.text.tokens[self.at].kind in {"name", "number", "literal"}:
                    self.at += 1
                elif not self.text.is_mark(self.at, self.high, "["):
                    self._say(self.at, "a key is missing after the dot.", "syntax")
            elif self.text.is_mark(self.at, self.high, "["):
                close = self.text.closing[self.at]
                self.read(self.at + 1, min(close, self.high))
                self.at = close + 1
            else:
                break
            kind = "dynamic" if kind == "dynamic" else None
        return kind

    def _name(self, token: Token) -> str | None:
        if token.text in {"true", "false"}:
            return "boolean"
        if token.text in NOT_USED:
            missing = token.text in _RANK and token.text not in self.columns.columns
            sentence = f"a value is missing before {token.text}." if missing else bracketed(token.text)
            self._say(self.at - 1, sentence, "syntax")
            return None
        if token.text == "not" and self.at < self.high and not self.columns.may_be("not"):
            self._say(self.at - 1, "write not(...).", "syntax")
            self._climb(3)
            return "boolean"
        return self._column(token.text, self.at - 1)

    def _column(self, name: str, index: int) -> str | None:
        column = self.columns.columns.get(name)
        if column is not None:
            return column.type
        if name in self.scope.scalars:
            return self.scope.scalars[name]
        bound = {SOURCE, *self.scope.tables, *self.scope.functions}
        if self.columns.certain and name not in bound:
            self._say(index, self.columns.unknown(name, self.scope.scalars), "name")
        return None

    # -- calls ------------------------------------------------------------------------------

    def _called(self, token: Token) -> str | None:
        close = min(self.text.closing[self.at], self.high)
        arguments = (self.at + 1, close)
        name = token.text
        inner = self.at - 1
        self.at = close + 1
        if name == "datatable":
            if self.text.is_mark(self.at, self.high, "["):
                self.at = self.text.closing[self.at] + 1
            return None
        if name == "typeof":
            return None
        if name in _RANK:
            self.text.say(token.start, f"a value is missing before {name}.", "syntax")
            self._inside(*arguments)
            return None
        if name in self.scope.functions:
            self._inside(*arguments)
            return self.scope.functions[name]
        if name not in RESULTS:
            self._say(inner, instead.function(name, list(self.scope.functions)), "subset")
            if self._piped(*arguments):
                return None
        return self._result(name, *arguments)

    def _inside(self, low: int, high: int, *, empty: bool = True) -> str | None:
        """Values with commas between, or a query; the type of the only value."""
        if self._piped(low, high):
            self.nested(low, high, self.scope)
            return None
        kinds = self._values(low, high, empty=empty)
        return kinds[0] if len(kinds) == 1 else None

    def _piped(self, low: int, high: int) -> bool:
        """Whether a query stands there."""
        return len(list(self.text.split(low, high, "|"))) > 1

    def _values(self, low: int, high: int, *, empty: bool = True) -> list[str | None]:
        if low >= high and empty:
            return []
        kinds = []
        for start, end in self.text.split(low, high, ",", ".."):
            named = end - start > 2 and self.text.is_mark(start + 1, end, "=")
            kinds.append(self.read(start + 2 if named else start, end))
        return kinds

    def _result(self, name: str, low: int, high: int) -> str | None:
        kinds = self._values(low, high)
        if name in {"iif", "iff", "case"}:
            chosen = kinds[1::2] + kinds[-1:] if name == "case" else kinds[1:]
            return chosen[0] if chosen and len(set(chosen)) == 1 else None
        if name in {"bin", "floor"}:
            return kinds[0] if kinds and kinds[0] in {"datetime", "timespan"} else None
        if name == "columnifexists":
            return self._if_exists(low, high, kinds)
        if name == "extract":
            return "string" if len(kinds) == 3 else None
        return RESULTS.get(name) or None

    def _if_exists(self, low: int, high: int, kinds: list[str | None]) -> str | None:
        token = self.text.tokens[low] if low < high else None
        wanted = string_value(token) if token and token.kind == "string" else None
        if wanted is None or not self.columns.certain or len(kinds) != 2:
            return None
        column = self.columns.columns.get(wanted)
        return column.type if column else kinds[1]


def _combined(operator: str, left: str | None, right: str | None) -> str | None:
    """The type of two values with an operator between, where it is certain."""
    if _RANK[operator] <= 3:
        return "boolean"
    both = {left, right}
    if both == {"datetime", "timespan"} and operator in {"+", "-"}:
        return "datetime"
    if both == {"datetime"} and operator == "-":
        return "timespan"
    if both == {"timespan"} and operator in {"+", "-"}:
        return "timespan"
    if "real" in both and both <= _NUMBERS:
        return "real"
    return "long" if both == {"long"} else None
