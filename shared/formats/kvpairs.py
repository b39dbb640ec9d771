r"""A line of key=value pairs, one after the other.

Rule: a line is pairs and words, with the pair separator between them. A quote opens
a key or a value only as its first character, and is closed right before a separator
or the line's end. Invariants: every character of a line is in a pair, in a word or
in a separator; a line that is read quickly gives what it gives word by word; the
time that a line takes grows with its length alone, since everything that is repeated
here is possessive.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from .jsonvalue import Problem

TEXT = "_text"
"""The key of what is in no pair."""

_PRIORITY = re.compile(r"<\d{1,3}>", re.ASCII)
"""Syslog's, which devices put right before the first pair."""

_LONG = 65536
"""The tokens of a longer line are not held all at once."""

_UNCLOSED = Problem(
    "UnclosedQuote",
    "a quote opens a value and is not closed right before a separator or the end of the record; "
    "see the format's quotes and escape",
)
_NO_PAIRS = Problem("NoPairs", "the record has no pair of a key and a value")


class Grammar(NamedTuple):
    """How pairs are written."""

    pair: str
    """Between two pairs; "" is any run of blanks."""
    value: str
    """Between a key and its value."""
    quotes: str
    """Characters that enclose a value, or a key."""
    escape: str
    """A character, or ""."""
    unescape: Callable[[str], str]
    """The text between quotes, if the escape character is in it, as it was meant."""
    flags: bool
    """Whether a word is a key whose value is true; else it is text."""

    @property
    def blanks(self) -> str:
        """What a run of blanks is made of: Linux' audit log has 0x1D between some of its pairs."""
        return " \t" if self.pair else " \t\x1d"

    @property
    def around(self) -> str:
        """The pattern of the blanks that may stand around pairs, keys and values."""
        if not self.pair:
            return ""
        return " *+" if "\t" in self.pair else r"[ \t]*+"

    @property
    def separator(self) -> str:
        """The pattern of what stands between two pairs."""
        return f"{self.around}{re.escape(self.pair)}{self.around}" if self.pair else f"[{self.blanks}]++"

    def some(self, *, without: str = "", value: bool = True) -> str:
        """The pattern of a character that begins no separator.

        Args:
            without: characters that it is not either.
            value: whether it may begin a value separator.
        """
        ends = [self.pair] if value else [self.pair, self.value]
        singles = "".join(end for end in ends if len(end) == 1) + ("" if self.pair else self.blanks)
        longer = "".join(f"(?!{re.escape(end)})" for end in ends if len(end) > 1)
        return f"(?:{longer}[^{re.escape(singles + without)}\\n])"

    def quoted(self, quote: str, *, group: str = "", escapes: bool = True) -> str:
        """The pattern of a text in quotes.

        Args:
            quote: which of them.
            group: how the group around the text begins: "(" to capture it.
            escapes: whether the text may hold the escape character.
        """
        q, e = re.escape(quote), re.escape(self.escape)
        plain = f"[^{q}{e}\\n]*+"
        text = f"{plain}(?:{e}.{plain})*+" if self.escape and escapes else plain
        return f"{q}{group}{text}{')' if group else ''}{q}"


class Pairs:
    """Reads lines under a grammar.

    Args:
        grammar: the route's.
    """

    def __init__(self, grammar: Grammar) -> None:
        self._grammar = grammar
        self._quick: Callable[[str], list[tuple[str, str]]] = re.compile(_quick(grammar)).findall
        self._token = re.compile(_token(grammar))
        self._wrong = re.compile(_wrong(grammar)).match
        self._value, self._quotes = grammar.value, grammar.quotes
        self._has_text = not grammar.flags and not grammar.pair
        blank_end = rf"[ \t](?:{re.escape(grammar.pair)}|{re.escape(grammar.value)})"
        self._is_loose = re.compile(blank_end).search if grammar.pair else None

    def read(self, line: str) -> dict[str, Any] | Problem:
        """A line's record, or why it is none."""
        line = line.strip(" \t")
        words = self._words_before(line) if self._has_text else 0
        pairs = self._quick(line[words:])
        record: dict[str, Any] = dict(pairs)
        if (
            "" in record
            or len(record) != len(pairs)
            or not pairs
            or (self._is_loose and self._is_loose(line))
        ):
            return self.by_tokens(line)
        for quote in self._quotes:
            if quote in line:
                for key, value in pairs:
                    if value and value[0] == quote:
                        record[key] = self._plain(value)
        if words and TEXT in record:
            return self.by_tokens(line)
        if words:
            record[TEXT] = line[:words].strip(" \t")
        return record

    def without_words(self, lines: Sequence[str]) -> tuple[list[str], Sequence[str]]:
        """The words before the first pair of each line, and the lines without them; no words if none has."""
        begins = list(map(self._words_before, lines)) if self._has_text else []
        if not any(begins):
            return [], lines
        words = [line[:begin] for line, begin in zip(lines, begins, strict=True)]
        return words, [line[begin:] for line, begin in zip(lines, begins, strict=True)]

    def _words_before(self, line: str) -> int:
        """Where the first pair begins, if there are only words before it; else 0."""
        value = line.find(self._value)
        begin = line.rfind(" ", 0, value) + 1 if value > 0 else 0
        if not begin:
            return self._priority(line)
        before = line[:begin]
        return 0 if not before.strip(" \t") or any(quote in before for quote in self._quotes) else begin

    def _priority(self, line: str) -> int:
        """The length of a syslog priority right before the first key."""
        found = _PRIORITY.match(line) if line[:1] == "<" else None
        if found is None:
            return 0
        key = line[found.end() : max(line.find(self._value), 0)]
        return found.end() if key and not any(blank in key for blank in " \t") else 0

    def tokens(self, line: str) -> list[tuple[str, str, str]]:
        """For each pair of a line key, value and "", for each word "", "" and the word, all as written."""
        return list(self._tokens(line))

    def _tokens(self, line: str) -> Iterable[tuple[str, str, str]]:
        if len(line) <= _LONG:
            return self._token.findall(line)
        return (found.groups("") for found in self._token.finditer(line))  # type: ignore[misc]

    def by_tokens(self, line: str) -> dict[str, Any] | Problem:
        """The same as `read`, one token after the other."""
        record: dict[str, Any] = {}
        words: list[str] = []
        grammar, pairs = self._grammar, False
        quotes, blanks = grammar.quotes, bool(grammar.pair)
        line = line.strip(" \t")
        begin = self._priority(line) if self._has_text else 0
        if begin:
            words.append(line[:begin])
        for key, value, word in self._tokens(line[begin:]):
            if key:
                pairs = True
                name = self._plain(key) if blanks or key[0] in quotes else key
                text = self._plain(value) if blanks or (value and value[0] in quotes) else value
                if name in record:
                    _add(record, name, text)
                else:
                    record[name] = text
            elif grammar.value in word and self._wrong(word):
                return _UNCLOSED
            elif grammar.flags and word and grammar.value not in word:
                name = word.rstrip(grammar.blanks)
                if record.get(name) is not True:
                    _add(record, name, True)
            elif word:
                words.append(word.rstrip(" \t") if blanks else word)
        if words:
            _add(record, TEXT, (f"{grammar.pair} " if blanks else "").join(words).rstrip(grammar.blanks))
        return record if pairs or (record and not grammar.flags) else _NO_PAIRS

    def _plain(self, text: str) -> str:
        """A key or value as it was meant."""
        grammar = self._grammar
        if not text or text[0] not in grammar.quotes:
            return text.rstrip(" \t") if grammar.pair else text
        inside = text.rstrip(" \t")[1:-1]
        return grammar.unescape(inside) if grammar.escape and grammar.escape in inside else inside


def _parts(grammar: Grammar) -> tuple[str, str]:
    """The patterns of a key and of a value, quotes and blanks after them included."""
    quoted = [grammar.quoted(quote) for quote in grammar.quotes]
    key = f"{grammar.some(value=False, without=grammar.quotes)}{grammar.some(value=False)}*+"
    text = f"{grammar.some(without=grammar.quotes)}{grammar.some()}*+"
    return "|".join([key, *(q + grammar.around for q in quoted)]), "|".join([text, *quoted, ""])


def _token(grammar: Grammar) -> str:
    """Key and value, or a word with the blanks after it, or an empty separator."""
    key, text = _parts(grammar)
    edge = rf"{grammar.around}(?:{grammar.separator}|\Z)"
    pair = f"({key}){re.escape(grammar.value)}{grammar.around}({text}){edge}"
    blanks = "" if grammar.pair else f"[{grammar.blanks}]*+"
    word = f"({grammar.some()}++{blanks})"
    return f"{pair}|{word}(?:{grammar.separator})?+|{grammar.separator}"


def _quick(grammar: Grammar) -> str:
    """Key and value; what does not go on like that is one empty pair."""
    key = f"{grammar.some(value=False, without=grammar.quotes)}++"
    text = f"{grammar.some(without=grammar.quotes)}++"
    text = "|".join([text, *(grammar.quoted(quote) for quote in grammar.quotes), ""])
    pair = rf"({key}){re.escape(grammar.value)}{grammar.around}({text})(?:{grammar.separator}|\Z)"
    return f"{pair}|[^\\n]++"


def _wrong(grammar: Grammar) -> str:
    """The beginning of a pair whose value is not closed."""
    if not grammar.quotes:
        return "(?!)"
    return f"(?:{_parts(grammar)[0]}){re.escape(grammar.value)}{grammar.around}[{re.escape(grammar.quotes)}]"


def _add(record: dict[str, Any], key: str, value: Any) -> None:
    """A key that comes again has all its values, as a list."""
    if key not in record:
        record[key] = value
    elif type(record[key]) is list:
        record[key].append(value)
    else:
        record[key] = [record[key], value]
