r"""Patterns that users write: RE2, so that no input can make one of them slow.

Rule: a pattern is checked here, when routes are read, and run by `arrowmatch`, which
has the same engine. Invariant: what passes here is taken there, and means the same.
Strategy: groups that have no name are made non-capturing, and `(?<name>` is spelled
`(?P<name>`; then RE2's own count and names of groups must be those found here.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import re2

_TOKEN = re.compile(
    r"""
      \\Q .*? (?: \\E | \Z )                                     # quoted text
    | \\ .                                                       # an escape
    | \[ \^?+ \]?+ (?: \[:\^?\w++:\] | \\. | [^\]\\] )*+ \]      # a class
    | \( \? P?+ < (?P<name> [^>=!]*+ ) >                         # a named group
    | (?P<bare> \( ) (?! \? )                                    # a group without a name
    """,
    re.VERBOSE | re.DOTALL,
)

_GROK = re.compile(r"%\{\w+(?::[\w.@\[\]-]+){0,2}\}")

_HINTS = [
    (("(?=", "(?!", "(?<=", "(?<!"), "RE2 has no look-around; match the text before or after as well"),
    (("(?P=", "(?P>"), "RE2 has no references to groups"),
    (("(?>",), "RE2 has no atomic groups and needs none: it never goes back; write (?:...)"),
    (("(?x", "(?#"), "RE2 has neither the x flag nor comments"),
    (("(?|",), "RE2 has no branch reset; write a list of patterns"),
]
_ESCAPES = {
    "Z": r"write \z or $, which in RE2 is the end of the text",
    "h": r"write [ \t]",
    "H": r"write [^ \t]",
    "R": r"write \r?\n",
    "K": "leave it out; what is not to be kept stands outside of the named groups",
    "G": "leave it out",
    "E": r"it ends a text that \Q begins",
    "u": r"write \x{00e9} where other engines have \u00e9",
    "c": r"write \x01 where other engines have \cA",
    "k": "RE2 has no references to groups",
}


class Pattern(NamedTuple):
    """A pattern that RE2 takes."""

    text: str
    """As RE2 gets it: every group that captures has a name, and no two have the same."""
    names: tuple[str, ...]
    """Of its groups, in their order."""

    @property
    def whole(self) -> str:
        """The pattern of a text that matches from its beginning to its end."""
        return rf"\A(?:{self.text})\z"

    @property
    def beginning(self) -> str:
        """The pattern of a text that begins with a match."""
        return rf"\A(?:{self.text})"


def checked(key: str, text: str) -> Pattern:
    """A pattern, ready to run.

    Args:
        key: where it stands, for messages.
        text: as the user wrote it. A newline at its end is left out: it comes with
            YAML's `|`, and no record ends with one.

    Raises:
        ValueError: RE2 refuses it, or it cannot be told what its groups are called.
    """
    text = text.rstrip("\n")
    if not text:
        raise ValueError(f"{key}: the pattern is empty; write what a record looks like")
    grok = _GROK.search(text)
    if grok:
        raise ValueError(f"{key}: {grok[0]} is Grok, which is not known here; write it as (?P<name>...)")
    names = [found["name"] for found in _TOKEN.finditer(text) if found["name"] is not None]
    _compile(key, text)
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(
            f"{key}: two groups are called {twice}; call them differently, or write a list of patterns"
        )
    pattern = Pattern(_TOKEN.sub(_named, text), tuple(names))
    _check_groups(key, pattern)
    return pattern


def _named(token: re.Match[str]) -> str:
    if token["bare"]:
        return "(?:"
    return token[0] if token["name"] is None else f"(?P<{token['name']}>"


def _compile(key: str, text: str) -> re2._Regexp:
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(text, options)
    except re2.error as error:
        said = error.args[0]
        said = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
        hint = _hint(said, text)
        raise ValueError(f"{key}: RE2 refuses the pattern: {said}{'; ' if hint else ''}{hint}") from None
    except UnicodeEncodeError:
        raise ValueError(
            f"{key}: the pattern holds half of a surrogate pair, which is no character"
        ) from None


def _hint(said: str, text: str) -> str:
    """What to write instead; "" if RE2's own words say it."""
    if "perl operator" in said:
        for signs, hint in _HINTS:
            if any(sign in text for sign in signs):
                return hint
    if "escape sequence" in said:
        letter = said[-1]
        return "RE2 has no references to groups" if letter.isdigit() else _ESCAPES.get(letter, "")
    if "bad repetition operator" in said and said.endswith("+"):
        return "RE2 has no possessive repetition and needs none: it never goes back; leave the last + out"
    if "repetition size" in said:
        return "RE2 repeats up to 1,000 times; write * or + instead"
    if "named capture group" in said:
        return "a name has letters, digits and _"
    return ""


def _check_groups(key: str, pattern: Pattern) -> None:
    """Whether RE2 finds the groups that were found here, also with text around the pattern."""
    try:
        found = _compile(key, pattern.whole)
    except ValueError:
        found = None
    if found is None or found.groups != len(pattern.names) or set(found.groupindex) != set(pattern.names):
        raise ValueError(
            f"{key}: it cannot be told where the groups of this pattern begin and end; "
            r"end each \Q with \E, and write (?:...) for a group without a name"
        )
