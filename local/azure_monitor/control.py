"""The control API under /local: faults, roles, tokens, plans, and what was seen.

Rule: it changes how the server behaves, never what is in the tables. Invariant: a
request that is not understood changes nothing and says why with 400.
"""

from __future__ import annotations

from typing import Any

import msgspec
from aiohttp import web

from .app import Monitor, around, json, refused
from .ingestion import Refusal
from .page import page
from .query_api import QueryApi


class _Roles(msgspec.Struct, forbid_unknown_fields=True):
    granted: bool


class _Tokens(msgspec.Struct, forbid_unknown_fields=True):
    lifetime: float | None = None
    revoke: bool = False


class _Plans(msgspec.Struct, forbid_unknown_fields=True):
    auxiliary: list[str]


class Control:
    """Handlers over a Monitor."""

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor

    async def status(self, request: web.Request) -> web.Response:
        """GET /local/status: the start-up line again, and the rows of every table."""
        await self._monitor.settled()
        described = self._monitor.describe(str(request.url.origin()))
        return json(
            {**described, "rows": self._monitor.tables.counts(), "roles": self._monitor.roles.granted}
        )

    async def metrics(self, _: web.Request) -> web.Response:
        """GET /local/metrics: Azure's metrics of each rule and stream."""
        await self._monitor.settled()
        return json(self._monitor.state.metrics())

    async def posts(self, _: web.Request) -> web.Response:
        """GET /local/posts: the last 1000, latest first."""
        return json(self._monitor.state.posts())

    async def losses(self, request: web.Request) -> web.Response:
        """GET /local/losses?since=N: what Azure would have lost after sequence number N."""
        since = request.query.get("since", "0")
        if not since.isdecimal():
            return _bad("since must be the `next` of an earlier answer.")
        await self._monitor.settled()
        return json(self._monitor.state.losses(int(since)))

    async def show_faults(self, _: web.Request) -> web.Response:
        """GET /local/faults: what is left."""
        return json(self._monitor.faults.to_json())

    async def add_faults(self, request: web.Request) -> web.Response:
        """POST /local/faults: a list of faults, or one."""
        try:
            waiting = self._monitor.faults.add(await _body(request))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return _bad(str(error))
        return json({"waiting": waiting})

    async def clear_faults(self, _: web.Request) -> web.Response:
        """DELETE /local/faults."""
        self._monitor.faults.clear()
        return json({"waiting": 0})

    async def roles(self, request: web.Request) -> web.Response:
        """POST /local/roles {"granted": bool}: give or take the role on every rule."""
        try:
            self._monitor.roles.granted = msgspec.json.decode(await _body(request), type=_Roles).granted
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return _bad(str(error))
        return json({"granted": self._monitor.roles.granted})

    async def tokens(self, request: web.Request) -> web.Response:
        """POST /local/tokens {"lifetime": seconds, "revoke": bool}: new tokens, and the old ones."""
        try:
            wanted = msgspec.json.decode(await _body(request), type=_Tokens)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return _bad(str(error))
        book = self._monitor.tokens
        book.lifetime = book.lifetime if wanted.lifetime is None else wanted.lifetime
        return json({"lifetime": book.lifetime, "revoked": book.revoke() if wanted.revoke else 0})

    async def plans(self, request: web.Request) -> web.Response:
        """POST /local/plans {"auxiliary": [table]}: the tables that are on the Auxiliary plan."""
        try:
            wanted = msgspec.json.decode(await _body(request), type=_Plans).auxiliary
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return _bad(str(error))
        unknown = sorted(set(wanted) - set(self._monitor.tables.columns))
        if unknown:
            return _bad(f"there is no table {unknown[0]}.")
        self._monitor.plans.auxiliary = frozenset(wanted)
        return json({"auxiliary": sorted(wanted)})

    async def page(self, request: web.Request) -> web.Response:
        """GET /: for people."""
        text = await page(self._monitor, request.query.get("query", ""), request.query.get("timespan", ""))
        policy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'"
        return web.Response(text=text, content_type="text/html", headers={"Content-Security-Policy": policy})


def make_app(monitor: Monitor) -> web.Application:
    """All routes."""
    control, api = Control(monitor), QueryApi(monitor)
    app = web.Application(middlewares=[around])
    add: Any = app.router.add_route
    add("POST", "/dataCollectionRules/{rule}/streams/{stream}", monitor.ingest)
    add("GET", "/msi/token", monitor.token)
    add("GET", "/metadata/identity/oauth2/token", monitor.vm_token)
    add("GET", "/arc/metadata/identity/oauth2/token", monitor.arc_token)
    add("GET", "/v1/workspaces/{workspace}/query", api.query)
    add("POST", "/v1/workspaces/{workspace}/query", api.query)
    add("POST", "/v1/$batch", api.batch)
    add("POST", "/v1/{resource:subscriptions/.+}/query", api.resource)
    add("GET", "/local/status", control.status)
    add("GET", "/local/metrics", control.metrics)
    add("GET", "/local/posts", control.posts)
    add("GET", "/local/losses", control.losses)
    add("GET", "/local/faults", control.show_faults)
    add("POST", "/local/faults", control.add_faults)
    add("DELETE", "/local/faults", control.clear_faults)
    add("POST", "/local/roles", control.roles)
    add("POST", "/local/tokens", control.tokens)
    add("POST", "/local/plans", control.plans)
    add("GET", "/", control.page)
    return app


async def _body(request: web.Request) -> bytes:
    """The body of a change. A web page elsewhere cannot send this type without being asked first."""
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType
    return await request.read()


def _bad(why: str) -> web.Response:
    return refused(Refusal(400, "BadRequest", why))
