"""One file: where it goes on, and what is written down of it.

Invariants: the entry covers the contiguous accepted prefix only, and the dead letter
is on the disk before the entry passes it; a file goes on only if it begins with what
was read of it. Strategy: a log whose last line was taken before it had its newline is
gone on with at that line, so that it lands whole; its `record_id` stays the same.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator

from msgspec.structs import replace

from ..formats import FORMATS
from ..ledger.deadletter import records
from ..ledger.entry import Entry
from ..ledger.files import Claimed
from ..ledger.folder import Folder
from ..model import Counts, Position, Reject, SourceFacts
from ..pipeline import Corridor, Run, Start
from ..routes import Route
from ..sources.file import FileSource
from .outcome import How, Pushed, Stopped

DEAD_LETTER = "dead-letter"
REST_SECONDS = 120.0
"""A file that was not written for so long has ended, whether its last line has or not."""
_BEAT_SECONDS = 1.0


class One:
    """A file that is claimed.

    Args:
        corridor: sends it.
        folder: keeps dead letters.
        claimed: its entry.
        source: its bytes.
        route: takes it.
        name: its path in the drop container, were it dropped.
        stopped: True ends the run at a checkpoint.
    """

    def __init__(
        self,
        corridor: Corridor,
        folder: Folder,
        claimed: Claimed,
        source: FileSource,
        route: Route,
        name: str,
        stopped: Callable[[], bool],
    ) -> None:
        self._corridor = corridor
        self._folder = folder
        self._claimed = claimed
        self._source = source
        self._route = route
        self._name = f"{socket.gethostname()}/{name}"
        self._stopped = stopped
        self._text = FORMATS[route.format.__struct_config__.tag].text

    def push(self, made: Pushed, how: How, progress: Callable[[int], None]) -> Pushed:
        """Push what is new. Raises Transient."""
        entry = self._entry(how)
        if entry.state == "done" and self._source.size == entry.marks.end:
            return made.but("nothing new")
        final = how.final or not self._text or (not how.growing and self._rests())
        before = replace(entry.counts, changed=dict(entry.counts.changed))
        facts = SourceFacts("file", entry.source, entry.version, self._source.modified, entry.received)
        saving = _Saving(self._folder, self._claimed, self._source, entry, facts, self._stopped)
        entry.state = "running"
        self._claimed.write(entry)
        run = self._corridor.run(
            self._route,
            facts,
            lambda offset: self._read(offset, progress),
            Start(entry.position, entry.counts, entry.seekable, final=final),
            saving,
            self._stopped,
        )
        self._settle(run, saving, how)
        made = made.with_counts(run.counts.since(before), saving.dead_letters)
        return _told(made, run, how)

    def _rests(self) -> bool:
        return time.time() - self._source.modified >= REST_SECONDS

    def _read(self, offset: int, progress: Callable[[int], None]) -> Iterator[bytes]:
        progress(offset)
        for chunk in self._source.chunks(offset):
            yield chunk
            progress(len(chunk))

    # -- where it goes on -----------------------------------------------------------------------

    def _entry(self, how: How) -> Entry:
        known = self._claimed.known(self._source.begins_with)
        if known is None or (not self._text and self._source.size != known.size):
            return self._fresh(self._source.version())
        if how.again:
            return self._fresh(known.version)
        if self._source.size > known.marks.end and _took_all(known) and not known.marks.newline:
            known.position = _one_back(known.position)
            known.counts.maybe_repeated += 1
        if (
            known.state != "running"
        ):  # rejects that a killed run wrote are written over, by the day of receipt
            known.received = time.time()
        known.size, known.modified = self._source.size, self._source.modified
        return known

    def _fresh(self, version: str) -> Entry:
        return Entry(
            source=self._name,
            version=version,
            size=self._source.size,
            route=self._route.name,
            state="running",
            received=time.time(),
            modified=self._source.modified,
        )

    # -- how it ended ---------------------------------------------------------------------------

    def _settle(self, run: Run, saving: _Saving, how: How) -> None:
        entry = saving.entry
        entry.state = "done" if run.finished and not run.waiting else "deferred"
        entry.reason = "" if run.error is None else str(run.error)
        saving.keep(run.position, run.counts)
        if how.once and entry.state == "done":
            self._claimed.forget()


def _took_all(entry: Entry) -> bool:
    """Whether a last record without an end may have been taken as it was."""
    return entry.state != "deferred" and entry.marks.end >= entry.size


def _one_back(position: Position) -> Position:
    """Before the last record that was settled; the block that it is in begins at the same offset."""
    return replace(position, ordinal=max(position.base, position.ordinal - 1))


def _told(made: Pushed, run: Run, how: How) -> Pushed:
    if run.waiting:
        when = "it is taken when it has an end"
        if not how.growing:
            when += f", or when the file was not written for {REST_SECONDS:.0f} s; --final takes it as it is"
        return made.but("unfinished", f"its last record is not ended: {when}")
    if isinstance(run.error, Stopped) or not (run.finished or run.error):
        return made.but("stopped", "it goes on here when it is pushed again")
    if run.error is not None:
        return made.but("not ready", str(run.error), run.error)
    return made


class _Saving:
    """Checkpoints and the dead letter of one run (see upload/flow.py, Progress)."""

    beat_seconds = _BEAT_SECONDS

    def __init__(
        self,
        folder: Folder,
        claimed: Claimed,
        source: FileSource,
        entry: Entry,
        facts: SourceFacts,
        stopped: Callable[[], bool],
    ) -> None:
        self.entry = entry
        self.seekable = entry.seekable
        self.dead_letters = ""
        self._folder = folder
        self._claimed = claimed
        self._source = source
        self._facts = facts
        self._stopped = stopped
        self._before = entry.marks

    def save(self, position: Position, counts: Counts) -> None:
        """Write a checkpoint. Raises ServiceUnavailable; Stopped, behind it, if somebody asked to stop."""
        self.keep(position, counts)
        if self._stopped():
            raise Stopped("somebody asked to stop")

    def keep(self, position: Position, counts: Counts) -> None:
        """Write a checkpoint. Raises ServiceUnavailable."""
        entry = self.entry
        entry.position, entry.counts, entry.seekable = position, counts, self.seekable
        entry.marks = self._source.marks(self._before)
        self._claimed.write(entry)

    def dead_letter(self, first: int, rejects: list[Reject]) -> None:
        """Write rejects. Raises ServiceUnavailable."""
        name, text, _ = records(self._facts, self.entry.route, first, rejects)
        self._folder.put(f"{DEAD_LETTER}/{name}", text)
        self.dead_letters = str(self._folder.root / DEAD_LETTER / name.rpartition("/")[0])
