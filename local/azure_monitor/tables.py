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
            self._plans = {key: plan(spec) for key, spec in config.by_stream.items()}
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
        """Insert posts of one stream, as its transform leaves them."""
        made = self._plans[posts[0].rule, posts[0].stream]
        whole: list[Accepted] = []
        bodies: list[bytes] = []
        for post in posts:
            body = self._transformed(made, post)
            if body is not None:
                whole.append(post)
                bodies.append(body)
        if whole:
            self._insert(made, whole, bodies)

    def _transformed(self, made: Plan, post: Accepted) -> bytes | None:
        """What the transform makes of a post's rows; None if it fails, which costs the post.

        What Azure does with the other rows of such a post is not documented, so the worst is assumed.
        """
        if made.transform is None:
            return post.body
        result = made.transform.run(post.body, post.received)
        if result.failures:
            self._failed(post, result.failures[0].sentence)
            return None
        if result.filtered:
            self._state.transformed(post.rule, post.stream, dropped=result.filtered)
        return result.text

    def _insert(self, made: Plan, posts: list[Accepted], bodies: list[bytes]) -> None:
        """Insert what is left of posts; when that fails, one by one, to find which."""
        received = max(post.received for post in posts)
        parameters = {"bodies": [body.decode() for body in bodies], "received": received}
        try:
            self._con.execute(made.insert(), parameters)
        except duckdb.Error as error:
            if len(posts) == 1:
                self._failed(posts[0], str(error).splitlines()[0])
                return
            for post, body in zip(posts, bodies, strict=True):
                self._insert(made, [post], [body])
            return
        self._report(made, posts, received)

    def _report(self, made: Plan, posts: list[Accepted], received: dt.datetime) -> None:
        """Losses that only show after the transform."""
        findings = Findings()
        for name in made.dropped:
            rows = sum(post.rows for post in posts)
            findings.add(
                "ColumnNotInTable", "the transform gives it, the table cannot.", column=name, count=rows
            )
        if made.transform is not None and made.transform.note is not None:
            findings.add("TransformNotRun", "this transform cannot be run here; rows are as they came.")
        if made.sets_time:
            replaced = _number(self._con, made.count_replaced(), {"received": received})
            if replaced:
                why = "missing or far off after the transform; the time of receipt is put there."
                findings.add("TimeReplaced", why, column="TimeGenerated", count=replaced)
        self._state.lost(posts[0].rule, posts[0].stream, posts[-1].request_id, findings)

    def _failed(self, post: Accepted, sentence: str) -> None:
        findings = Findings()
        why = f"the transform failed, and the post's rows are dropped: {sentence}"
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
