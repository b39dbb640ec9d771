"""Where a JSON value ends, by its brackets and quotes alone.

Rule: this finds the end of values that need not be well formed, so that one bad
record costs one record. Invariant: for valid JSON the end is the true one; for
any bytes the scan goes on where it stopped, whatever came in which chunk.

How it recovers: a raw newline cannot stand inside a JSON string, so it ends one; a
closing bracket closes what was left open inside its pair; a `]` without a `[` ends
the list that the value stands in. Text that is not bracketed at all ends with its
line, or before a comma or bracket of the list.
"""

from __future__ import annotations

import re

_OUTSIDE = re.compile(rb'["\[\]{}]')
_INSIDE = re.compile(rb'[^"\\\n]*')
_DEEP = 10_000
"""Brackets are told apart down to this depth and only counted below it."""

_QUOTE, _BACKSLASH, _NEWLINE = b'"\\\n'
_END_OF_LIST = 0x5D
_OPEN = frozenset(b"[{")
_PAIR = {ord("]"): b"[", ord("}"): b"{"}

STOPS = {
    "list": re.compile(rb"[,\]\[{\n]"),
    "top": re.compile(rb"[\[{\n]"),
    "member": re.compile(rb"[,}\s]"),
}
"""Before what a value that is neither bracketed nor quoted ends, by where it stands."""


class Balance:
    """The scan over one value.

    Args:
        where: list, top or member: what the value stands in.
    """

    def __init__(self, where: str) -> None:
        self.scanned = 0
        """Bytes of the value that were looked at; they need not be given again."""
        self._stop = STOPS[where]
        self._in_list = where == "list"
        self._at_top = where == "top"
        self._stack = bytearray()
        self._deeper = 0
        self._in_string = False
        self._bare = False

    def find(self, data: bytes | bytearray, place: int, *, first: bool = False) -> int | None:
        """Go on in `data` at `place`; give the index after the value's last byte, or None if it goes on.

        Args:
            data: holds bytes of the value from `place` on; those scanned before are not looked at again.
            place: index in `data` of the next byte to scan.
            first: whether that is the value's first byte.
        """
        if first and data[place] not in b'"[{':
            self._bare = True
            self.scanned += 1
            place += 1
        start = place
        end, place = self._bare_end(data, place) if self._bare else self._bracketed_end(data, place)
        self.scanned += place - start
        return end

    def ends_here(self) -> bool:
        """Whether the value is whole if the input ends now."""
        return self._bare and self._at_top

    def _bare_end(self, data: bytes | bytearray, place: int) -> tuple[int | None, int]:
        found = self._stop.search(data, place)
        return (None, len(data)) if found is None else (found.start(), found.start())

    def _bracketed_end(self, data: bytes | bytearray, place: int) -> tuple[int | None, int]:
        while True:
            if self._in_string:
                place, self._in_string = _string_end(data, place)
                if self._in_string:
                    return None, place
                if not self._stack:
                    return place, place
            found = _OUTSIDE.search(data, place)
            if found is None:
                return None, len(data)
            place = found.end()
            byte = data[place - 1]
            if byte == _QUOTE:
                self._in_string = True
            elif byte in _OPEN:
                self._push(byte)
            elif self._ends_the_list(byte):
                return place - 1, place - 1
            elif self._close(byte):
                return place, place

    def _ends_the_list(self, byte: int) -> bool:
        return byte == _END_OF_LIST and self._in_list and not self._deeper and b"[" not in self._stack

    def _push(self, byte: int) -> None:
        if len(self._stack) < _DEEP:
            self._stack.append(byte)
        else:
            self._deeper += 1

    def _close(self, byte: int) -> bool:
        """Whether a closing bracket ends the value."""
        if self._deeper:
            self._deeper -= 1
            return False
        at = self._stack.rfind(_PAIR[byte])
        if at < 0:
            return False
        del self._stack[at:]
        return not self._stack


def _string_end(data: bytes | bytearray, place: int) -> tuple[int, bool]:
    """Go on inside a string: how far, and whether it goes on after `data`."""
    size = len(data)
    while True:
        found = _INSIDE.match(data, place)
        place = found.end() if found else place
        if place >= size or (data[place] == _BACKSLASH and place + 1 == size):
            return place, True
        if data[place] != _BACKSLASH or data[place + 1] == _NEWLINE:
            return place + (data[place] != _NEWLINE), False
        place += 2
