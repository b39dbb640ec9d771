"""What goes in: files dropped, grown, rewritten and replaced, messages sent, events told twice, late or never.

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
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from shared.sources.work import ReplayWork
from tests.crash import records
from tests.crash.records import Drawn, Made
from tests.crash.sources import Source, Torn, dead_documents, length
from tests.crash.stage import SETTLE_SECONDS, Stage

_FILES: tuple[tuple[str, str, Callable[[Drawn], Made], int], ...] = (
    ("ndjson", "lines/{}.ndjson", records.ndjson, 120),
    ("csv", "rows/{}.csv", records.csv_file, 120),
    ("array", "lists/{}.json", records.array, 100),
    ("gzip", "lines/{}.ndjson.gz", records.gzipped, 120),
    ("zip", "lines/{}.zip", records.zipped, 100),
    ("long", "lines/{}.ndjson", records.ndjson, 400),
    ("small", "lines/{}.ndjson", records.ndjson, 6),
    ("mended", "mended/{}.ndjson", records.ndjson, 12),
)
_MESSAGES = ("array", "envelope", "base64", "one", "blob", "wrong")
_LARGE = (900, 1_400)
"""Records of a blob that is cut in parts: about 250 to 400 KB."""
_REPLAYS = 2
"""How often a document is taken again before all is left to settle."""
_IN_TIME = SETTLE_SECONDS - 2.5
"""Seconds: a line that was torn is ended by then, or never: the app may have taken it as it is."""


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
        self._replayed: Counter[str] = Counter()

    # -- files ----------------------------------------------------------------------------------

    def drop(self) -> None:
        """A file of some kind."""
        self._drop(*self._dice.choice(_FILES))

    def drop_for_replays(self, count: int) -> None:
        """Files of the route that lacks columns: dropped before `Stage.mend`, each leaves a document to empty."""
        for _ in range(count):
            self._drop(*_FILES[-1])

    def drop_and_replay(self) -> None:
        """A file of the route that lacks columns until `Stage.mend`, and replays of what is there by now."""
        self._drop(*_FILES[-1])
        self.replay()

    def _drop(self, kind: str, pattern: str, make: Callable[[Drawn], Made], most: int) -> None:
        source = self._source(kind)
        bad = 0.0 if kind == "mended" else 0.03  # what a replay is to empty has nothing that comes back
        made = make(self._drawn(source.key, self._dice.randrange(1, most), bad=bad))
        self._upload(source, pattern.format(source.key), made)

    def drop_large(self) -> Source:
        """A file that is cut in parts."""
        source = self._source("large")
        made = records.ndjson(self._drawn(source.key, self._dice.randrange(*_LARGE)))
        source.lay_out(made)
        self._upload(source, f"lines/{source.key}.ndjson", made)
        return source

    def _upload(self, source: Source, path: str, made: Made) -> None:
        source.name = path
        source.expect(made)
        self._stage.drop.upload_blob(path, made.data, overwrite=True)
        self._tell(path)

    def begin_growing(self) -> None:
        """A blob that `grow` goes on with: appended to, rewritten with more at its end, or replaced."""
        kind = self._dice.choice(("append", "append", "rewritten", "replaced"))
        source = self._source(kind)
        source.grows = self._dice.randrange(1, 4)
        source.name = f"lines/{source.key}.ndjson"
        if kind == "append":
            self._stage.drop.get_blob_client(source.name).create_append_blob()
        self._grow(source)

    def grow(self) -> None:
        """Every blob that is not finished, by some lines, or by another content."""
        for source in self.sources:
            if source.grows:
                source.grows -= 1
                self._grow(source)

    def _grow(self, source: Source) -> None:
        {"append": self._append, "rewritten": self._rewrite, "replaced": self._replace}[source.kind](source)

    def _append(self, source: Source) -> None:
        rest = b""
        if source.torn is not None:
            if time.monotonic() - source.torn_at > _IN_TIME and not source.torn.is_whole:
                source.give_up()
                return
            rest, source.torn = source.torn.rest, None
        made = records.ndjson(self._drawn(source.key, self._dice.randrange(1, 60), first=source.next))
        source.expect(made)
        data = rest + made.data
        if self._dice.random() < 0.5:
            data += self._torn(source)
        self._stage.drop.get_blob_client(source.name).append_block(data)
        source.torn_at = time.monotonic()
        self._tell(source.name)

    def _torn(self, source: Source) -> bytes:
        """The beginning of a line whose end comes with the next append; after the last one, never."""
        made = records.ndjson(self._drawn(source.key, 1, first=source.next, bad=0.0))
        source.expect(made)
        identity = (made.accepted or made.filtered)[0]
        shortest = len(f'{{"id": "{identity}", ')
        is_whole = self._dice.random() < 0.3
        cut = len(made.data) - 1 if is_whole else self._dice.randrange(shortest, len(made.data) - 2)
        source.torn = Torn(identity, made.data[cut:], is_whole)
        if not source.grows:
            source.give_up()
        return made.data[:cut]

    def _rewrite(self, source: Source) -> None:
        """What was there and more behind it, as a whole."""
        made = records.ndjson(self._drawn(source.key, self._dice.randrange(1, 80), first=source.next))
        source.data += made.data
        self._upload(source, source.name, made._replace(data=source.data))

    def _replace(self, source: Source) -> None:
        """Another content: what was not read of the old one is nobody's any more."""
        large = self._dice.random() < 0.3
        count = self._dice.randrange(*_LARGE) if large else self._dice.randrange(1, 300)
        source.replace()
        made = records.ndjson(self._drawn(source.key, count, first=source.next))
        source.lay_out(made)
        self._upload(source, source.name, made)

    # -- messages -------------------------------------------------------------------------------

    def send(self, form: str = "") -> None:
        """A message of this form, or of some."""
        form = form or self._dice.choice(_MESSAGES)
        source = self._source("message" + form)
        key = source.key
        source.is_message = True
        if form == "blob":
            self._send_blob(source, key)
            return
        self._post(source, self._formed(form, self._message(source, form)))

    def send_many(self, count: int) -> None:
        """As many messages at once, whose rows share posts."""
        made = []
        for _ in range(count):
            source = self._source("messageburst")
            source.is_message = True
            made.append((source, self._message(source, "array").decode()))
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda pair: self._post(*pair), made))

    def poison(self) -> None:
        """A message that the host gave up, on the queue where the host puts it."""
        source = self._source("poison")
        source.is_message = source.poison = source.whole = True
        made = records.array(self._drawn(source.key, self._dice.randrange(1, 12), bad=0.0))
        source.expect(Made(made.data, [], [], made.accepted + made.filtered))
        source.replays = made
        source.name = str(self._stage.poison.send_message(made.data.decode()).id)

    def _message(self, source: Source, form: str) -> bytes:
        count = 1 if form == "one" else self._dice.randrange(1, 12)
        made = records.array(self._drawn(source.key, count, bad=0.0))
        if form == "wrong":
            identity = f"{source.key}-000000"
            made = Made(b'["' + identity.encode() + b'", ', [], [], [identity])
            source.whole = True
        elif form != "one":
            made = self._with_bad(made, f"{source.key}-900000")
        source.expect(made)
        return made.data

    def _post(self, source: Source, text: str) -> None:
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

    # -- replays --------------------------------------------------------------------------------

    def replay(self, most: int = 2) -> None:
        """Ask that documents of the dead letter be taken again, as an operator does: of sources that are over.

        Those of the mended route only once it is mended, and then each of them lands; what a route rejects
        for good stays. Messages that were given up are taken again once nothing is left of them on their queue.
        """
        documents = [one for one in self._replayable() if self._replayed[one[0]] < _REPLAYS]
        self._dice.shuffle(documents)
        for name, source in documents[:most]:
            self._replayed[name] += 1
            if source is not None and source.poison:
                source.replayed()
            for _ in range(self._dice.choice((1, 1, 2))):
                self._stage.put_work(ReplayWork(name, by="the harness"))

    def replay_due(self) -> int:
        """Ask for every document that is there to be emptied; how many there are."""
        due = [(name, source) for name, source in self._replayable() if source and source.must_be_replayed]
        for name, _ in due:
            self._stage.put_work(ReplayWork(name, by="the harness"))
        return len(due)

    def _replayable(self) -> list[tuple[str, Source | None]]:
        container = self._stage.settings["DROP_CONTAINER"] + "/"
        by_name = {source.name: source for source in self.sources}
        over, quiet = self._stage.over(), not length(self._stage.poison)
        found: list[tuple[str, Source | None]] = []
        for name, told in dead_documents(self._stage):
            source = by_name.get(told.removeprefix(container))
            if source is None or (source.kind == "mended" and source.name not in over):
                continue
            if (source.kind == "mended" and not self._stage.mended) or (source.poison and not quiet):
                continue
            found.append((name, source))
        return found

    # -- events ---------------------------------------------------------------------------------

    def tell(self) -> None:
        """Events that are due; those that the host does not take are kept."""
        untold, self._untold = self._untold, []
        for name in untold:
            if not self._stage.announce(name):
                self._untold.append(name)

    def few_are_open(self) -> bool:
        """Whether the host keeps up: what is given to one that does not is only more to settle in the end."""
        return sum(length(queue) for queue in (self._stage.ingest, self._stage.work, self._stage.events)) < 12

    @property
    def told(self) -> bool:
        """Whether the host knows of everything that it will be told, and everything has grown as far as it will."""
        return not self._untold and not any(source.grows for source in self.sources)

    def _tell(self, name: str) -> None:
        """One event, or several, or none (the sweep's to find)."""
        self._untold += [name] * self._dice.choice((0, 1, 1, 1, 2, 3))

    def _source(self, kind: str) -> Source:
        source = Source(f"{kind}{len(self.sources)}", kind)
        self.sources.append(source)
        return source

    def _drawn(self, key: str, count: int, first: int = 0, bad: float = 0.03) -> Drawn:
        return records.draw(self._dice, key, count, int(time.time()), first=first, bad=bad)
