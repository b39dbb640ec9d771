"""A container's listing, without an object of the SDK's for each blob.

Rule: the SDK asks, signs, retries and pages; only the answer is read here, since making
its models takes most of the time of a long listing. Invariant: the same names, metadata
and times as the SDK gives; an answer that is none of a listing is left to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from azure.storage.blob import ContainerClient


PAGE_ROWS = 5_000
"""The most that a page has (Azure Storage, List Blobs: maxresults)."""


class Listed(NamedTuple):
    """A document's row in a listing."""

    name: str
    metadata: dict[str, str]
    modified: float


class _Emptied:
    """A response whose listing was read already: the same, with no blob in it."""

    def __init__(self, response: Any, text: str) -> None:
        self._response = response
        self._text = text

    def __getattr__(self, name: str) -> Any:
        return getattr(self._response, name)

    def text(self, _encoding: str | None = None) -> str:
        """What is left of the body: the token of the next page."""
        return self._text

    def body(self) -> bytes:
        """The same as bytes."""
        return self._text.encode()


class Page(NamedTuple):
    """Some rows of a listing, and the service's token for asking for them again."""

    token: str
    rows: list[Listed]


def pages(container: ContainerClient, prefix: str, token: str = "") -> Iterator[Page]:
    """Blobs whose name begins with `prefix`, in the service's order.

    Args:
        container: where they are.
        prefix: of their names.
        token: of the first page; empty for the whole listing's first.

    Raises:
        azure.core.exceptions.AzureError: as the SDK does.
    """
    page: list[Listed] = []

    def take(response: Any) -> None:
        answer = response.http_response
        if answer.status_code == 200:
            page[:], rest = _read(answer.body())
            response.http_response = _Emptied(answer, rest)

    listed: Any = container.list_blobs(
        name_starts_with=prefix, include=["metadata"], results_per_page=PAGE_ROWS, raw_response_hook=take
    ).by_page(continuation_token=token or None)
    for left in listed:
        # The SDK forgets the hook where it asks again after a lost connection: then the page is as it came.
        models = [_of_sdk(model) for model in left]
        yield Page(token, page or models)
        page = []
        token = listed.continuation_token or ""


def _of_sdk(model: Any) -> Listed:
    return Listed(model.name, dict(model.metadata or {}), model.last_modified.timestamp())


def _read(body: bytes) -> tuple[list[Listed], str]:
    """The rows of a page, and the page without them."""
    from xml.etree import ElementTree  # noqa: PLC0415 - a signed-in service's own answer, read by the SDK too

    root = ElementTree.fromstring(body)  # noqa: S314
    blobs = root.find("Blobs")
    found = []
    if blobs is not None:
        found = [_row(blob) for blob in blobs]
        blobs.clear()
    return found, ElementTree.tostring(root, encoding="unicode")


def _row(blob: Element) -> Listed:
    name, metadata = blob.find("Name"), blob.find("Metadata")
    assert name is not None  # noqa: S101 - a listing of the service has names
    text = name.text or ""
    return Listed(
        unquote(text) if name.get("Encoded") == "true" else text,
        {part.tag: part.text or "" for part in metadata} if metadata is not None else {},
        parsedate_to_datetime(blob.findtext("Properties/Last-Modified", "")).timestamp(),
    )
