"""A post to the Logs Ingestion API, before anybody looks at its rows.

Rule: statuses, codes and words are the service's own; nothing here knows HTTP
libraries or keeps state. Invariant: a refused post is refused before a row of it
is looked at; whatever is wrong inside the body is no reason to refuse (204 means
accepted, not validated), only to report.

Source of statuses and words: Azure Monitor's Logs Ingestion API reference and
recorded responses.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from isal import isal_zlib

from .losses import Findings

API_VERSIONS = frozenset({"2023-01-01"})
MAX_WIRE = 1_048_576
"""Bytes of a request's body as it travels; more is refused with 413."""
MAX_RAW = 50 * 1024 * 1024
"""Decompressed bytes; more is accepted, and lost."""
NEAR_LIMIT = 1_000_000
"""Raw bytes from which on a post is near the documented limit of 1 MB."""
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that is not 204."""

    status: int
    code: str
    message: str
    headers: dict[str, str] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        """The JSON that goes with it."""
        return {"error": {"code": self.code, "message": self.message, "target": None, "details": []}}


def bad_version(version: str | None) -> Refusal | None:
    """400, unless the request names an api-version that exists."""
    if version in API_VERSIONS:
        return None
    known = ", ".join(sorted(API_VERSIONS))
    if version is None:
        return Refusal(
            400, "MissingApiVersionParameter", f"The api-version query parameter is required: {known}."
        )
    return Refusal(
        400, "InvalidApiVersionParameter", f"The api-version '{version}' is invalid; supported: {known}."
    )


def bad_type(content_type: str, encoding: str) -> Refusal | None:
    """415, unless it is JSON, plain or gzipped."""
    if content_type.partition(";")[0].strip().lower() != "application/json":
        said = f"'{content_type}'" if content_type else "none"
        return Refusal(415, "UnsupportedMediaType", f"Content-Type must be application/json; it is {said}.")
    if encoding.strip().lower() not in {"", "identity", "gzip"}:
        return Refusal(
            415, "UnsupportedContentEncoding", f"Content-Encoding '{encoding}' is not supported; use gzip."
        )
    return None


def unauthorized(why: str) -> Refusal:
    """401: no token, or not one for this service."""
    return Refusal(401, "AuthenticationFailed", why, {"WWW-Authenticate": "Bearer"})


def no_role(rule: str) -> Refusal:
    """403: the identity may not write through this rule, or not yet."""
    return Refusal(
        403,
        "OperationFailed",
        "The authentication token provided does not have access to ingest data for the data collection rule "
        f"with immutable Id '{rule}'.",
    )


def no_rule(rule: str) -> Refusal:
    """404: wrong rule, endpoint or region."""
    return Refusal(404, "NotFound", f"Data collection rule with immutable Id '{rule}' not found.")


def no_stream(rule: str, stream: str) -> Refusal:
    """400: wrong stream, or the rule was changed minutes ago."""
    return Refusal(
        400,
        "InvalidStream",
        f"The stream {stream} was not configured in the data collection rule with immutable Id {rule}.",
    )


def too_long(length: int) -> Refusal:
    """413, counted on the wire."""
    return Refusal(
        413,
        "ContentLengthLimitExceeded",
        f"Maximum allowed content length: {MAX_WIRE} bytes (1 MB). Provided content length: {length} bytes.",
    )


def decompress(wire: bytes, encoding: str, findings: Findings) -> bytes | None:
    """The raw body, or None when Azure would accept it and then lose it.

    Args:
        wire: the bytes as they travelled.
        encoding: the request's Content-Encoding.
        findings: takes the loss, and a warning for a post near the documented limit.
    """
    gzipped = encoding.strip().lower() == "gzip"
    raw = _gunzip(wire, findings) if gzipped else wire
    if raw is None:
        return None
    if gzipped and raw[:2] == _GZIP:
        findings.add("DoublyGzipped", "what is inside the gzip is gzip again: accepted, and gone.")
        return None
    if len(raw) > MAX_WIRE:
        why = f"{len(raw)} raw bytes; the documented limit of {MAX_WIRE} counts uncompressed bytes too."
        findings.add("OverLimit", why)
    elif len(raw) > NEAR_LIMIT:
        findings.add(
            "NearLimit", f"{len(raw)} raw bytes; stay under {NEAR_LIMIT} to be clear of the limit of 1 MB."
        )
    return raw


def _gunzip(wire: bytes, findings: Findings) -> bytes | None:
    parts: list[bytes] = []
    size, rest = 0, wire
    try:
        while rest and (not parts or rest[:2] == _GZIP):
            member = isal_zlib.decompressobj(31)
            parts.append(member.decompress(rest, MAX_RAW + 1 - size))
            size += len(parts[-1])
            if size > MAX_RAW:
                findings.add(
                    "TooLargeDecompressed", f"over {MAX_RAW} bytes decompressed: accepted, and gone."
                )
                return None
            if not member.eof:
                raise EOFError  # noqa: TRY301 - one place says it
            rest = member.unused_data
    except (isal_zlib.error, EOFError):  # type: ignore[misc] # its stub takes the class for a value
        findings.add(
            "CorruptGzip", "Content-Encoding says gzip, but the body is none that can be read: gone."
        )
        return None
    return parts[0] if len(parts) == 1 else b"".join(parts)
