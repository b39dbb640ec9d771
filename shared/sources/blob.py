"""A blob as a source: one version of it, read in ranges.

Rule: content is never held as a whole, and never travels through the host.
Invariant: every byte comes from the version (ETag) that was opened; if the blob is
replaced or removed meanwhile, reading raises SourceChanged and gives no byte of
another version. Strategy: the next range is fetched while this one is worked on.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from ..errors import SourceChanged
from ..ledger.store import guarded

if TYPE_CHECKING:
    from azure.storage.blob import BlobClient


class BlobSource:
    """One version of a blob.

    Args:
        client: the blob.
        properties: what the service said of it when it was opened.
        read_bytes: size of a range.
    """

    def __init__(self, client: BlobClient, properties: Any, read_bytes: int) -> None:
        self._client = client
        self._read_bytes = read_bytes
        self._etag: str = properties.etag
        self.name = f"{client.container_name}/{client.blob_name}"
        self.path: str = client.blob_name
        self.version = self._etag.strip('"')
        self.size = int(properties.size)
        self.modified: float = properties.last_modified.timestamp()
        self.grows: bool = properties.blob_type == "AppendBlob"

    def chunks(self, offset: int = 0) -> Iterator[bytes]:
        """The version's bytes from `offset` on.

        Raises:
            SourceChanged: the blob is not this version any more.
            ServiceUnavailable: storage does not answer.
        """
        starts = range(offset, self.size, self._read_bytes)
        with ThreadPoolExecutor(1, "logferry-read") as ahead:
            coming = ahead.submit(self._range, starts[0]) if starts else None
            for start in starts:
                assert coming is not None  # noqa: S101 - one was asked for before each turn
                data = coming.result()
                following = start + self._read_bytes
                coming = ahead.submit(self._range, following) if following < self.size else None
                yield data

    def _range(self, start: int) -> bytes:
        from azure.core import MatchConditions, exceptions  # noqa: PLC0415

        length = min(self._read_bytes, self.size - start)

        def download() -> bytes:
            stream = self._client.download_blob(
                start, length, etag=self._etag, match_condition=MatchConditions.IfNotModified
            )
            return stream.readall()

        try:
            data = guarded(download)
        except (exceptions.ResourceModifiedError, exceptions.ResourceNotFoundError) as error:
            raise SourceChanged(f"{self.name} was replaced or removed while it was read") from error
        if len(data) != length:
            raise SourceChanged(f"{self.name} gave {len(data)} of {length} bytes from {start} on")
        return data


def open_blob(client: BlobClient, read_bytes: int) -> BlobSource | None:
    """The blob as it is now; None if there is none. Raises ServiceUnavailable."""
    from azure.core.exceptions import ResourceNotFoundError  # noqa: PLC0415

    try:
        properties = guarded(client.get_blob_properties)
    except ResourceNotFoundError:
        return None
    return BlobSource(client, properties, read_bytes)
