"""Scripted answers, so that a test or a person can see what happens when Azure fails.

Rule: faults are consumed in the order in which they were given, by the posts that
match them. Invariant: a fault that is not understood is refused as a whole, with
all the others of its request.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from .ingestion import Refusal

_CODES = {
    400: ("BadRequest", "The request is not valid."),
    401: ("AuthenticationFailed", "The token has expired."),
    403: (
        "OperationFailed",
        "The authentication token provided does not have access to ingest data for the data collection rule.",
    ),
    404: ("NotFound", "Data collection rule not found."),
    408: ("RequestTimeout", "The request timed out."),
    413: ("ContentLengthLimitExceeded", "Maximum allowed content length: 1048576 bytes (1 MB)."),
    429: ("TooManyRequests", "The rate of requests is over its limit."),
    500: ("InternalServerError", "An error occurred."),
    502: ("BadGateway", "Bad gateway."),
    503: ("ServiceUnavailable", "The service is temporarily unavailable."),
    504: ("GatewayTimeout", "Gateway timeout."),
}


class Match(msgspec.Struct, forbid_unknown_fields=True):
    """Which posts; all left out means every one."""

    stream: str | None = None
    rule: str | None = None
    contains: str | None = None
    """A text inside the decompressed body; the post is read first."""


class Fault(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What happens to the next `times` posts that match."""

    match: Match = msgspec.field(default_factory=Match)
    status: Annotated[int, Meta(ge=400, le=599)] | None = None
    """Answer with this instead of taking the post."""
    code: str | None = None
    """error.code, where the usual one for the status is not wanted."""
    retry_after: str | None = None
    """The Retry-After header, as it stands."""
    reset: Literal["before", "after"] | None = None
    """Drop the connection: before the post is taken, or after it is committed."""
    delay: Annotated[float, Meta(ge=0, le=3600)] = 0.0
    """Seconds to wait first."""
    times: Annotated[int, Meta(ge=1)] = 1

    def __post_init__(self) -> None:
        if self.status is not None and self.reset is not None:
            raise ValueError("status and reset are two different faults; give one of them")

    def refusal(self) -> Refusal | None:
        """The answer that `status` asks for."""
        if self.status is None:
            return None
        code, message = _CODES.get(self.status, ("Error", "An error occurred."))
        headers = {} if self.retry_after is None else {"Retry-After": self.retry_after}
        return Refusal(self.status, self.code or code, message, headers)


class Faults:
    """The faults that are still to come."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def add(self, body: bytes) -> int:
        """Take a JSON array of faults (or one); says how many are waiting now.

        Raises:
            msgspec.ValidationError, msgspec.DecodeError: it is none.
        """
        one_or_more: list[Fault] | Fault = msgspec.json.decode(body, type=list[Fault] | Fault)
        self._waiting += one_or_more if isinstance(one_or_more, list) else [one_or_more]
        return len(self._waiting)

    def look_inside(self) -> bool:
        """Whether any fault asks what is in a body."""
        return any(fault.match.contains is not None for fault in self._waiting)

    def take(self, rule: str, stream: str, raw: bytes = b"") -> Fault | None:
        """The fault for this post, which is used up by one.

        Args:
            rule: immutable id.
            stream: the stream.
            raw: the decompressed body, if any fault looks inside.
        """
        for fault in self._waiting:
            match = fault.match
            inside = match.contains is None or match.contains.encode() in raw
            if inside and match.stream in {None, stream} and match.rule in {None, rule}:
                fault.times -= 1
                if not fault.times:
                    self._waiting.remove(fault)
                return fault
        return None

    def clear(self) -> None:
        """No more faults."""
        self._waiting.clear()

    def to_json(self) -> list[Any]:
        """What is left."""
        return [{**msgspec.to_builtins(fault), "times": fault.times} for fault in self._waiting]
