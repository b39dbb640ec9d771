"""The shapes of the elements so far.

Rule: a program writes the same elements again and again, so one that was read tag by
tag is also a pattern for others (xmlpattern.py). Invariant: the records are those that
reading tag by tag gives, and what is kept is bounded whatever comes: few shapes are
made that were no use, and no more than _MOST. Strategy: text is cut at the end tags;
among elements with as many tags, one part of their markup says which shape they may
have; only what has none is read tag by tag.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import NamedTuple

from ..model import Record
from .xmlpattern import Cut, Row, Shape, cut, learn, plain
from .xmlplain import Unclosed
from .xmltree import SPACE, local_name

_FEW = 4
"""Fewer elements are sooner read tag by tag."""
_OFTEN = 32
"""So many elements have to have no shape before one is made: to compile it takes as long as to read 100."""
_SHARE = 16
"""A shape that takes less than one of so many is no use, unless hardly any are read tag by tag."""
_KNOWN = 512
"""That is known after so many; what was before counts half."""
_SEVERAL = 6
"""So many shapes are tried on an element."""
_MOST = 64
"""So many shapes are made; after that, elements that have none of them are read tag by tag."""
_FAILURES = 8
"""After so many that were no use, no more are made."""
_KINDS = 1024
"""Of so many kinds of elements it is known how often they were met."""

_Kind = tuple[Cut, int]
"""Elements with as many parts of markup."""


class _Taken(NamedTuple):
    """Elements that have a shape."""

    shape: Shape
    indexes: list[int]
    rows: list[Row]


class _Alike:
    """Shapes of elements with as many parts of markup.

    Args:
        like: how the elements were told apart.
    """

    def __init__(self, like: Cut) -> None:
        self._like = like
        self._shapes: list[Shape] = []
        self._place = 0
        """The part that they differ in; 0 if there is none."""
        self._by_part: dict[str | None, list[Shape]] = {}

    def __len__(self) -> int:
        return len(self._shapes)

    def add(self, shape: Shape) -> None:
        """There is another."""
        self._shapes.append(shape)
        self._arrange()

    def tried_on(self, piece: str) -> list[Shape]:
        """Those that an element may have."""
        if not self._place:
            return self._shapes
        text = piece.split(self._like.sign, self._place + 1)[self._place]
        return self._by_part.get(self._like.part(text), [])

    def take(self, pieces: Sequence[str], indexes: list[int], taken: list[_Taken]) -> list[int]:
        """Add elements that have one; give the indexes of the others."""
        left = list[int]()
        for shapes, some in self._groups(pieces, indexes):
            if len(shapes) > 1:
                shapes.sort(key=lambda shape: -shape.taken)
            missed = some
            for shape in shapes:
                if missed:
                    missed = _take(shape, pieces, missed, taken)
            left += missed
        return sorted(left)

    def drop(self, missed: int) -> int:
        """Give up those that are no use, after so many elements were not taken; how many that are."""
        useless = set[Shape]()
        for shape in self._shapes:
            shape.missed += missed
            if shape.missed > _KNOWN:
                if shape.taken * _SHARE < shape.missed:
                    useless.add(shape)
                shape.missed, shape.taken = shape.missed // 2, shape.taken // 2
        if useless:
            self._shapes = [shape for shape in self._shapes if shape not in useless]
            self._arrange()
        return len(useless)

    def _groups(self, pieces: Sequence[str], indexes: list[int]) -> list[tuple[list[Shape], list[int]]]:
        """Elements with the shapes that they may have."""
        if not self._place:
            return [(self._shapes, indexes)]
        groups: dict[str, list[int]] = {}
        sign, place, part = self._like.sign, self._place, self._like.part
        for index in indexes:
            groups.setdefault(part(pieces[index].split(sign, place + 1)[place]), []).append(index)
        return [(self._by_part.get(text, []), some) for text, some in groups.items()]

    def _arrange(self) -> None:
        """Find the part in which most of them differ."""
        self._place, best = 0, 1
        for place, parts in enumerate(zip(*(shape.signs for shape in self._shapes), strict=True)):
            if place and None not in parts and len(set(parts)) > best:
                self._place, best = place, len(set(parts))
        self._by_part = {}
        for shape in self._shapes:
            self._by_part.setdefault(shape.signs[self._place], []).append(shape)


class Shapes:
    """The shapes of the elements so far.

    Args:
        keyed: see Elements.
        read: reads elements tag by tag, all of which have the wanted name; or raises Doubtful.
    """

    def __init__(self, keyed: Mapping[str, str], read: Callable[[str, str | None], list[Record]]) -> None:
        self._keyed = keyed
        self._read = read
        self._by_kind: dict[_Kind, _Alike] = {}
        self._met: dict[_Kind, int] = {}
        """How many elements of a kind were read tag by tag since a shape was made."""
        self._usual: tuple[Cut, Shape] | None = None
        """The shape that all elements of the last text had."""
        self._left = _MOST
        self._failures = 0

    def records(self, text: str, wanted: str | None) -> list[Record] | None:
        """The records of elements one after another; None if it is as well to read them tag by tag.

        Args:
            text: begins and ends with an element's tag.
            wanted: the name that all of them have, without a prefix.

        Raises:
            Doubtful: they are not plain elements.
        """
        if not self._by_kind and not self._is_learning():
            return None
        like = cut(text)
        if like is None or not text.endswith(like.close) or wanted not in {None, local_name(like.name)}:
            return None
        pieces = text.split(like.close)
        pieces.pop()
        if len(pieces) < _FEW:
            return None
        taken, left = self._take_all(pieces, like, wanted)
        if len(left) == len(pieces):
            return None
        try:
            others = [(run, self._read(_joined(pieces, run, like.close), wanted)) for run in _runs(left)]
        except Unclosed:  # an element within another of its name
            return None
        return _in_order(len(pieces), taken, others, references="&" in text)

    def _take_all(
        self, pieces: Sequence[str], like: Cut, wanted: str | None
    ) -> tuple[list[_Taken], list[int]]:
        """What has a shape, and the indexes of what has none."""
        taken, left = list[_Taken](), list(range(len(pieces)))
        if self._usual is not None and self._usual[0] == like:
            left = _take(self._usual[1], pieces, left, taken)
            if not left:
                return taken, left
        kinds: dict[int, list[int]] = {}
        for index in left:
            kinds.setdefault(pieces[index].count(like.sign), []).append(index)
        left = []
        for count, indexes in kinds.items():
            left += self._take_kind((like, count), pieces, indexes, taken, wanted)
        self._usual = (like, taken[0].shape) if len(taken) == 1 and not left else None
        return taken, sorted(left)

    def _take_kind(
        self,
        kind: _Kind,
        pieces: Sequence[str],
        indexes: list[int],
        taken: list[_Taken],
        wanted: str | None,
    ) -> list[int]:
        """The same for those with as many parts; it makes new shapes."""
        alike, left = self._by_kind.get(kind), indexes
        if alike is not None:
            left = alike.take(pieces, left, taken)
            self._failures += alike.drop(len(left))
            if not alike:
                del self._by_kind[kind]
        met = self._met.pop(kind, 0) + len(left) if left else 0
        while left and met >= _OFTEN and self._is_learning():
            new = self._new(pieces[left[0]], kind, wanted)
            if new is None:
                self._failures += 1
                return left
            before, left = left, _take(new, pieces, left, taken)
            if new.taken * _SHARE >= len(before):
                self._keep(new, kind)
            else:
                self._failures += 1
            met = len(left)
        if met:
            if len(self._met) >= _KINDS:
                self._met.clear()
            self._met[kind] = met
        return left

    def _is_learning(self) -> bool:
        return self._left > 0 and self._failures < _FAILURES

    def _new(self, piece: str, kind: _Kind, wanted: str | None) -> Shape | None:
        """The shape of an element; None if it can have none, or others are tried on it already."""
        alike = self._by_kind.get(kind)
        if alike is not None and len(alike.tried_on(piece)) >= _SEVERAL:
            return None
        self._left -= 1
        return learn(piece, kind[0], self._keyed, partial(self._read_one, wanted))

    def _keep(self, shape: Shape, kind: _Kind) -> None:
        if kind not in self._by_kind:
            self._by_kind[kind] = _Alike(kind[0])
        self._by_kind[kind].add(shape)

    def _read_one(self, wanted: str | None, text: str) -> list[Record]:
        return self._read(text, wanted)


def _take(shape: Shape, pieces: Sequence[str], indexes: list[int], taken: list[_Taken]) -> list[int]:
    """Add those that have this shape; give the indexes of the others."""
    found, rows, left = list[int](), list[Row](), list[int]()
    for index, match in zip(indexes, map(shape.match, [pieces[index] for index in indexes]), strict=True):
        if match is None:
            left.append(index)
        else:
            found.append(index)
            rows.append(match.groups())
    shape.taken += len(found)
    if found:
        taken.append(_Taken(shape, found, rows))
    return left


def _runs(indexes: Sequence[int]) -> Iterator[range]:
    """Those that follow each other."""
    for _, found in groupby(enumerate(indexes), key=lambda place: place[1] - place[0]):
        run = [index for _, index in found]
        yield range(run[0], run[-1] + 1)


def _joined(pieces: Sequence[str], run: range, close: str) -> str:
    return close.join(pieces[run.start : run.stop]).lstrip(SPACE) + close


def _in_order(
    count: int, taken: Sequence[_Taken], others: Sequence[tuple[range, list[Record]]], *, references: bool
) -> list[Record]:
    """The records of elements that have a shape and of runs of those that have none."""
    found: list[Record] = [{}] * count
    for shape, indexes, rows in taken:
        made = shape.records([plain(row) for row in rows] if references else rows)
        for index, record in zip(indexes, made, strict=True):
            found[index] = record
    records, place = list[Record](), 0
    for run, between in others:
        records += found[place : run.start]
        records += between
        place = run.stop
    return records + found[place:] if others else found
