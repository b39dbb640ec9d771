"""What was written -> BlobCreated, as Azure writes it.

Rule: every field of the real event is there with a value of the real form; the
subject has the blob's name as it is, the URL has it percent-encoded.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from .access_log import Written

TOPIC = (
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/local"
    "/providers/Microsoft.Storage/storageAccounts/devstoreaccount1"
)
CREATED = "Microsoft.Storage.BlobCreated"

_count = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Properties:
    """What a HEAD says of a blob; the defaults stand for one that is gone already."""

    e_tag: str = "0x0"
    content_type: str = "application/octet-stream"
    content_length: int = 0
    blob_type: str = "BlockBlob"


def subject(written: Written) -> str:
    """What subscription filters look at."""
    return f"/blobServices/default/containers/{written.container}/blobs/{written.blob}"


def event_grid(written: Written, found: Properties, endpoint: str) -> dict[str, Any]:
    """The event in the Event Grid schema.

    Args:
        written: what the log told.
        found: the blob's properties.
        endpoint: base URL of the account's blobs.
    """
    return {
        "topic": TOPIC,
        "subject": subject(written),
        "eventType": CREATED,
        "id": str(uuid4()),
        "data": _data(written, found, endpoint),
        "dataVersion": "",
        "metadataVersion": "1",
        "eventTime": _now(),
    }


def cloud_event(written: Written, found: Properties, endpoint: str) -> dict[str, Any]:
    """The event in the CloudEvents 1.0 schema."""
    return {
        "source": TOPIC,
        "subject": subject(written),
        "type": CREATED,
        "time": _now(),
        "id": str(uuid4()),
        "data": _data(written, found, endpoint),
        "specversion": "1.0",
    }


def _data(written: Written, found: Properties, endpoint: str) -> dict[str, Any]:
    return {
        "api": written.api,
        "clientRequestId": str(uuid4()),
        "requestId": str(uuid4()),
        "eTag": found.e_tag,
        "contentType": found.content_type,
        "contentLength": found.content_length,
        "blobType": found.blob_type,
        "url": f"{endpoint}/{quote(written.container)}/{quote(written.blob)}",
        "sequencer": f"{next(_count):032X}{time.time_ns():016x}",
        "storageDiagnostics": {"batchId": str(uuid4())},
    }


def _now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


SCHEMAS = {"eventgrid": event_grid, "cloudevents": cloud_event}


def pauses() -> Iterator[float]:
    """Seconds between tries: Event Grid's 10 s, 30 s, 1 min, 5 min, ... shortened."""
    yield from (0.2, 0.5, 1.0, 2.0)
    yield from itertools.repeat(5.0)
