"""Tokens: handed out as a managed identity's, and recognised when they come back.

Rule: a token is opaque to everybody but this book, which remembers audience and
expiry. Invariants: a token that this server did not hand out opens nothing; there is
none for a service that the identity's directory does not know.
"""

from __future__ import annotations

import base64
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgspec

CLIENT_ID = "11111111-1111-1111-1111-111111111111"
PRINCIPAL_ID = "22222222-2222-2222-2222-222222222222"
MAX_TOKENS = 10_000
_SERVICES = frozenset(
    {
        "monitor.azure.com",
        "api.loganalytics.io",
        "storage.azure.com",
        "management.azure.com",
        "management.core.windows.net",
        "vault.azure.net",
        "graph.microsoft.com",
        "127.0.0.1",
        "localhost",
    }
)
"""Of the public cloud, as far as anybody here asks for them; and this machine."""


@dataclass(frozen=True, slots=True)
class _Token:
    audience: str
    expires: float


class TokenBook:
    """Every token that was handed out and is worth remembering.

    Args:
        lifetime: seconds that a token is good for; may be changed while running.
        clock: epoch seconds.
    """

    def __init__(self, lifetime: float, clock: Callable[[], float] = time.time) -> None:
        self.lifetime = lifetime
        self._clock = clock
        self._tokens: dict[str, _Token] = {}

    def knows(self, resource: str) -> bool:
        """Whether there are tokens for a service."""
        host = urlsplit(resource if "://" in resource else f"https://{resource}").hostname or ""
        return host.endswith(".blob.core.windows.net") or host in _SERVICES

    def issue(self, resource: str) -> tuple[str, int, int]:
        """A token for a service, and from when until when it is good, in epoch seconds."""
        now = self._clock()
        expires = int(now + self.lifetime)
        token = _shape({"aud": resource, "exp": expires, "appid": CLIENT_ID, "oid": PRINCIPAL_ID})
        while len(self._tokens) >= MAX_TOKENS:
            del self._tokens[next(iter(self._tokens))]
        self._tokens[token] = _Token(_plain(resource), expires)
        return token, int(now), expires

    def problem(self, authorization: str | None, *audiences: str) -> str | None:
        """Why a request with this Authorization header is not let in, or None."""
        scheme, _, text = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not text:
            return "A bearer token is required."
        token = self._tokens.get(text.strip())
        if token is None:
            return "The token is not one that this identity endpoint handed out, or it was revoked."
        if token.expires <= self._clock():
            return "The token has expired."
        if token.audience not in map(_plain, audiences):
            return f"The token is for {token.audience}, not for {' or '.join(audiences)}."
        return None

    def revoke(self) -> int:
        """Forget every token; says how many there were."""
        count = len(self._tokens)
        self._tokens.clear()
        return count


def _plain(resource: str) -> str:
    """With or without a slash at the end an audience is the same."""
    return resource.rstrip("/").lower()


def _shape(claims: dict[str, Any]) -> str:
    """Looks like a JWT, as Azure's do; the last part is random and signs nothing."""
    parts = [
        msgspec.json.encode({"typ": "JWT", "alg": "none"}),
        msgspec.json.encode(claims),
        secrets.token_bytes(32),
    ]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
