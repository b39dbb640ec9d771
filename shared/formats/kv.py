r"""key=value lines: logfmt, and pairs with other separators.

Rule: a line is a record; what is a pair is said in `kvpairs`. Values are text.
Invariant: a line read by a shape that was seen before (`kvshapes`) gives the same
record as read pair by pair.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from ..model import Block, Position
from .kvpairs import TEXT, Grammar, Pairs
from .kvshapes import Shapes
from .lines import Lines, TextParser, block_of

_GO_ESCAPE = re.compile(
    r"\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})"
    r"|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|x([0-9a-fA-F]{2})|(.))"
)
_LETTERS = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_LETTERS |= {character: character for character in "\"'\\/"}


class LogfmtOptions(
    msgspec.Struct, tag_field="type", tag="logfmt", frozen=True, forbid_unknown_fields=True, kw_only=True
):
    r"""key=value pairs with blanks between them, as many programs write their logs.

    ```text
    time=2026-11-20T06:00:01Z level=info msg="order \"A-17\" placed" took=12.5ms cached
    ```

    A line is a record with the keys as they are written. Every value is text; the route's columns give it a
    type. A value in double quotes may hold blanks, and the escapes that Go and JSON write (`\"`, `\n`,
    `\u00e9`); what is no such escape stays as it is. A word without `=` is a key whose value is true (see
    `bare`). A key that comes twice has the list of its values. What begins with `=` is kept as text under
    `_text`.

    Rejected are lines without any pair (NoPairs), those with a quote that is not closed, or closed in the
    middle of a value (UnclosedQuote), and invalid UTF-8 (InvalidUtf8).

    ```yaml
    format: { type: logfmt }
    columns:
      TimeGenerated: { type: datetime, from: [time, ts] }
      Level:         { type: string,   from: level }
      Message:       { type: string,   from: msg }
    ```
    """

    bare: Annotated[
        Literal["flag", "text"],
        Meta(
            description="What a word without = is. flag: a key whose value is true. text: such words are put "
            "together, in their order, under _text."
        ),
    ] = "flag"

    def grammar(self) -> Grammar:
        """How pairs are written."""
        return Grammar("", "=", '"', "\\", _go_text, self.bare == "flag")


class KvOptions(
    msgspec.Struct, tag_field="type", tag="kv", frozen=True, forbid_unknown_fields=True, kw_only=True
):
    r"""Pairs of keys and values with any separators: firewalls, audit logs, `a: 1, b: 2`.

    ```text
    date=2026-11-20 time=06:00:01 devname="FG-1" srcip=192.0.2.7 action="deny"
    ```

    A line is a record with the keys as they are written, and every value is text. Quotes around a value are
    left out; inside them separators are text, and `escape` before a quote or another escape takes its
    meaning. A key that comes twice has the list of its values. What stands outside of the pairs, such as
    words before the first one or a syslog priority (`<189>`) right before it, is kept under `_text` (see
    `bare`).

    Rejected are lines with a quote that is not closed, or closed in the middle of a value (UnclosedQuote),
    lines with nothing in them but separators and, with `bare: flag`, lines without any pair (NoPairs).

    ```yaml
    format: { type: kv }                                  # a=1 b="x y"
    format: { type: kv, pair: ",", value: ":" }           # a: 1, b: x y
    format: { type: kv, quotes: "\"'" }                   # type=USER_AUTH msg='op=login acct="root"'
    columns:
      TimeGenerated: { type: datetime, join: [date, time], zone: Europe/Berlin }
      SourceIP:      { type: string,   from: srcip }
    ```
    """

    pair: Annotated[
        str,
        Meta(
            description="What stands between two pairs, such as a comma or a semicolon; blanks around it are "
            "left out. A blank stands for any run of spaces, tabs and the character 0x1D, which "
            "Linux' audit log has before the names that it adds."
        ),
    ] = " "
    value: Annotated[str, Meta(description="What stands between a key and its value.")] = "="
    quotes: Annotated[
        str,
        Meta(
            description='Characters that may enclose a value, or a key, that holds separators; "" for none.'
        ),
    ] = '"'
    escape: Annotated[
        str,
        Meta(
            description="A character that, between quotes, takes its meaning from a quote or another escape "
            'after it; "" for none. Before other characters it is itself.'
        ),
    ] = "\\"
    bare: Annotated[
        Literal["flag", "text"],
        Meta(
            description="What a text without the value separator is. flag: a key whose value is true. text: "
            "such texts are put together, in their order, under _text."
        ),
    ] = "text"

    def __post_init__(self) -> None:
        _check(self)

    def grammar(self) -> Grammar:
        """How pairs are written."""
        special = re.escape(self.quotes + self.escape)
        escaped = re.compile(f"{re.escape(self.escape)}([{special}])") if self.escape else None

        def unescape(text: str) -> str:
            return escaped.sub(r"\1", text) if escaped else text

        pair = self.pair.strip(" ")
        value = self.value.strip(" ") if pair else self.value
        return Grammar(pair, value, self.quotes, self.escape, unescape, self.bare == "flag")


class KvParser(TextParser):
    """See `Parser`. Records are dicts or, where all lines of a block are alike, tuples of their values."""

    def __init__(self, options: LogfmtOptions | KvOptions, start: Position, want: type | None = None) -> None:
        del want  # values are text
        super().__init__(start)
        grammar = options.grammar()
        self._pairs = Pairs(grammar)
        self._shapes = Shapes(grammar, self._pairs)

    def read(self, source: Lines) -> Iterator[Block]:
        """One block for the window."""
        texts = source.texts()
        if not texts:
            yield from super().read(source)
            return
        alike = self._shapes.rows(texts)
        if alike is not None:
            yield block_of(source, alike[1], alike[0].names)
        else:
            yield block_of(source, self.values(texts), None)

    def values(self, lines: Sequence[str]) -> list[Any]:
        """Each line's record, by its shape or pair by pair."""
        words, pairs = self._pairs.without_words(lines)
        found = self._shapes.records(pairs)
        for index, record in enumerate(found):
            if record is None:
                found[index] = self._pairs.read(lines[index])
            elif words and words[index]:
                record[TEXT] = (words[index] + record.get(TEXT, "")).strip(" \t")
        return found


def _go_text(text: str) -> str:
    """What Go's strconv.Quote and JSON escape; anything else after a backslash stays, backslash and all."""
    return _GO_ESCAPE.sub(_meant, text)


def _meant(escape: re.Match[str]) -> str:
    high, low, *codes, letter = escape.groups()
    if high:
        return chr(0x10000 + ((int(high, 16) - 0xD800) << 10) + int(low, 16) - 0xDC00)
    if letter:
        return _LETTERS.get(letter, escape[0])
    code = int(next(code for code in codes if code), 16)
    is_character = code < 0xD800 or 0xDFFF < code < 0x110000
    return chr(code) if is_character else escape[0]


def _check(options: KvOptions) -> None:
    for key in ("pair", "value"):
        text = getattr(options, key)
        if not text or any(character in text for character in "\r\n\0"):
            raise ValueError(
                f"{key}: {text!r} cannot separate anything; write one or more visible characters"
            )
    if not options.value.strip(" \t"):
        raise ValueError(
            f"value: {options.value!r} is blank; blanks can only stand between pairs (pair: ' ')"
        )
    if len(options.escape) > 1:
        raise ValueError(f'escape: {options.escape!r} has {len(options.escape)} characters; write one, or ""')
    pair, value = options.pair.strip(" "), options.value.strip(" ")
    if pair and (pair in value or value in pair):
        raise ValueError(f"value: {options.value!r} cannot be told from the pair separator {options.pair!r}")
    for key, characters in (("quotes", options.quotes), ("escape", options.escape)):
        for character in characters:
            if character.isspace() or character in pair + value:
                raise ValueError(f"{key}: {character!r} is a blank or part of a separator; write another one")
    if options.escape and options.escape in options.quotes:
        raise ValueError(f'escape: {options.escape!r} is a quote already; write another one, or ""')
