"""A blob as a source: one version of it, read in ranges.

Rule: content is never held as a whole, and never travels through the host.
Invariant: every byte comes from the version (ETag) that was opened; if the blob is
replaced or removed meanwhile, reading what did not come with its properties raises
SourceChanged and gives no byte of another version. An append blob that has only
grown is no other version as far as it was there when it was opened. Strategy: the
next range is fetched while this one is worked on; a small blob comes with the answer
that says what it is.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from ..errors import SourceChanged
from ..ledger.entry import Marks
from ..ledger.store import guarded
from .marks import Seen, begins_with, whole

if TYPE_CHECKING:
    from azure.storage.blob import BlobClient

FIRST_BYTES = 65_536
"""How much comes with a blob's properties, where it is asked for: all of a small one."""

_NO_SUCH_RANGE = 416
"""What the service says of any range of an empty blob."""

_LOOKS = 10
"""How often an append blob that never rests is looked at for what was read of it."""


class BlobSource:
    """One version of a blob.

    Args:
        client: the blob.
        properties: what the service said of it when it was opened.
        read_bytes: size of a range.
        now: epoch seconds of the service's clock when it was opened.
        first: the bytes that it begins with, as far as they came along.
    """

    def __init__(
        self, client: BlobClient, properties: Any, read_bytes: int, now: float, first: bytes = b""
    ) -> None:
        self._client = client
        self._read_bytes = read_bytes
        self._etag: str = properties.etag
        self._first = first
        self._seen = Seen()
        self.name = f"{client.container_name}/{client.blob_name}"
        self.path: str = client.blob_name
        self.version = self._etag.strip('"')
        self.size = int(properties.size)
        self.modified: float = properties.last_modified.timestamp()
        self.age = now - self.modified
        """Seconds since it was written, by the service's clock."""
        self.grows: bool = properties.blob_type == "AppendBlob" and not properties.is_append_blob_sealed

    def chunks(self, offset: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The version's bytes from `offset` on, up to `end` or to its own end.

        Raises:
            SourceChanged: the blob is not this version any more.
            ServiceUnavailable: storage does not answer.
        """
        stop = self.size if end is None else end
        spans = [
            (start, min(start + self._read_bytes, stop)) for start in range(offset, stop, self._read_bytes)
        ]
        read = self._one_after_the_other if len(spans) > 1 else self._at_once
        for start, data in read(spans):
            self._seen.see(start, data)
            yield data

    def _at_once(self, spans: Sequence[tuple[int, int]]) -> Iterator[tuple[int, bytes]]:
        """A single range, or none: nothing to read ahead, so no thread for it."""
        for start, stop in spans:
            yield start, self.read(start, stop)

    def _one_after_the_other(self, spans: Sequence[tuple[int, int]]) -> Iterator[tuple[int, bytes]]:
        with ThreadPoolExecutor(1, "logferry-read") as ahead:
            coming = ahead.submit(self.read, *spans[0])
            for (start, _), after in zip_longest(spans, spans[1:]):
                data = coming.result()
                coming = ahead.submit(self.read, *after) if after else coming
                yield start, data

    def read(self, start: int, stop: int) -> bytes:
        """The bytes of one range, in one request. Raises as `chunks` does."""
        from azure.core import exceptions  # noqa: PLC0415

        if stop <= len(self._first):
            return self._first[start:stop]
        try:
            data = self._download(start, stop - start)
        except (exceptions.ResourceModifiedError, exceptions.ResourceNotFoundError) as error:
            if not (self.grows and self._has_only_grown()):
                raise SourceChanged(f"{self.name} was replaced or removed while it was read") from error
            return self.read(start, stop)
        if len(data) != stop - start:
            raise SourceChanged(f"{self.name} gave {len(data)} of {stop - start} bytes from {start} on")
        return data

    def _download(self, start: int, length: int) -> bytes:
        from azure.core import MatchConditions  # noqa: PLC0415

        def download() -> bytes:
            stream = self._client.download_blob(
                start, length, etag=self._etag, match_condition=MatchConditions.IfNotModified
            )
            return stream.readall()

        return guarded(download) if length else b""

    # -- what was read, and whether another version begins with it ------------------------------

    def marks(self, before: Marks) -> Marks:
        """What has been read so far, as hashes; `before` are those of the run that this one goes on from."""
        return self._seen.marks(before)

    def marked(self) -> Marks:
        """The marks of the whole version. Raises as `chunks` does."""
        return whole(self.size, self.read)

    def begins_with(self, marks: Marks) -> bool:
        """Whether this version begins with what left these marks. Raises as `chunks` does."""
        return begins_with(marks, self.size, self.read)

    def is_latest(self) -> bool:
        """Whether the blob still is this version. Raises ServiceUnavailable."""
        now = open_blob(self._client, self._read_bytes)
        return now is not None and now.version == self.version

    def _read_first(self, start: int, stop: int) -> bytes:
        return self._first[start:stop]

    def _has_only_grown(self) -> bool:
        """Whether the blob, as it is now, still begins with what was read of it; it is read on then."""
        marks = self.marks(whole(len(self._first), self._read_first) if self._first else Marks())
        for _ in range(_LOOKS if marks.end else 0):
            now = open_blob(self._client, self._read_bytes)
            if now is None or not now.grows or now.size < self.size:
                return False
            try:
                same = now.begins_with(marks)
            except SourceChanged:
                continue  # and has grown once more meanwhile
            self._etag = now._etag if same else self._etag
            return same
        return False


def open_blob(client: BlobClient, read_bytes: int, *, ahead: bool = False) -> BlobSource | None:
    """The blob as it is now; None if there is none.

    Args:
        client: the blob.
        read_bytes: size of a range.
        ahead: have its first bytes come along.

    Raises:
        ServiceUnavailable: storage does not answer.
    """
    from azure.core.exceptions import ResourceNotFoundError  # noqa: PLC0415

    date: list[float] = []

    def keep_date(response: Any) -> None:
        with contextlib.suppress(KeyError, ValueError):
            date[:] = [parsedate_to_datetime(response.http_response.headers["Date"]).timestamp()]

    try:
        look = _with_first_bytes if ahead else _properties
        properties, first = guarded(lambda: look(client, keep_date))
    except ResourceNotFoundError:
        return None
    # The SDK forgets the hook where it asks again after a lost connection: then it was written just now.
    now = date[0] if date else properties.last_modified.timestamp()
    return BlobSource(client, properties, read_bytes, now, first)


def _properties(client: BlobClient, hook: Any) -> tuple[Any, bytes]:
    return client.get_blob_properties(raw_response_hook=hook), b""


def _with_first_bytes(client: BlobClient, hook: Any) -> tuple[Any, bytes]:
    from azure.core.exceptions import HttpResponseError  # noqa: PLC0415

    try:
        stream = client.download_blob(0, FIRST_BYTES, raw_response_hook=hook)
        first = stream.readall()
    except HttpResponseError as error:
        if error.status_code != _NO_SUCH_RANGE:
            raise
        return _properties(client, hook)
    properties = stream.properties
    properties.size = int((properties.content_range or "").rpartition("/")[2])
    return properties, first
