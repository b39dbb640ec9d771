"""`logferry deadletters show`: records, and their bytes.

Rule: a document after the other, as far as was asked for. Invariants: no control
character of a record reaches a terminal, unless its bytes were asked for (`--raw`);
those are written as they came.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import msgspec

from ..ledger.deadletter import Line
from .deadletters_find import Document, Wanted, find, nothing, read, where
from .explain import count
from .show import Show, clean
from .storage import Place

_CUT = 2_000
"""Bytes of a record that are looked at for one line of a screen."""
_WIDTH = 160
"""Characters of a record, where the output is no terminal."""


def show(place: Place, wanted: Wanted, limit: int, *, raw: bool, as_json: bool) -> None:
    """Show the records that are meant, `limit` at most. Raises Trouble."""
    screen, left = Show(), limit or sys.maxsize
    shown = more = 0
    for document in find(place, wanted):
        if left <= 0:
            more += max(1, document.records)
            continue
        lines = [line for line in _lines(place, document) if wanted.reason in {"", line.reason}]
        for number, line in enumerate(lines[:left]):
            if raw:
                _raw(line)
            elif as_json:
                screen.raw(msgspec.json.encode(line).decode() + "\n")
            else:
                if number == 0:
                    _heading(screen, document)
                _record(screen, line)
        shown += len(lines[:left])
        more += len(lines[left:])
        left -= len(lines[:left])
    if not (raw or as_json):
        _end(screen, place, wanted, shown, more)


def _lines(place: Place, document: Document) -> Iterator[Line]:
    found = read(place, document)
    return iter(()) if found is None else iter(found[1])


def _heading(screen: Show, document: Document) -> None:
    screen.line(f"{document.source}  ({document.route})", "bold")
    screen.line(document.name, "dim")


def _record(screen: Show, line: Line) -> None:
    tries = f", replayed {count(line.tries, 'time')}" if line.tries else ""
    member = f"{line.member}, " if line.member else ""
    screen.line(f"  {member}{where(line)}{tries}: {line.reason}", "red")
    screen.prose(f"    {line.detail}")
    raw = line.content
    if raw:
        screen.line(f"    {_cut(screen, raw)}", "dim")
    screen.line()


def _cut(screen: Show, raw: bytes) -> str:
    """A record's bytes on one line."""
    width = (screen.console.width if screen.pretty else _WIDTH) - 8
    text = clean(raw[:_CUT].decode(errors="backslashreplace"))
    return text if len(text) <= width and len(raw) <= _CUT else f"{text[: width - 4]} ..."


def _raw(line: Line) -> None:
    sys.stdout.flush()
    sys.stdout.buffer.write(line.content + b"\n")
    sys.stdout.buffer.flush()


def _end(screen: Show, place: Place, wanted: Wanted, shown: int, more: int) -> None:
    if not shown:
        nothing(screen, place, wanted)
    elif more:
        screen.line(f"... and {more:,} more; --limit 0 shows all, --json and --raw write them whole.", "dim")
