"""Records in, rows out.

Rule: a record becomes exactly one row, is filtered by a rule that the user wrote,
or is rejected with a reason. Invariant: whatever Azure would discard or change
without an error is seen here first: kept in the "*" column, put right, or
rejected, as the route says, and counted in `changed`. Strategy: everything that
depends on the route alone is worked out once; a block whose records need no
change passes as text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec

from ..model import Block, Record, Reject, Rows
from ..routes.declare import Column, Route
from .fields import Found, Lookup, lookups, without
from .times import time_parser
from .typed import LONGEST_VALUE, TIME, Typed, as_dicts, too_long, typed
from .values import AS_IS, CASTS, encodable, has_long_number
from .window import Window

_BAD = (ValueError, TypeError, OverflowError)
_TOO_DEEP = ("TooDeep", "objects and arrays are nested too deep")
_encoder = msgspec.json.Encoder()


class _Unfit(Exception):  # noqa: N818 - never leaves this module
    """This record is to be rejected."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class _Plan(NamedTuple):
    """One column, ready to run."""

    name: str
    kind: str
    key: str
    """The only candidate's key, for the short way."""
    as_is: type | None
    """A value of exactly this type needs no cast."""
    cast: Callable[[Any], Any]
    takes_empty: bool
    several: bool
    """Whether there are candidates after the first."""
    lookups: tuple[Lookup, ...]


class Shaper:
    """One route's shaping, for one run over a source.

    Args:
        route: the checked route.
        window: the times that Azure keeps; `at` replaces it as time goes on.
    """

    def __init__(self, route: Route, window: Window) -> None:
        self._typed = typed(route)
        self.want = self._typed.want if self._typed is not None else None
        self.changed: Counter[str] = Counter()
        self._route = route
        self._window = window
        self._extra = route.extra
        self._plans = [_plan(name, column) for name, column in route.columns.items() if name != self._extra]
        self._simple = frozenset(p.key for p in self._plans if len(p.lookups) == 1)
        self._filters = [(name, frozenset(v), True) for name, v in route.keep.items()]
        self._filters += [(name, frozenset(v), False) for name, v in route.drop.items()]
        self._time_is_kept = _time_is_kept(route)

    def at(self, window: Window) -> None:
        """Go on with another window."""
        self._window = window

    def shape(self, block: Block) -> Rows:
        """Rows for a block. Raises nothing on any record."""
        try:
            short = self._short_way(block) if block.typed else None
        except RecursionError:  # the long way finds the record
            short = None
        return short if short is not None else self._long_way(block)

    def _short_way(self, block: Block) -> Rows | None:
        """Rows for a block whose records are all as the route wants them; None if one is not, after all."""
        if self._typed is None:
            return None
        if self._typed.changes:
            return self._retyped(block, self._typed)
        if not self._typed.passes(block, self._window):
            return None
        assert block.text is not None  # noqa: S101 - passes() has looked
        return Rows(block.text, block.ordinals, block, block.rejects)

    def _retyped(self, block: Block, route: Typed) -> Rows | None:
        rows = route.rows(block, self._window)
        if rows is None:
            return None
        kept, filtered = block.ordinals, list[int]()
        if self._filters:
            flags = self._flags(rows)
            kept = [o for o, keep in zip(block.ordinals, flags, strict=True) if keep]
            filtered = [o for o, keep in zip(block.ordinals, flags, strict=True) if not keep]
            rows = [row for row, keep in zip(rows, flags, strict=True) if keep]
        try:
            text = _encoder.encode_lines(rows)
        except (OverflowError, ValueError):
            return None
        if too_long(text) or route.may_overflow(text):
            return None
        return Rows(text, kept, block, block.rejects, filtered)

    def _flags(self, rows: list[Any]) -> list[bool]:
        """Whether each row is kept."""
        flags = [True] * len(rows)
        for name, values, wanted in self._filters:
            found = map(_hashable, map(attrgetter(name), rows))
            flags = [flag and (value in values) is wanted for flag, value in zip(flags, found, strict=True)]
        return flags

    def _long_way(self, block: Block) -> Rows:
        rows: list[Record] = []
        kept: list[int] = []
        filtered: list[int] = []
        rejects: list[Reject] = []
        for index, record in enumerate(as_dicts(block)):
            try:
                row = self._row(record)
            except _Unfit as unfit:
                rejects.append(_reject(block, index, unfit.reason, str(unfit)))
                continue
            except RecursionError:
                rejects.append(_reject(block, index, *_TOO_DEEP))
                continue
            if row is None:
                filtered.append(block.ordinals[index])
            else:
                rows.append(row)
                kept.append(index)
        text, kept = self._text(rows, kept, block, rejects)
        ordinals = block.ordinals if len(kept) == len(block.records) else [block.ordinals[i] for i in kept]
        merged = sorted([*block.rejects, *rejects], key=lambda r: r.ordinal) if rejects else block.rejects
        return Rows(text, ordinals, block, merged, filtered)

    # -- one record -----------------------------------------------------------------------------

    def _row(self, record: Record) -> Record | None:
        row: Record = {}
        kept: Record = {}
        taken: list[tuple[str, ...]] = []
        get = record.get
        for plan in self._plans:
            value = get(plan.key)
            if type(value) is plan.as_is:
                row[plan.name] = value
            elif value is None or plan.several:
                self._look_further(plan, record, row, kept, taken)
            elif value != "" or plan.takes_empty:  # "" is a delimited file's way to say nothing
                try:
                    row[plan.name] = plan.cast(value)
                except _BAD:
                    self._bad_value(plan, plan.key, value, kept)
        for name, values, wanted in self._filters:
            if (_hashable(row.get(name)) in values) is not wanted:
                return None
        self._time(record, row, kept)
        if kept or taken or not record.keys() <= self._simple:
            self._rest(record, row, kept, taken)
        return row

    def _look_further(
        self, plan: _Plan, record: Record, row: Record, kept: Record, taken: list[tuple[str, ...]]
    ) -> None:
        """A path, or the next candidate, where the first key is not there."""
        if not plan.several and len(plan.lookups[0].path) == 1:
            return
        found = next((f for lookup in plan.lookups if (f := lookup.find(record)) is not None), None)
        if found is None:
            return
        taken.append(found.path)
        if found.value != "" or plan.takes_empty:
            try:
                row[plan.name] = plan.cast(found.value)
            except _BAD:
                self._bad_value(plan, found.name, found.value, kept)

    def _bad_value(self, plan: _Plan, key: str, value: Any, kept: Record) -> None:
        if self._route.on_bad_value == "keep_in_extra":
            kept[key] = encodable(value)
            self.changed["bad_value_kept"] += 1
        elif self._route.on_bad_value == "null":
            self.changed["bad_value_null"] += 1
        else:
            raise _Unfit("BadValue", f"{plan.name}: {key} ({type(value).__name__}) is no {plan.kind}")

    def _time(self, record: Record, row: Record, kept: Record) -> None:
        when = row.get(TIME)
        if when is None:
            row[TIME] = self._window.stand_in
            self.changed["time_missing"] += 1
        elif not self._window.oldest_text <= when[:19] <= self._window.newest_text:
            if self._route.on_old_time == "dead_letter":
                raise _Unfit(
                    "TimeOutsideWindow",
                    f"{TIME} is more than 2 days old or 1 day ahead; Azure would replace it",
                )
            if not self._time_is_kept:
                found = _first(self._plans, record)
                kept[found.name] = found.value
            row[TIME] = self._window.stand_in
            self.changed["time_replaced"] += 1

    def _rest(self, record: Record, row: Record, kept: Record, taken: list[tuple[str, ...]]) -> None:
        rest = {k: v for k, v in record.items() if k not in self._simple and v is not None}
        for path in taken:
            without(rest, path)
        if rest:
            rest = self._undeclared(rest)
        if (rest or kept) and self._extra is not None:
            row[self._extra] = {**rest, **kept} if kept else rest

    def _undeclared(self, rest: Record) -> Record:
        how = self._route.on_undeclared
        if how == "dead_letter":
            raise _Unfit("UndeclaredField", f"no column takes {', '.join(sorted(rest)[:10])}")
        self.changed["undeclared_kept" if how == "keep_in_extra" else "undeclared_dropped"] += 1
        return rest if how == "keep_in_extra" else {}

    # -- rows to text ---------------------------------------------------------------------------

    def _text(
        self, rows: list[Record], kept: list[int], block: Block, rejects: list[Reject]
    ) -> tuple[bytes, list[int]]:
        try:
            text = _encoder.encode_lines(rows)
        except (OverflowError, ValueError, RecursionError):
            text = None
        if text is None or has_long_number(text):
            rows, kept = self._encodable_rows(rows, kept, block, rejects)
            text = _encoder.encode_lines(rows)
        if not too_long(text):
            return text, kept
        good: list[int] = []
        for place, row in enumerate(rows):
            name = _too_long(row)
            if name is None:
                good.append(place)
            else:
                detail = f"{name} is over {LONGEST_VALUE:,} bytes; Azure would cut it"
                rejects.append(_reject(block, kept[place], "ValueTooLong", detail))
        return _encoder.encode_lines([rows[i] for i in good]), [kept[i] for i in good]

    def _encodable_rows(
        self, rows: list[Record], kept: list[int], block: Block, rejects: list[Reject]
    ) -> tuple[list[Record], list[int]]:
        """The rows that JSON and Azure can carry; what is nested too deep to be written is rejected."""
        good: list[Record] = []
        left: list[int] = []
        for index, row in zip(kept, rows, strict=True):
            try:
                found = self._encodable(row)
                _encoder.encode_lines([found])
            except RecursionError:
                rejects.append(_reject(block, index, *_TOO_DEEP))
            else:
                good.append(found)
                left.append(index)
        return good, left

    def _encodable(self, row: Record) -> Record:
        found = {name: encodable(value) for name, value in row.items()}
        if found != row:
            self.changed["big_integer_text"] += 1
        return found


def _plan(name: str, column: Column) -> _Plan:
    found = lookups(column.from_ or name)
    cast = time_parser(column.format or "iso") if column.type == "datetime" else CASTS[column.type]
    several = len(found) > 1
    as_is = None if several else AS_IS.get(column.type)
    return _Plan(
        name, column.type, found[0].name, as_is, cast, column.type in {"string", "dynamic"}, several, found
    )


def _time_is_kept(route: Route) -> bool:
    """Whether another datetime column holds what TimeGenerated is made from."""
    source = route.columns[TIME].from_
    return any(
        name != TIME and column.type == "datetime" and column.from_ == source
        for name, column in route.columns.items()
    )


def _first(plans: Sequence[_Plan], record: Record) -> Found:
    """What TimeGenerated was made from; it is there, or there would be no time."""
    plan = next(plan for plan in plans if plan.name == TIME)
    return next(found for lookup in plan.lookups if (found := lookup.find(record)) is not None)


def _hashable(value: Any) -> Any:
    kind = type(value)
    return repr(value) if kind is dict or kind is list else value


def _too_long(row: Record) -> str | None:
    for name, value in row.items():
        size = len(value.encode()) if isinstance(value, str) else len(_encoder.encode(value))
        if size > LONGEST_VALUE:
            return name
    return None


def _reject(block: Block, index: int, reason: str, detail: str) -> Reject:
    where = block.origin(index)
    return Reject(block.ordinals[index], where.offset, where.line, reason, detail, where.raw)
