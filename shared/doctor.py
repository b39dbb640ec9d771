"""What `push` needs on this machine, checked one thing after the other.

Rule: every check asks what the app itself would ask, through the same code, and gives
one sentence and what helps. Invariants: nothing raises; no record is sent: to see what
a rule answers, an empty array is posted; no token and no key is in any text. What a
check needs and is not there makes it `skipped`, so that one cause is told once.

What the service makes of an empty array is not documented. It looks at token, role,
rule and stream before it looks at a body, and 204 says no more than that it took one
("Logs Ingestion API in Azure Monitor"); were it to say 400 to the body, that too is
said to an identity which may send.
"""

from __future__ import annotations

import base64
import contextlib
import gzip
import os
import re
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit

import msgspec

from . import settings
from .errors import LogferryError, Refused, SettingsError, Throttled, Transient
from .routes import STREAMS_PER_RULE, Routes, load
from .settings import Sending
from .upload import denied, identity
from .upload.answers import clock
from .upload.service import Service
from .upload.whence import Whence, proxy_for, whence

State = Literal["ok", "warning", "failed", "skipped"]
CLOCK_WARNING = 60.0
CLOCK_FAILED = 300.0
"""Seconds. Tokens are good for as long before and after their time, and no longer."""
_EMPTY = gzip.compress(b"[]", mtime=0)
_SECONDS = (5.0, 15.0)
_GROUP = "himds"
_CERTIFICATE = re.compile(r"certificate verify failed: ([^(]+)")


class Check(NamedTuple):
    """What came of one check."""

    name: str
    state: State
    says: str
    remedy: str = ""


def examine(
    values: Mapping[str, str], routes_file: Path, route: str, environ: Mapping[str, str]
) -> Iterator[Check]:
    """All checks, one after the other.

    Args:
        values: app settings.
        routes_file: the routes.
        route: the one whose stream is looked at; "" for all.
        environ: of this process.
    """
    config, found = _settings(values)
    yield found
    routes, found = _routes(routes_file, config, route)
    yield found
    here = whence(environ)
    yield Check("identity", "ok", f"Tokens come from {here.name}: {here.because}. {here.url}".rstrip())
    way = _proxy(here)
    yield way
    if here.kind == "arc":
        yield _group()
    if config is None:
        yield Check("token", "skipped", "Without an endpoint it is not known what it is for.")
        return
    failed = set()
    for endpoint in dict.fromkeys(config.endpoints):
        for check in _way(endpoint, environ, blocked=way.state == "failed"):
            if check.state == "failed" or (check.name, check.state) == ("token", "skipped"):
                failed.add(check.name)
            yield check
    if routes is None:
        yield Check("rule", "skipped", "Without routes it is not known what is sent.")
    elif "token" in failed:
        yield Check("rule", "skipped", "Without a token nothing can be asked.")
    elif "endpoint" in failed:
        yield Check("rule", "skipped", "Without a way to the endpoint nothing can be asked.")
    else:
        yield from _rules(config, routes, route)


def _way(endpoint: str, environ: Mapping[str, str], *, blocked: bool) -> Iterator[Check]:
    """A token for an endpoint, unless a proxy is in the way of it; and the way to the endpoint itself."""
    if blocked:
        yield Check("token", "skipped", "It would be asked for through that proxy.")
    else:
        yield _token(endpoint, environ)
    yield from _endpoint(endpoint)


# -- what is written down -------------------------------------------------------------------------


def _settings(values: Mapping[str, str]) -> tuple[Sending | None, Check]:
    try:
        config = settings.sending(values)
    except SettingsError as error:
        remedy = "Set them in the environment, name a file with --settings, or say --endpoint and --rule."
        return None, Check("settings", "failed", " ".join(str(error).splitlines()), remedy)
    said = f"{', '.join(config.endpoints)}; {', '.join(config.rule_ids)}."
    return config, Check("settings", "ok", said)


def _routes(file: Path, config: Sending | None, route: str) -> tuple[Routes | None, Check]:
    try:
        routes = load(file)
    except LogferryError as error:
        first, *more = str(error).splitlines()
        rest = f" And {len(more)} more." if more else ""
        return None, Check("routes", "failed", f"{first}{rest}", f"logferry check {file} lists all of it.")
    if route and route not in routes.by_name:
        there = ", ".join(routes.by_name)
        return None, Check("routes", "failed", f"{file} has no route {route}.", f"There are: {there}.")
    lacks = settings.lacking(config, routes) if config else []
    if lacks:
        return None, Check("routes", "failed", " ".join(lacks), "The settings have to fit the routes file.")
    said = f"{file}: {_count(len(routes.by_name), 'route')} into {_count(len(routes.streams()), 'stream')}."
    return routes, Check("routes", "ok", said)


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


# -- the identity ---------------------------------------------------------------------------------


def _proxy(here: Whence) -> Check:
    blocked = denied.in_the_way(here)
    if blocked is not None:
        return Check("proxy", "failed", blocked.what, blocked.remedy)
    return Check("proxy", "ok", "No proxy is between here and the identity endpoint.")


def _group() -> Check:
    """Whether the user may read the Arc agent's keys."""
    if sys.platform == "win32":
        return Check("group", "ok", "On Windows, administrators and the agent's own group may read its keys.")
    import grp  # noqa: PLC0415 - not on Windows

    if os.geteuid() == 0:
        return Check("group", "ok", "This runs as root, who may read the agent's keys.")
    with contextlib.suppress(KeyError):
        if grp.getgrnam(_GROUP).gr_gid in {*os.getgroups(), os.getegid()}:
            return Check(
                "group", "ok", f"This user is in the group {_GROUP}, which may read the agent's keys."
            )
        remedy = f"sudo usermod -aG {_GROUP} USER, then sign in again; or run as root."
        return Check("group", "warning", f"This user is not in the group {_GROUP}.", remedy)
    return Check(
        "group",
        "warning",
        f"There is no group {_GROUP} here, so the Arc agent is not installed as usual.",
        "See that `azcmagent show` says Connected.",
    )


def _token(endpoint: str, environ: Mapping[str, str]) -> Check:
    wanted = identity.resource(identity.scope(endpoint))
    try:
        claims = _claims(identity.first_token(endpoint, environ))
    except Transient as error:
        return Check("token", "failed", error.what, error.remedy)
    if not claims:
        return Check("token", "warning", f"There is one for {wanted}, but it is none that can be read.")
    audience = str(claims.get("aud", ""))
    who = [
        f"{word} {claims[name]}"
        for name, word in (("appid", "application"), ("oid", "principal"), ("xms_mirid", "of"))
        if claims.get(name)
    ]
    until = _until(claims.get("exp"))
    said = f"There is one for {audience}: {', '.join([*who, until])}."
    if audience.rstrip("/").lower() != wanted.lower():
        return Check("token", "warning", said, f"It was asked for as one for {wanted}.")
    if isinstance(claims.get("exp"), int) and claims["exp"] <= time.time():
        return Check("token", "failed", said, "It is expired as it comes: set this machine's clock.")
    return Check("token", "ok", said)


def _claims(token: str) -> dict[str, Any]:
    """What a token says of itself; it is not verified, which is for who takes it."""
    try:
        middle = token.split(".")[1]
        claims = msgspec.json.decode(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    except (IndexError, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}


def _until(moment: Any) -> str:
    if not isinstance(moment, int):
        return "of no known end"
    try:
        return f"until {datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M} UTC"
    except (ValueError, OverflowError, OSError):
        return "of no end that a clock can show"


# -- the way --------------------------------------------------------------------------------------


def _endpoint(endpoint: str) -> Iterator[Check]:
    """Whether it can be reached, and what time it is there."""
    import requests  # noqa: PLC0415 - the way of the SDK, with its proxies and authorities

    proxy, host = proxy_for(endpoint), urlsplit(endpoint).hostname or ""
    through = f" through the proxy {denied.bare(proxy)}" if proxy else ""
    if not proxy and not _resolves(host):
        remedy = (
            "Check DATA_COLLECTION_ENDPOINT and this network's DNS; with a private link, its private zone."
        )
        yield Check("endpoint", "failed", f"The name {host} leads nowhere.", remedy)
        return
    try:
        answer = requests.get(endpoint, timeout=_SECONDS, allow_redirects=False)
    except requests.RequestException as error:
        yield _unreached(endpoint, through, error)
        return
    yield Check("endpoint", "ok", f"{endpoint} answers{through}.")
    yield _clock(answer.headers, time.time())


def _resolves(host: str) -> bool:
    try:
        return bool(socket.getaddrinfo(host, None))
    except (OSError, UnicodeError):  # a name that cannot be one
        return False


def _unreached(endpoint: str, through: str, error: Exception) -> Check:
    import requests  # noqa: PLC0415

    if isinstance(error, requests.exceptions.ProxyError):
        said, remedy = (
            f"No connection to {endpoint}{through}.",
            "Check HTTPS_PROXY, or name the host in NO_PROXY.",
        )
    elif isinstance(error, requests.exceptions.SSLError):
        why = _CERTIFICATE.search(str(error))
        if why is None:
            said = f"What answers at {endpoint}{through} does not speak TLS as Azure does."
            remedy = "Check DATA_COLLECTION_ENDPOINT, and what is between it and this machine."
        else:
            shown = f"{endpoint} shows a certificate{through}"
            said = f"{shown} that this machine does not trust: {why[1].strip()}."
            remedy = (
                "If a proxy opens connections here, give its authority in REQUESTS_CA_BUNDLE; if the name "
                "does not fit, check DATA_COLLECTION_ENDPOINT; if it is out of date, this machine's clock."
            )
    else:
        said = f"No connection to {endpoint}{through}."
        remedy = "Let this machine out to it on port 443; where that goes by a proxy, set HTTPS_PROXY."
    return Check("endpoint", "failed", said, remedy)


def _clock(headers: Mapping[str, str], now: float) -> Check:
    ahead = now - clock({name.lower(): value for name, value in headers.items()}, now)
    said = (
        f"This machine's clock is {abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} the endpoint's."
    )
    if abs(ahead) <= CLOCK_WARNING:
        return Check("clock", "ok", said)
    remedy = "Set it, by chrony or timedatectl: tokens are refused, and times replaced, when it is far off."
    return Check("clock", "failed" if abs(ahead) > CLOCK_FAILED else "warning", said, remedy)


# -- the rules ------------------------------------------------------------------------------------


def _rules(config: Sending, routes: Routes, route: str) -> Iterator[Check]:
    """What each rule says to an empty array, stream by stream."""
    services = {endpoint: Service(endpoint) for endpoint in config.endpoints}
    wanted = {routes.by_name[route].stream} if route else set(routes.streams())
    told: set[int] = set()
    for place, stream in enumerate(routes.streams()):
        rule = place // STREAMS_PER_RULE
        if stream in wanted and rule not in told:
            check = _asked(services[config.endpoint(rule)], config.rule_ids[rule], stream)
            if check.state != "ok" and "InvalidStream" not in check.says:
                told.add(rule)  # which is so for all of its streams
            yield check


def _asked(service: Service, rule: str, stream: str) -> Check:
    taken = f"{rule} takes rows for {stream} from this identity."
    try:
        service.post(rule, stream, _EMPTY)
    except Refused as error:
        return Check("rule", "ok", f"{taken} (To the empty array it says {error}.)")
    except Throttled as error:
        return Check("rule", "warning", f"{stream}: {error.what}", "Ask again in a minute.")
    except Transient as error:
        return Check("rule", "failed", error.what, error.remedy or "Ask again in a minute.")
    return Check("rule", "ok", taken)
