"""What must hold when all is settled.

Rule: it looks at what anybody can see: what the endpoint took, the ledger, the dead
letter, the queues, the host's log. Invariant: every promise has its own name in
`broken`, with examples, so a failure tells what to look for.

A repeat is a post with rows that were taken before. It is excused where the first
post's reply was kept back (`reset after`), and counted against a kill otherwise: of
the posts that a source had taken in a life, at most the window may come again in
later ones. Within a life, a source that was deferred may repeat what was accepted
behind the batch that could not be sent: the window again.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from shared.ledger.entry import Entry, parse
from tests.crash import records
from tests.crash.endpoint import Post
from tests.crash.inputs import Source
from tests.crash.stage import WINDOW, Stage

_AUDIT = re.compile(r"audit (\{.*\})")
_STOPPED = re.compile(
    r": (?:message )?(\S+): (?:deferred for|another worker has taken over)|The message (\S+) could not be held on to"
)


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
    found = Verdict()
    _rows(found, stage, sources)
    _repeats(found, stage, sources)
    _ledger(found, stage, sources)
    _dead(found, stage, sources)
    _audit(found, stage, sources)
    found.want("nothing is left", left(stage))
    return found


def left(stage: Stage) -> list[str]:
    """What is still to do: messages, claims, held documents."""
    said = []
    for queue in (stage.ingest, stage.work, stage.events):
        count = _length(queue)
        said += [f"{count} on {queue.queue_name}"] if count else []
    for name, told in ledger(stage).items():
        said += [f"{name} is {told['state']}"] if told["state"] in {"running", "deferred"} else []
    if stage.state.exists():
        said += [blob.name for blob in stage.state.list_blobs(name_starts_with="held/")]
    return said


def undone(stage: Stage) -> list[str]:
    """Files whose present version is not done."""
    done = {name: told["version"] for name, told in ledger(stage).items() if told["state"] == "done"}
    return [blob.name for blob in stage.drop.list_blobs() if done.get(blob.name) != blob.etag.strip('"')]


def ledger(stage: Stage) -> dict[str, dict[str, str]]:
    """State, version and route of every entry, by path in the drop container: from one listing."""
    if not stage.state.exists():
        return {}
    prefix = f"blobs/{stage.settings['DROP_CONTAINER']}/"
    rows = stage.state.list_blobs(name_starts_with=prefix, include=["metadata"])
    return {row.name.removeprefix(prefix): row.metadata for row in rows}


def _length(queue: Any) -> int:
    from azure.core.exceptions import ResourceNotFoundError  # noqa: PLC0415

    try:
        return int(queue.get_queue_properties().approximate_message_count or 0)
    except ResourceNotFoundError:
        return 0


def entries(stage: Stage) -> dict[str, Entry]:
    """The ledger, by path in the drop container."""
    if not stage.state.exists():
        return {}
    prefix = f"blobs/{stage.settings['DROP_CONTAINER']}/"
    return {name: parse(stage.state.download_blob(prefix + name).readall()) for name in ledger(stage)}


def _rows(found: Verdict, stage: Stage, sources: list[Source]) -> None:
    due = {identity for source in sources for identity in source.accepted}
    landed = Counter(identity for post in stage.endpoint.posts for identity in post.ids)
    found.counts.update(
        sources=len(sources),
        records=sum(source.read for source in sources),
        due=len(due),
        landed=len(landed),
        posts=len(stage.endpoint.posts),
        missing=len(due - landed.keys()),
        spurious=len(landed.keys() - due),
        corrupted=len(stage.endpoint.problems),
        rows_again=sum(landed.values()) - len(landed),
    )
    found.want("no row is missing", due - landed.keys())
    found.want("no row is there that should not be", landed.keys() - due)
    found.want("every post keeps the rules, and every row is what was sent", stage.endpoint.problems)


def _repeats(found: Verdict, stage: Stage, sources: list[Source]) -> None:
    by_source: dict[str, list[Post]] = defaultdict(list)
    for post in stage.endpoint.posts:
        shares: dict[str, list[str]] = defaultdict(list)
        for identity in post.ids:
            shares[identity.rpartition("-")[0]].append(identity)
        for key, ids in shares.items():
            by_source[key].append(post._replace(ids=tuple(ids)))
    excuses, unexcused = _excuses(stage, sources), []
    for key, posts in by_source.items():
        killed, alive = _again(posts)
        found.counts["repeats"] += sum(killed.values())
        found.counts["repeats_deferred"] += alive
        found.counts["most_repeats"] = max(found.counts["most_repeats"], *killed.values(), 0)
        found.want(
            f"no more than {WINDOW} posts of a source come again for a kill",
            [
                f"{key}: {n} of life {life}"
                for life, n in killed.items()
                if n > WINDOW + stage.endpoint.halved[life, key]
            ],
        )
        if alive > WINDOW * excuses[key]:
            unexcused.append(f"{key}: {alive}")
    # A host so slow that a message's lock ran out says only that one came back, not which.
    if len(unexcused) > stage.log_text().count("could not be settled; it comes back"):
        found.want("nothing comes again without a kill, a deferral or a lost reply", unexcused)


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


def _excuses(stage: Stage, sources: list[Source]) -> Counter[str]:
    """How often each source stopped short without a kill: deferred, or held for too long by a slow worker.

    What was accepted behind the batch that could not be sent comes again, and so does a message that was put
    aside while its host died before the queue forgot it.
    """
    names = [name or slow for name, slow in _STOPPED.findall(stage.log_text())]
    keys = {source.name: source.key for source in sources}
    return Counter(keys.get(name.removeprefix(stage.settings["DROP_CONTAINER"] + "/"), "") for name in names)


def _ledger(found: Verdict, stage: Stage, sources: list[Source]) -> None:
    there = entries(stage)
    wrong = []
    for source in sources:
        if source.is_message:
            continue
        entry = there.pop(source.name, None)
        if entry is None or entry.state != "done":
            wrong.append(f"{source.name}: {entry.state if entry else 'no entry'}")
            continue
        c = entry.counts
        counted = (c.read, c.accepted, c.filtered, c.dead_lettered)
        due = (source.read, len(source.accepted), len(source.filtered), len(source.bad))
        if counted != due:
            wrong.append(f"{source.name}: counted {counted}, due {due}")
    found.want("read = accepted + filtered + dead-lettered, in the ledger", wrong)
    found.want("the ledger knows no other file", there)


def _dead(found: Verdict, stage: Stage, sources: list[Source]) -> None:
    due = Counter(identity for source in sources for identity in source.bad)
    lines = []
    if stage.dead.exists():
        documents = [stage.dead.download_blob(blob.name).readall() for blob in stage.dead.list_blobs()]
        lines = [json.loads(line) for document in documents for line in document.splitlines()]
    there = Counter(i for line in lines for i in records.ids_in(line.get("raw", "")))
    found.counts["dead"] += len(there)
    found.want("every bad record is in the dead letter", due - there)
    found.want("the dead letter has nothing else, and nothing twice", there - due)


def _audit(found: Verdict, stage: Stage, sources: list[Source]) -> None:
    rows = [json.loads(text) for text in _AUDIT.findall(stage.log_text())]
    done: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        if row["outcome"] in {"done", "dead"}:
            done[row["source"]].append(row)
    wrong, missing = [], 0
    for source in sources:
        container = "" if source.is_message else stage.settings["DROP_CONTAINER"] + "/"
        mine = done.get(container + source.name, [])
        if source.key.startswith(
            "append"
        ):  # a row for every time it grew; a kill may have taken the last one
            mine = [row for row in mine if row["read"] >= source.read]
        missing += not mine
        if mine and not source.whole:
            row = mine[-1]
            counted = (row["read"], row["accepted"], row["filtered"], row["dead_lettered"])
            due = (source.read, len(source.accepted), len(source.filtered), len(source.bad))
            wrong += [f"{source.name}: {counted}, due {due}"] if counted != due else []
    found.counts["audit_rows"] += len(rows)
    found.counts["audit_missing"] += missing
    found.want("read = accepted + filtered + dead-lettered, in the last audit row", wrong)
    if missing > stage.life - 1:
        found.want("no more audit rows are missing than there were kills", [str(missing)])
