"""strptime patterns, read the same on every machine.

Rule: a pattern means what Python's datetime.strptime takes it to mean, in English
whatever the locale. Stricter than strptime, so that nothing is read wrongly in
silence: digits and blanks are ASCII; no part of a time is there twice; %I needs
%p and %p needs %I; a time of day needs its day; day 366 is one of a leap year.
Wider: %f takes up to nine digits, %L is a count of milliseconds (`22:15:29:7` is 7 ms
past, where %f reads seven tenths), %Z takes the names in time_zones.py, and the year
may be missing. Invariant: what a pattern lacks is said in a sentence when it is
compiled. Strategy: one regular expression, without nested repeats.
"""

from __future__ import annotations

import re
from functools import lru_cache

from .time_walls import MONTHS, Fields, Reading, Setting, Spans, instant

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _names(names: tuple[str, ...], size: int | None = None) -> str:
    return "|".join(name[:size] for name in names)


_PARTS = {
    "Y": r"\d{4}",
    "y": r"\d\d",
    "m": r"1[0-2]|0[1-9]|[1-9]",
    "b": _names(MONTHS, 3),
    "B": _names(MONTHS),
    "d": r"3[01]|[12]\d|0[1-9]|[1-9]| [1-9]",
    "j": r"36[0-6]|3[0-5]\d|[12]\d\d|0[1-9]\d|00[1-9]|[1-9]\d|0[1-9]|[1-9]",
    "H": r"2[0-3]|[01]\d|\d",
    "I": r"1[0-2]|0[1-9]|[1-9]",
    "M": r"[0-5]\d|\d",
    "S": r"6[01]|[0-5]\d|\d",
    "f": r"\d{1,9}",
    "L": r"\d{1,3}",
    "p": "am|pm",
    "a": _names(_DAYS, 3),
    "A": _names(_DAYS),
    "w": "[0-6]",
    "u": "[1-7]",
    "z": r"[+-]\d\d(?::[0-5]\d(?::[0-5]\d)?|[0-5]\d(?:[0-5]\d)?)|(?-i:Z)",
    "Z": "[a-z]{1,5}",
}
_WHOLES = {"c": "%a %b %d %H:%M:%S %Y", "x": "%m/%d/%y", "X": "%H:%M:%S"}
_KINDS = (("year", "Yy"), ("month", "mbB"), ("hour", "HI"), ("day", "dj"), ("month", "mj"), ("month", "bj"),
          ("month", "Bj"), ("fraction", "fL"))  # fmt: skip
_INSTEAD = {
    "s": "seconds since 1970 are format: epoch",
    "e": "write %d, which takes a day without its zero too",
    "k": "write %H",
    "l": "write %I",
    "h": "write %b",
    "T": "write %H:%M:%S",
    "R": "write %H:%M",
    "r": "write %I:%M:%S %p",
    "D": "write %m/%d/%y",
    "F": "write %Y-%m-%d",
    "N": "write %f",
    "P": "write %p",
    "n": "write a blank",
    "t": "write a blank",
    "-": "numbers are read with and without their zero; leave the - out",
    "G": "weeks of a year are not read",
    "V": "weeks of a year are not read",
    "U": "weeks of a year are not read",
    "W": "weeks of a year are not read",
}
_TOKEN = re.compile(r"%(.?)|(\s+)|(.)", re.DOTALL)


class Pattern:
    """A compiled pattern. Immutable; get one from `compiled`.

    Raises:
        ValueError: a sentence that says what is wrong with the pattern.
    """

    def __init__(self, pattern: str) -> None:
        pattern = re.sub(r"%([%cxX])", lambda found: _WHOLES.get(found[1], found[0]), pattern)
        self._letters: list[str] = []
        try:
            self._regex = re.compile(
                "".join(map(self._piece, _TOKEN.finditer(pattern))), re.ASCII | re.IGNORECASE
            )
        except re.error as error:  # pragma: no cover - _twice has looked
            raise ValueError(str(error)) from error
        _complete(set(self._letters))
        self.offset = "z" in self._letters
        """Whether each text says how far from UTC it is."""

    def _piece(self, token: re.Match[str]) -> str:
        letter, blank, literal = token.groups()
        if blank is not None:
            return r"\s+"
        if literal is not None:
            return re.escape(literal)
        if letter == "%":
            return "%"
        if letter not in _PARTS:
            instead = _INSTEAD.get(letter, f"there are %{' %'.join(_PARTS)}")
            raise ValueError(f"%{letter} is not read: {instead}.")
        _twice(letter, self._letters)
        self._letters.append(letter)
        return f"(?P<{letter}>{_PARTS[letter]})"

    def read(self, text: str, where: Setting) -> Reading:
        """The instant that a text says.

        Raises:
            ValueError, OverflowError: it does not follow the pattern, or there is no such time.
        """
        found = self._regex.match(text)
        if found is None or found.end() != len(text):
            raise ValueError("does not follow the pattern")
        fields = found.groupdict()
        if "L" in fields:
            return Reading(instant(fields, where), fields["L"].zfill(3), spans(found, fields, "L"))
        return Reading(instant(fields, where), fields.get("f") or "", spans(found, fields))


compiled = lru_cache(maxsize=64)(Pattern)


def spans(found: re.Match[str], fields: Fields, fraction_in: str = "f") -> Spans | None:
    """Where a text has its minute, second and fraction; None if one of them lacks digits."""
    if len(fields.get("M") or "") != 2 or len(fields.get("S") or "") != 2:
        return None
    if fraction_in == "L" and len(fields["L"] or "") != 3:
        return None
    end = found.end("S")
    fraction = found.span(fraction_in) if fields.get(fraction_in) else (end, end)
    return (found.start("M"), found.start("S"), end, *fraction)


def _twice(letter: str, before: list[str]) -> None:
    if letter in before:
        raise ValueError(f"%{letter} is there twice.")
    for part, letters in _KINDS:
        for other in before:
            if letter in letters and other in letters:
                raise ValueError(f"the {part} is there twice: %{other} and %{letter}.")


def _complete(letters: set[str]) -> None:
    """Whether a time follows from these parts."""
    if not letters:
        raise ValueError("a pattern has parts of a time, such as %d/%b/%Y:%H:%M:%S %z.")
    year, month = bool(letters & set("Yy")), bool(letters & set("mbB"))
    if not (year or month or letters & set("dj")):
        raise ValueError("a time of day alone says no day: the pattern needs a date.")
    if ("I" in letters) != ("p" in letters):
        raise ValueError("%I (1 to 12) and %p (AM or PM) need each other; 0 to 23 is %H.")
    if "d" in letters and not month:
        raise ValueError("%d needs its month: %m, %b or %B.")
    to_the_day = "j" in letters or (month and "d" in letters)
    if not to_the_day and (letters & set("HIMSfL") or not year):
        raise ValueError("the day is missing: %d with a month, or %j.")
