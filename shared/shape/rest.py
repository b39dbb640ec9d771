"""What no column took, and what was kept from being lost: the "*" column.

Rule: a field of a record that no column takes is kept here, left out and counted,
or costs the record, as the route says. Invariant: what a column took is not here,
and everything else that is not null is. Strategy: where the records' keys are all
taken, as is usual, that is found out without looking into a record's values; where
records come as columns, what is left of them is columns too, to the end.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..model import Record
from ..routes.declare import EVERYTHING_ELSE, Route
from ..twice import DUPLICATES
from .fields import tree, without
from .odd import TOO_DEEP, Events, Tamer, Unfit
from .rows import RowTypes, made, plain
from .take import Path, View
from .values import has_gaps, to_string

if TYPE_CHECKING:
    from .redactors import Redactors


_FEW = 8
"""So many keys are sooner taken out of a record than looked for at each of its keys."""


@dataclass(slots=True)
class Kept:
    """The "*" column of a block."""

    values: list[Any] | None = None
    """None if no record has any. What is to become an object is a dict, or of a type of rows.py."""
    odd: bool = False
    """Whether what is kept may have a value that JSON cannot carry."""
    dead: dict[int, Unfit] = field(default_factory=dict)
    events: Events = field(default_factory=lambda: defaultdict(list))


class Rest:
    """One route's "*" column.

    Args:
        route: the checked route.
        redact: what must not be kept as it is.
        tamer: what becomes of values that no text can carry.
    """

    def __init__(self, route: Route, redact: Redactors, tamer: Tamer) -> None:
        self._route = route
        self._redact = redact
        self._tamer = tamer
        star = next((c for c in route.columns.values() if c.from_ == EVERYTHING_ELSE), None)
        self._keeps = star is not None
        self._write: Callable[[Record], Any] | None = _WRITERS[star.type, star.format] if star else None
        self._types = RowTypes(plain=False)
        self._as_columns = self._keeps and route.on_undeclared == "keep_in_extra" and not redact.any_field

    def take(
        self,
        view: View,
        keys: Set[str],
        paths: Sequence[Sequence[Path | None]],
        kept: Mapping[int, Record],
    ) -> Kept:
        """What is left of a block's records.

        Args:
            view: the records.
            keys: those that columns took from every record that has them.
            paths: for each column that looked further, where it found each record's value.
            kept: what goes here besides, by index.
        """
        if self._as_columns and view.names is not None and not paths:
            done = self._at_once(view, view.names, keys, kept)
            if done is not None:
                return done
        result = Kept(odd=view.odd)
        found = self._kept(self._rests(view, keys, paths), result)
        for index, more in kept.items():
            found[index] = {**found.get(index, {}), **more}
        if found and self._keeps:
            self._redact.records(found.values())
            column: list[Any] = [None] * view.size
            for index, record in found.items():
                column[index] = self._one(record, index, result) if self._write else record
            result.values = column
        return result

    def _at_once(
        self, view: View, names: Sequence[str], keys: Set[str], kept: Mapping[int, Record]
    ) -> Kept | None:
        """What is left of records that come as columns; None if that takes a look at each."""
        left = {name: view.get(name) for name in names if name not in keys}
        left = {name: v for name, v in left.items() if any(v) or v.count(None) < view.size}
        make = self._types.of(tuple(left)) if left and DUPLICATES not in left else None
        if make is None:
            return None
        objects, there = made(make, list(left.values()))
        result = Kept(values=objects, odd=view.odd)
        result.events["undeclared_kept"] += there
        for index, more in kept.items():
            objects[index] = {**(plain(objects[index]) or {}), **more}
        if self._write is not None:
            result.values = self._written(objects, left, result)
        return result

    def _written(self, objects: list[Any], left: Mapping[str, Sequence[Any]], result: Kept) -> list[Any]:
        """The texts of a column that is no dynamic one."""
        write = self._write
        assert write is not None  # noqa: S101 - who calls has looked
        if write is pairs and all(set(map(type, values)) == {str} for values in left.values()):
            form = ";".join(f"{name.replace('%', '%%')}=%s" for name in left)
            texts: list[Any] = list(map(form.__mod__, zip(*left.values(), strict=True)))
            changed = [index for index, value in enumerate(objects) if type(value) is dict]
            for index in changed:
                texts[index] = pairs(objects[index])
            return texts
        return [
            None if value is None else self._one(plain(value), index, result)
            for index, value in enumerate(objects)
        ]

    def _one(self, record: Record, index: int, result: Kept) -> Any:
        """The text of what is left of one record."""
        assert self._write is not None  # noqa: S101 - who calls has looked
        try:
            return self._write(self._tamed(record, index, result) if result.odd else record)
        except Unfit as unfit:
            result.dead[index] = unfit
        except RecursionError:
            result.dead[index] = Unfit(*TOO_DEEP)
        return None

    def _tamed(self, record: Record, index: int, result: Kept) -> Record:
        """The record as a text can carry it; Unfit if the route gives such records up."""
        self._tamer.seen.clear()
        record = self._tamer.tame(record, in_text=True)
        for kind in self._tamer.seen:
            result.events[kind].append(index)
        return {key: value for key, value in record.items() if value is not None}

    def _kept(self, rests: Mapping[int, Record], result: Kept) -> dict[int, Record]:
        """What is to be kept of what is left."""
        if not rests:
            return {}
        if self._route.on_undeclared == "keep_in_extra" and not any(DUPLICATES in r for r in rests.values()):
            result.events["undeclared_kept"] += rests
            return dict(rests)
        left = {index: self._undeclared(index, rest, result) for index, rest in rests.items()}
        return {index: record for index, record in left.items() if record}

    def _rests(self, view: View, keys: Set[str], paths: Sequence[Sequence[Path | None]]) -> dict[int, Record]:
        """Of each record that has any, by its index, the fields that no column took."""
        if view.exact:
            return {}
        rests = _keyed(view, keys) if view.names is None else _named(view, view.names, keys)
        if not paths or not rests:
            return rests
        taken = list(zip(*paths, strict=True))
        trees = {places: tree(path for path in places if path is not None) for places in set(taken)}
        for index, rest in rests.items():
            without(rest, trees[taken[index]])
        return {index: rest for index, rest in rests.items() if rest}

    def _undeclared(self, index: int, rest: Record, result: Kept) -> Record:
        twice = self._duplicates(index, rest.pop(DUPLICATES), result) if DUPLICATES in rest else {}
        if not rest:
            return twice
        how = self._route.on_undeclared
        if how == "dead_letter":
            names = ", ".join(sorted(rest)[:10])
            result.dead[index] = Unfit("UndeclaredField", f"no column takes {names}")
            return {}
        if how == "drop":
            result.events["undeclared_dropped"].append(index)
            return twice
        result.events["undeclared_kept"].append(index)
        return {**rest, **twice} if twice else rest

    def _duplicates(self, index: int, found: Any, result: Kept) -> Record:
        """What to keep of keys that came twice."""
        how = self._route.on_duplicate_key
        if how == "dead_letter":
            names = ", ".join(sorted(found)[:10]) if isinstance(found, dict) else DUPLICATES
            result.dead[index] = Unfit("DuplicateKey", f"a key comes twice in an object: {names}")
            return {}
        result.events[f"duplicate_key_{'kept' if how == 'keep_in_extra' else how}"].append(index)
        return {DUPLICATES: found} if how == "keep_in_extra" else {}


def _keyed(view: View, keys: Set[str]) -> dict[int, Record]:
    left = _few_taken if len(keys) <= _FEW else _many_taken
    rests = {
        index: left(record, keys) for index, record in enumerate(view.dicts) if not record.keys() <= keys
    }
    return rests if all(rests.values()) else {index: rest for index, rest in rests.items() if rest}


def _few_taken(record: Record, keys: Set[str]) -> Record:
    rest = record.copy()
    for key in keys:
        rest.pop(key, None)
    return {k: v for k, v in rest.items() if v is not None} if has_gaps(rest.values()) else rest


def _many_taken(record: Record, keys: Set[str]) -> Record:
    return {key: value for key, value in record.items() if key not in keys and value is not None}


def _named(view: View, names: Sequence[str], keys: Set[str]) -> dict[int, Record]:
    """Without making a dict of what columns took."""
    left = {name: view.get(name) for name in names if name not in keys}
    full = {name: values for name, values in left.items() if not has_gaps(values)}
    if full:
        made = [dict(zip(full, row, strict=True)) for row in zip(*full.values(), strict=True)]
    else:
        made = [{} for _ in range(view.size)] if left else []
    for name in left.keys() - full.keys():
        for record, value in zip(made, left[name], strict=True):
            if value is not None:
                record[name] = value
    return {index: record for index, record in enumerate(made) if record}


def pairs(record: Record) -> str:
    """`key=value;key=value`, as Microsoft's agents write AdditionalExtensions."""
    return ";".join(f"{key}={_text(value)}" for key, value in record.items())


def _text(value: Any) -> str:
    """Of anything; half of a surrogate pair inside an object as its escape."""
    try:
        return to_string(value)
    except ValueError:
        return json.dumps(value, separators=(",", ":"), default=str)


_WRITERS: dict[tuple[str, str | None], Callable[[Record], Any] | None] = {
    ("dynamic", None): None,
    ("string", None): to_string,
    ("string", "json"): to_string,
    ("string", "pairs"): pairs,
}
