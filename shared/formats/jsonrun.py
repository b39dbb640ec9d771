"""A run of JSON values in a piece of text: where each ends, and what it is.

Rule: a value is whole when its last bracket is there, whatever stands between it
and the next. Invariant: reading many at once and reading one by one give the same
records. Strategy: in a list, guess where an element ends from how the first one
ends and the second begins, and let msgspec read all before that in one call: if it
is valid JSON the guess was right. Else value by value: msgspec's "trailing
characters" tell where a valid object ends, `Balance` where anything else does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property, lru_cache
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

import msgspec

from ..model import Block, Origin, Position, Reject
from ..twice import maybe_twice
from .jsonbalance import Balance
from .jsonodd import Odd
from .jsonvalue import FAILED, Problem, needs_a_look, read_object

SPACE = b" \t\r\n"
SEPARATORS = re.compile(rb"[ \t\r\n,]*")
"""What may stand before a value: one comma too many or too few loses nothing."""


class _Skipped(msgspec.Struct):
    """Any object: its keys are unknown here, so msgspec validates the object and builds nothing."""


_SKIP = msgspec.json.Decoder(_Skipped)
_TRAILING = re.compile(r"JSON is malformed: trailing characters \(byte (\d+)\)")
_RAWS = msgspec.json.Decoder(list[msgspec.Raw])
_DICTS = msgspec.json.Decoder(list[dict[str, Any]])
_BETWEEN = re.compile(rb'[ \t\r\n]*,[ \t\r\n]*\{[ \t\r\n]*(?:"[^"\\\n]{0,100}")?')
_GUESSES = 2


class Span(NamedTuple):
    """A value's place in its text."""

    start: int
    end: int


class Values:
    """The values in `text` that are whole.

    Args:
        text: begins with a value.
        where: list, top or member: what the values stand in.
        stops: bytes that end the run where a value could begin.
        final: whether nothing comes after `text`.
    """

    def __init__(self, text: bytes, where: str, stops: bytes, *, final: bool) -> None:
        self.text = text
        self._where = where
        self._stops = stops
        self._final = final

    def spans(self) -> Iterator[Span]:
        """Value by value, up to one that is not whole or a byte that ends the run."""
        place, size = 0, len(self.text)
        view = memoryview(self.text)
        while True:
            found = SEPARATORS.match(self.text, place)
            place = found.end() if found else place
            if place >= size or self.text[place] in self._stops:
                return
            end = self._end(view, place)
            if end is None:
                return
            yield Span(place, _without_space(self.text, place, end))
            place = end

    def _end(self, view: memoryview, place: int) -> int | None:
        if view[place] == 0x7B:
            try:
                _SKIP.decode(view[place:])
            except (msgspec.DecodeError, RecursionError) as error:
                found = _TRAILING.match(str(error))
                if found:
                    return _without_space(self.text, place, place + int(found[1]) - 1)
            else:
                return _without_space(self.text, place, len(self.text))
        balance = Balance(self._where)
        end = balance.find(self.text, place, first=True)
        if end is None and self._final and balance.ends_here():
            return len(self.text)
        return end


@lru_cache(maxsize=64)
def _decoders(want: type) -> tuple[msgspec.json.Decoder[Any], msgspec.json.Decoder[list[Any]]]:
    """For one value and for a list of them; a message is read in less time than these are made."""
    return msgspec.json.Decoder(want), msgspec.json.Decoder(list[want])  # type: ignore[valid-type]


class Run:
    """Makes Blocks of texts.

    Args:
        want: see `MakeParser`.
    """

    def __init__(self, want: type | None) -> None:
        self._one: msgspec.json.Decoder[Any] | None = None
        self._many: msgspec.json.Decoder[list[Any]] | None = None
        if want is not None:
            self._one, self._many = _decoders(want)

    def at_once(self, values: Values, start: Position) -> tuple[Block, int] | None:
        """Most elements of a list in one call: their block and how many bytes they are."""
        text = values.text
        first = next(values.spans(), None)
        between = _BETWEEN.match(text, first.end) if first else None
        if first is None or between is None or text[first.end - 1] != 0x7D:
            return None
        guess = len(text)
        for _ in range(_GUESSES):
            guess = text.rfind(b"}" + between[0], 0, guess)
            if guess < 0:
                return None
            block = self._list(text[: guess + 1], start)
            if block is not None:
                return block, guess + 1
        return None

    def _list(self, text: bytes, start: Position) -> Block | None:
        records, lines = self._typed_list(text)
        if records is None:
            try:
                records = _DICTS.decode(b"[%b]" % text)
            except FAILED:
                return None
            if maybe_twice(text, records):
                return None
        return Block(
            start=start,
            records=records,
            ordinals=range(start.base, start.base + len(records)),
            end=start.base + len(records),
            origin=_Places(start, text).of_value,
            typed=lines is not None,
            text=lines,
        )

    def _typed_list(self, text: bytes) -> tuple[list[Any] | None, bytes | None]:
        if self._many is None or needs_a_look(text):
            return None, None
        array = b"[%b]" % text
        try:
            records = self._many.decode(array)
            if b"\n" in text:
                array = msgspec.json.format(array, indent=-1)
            lines = b"\n".join([*_RAWS.decode(array), b""])
        except FAILED:
            return None, None
        whole = lines.count(b"\n") == len(records)
        return (records, lines) if whole and not _twice(text, records, array) else (None, None)

    def one_by_one(self, text: bytes, spans: list[Span], start: Position) -> Block:
        """The block of the values at `spans`."""
        raws = [text[span.start : span.end] for span in spans]
        places = _Places(start, text, spans)
        typed = self._typed(text, raws)
        if typed is not None:
            return Block(
                start=start,
                records=typed[0],
                ordinals=range(start.base, start.base + len(raws)),
                end=start.base + len(raws),
                origin=places.of_value,
                typed=True,
                text=typed[1],
            )
        kept, records, rejects = [], [], []
        for index, raw in enumerate(raws):
            found = read_object(raw)
            if isinstance(found, Problem):
                where = places.of_value(index)
                rejects.append(Reject(start.base + index, where.offset, where.line, *found, raw))
            else:
                records.append(found)
                kept.append(index)
        return Block(
            start=start,
            records=records,
            ordinals=[start.base + index for index in kept],
            end=start.base + len(raws),
            origin=lambda index: places.of_value(kept[index]),
            rejects=rejects,
            odd=any(type(record) is Odd for record in records),
        )

    def _typed(self, text: bytes, raws: list[bytes]) -> tuple[list[Any], bytes] | None:
        if self._one is None or needs_a_look(text):
            return None
        try:
            records = [self._one.decode(raw) for raw in raws]
            lines = b"".join([_one_line(raw) + b"\n" for raw in raws])
        except FAILED:
            return None
        return None if _twice(lines, records, b"[%b]" % b",".join(raws)) else (records, lines)


def _twice(text: bytes, records: list[Any], array: bytes) -> bool:
    """Whether a key may come twice; `records` are typed and lack what is null: a yes is looked at again."""
    return maybe_twice(text, records) and maybe_twice(text, _DICTS.decode(array))


class _Places:
    """Where the values of a block stand; worked out when it is asked for."""

    def __init__(self, start: Position, text: bytes, spans: list[Span] | None = None) -> None:
        self._start = start
        self._text = text
        self._given = spans

    @cached_property
    def _spans(self) -> list[Span]:
        if self._given is not None:
            return self._given
        return list(Values(self._text, "list", b"", final=True).spans())

    @cached_property
    def _numbers(self) -> list[int]:
        """Of every value the line it begins in."""
        starts = [0, *(span.start for span in self._spans)]
        between = (self._text.count(b"\n", one, other) for one, other in pairwise(starts))
        return list(accumulate(between, initial=self._start.line))[1:]

    def of_value(self, index: int) -> Origin:
        span = self._spans[index]
        raw = self._text[span.start : span.end]
        return Origin(self._start.offset + span.start, self._numbers[index], raw)


def _one_line(raw: bytes) -> bytes:
    return msgspec.json.format(raw, indent=-1) if b"\n" in raw else raw


def _without_space(text: bytes, start: int, end: int) -> int:
    while end > start + 1 and text[end - 1] in SPACE:
        end -= 1
    return end
