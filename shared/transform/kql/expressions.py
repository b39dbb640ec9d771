"""Scalar expressions: tokens to a tree.

Rule: the precedence is that of Kusto's grammar: or, and, equality and `in`, < and >,
+ and -, * / %, then the string operators (has, contains, =~), which bind tighter than
arithmetic. Strategy: recursive descent; brackets nested some sixty deep are a
RecursionError, which `run` turns into a sentence.
"""

from __future__ import annotations

from collections.abc import Callable

from . import literals
from .cursor import Cursor
from .tree import Among, Binary, Call, Expression, Literal, Name, Query, Sign, Step, TypeOf

_POSITIVE = (
    "has",
    "has_cs",
    "contains",
    "contains_cs",
    "startswith",
    "startswith_cs",
    "endswith",
    "endswith_cs",
)
_TEXTUAL = frozenset({*_POSITIVE, *(f"!{word}" for word in _POSITIVE), "=~", "!~"})


class Expressions(Cursor):
    """Reads scalar expressions; whoever reads queries says how (`_query`)."""

    def _query(self) -> Query:
        raise NotImplementedError

    def _is_query(self) -> bool:
        """Whether a query follows, in brackets or not: print, datatable, source, or a name and a pipe."""
        ahead = 0
        while self._is("(", ahead=ahead):
            ahead += 1
        if self._is("print", "datatable", "source", ahead=ahead):
            return True
        return self._kind(ahead) == "name" and self._is("|", ahead=ahead + 1)

    def expression(self) -> Expression:
        """One expression; it ends where no operator goes on."""
        return self._chain(lambda: self._chain(self._equality, "and"), "or")

    def _chain(self, operand: Callable[[], Expression], *operators: str) -> Expression:
        left = operand()
        while token := self._accept(*operators):
            left = Binary(token.text, left, operand(), token.start)
        return left

    def _equality(self) -> Expression:
        left = self._relational()
        while True:
            if token := self._accept("in", "!in"):
                left = Among(left, self._items(), token.text == "!in", token.start)
            elif token := self._accept("==", "!=", "<>"):
                operator = "==" if token.text == "==" else "!="
                left = Binary(operator, left, self._relational(), token.start)
            else:
                return left

    def _items(self) -> tuple[Expression, ...] | Query:
        self._expect("(")
        if self._is_query():
            query = self._query()
            self._expect(")")
            return query
        return self._separated(self.expression, ")")

    def _relational(self) -> Expression:
        return self._chain(self._additive, "<", "<=", ">", ">=")

    def _additive(self) -> Expression:
        return self._chain(lambda: self._chain(self._textual, "*", "/", "%"), "+", "-")

    def _textual(self) -> Expression:
        left = self._signed()
        while True:
            token = self._next
            if self._is("matches") and self._is("regex", ahead=1):
                self._take()
            elif token.kind == "string" or token.text not in _TEXTUAL:
                return left
            self._take()
            left = Binary(token.text, left, self._signed(), token.start)

    def _signed(self) -> Expression:
        if token := self._accept("-", "+"):
            return Sign(token.text, self._signed(), token.start)
        return self._path()

    def _path(self) -> Expression:
        value = self._primary()
        while True:
            if token := self._accept("."):
                if self._next.kind == "string":
                    raise self._wrong("a name belongs behind the point")
                key: Expression = Literal("string", self._name(), token.start)
            elif token := self._accept("["):
                key = self.expression()
                self._expect("]")
            else:
                return value
            value = Step(value, key, token.start)

    def _primary(self) -> Expression:
        token = self._next
        if token.kind == "number":
            return literals.number_of(self._take())
        if token.kind == "literal":
            return self._typed()
        if token.kind == "string":
            return Literal("string", self._strings(), token.start)
        if self._accept("("):
            inner = self.expression()
            self._expect(")")
            return inner
        if self._is("true", "false"):
            return Literal("boolean", self._take().text == "true", token.start)
        if token.kind == "name" or self._is("["):
            return self._named()
        raise self._wrong("a value belongs here")

    def _typed(self) -> Expression:
        token = self._take()
        if "".join(token.text.split()) == "datetime()":
            return Call("now", (), token.start)
        return literals.typed_of(token)

    def _named(self) -> Expression:
        at = self._next.start
        if self._is("typeof") and self._is("(", ahead=1):
            self._take()
            self._take()
            kind = self._type()
            self._expect(")")
            return TypeOf(kind, at)
        name = self._name()
        if self._accept("("):
            return Call(name, self._separated(self.expression, ")"), at)
        return Name(name, at)
