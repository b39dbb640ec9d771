"""A transform, held to what a data collection rule takes.

Rule: what Azure would refuse, or drop in silence, is a problem with its place and
the remedy; what cannot be known from the text is not claimed. Invariant: all
problems are found in one pass, and a mistake in brackets or strings hides only what
cannot be told for it. Strategy: statements (here), then the operators between pipes
(steps.py), then scalar expressions (expression.py), with the columns carried along.

This is no whole parser: what only a parser can see is Microsoft's analyser's
(analyser.py) to say, and both are put together in together.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from . import instead
from .allowed import HEADS, MAX_CHARACTERS, MAX_DEPTH, OPERATORS, SOURCE
from .face import UNKNOWN, Checked, Kind, Problem, Table, kusto_type, problem
from .output import output_problems
from .scope import Columns, Scope
from .steps import Steps
from .text import Text
from .tokens import tokens

HALF = re.compile("[\ud800-\udfff]")
"""What no UTF-8 has, and an escape of YAML can write."""
_STATEMENTS = frozenset({"set", "declare", "alias", "pattern", "restrict"})
_GUESSED: frozenset[Kind] = frozenset({"syntax", "head", "name", "type"})
"""What is said of the structure: nothing to rely on while a bracket or a string has no end."""
UNSHAPED: frozenset[Kind] = frozenset({"bracket", "syntax", "head", "subset", "name"})
"""With one of these, nothing is said of the columns that come out: they follow from what is wrong."""


def check_transform(
    text: str, columns: Mapping[str, str] | None, table: Mapping[str, str] | Table | None = None
) -> Checked:
    """Look at a transform.

    Args:
        text: the KQL.
        columns: of the stream, name to type; None where they are not known.
        table: what is known of the table; as a mapping, all of its columns, name to type. None where nothing
            is: then nothing is said of the columns that come out, but for TimeGenerated and names that no
            table can have.
    """
    if not isinstance(table, Table):
        table = UNKNOWN if table is None else Table(table, whole=True)
    check = _Check(text, columns)
    try:
        result = check.run()
    except RecursionError:
        if check.text.deepest <= MAX_DEPTH:
            check.say(0, instead.TOO_LONG_A_CHAIN, "syntax")
        result = Columns(certain=False)
    problems = check.problems
    if any(found.kind == "bracket" for found in problems):
        problems = [found for found in problems if found.kind not in _GUESSED]
    types = {column: made.type for column, made in result.columns.items()} if result.certain else None
    places = {column: made.place for column, made in result.columns.items() if made.place is not None}
    checked = Checked((), types, places, result.gone, check.last, tuple(check.comments), check.text.deepest)
    if types is not None and not UNSHAPED & {found.kind for found in problems}:
        problems += output_problems(text, types, checked, table)
    return checked.saying(problems)


class _Check:
    def __init__(self, text: str, columns: Mapping[str, str] | None) -> None:
        self.problems: list[Problem] = []
        self.source = columns and {name: kusto_type(kind) for name, kind in columns.items()}
        self.string = text
        found, self.comments = tokens(text)
        self.text = Text(found, self.say)
        self.steps = Steps(self.text, self.nested)
        self.last = 0
        """Where the last step of the query begins."""

    def say(self, offset: int, sentence: str, kind: Kind) -> None:
        self.problems.append(problem(self.string, offset, sentence, kind))

    def at(self, index: int, high: int, sentence: str, kind: Kind) -> None:
        self.say(self.text.offset(index, high), sentence, kind)

    def run(self) -> Columns:
        if len(self.string) > MAX_CHARACTERS:
            self.say(0, f"has {len(self.string)} characters; a rule takes {MAX_CHARACTERS}.", "length")
        for half in HALF.finditer(self.string):
            self.say(
                half.start(), "here is half of a character (a lone surrogate): write all of it.", "syntax"
            )
        if not self.text.tokens:
            self.say(0, "is empty. Write source, or leave the key out.", "head")
            return Columns(certain=False)
        return self.statements(0, len(self.text.tokens), Scope())

    def statements(self, low: int, high: int, scope: Scope) -> Columns:
        """`let` statements and one query."""
        result: Columns | None = None
        for start, end in self.text.split(low, high, ";"):
            if start == end:
                continue
            first = self.text.tokens[start]
            if result is not None:
                self.at(start, end, "a rule takes one query: leave out what follows its semicolon.", "subset")
                break
            if first.text == "let" and first.kind == "name":
                self.let(start, end, scope)
            elif first.text in _STATEMENTS and end - start > 1 and self.text.tokens[start + 1].kind == "name":
                self.at(start, end, f"a rule takes let statements only, not {first.text}.", "subset")
            else:
                result = self.query(start, end, scope)
        if result is None:
            self.at(high, high, "the query is missing: after the let statements write source | ...", "head")
        return result or Columns(certain=False)

    # -- let --------------------------------------------------------------------------------

    def let(self, low: int, high: int, scope: Scope) -> None:
        named = self.text.name(low + 1, high)
        if named is None or not self.text.is_mark(named[1], high, "="):
            self.at(low, high, "a let statement is let NAME = VALUE;", "syntax")
            return
        name, start = named[0], named[1] + 1
        if start < high and self.text.tokens[start].text == "view":
            start += 1
        body = self.body(start, high)
        if body is not None:
            scope.functions[name] = self.function(start, body, high, scope)
        elif self.tabular(start, high, scope):
            scope.tables[name] = self.query(start, high, scope)
        else:
            scope.scalars[name] = self.steps.expression(Columns(), scope).read(start, high)

    def body(self, low: int, high: int) -> int | None:
        """Index of the { of a function such as (x:string) { ... }."""
        if not self.text.is_mark(low, high, "("):
            return None
        body = self.text.closing[low] + 1
        return body if self.text.is_mark(body, high, "{") else None

    def function(self, low: int, body: int, high: int, scope: Scope) -> str | None:
        """A function of `let`: its arguments, its body; the type of its result."""
        inner = scope.inner()
        for start, end in self.text.split(low + 1, self.text.closing[low], ","):
            self.parameter(start, end, inner)
        start, end = body + 1, min(self.text.closing[body], high)
        parts = [part for part in self.text.split(start, end, ";") if part[0] < part[1]]
        if not parts:
            self.at(body, high, "the function is empty.", "syntax")
            return None
        for part in parts[:-1]:
            self.let(*part, inner)
        if self.tabular(*parts[-1], inner):
            self.query(*parts[-1], inner)
            return None
        return self.steps.expression(Columns(certain=False), inner).read(*parts[-1])

    def parameter(self, low: int, high: int, scope: Scope) -> None:
        named = self.text.name(low, high)
        if named is None or not self.text.is_mark(named[1], high, ":"):
            if low < high:
                self.at(low, high, "an argument is NAME:TYPE, such as x:string.", "syntax")
        elif self.text.is_mark(named[1] + 1, high, "("):
            self.at(low, high, "a rule takes functions of scalars only, not of tables.", "subset")
            scope.tables[named[0]] = Columns(certain=False)
        else:
            kind = self.text.tokens[named[1] + 1].text if named[1] + 1 < high else ""
            scope.scalars[named[0]] = kusto_type(kind) or None

    def tabular(self, low: int, high: int, scope: Scope) -> bool:
        """Whether this is a query rather than a scalar."""
        first = self.text.tokens[low].text if low < high else ""
        parts = list(self.text.split(low, high, "|"))
        if len(parts) > 1:
            return True
        if self.text.is_mark(low, high, "(") and self.text.closing[low] == high - 1:
            return self.tabular(low + 1, high - 1, scope)
        alone = high == low + 1
        return first in {SOURCE, *scope.tables} if alone else first in {"print", "datatable"}

    # -- queries ----------------------------------------------------------------------------

    def nested(self, low: int, high: int, scope: Scope) -> Columns:
        """A query in brackets, within a step."""
        last = self.last
        columns = self.query(low, high, scope)
        self.last = last
        return columns

    def query(self, low: int, high: int, scope: Scope) -> Columns:
        """A query's columns."""
        first, *others = self.text.split(low, high, "|")
        columns = self.head(*first, scope)
        self.last = self.text.offset(low, high)
        for start, end in others:
            self.last = self.text.offset(start, end)
            columns = self.steps.read(start, end, columns, scope)
        return columns

    def head(self, low: int, high: int, scope: Scope) -> Columns:
        """What a query begins with."""
        name = self.text.tokens[low].text if low < high and self.text.tokens[low].kind == "name" else ""
        alone = high == low + 1
        if name in {"print", "datatable"} and not alone:
            if name == "print":
                return self.steps.print(low + 1, high, scope)
            return self.steps.datatable(low, high, scope)
        if self.text.is_mark(low, high, "(") and self.text.closing[low] == high - 1:
            return self.query(low + 1, high - 1, scope)
        if alone and name in scope.tables:
            return scope.tables[name]
        if alone and name == SOURCE:
            return Columns.of(self.source)
        if name in scope.functions:
            self.steps.expression(Columns(certain=False), scope).read(low, high)
        else:
            self.wrong_head(low, high)
        return Columns(certain=False)

    def wrong_head(self, low: int, high: int) -> None:
        name, _ = self.steps.operator(low, high)
        shown = self.text.tokens[low].text[:30] if low < high else ""
        if name == SOURCE:
            self.at(low + 1, high, "after source comes a pipe: source | where ...", "syntax")
        elif name in OPERATORS or not shown:
            self.at(low, high, f"a query begins with source: source | {name or 'where'} ...", "head")
        elif instead.is_operator(name) and name not in HEADS:
            self.at(low, high, instead.operator(name), "subset")
        elif name.lower() == SOURCE:
            self.at(low, high, "the rows that come in are called source, in lower case.", "head")
        else:
            self.at(low, high, f"a query begins with source or print, not with {shown}.", "head")
