"""An ingestion endpoint of the harness's own: strict, independent of local/, counting every record.

Rule: it takes what the service takes and nothing that only looks like it: a token that
it handed out itself, JSON in one gzip, an array of at most 1,000,000 bytes, a stream
that exists, rows that are what was sent. What breaks a rule is kept in `problems`, for
the verdict. Invariant: a post is in `posts` exactly if its rows were taken, whether or
not its reply went out. Strategy: faults by dice, one draw a post, so that they are the
same mixture for a seed; which post meets which is up to the threads.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import random
import re
import secrets
import socket
import threading
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, NamedTuple
from urllib.parse import parse_qs, urlsplit

import msgspec

from tests.crash import records

RULE = "dcr-" + "c" * 32
MOST_BYTES = 1_000_000
_PATH = re.compile(r"/dataCollectionRules/([^/]+)/streams/([^/]+)")
_TAKE = "take"
LOST = "reset after"
"""The rows are taken, and the connection ends without a reply."""

Side = Literal["arrived", "taken"]


class Post(NamedTuple):
    """Rows that were taken."""

    life: int
    ids: tuple[str, ...]
    lost: bool
    """Whether the reply was kept back."""


class Fault(NamedTuple):
    """What happens to a post."""

    what: str
    status: int = 0
    code: str = ""
    headers: tuple[tuple[str, str], ...] = ()


FAULTS = (
    Fault("answer", 500, "InternalServerError"),
    Fault("answer", 503, "ServiceUnavailable"),
    Fault("answer", 503, "ServiceUnavailable", (("Retry-After", "1"),)),
    Fault("answer", 429, "TooManyRequests", (("Retry-After", "1"),)),
    Fault("answer", 408, "RequestTimeout"),
    Fault("answer", 401, "AuthenticationFailed"),
    Fault("answer", 403, "OperationFailed"),
    Fault("answer", 404, "NotFound"),
    Fault("answer", 400, "InvalidStream"),
    Fault("answer", 413, "ContentLengthLimitExceeded"),
    Fault("reset before"),
    Fault(LOST),
    Fault("slow"),
    Fault("late reply"),
)
"""One is drawn for a post that meets one. 413 is for posts of several rows, so it costs no row."""


@dataclass
class Endpoint:
    """The endpoint, and what it saw.

    Attributes:
        url: where it listens.
        rate: share of posts that meet a fault.
        posts: taken ones, in order.
        audits: rows of the audit table, in order.
        problems: broken rules, a sentence each.
        faults: how many posts met which fault.
        halved: how many posts of a life with rows of a source were told to come in halves: batches that become
            a post more.
    """

    dice: random.Random
    url: str = ""
    rate: float = 0.0
    posts: list[Post] = field(default_factory=list)
    audits: list[dict[str, Any]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    faults: dict[str, int] = field(default_factory=dict)
    halved: Counter[tuple[int, str]] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)
    _tokens: dict[str, int] = field(default_factory=dict)
    _secret: str = field(default_factory=lambda: secrets.token_hex(8))
    _armed: tuple[Side, int, Callable[[], None]] | None = None
    _fired: str = ""

    def identity(self, life: int) -> dict[str, str]:
        """The environment in which a life finds its managed identity; its tokens tell whose posts are whose."""
        return {"IDENTITY_ENDPOINT": f"{self.url}/msi/token", "IDENTITY_HEADER": f"{self._secret}-{life}"}

    def arm(self, side: Side, nth: int, kill: Callable[[], None]) -> None:
        """At the n-th post from now, call `kill`: when it has arrived, or when it is taken; never answer it."""
        with self.lock:
            self._armed = (side, nth, kill)

    def disarm(self) -> None:
        """Kill nobody."""
        with self.lock:
            self._armed, self._fired = None, ""

    def fired(self) -> str:
        """Where it has killed: "after post taken", or ""."""
        with self.lock:
            return self._fired

    def keep(self, life: int, rows: list[dict[str, Any]], *, lost: bool) -> None:
        """Rows are taken."""
        self.posts.append(Post(life, tuple(row["Record"] for row in rows), lost))

    def wrong(self, rows: list[dict[str, Any]]) -> list[str]:
        """What is wrong with rows."""
        return records.wrong(rows)

    # -- what a connection asks ---------------------------------------------------------------

    def token(self, header: str, query: dict[str, list[str]]) -> tuple[int, dict[str, str]]:
        """The identity endpoint."""
        secret, _, life = header.rpartition("-")
        if secret != self._secret or query.get("api-version") != ["2019-08-01"]:
            self._problem(f"the identity endpoint was asked in a wrong way: {query}")
            return 401, {"message": "no"}
        token, expires = secrets.token_hex(16), str(int(time.time()) + 3_600)
        with self.lock:
            self._tokens[token] = int(life)
        resource = query.get("resource", [""])[0]
        if resource.rstrip("/") != "https://monitor.azure.com":
            self._problem(f"a token for {resource}")
        return 200, {
            "access_token": token,
            "expires_on": expires,
            "resource": resource,
            "token_type": "Bearer",
        }

    def post(self, path: str, headers: Any, body: bytes) -> tuple[int, dict[str, Any], dict[str, str]] | None:
        """Take a post, or not; the answer, or None for none at all."""
        life = self._tokens.get(headers.get("Authorization", "").removeprefix("Bearer "))
        rows = self._rows(path, headers, body, life)
        if life is None or rows is None:
            return 400, _error("Broken", "a rule of the harness is broken"), {}
        fault, kill = self._drawn(life, rows)
        if kill is not None and kill[0] == "arrived":
            return self._killed(kill[1])
        if fault.what == "answer":
            return fault.status, _error(fault.code, "made up"), dict(fault.headers)
        if fault.what == "reset before":
            return None
        if fault.what == "slow":
            time.sleep(0.3)
        lost = fault.what == LOST
        with self.lock:
            if _is_audit(path):
                self.audits += rows
            else:
                self.keep(life, rows, lost=lost)
        if kill is not None:
            return self._killed(kill[1])
        if fault.what == "late reply":
            time.sleep(0.3)
        return None if lost else (204, {}, {})

    def _killed(self, kill: Callable[[], None]) -> None:
        kill()
        time.sleep(0.5)  # it is dead by then, and hears no reset

    def _drawn(self, life: int, rows: list[Any]) -> tuple[Fault, tuple[Side, Callable[[], None]] | None]:
        with self.lock:
            kill = None
            if self._armed is not None:
                side, nth, call = self._armed
                self._armed = None if nth == 1 else (side, nth - 1, call)
                kill = (side, call) if nth == 1 else None
                self._fired = f"after post {side}" if nth == 1 else ""
            if kill is not None or self.dice.random() >= self.rate:
                return Fault(_TAKE), kill
            fault = self.dice.choice(FAULTS)
            if fault.status == 413 and len(rows) == 1:
                return Fault(_TAKE), None
            if fault.status == 413:
                keys = {row["Record"].rpartition("-")[0] for row in rows if "Record" in row}
                self.halved.update((life, key) for key in keys)
            name = f"{fault.status} {fault.code}" if fault.status else fault.what
            self.faults[name] = self.faults.get(name, 0) + 1
            return fault, None

    # -- the rules ----------------------------------------------------------------------------

    def _rows(self, path: str, headers: Any, body: bytes, life: int | None) -> list[dict[str, Any]] | None:
        parts = urlsplit(path)
        found = _PATH.fullmatch(parts.path)
        broken = [
            ("no such address", found is None or found[1] != RULE or found[2] not in records.STREAMS),
            ("api-version", parse_qs(parts.query).get("api-version") != ["2023-01-01"]),
            ("a token that was not handed out", life is None),
            ("Content-Type", headers.get("Content-Type") != "application/json"),
            ("Content-Encoding", headers.get("Content-Encoding") != "gzip"),
        ]
        said = [what for what, is_so in broken if is_so]
        raw, trouble = _unzipped(body)
        said += trouble
        rows = _array(raw) if raw is not None else None
        if rows is None:
            said.append(f"the body is no JSON array of objects: {(raw or body)[:100]!r}")
        else:
            said += records.wrong_audits(rows) if _is_audit(path) else self.wrong(rows)
        for sentence in said:
            self._problem(f"{path}: {sentence}")
        return None if said else rows

    def _problem(self, sentence: str) -> None:
        with self.lock:
            self.problems.append(sentence)


def _is_audit(path: str) -> bool:
    found = _PATH.fullmatch(urlsplit(path).path)
    return found is not None and found[2] == records.AUDITS


def _unzipped(body: bytes) -> tuple[bytes | None, list[str]]:
    if len(body) > MOST_BYTES:
        return None, [f"{len(body)} bytes on the wire"]
    try:
        raw = gzip.decompress(body)
    except (OSError, EOFError, zlib.error) as error:
        return None, [f"no gzip: {error}"]
    return raw, [f"{len(raw)} bytes"] if len(raw) > MOST_BYTES else []


def _array(raw: bytes) -> list[dict[str, Any]] | None:
    try:
        return msgspec.json.decode(raw, type=list[dict[str, Any]]) or None
    except msgspec.DecodeError:
        return None


def _error(code: str, text: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": text}}


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    endpoint: Endpoint

    def log_message(self, *_: Any) -> None:
        """Nothing: it has its own books."""

    def do_GET(self) -> None:
        """The identity endpoint."""
        query = parse_qs(urlsplit(self.path).query)
        self._answer(*self.endpoint.token(self.headers.get("X-IDENTITY-HEADER", ""), query), {})

    def do_POST(self) -> None:
        """The ingestion endpoint."""
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        # A client that dies in the middle of it has posted nothing.
        answer = self.endpoint.post(self.path, self.headers, body) if len(body) == length else None
        if answer is None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)  # an OSError where the client is gone already
            return
        self._answer(*answer)

    def _answer(self, status: int, value: dict[str, Any], headers: dict[str, str]) -> None:
        body = json.dumps(value).encode() if value else b""
        self.send_response(status)
        for name, text in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def handle(self) -> None:
        """A client that was killed is no error here."""
        with contextlib.suppress(OSError):
            super().handle()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


@contextmanager
def serve(endpoint: Endpoint) -> Iterator[Endpoint]:
    """Let it listen on a free port of loopback."""
    handler = type("Connection", (_Connection,), {"endpoint": endpoint, "wbufsize": -1})
    server = _Server(("127.0.0.1", 0), handler)
    endpoint.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield endpoint
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
