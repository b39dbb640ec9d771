r"""A glob as a pattern of RE2, so that no path makes one of them slow.

Rule: `**` crosses folders, `*` and `?` do not; `{NAME}` stands for one character or
more that are no slash, and captures them; `[a-z]`, `[!a-z]` and `[[:digit:]]` stand for
one that is no slash; `\` takes the next character as it is. Invariant: a translated glob
takes a path in a time that grows with the lengths of both, whoever chose the path.
Python's own patterns go back and try again: three `{NAME}` with a dash between them took
five seconds over a path of a thousand dashes, and a fourth one would take half an hour.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby

CAPTURE = re.compile(r"\{([A-Za-z][A-Za-z0-9_]*)\}")
"""A part of a path that has a name."""

_FOLDERS = "**"
_TOKEN = re.compile(
    r"""
      (?P<stars> \*+ )
    | (?P<one> \? )
    | \{ (?P<name> [A-Za-z][A-Za-z0-9_]* ) \}
    | \[ (?P<other> [!^]? ) (?P<members> \]?+ (?: \[:[a-z]+:\] | \\. | [^\]\\] )*+ ) \]
    | \\ (?P<escaped> . )
    | \\ \Z
    | (?P<plain> . )
    """,
    re.VERBOSE | re.DOTALL,
)
_MEMBER = re.compile(r"\[:(?P<kind>[a-z]+):\]|\\?(?P<low>.)(?:-\\?(?P<high>.))?", re.DOTALL)
_KINDS = {
    "alnum": ("09", "AZ", "az"),
    "alpha": ("AZ", "az"),
    "digit": ("09",),
    "lower": ("az",),
    "upper": ("AZ",),
    "word": ("09", "AZ", "az", "__"),
    "xdigit": ("09", "AF", "af"),
}
_SLASH, _LAST = ord("/"), 0x10FFFF


def translate(glob: str) -> str:
    """The pattern of RE2 that takes a whole path if the glob does."""
    glob = glob.replace("\\/", "/")
    names = [name for name, again in groupby(filter(None, glob.split("/"))) for name in _once(name, again)]
    ends = "/+" if glob.endswith("/") else "/*"
    made = "/+" if glob.startswith("/") else ""
    for name in names[:-1]:
        made += "(?:.*?/+)??" if name == _FOLDERS else f"{_name(name)}/+"
    for name in names[-1:]:
        made += f"{'.*' if name == _FOLDERS else _name(name)}{ends}"
    return f"(?s){made}"


def _once(name: str, again: Iterable[str]) -> list[str]:
    """`**` as often as it comes is the same as once."""
    return [name] if name == _FOLDERS else list(again)


def _name(text: str) -> str:
    """The pattern of a file's or a folder's name."""
    if not text.strip("*"):
        return "[^/]+?"
    return "".join(map(_token, _TOKEN.finditer(text)))


def _token(found: re.Match[str]) -> str:
    if found["stars"]:
        return "[^/]*?"
    if found["one"]:
        return "[^/]"
    if found["name"]:
        return f"(?P<{found['name']}>[^/]+?)"
    if found["members"]:
        return _class(found["members"], other=bool(found["other"]))
    return _literal(found["escaped"] or found["plain"] or "")


def _class(members: str, *, other: bool) -> str:
    """One character of those that are named, or of all others; never a slash."""
    spans = [span for found in _MEMBER.finditer(members) for span in _spans(found)]
    if not other:
        around = [(0, _SLASH - 1), (_SLASH + 1, _LAST)]
        spans = [(max(a, c), min(b, d)) for a, b in spans for c, d in around if max(a, c) <= min(b, d)]
        return f"[{_ranges(spans)}]" if spans else f"[^{_ranges([(0, _LAST)])}]"
    return f"[^{_ranges([*spans, (_SLASH, _SLASH)])}]"


def _spans(found: re.Match[str]) -> list[tuple[int, int]]:
    if found["kind"]:
        return [(ord(span[0]), ord(span[1])) for span in _KINDS.get(found["kind"], ())]
    low, high = ord(found["low"]), ord(found["high"] or found["low"])
    return [(low, high)] if low <= high else []


def _ranges(spans: list[tuple[int, int]]) -> str:
    return "".join(rf"\x{{{low:x}}}-\x{{{high:x}}}" for low, high in spans)


def _literal(character: str) -> str:
    return character if character.isalnum() or not character else rf"\x{{{ord(character):x}}}"
