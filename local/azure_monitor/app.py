"""HTTP: the ingestion endpoint and the identity endpoints; what is asked of the tables.

Rule: a handler asks the modules that know and writes down what came of it; it
decides nothing about rows. Invariant: every request to the ingestion endpoint ends
as exactly one Post in the state, whatever happened to it.

Only programs of this machine are answered (local/loopback.py), so that a web page
somewhere cannot read the tables through a name that it points here.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from aiohttp import web

from .. import loopback
from . import ingestion
from .checks import Checker
from .config import Config
from .faults import Fault, Faults
from .identity import TokenBook
from .identity_forms import AppService, Arc, Metadata
from .ingestion import Refusal
from .losses import Findings
from .plans import Plans
from .query import Question, run
from .query_errors import QueryError
from .state import Post, State, now_text
from .tables import Accepted, Tables
from .throttle import Throttle

log = logging.getLogger("local.azure_monitor")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_ID = web.RequestKey("id", str)
_BODY = web.RequestKey("body", tuple[bytes | None, int])


@dataclass(slots=True)
class Roles:
    """Whether the identity has its role on the rules."""

    granted: bool = True


class Monitor:
    """One server's parts.

    Raises:
        ValueError: the configuration cannot be used.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.state = State()
        self.faults = Faults()
        self.roles = Roles()
        self.tokens = TokenBook(config.token_lifetime)
        self.app_service = AppService(self.tokens, config.identity_header)
        self.metadata = Metadata(self.tokens)
        self.arc = Arc(self.tokens, config.arc_keys)
        self.throttle = Throttle(
            max_bytes=config.limit_bytes,
            max_requests=config.limit_requests,
            minute=config.limit_minute,
            says=config.retry_after,
        )
        self.plans = Plans()
        self.checkers = {key: Checker(spec) for key, spec in config.by_stream.items()}
        self.tables = Tables(config, self.state)

    # -- ingestion --------------------------------------------------------------------------

    async def ingest(self, request: web.Request) -> web.StreamResponse:
        """POST /dataCollectionRules/{rule}/streams/{stream}."""
        rule, stream = request.match_info["rule"], request.match_info["stream"]
        post = Post(request_id(request), rule, stream, 0, 0, 0, 0, now_text())
        raw = await self._look_inside(request) if self.faults.look_inside() else b""
        fault = self.faults.take(rule, stream, raw) or Fault()
        await asyncio.sleep(fault.delay)
        if fault.reset in {"before", "middle"}:
            if fault.reset == "middle":
                await request.content.readexactly(max(1, (request.content_length or 2) // 2))
            return self._drop(request, post)
        refusal = fault.refusal() or self._refusal(request, rule, stream)
        if refusal is None:
            refusal, post = await self._take(request, post)
        if fault.reset == "after":
            return self._drop(request, post)
        post = replace(post, status=refusal.status if refusal else 204)
        self.state.post(post)
        if refusal is not None:
            log.warning("%s: %d %s: %s", stream, refusal.status, refusal.code, refusal.message)
        if fault.odd:
            return await scripted(request, fault, refusal)
        return web.Response(status=204) if refusal is None else refused(refusal)

    async def _look_inside(self, request: web.Request) -> bytes:
        """The decompressed body, for faults that ask for it; it is kept for whoever reads it next."""
        wire, _length = request[_BODY] = await _body(request)
        encoding = request.headers.get("Content-Encoding", "")
        return ingestion.decompress(wire or b"", encoding, Findings()) or b""

    def _refusal(self, request: web.Request, rule: str, stream: str) -> Refusal | None:
        """What is wrong with a request before its body is read."""
        why = self.tokens.problem(request.headers.get("Authorization"), self.config.audience)
        if why is not None:
            return ingestion.unauthorized(why)
        if rule not in self.config.rules:
            return ingestion.no_rule(rule)
        if not self.roles.granted:
            return ingestion.no_role(rule)
        if (rule, stream) not in self.checkers:
            return ingestion.no_stream(rule, stream)
        headers = request.headers
        return ingestion.bad_version(request.query.get("api-version")) or ingestion.bad_type(
            headers.get("Content-Type", ""), headers.get("Content-Encoding", "")
        )

    async def _take(self, request: web.Request, post: Post) -> tuple[Refusal | None, Post]:
        """Read, check and store a body; gives the post with its sizes."""
        wire, length = request.get(_BODY) or await _body(request)
        post = replace(post, wire_bytes=length)
        if wire is None:
            return ingestion.too_long(length), post
        findings = Findings()
        raw = ingestion.decompress(wire, request.headers.get("Content-Encoding", ""), findings)
        size = len(raw) if raw is not None else length
        refusal = self.plans.refusal(self.config.by_stream[post.rule, post.stream].table, raw)
        if refusal is not None:
            return refusal, post
        if self.config.limits:
            refusal = self.throttle.take(post.rule, size)
            if refusal is not None:
                return refusal, post
        self.state.lost(post.rule, post.stream, post.request_id, findings)
        rows = await self._keep(post, raw) if raw is not None else 0
        return None, replace(post, rows=rows, raw_bytes=size)

    async def _keep(self, post: Post, raw: bytes) -> int:
        """Check a raw body and pass on what Azure would keep; says how many rows came."""
        received = dt.datetime.now(dt.UTC)
        checked = self.checkers[post.rule, post.stream].check(raw, received)
        self.state.lost(post.rule, post.stream, post.request_id, checked.findings)
        if self.config.keep and checked.body is not None:
            rows = checked.rows - checked.findings.counts["NotAnObject"]
            accepted = Accepted(post.rule, post.stream, post.request_id, received, checked.body, rows)
            if not self.tables.accept(accepted, wait=False):
                await asyncio.to_thread(self.tables.accept, accepted)
        return checked.rows

    def _drop(self, request: web.Request, post: Post) -> web.StreamResponse:
        self.state.post(post)
        log.warning("%s: connection dropped, as a fault asked for", post.stream)
        return dropped(request)

    # -- identity ---------------------------------------------------------------------------

    async def token(self, request: web.Request) -> web.StreamResponse:
        """GET /msi/token, the form of App Service, Functions and Automation."""
        return await self._token(request, self.app_service)

    async def vm_token(self, request: web.Request) -> web.StreamResponse:
        """GET /metadata/identity/oauth2/token, the form of a VM."""
        return await self._token(request, self.metadata)

    async def arc_token(self, request: web.Request) -> web.StreamResponse:
        """GET /arc/metadata/identity/oauth2/token, the form of an Arc-enabled server."""
        return await self._token(request, self.arc)

    async def _token(self, request: web.Request, form: AppService | Metadata) -> web.StreamResponse:
        fault = self.faults.take_token() or Fault()
        await asyncio.sleep(fault.delay)
        if fault.reset is not None:
            return dropped(request)
        refusal = fault.refusal()
        if refusal is not None:
            log.warning("identity: %d, as a fault asked for", refusal.status)
            return await scripted(request, fault, refusal) if fault.odd else refused(refusal)
        status, answer, headers = form.answer(request.headers, request.query)
        if status not in {200, 401}:
            log.warning("identity: %d %s", status, answer.get("message") or answer.get("error_description"))
        return json(answer, status, headers)

    # -- query ------------------------------------------------------------------------------

    async def ask(self, asked: Question, wait: float = 180.0) -> dict[str, Any]:
        """Run KQL over everything that has been accepted so far.

        Args:
            asked: the question.
            wait: seconds that it may take.

        Raises:
            QueryError: it cannot be answered, or not in that time.
        """
        await self.settled()
        cursor = self.tables.cursor()
        work = asyncio.ensure_future(
            asyncio.to_thread(run, cursor, self.tables.columns, asked, self.config.result_rows)
        )
        try:
            done, _ = await asyncio.wait({work}, timeout=wait)
            if done:
                return work.result()
            raise QueryError("GatewayTimeout", f"The query took longer than {wait:.0f} s.", status=504)
        finally:
            while not work.done():  # the query may be on its way to the database still
                cursor.interrupt()
                await asyncio.wait({work}, timeout=0.05)
            cursor.close()

    async def settled(self) -> None:
        """Wait until everything accepted so far is written."""
        await asyncio.wrap_future(await asyncio.to_thread(self.tables.settled))

    def describe(self, url: str) -> dict[str, Any]:
        """What the server is, for the start-up line and GET /local/status."""
        return {
            "ready": True,
            "url": url,
            "identity_endpoint": f"{url}/msi/token",
            "imds_endpoint": url,
            "arc_endpoint": f"{url}/arc/metadata/identity/oauth2/token",
            "rules": {rule: self.config.streams_of(rule) for rule in self.config.rules},
            "tables": {table: list(columns) for table, columns in self.tables.columns.items()},
            "keep": self.config.keep,
            "limits": self.config.limits,
            "warnings": self.tables.warnings,
        }


def request_id(request: web.Request) -> str:
    """The x-ms-request-id of the answer to this request."""
    return request[_ID]


def json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """A JSON answer."""
    body = msgspec.json.encode(value)
    return web.Response(
        body=body, status=status, headers=headers, content_type="application/json", charset="utf-8"
    )


def refused(refusal: Refusal) -> web.Response:
    """The service's own error answer."""
    return json(refusal.body(), refusal.status, {"x-ms-error-code": refusal.code, **refusal.headers})


def dropped(request: web.Request) -> web.StreamResponse:
    """No answer: the connection is gone."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)  # never arrives


async def scripted(request: web.Request, fault: Fault, refusal: Refusal | None) -> web.StreamResponse:
    """An answer that no HTTP library would give: written by hand, byte by byte where the fault says so."""
    transport, wire = request.transport, fault.wire(refusal)
    step = 1 if fault.drip else len(wire)
    for place in range(0, len(wire), step):
        if transport is None or transport.is_closing():
            break
        transport.write(wire[place : place + step])
        await asyncio.sleep(fault.drip)
    if transport is not None:
        transport.close()
    return web.Response(status=500)  # never arrives


@web.middleware
async def around(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A request id for every request, and JSON for what is not there."""
    request[_ID] = str(uuid.uuid4())
    try:
        response = await loopback.guard(request, handler)
    except web.HTTPException as error:
        code = (error.reason or "Error").replace(" ", "")
        response = refused(Refusal(error.status, code, f"{request.method} {request.path}: {error.reason}."))
    response.headers["x-ms-request-id"] = request_id(request)
    return response


async def _body(request: web.Request) -> tuple[bytes | None, int]:
    """The body as it travelled and its length; None as soon as it is over the limit."""
    declared = request.content_length
    if declared is not None and declared > ingestion.MAX_WIRE:
        return None, declared
    parts, size = [], 0
    async for part in request.content.iter_any():
        parts.append(part)
        size += len(part)
        if size > ingestion.MAX_WIRE:
            return None, size
    return b"".join(parts), size
