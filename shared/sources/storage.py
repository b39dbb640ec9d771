"""Clients of the storage account, made once per process.

Rule: by identity where service URIs are set, by connection string where local
Azure gives one. Invariant: one client and one credential per account, since tokens
and connections are cached in them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..connections import Sendable, transport
from ..settings import Connection

if TYPE_CHECKING:
    from azure.storage.blob import BlobServiceClient
    from azure.storage.queue import QueueServiceClient

_RETRIES: dict[str, Any] = {
    "initial_backoff": 1,
    "increment_base": 2,
    "random_jitter_range": 1,
}
_CONNECT_SECONDS = 20
_READ_SECONDS = 60
_CONNECTIONS = 160
"""For as many invocations as run at once (PYTHON_THREADPOOL_THREAD_COUNT), and some that read ahead."""


class Storage:
    """One storage account.

    Args:
        connection: its settings.
        read_bytes: size of one ranged read; the client then makes one request a range.
        credential: makes what signs in where no connection string is given; default the managed identity.
        retries: how often one request is tried again.
    """

    def __init__(
        self,
        connection: Connection,
        read_bytes: int,
        *,
        credential: Callable[[], Any] | None = None,
        retries: int = 4,
    ) -> None:
        self._connection = connection
        self._read_bytes = read_bytes
        self._make_credential = credential or _managed_identity
        self._retries: dict[str, Any] = {**_RETRIES, "retry_total": retries}

    @cached_property
    def _credential(self) -> Any:
        return self._make_credential()

    @cached_property
    def blobs(self) -> BlobServiceClient:
        """The blob service."""
        from azure.storage.blob import BlobServiceClient  # noqa: PLC0415

        options = {
            **self._options(),
            "max_single_get_size": self._read_bytes,
            "max_chunk_get_size": self._read_bytes,
        }
        if self._connection.connection_string:
            return BlobServiceClient.from_connection_string(self._connection.connection_string, **options)
        assert self._connection.blob_uri is not None  # noqa: S101 - settings.read has looked
        return BlobServiceClient(self._connection.blob_uri, self._credential, **options)

    @cached_property
    def queues(self) -> QueueServiceClient:
        """The queue service."""
        from azure.storage.queue import QueueServiceClient  # noqa: PLC0415

        options = self._options()
        if self._connection.connection_string:
            return QueueServiceClient.from_connection_string(self._connection.connection_string, **options)
        assert self._connection.queue_uri is not None  # noqa: S101 - settings.read has looked
        return QueueServiceClient(self._connection.queue_uri, self._credential, **options)

    def _options(self) -> dict[str, Any]:
        way = transport(_CONNECTIONS, connect=_CONNECT_SECONDS, read=_READ_SECONDS)
        # The service sends nobody elsewhere; whoever answers so in its place should not be followed.
        return {**self._retries, "transport": way, "permit_redirects": False}


def _managed_identity() -> Any:
    from azure.identity import ManagedIdentityCredential  # noqa: PLC0415

    return Sendable(ManagedIdentityCredential())
