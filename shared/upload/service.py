"""The Logs Ingestion API, one post at a time.

Rule: bodies come encoded and go out through Microsoft's own client, which brings
authentication and clouds; its retries are off, since ours decide by type.
Invariant: `post` returns only when the service said 204. Thread-safe.
"""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..errors import Throttled
from . import identity
from .answers import is_refused_token, meaning

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

_CONNECTIONS = 64
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
        self._pause_until: dict[str, float] = {}

    def post(self, rule: str, stream: str, body: bytes) -> None:
        """Send one gzipped JSON array. Whoever posts asks `pause` first.

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
                raise unauthorized.meaning from None

    def _send(self, client: Any, rule: str, stream: str, body: bytes) -> None:
        secure = self.endpoint.startswith("https://")
        try:
            client.upload(rule, stream, io.BytesIO(body), enforce_https=secure)
        except Exception as error:
            found = meaning(error, rule=rule, stream=stream, now=time.time())
            if is_refused_token(error):
                raise _Unauthorized(found) from error
            if isinstance(found, Throttled):
                self._pause(rule, found.retry_after)
            raise found from error

    # -- one pause for all who use a rule -----------------------------------------------------

    def _pause(self, rule: str, seconds: float | None) -> None:
        if seconds:
            with self._lock:
                until = max(self._pause_until.get(rule, 0.0), time.monotonic() + seconds)
                self._pause_until[rule] = until

    def pause(self, rule: str) -> float:
        """Seconds that a rule asked everybody to wait; 0 when it takes posts."""
        return max(self._pause_until.get(rule, 0.0) - time.monotonic(), 0.0)

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
        import requests  # noqa: PLC0415 - imported with the client, not at start
        from azure.core.pipeline.transport import RequestsTransport  # noqa: PLC0415
        from azure.monitor.ingestion import LogsIngestionClient  # noqa: PLC0415

        session = requests.Session()
        adapter = requests.adapters.HTTPAdapter(pool_maxsize=_CONNECTIONS)
        session.mount("https://", adapter)
        session.mount("http://", adapter)
        return LogsIngestionClient(
            self.endpoint,
            self._credential(),
            credential_scopes=[identity.scope(self.endpoint)],
            transport=RequestsTransport(
                session=session,
                session_owner=False,
                connection_timeout=_CONNECT_SECONDS,
                read_timeout=_READ_SECONDS,
            ),
            retry_total=0,
            redirect_max=0,
        )


class _Unauthorized(Exception):  # noqa: N818 - never leaves this module
    def __init__(self, found: Exception) -> None:
        super().__init__(str(found))
        self.meaning = found
