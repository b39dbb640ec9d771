"""Where records go that can become no row: kept, with their reasons.

Rule: a document a span, a line a record, so a million bad lines make a few
documents. Invariants: a document is durable before a checkpoint passes its span;
its name follows from the source and the span, so a repeat writes over it instead
of beside it; whatever the bytes were, they are there.

    <route>/<day>/<source hash>/<first ordinal>.ndjson     records of a source
    <route>/<day>/<source hash>/source.ndjson              a source as a whole
"""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime
from typing import Any

import msgspec

from ..model import Reject, SourceFacts
from .store import Store

_encoder = msgspec.json.Encoder()


class DeadLetter:
    """The dead-letter container."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def records(self, source: SourceFacts, route: str, first: int, rejects: list[Reject]) -> str:
        """Write the rejects of a span; the document's name. Raises ServiceUnavailable."""
        name = f"{_folder(source, route)}/{first:012d}.ndjson"
        lines = [_encoder.encode(_line(source, route, reject)) for reject in rejects]
        self._store.put(name, b"\n".join(lines) + b"\n", {"route": route, "records": str(len(rejects))})
        return name

    def source(self, source: SourceFacts, route: str, reason: str, detail: str, raw: bytes = b"") -> str:
        """Write down a source that could not be read at all; the document's name."""
        name = f"{_folder(source, route)}/source.ndjson"
        line = {**_where(source, route), "reason": reason, "detail": detail, **_raw(raw)}
        self._store.put(name, _encoder.encode(line) + b"\n", {"route": route or "none", "records": "source"})
        return name


def _folder(source: SourceFacts, route: str) -> str:
    day = datetime.fromtimestamp(source.received, UTC).strftime("%Y-%m-%d")
    key = hashlib.sha256(f"{source.name}\n{source.version}".encode()).hexdigest()[:24]
    return f"{route or 'none'}/{day}/{key}"


def _where(source: SourceFacts, route: str) -> dict[str, Any]:
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "route": route,
        "kind": source.kind,
        "source": source.name,
        "version": source.version,
    }


def _line(source: SourceFacts, route: str, reject: Reject) -> dict[str, Any]:
    line = _where(source, route)
    line |= {"ordinal": reject.ordinal, "offset": reject.offset, "line": reject.line}
    line |= {"reason": reject.reason, "detail": reject.detail, **_raw(reject.raw)}
    if reject.length >= 0:
        line["length"] = reject.length
    return line


def _raw(raw: bytes) -> dict[str, str]:
    """The bytes as text where they are text, else in base64."""
    try:
        return {"raw": raw.decode()}
    except UnicodeDecodeError:
        return {"raw_base64": base64.b64encode(raw).decode()}
