"""`logferry verify`: a marked record, from where it is dropped to where it is found.

Rule: it goes the way that every record goes, through the deployed app and its rule, and
counts as there when a query of the workspace finds it. Invariants: nothing is sent that
could not be found again, or that the workspace would not let its sender look for; where
it does not come through, the last sentence says where it stands and what to look at.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..routes import load
from .local import Trouble, find
from .show import Show
from .storage import Place, place
from .verify_follow import Seen, Sent, send
from .verify_record import WORD, Marked, message
from .verify_record import file as marked_file
from .workspace import BadQuery, Workspace, workspace

_SPAN = "P3D"
"""A time that Azure keeps is at most two days old."""
_SHORTEST, _LONGEST, _SLOWER = 0.1, 10.0, 1.3
"""Seconds between two looks, and how they grow."""
_STAGES = {
    "taken": "by the app",
    "received": "by Azure Monitor, as the row says (_TimeReceived)",
    "done": "says the ledger",
    "found": "by a query",
}
_SOON = 5.0
"""Seconds in which what it waits for may pass by itself."""


@dataclass(slots=True)
class Course:
    """How it went, in seconds after it was sent."""

    marked: Marked
    sent: Sent
    at: datetime
    stages: dict[str, float] = field(default_factory=dict)
    """Those of _STAGES that were reached."""
    reason: str = ""
    """Why it was not found."""

    @property
    def found(self) -> bool:
        """Whether a query has found it."""
        return "found" in self.stages


def run(
    route: str,
    given: Mapping[str, str],
    file: Path | None,
    path: str,
    identity: str | None,
    endpoint: str | None,
    settings: str | None,
    account: str | None,
    routes: Path | None,
    *,
    patience: float,
    as_json: bool,
) -> bool:
    """See `verify`, and the command's options in commands_app.py. Raises Trouble."""
    where = place(settings, account)
    local = settings is None and account is None
    if local and identity is not None:
        raise Trouble("--workspace needs the app's storage as well: --settings, or --account.")
    if not local and identity is None:
        raise Trouble(f"Say with --workspace where rows of {where.where} land: the workspace's id, a GUID.")
    declared = load(routes or (find().routes if local else Path("routes.yaml")))
    marked = marked_file(declared, file, route, path) if file else message(declared, route, given)
    return verify(where, workspace(identity, endpoint), marked, patience, as_json=as_json)


def verify(where: Place, asked: Workspace, marked: Marked, patience: float, *, as_json: bool) -> bool:
    """Send a marked record and wait for it; whether it was found.

    Args:
        where: the app's storage.
        asked: the workspace where it should land.
        marked: what to send.
        patience: seconds to wait.
        as_json: for programs; nothing is written before the end.

    Raises:
        Trouble: it could not be sent, or not be looked for.
    """
    show = Show()
    kql = _question(asked, marked)
    say = _quiet if as_json else show.line
    route = marked.route
    say(f"Route {route.name}, table {route.table}: the mark is {marked.mark}, in {marked.column}.")
    course = Course(marked, send(where, marked), datetime.now(UTC))
    say(f"  sent      {course.at:%H:%M:%S} UTC  {course.sent.said}")
    try:
        with _waiting(show, enabled=show.pretty and not as_json) as tick:
            _follow(course, asked, kql, patience, say, tick)
    except KeyboardInterrupt:
        course.reason = "It was not waited for any longer."
    if as_json:
        show.raw(_json(course, asked))
    else:
        _verdict(show, course, asked)
    return course.found


def _question(asked: Workspace, marked: Marked) -> str:
    """The query that finds it, asked before anything is sent: one may ask, and there is such a table."""
    for columns in ("TimeGenerated, Received = _TimeReceived", "TimeGenerated"):
        kql = f"{marked.kql} | project {columns}"
        try:
            asked.ask(kql, _SPAN)
        except BadQuery as error:
            if "_TimeReceived" in str(error):
                continue  # a standard column, and not one of every kind of table
            raise Trouble(
                f"{asked.where} has not what the route {marked.route.name} fills: is it the workspace that "
                f"the rule writes to, and was this routes.yaml deployed? It said: {error}"
            ) from error
        break
    return kql


def _follow(
    course: Course,
    asked: Workspace,
    kql: str,
    patience: float,
    say: Callable[[str], None],
    tick: Callable[[str], None],
) -> None:
    """Look until it is found, is dead, or the time is over."""
    began, pause = time.monotonic(), _SHORTEST
    reach = _Reach(course, say, lambda: time.monotonic() - began)
    seen, trouble = Seen(taken=False), ""
    while True:
        try:
            seen = course.sent.look()
            rows, trouble = asked.ask(kql, _SPAN).dicts(), ""
        except Trouble as error:  # one was let in a moment ago: throttled, or the network
            rows, trouble = [], str(error)
        if rows:
            reach.found(seen, rows[0])
            _settle(course.sent, reach)
            return
        reach.seen(seen)
        waited = time.monotonic() - began
        if seen.dead or waited >= patience:
            course.reason = seen.dead or _stuck(course, seen, patience, trouble)
            return
        tick(f"{_state(seen)} ({waited:.0f} s)")
        time.sleep(min(pause, patience - waited))
        pause = min(pause * _SLOWER, _LONGEST)


def _settle(sent: Sent, reach: _Reach) -> None:
    """A row may be there a moment before the ledger says that its source is done."""
    while (
        sent.settles
        and "done" not in reach.course.stages
        and reach.clock() - reach.course.stages["found"] < _SOON
    ):
        time.sleep(_SHORTEST)
        reach.seen(sent.look())


@dataclass(slots=True)
class _Reach:
    """Writes down each stage when it is first seen."""

    course: Course
    say: Callable[[str], None]
    clock: Callable[[], float]
    waits: str = ""

    def seen(self, seen: Seen) -> None:
        """A look at the storage, and nothing found yet."""
        now = self.clock()
        if seen.taken:
            self._stage("taken", now)
        if seen.done:
            self._stage("done", now)
        if seen.taken and seen.waits not in {"", self.waits} and now > _SOON:
            self.waits = seen.waits
            self.say(f"  waits     {seen.waits}")

    def found(self, seen: Seen, row: dict[str, Any]) -> None:
        """The row that was found, right after that look."""
        now = self.clock()
        received = _seconds(row.get("Received"), self.course.at)
        self._stage("taken", now if received is None else min(received, now))
        if received is not None:
            self._stage("received", min(received, now))
        if seen.done:
            self._stage("done", now)
        self._stage("found", now)

    def _stage(self, name: str, seconds: float) -> None:
        if name not in self.course.stages:
            self.course.stages[name] = seconds = round(seconds, 2)
            self.say(f"  {name:<8}  {f'+{seconds:.1f} s':<12}  {_STAGES[name]}")


def _seconds(text: Any, since: datetime) -> float | None:
    """How long after `since` that is; none below zero, since clocks differ."""
    try:
        return max((datetime.fromisoformat(str(text)) - since).total_seconds(), 0.0)
    except (ValueError, TypeError):
        return None


def _state(seen: Seen) -> str:
    if not seen.taken:
        return "Waiting for the app to take it"
    return seen.waits[:1].upper() + seen.waits[1:] or "Waiting for a query to find it"


def _stuck(course: Course, seen: Seen, patience: float, trouble: str) -> str:
    if trouble:
        return f"It could not be followed any further: {trouble}"
    if seen.advice:
        return seen.advice
    return (
        "It was taken, is not put aside and not in the dead letter, so Azure accepted it; no query finds "
        f"it within {patience:.0f} s. The first rows of a new table take 5 to 15 minutes: ask again. If it "
        "never comes: is this the workspace of the rule, and what does the table DCRLogErrors say?"
    )


def _verdict(show: Show, course: Course, asked: Workspace) -> None:
    if course.found:
        seconds = course.stages["found"]
        show.line(
            f"It is whole: what was sent is found in {course.marked.route.table} {seconds:.1f} s later.",
            "green",
        )
        show.line(
            f'Queries leave such rows out with: | where {course.marked.text} !contains "{WORD}-"', "dim"
        )
        return
    show.prose(f"Not found in {asked.where}. {course.reason}", "red")
    show.line(f"Ask again: logferry query '{course.marked.kql}'", "dim")


def _json(course: Course, asked: Workspace) -> str:
    marked = course.marked
    answer = {
        "found": course.found,
        "route": marked.route.name,
        "table": marked.route.table,
        "column": marked.column,
        "mark": marked.mark,
        "source": course.sent.name,
        "workspace": asked.where,
        "sent": course.at.isoformat(timespec="milliseconds"),
        "seconds": course.stages,
        "query": marked.kql,
        "reason": course.reason,
    }
    return json.dumps(answer, indent=2) + "\n"


@contextmanager
def _waiting(show: Show, *, enabled: bool) -> Iterator[Callable[[str], None]]:
    """A line at the bottom that says what is waited for, on a terminal."""
    if not enabled:
        yield _quiet
        return
    with show.console.status("Sent") as status:
        yield status.update


def _quiet(_: str) -> None:
    """Nobody is there to read it."""
