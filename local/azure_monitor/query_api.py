"""HTTP: the workspace's query API.

Rule: a handler reads the question, asks, and writes the answer down as the service
does. Invariants: a request that shows a token is answered only if the identity
endpoint gave that token out for this API; one that shows none is answered, since this
server is on loopback and a person at a terminal need not sign in to their own machine.

Source of the form: Log Analytics query API (v1), and Microsoft's clients of it.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, NamedTuple, TypeVar

import msgspec
from aiohttp import web

from .app import Monitor, dropped, json, scripted
from .faults import Fault
from .query import Question
from .query_errors import QueryError, by_status, foreign_token, unknown_token

log = logging.getLogger("local.azure_monitor")

AUDIENCE = "https://api.loganalytics.io"
"""Of the public cloud; a client that was given this server's address asks for that."""
MAX_BATCH = 100
"""Requests of one batch. Source: Azure Monitor service limits, Log Analytics query API."""
WAIT, MAX_WAIT = 180.0, 600.0
"""Seconds that a query may take, and may ask for. Source: Azure Monitor, Prefer options of the query API."""


_T = TypeVar("_T")


class _Asked(msgspec.Struct):
    query: str
    timespan: str | None = None
    workspaces: list[str] | None = None


class _Part(msgspec.Struct):
    id: str
    body: _Asked
    workspace: str = ""
    path: str = "/query"
    method: str = "POST"
    headers: dict[str, str] = {}


class _Batch(msgspec.Struct):
    requests: list[_Part]


class _Prefer(NamedTuple):
    wait: float
    statistics: bool
    render: bool


class QueryApi:
    """Handlers over a Monitor."""

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor

    async def query(self, request: web.Request) -> web.StreamResponse:
        """GET or POST /v1/workspaces/{workspace}/query."""
        try:
            self._admit(request)
            asked = await _asked(request)
            fault = self._monitor.faults.take_query(asked.query)
            if fault is not None:
                answer = await _failing(request, fault)
                if answer is not None:
                    return answer
            return json(await self._ask(asked, _prefer(request.headers.get("Prefer", ""))))
        except QueryError as error:
            return _refused(error)

    async def batch(self, request: web.Request) -> web.StreamResponse:
        """POST /v1/$batch: several questions; each has its own status."""
        try:
            self._admit(request)
            parts = _parts(await request.read())
        except QueryError as error:
            return _refused(error)
        return json({"responses": await asyncio.gather(*map(self._part, parts))})

    async def resource(self, request: web.Request) -> web.StreamResponse:
        """POST /v1/subscriptions/.../query: logs of a resource, which are not kept here."""
        why = "local Azure has a workspace and no resources: query the workspace."
        return _refused(QueryError("PathNotFoundError", why, status=404))

    async def _part(self, part: _Part) -> dict[str, Any]:
        headers = {name.lower(): value for name, value in part.headers.items()}
        try:
            await self._may_fail(part)
            body = await self._ask(part.body, _prefer(headers.get("prefer", "")))
        except QueryError as error:
            log.warning("query: %s: %s", error.code, error)
            return {"id": part.id, "status": error.status, "body": error.to_json(), "headers": {}}
        return {"id": part.id, "status": 200, "body": body, "headers": {}}

    async def _may_fail(self, part: _Part) -> None:
        if (part.path, part.method.upper()) != ("/query", "POST"):
            raise QueryError("BadArgument", "a batch takes POST of /query and nothing else.")
        fault = self._monitor.faults.take_query(part.body.query)
        if fault is not None:
            await asyncio.sleep(fault.delay)
            if fault.status is not None:
                raise by_status(fault.status, fault.code)

    async def _ask(self, asked: _Asked, prefer: _Prefer) -> dict[str, Any]:
        if asked.workspaces:
            raise QueryError("BadArgument", "local Azure has one workspace: leave `workspaces` out.")
        question = Question(asked.query, asked.timespan, prefer.statistics, prefer.render)
        return await self._monitor.ask(question, prefer.wait)

    def _admit(self, request: web.Request) -> None:
        shown = request.headers.get("Authorization")
        if shown is None:
            return
        here = str(request.url.origin())
        why = self._monitor.tokens.problem(shown, here, AUDIENCE)
        if why is not None:
            raise foreign_token(why) if " is for " in why else unknown_token(why)


async def _asked(request: web.Request) -> _Asked:
    if request.method == "GET":
        found = request.query.get("query")
        if not found:
            raise QueryError("BadArgument", "the query parameter is missing.")
        return _Asked(found, request.query.get("timespan"))
    return _decoded(await request.read(), _Asked, '{"query": KQL, "timespan": optional}')


def _parts(body: bytes) -> list[_Part]:
    parts = _decoded(body, _Batch, '{"requests": [{"id", "body", ...}]}').requests
    if len(parts) > MAX_BATCH or len({part.id for part in parts}) < len(parts):
        raise QueryError(
            "BadArgument", f"a batch has up to {MAX_BATCH} requests, each with an id of its own."
        )
    return parts


def _decoded(body: bytes, kind: type[_T], form: str) -> _T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise QueryError("BadArgument", f"the body must be {form}: {error}.") from error


def _prefer(header: str) -> _Prefer:
    """What the Prefer header asks for; what is not understood in it is left out, as HTTP says."""
    said = dict(part.strip().lower().partition("=")[::2] for part in header.split(","))
    wait = said.get("wait", "")
    return _Prefer(
        wait=min(float(wait), MAX_WAIT) if wait.isdecimal() and int(wait) else WAIT,
        statistics=said.get("include-statistics") == "true",
        render=said.get("include-render") == "true",
    )


async def _failing(request: web.Request, fault: Fault) -> web.StreamResponse | None:
    """What a fault makes of a question; None where it only took its time."""
    await asyncio.sleep(fault.delay)
    if fault.reset is not None:
        return dropped(request)
    if fault.status is None:
        return None
    if fault.odd:
        return await scripted(request, fault, fault.refusal())
    headers = {} if fault.retry_after is None else {"Retry-After": fault.retry_after}
    return _refused(by_status(fault.status, fault.code), headers)


def _refused(error: QueryError, headers: dict[str, str] | None = None) -> web.Response:
    log.warning("query: %s: %s", error.code, error)
    return json(error.to_json(), error.status, headers)
