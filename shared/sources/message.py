"""What a queue message asks for.

Rule: a message is one of the accepted forms to the letter, or records; an object
with other keys than an envelope's is a record, so nobody's data is mistaken for an
instruction. Invariant: a message can only name blobs in the storage account that
the app drops from, and in the containers that the settings allow; the rest is
Forbidden. A message is data: nothing in it is ever taken for a setting.

    [record, ...] | record                              of the route that takes messages
    {"route": name, "records": [record, ...]}
    {"blob": "container/path" or its URL, "route": name (optional)}
    an Event Grid BlobCreated event, in either schema, or an array of them
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec

from ..errors import BadMessage, Forbidden

_EVENT_GRID = "Microsoft.Storage.BlobCreated"
_DOTS = frozenset({".", ".."})
_LONGEST_NAME = 1_024
"""Characters of a blob's name (Naming and referencing containers, blobs and metadata)."""
_SHOWN = 100
"""Characters of a name that a sentence repeats."""
_KINDS = {str: "string", int: "number", float: "number", bool: "boolean", type(None): "null"}


@dataclass(frozen=True, slots=True)
class Records:
    """Records in the message itself: its JSON text is the source."""

    route: str | None
    path: str | None
    """Where the list is: `records` in an envelope, None for an array or one record."""


@dataclass(frozen=True, slots=True)
class BlobNamed:
    """A blob to take."""

    container: str
    name: str
    route: str | None = None


Asked = Records | list[BlobNamed]


def asked(text: str, account_url: str, allowed: tuple[str, ...]) -> Asked:
    """What a message asks for.

    Args:
        text: the message.
        account_url: the drop account's blob endpoint; URLs in messages must begin with it.
        allowed: containers that a message may name blobs in.

    Raises:
        BadMessage: it is none of the accepted forms.
        Forbidden: it names a blob elsewhere.
    """
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        found = _oddly(text, account_url, allowed) if isinstance(error, msgspec.DecodeError) else None
        if found is None:
            raise BadMessage(f"the message is not JSON: {error}") from error
        return found
    return _meant(value, account_url, allowed)


def _oddly(text: str, account_url: str, allowed: tuple[str, ...]) -> Records | None:
    """Records with NaN, Infinity or half of a surrogate pair: these are for the route to settle."""
    try:
        found = _meant(json.loads(text), account_url, allowed)
    except (ValueError, RecursionError, BadMessage, Forbidden):
        return None
    return found if isinstance(found, Records) else None


def _meant(value: Any, account_url: str, allowed: tuple[str, ...]) -> Asked:
    events = value if isinstance(value, list) else [value]
    if events and all(_is_event(event) for event in events):
        return [_allowed(_from_url(_event_url(event), account_url), allowed) for event in events]
    if isinstance(value, dict):
        return _object(value, account_url, allowed)
    if isinstance(value, list):
        return Records(None, None)
    kind = _KINDS[type(value)]
    raise BadMessage(f"the message is a JSON {kind}; send a record, an array of records, or an envelope")


def _object(value: dict[str, Any], account_url: str, allowed: tuple[str, ...]) -> Asked:
    keys = value.keys()
    if isinstance(value.get("blob"), str) and keys <= {"blob", "route"}:
        return [_allowed(_blob(value["blob"], account_url, _route(value)), allowed)]
    if isinstance(value.get("records"), list) and keys <= {"records", "route"}:
        return Records(_route(value), "records")
    return Records(None, None)


def _route(value: dict[str, Any]) -> str | None:
    route = value.get("route")
    if route is not None and not isinstance(route, str):
        raise BadMessage("route must be the name of a route")
    return route


def _is_event(value: Any) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("data"), dict) or "url" not in value["data"]:
        return False
    return value.get("eventType") == _EVENT_GRID or (
        value.get("type") == _EVENT_GRID and "specversion" in value
    )


def _event_url(event: dict[str, Any]) -> str:
    return str(event["data"]["url"])


def _blob(text: str, account_url: str, route: str | None) -> BlobNamed:
    if "://" in text:
        found = _from_url(text, account_url)
        return BlobNamed(found.container, found.name, route)
    container, _, name = text.partition("/")
    if not name:
        raise BadMessage('blob must be "container/path" or a URL')
    return BlobNamed(container, name, route)


def _from_url(url: str, account_url: str) -> BlobNamed:
    """Container and name of a blob's URL in the drop account."""
    base = account_url.rstrip("/") + "/"
    try:
        there, here = urlsplit(url), urlsplit(base)
    except ValueError as error:
        raise BadMessage(f"the blob's URL cannot be read: {error}") from error
    same_host = (there.scheme, there.netloc.lower()) == (here.scheme, here.netloc.lower())
    if not same_host or not there.path.startswith(here.path) or there.query or "@" in there.netloc:
        raise Forbidden("the message names a blob outside the drop storage account")
    container, _, name = there.path[len(here.path) :].partition("/")
    if not name:
        raise BadMessage("the URL names no blob")
    return BlobNamed(unquote(container), unquote(name))


def leads_elsewhere(name: str) -> bool:
    """Whether a name has dot segments.

    HTTP clients resolve them, so `drop/../other/x` would be asked of another container.
    """
    return not _DOTS.isdisjoint(re.split(r"[/\\]", name))


def _allowed(blob: BlobNamed, allowed: tuple[str, ...]) -> BlobNamed:
    check(blob.container, blob.name, allowed)
    return blob


def check(container: str, name: str, allowed: tuple[str, ...]) -> None:
    """Whether a blob may be taken that somebody outside has named.

    Args:
        container: its container.
        name: its path in there.
        allowed: containers that the settings allow.

    Raises:
        Forbidden: it is, or may be, in another container.
        BadMessage: no blob can have that name.
    """
    if container not in allowed:
        raise Forbidden(
            f"the message names a blob in the container {container[:_SHOWN]!r}; allowed are "
            f"{', '.join(allowed)} (ALLOWED_CONTAINERS)"
        )
    if leads_elsewhere(name):
        raise Forbidden("the message names a blob by a path with . or .. in it")
    if not name or len(name) > _LONGEST_NAME or "\0" in name:
        raise BadMessage(
            f"no blob can have this name: none, over {_LONGEST_NAME:,} characters, or a NUL in it"
        )
