"""What became of a file that was pushed.

Rule: plain values, for who asks from Python as for the table on the screen.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

from ..errors import SourceChanged, Transient
from ..model import Counts

Outcome = Literal["done", "nothing new", "unfinished", "stopped", "not ready", "busy", "unreadable"]
"""One word for it:

- done: everything in it is accepted, filtered or in the dead letter.
- nothing new: it was already.
- unfinished: all but its last record, which has no end yet.
- stopped: somebody asked to; it goes on from there.
- not ready: Azure, or the state folder, did not take it, or it changed under the hand; it goes on from there.
- busy: another push is on it.
- unreadable: there is no such file, or it may not be read.
"""


class How(NamedTuple):
    """How files are taken."""

    again: bool = False
    """From the beginning, though they were pushed before."""
    growing: bool = False
    """A last record that is not ended is left, however long the file has not been written."""
    final: bool = False
    """It is taken as it is, even if the file was written a moment ago."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """What became of one file in one run."""

    file: str
    """As it was named."""
    state: Outcome = "done"
    path: str = ""
    """The path in the drop container that it stands for."""
    route: str = ""
    table: str = ""
    counts: Counts = field(default_factory=Counts)
    """Of this run alone."""
    reason: str = ""
    """Why it is not done, and what helps."""
    error: Transient | None = None
    """What Azure, or the identity, said no with."""
    dead_letter: str = ""
    """The folder with the records that became no row, if there are any."""
    kept: str = ""
    """The file with what came on a stream and is not settled."""

    @property
    def good(self) -> bool:
        """Whether every record of it is in Azure, or was filtered."""
        return self.state in {"done", "nothing new"} and not self.counts.dead_lettered

    @property
    def refused(self) -> Transient | None:
        """Why no other file would be taken either; None where it is this file's own matter."""
        own = self.state != "not ready" or isinstance(self.error, SourceChanged)
        return None if own else self.error

    def good_for(self, how: How) -> bool:
        """The same, where a last record without an end is no failure if the file is known to be growing."""
        waits = self.state == "unfinished" and how.growing and not self.counts.dead_lettered
        return self.good or waits

    def but(self, state: Outcome, reason: str = "", error: Transient | None = None) -> Pushed:
        """The same, not done."""
        return replace(self, state=state, reason=reason, error=error)

    def with_counts(self, counts: Counts, dead_letter: str) -> Pushed:
        """The same, counted."""
        return replace(self, counts=counts, dead_letter=dead_letter if counts.dead_lettered else "")

    def named(self, file: str) -> Pushed:
        """The same, as it was named."""
        return replace(self, file=file)

    def kept_in(self, file: str) -> Pushed:
        """The same, of a stream whose content is in a file."""
        return replace(self, kept=file)


class Stopped(Transient):
    """Somebody asked to stop."""
