"""A transform's text to its tree: statements and operators.

Rule: reads what a rule can hold and stops at the first thing that is not that, with
its place.
"""

from __future__ import annotations

from ..allowed import OPERATORS
from ..tokens import tokens
from .expressions import Expressions
from .tree import (
    DataTable,
    Expression,
    Extend,
    Function,
    Item,
    KqlError,
    Let,
    Operator,
    Parse,
    Piece,
    Print,
    Project,
    ProjectAway,
    ProjectRename,
    Query,
    Script,
    Table,
    Where,
)


def parse(text: str) -> Script:
    """The tree of a transform.

    Raises:
        KqlError: what is wrong, and where.
    """
    found, _ = tokens(text)
    return _Parser(found, len(text)).script()


class _Parser(Expressions):
    # -- statements -------------------------------------------------------------------------

    def script(self) -> Script:
        lets = self._lets()
        query = self._query()
        self._accept(";")
        if self._next.text:
            raise self._wrong("the transform should end here")
        return Script(lets, query)

    def _lets(self) -> tuple[Let, ...]:
        found: list[Let] = []
        while self._is("let") and not self._is("=", ahead=1):
            at = self._take().start
            name = self._name()
            self._expect("=")
            found.append(Let(name, self._bound(), at))
            self._expect(";")
            while self._accept(";"):
                pass
        return tuple(found)

    def _bound(self) -> Expression | Query | Function:
        """What `let` binds."""
        if self._is("(") and (self._is(")", ahead=1) or self._is(":", ahead=2)):
            return self._function()
        if self._is("view") and self._is("(", ahead=1):
            raise self._wrong("a view is not for a transform")
        if self._is_query():
            return self._query()
        return self.expression()

    def _function(self) -> Function:
        at = self._expect("(").start
        parameters = self._separated(self._parameter, ")")
        self._expect("{")
        lets = self._lets()
        body = self.expression()
        self._accept(";")
        self._expect("}")
        return Function(parameters, lets, body, at)

    def _parameter(self) -> tuple[str, str, Expression | None]:
        name = self._name()
        self._expect(":")
        if self._is("("):
            raise self._wrong("a transform's functions take scalars only")
        kind = self._type()
        return name, kind, self.expression() if self._accept("=") else None

    def _query(self) -> Query:
        if self._accept("("):
            inner = self._query()
            self._expect(")")
            head, operators = inner.head, [*inner.operators]
        else:
            head, operators = self._head(), []
        while self._accept("|"):
            operators.append(self._operator())
        return Query(head, tuple(operators))

    def _head(self) -> Table | Print | DataTable:
        at = self._next.start
        if self._accept("print"):
            return Print(self._listed(self._item), at)
        if self._is("datatable") and self._is("(", ahead=1):
            return self._datatable()
        return Table(self._name(), at)

    def _datatable(self) -> DataTable:
        at = self._take().start
        self._expect("(")
        columns = self._separated(self._column, ")")
        self._expect("[")
        return DataTable(columns, self._separated(self.expression, "]"), at)

    def _column(self) -> tuple[str, str]:
        name = self._name()
        self._expect(":")
        return name, self._type()

    # -- operators --------------------------------------------------------------------------

    def _operator(self) -> Operator:
        token = self._take()
        name, at = token.text, token.start
        while name and self._is("-") and self._tokens[self._at + 1].kind == "name":
            self._take()
            name += "-" + self._take().text
        if name == "where":
            return Where(self.expression(), at)
        if name == "extend":
            return Extend(self._listed(self._item), at)
        if name == "project":
            return Project(self._listed(self._item), at)
        if name == "project-away":
            return ProjectAway(self._listed(self._pattern), at)
        if name == "project-rename":
            return ProjectRename(self._listed(self._renamed), at)
        if name == "parse":
            return self._parse(at)
        listed = ", ".join(OPERATORS)
        raise KqlError(f"{name or 'nothing'} is no operator of a transform: {listed}.", at)

    def _item(self) -> Item:
        at, start = self._next.start, self._at
        if self._next.kind == "name" or self._is("["):
            name = self._name()
            if self._accept("="):
                return Item(name, self.expression(), at)
            self._at = start
        return Item(None, self.expression(), at)

    def _pattern(self) -> tuple[str, int]:
        """A name that may have * in it; its parts touch."""
        at, text, end = self._next.start, "", self._next.start
        if self._is("["):
            return self._name(), at
        while self._next.start == end and (self._next.kind in {"name", "number"} or self._is("*")):
            token = self._take()
            text, end = text + token.text, token.end
        if not text:
            raise self._wrong("a column's name belongs here")
        return text, at

    def _renamed(self) -> tuple[str, str, int]:
        at = self._next.start
        new = self._name()
        self._expect("=")
        return new, self._name(), at

    def _parse(self, at: int) -> Parse:
        kind, flags = "simple", ""
        while self._is("kind", "flags") and self._is("=", ahead=1):
            option, _, value = self._take(), self._take(), self._take().text
            kind, flags = (value, flags) if option.text == "kind" else (kind, value)
        if kind not in {"simple", "regex", "relaxed"}:
            raise KqlError(f"kind={kind}: parse knows simple, regex and relaxed.", at)
        value_of = self.expression()
        self._expect("with")
        pieces: list[Piece] = []
        skip = False
        while self._is("*", "[") or self._next.kind in {"string", "name"}:
            piece = self._piece()
            if piece is None:
                skip = True
                break
            pieces.append(piece)
        return Parse(kind, flags, value_of, tuple(pieces), skip, at)

    def _piece(self) -> Piece | None:
        """[*] ["text"] [NAME[:TYPE]]; None for a * that ends the pattern."""
        at = self._next.start
        skip = self._accept("*") is not None
        text = self._strings() if self._next.kind == "string" else None
        if self._next.kind != "name" and not self._is("["):
            return None if skip and text is None else Piece(skip, text, None, None, at)
        name = self._name()
        kind = self._type() if self._accept(":") else "string"
        return Piece(skip, text, name, kind, at)
