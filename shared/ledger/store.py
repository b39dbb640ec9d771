"""Small JSON blobs, written only if nobody else has written since.

Rule: nothing here knows what is in a document. Invariant: `replace` succeeds only
on the version that the caller has seen (ETag), so two writers can never both
believe that they were last. Ages are taken from the service's own clock, whatever
the time is here; `now` is that clock, as of the last read.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from ..errors import ServiceUnavailable
from .listing import Listed as Listed  # noqa: PLC0414 - rooms know it as the store's
from .listing import Page, pages

if TYPE_CHECKING:
    from azure.storage.blob import ContainerClient

T = TypeVar("T")

_NOTHING = "meta/now"
_LONGEST_NAME = 1_024
_KEPT = 900
_HASHED = _KEPT + 1 + 64


class Stored(NamedTuple):
    """A document as it was read."""

    document: bytes
    etag: str
    age: float
    """Seconds since it was written, by the service's clock."""


class Conflict(Exception):  # noqa: N818 - a condition to handle, not a failure
    """Somebody else has written the document, or made or removed it."""


def name_of(prefix: str, path: str) -> str:
    """A document's name: `prefix` and the path itself, so listings sort alike; a hash ends a long one.

    One that only looks as if it ended in such a hash gets one too: no path has another's document.
    """
    name = f"{prefix}{path}"
    if len(name) <= _LONGEST_NAME and not (len(name) == _HASHED and name[_KEPT] == "~"):
        return name
    return f"{name[:_KEPT]}~{hashlib.sha256(path.encode()).hexdigest()}"


class Store:
    """Documents in one container.

    Args:
        container: made if it is not there.
    """

    def __init__(self, container: ContainerClient) -> None:
        self._container = container
        self._ahead: float | None = None

    def now(self) -> float:
        """Epoch seconds by the service's clock, so that workers agree on them. Raises ServiceUnavailable."""
        if self._ahead is None:
            self.read(_NOTHING)  # any answer has the time on it
        return time.time() + (self._ahead or 0.0)

    def read(self, name: str) -> Stored | None:
        """A document, or None. Raises ServiceUnavailable."""
        from azure.core.exceptions import ResourceNotFoundError  # noqa: PLC0415

        answered: list[datetime] = []

        def keep_date(response: Any) -> None:
            with contextlib.suppress(
                KeyError, ValueError
            ):  # something in between, that says nothing of the time
                answered[:] = [parsedate_to_datetime(response.http_response.headers["Date"])]
                self._ahead = answered[0].timestamp() - time.time()

        def download() -> Stored | None:
            try:
                stream = self._container.download_blob(name, raw_response_hook=keep_date)
                document = stream.readall()
            except ResourceNotFoundError:
                return None
            properties = stream.properties
            age = (answered[0] - properties.last_modified).total_seconds() if answered else 0.0
            return Stored(document, properties.etag, age)

        return guarded(download)

    def create(self, name: str, document: bytes, metadata: dict[str, str]) -> str:
        """Write a new document; its ETag. Raises Conflict if there is one, ServiceUnavailable."""
        from azure.core import MatchConditions  # noqa: PLC0415

        return self._write(name, document, metadata, match_condition=MatchConditions.IfMissing)

    def replace(self, name: str, document: bytes, metadata: dict[str, str], etag: str) -> str:
        """Write over the version with `etag`; the new ETag. Raises Conflict, ServiceUnavailable."""
        from azure.core import MatchConditions  # noqa: PLC0415

        return self._write(name, document, metadata, etag=etag, match_condition=MatchConditions.IfNotModified)

    def put(self, name: str, document: bytes, metadata: dict[str, str] | None = None) -> None:
        """Write, whatever is there. Raises ServiceUnavailable."""
        self._write(name, document, metadata or {})

    def _write(self, name: str, document: bytes, metadata: dict[str, str], **condition: Any) -> str:
        from azure.core.exceptions import (  # noqa: PLC0415
            ResourceExistsError,
            ResourceModifiedError,
            ResourceNotFoundError,
        )
        from azure.storage.blob import ContentSettings  # noqa: PLC0415

        def upload() -> str:
            try:
                result = self._container.get_blob_client(name).upload_blob(
                    document,
                    overwrite=True,
                    metadata=metadata,
                    content_settings=ContentSettings(content_type="application/json"),
                    **condition,
                )
            except (ResourceExistsError, ResourceModifiedError) as error:
                raise Conflict(name) from error
            except ResourceNotFoundError:
                self._make_container()
                return upload()
            return str(result["etag"])

        return guarded(upload)

    def remove(self, name: str, etag: str | None = None) -> None:
        """Delete a document if it is there.

        Args:
            name: the document's.
            etag: of the version that the caller has seen; None for whatever is there.

        Raises:
            Conflict: it is another version.
            ServiceUnavailable: storage does not answer.
        """
        from azure.core import MatchConditions  # noqa: PLC0415
        from azure.core.exceptions import ResourceModifiedError, ResourceNotFoundError  # noqa: PLC0415

        condition: dict[str, Any] = (
            {"etag": etag, "match_condition": MatchConditions.IfNotModified} if etag else {}
        )

        def delete() -> None:
            try:
                self._container.delete_blob(name, **condition)
            except ResourceNotFoundError:
                return
            except ResourceModifiedError as error:
                raise Conflict(name) from error

        guarded(delete)

    def listing(self, prefix: str) -> Iterator[Listed]:
        """Documents whose name begins with `prefix`, in the service's order. Raises ServiceUnavailable."""
        for page in self.pages(prefix):
            yield from page.rows

    def pages(self, prefix: str, token: str = "") -> Iterator[Page]:
        """The same page by page, from the one with that token on. Raises ServiceUnavailable."""
        from azure.core.exceptions import ResourceNotFoundError  # noqa: PLC0415

        listed = pages(self._container, prefix, token)
        while True:
            try:
                page = guarded(lambda: next(listed, None))
            except ResourceNotFoundError:
                return
            if page is None:
                return
            yield page

    def made(self) -> float:
        """Epoch seconds: when the container was made, or its properties set. Raises ServiceUnavailable."""
        from azure.core.exceptions import ResourceNotFoundError  # noqa: PLC0415

        try:
            properties = guarded(self._container.get_container_properties)
        except ResourceNotFoundError:
            self._make_container()
            properties = guarded(self._container.get_container_properties)
        return properties.last_modified.timestamp()

    def _make_container(self) -> None:
        from azure.core.exceptions import ResourceExistsError  # noqa: PLC0415

        try:
            self._container.create_container()
        except ResourceExistsError:
            return


def guarded(call: Callable[[], T]) -> T:
    """`call()`, with storage's own failures as ServiceUnavailable; a missing resource passes as it is."""
    from azure.core import exceptions  # noqa: PLC0415

    try:
        return call()
    except (exceptions.ResourceNotFoundError, exceptions.ResourceModifiedError):
        raise
    except exceptions.AzureError as error:
        line = (str(error).splitlines() or [type(error).__name__])[0]
        raise ServiceUnavailable(f"storage does not answer as it should: {line}") from error
