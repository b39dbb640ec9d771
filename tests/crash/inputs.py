"""What goes in: files dropped and grown, messages sent, events told twice, late or never.

Rule: it acts as any producer, and remembers what must become of each record. Invariant:
a source is in `sources` before its first byte is in storage, so nothing can land that
is not expected. Strategy: events that the host did not say yes to are told again in
the next life, as Event Grid does; some are never told, and left to the sweep.
"""

from __future__ import annotations

import base64
import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.crash import records
from tests.crash.records import Drawn, Made
from tests.crash.stage import Stage


@dataclass(slots=True)
class Source:
    """A file or a message, and what is due."""

    key: str
    """First part of its records' ids."""
    name: str = ""
    """Path in the drop container, or the queue's id of the message."""
    is_message: bool = False
    accepted: list[str] = field(default_factory=list)
    filtered: list[str] = field(default_factory=list)
    bad: list[str] = field(default_factory=list)
    whole: bool = False
    """Whether it is dead as a whole: a message that is none of the forms."""
    grows: int = 0
    """How many more times it will grow (append blob)."""

    def expect(self, made: Made) -> None:
        """More records of it."""
        self.accepted += made.accepted
        self.filtered += made.filtered
        self.bad += made.bad

    @property
    def read(self) -> int:
        """How many records it has."""
        return len(self.accepted) + len(self.filtered) + len(self.bad)


_FILES: tuple[tuple[str, str, Callable[[Drawn], Made], int], ...] = (
    ("ndjson", "lines/{}.ndjson", records.ndjson, 120),
    ("csv", "rows/{}.csv", records.csv_file, 120),
    ("array", "lists/{}.json", records.array, 100),
    ("gzip", "lines/{}.ndjson.gz", records.gzipped, 120),
    ("zip", "lines/{}.zip", records.zipped, 100),
    ("large", "lines/{}.ndjson", records.ndjson, 500),
    ("small", "lines/{}.ndjson", records.ndjson, 6),
)
_MESSAGES = ("array", "envelope", "base64", "one", "blob", "wrong")


class Inputs:
    """Producers of one stage.

    Args:
        stage: where to.
        dice: what and when.
    """

    def __init__(self, stage: Stage, dice: random.Random) -> None:
        self._stage, self._dice = stage, dice
        self.sources: list[Source] = []
        self._untold: list[str] = []
        self._grown = 0

    def drop(self) -> None:
        """A file of some kind."""
        kind, pattern, make, most = self._dice.choice(_FILES)
        source = self._source(kind)
        path = pattern.format(source.key)
        made = make(self._drawn(source.key, self._dice.randrange(1, most)))
        source.name = path
        source.expect(made)
        self._stage.drop.upload_blob(path, made.data)
        self._tell(path)

    def begin_growing(self) -> None:
        """An append blob; `grow` goes on with it."""
        source = self._source("append")
        source.grows = self._dice.randrange(1, 4)
        path = f"lines/{source.key}.ndjson"
        self._stage.drop.get_blob_client(path).create_append_blob()
        source.name = path
        self._append(source)

    def grow(self) -> None:
        """Every append blob that is not finished, by some lines."""
        for source in self.sources:
            if source.grows:
                source.grows -= 1
                self._append(source)

    def _append(self, source: Source) -> None:
        made = records.ndjson(self._drawn(source.key, self._dice.randrange(1, 60), first=source.read))
        source.expect(made)
        self._stage.drop.get_blob_client(source.name).append_block(made.data)
        self._tell(source.name)

    def send(self, form: str = "") -> None:
        """A message of this form, or of some."""
        form = form or self._dice.choice(_MESSAGES)
        source = self._source("message" + form)
        key = source.key
        source.is_message = True
        if form == "blob":
            self._send_blob(source, key)
            return
        made = records.array(self._drawn(key, 1 if form == "one" else self._dice.randrange(1, 12), bad=0.0))
        if form == "wrong":
            made = Made(b'["' + key.encode() + b'-000000", ', [], [], [f"{key}-000000"])
            source.whole = True
        elif form != "one":
            made = self._with_bad(made, f"{key}-900000")
        source.expect(made)
        text = self._formed(form, made.data)
        source.name = str(self._stage.ingest.send_message(text).id)

    def _with_bad(self, made: Made, identity: str) -> Made:
        if self._dice.random() < 0.5:
            return made
        rows = [*json.loads(made.data), identity]
        return made._replace(data=json.dumps(rows).encode(), bad=[identity])

    def _formed(self, form: str, data: bytes) -> str:
        if form == "one":
            return json.dumps(json.loads(data)[0])
        if form == "envelope":
            return json.dumps({"route": "lists", "records": json.loads(data)})
        return base64.b64encode(data).decode() if form == "base64" else data.decode()

    def _send_blob(self, source: Source, key: str) -> None:
        """A message that names a file, which no event tells of."""
        made = records.ndjson(self._drawn(key, self._dice.randrange(1, 80)))
        source.is_message, source.name = False, f"lines/{key}.ndjson"
        source.expect(made)
        self._stage.drop.upload_blob(source.name, made.data)
        named = f"{self._stage.settings['DROP_CONTAINER']}/{source.name}"
        self._stage.ingest.send_message(json.dumps({"blob": named}))

    def tell(self) -> None:
        """Events that are due; those that the host does not take are kept."""
        untold, self._untold = self._untold, []
        for name in untold:
            if not self._stage.announce(name):
                self._untold.append(name)

    @property
    def told(self) -> bool:
        """Whether the host knows of everything that it will be told."""
        return not self._untold

    def _tell(self, name: str) -> None:
        """One event, or several, or none (the sweep's to find)."""
        self._untold += [name] * self._dice.choice((0, 1, 1, 1, 2, 3))

    def _source(self, kind: str) -> Source:
        source = Source(f"{kind}{len(self.sources)}")
        self.sources.append(source)
        return source

    def _drawn(self, key: str, count: int, first: int = 0, bad: float = 0.03) -> Drawn:
        return records.draw(self._dice, key, count, int(time.time()), first=first, bad=bad)
