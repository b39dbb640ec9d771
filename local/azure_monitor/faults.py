"""Scripted answers, so that a test or a person can see what happens when Azure fails.

Rule: faults are consumed in the order in which they were given, by the requests
that match them. Invariants: a fault that is not understood is refused as a whole,
with all the others of its request; an answer of 204 means that the post was taken.
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
    """A text inside the decompressed body, which is read first; or in the query."""


class Fault(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What happens to the next `times` requests that match."""

    on: Literal["post", "token", "query"] = "post"
    """Posts of rows, requests to the identity endpoint, or queries."""
    match: Match = msgspec.field(default_factory=Match)
    status: Annotated[int, Meta(ge=200, le=599)] | None = None
    """Answer with this instead of taking the post."""
    code: str | None = None
    """error.code, where the usual one for the status is not wanted."""
    retry_after: str | None = None
    """The Retry-After header, as it stands."""
    headers: dict[str, str] = {}
    """Further headers of the answer, or others in place of the usual ones."""
    body: str | None = None
    """The answer's body, where the service's own JSON is not wanted."""
    reset: Literal["before", "middle", "after"] | None = None
    """Drop the connection: before the post is read, half-way through its body, or after it is committed."""
    delay: Annotated[float, Meta(ge=0, le=3600)] = 0.0
    """Seconds to wait first."""
    drip: Annotated[float, Meta(ge=0, le=60)] = 0.0
    """Seconds between two bytes of the answer."""
    times: Annotated[int, Meta(ge=1)] = 1

    def __post_init__(self) -> None:
        answers = self.status is not None or self.odd
        if answers and self.reset is not None:
            raise ValueError("an answer and reset are two different faults; give one of them")
        if self.status == 204:
            raise ValueError("204 says that a post was taken: leave status out, and it is taken")

    @property
    def odd(self) -> bool:
        """Whether the answer is not in the service's own form, or not at its own pace."""
        return bool(self.drip or self.headers) or self.body is not None

    def refusal(self) -> Refusal | None:
        """The answer that `status` asks for."""
        if self.status is None:
            return None
        code, message = _CODES.get(self.status, ("Error", "An error occurred."))
        headers = {} if self.retry_after is None else {"Retry-After": self.retry_after}
        return Refusal(self.status, self.code or code, message, headers)

    def wire(self, refusal: Refusal | None) -> bytes:
        """The answer as it travels: to what was taken, or this refusal."""
        status = refusal.status if refusal else 204
        text = self.body
        if text is None:
            text = msgspec.json.encode(refusal.body()).decode() if refusal else ""
        sized = {"Content-Length": str(len(text.encode()))} if text or status != 204 else {}
        kind = {"Content-Type": "application/json"} if text else {}
        said = {**kind, **sized, "Connection": "close", **(refusal.headers if refusal else {})}
        headers = {**said, **self.headers}
        lines = [f"HTTP/1.1 {status} As scripted", *(f"{name}: {value}" for name, value in headers.items())]
        return "\r\n".join([*lines, "", text]).encode()


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
        return any(fault.on == "post" and fault.match.contains is not None for fault in self._waiting)

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
            here = fault.on == "post" and match.stream in {None, stream} and match.rule in {None, rule}
            if inside and here:
                return self._used(fault)
        return None

    def take_token(self) -> Fault | None:
        """The fault for this request for a token, which is used up by one."""
        found = next((fault for fault in self._waiting if fault.on == "token"), None)
        return self._used(found) if found else None

    def take_query(self, query: str) -> Fault | None:
        """The fault for this query, which is used up by one."""
        for fault in self._waiting:
            if fault.on == "query" and (fault.match.contains or "") in query:
                return self._used(fault)
        return None

    def _used(self, fault: Fault) -> Fault:
        fault.times -= 1
        if not fault.times:
            self._waiting.remove(fault)
        return fault

    def clear(self) -> None:
        """No more faults."""
        self._waiting.clear()

    def to_json(self) -> list[Any]:
        """What is left."""
        return [{**msgspec.to_builtins(fault), "times": fault.times} for fault in self._waiting]
