"""What an answer of the Logs Ingestion API means.

Rule: the status decides; codes and texts only tell InvalidStream from other 400s
and go into messages. Invariants: every failure becomes Transient or Permanent; only
400 and 413 blame a record; a reply that got lost is told from a request that never
left, and an answer that the service does not give is a reply that got lost or a
set-up that is wrong.

Statuses and texts: Logs Ingestion API reference, and answers recorded in the
SDK's own tests.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from ..errors import LogferryError, NotReady, Refused, ServiceUnavailable, Throttled

LONGEST_PAUSE = 300.0
"""Seconds; a longer Retry-After is not believed."""

_REMEDY = {
    "InvalidStream": "Check the stream's name in routes.yaml against the rule; after an edit of the rule it takes up to 5 minutes.",
    403: "Give the managed identity the role Monitoring Metrics Publisher on the rule; a new assignment takes up to 30 minutes.",
    404: "Check LOGS_DCR_RULE_ID and DATA_COLLECTION_ENDPOINT: they must belong to the same rule.",
}
_NOT_AZURE = "The Logs Ingestion API does not answer so: check DATA_COLLECTION_ENDPOINT, and what is between it and the app."


class ReplyLost(ServiceUnavailable):
    """The request was sent and no answer came: its rows may be there."""


def meaning(error: Exception, *, rule: str, stream: str, now: float) -> LogferryError:
    """The error to raise for what the SDK raised.

    Args:
        error: anything that `LogsIngestionClient.upload` raised.
        rule: immutable id, for the message.
        stream: the stream, for the message.
        now: epoch seconds here, for a Retry-After given as a date by an answer without a date of its own.
    """
    from azure.core import exceptions  # noqa: PLC0415

    if isinstance(error, LogferryError):  # of the identity: nothing was sent
        return error
    if isinstance(error, exceptions.HttpResponseError) and _is_ingestion(error):
        return _status(error, rule, stream, now)
    if isinstance(error, exceptions.ClientAuthenticationError):
        return NotReady(f"The managed identity gave no token: {_first_line(error)}")
    if isinstance(error, exceptions.ServiceRequestError):
        return ServiceUnavailable(f"the ingestion endpoint cannot be reached: {_first_line(error)}")
    if isinstance(error, exceptions.ServiceResponseError | exceptions.HttpResponseError):
        return ReplyLost(f"no answer from the ingestion endpoint: {_first_line(error)}")
    raise error


def is_refused_token(error: Any) -> bool:
    """Whether the ingestion endpoint itself answered 401; the identity endpoint may do so too."""
    return getattr(error, "status_code", None) == 401 and _is_ingestion(error)


def _is_ingestion(error: Any) -> bool:
    request = getattr(getattr(error, "response", None), "request", None)
    return error.status_code is not None and "/dataCollectionRules/" in str(getattr(request, "url", ""))


def _status(error: Any, rule: str, stream: str, now: float) -> LogferryError:
    status = int(error.status_code)
    code, text = _code(error)
    said = f"{status} {code}: {text}".strip()
    headers = getattr(error.response, "headers", None) or {}
    wait = retry_after(headers, clock(headers, now))
    if status == 429:
        return Throttled(f"{said} (rule {rule})", retry_after=wait)
    if status == 408 or status >= 500:
        return ServiceUnavailable(f"{said} (rule {rule})", retry_after=wait)
    if status == 401:
        from .denied import wrong_audience  # noqa: PLC0415 - few tokens are refused

        return wrong_audience(f"{said} (rule {rule}, stream {stream})")
    return _of_the_rule(status, code, f"{said} (rule {rule}, stream {stream})")


def _of_the_rule(status: int, code: str, said: str) -> LogferryError:
    """What an answer means that says something of rule, stream or body."""
    if status == 400 and code == "InvalidStream":
        return NotReady(said, remedy=_REMEDY[code])
    if status in {400, 413}:
        return Refused(said, status=status)
    if status < 300:
        return ReplyLost(said, remedy=_NOT_AZURE)
    return NotReady(said, remedy=_REMEDY.get(status, _NOT_AZURE))


def _code(error: Any) -> tuple[str, str]:
    """Code and message of the error body, or what the header and the reason say."""
    headers = getattr(error.response, "headers", None) or {}
    inner = getattr(error, "error", None)
    code = getattr(inner, "code", None) or headers.get("x-ms-error-code") or ""
    text = getattr(inner, "message", None) or getattr(error, "reason", None) or ""
    return str(code), str(text)


def clock(headers: Mapping[str, str], now: float) -> float:
    """Epoch seconds by the clock of whoever answered, in which its dates are meant; `now` if it does not say."""
    try:
        return parsedate_to_datetime(headers.get("date") or "").timestamp()
    except (ValueError, TypeError, OverflowError):
        return now


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds to wait by the reply's headers: milliseconds, seconds or an HTTP date; None if it names none.

    A past date or a negative number is 0, and nothing is over `LONGEST_PAUSE`.
    """
    for name, unit in (("retry-after-ms", 0.001), ("x-ms-retry-after-ms", 0.001), ("retry-after", 1.0)):
        text = headers.get(name)
        if not text:
            continue
        seconds = _seconds(text, unit, now)
        if seconds is not None:
            return min(max(seconds, 0.0), LONGEST_PAUSE)
    return None


def _seconds(text: str, unit: float, now: float) -> float | None:
    try:
        number = float(text) * unit
    except ValueError:
        try:
            return parsedate_to_datetime(text).timestamp() - now
        except (ValueError, TypeError, OverflowError):
            return None
    return number if math.isfinite(number) else None


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
