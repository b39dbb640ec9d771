"""A workspace that a command asks: local Azure's, or a real one.

Rule: both are asked through the Log Analytics query API and answer alike; a real one is
asked through Microsoft's client with the sign-in of whoever runs the command. Invariants:
every value is as the API gave it; whatever the service says no to is one sentence that
says what helps; a token travels over TLS, or to this machine and no further.

Sources: Log Analytics query API (v1); Azure Monitor Log Analytics API errors.
"""

from __future__ import annotations

import json
import os
import re
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit

from .local import LOOPBACK, Trouble, find
from .sign_in import SIGN_IN, operator

PUBLIC = "https://api.loganalytics.io"
CLOUDS = {
    "public": PUBLIC,
    "usgov": "https://api.loganalytics.us",
    "china": "https://api.loganalytics.azure.cn",
}
"""Query endpoints. Source: azure-monitor-query, sovereign clouds; Azure Monitor in Azure China."""
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_AT = re.compile(r" on line \[\d+,\d+\]")
"""In a message whose place is told as people count."""
_SHORT = re.compile(r"(\d{1,5})([smhd])")
_NO_API = "{where} answered in no form of the query API: is a proxy in the way?"
_RETRIES = 2
"""Who waits at a terminal is told soon."""
_SECONDS = 190
"""For an answer: a query may take 180 s. Source: Azure Monitor, Prefer options of the query API."""


class Answer(NamedTuple):
    """A table that came back."""

    columns: list[str]
    kinds: list[str]
    """Kusto types."""
    rows: list[list[Any]]
    partial: str = ""
    """Why it is not all; empty where it is."""

    def dicts(self) -> list[dict[str, Any]]:
        """The rows, by column."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


class BadQuery(Trouble):
    """The service does not understand the query."""


class Workspace(Protocol):
    """Who is asked."""

    where: str
    """For people."""

    def ask(self, kql: str, timespan: str | None = None) -> Answer:
        """The primary result of a query.

        Args:
            kql: the query.
            timespan: ISO 8601 duration or interval; rows outside are not seen.

        Raises:
            BadQuery: the query is wrong.
            Trouble: there is no answer.
        """


def workspace(identity: str | None, endpoint: str | None) -> Workspace:
    """The workspace that a command was told of; local Azure's if it was told of none.

    Args:
        identity: the workspace's id, a GUID.
        endpoint: one of CLOUDS, or the address of a query endpoint.

    Raises:
        Trouble: what is given cannot be used, or no local Azure runs.
    """
    if identity is None:
        if endpoint is not None:
            raise Trouble("--endpoint goes with --workspace.")
        return Local(find().query_url)
    if not _GUID.fullmatch(identity):
        raise Trouble(
            f"--workspace {identity} is no workspace id. It is a GUID, in the portal on the workspace's "
            "overview page, or: az monitor log-analytics workspace show --query customerId"
        )
    return Azure(identity, _endpoint(endpoint or PUBLIC))


def span(text: str | None) -> str | None:
    """A time span as the API takes it: `1h`, `30m` and `7d` are short for PT1H, PT30M and P7D.

    Raises:
        Trouble: it is no time span.
    """
    if text is None:
        return None
    short = _SHORT.fullmatch(text)
    if short:
        return f"P{'' if short[2] == 'd' else 'T'}{short[1]}{short[2].upper()}"
    if text.startswith("P") or ("/" in text and text.strip("/ ").count("/") == 1):
        return text
    raise Trouble(
        f"--timespan {text} is no time span; write 1h, 30m or 7d for so long until now, an ISO 8601 "
        "duration, or from/to: 2026-11-20T06:00Z/2026-11-20T07:00Z."
    )


class Local:
    """Local Azure's workspace, which takes no sign-in.

    Args:
        url: its query address.
    """

    where = "local Azure"

    def __init__(self, url: str) -> None:
        self._url = url

    def ask(self, kql: str, timespan: str | None = None) -> Answer:
        """See Workspace."""
        body = json.dumps({"query": kql, "timespan": timespan}).encode()
        request = urllib.request.Request(self._url, body, {"Content-Type": "application/json"})  # noqa: S310 - loopback
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS) as response:  # noqa: S310
                return _answer(response.read())
        except urllib.error.HTTPError as error:
            raise _refused(self.where, error.code, error.read(), dict(error.headers)) from error
        except OSError as error:
            raise Trouble(
                f"Nothing answers at {self._url}; start local Azure again with: make run"
            ) from error


class Azure:
    """A real workspace, asked as whoever runs the command.

    Args:
        identity: its id.
        endpoint: the query endpoint; the token is for it.
    """

    def __init__(self, identity: str, endpoint: str) -> None:
        from azure.monitor.query import LogsQueryClient  # noqa: PLC0415 - local Azure does without

        self.where = f"workspace {identity}"
        self._identity, self._endpoint = identity, endpoint
        self._client = LogsQueryClient(
            operator(),
            endpoint=endpoint,
            retry_total=_RETRIES,
            retry_status=0,
            retry_backoff_factor=0.2,
            read_timeout=_SECONDS,
        )

    def ask(self, kql: str, timespan: str | None = None) -> Answer:
        """See Workspace."""
        from azure.core.exceptions import (  # noqa: PLC0415
            AzureError,
            ClientAuthenticationError,
            DecodeError,
            ServiceRequestError,
            ServiceResponseError,
        )
        from azure.core.rest import HttpRequest  # noqa: PLC0415

        body = {"query": kql, "timespan": timespan}
        request = HttpRequest("POST", f"/workspaces/{self._identity}/query", json=body)
        try:
            # Not query_workspace: that makes Python values of some, and a terminal shows them as they came.
            response = self._client.send_request(request, enforce_https=not _is_loopback(self._endpoint))
        except ClientAuthenticationError as error:
            raise Trouble(f"{SIGN_IN} ({_first(error)})") from error
        except (ServiceRequestError, ServiceResponseError) as error:
            raise Trouble(
                f"Nothing answers at {self._endpoint}: no way there from this network ({_first(error)})"
            ) from error
        except DecodeError as error:
            raise Trouble(_NO_API.format(where=self.where)) from error
        except AzureError as error:
            raise Trouble(f"{self.where} could not be asked: {_first(error)}") from error
        if response.status_code != 200:
            raise _refused(self.where, response.status_code, response.content, response.headers)
        return _answer(response.content)


def _endpoint(text: str) -> str:
    url = CLOUDS.get(text, text).rstrip("/").removesuffix("/v1")
    parts = urlsplit(url)
    if not parts.hostname or parts.path or parts.query or "@" in parts.netloc:
        parts = parts._replace(scheme="")
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(url)):
        raise Trouble(
            f"--endpoint {text} is no query endpoint; say {', '.join(CLOUDS)}, or its address (https://...)."
        )
    if _is_loopback(url):
        for name in ("NO_PROXY", "no_proxy"):
            os.environ[name] = ",".join(filter(None, [os.environ.get(name), LOOPBACK]))
    return url


def _is_loopback(url: str) -> bool:
    return urlsplit(url).hostname in {"127.0.0.1", "localhost", "::1"}


def _answer(body: bytes) -> Answer:
    try:
        found = json.loads(body)
        table = found["tables"][0]
        columns = table["columns"]
        partial = _innermost(found["error"]) if found.get("error") else ""
        return Answer([c["name"] for c in columns], [c["type"] for c in columns], table["rows"], partial)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise Trouble(_NO_API.format(where="What was asked")) from error


# -- what the service says no to --------------------------------------------------------------


def _refused(where: str, status: int, body: bytes, headers: Mapping[str, str]) -> Trouble:
    try:
        error = json.loads(body)["error"]
        code, message = str(error["code"]), _innermost(error)
    except (ValueError, LookupError, TypeError, AttributeError):
        return Trouble(_NO_API.format(where=where))
    if status == 400:
        return BadQuery(_bad(error))
    return Trouble(_sentence(where, status, code, message, headers.get("Retry-After")))


def _bad(error: Mapping[str, Any]) -> str:
    """Code, place and message of a query that is not understood."""
    inner = error.get("innererror") or error
    deepest = _deepest(error)
    at = ""
    if isinstance(deepest.get("line"), int) and isinstance(deepest.get("pos"), int):
        at = f" at line {deepest['line']}, character {deepest['pos'] + 1}"
    message = _AT.sub("", str(deepest.get("message"))) if at else deepest.get("message")
    return f"{inner.get('code')}{at}: {message}"


_SENTENCES = {
    401: "{where} takes no such sign-in; `az login --tenant` with its tenant may help ({message})",
    403: "Who is signed in may not read {where}. It takes the role Log Analytics Reader on the workspace; a "
    "new role takes some minutes to work ({code}).",
    404: "There is no {where}, or it is in another cloud (--endpoint). The id is the workspace's own, not "
    "that of its subscription or tenant ({code}).",
    429: "{where} is asked too often; ask again {pause} ({code}).",
    504: "The query took too long for {where}: ask for fewer rows, or for a shorter --timespan ({message})",
}
_FOREIGN = (
    "{where} takes no token of this sign-in: it may be in another cloud (--endpoint) or tenant "
    "(az login --tenant). It said: {message}"
)
_OUTSIDE = "{where} lets nobody in from this network: look at its network isolation ({message})"


def _sentence(where: str, status: int, code: str, message: str, after: str | None) -> str:
    sentence = _SENTENCES.get(status, "{where} answered {status}: {code}: {message}")
    if code == "InvalidTokenError":
        sentence = _FOREIGN
    elif status == 403 and "Nsp" in message + code:
        sentence = _OUTSIDE
    pause = f"in {after} s" if after and after.isdecimal() else "in a minute"
    return sentence.format(where=where, status=status, code=code, message=message, pause=pause)


def _deepest(error: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is inside of it all: the service nests what went wrong."""
    while True:
        details = error.get("details")
        inner = error.get("innererror") or (details[0] if isinstance(details, list) and details else None)
        if not isinstance(inner, Mapping):
            return error
        error = inner


def _innermost(error: Mapping[str, Any]) -> str:
    return str(_deepest(error).get("message") or error.get("message") or error.get("code"))


def _first(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
