"""What must hold when all is settled.

Rule: it looks at what anybody can see: what the endpoint took, the ledger, the dead
letter, the queues, the host's log. Invariant: every promise has its own name in
`broken`, with examples, so a failure tells what to look for.

A repeat is a post with rows that were taken before. What is excused, and nothing else:

- the first post's reply was kept back (`reset after`): nobody can know;
- the host was killed: of what a worker had taken in that life, at most the window may
  come again later (a part of a blob that was cut has a worker of its own);
- a run was deferred, or its blob was replaced under it: what was accepted behind the
  batch that could not be sent, so the window less that one; and the run's counts must
  say so (`maybe_repeated`);
- a worker was so slow that another took its claim over, or a host so slow that a
  message's lock ran out: the window;
- the endpoint said 413: each halving makes one post more of a batch.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from shared.ledger.entry import Entry, parse
from tests.crash import records
from tests.crash.endpoint import Post
from tests.crash.sources import Source, dead_documents, length
from tests.crash.stage import WINDOW, Stage

_AUDIT = re.compile(r"audit (\{.*\})")
_PART = re.compile(r"(\S+) \(part (\d+) of \d+\)")
_SLOW = re.compile(
    r"(\S+): another worker has taken over|The message (\S+) (?:of the queue '\S+' could not be settled|could not be held)"
)
_ASIDE = re.compile(r"message (\S+): deferred for")
_NEVER = ("an error that nobody expected", "does not add up")
"""What no host may log, however it is killed."""


@dataclass
class Verdict:
    """What was found."""

    counts: Counter[str] = field(default_factory=Counter)
    """Records, rows, repeats, ...: for the summary."""
    broken: dict[str, list[str]] = field(default_factory=dict)
    """A promise that does not hold, with examples."""

    def want(self, promise: str, against: Iterable[str]) -> None:
        """`against` are examples of what breaks it; none is well."""
        found = sorted(against)
        if found:
            self.broken[promise] = [*self.broken.get(promise, []), *found]

    def __str__(self) -> str:
        return "\n".join(
            f"{promise}: {len(found)}: {'; '.join(found[:5])}" for promise, found in self.broken.items()
        )


def judge(stage: Stage, sources: list[Source]) -> Verdict:
    """All of it."""
    found, there = Verdict(), entries(stage)
    _rows(found, stage, sources)
    _repeats(found, stage, sources, there)
    _ledger(found, sources, there)
    _dead(found, stage, sources)
    _audit(found, stage, sources)
    _table(found, stage, sources, there)
    found.want("nothing is left", left(stage))
    return found


def left(stage: Stage) -> list[str]:
    """What is still to do: messages, claims, what was put aside."""
    said = []
    for queue in (stage.ingest, stage.work, stage.events, stage.poison):
        count = length(queue)
        said += [f"{count} on {queue.queue_name}"] if count else []
    for name, told in stage.ledger().items():
        said += [f"{name} is {told['state']}"] if told["state"] in {"running", "deferred", "split"} else []
    for prefix in ("held/", "replays/", "parts/"):
        said += [blob.name for blob in stage.state.list_blobs(name_starts_with=prefix)]
    return said


def undone(stage: Stage) -> list[str]:
    """Files whose present version is not done."""
    done = {name: told["version"] for name, told in stage.ledger().items() if told["state"] == "done"}
    return [blob.name for blob in stage.drop.list_blobs() if done.get(blob.name) != blob.etag.strip('"')]


def entries(stage: Stage) -> dict[str, Entry]:
    """The ledger, by path in the drop container."""
    prefix = f"blobs/{stage.settings['DROP_CONTAINER']}/"
    return {name: parse(stage.state.download_blob(prefix + name).readall()) for name in stage.ledger()}


def _rows(found: Verdict, stage: Stage, sources: list[Source]) -> None:
    due = {identity for source in sources for identity in source.accepted}
    maybe = {identity for source in sources for identity in source.maybe}
    landed = Counter(identity for post in stage.endpoint.posts for identity in post.ids)
    found.counts.update(
        sources=len(sources),
        records=sum(source.next for source in sources),
        due=len(due),
        landed=len(due & landed.keys()),
        posts=len(stage.endpoint.posts),
        missing=len(due - landed.keys()),
        spurious=len(landed.keys() - due - maybe),
        corrupted=len(stage.endpoint.problems),
        rows_again=sum(landed.values()) - len(landed),
        shared=sum(len({i.rpartition("-")[0] for i in post.ids}) > 1 for post in stage.endpoint.posts),
    )
    found.want("no row is missing", due - landed.keys())
    found.want("no row is there that should not be", landed.keys() - due - maybe)
    found.want("every post keeps the rules, and every row is what was sent", stage.endpoint.problems)
    log = stage.log_text()
    found.want(
        "no error that nobody expected", [line for line in log.splitlines() if any(n in line for n in _NEVER)]
    )


# -- repeats ------------------------------------------------------------------------------------

Worker = tuple[str, int]
"""A source's key and the part of it; -1 where it was not cut, -2 for versions that were replaced."""


def _repeats(found: Verdict, stage: Stage, sources: list[Source], there: dict[str, Entry]) -> None:
    shares = _by_worker(stage, sources, there)
    stops, slow = _stops(stage, sources)
    outlived = _outlived(stage, sources)
    old = {source.key: source.old_parts for source in sources}
    for (key, part), posts in shares.items():
        killed, alive = _again(posts)
        found.counts["repeats"] += sum(killed.values())
        found.counts["repeats_deferred"] += alive
        found.counts["most_repeats"] = max(found.counts["most_repeats"], *killed.values(), 0)
        window = WINDOW * (old[key] if part == -2 else 1)
        found.want(
            f"no more than {WINDOW} posts of a source come again for a kill",
            [
                f"{key}, part {part}: {n} of life {life}"
                for life, n in killed.items()
                if n > window + stage.endpoint.halved[life, key]
            ],
        )
        stopped = sum(n for (k, p), n in stops.items() if k == key and part in {p, -2})
        halved = sum(n for (_, k), n in stage.endpoint.halved.items() if k == key) if stopped else 0
        if alive > (WINDOW - 1) * stopped + WINDOW * slow[key] + halved + WINDOW * (key in outlived):
            found.want(
                "nothing comes again without a kill, a deferral or a lost reply",
                [f"{key}, part {part}: {alive}, stopped {stopped} times"],
            )
    _counted(found, stage, sources, there)


def _outlived(stage: Stage, sources: list[Source]) -> set[str]:
    """Sources whose records landed by the mended route, and may be in the dead letter by the broken one.

    Whoever wrote that was killed before a checkpoint, and the route was mended before the next look.
    """
    container = stage.settings["DROP_CONTAINER"] + "/"
    read = {row["source"] for row in _logged(stage) if row["kind"] == "blob" and row["accepted"]}
    return {s.key for s in sources if s.kind == "mended" and container + s.name in read}


def _by_worker(stage: Stage, sources: list[Source], there: dict[str, Entry]) -> dict[Worker, list[Post]]:
    by_key = {source.key: source for source in sources}
    starts = {
        source.key: there[source.name].parts
        for source in sources
        if source.offsets and source.name in there and there[source.name].parts
    }

    def worker(identity: str) -> Worker:
        key = identity.rpartition("-")[0]
        source = by_key.get(key)
        if source is None or identity in source.maybe:
            return key, -1 if source is None else -2
        if key not in starts:
            return key, -1
        return key, bisect_right(starts[key], source.offsets[identity]) - 1

    shares: dict[Worker, list[Post]] = defaultdict(list)
    for post in stage.endpoint.posts:
        mine: dict[Worker, list[str]] = defaultdict(list)
        for identity in post.ids:
            mine[worker(identity)].append(identity)
        for who, ids in mine.items():
            shares[who].append(post._replace(ids=tuple(ids)))
    return shares


def _again(posts: list[Post]) -> tuple[Counter[int], int]:
    """Posts of one source that came again: those of each life that ended, and those of a life that went on."""
    first: dict[str, int] = {}
    repeated: set[int] = set()
    alive = 0
    for place, post in enumerate(posts):
        before = {first[identity] for identity in post.ids if identity in first}
        fresh = {p for p in before - repeated if not posts[p].lost}
        repeated |= before
        alive += sum(posts[p].life == post.life for p in fresh)
        for identity in post.ids:
            first[identity] = place
    killed = Counter(posts[p].life for p in repeated if not posts[p].lost and _came_again_later(posts, p))
    return killed, alive


def _came_again_later(posts: list[Post], place: int) -> bool:
    mine = set(posts[place].ids)
    following = next(post for post in posts[place + 1 :] if mine & set(post.ids))
    return following.life != posts[place].life


def _stops(stage: Stage, sources: list[Source]) -> tuple[Counter[Worker], Counter[str]]:
    """How often each worker stopped short without a kill, and how often one was too slow to keep it."""
    keys = {source.name: source.key for source in sources}
    container = stage.settings["DROP_CONTAINER"] + "/"
    stops: Counter[Worker] = Counter()
    asides: Counter[str] = Counter()
    for row in _logged(stage):
        if row["outcome"] in {"deferred", "changed"}:
            asides[row["source"]] += row["kind"] == "message"
            part = _PART.fullmatch(row["source"])
            name = part[1] if part else row["source"]
            stops[keys.get(name.removeprefix(container), ""), int(part[2]) - 1 if part else -1] += 1
    log = stage.log_text()
    # A kill between putting a message aside and its audit row: the queue gives it out once more.
    for name, count in (Counter(_ASIDE.findall(log)) - asides).items():
        stops[keys.get(name, ""), -1] += count
    said = [name or message for name, message in _SLOW.findall(log)]
    slow = Counter(keys.get(name.removeprefix(container), "") for name in said)
    return stops, slow


def _counted(found: Verdict, stage: Stage, sources: list[Source], there: dict[str, Entry]) -> None:
    """Rows of a file that came again without a kill are in its counts."""
    posts: dict[str, list[Post]] = defaultdict(list)
    for post in stage.endpoint.posts:
        for key in {identity.rpartition("-")[0] for identity in post.ids}:
            posts[key].append(post)
    halved = {key for _, key in stage.endpoint.halved}
    for source in sources:
        mine, entry = posts[source.key], there.get(source.name)
        if entry is None or source.key in halved or source.kind in {"mended", "replaced"}:
            continue
        if len({post.life for post in mine}) != 1 or any(post.lost for post in mine):
            continue
        ids = Counter(i for post in mine for i in post.ids if i.rpartition("-")[0] == source.key)
        again = sum(ids.values()) - len(ids)
        if again > entry.counts.maybe_repeated:
            found.want(
                "rows that came again without a kill are counted as maybe repeated",
                [f"{source.name}: {again}, counted {entry.counts.maybe_repeated}"],
            )


# -- ledger, dead letter, audit -----------------------------------------------------------------


def _ledger(found: Verdict, sources: list[Source], there: dict[str, Entry]) -> None:
    wrong = []
    names = {source.name for source in sources if not source.is_message}
    for source in sources:
        if source.is_message:
            continue
        entry = there.get(source.name)
        if entry is None or entry.state != "done":
            wrong.append(f"{source.name}: {entry.state if entry else 'no entry'}")
            continue
        c = entry.counts
        said = _against(source, (c.read, c.accepted, c.filtered, c.dead_lettered))
        wrong += [f"{source.name}: {said}"] if said else []
        found.counts["cut"] += bool(entry.parts)
    found.want("read = accepted + filtered + dead-lettered, in the ledger", wrong)
    found.want("the ledger knows no other file", there.keys() - names)


def _against(source: Source, counted: tuple[int, int, int, int]) -> str:
    """What is wrong with counts of a source, "" for nothing."""
    due = (source.read, len(source.accepted), len(source.filtered), len(source.bad))
    if source.kind == "mended":  # which of them were rejected at first is up to the time of the mending
        return "" if counted[0] == due[0] == sum(counted[1:]) else f"counted {counted}, due {due}"
    return "" if counted == due else f"counted {counted}, due {due}"


def _dead(found: Verdict, stage: Stage, sources: list[Source]) -> None:
    due = Counter(identity for source in sources for identity in source.bad)
    maybe = {identity for source in sources for identity in source.maybe_bad}
    there: Counter[str] = Counter()
    versions: dict[str, set[str]] = defaultdict(set)
    for name, _ in dead_documents(stage):
        for text in stage.dead.download_blob(name).readall().splitlines():
            line = json.loads(text)
            for identity in records.ids_in(line.get("raw", "")):
                there[identity] += 1
                versions[identity].add(line["version"])
                found.counts["tries"] = max(found.counts["tries"], line.get("tries", 0))
    grown = {source.key for source in sources if source.kind in {"append", "rewritten"}}
    more = []
    for identity, count in (there - due).items():
        under = len(versions[identity]) if identity.rpartition("-")[0] in grown else 1
        if identity in maybe and count == 1:
            continue
        # Killed before its first checkpoint, a blob that then grew is read anew as another version.
        found.counts["dead_twice"] += due[identity] == 1 and there[identity] == under
        more += [] if due[identity] == 1 and there[identity] == under else [identity]
    found.counts["dead"] += len(due & there)
    found.want("every bad record is in the dead letter", due - there)
    found.want("the dead letter has nothing else, and nothing twice", more)


def _logged(stage: Stage) -> list[dict[str, Any]]:
    return [json.loads(text) for text in _AUDIT.findall(stage.log_text())]


def _audit(found: Verdict, stage: Stage, sources: list[Source]) -> None:
    """The log: a kill may take a source's last row; what is there is right."""
    done: dict[str, list[Any]] = defaultdict(list)
    rows = _logged(stage)
    for row in rows:
        if row["outcome"] in {"done", "dead"} and row["kind"] != "replay":
            done[row["source"]].append(row)
    wrong, missing = [], 0
    for source in sources:
        container = "" if source.is_message else stage.settings["DROP_CONTAINER"] + "/"
        mine = done.get(container + source.name, [])
        if source.kind in {
            "append",
            "rewritten",
            "replaced",
        }:  # a row for every time; a kill may have taken the last
            mine = [row for row in mine if not _against(source, _four(row))]
        missing += not mine
        if mine and not source.whole and not source.poison:
            said = _against(source, _four(mine[-1]))
            wrong += [f"{source.name}: {said}"] if said else []
    found.counts["audit_rows"] += len(rows)
    found.counts["audit_missing"] += missing
    found.want("read = accepted + filtered + dead-lettered, in the last audit row", wrong)
    if missing > stage.life - 1:
        found.want("no more audit rows are missing than there were kills", [str(missing)])


def _four(row: dict[str, Any]) -> tuple[int, int, int, int]:
    return row["read"], row["accepted"], row["filtered"], row["dead_lettered"]


def _table(found: Verdict, stage: Stage, sources: list[Source], there: dict[str, Entry]) -> None:
    """The audit table: every source has its rows, however the host was killed, and they add up to the source."""
    rows: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    for row in stage.endpoint.audits:
        rows[row["Source"]][row["RowId"]] = row
    container = stage.settings["DROP_CONTAINER"] + "/"
    missing, wrong = [], []
    for source in sources:
        mine = list(rows[source.name if source.is_message else container + source.name].values())
        if source.kind == "replaced" and source.name in there:
            mine = [row for row in mine if row["SourceVersion"] == there[source.name].version]
        if source.is_message and source.whole:
            missing += [] if any(row["Outcome"] == "dead" for row in mine) else [source.name]
            continue
        sums = [_sum(some) for some in _subsets(mine)]
        if not mine:
            missing.append(source.name)
        elif all(_against(source, counted) for counted in sums):
            wrong.append(f"{source.name}: {_against(source, sums[0])}")
        elif _against(source, sums[0]):
            found.counts["audit_overlaps"] += 1
    found.counts["audit_table"] += len(stage.endpoint.audits)
    found.want("every source has a row in the audit table", missing)
    found.want("the rows of a source in the audit table add up to it", wrong)
    if found.counts["audit_overlaps"] > max(stage.life - 1, 0):
        found.want("no more audit rows overlap than there were kills", [str(found.counts["audit_overlaps"])])


def _subsets(rows: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], ...]]:
    """All of them, then fewer: a row that a kill kept from being written down is overlapped by the next one."""
    for size in range(len(rows), 0, -1):
        yield from combinations(rows, size)


def _sum(rows: tuple[dict[str, Any], ...]) -> tuple[int, int, int, int]:
    names = ("RecordsRead", "RowsAccepted", "RecordsFiltered", "RecordsDeadLettered")
    read, accepted, filtered, dead = (sum(row[name] for row in rows) for name in names)
    return read, accepted, filtered, dead
