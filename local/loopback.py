"""Who may talk to a server on loopback: programs of this machine, and no web page that a browser here shows.

Rule: a page elsewhere can make a browser send requests here; it cannot make it leave
out whose they are. Invariant: a request for another host's name (a name that was
pointed at this machine), or from a page of another origin, is answered with a refusal
and nothing else.
"""

from __future__ import annotations

from aiohttp import typedefs, web

_HOSTS = frozenset({"127.0.0.1", "localhost"})


def is_misdirected(request: web.Request) -> bool:
    """Whether it was meant for another host."""
    return request.url.host not in _HOSTS


def is_foreign(request: web.Request) -> bool:
    """Whether a page of another origin sent it: browsers say so wherever a request may change something."""
    origin = request.headers.get("Origin")
    if origin is not None:
        return origin != str(request.url.origin())
    return request.headers.get("Sec-Fetch-Site") in {"cross-site", "same-site"} and request.method != "GET"


@web.middleware
async def guard(request: web.Request, handler: typedefs.Handler) -> web.StreamResponse:
    """Lets nobody else in."""
    if is_misdirected(request):
        raise web.HTTPMisdirectedRequest(text="This server answers for this machine only.")
    if is_foreign(request):
        raise web.HTTPForbidden(text="This server takes nothing from web pages of another origin.")
    return await handler(request)
