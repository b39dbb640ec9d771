"""A storage account that can fail: an HTTP proxy on loopback in front of an Azurite.

Rule: requests and answers pass as they are, but for those that a Trouble names.
Signatures hold, since a shared key signs path and headers and no host. Invariant:
a request meets one Trouble at most, the first that matches; when the proxy is
closed, nothing waits in it any more.
"""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.utils import formatdate, parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import urlsplit

from local.stack.azurite import Ports

_HOPS = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length"})
_CODES = {500: "InternalError", 503: "ServerBusy", 429: "TooManyRequests", 403: "AuthorizationFailure"}
_LISTED = re.compile(rb"<Last-Modified>([^<]+)</Last-Modified>")


@dataclass(eq=False)
class Trouble:
    """What becomes of requests that match."""

    method: str
    """PUT, GET, ..."""
    path: str
    """A regular expression that is looked for in path and query."""
    status: int | None = None
    """Answer with this; the account never sees the request."""
    cut: bool = False
    """Drop the connection before the account sees the request."""
    lose: bool = False
    """Drop the connection after the account has done what was asked."""
    hold: threading.Event | None = None
    """Wait for this before the request is passed on."""
    after: int = 0
    """So many matching requests pass first."""
    times: int | None = None
    """For how many requests; None: for all."""
    met: int = 0
    """How many requests met it."""
    happened: threading.Event = field(default_factory=threading.Event)
    """Set by the first request that meets it."""

    def meets(self, method: str, path: str) -> bool:
        """Whether it is for this request; counts it if so."""
        if method != self.method or not re.search(self.path, path) or self.met == self.times:
            return False
        if self.after:
            self.after -= 1
            return False
        self.met += 1
        self.happened.set()
        return True


class StorageProxy:
    """Blobs and queues of one Azurite, behind two ports of this process."""

    def __init__(self, account: Ports) -> None:
        self.shift = 0.0
        """Seconds that the account's clock seems to be ahead."""
        self.asked: list[str] = []
        """Method and path of each request so far."""
        self._troubles: list[Trouble] = []
        self._lock = threading.Lock()
        self._servers = [_Server(self, port) for port in (account.blob, account.queue)]
        self.ports = Ports(*(server.server_port for server in self._servers))

    @property
    def connection_string(self) -> str:
        """Blobs and queues of the one account, through the proxy."""
        return self.ports.connection_string

    @contextlib.contextmanager
    def trouble(self, method: str, path: str, **how: Any) -> Iterator[Trouble]:
        """Trouble for as long as the context is open."""
        made = Trouble(method, path, **how)
        with self._lock:
            self._troubles.append(made)
        try:
            yield made
        finally:
            with self._lock:
                self._troubles.remove(made)
            if made.hold is not None:
                made.hold.set()

    def met(self, method: str, path: str) -> Trouble | None:
        """The trouble that a request meets."""
        with self._lock:
            return next((trouble for trouble in self._troubles if trouble.meets(method, path)), None)

    def close(self) -> None:
        """Listen no more."""
        for server in self._servers:
            server.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 128

    def __init__(self, proxy: StorageProxy, upstream: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.proxy, self.upstream = proxy, upstream
        self._open: set[socket.socket] = set()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Listen no more, hang up on everybody, and wait for the threads."""
        self.shutdown()
        self._thread.join()
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.server_close()

    def process_request(self, request: Any, client_address: Any) -> None:
        """In a thread of its own."""
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """At the end of that thread."""
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are what this is for."""


class _Handler(BaseHTTPRequestHandler):
    """One connection of a client, with one of its own to the account."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self._account = http.client.HTTPConnection(
            "127.0.0.1", cast("_Server", self.server).upstream, timeout=60
        )

    def finish(self) -> None:
        self._account.close()
        with contextlib.suppress(OSError):
            super().finish()

    def log_message(self, *args: Any) -> None:
        """Azurite writes a log already."""

    def _pass(self) -> None:
        proxy = cast("_Server", self.server).proxy
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        proxy.asked.append(f"{self.command} {urlsplit(self.path).path}")
        trouble = proxy.met(self.command, self.path) or Trouble("", "")
        if trouble.hold is not None:
            trouble.hold.wait()
        if trouble.cut:
            self._hang_up()
        elif trouble.status is not None:
            self._refuse(trouble.status)
        else:
            self._relay(body, proxy.shift, lose=trouble.lose)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _pass  # noqa: N815 - http.server's names

    def _relay(self, body: bytes, shift: float, *, lose: bool) -> None:
        answer = self._forward(body)
        if answer is None or lose:
            self._hang_up()
        else:
            self._answer(*answer, shift)

    def _forward(self, body: bytes) -> tuple[http.client.HTTPResponse, bytes] | None:
        try:
            self._account.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                self._account.putheader(name, value)
            self._account.endheaders(body)
            answer = self._account.getresponse()
            return answer, answer.read()
        except (OSError, http.client.HTTPException):
            return None

    def _answer(self, answer: http.client.HTTPResponse, body: bytes, shift: float) -> None:
        if shift:
            body = _LISTED.sub(
                lambda found: b"<Last-Modified>%b</Last-Modified>" % _later(found[1], shift), body
            )
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() in {"date", "last-modified"} and shift:
                self.send_header(name, _later(value.encode(), shift).decode())
            elif name.lower() not in _HOPS:
                self.send_header(name, value)
        length = answer.getheader("Content-Length") if self.command == "HEAD" else str(len(body))
        if answer.status not in {204, 304}:
            self.send_header("Content-Length", length or "0")
        self.end_headers()
        self.wfile.write(body)

    def _refuse(self, status: int) -> None:
        code = _CODES.get(status, "InternalError")
        text = (
            f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>As scripted.</Message></Error>".encode()
        )
        self.send_response_only(status, code)
        for name, value in (("x-ms-error-code", code), ("Content-Type", "application/xml")):
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def _hang_up(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)


def _later(date: bytes, shift: float) -> bytes:
    return formatdate(parsedate_to_datetime(date.decode()).timestamp() + shift, usegmt=True).encode()
