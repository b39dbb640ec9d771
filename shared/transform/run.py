"""Runs a transform on rows, as Azure would.

Rule: a transform is compiled once and run as often as there are rows; `columns` says
beforehand what comes out. Invariant: rows that the transform does not read or change
go through as they came, byte for byte; a row that fails is named in `failures` and
takes no other row with it. Nothing here is random, and the time is a parameter.

Not thread-safe: a Transform is run by one thread at a time.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

import msgspec

from ..errors import ConfigError
from .face import kusto_type, place
from .kql import ticks
from .kql.binder import Column
from .kql.parser import parse
from .kql.pipeline import SOURCE, Pipeline, Rows
from .kql.regexes import PatternError
from .kql.tree import CannotRunError, KqlError
from .kql.values import FROM_JSON, TO_JSON


class TransformError(ConfigError, ValueError):
    """A transform that Azure would not deploy either; the message has line and column.

    Args:
        message: for whoever starts what runs it.
        sentence: the message without the place.
        at: the place, in characters from the start; None where it is all of the text, or not known.
    """

    def __init__(self, message: str, sentence: str = "", at: int | None = None) -> None:
        super().__init__(message)
        self.sentence = sentence
        self.at = at


@dataclass(frozen=True, slots=True)
class Failure:
    """A row that a transform failed on."""

    row: int
    """Index into the rows that were given."""
    sentence: str
    """Why; it holds nothing of the row."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a transform makes of some rows."""

    columns: Mapping[str, str]
    """Names, in order, and types: those a stream can declare, and timespan, guid, decimal."""
    text: bytes
    """The rows as a JSON array. Times are ISO 8601, NaN and the infinities are texts."""
    count: int
    """Rows in it."""
    filtered: int
    """Rows that the transform left out."""
    failures: Sequence[Failure] = field(default=())
    """Rows that it failed on, which are not in the text either."""

    @property
    def errors(self) -> int:
        """How many rows it failed on."""
        return len(self.failures)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The rows, column by column."""
        found: list[dict[str, Any]] = msgspec.json.decode(self.text)
        return found


class Transform:
    """A compiled transform.

    Args:
        text: the KQL.
        columns: the stream's columns: name to type (string, int, long, real, boolean, datetime, dynamic).

    Raises:
        TransformError: the text is not right.
    """

    def __init__(self, text: str, columns: Mapping[str, str]) -> None:
        self.text = text
        self._now = 0
        self.note: str | None = None
        """A sentence where only Azure can run the transform: then rows are given back as they came."""
        source = {
            name: Column(kusto_type(kind), f"v{index}") for index, (name, kind) in enumerate(columns.items())
        }
        try:
            self._pipeline = self._compiled(text, source)
        except CannotRunError as error:
            self.note = f"The transform cannot be run here: {error}. Rows are kept as they came."
            self._pipeline = self._compiled(SOURCE, source)
        self.columns: Mapping[str, str] = {name: one.type for name, one in self._pipeline.columns.items()}
        """What comes out: names, in order, and types."""
        self.kept = frozenset(name for name, one in self._pipeline.columns.items() if source.get(name) == one)
        """Columns of the output that are the source's own, unchanged."""
        self._prepare(source)

    def _compiled(self, text: str, source: Mapping[str, Column]) -> Pipeline:
        pipeline = Pipeline(source, lambda: self._now)
        try:
            script = parse(text)
            pipeline.query(script.query, pipeline.lets(script.lets))
        except RecursionError:
            raise TransformError("the transform is nested too deeply.") from None
        except CannotRunError:
            raise
        except KqlError as error:
            line, column = place(text, error.at)
            raise TransformError(f"line {line}, column {column}: {error}", str(error), error.at) from error
        return pipeline

    def run(self, rows: bytes, received: dt.datetime | None = None) -> Result:
        """Run it.

        Args:
            rows: a JSON array of objects, as they are posted.
            received: when, with its zone: now() is this time. None: now.

        Raises:
            msgspec.DecodeError: `rows` is something else.
        """
        self._now = ticks.of_datetime(received or dt.datetime.now(dt.UTC))
        count, found = self._started(rows)
        failures: list[Failure] = []
        try:
            found = self._stepped(found)
        except Exception:  # whatever it is, it is found again row by row
            found, failures = self._one_by_one(rows)
        text = self._encode(self._out(found))
        filtered = max(0, count - len(found) - len(failures))
        return Result(self.columns, text, len(found), filtered, failures)

    # -- in -----------------------------------------------------------------------------------

    def _prepare(self, source: Mapping[str, Column]) -> None:
        """The types that rows are decoded to and encoded from.

        A column of the source is in `c0`, `c1` ... as it came, undecoded if nothing reads it;
        if something does, its value is in `v0`, `v1` ... besides.
        """
        pipeline = self._pipeline
        out = {one.attribute for one in pipeline.columns.values()}
        fields: list[tuple[str, Any, Any]] = []
        rename: dict[str, str] = {}
        self._typed = []
        for name, one in source.items():
            came = _came(one.attribute)
            if one.attribute in pipeline.read:
                fields.append((came, Any, None))
                self._typed.append((came, one.attribute, FROM_JSON[one.type]))
            elif one.attribute in out:
                fields.append((came, msgspec.Raw, msgspec.Raw(b"null")))
            rename[came] = name
        made = [attribute for _, attribute, _ in self._typed] + [
            f"m{index}" for index in range(pipeline.made)
        ]
        fields += [(attribute, Any, None) for attribute in made]
        rename |= {attribute: f" {attribute}" for attribute in made}  # no column is called so
        self._row = msgspec.defstruct("Row", fields, rename=rename, gc=False)
        self._decoder = msgspec.json.Decoder(list[self._row])  # type: ignore[name-defined]
        self._prepare_output()

    def _prepare_output(self) -> None:
        """What comes out: the source's columns as they came, the others as text where JSON asks for it."""
        own = {one.attribute for one in self._pipeline.source.values()}
        columns = [(name, one.type, one.attribute) for name, one in self._pipeline.columns.items()]
        names = {f"c{index}": name for index, (name, _, _) in enumerate(columns)}
        self._record = msgspec.defstruct("Record", [(field, Any) for field in names], rename=names, gc=False)
        attributes = [_came(one) if one in own else one for _, _, one in columns]
        get = attrgetter(*attributes) if columns else lambda _: ()
        self._get = (lambda row: (get(row),)) if len(columns) == 1 else get
        self._text_of = [
            (one, TO_JSON[kind]) for _, kind, one in columns if kind in TO_JSON and one not in own
        ]
        self._text_of = list(dict(self._text_of).items())  # a column may come out under two names
        self._encode = msgspec.json.Encoder().encode

    def _started(self, rows: bytes) -> tuple[int, Rows]:
        """How many rows were given, and those that the first step gets."""
        constants = self._pipeline.constants
        if constants is not None:
            return 0, [self._row(**values) for values in constants]
        decoded = self._decoder.decode(rows)
        for came, attribute, convert in self._typed:
            get = attrgetter(came)
            for row in decoded:
                setattr(row, attribute, convert(get(row)))
        return len(decoded), decoded

    def _stepped(self, rows: Rows) -> Rows:
        for step in self._pipeline.steps:
            rows = step(rows)
        return rows

    def _one_by_one(self, rows: bytes) -> tuple[Rows, list[Failure]]:
        """The rows that do not fail, and the others."""
        _, started = self._started(rows)
        found: Rows = []
        failures: list[Failure] = []
        for index, row in enumerate(started):
            try:
                found += self._stepped([row])
            except Exception as error:  # one row is lost, whatever it is
                sentence = str(error) if isinstance(error, PatternError) else type(error).__name__
                failures.append(Failure(index, sentence))
        return found, failures

    # -- out ----------------------------------------------------------------------------------

    def _out(self, rows: Rows) -> list[Any]:
        for attribute, text_of in self._text_of:
            get_one = attrgetter(attribute)
            for row in rows:
                value = get_one(row)
                if value is not None:
                    setattr(row, attribute, text_of(value))
        get, record = self._get, self._record
        return [record(*get(row)) for row in rows]


def _came(attribute: str) -> str:
    """Where a column of the source is as it came."""
    return f"c{attribute[1:]}"
