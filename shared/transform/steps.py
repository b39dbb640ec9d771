"""The operators between the pipes: what of them a rule refuses, and the columns they leave.

Rule: a step gets columns and gives columns; one that is not for a rule gives
columns that are not certain, so that nothing is claimed of what follows it.
Invariant: the columns that a step was given are never changed.
"""

from __future__ import annotations

from collections.abc import Callable

from . import instead
from .allowed import MAX_PARSED, OPERATORS
from .expression import Expression
from .face import Kind, kusto_type
from .scope import Columns, Scope
from .text import Text
from .words import NOT_GIVEN, NOT_USED, bracketed

_LISTED = ", ".join(OPERATORS)


class Steps:
    """Reads single operators.

    Args:
        text: the whole transform.
        nested: reads a query in brackets.
    """

    def __init__(self, text: Text, nested: Callable[[int, int, Scope], Columns]) -> None:
        self.text = text
        self.nested = nested
        self._by_name: dict[str, Callable[[int, int, Columns, Scope], Columns]] = {
            "extend": self._extend,
            "project": self._project,
            "project-away": self._project_away,
            "project-rename": self._project_rename,
            "where": self._where,
            "parse": self._parse,
        }

    def read(self, low: int, high: int, columns: Columns, scope: Scope) -> Columns:
        """One operator, from its name to the next pipe: the columns after it."""
        name, start = self.operator(low, high)
        if name in self._by_name:
            return self._by_name[name](start, high, columns, scope)
        if name:
            self._say(low, high, instead.operator(name), "subset")
        else:
            self._say(low, high, f"an operator is missing after the pipe: {_LISTED}.", "syntax")
        return Columns(certain=False)

    def operator(self, low: int, high: int) -> tuple[str, int]:
        """The operator's name at `low`, hyphens and all ("" where there is none), and the index behind it."""
        at = low
        if at >= high or self.text.tokens[at].kind != "name":
            return "", at
        name, at = self.text.tokens[at].text, at + 1
        while self.text.is_mark(at, high, "-") and at + 1 < high and self.text.tokens[at + 1].kind == "name":
            before, hyphen, after = self.text.tokens[at - 1 : at + 2]
            if before.end != hyphen.start or hyphen.end != after.start:
                break
            name, at = f"{name}-{after.text}", at + 2
        return name, at

    def expression(self, columns: Columns, scope: Scope) -> Expression:
        """A reader of scalar expressions over these columns."""
        return Expression(self.text, columns, scope, self.nested)

    def print(self, low: int, high: int, scope: Scope) -> Columns:
        """The values of print, which begins a query."""
        columns = Columns()
        for index, (start, end) in enumerate(self.text.split(low, high, ",")):
            self._assign(start, end, Columns(), columns, scope, f"print_{index}")
        return columns

    def datatable(self, low: int, high: int, scope: Scope) -> Columns:
        """datatable (NAME:TYPE, ...) [values], which begins a query."""
        columns = Columns()
        if not self.text.is_mark(low + 1, high, "("):
            self._say(low + 1, high, 'a datatable is datatable(NAME:TYPE) ["value"].', "syntax")
            return Columns(certain=False)
        close = self.text.closing[low + 1]
        for start, end in self.text.split(low + 2, min(close, high), ","):
            named = self.text.name(start, end)
            if named and named[1] + 2 == end and self.text.is_mark(named[1], end, ":"):
                kind = kusto_type(self.text.tokens[named[1] + 1].text)
                columns.put(named[0], kind, self.text.offset(start, end))
            elif start < end:
                columns.certain = False
        if self.text.is_mark(close + 1, high, "["):
            end = min(self.text.closing[close + 1], high)
            for part in self.text.split(close + 2, end, ","):
                if part[0] < part[1]:
                    self.expression(Columns(), scope).read(*part)
        return columns

    def _say(self, index: int, high: int, sentence: str, kind: Kind) -> None:
        self.text.say(self.text.offset(index, high), sentence, kind)

    # -- the operators ----------------------------------------------------------------------

    def _where(self, low: int, high: int, columns: Columns, scope: Scope) -> Columns:
        kind = self.expression(columns, scope).read(low, high)
        if kind not in {None, "boolean"}:
            sentence = f"where takes a condition, and this is {kind}: compare it with something."
            self._say(low, high, sentence, "type")
        return columns

    def _extend(self, low: int, high: int, columns: Columns, scope: Scope) -> Columns:
        made, parts = columns.copy(), list(self.text.split(low, high, ","))
        named = (self.text.name(start, end) for start, end in parts)
        before = columns.copy()
        before.coming = frozenset(name[0] for name in named if name and self.text.is_mark(name[1], high, "="))
        for start, end in parts:
            self._assign(start, end, before, made, scope)
        return made

    def _project(self, low: int, high: int, columns: Columns, scope: Scope) -> Columns:
        place = self.text.offset(low - 1, high)
        made = Columns(gone=columns.gone | dict.fromkeys(columns.columns, place))
        for start, end in self.text.split(low, high, ","):
            self._assign(start, end, columns, made, scope, kept=True)
        return made

    def _assign(
        self,
        low: int,
        high: int,
        before: Columns,
        made: Columns,
        scope: Scope,
        default: str = "",
        *,
        kept: bool = False,
    ) -> None:
        """NAME = VALUE; or a value alone, which Azure names (`default`); or a column's name (`kept`)."""
        named = self.text.name(low, high)
        place = self.text.offset(low, high)
        if named and self.text.is_mark(named[1], high, "="):
            self._given(low, high)
            kind = self.expression(before, scope).read(named[1] + 1, high)
            made.put(named[0], kind, place)
            return
        slip = self._slip(low, high, before)
        if slip:
            self._say(low, high, slip, "syntax")
            made.certain = False
            return
        kind = self.expression(before, scope).read(low, high)
        if kept and named and named[1] == high:
            made.keep(named[0], before, place)
        elif default:
            made.put(default, kind, place)
        else:
            made.certain = False

    def _given(self, low: int, high: int, words: frozenset[str] = NOT_GIVEN) -> None:
        """A name that a column is given: a word of KQL itself needs brackets."""
        token = self.text.tokens[low]
        if token.kind == "name" and token.text in words:
            self._say(low, high, bracketed(token.text), "syntax")

    def _slip(self, low: int, high: int, before: Columns) -> str:
        """A sentence for what is meant as NAME = VALUE, and is not."""
        if self.text.is_mark(low, high, "(") and self.text.is_mark(self.text.closing[low] + 1, high, "="):
            return "give one name to one value: NAME = VALUE."
        named = self.text.name(low, high)
        if named and self.text.is_mark(named[1], high, "==") and not before.may_be(named[0]):
            return f"to make the column {named[0]} write {named[0]} = ..., with one =."
        return ""

    def _project_away(self, low: int, high: int, columns: Columns, scope: Scope) -> Columns:
        del scope
        left = columns.copy()
        for start, end in self.text.split(low, high, ","):
            pattern = self._pattern(start, end)
            if pattern is None:
                name = self._known(start, end, columns)
                names = [] if name is None else [name]
            else:
                names = [name for name in left.columns if _fits(name, pattern)]
            for name in names:
                left.take(name, self.text.offset(start, end))
        return left

    def _pattern(self, low: int, high: int) -> str | None:
        """A name with * in it, as project-away takes it."""
        pieces = self.text.tokens[low:high]
        text = "".join(piece.text for piece in pieces)
        plain = all(piece.kind in {"name", "number"} or piece.text == "*" for piece in pieces)
        return text if plain and "*" in text else None

    def _known(self, low: int, high: int, columns: Columns) -> str | None:
        """The one name that stands here, and is a column."""
        named = self.text.name(low, high)
        if named is None or named[1] != high:
            self._say(low, high, "a column's name belongs here.", "syntax")
            return None
        if not columns.may_be(named[0]):
            self._say(low, high, columns.unknown(named[0]), "name")
            return None
        self._given(low, high, NOT_USED | NOT_GIVEN)
        return named[0]

    def _project_rename(self, low: int, high: int, columns: Columns, scope: Scope) -> Columns:
        del scope
        names: dict[str, tuple[str, int]] = {}
        for start, end in self.text.split(low, high, ","):
            named = self.text.name(start, end)
            if named is None or not self.text.is_mark(named[1], end, "="):
                self._say(start, end, "project-rename takes NEW = OLD.", "syntax")
                continue
            self._given(start, end)
            old = self._known(named[1] + 1, end, columns)
            if old is not None:
                names[old] = named[0], self.text.offset(start, end)
        return columns.renamed(names)

    def _parse(self, low: int, high: int, columns: Columns, scope: Scope) -> Columns:
        """parse [kind=...] TEXT with PATTERN: literal text, * and NAME:TYPE in turn."""
        start = low
        while start + 2 < high and self.text.is_mark(start + 1, high, "="):
            start += 3  # kind=regex, flags=Ui
        pattern = next((i for i in range(start, high) if self.text.tokens[i][:2] == ("name", "with")), None)
        if pattern is None:
            self._say(low, high, 'parse takes a text and a pattern: parse TEXT with "a=" A.', "syntax")
            return Columns(certain=False)
        self.expression(columns, scope).read(start, pattern)
        return self._parsed(pattern + 1, high, columns)

    def _parsed(self, low: int, high: int, columns: Columns) -> Columns:
        made, count, at = columns.copy(), 0, low
        while at < high:
            named = self.text.name(at, high)
            if named is None:
                at += 1
                continue
            count += 1
            self._given(at, high)
            place, kind = self.text.offset(at, high), "string"
            name, at = named
            if self.text.is_mark(at, high, ":") and at + 1 < high:
                kind, at = kusto_type(self.text.tokens[at + 1].text), at + 2
            made.put(name, kind, place)
            if count == MAX_PARSED + 1:
                self.text.say(place, instead.TOO_MANY.format(most=MAX_PARSED, name=name), "subset")
        return made


def _fits(name: str, pattern: str) -> bool:
    """Whether a name has the pieces of a pattern with * in their order."""
    first, *middle, last = pattern.split("*")
    if not name.startswith(first):
        return False
    at = len(first)
    for piece in middle:
        found = name.find(piece, at)
        if found < 0:
            return False
        at = found + len(piece)
    return name.endswith(last) and len(name) - len(last) >= at
