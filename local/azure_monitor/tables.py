"""The workspace's tables, and the one thread that writes them.

Rule: posts are written in the order in which they were accepted, by one thread
with the one connection that writes; readers have cursors of their own. Invariant:
when `settled` returns, everything that was accepted before it was called is in its
table or is counted as dropped. What waits is bounded: `accept` blocks when the
writer cannot follow.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from queue import Empty, Full, Queue
from threading import Thread
from typing import Any

import duckdb
import duckdb_kql

from .config import Config
from .losses import Findings
from .schema import Plan, create, plan, quote, tables_of
from .state import State

log = logging.getLogger("local.azure_monitor")

WAITING_POSTS = 64
POSTS_AT_ONCE = 32
BYTES_AT_ONCE = 8_000_000


@dataclass(frozen=True, slots=True)
class Accepted:
    """A post that was answered with 204 and has rows left."""

    rule: str
    stream: str
    request_id: str
    received: dt.datetime
    body: bytes
    """A JSON array."""
    rows: int


_Item = Accepted | Future[None] | None
"""A post, somebody who waits for those before, or the end."""


class Tables:
    """The tables of a workspace.

    Raises:
        ValueError: a transform has a mistake, or two streams disagree about a table.
    """

    def __init__(self, config: Config, state: State) -> None:
        self._state = state
        self._con = open_database(config.database)
        try:
            self._plans = {key: plan(self._con, spec) for key, spec in config.by_stream.items()}
            self.columns: Mapping[str, Mapping[str, str]] = tables_of(self._plans.values())
            create(self._con, self.columns)
        except BaseException:
            self._con.close()
            raise
        self.warnings = [warning for made in self._plans.values() for warning in made.warnings]
        self._readers = self._con.cursor()
        self._queue: Queue[_Item] = Queue(WAITING_POSTS)
        self._ended = False
        self._thread = Thread(target=self._run, name="tables", daemon=True)
        self._thread.start()

    def accept(self, post: Accepted, *, wait: bool = True) -> bool:
        """Have a post written; while too many wait it blocks, or says False."""
        try:
            self._queue.put(post, block=wait)
        except Full:
            return False
        return True

    def settled(self) -> Future[None]:
        """Done when everything accepted so far is written."""
        done: Future[None] = Future()
        self._queue.put(done)
        return done

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A connection to read with; the caller closes it."""
        cursor = self._readers.cursor()
        cursor.execute("SET TimeZone='UTC'")
        return cursor

    def counts(self) -> dict[str, int]:
        """Rows in each table."""
        cursor = self.cursor()
        try:
            return {table: _number(cursor, f"SELECT count(*) FROM {quote(table)}") for table in self.columns}  # noqa: S608 - quoted
        finally:
            cursor.close()

    def close(self) -> None:
        """Write what waits, and close the database."""
        self._queue.put(None)
        self._thread.join()
        self._readers.close()
        self._con.close()

    # -- the writer's thread ----------------------------------------------------------------

    def _run(self) -> None:
        while not self._ended:
            posts, waiting = self._next()
            for group in _by_stream(posts):
                try:
                    self._write(group)
                except Exception:
                    log.exception("%s: %d posts could not be written: a bug", group[0].stream, len(group))
            if waiting is not None:
                waiting.set_result(None)

    def _next(self) -> tuple[list[Accepted], Future[None] | None]:
        """Posts that wait, as many as go well together, and whoever waits for them."""
        posts: list[Accepted] = []
        size = 0
        item = self._queue.get()
        while isinstance(item, Accepted):
            posts.append(item)
            size += len(item.body)
            if len(posts) >= POSTS_AT_ONCE or size >= BYTES_AT_ONCE:
                break
            try:
                item = self._queue.get_nowait()
            except Empty:
                break
        self._ended = item is None
        return posts, item if isinstance(item, Future) else None

    def _write(self, posts: list[Accepted]) -> None:
        """Insert posts of one stream; when that fails, one by one, to find which."""
        made = self._plans[posts[0].rule, posts[0].stream]
        try:
            self._insert(made, posts)
        except duckdb.Error as error:
            if len(posts) == 1:
                self._failed(posts[0], error)
                return
            for post in posts:
                self._write([post])

    def _insert(self, made: Plan, posts: list[Accepted]) -> None:
        received = max(post.received for post in posts)
        bodies = [post.body.decode() for post in posts]
        inserted = _number(self._con, made.insert(), {"bodies": bodies, "received": received})
        first = posts[0]
        dropped = sum(post.rows for post in posts) - inserted
        if dropped:
            self._state.transformed(first.rule, first.stream, dropped=dropped)
        self._report(made, posts, received)

    def _report(self, made: Plan, posts: list[Accepted], received: dt.datetime) -> None:
        """Losses that only show after the transform."""
        findings = Findings()
        for name in made.dropped:
            rows = sum(post.rows for post in posts)
            findings.add(
                "ColumnNotInTable", "the transform gives it, the table cannot.", column=name, count=rows
            )
        if not made.runs_transform and made.spec.transform is not None:
            findings.add("TransformNotRun", "this transform cannot be run here; rows are as they came.")
        if made.sets_time:
            replaced = _number(self._con, made.count_replaced(), {"received": received})
            if replaced:
                why = "missing or far off after the transform; the time of receipt is put there."
                findings.add("TimeReplaced", why, column="TimeGenerated", count=replaced)
        self._state.lost(posts[0].rule, posts[0].stream, posts[-1].request_id, findings)

    def _failed(self, post: Accepted, error: duckdb.Error) -> None:
        why = f"the transform failed, and the post's rows are dropped: {str(error).splitlines()[0]}"
        findings = Findings()
        findings.add("TransformationError", why, count=post.rows)
        self._state.transformed(post.rule, post.stream, dropped=post.rows, errors=1)
        self._state.lost(post.rule, post.stream, post.request_id, findings)


def open_database(database: str) -> duckdb.DuckDBPyConnection:
    """A connection in UTC that reads no files and fetches no extensions."""
    con = duckdb_kql.connect(database)
    con.execute("SET enable_progress_bar=false; SET autoinstall_known_extensions=false")
    con.execute("SET enable_external_access=false")
    return con


def _by_stream(posts: list[Accepted]) -> Iterator[list[Accepted]]:
    groups: dict[tuple[str, str], list[Accepted]] = {}
    for post in posts:
        groups.setdefault((post.rule, post.stream), []).append(post)
    yield from groups.values()


def _number(con: duckdb.DuckDBPyConnection, sql: str, parameters: dict[str, Any] | None = None) -> int:
    row = con.execute(sql, parameters).fetchone()
    return int(row[0]) if row else 0
