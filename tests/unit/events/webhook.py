"""A webhook that keeps what it gets: the other side of the Event Grid stand-in, in tests.

Rule: it answers the handshake as the functions host does, and otherwise with the
statuses that the test lays out, the last one for ever.
"""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Webhook:
    """Listens on a free port; `events` has every delivered event with its headers' kind."""

    def __init__(self, *statuses: int) -> None:
        self.events: list[dict[str, Any]] = []
        self.kinds: list[str] = []
        self._statuses = list(statuses) or [202]
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook?code=k"

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()

    def take(self, kind: str, events: list[dict[str, Any]]) -> tuple[int, Any]:
        """Status and answer for a post."""
        with self._lock:
            self.kinds.append(kind)
            if kind == "SubscriptionValidation":
                return 200, {"validationResponse": events[0]["data"]["validationCode"]}
            status = self._statuses.pop(0) if len(self._statuses) > 1 else self._statuses[0]
            if status < 300:
                self.events += events
            return status, {}

    def _handler(hook) -> type[BaseHTTPRequestHandler]:  # noqa: N805 - self is the request's below
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, answer = hook.take(self.headers["aeg-event-type"], body)
                data = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                """Nothing on stderr."""

        return Handler
