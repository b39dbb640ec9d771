"""The host's HTTP face: the blob webhook and the admin calls.

Rule: paths, headers and answers are the real host's. The webhook says yes only when
the event is on the host's queue; Event Grid tries again otherwise. The key is asked
for where the host has one (in Azure: blobs_extension), as Core Tools asks for none. A
web page in the user's browser can run no function (local/loopback.py).
"""

from __future__ import annotations

import hmac
import json
import time
from typing import TYPE_CHECKING, Any

from aiohttp import web
from azure.core.exceptions import AzureError

from ..loopback import guard
from .log import HOST

if TYPE_CHECKING:
    from .host import Host

MAX_BODY = 4 * 1024 * 1024
"""More than Event Grid ever posts (1 MB)."""

PREFIX = "Host.Functions."


def build(host: Host, key: str | None) -> web.Application:
    """The application.

    Args:
        host: what it is the face of.
        key: what `code` or `x-functions-key` must say at the webhook, None for no check.
    """
    app = web.Application(client_max_size=MAX_BODY, middlewares=[guard])
    face = _Face(host, key)
    app.add_routes(
        [
            web.route("OPTIONS", "/runtime/webhooks/blobs", face.allow),
            web.post("/runtime/webhooks/blobs", face.webhook),
            web.get("/admin/host/status", face.status),
            web.get("/admin/functions", face.functions),
            web.get("/admin/functions/{name}/status", face.function_status),
            web.post("/admin/functions/{name}", face.run),
        ]
    )
    return app


class _Face:
    def __init__(self, host: Host, key: str | None) -> None:
        self._host = host
        self._key = key
        self._began = time.monotonic()

    def _check_key(self, request: web.Request) -> None:
        given = request.query.get("code") or request.headers.get("x-functions-key") or ""
        if self._key is not None and not hmac.compare_digest(given.encode(), self._key.encode()):
            raise web.HTTPUnauthorized(text="Wrong or missing key.")

    async def allow(self, request: web.Request) -> web.Response:
        """The handshake of the CloudEvents schema."""
        self._check_key(request)
        origin = request.headers.get("WebHook-Request-Origin", "eventgrid.azure.net")
        return web.Response(headers={"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": "*"})

    async def webhook(self, request: web.Request) -> web.Response:
        """Event Grid's post."""
        self._check_key(request)
        name = request.query.get("functionName", "").removeprefix(PREFIX)
        if name not in self._host.blob_triggers:
            raise web.HTTPNotFound(text=f"cannot find function: '{name}'")
        events = await _events(request)
        kind = request.headers.get("aeg-event-type", "")
        if kind == "SubscriptionValidation":
            return web.json_response({"validationResponse": _validation_code(events)})
        if kind != "Notification":
            raise web.HTTPBadRequest(text=f"aeg-event-type is {kind!r}.")
        return await self._take(name, events)

    async def _take(self, name: str, events: list[Any]) -> web.Response:
        try:
            taken = [await self._host.take_event(name, event) for event in events]
        except ValueError as error:
            raise web.HTTPBadRequest(text=str(error)) from error
        except AzureError as error:
            HOST.warning("A blob event could not be put on the queue: %s", error)
            raise web.HTTPInternalServerError(text="The event could not be put on the queue.") from error
        return web.Response(status=202 if any(taken) else 200)

    async def status(self, _: web.Request) -> web.Response:
        """Whether it runs."""
        up = round((time.monotonic() - self._began) * 1000)
        return web.json_response(
            {"id": self._host.id, "state": "Running", "version": "4", "processUptime": up}
        )

    async def functions(self, request: web.Request) -> web.Response:
        """Every function and its bindings."""
        base = f"{request.scheme}://{request.host}"
        return web.json_response(
            [
                {
                    "name": function.name,
                    "href": f"{base}/admin/functions/{function.name}",
                    "isDisabled": False,
                    "language": "python",
                    "config": {"name": function.name, "bindings": list(function.bindings)},
                }
                for function in self._host.functions.values()
            ]
        )

    async def function_status(self, request: web.Request) -> web.Response:
        """Functions with errors are refused at start, so it is always fine."""
        self._known(request)
        return web.json_response({"errors": [], "isDisabled": False})

    async def run(self, request: web.Request) -> web.Response:
        """Run a function now."""
        name = self._known(request)
        try:
            body = json.loads(await request.text() or "{}")
            given = str(body.get("input") or "") if isinstance(body, dict) else ""
            self._host.run_now(name, given)
        except ValueError as error:
            raise web.HTTPBadRequest(text=str(error)) from error
        return web.Response(status=202)

    def _known(self, request: web.Request) -> str:
        name = request.match_info["name"]
        if name not in self._host.functions:
            raise web.HTTPNotFound(text=f"There is no function {name!r}.")
        return name


async def _events(request: web.Request) -> list[Any]:
    try:
        body = json.loads(await request.read())
    except ValueError as error:
        raise web.HTTPBadRequest(text="The body is not JSON.") from error
    return body if isinstance(body, list) else [body]


def _validation_code(events: list[Any]) -> str:
    try:
        return str(events[0]["data"]["validationCode"])
    except (LookupError, TypeError) as error:
        raise web.HTTPBadRequest(text="A validation event has data.validationCode.") from error
