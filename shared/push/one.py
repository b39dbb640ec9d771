"""One file: where it goes on, and what is written down of it.

Invariants: the entry covers the contiguous accepted prefix only, and the dead letter
is on the disk before the entry passes it; a file goes on only if it begins with what
was read of it. Strategy: a text is first read up to its last record that has an end;
what is left is taken where that is wanted, which is written down: if the file grows, it
is gone on with at that record, so that it lands whole, under the same `record_id`.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator

from msgspec.structs import replace

from ..errors import writable
from ..formats import FORMATS
from ..ledger.deadletter import document, span
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
_CUT = "its last record was taken without an end"


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
        self._name = f"{socket.gethostname()}/{writable(name)}"
        self._stopped = stopped
        self._text = FORMATS[route.format.__struct_config__.tag].text

    def push(self, made: Pushed, how: How, progress: Callable[[int], None]) -> Pushed:
        """Push what is new. Raises Transient."""
        entry = self._entry(how)
        if entry.state == "done" and self._source.size == entry.marks.end:
            return made.but("nothing new")
        before = replace(entry.counts, changed=dict(entry.counts.changed))
        saving = _Saving(self._folder, self._claimed, self._source, entry, self._stopped)
        run = self._run(saving, progress, final=not self._text)
        if run.waiting and (how.final or (not how.growing and self._rests())):
            entry.reason = _CUT
            run = self._run(saving, lambda _: None, final=True)
        made = made.with_counts(run.counts.since(before), saving.dead_letters)
        return _told(made, run, how)

    def _run(self, saving: _Saving, progress: Callable[[int], None], *, final: bool) -> Run:
        """Send what there is from the entry's position on, and write down how far that came."""
        entry = saving.entry
        entry.state = "running"
        self._claimed.write(entry)
        run = self._corridor.run(
            self._route,
            saving.facts,
            lambda offset: self._read(offset, progress),
            Start(entry.position, entry.counts, entry.seekable, final=final),
            saving,
            self._stopped,
        )
        entry.state = "done" if run.finished and not run.waiting else "deferred"
        if run.error is not None:
            entry.reason = str(run.error)
        saving.keep(run.position, run.counts)
        return run

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
        if known.reason == _CUT and self._source.size > known.marks.end:
            known.position = _one_back(known.position)
        if (
            known.state != "running"
        ):  # what a killed run wrote of rejects is found again by the day of receipt
            known.received = time.time()
        known.reason = ""
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
            marks=self._source.beginning(),  # by which it is known after a kill before the first checkpoint
        )


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
        stopped: Callable[[], bool],
    ) -> None:
        self.entry = entry
        self.seekable = entry.seekable
        self.dead_letters = ""
        self._folder = folder
        self._claimed = claimed
        self._source = source
        self.facts = SourceFacts("file", entry.source, entry.version, source.modified, entry.received)
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
        name, lines = span(self.facts, self.entry.route, first, rejects)
        text, _ = document(lines)
        self._folder.put(f"{DEAD_LETTER}/{name}", text)
        self.dead_letters = str(self._folder.root / DEAD_LETTER / name.rpartition("/")[0])
