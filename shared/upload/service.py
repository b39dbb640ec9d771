"""The Logs Ingestion API, one post at a time.

Rule: bodies come encoded and go out through Microsoft's own client, which brings
authentication and clouds; its retries are off, since ours decide by type.
Invariants: `post` returns only when the service said 204; threads whose token is
refused at the same time get one new credential between them. Thread-safe.
"""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .. import logs
from ..connections import transport
from ..errors import NotReady, ServiceUnavailable, Throttled
from . import identity
from .answers import is_refused_token, meaning
from .gate import MOST, Gate

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

logger = logs.logger("logferry.upload")

ALARM_SECONDS = 60.0
"""So often at most the log says as an error what a rule lacks: hundreds of sources may meet it at once."""

_CONNECT_SECONDS = 20
_READ_SECONDS = 100


class Service:
    """An ingestion endpoint.

    Args:
        endpoint: https://....ingest.monitor.azure.com, or http on loopback.
        credential: makes a credential; called again when a token is refused.
    """

    def __init__(
        self, endpoint: str, credential: Callable[[], TokenCredential] = identity.credential
    ) -> None:
        self.endpoint = endpoint
        self._credential = credential
        self._lock = threading.Lock()
        self._client: Any = None
        self._generation = 0
        self._gates: dict[str, Gate] = {}
        self._alarmed: dict[str, float] = {}

    def gate(self, rule: str) -> Gate:
        """The one gate of a rule, which whoever posts to it goes through."""
        with self._lock:
            return self._gates.setdefault(rule, Gate(rule))

    def post(self, rule: str, stream: str, body: bytes) -> None:
        """Send one gzipped JSON array, once.

        Raises:
            Throttled, ServiceUnavailable, ReplyLost, NotReady, Refused: see errors.py and answers.py.
        """
        client, generation = self._connected()
        try:
            self._send(client, rule, stream, body)
        except _Unauthorized as unauthorized:
            client = self._reconnected(generation)
            try:
                self._send(client, rule, stream, body)
            except _Unauthorized:
                self._heed(rule, unauthorized.meaning)
                raise unauthorized.meaning from None

    def _send(self, client: Any, rule: str, stream: str, body: bytes) -> None:
        secure = self.endpoint.startswith("https://")
        try:
            client.upload(rule, stream, io.BytesIO(body), enforce_https=secure)
        except Exception as error:
            found = meaning(error, rule=rule, stream=stream, now=time.time())
            if is_refused_token(error):
                raise _Unauthorized(found) from error
            self._heed(rule, found)
            raise found from error

    def _heed(self, rule: str, found: Exception) -> None:
        """What an answer means for all who use the rule.

        A 503 that names a time shuts the gate as a 429 does: it speaks for the service, not for the post,
        and whoever came earlier would be refused too, and add to its load.
        """
        if isinstance(found, Throttled | ServiceUnavailable):
            self.gate(rule).shut(found.retry_after, str(found))
        elif isinstance(found, NotReady):
            self._alarm(rule, found)

    def _alarm(self, rule: str, found: NotReady) -> None:
        with self._lock:
            now, last = time.monotonic(), self._alarmed.get(rule)
            if last is not None and now - last < ALARM_SECONDS:
                return
            self._alarmed[rule] = now
        logger.error("%s What is for this rule is deferred until it is put right.", found)

    # -- the client ---------------------------------------------------------------------------

    def _connected(self) -> tuple[Any, int]:
        with self._lock:
            if self._client is None:
                self._client = self._make()
            return self._client, self._generation

    def _reconnected(self, generation: int) -> Any:
        """A client with a new credential, unless another thread has made one since `generation`."""
        with self._lock:
            if self._generation == generation:
                self._client = self._make()
                self._generation += 1
            return self._client

    def _make(self) -> Any:
        from azure.monitor.ingestion import LogsIngestionClient  # noqa: PLC0415 - not at start

        return LogsIngestionClient(
            self.endpoint,
            self._credential(),
            credential_scopes=[identity.scope(self.endpoint)],
            transport=transport(MOST, connect=_CONNECT_SECONDS, read=_READ_SECONDS),
            retry_total=0,
            redirect_max=0,
        )


class _Unauthorized(Exception):  # noqa: N818 - never leaves this module
    def __init__(self, found: Exception) -> None:
        super().__init__(str(found))
        self.meaning = found
