"""Records in, rows out.

Rule: a record becomes exactly one row, is filtered by a rule that the user wrote,
or is rejected with a reason. Invariants: whatever Azure would discard or change
without an error is seen here first: kept in the "*" column, put right, or
rejected, as the route says, and counted in `changed`; what becomes of a record
never depends on its neighbours in the block. Strategy: column by column, a few
calls in C for a whole block; what is odd is dealt with value by value, where it
stands, and no further. A block that needs no change passes as text.

    plan.py   what the route says of each column     take.py   values out of a block
    bulk.py   a column into its type                 rest.py   what no column took
    odd.py    what JSON or Azure cannot carry        long.py   what Azure would cut
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from itertools import compress
from operator import and_, gt
from typing import Any

import msgspec

from ..model import Block, Record, Reject, Rows, SourceFacts
from ..routes.declare import Route
from .facts import Context
from .long import LongValues
from .odd import TOO_DEEP, Events, Tamer, Unfit
from .plan import Plan, plans
from .redactors import Redactors
from .rest import Rest
from .rows import RowTypes, plain
from .take import Path, Taken, View, joined_text
from .typed import TIME, as_dicts, typed
from .values import has_gaps, has_long_number
from .window import Window

BAD = (ValueError, TypeError, OverflowError, msgspec.DecodeError, RecursionError)
"""What a cast raises on a value that does not fit."""

_UNWRITABLE = (ValueError, OverflowError, RecursionError)
_encoder = msgspec.json.Encoder()

LIMIT = 1_000_000
"""Bytes of the largest post; see encode.py."""


class _Work:
    """A block while it is shaped."""

    def __init__(self, block: Block, view: View) -> None:
        self.block = block
        self.view = view
        self.columns: dict[str, Sequence[Any]] = {}
        self.keys: set[str] = set()
        """What columns took their values from, of every record that has it."""
        self.paths: list[Sequence[Path | None]] = []
        """Where columns with several candidates, or with paths, took theirs."""
        self.kept: dict[int, Record] = {}
        """What goes to the "*" column besides what no column took."""
        self.dead: dict[int, Unfit] = {}
        self.events: Events = defaultdict(list)


class Shaper:
    """One route's shaping, for one run over a source.

    Args:
        route: the checked route.
        window: the times that Azure keeps; `at` replaces it as time goes on.
        context: what is known of the source; none in tests of routes that ask for nothing.
        salt: for `redact: hash`.
        limit: largest post in bytes.
    """

    def __init__(
        self,
        route: Route,
        window: Window,
        context: Context | None = None,
        *,
        salt: bytes | None = None,
        limit: int = LIMIT,
    ) -> None:
        self.context = context or Context(SourceFacts("blob", "", "", 0.0, 0.0))
        self.changed: Counter[str] = Counter()
        self.watch: Callable[[Block, int, str], None] | None = None
        """Told of everything that was put right: the block, the index of its record, the kind."""
        self._route = route
        self._window = window
        self._typed = typed(route)
        self.want = self._typed.want if self._typed is not None else None
        self._plans = plans(route, self.context)
        self._time = next(plan for plan in self._plans if plan.name == TIME)
        self._time_is_kept = _time_is_kept(route)
        self._keep = {name: frozenset(values) for name, values in route.keep.items()}
        self._drop = {name: frozenset(values) for name, values in route.drop.items()}
        self._redact = Redactors(route, salt)
        self._tamer = Tamer(route)
        self._rest = Rest(route, self._redact, self._tamer)
        self._long = LongValues(route, limit)
        self._row_types = RowTypes(plain=True)
        self._names = list(route.columns)
        extra = route.extra
        self._loose = [n for n, c in route.columns.items() if c.type == "dynamic" or n == extra]

    def at(self, window: Window) -> None:
        """Go on with another window."""
        self._window = window

    def shape(self, block: Block) -> Rows:
        """Rows for a block. Raises nothing on any record."""
        short = self._typed if block.typed else None
        if short is not None and short.passes(block, self._window):
            assert block.text is not None  # noqa: S101 - passes() has looked
            return Rows(block.text, block.ordinals, block, block.rejects)
        if short is not None and short.changes:
            view = View(block, short.fields)
        else:
            block = _untyped(block)
            view = View(block)
        if not view.size:
            return Rows(b"", [], block, block.rejects)
        work = _Work(block, view)
        for plan in self._plans:
            if plan.finds_any(view.keys):
                self._column(plan, work)
        if TIME not in work.columns:
            work.columns[TIME] = [None] * view.size
        flags = self._flags(work)
        self._times(work, flags)
        self._extra(work)
        self._redact.columns(work.columns)
        return self._rows(work, flags)

    # -- columns --------------------------------------------------------------------------------

    def _column(self, plan: Plan, work: _Work) -> None:
        values, paths, others = plan.take(work.view, work.block)
        if paths is None:
            work.keys.update(plan.first)
        else:
            work.paths += [paths, *others]
        if work.view.exact and plan.lookups and not plan.casts:
            work.columns[plan.name] = values
            return
        try:
            work.columns[plan.name] = plan.many(values)  # type: ignore[arg-type]
        except BAD:
            work.columns[plan.name] = self._one_by_one(plan, Taken(values, paths), work)

    def _one_by_one(self, plan: Plan, taken: Taken, work: _Work) -> list[Any]:
        """A column with a value that does not fit, or is oddly written."""
        found: list[Any] = []
        for index, value in enumerate(taken.values):
            if value is None or (value == "" and not plan.empty):
                found.append(None)
                continue
            try:
                found.append(self._one(plan, value, index, work))
            except Unfit as unfit:
                found.append(None)
                work.dead.setdefault(index, unfit)
            except BAD:
                found.append(None)
                path = taken.paths[index] if taken.paths is not None else None
                self._bad_value(plan, ".".join(path or _first_path(plan)), value, index, work)
        return found

    def _one(self, plan: Plan, value: Any, index: int, work: _Work) -> Any:
        """A value into its column's type."""
        if not work.block.odd or plan.kind != "string" or type(value) is str:
            return plan.one(value)
        self._tamer.seen.clear()
        value = self._tamer.tame(value, in_text=True)
        if plan.joins and type(value) is list:
            value, parts = joined_text(value), value
            if value is None:  # then none of them is taken
                left = zip(plan.lookups, parts, strict=True)
                kept = {lookup.name: part for lookup, part in left if part is not None}
                work.kept.setdefault(index, {}).update(kept)
        found = None if value is None else plan.one(value)
        for kind in self._tamer.seen:
            work.events[kind].append(index)
        return found

    def _bad_value(self, plan: Plan, key: str, value: Any, index: int, work: _Work) -> None:
        how = self._route.on_bad_value
        if type(value) is float and value - value != 0 and self._route.on_not_a_number != "text":
            how = "null" if self._route.on_not_a_number == "null" else "dead_letter"
        if how == "dead_letter":
            reason = Unfit("BadValue", f"{plan.name}: {key} ({type(value).__name__}) is no {plan.kind}")
            work.dead.setdefault(index, reason)
        elif how == "null":
            work.events["bad_value_null"].append(index)
        else:
            work.kept.setdefault(index, {})[key] = value
            work.events["bad_value_kept"].append(index)

    def _flags(self, work: _Work) -> list[bool] | None:
        """Whether each record passes the filters; None if all do."""
        kept = [list(map(self._keep[name].__contains__, self._plain(name, work))) for name in self._keep]
        dropped = [list(map(self._drop[name].__contains__, self._plain(name, work))) for name in self._drop]
        if all(map(all, kept)) and not any(map(any, dropped)):
            return None
        flags = [True] * work.view.size
        for flag in kept:
            flags = list(map(and_, flags, flag))
        for flag in dropped:
            flags = list(map(gt, flags, flag))
        return flags

    def _plain(self, name: str, work: _Work) -> Sequence[Any]:
        """A column's values, such that they can be looked up."""
        values = work.columns.get(name) or [None] * work.view.size
        return list(map(_hashable, values)) if self._route.columns[name].type == "dynamic" else values

    def _times(self, work: _Work, flags: list[bool] | None) -> None:
        """TimeGenerated as Azure keeps it."""
        times, window = work.columns[TIME], self._window
        if (
            not has_gaps(times)
            and window.oldest_text <= min(times)[:19]
            and max(times)[:19] <= window.newest_text
        ):
            return
        times = list(times)
        for index, when in enumerate(times):
            if when is None:
                work.events["time_missing"].append(index)
            elif window.oldest_text <= when[:19] <= window.newest_text:
                continue
            elif flags is None or flags[index]:
                self._old_time(index, when, work)
            times[index] = window.stand_in
        work.columns[TIME] = times

    def _old_time(self, index: int, when: str, work: _Work) -> None:
        if self._route.on_old_time == "dead_letter":
            detail = f"{TIME} is more than 2 days old or 1 day ahead; Azure would replace it"
            work.dead.setdefault(index, Unfit("TimeOutsideWindow", detail))
            return
        if not self._time_is_kept:
            work.kept.setdefault(index, {}).update(_original(self._time, work.view, index, when))
        work.events["time_replaced"].append(index)

    def _extra(self, work: _Work) -> None:
        found = self._rest.take(work.view, work.keys, work.paths, work.kept)
        for index, unfit in found.dead.items():
            work.dead.setdefault(index, unfit)
        for kind, indexes in found.events.items():
            work.events[kind] += indexes
        if self._route.extra is not None and found.values:
            work.columns[self._route.extra] = found.values

    # -- rows -----------------------------------------------------------------------------------

    def _rows(self, work: _Work, flags: list[bool] | None) -> Rows:
        block, size = work.block, work.view.size
        names = tuple(name for name in self._names if name in work.columns)
        make = self._row_types.of(names)
        assert make is not None  # noqa: S101 - names of columns are plain
        rows = list(map(make, *(work.columns[name] for name in names)))
        alive = None
        if work.dead or flags is not None:
            alive = [index not in work.dead and (flags is None or flags[index]) for index in range(size)]
        indexes: Sequence[int] = range(size) if alive is None else list(compress(range(size), alive))
        rows = rows if alive is None else list(compress(rows, alive))
        text, indexes = self._text(rows, indexes, work)
        self._count(work, None if len(indexes) == size else set(indexes))
        return Rows(
            text,
            block.ordinals if len(indexes) == size else [block.ordinals[i] for i in indexes],
            block,
            self._rejects(work),
            [] if flags is None else self._filtered(work, flags),
        )

    def _text(self, rows: list[Any], indexes: Sequence[int], work: _Work) -> tuple[bytes, Sequence[int]]:
        try:
            text = b"" if work.block.odd else _encoder.encode_lines(rows)
        except _UNWRITABLE:
            text = b""
        if (rows and not text) or (self._is_loose(work) and has_long_number(text)):
            self._plain_extra(rows)
            rows, indexes = self._tamed(rows, indexes, work)
            text = _encoder.encode_lines(rows)
        if self._long.suspects(text):
            self._plain_extra(rows)
            rows, indexes = self._long.each(rows, indexes, work.dead, work.events)
            text = _encoder.encode_lines(rows)
        return text, indexes

    def _is_loose(self, work: _Work) -> bool:
        """Whether there is a column that may hold any number."""
        return any(name in work.columns for name in self._loose)

    def _plain_extra(self, rows: list[Any]) -> None:
        """The "*" column as dicts, to look into it."""
        extra = self._route.extra
        if extra is not None and rows and extra in rows[0].__struct_fields__:
            for row in rows:
                setattr(row, extra, plain(getattr(row, extra)))

    def _tamed(self, rows: list[Any], indexes: Sequence[int], work: _Work) -> tuple[list[Any], list[int]]:
        """The rows that JSON and Azure can carry."""
        good: list[Any] = []
        left: list[int] = []
        for index, row in zip(indexes, rows, strict=True):
            self._tamer.seen.clear()
            try:
                for name in row.__struct_fields__:
                    setattr(row, name, self._tamer.tame(getattr(row, name)))
                _encoder.encode(row)
            except Unfit as unfit:
                work.dead[index] = unfit
            except _UNWRITABLE:
                work.dead[index] = Unfit(*TOO_DEEP)
            else:
                good.append(row)
                left.append(index)
                for kind in self._tamer.seen:
                    work.events[kind].append(index)
        return good, left

    def _count(self, work: _Work, landed: set[int] | None) -> None:
        for kind, found in work.events.items():
            indexes = found
            if landed is not None:
                indexes = [index for index in found if index in landed]
            if indexes:
                self.changed[kind] += len(indexes)
            if self.watch is not None:
                for index in indexes:
                    self.watch(work.block, index, kind)

    def _rejects(self, work: _Work) -> list[Reject]:
        if not work.dead:
            return work.block.rejects
        found = [_reject(work.block, index, unfit) for index, unfit in work.dead.items()]
        return sorted([*work.block.rejects, *found], key=lambda reject: reject.ordinal)

    def _filtered(self, work: _Work, flags: list[bool]) -> list[int]:
        ordinals = work.block.ordinals
        return [ordinals[i] for i, kept in enumerate(flags) if not kept and i not in work.dead]


def _untyped(block: Block) -> Block:
    """The same records as dicts, where the parser made instances of a type."""
    if not block.typed:
        return block
    return Block(block.start, as_dicts(block), block.ordinals, block.end, block.origin, block.rejects)


def _first_path(plan: Plan) -> Path:
    return (plan.lookups[0].name,) if plan.lookups else (plan.name,)


def _time_is_kept(route: Route) -> bool:
    """Whether another datetime column holds what TimeGenerated is made from."""
    time = route.columns[TIME]
    return any(
        name != TIME
        and column.type == "datetime"
        and (column.from_, column.join, column.fact, column.value)
        == (time.from_, time.join, time.fact, time.value)
        for name, column in route.columns.items()
    )


def _original(plan: Plan, view: View, index: int, when: str) -> Record:
    """What TimeGenerated was made from."""
    record = view.dicts[index]
    found = [f for lookup in plan.lookups if (f := lookup.find(record)) is not None and f.value != ""]
    if not plan.lookups:
        return {plan.name if plan.name not in record else f"{plan.name}_2": when}
    return {f.name: f.value for f in (found if plan.joins else found[:1])}


def _hashable(value: Any) -> Any:
    kind = type(value)
    return repr(value) if kind is dict or kind is list else value


def _reject(block: Block, index: int, unfit: Unfit) -> Reject:
    where = block.origin(index)
    ordinal = block.ordinals[index]
    return Reject(ordinal, where.offset, where.line, unfit.reason, unfit.detail, where.raw, form=where.form)
