"""Globs of routes: the same paths and captures as a common library's, in a time that no path can stretch."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from wcmatch import glob

from shared.routes.match import captured

FLAGS = glob.GLOBSTAR | glob.CASE | glob.DOTGLOB | glob.FORCEUNIX

PIECES = [
    "a",
    "b",
    "-",
    ".",
    "é",
    " ",
    "/",
    "/",
    "*",
    "**",
    "?",
    "{n}",
    "{m}",
    "[ab]",
    "[!a]",
    "[^b.]",
    "[+-9]",
]
PIECES += ["[]a]", "[[:alpha:]]", "[a-c]", "[c-a]", "[", "]", "!", r"\*", r"\a"]


def by_wcmatch(path: str, pattern: str) -> dict[str, str] | None:
    """What the library's translation takes and captures, with Python's own patterns."""
    marked = re.sub(r"\{([a-z])\}", "\ue000\\1\ue001", pattern)
    translated = glob.translate(marked, flags=FLAGS)[0][0]
    found = re.compile(re.sub("\ue000(.*?)\ue001", r"(?P<\1>[^/]+?)", translated)).fullmatch(path)
    return found.groupdict() if found else None


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=8),
    st.text("aab-./*[]é!c ", min_size=1, max_size=9),
)
def test_a_glob_takes_what_everybody_elses_takes(pieces: list[str], path: str) -> None:
    """The same paths are taken, and the same parts captured; a path with . or .. in it is no blob's."""
    pattern = "".join(pieces)
    assume(pattern.count("{n}") < 2 and pattern.count("{m}") < 2 and "[{" not in pattern)
    assume(not {".", ".."} & set(path.split("/")) and not re.fullmatch(r"/*\*\*/+", pattern))
    try:
        expected = by_wcmatch(path, pattern)
    except re.error:  # a capture within brackets breaks the library's
        return
    assert captured(path, (pattern,)) == expected


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    ("pattern", "piece"),
    [
        ("{a}-{b}-{c}-{d}-{e}.csv", "-"),
        ("logs/{a}_{b}_{c}_{d}_{e}", "logs/_"),
        ("**/a/**/a/**/a/**/a/**/b.csv", "a/"),
        ("*-*-*-*-*-*-*-*-*-*.csv", "-"),
        ("[!x]*[!x]*[!x]*[!x]*[!x]*x", "y"),
        ("**/**/**/{a}*{b}*{c}*{d}.x", "/y"),
    ],
)
def test_no_path_makes_a_glob_slow(pattern: str, piece: str) -> None:
    """Whoever drops a file chooses its path; the longest one that a blob can have is looked at at once.

    Patterns that go back and try again take hours for these.
    """
    path = (piece * 1_024)[:1_024]
    assert captured(path, (pattern,)) in (None, dict.fromkeys("abcde", "_"))


def test_a_path_that_is_no_utf8_is_looked_at_all_the_same() -> None:
    """A file's name on this machine may hold bytes that are no UTF-8."""
    assert captured("in/\udcff.csv", ("in/{name}.csv",)) == {"name": "\\udcff"}
