"""What the query API says when it gives no answer, or not all of it.

Rule: statuses, codes and their nesting are the service's own; the innermost message
says what helps. Invariant: Microsoft's clients find code and message where they look
for them.

Sources: Azure Monitor Log Analytics API errors; responses recorded with Microsoft's
clients (the position of a syntax error counts lines from 1 and characters from 0).
"""

from __future__ import annotations

import uuid
from typing import Any, NamedTuple

_SAYS = {
    "SyntaxError": ("A recognition error occurred in the query.", "SYN0002"),
    "SemanticError": ("A semantic error occurred.", "SEM0100"),
}
_BY_STATUS = {
    401: ("AuthorizationRequiredError", "Valid authentication was not provided"),
    403: (
        "InsufficientAccessError",
        "The provided credentials have insufficient access to perform the requested operation",
    ),
    404: ("WorkspaceNotFoundError", "The workspace could not be found"),
    429: ("ThrottledError", "Rate limit is exceeded"),
    504: ("GatewayTimeout", "Gateway timeout"),
}


class Place(NamedTuple):
    """Where in a query something is."""

    line: int
    """From 1."""
    pos: int
    """From 0."""
    token: str


class QueryError(Exception):
    """A query that is not answered.

    Args:
        code: of a 400, the inner code (SyntaxError, SemanticError, ...), else the code.
        message: what is wrong.
        status: of the answer.
        place: where in the query it is wrong.
        inner: code and message inside, for those statuses that have one.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: int = 400,
        place: Place | None = None,
        inner: tuple[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self._place = place
        self._inner = inner

    def to_json(self) -> dict[str, Any]:
        """The body of the answer."""
        named = {"correlationId": str(uuid.uuid4())}
        if self.status != 400:
            inner = {"innererror": _pair(*self._inner)} if self._inner else {}
            return {"error": {"message": str(self), "code": self.code, **named, **inner}}
        outer = {"message": "The request had some invalid properties", "code": "BadArgumentError", **named}
        return {"error": {**outer, "innererror": self._bad()}}

    def _bad(self) -> dict[str, Any]:
        if self.code not in _SAYS:
            return _pair(self.code, str(self))
        words, code = _SAYS[self.code]
        place = self._place._asdict() if self._place else {}
        return {**_pair(self.code, words), "innererror": {**_pair(code, str(self)), **place}}


def by_status(status: int, code: str | None = None) -> QueryError:
    """The error that usually goes with a status, as a fault asks for it."""
    usual, words = _BY_STATUS.get(status, ("InternalServerError", "An error occurred."))
    return QueryError(code or usual, words, status=status)


def unknown_token(why: str) -> QueryError:
    """401: a token that is none, or has expired."""
    return QueryError("AuthorizationRequiredError", why, status=401)


def foreign_token(why: str) -> QueryError:
    """403: a token for another audience."""
    words = "The provided authentication is not valid for this resource"
    return QueryError("InvalidTokenError", words, status=403, inner=("SignatureVerificationFailed", why))


def too_many(rows: int) -> dict[str, Any]:
    """The `error` beside a result that was cut."""
    words = (
        f"The results of this query exceed the set limit of {rows} records, so not all records were returned "
        "(E_QUERY_RESULT_SET_TOO_LARGE, 0x80DA0003)."
    )
    detail = _pair("EngineError", "Something went wrong processing your query on the server.")
    return {
        **_pair("PartialError", "There were some errors when processing your query."),
        "details": [{**detail, "innererror": {**_pair("-2133196797", words), "severity": 2}}],
    }


def _pair(code: str, message: str) -> dict[str, Any]:
    return {"code": code, "message": message}
