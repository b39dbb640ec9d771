"""Tokens: handed out as a managed identity's, and recognised when they come back.

Rule: a token is opaque to everybody but this book, which remembers audience and
expiry. Invariant: a token that this server did not hand out opens nothing.

Source of the form: App Service's managed identity REST reference (api-version
2019-08-01): header X-IDENTITY-HEADER, `expires_on` as epoch seconds in a string.
"""

from __future__ import annotations

import base64
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

API_VERSION = "2019-08-01"
CLIENT_ID = "11111111-1111-1111-1111-111111111111"
MAX_TOKENS = 10_000


@dataclass(frozen=True, slots=True)
class _Token:
    audience: str
    expires: float


class TokenBook:
    """Every token that was handed out and is worth remembering.

    Args:
        secret: what X-IDENTITY-HEADER must say.
        lifetime: seconds that a token is good for; may be changed while running.
        clock: epoch seconds.
    """

    def __init__(self, secret: str, lifetime: float, clock: Callable[[], float] = time.time) -> None:
        self.lifetime = lifetime
        self._secret, self._clock = secret, clock
        self._tokens: dict[str, _Token] = {}

    def answer(
        self, header: str | None, version: str | None, resource: str | None
    ) -> tuple[int, dict[str, Any]]:
        """Status and JSON for a request to the identity endpoint."""
        if header is None or not hmac.compare_digest(header.encode(), self._secret.encode()):
            return 401, {"statusCode": 401, "message": "X-IDENTITY-HEADER is missing or wrong."}
        if version != API_VERSION:
            return 400, {"statusCode": 400, "message": f"api-version must be {API_VERSION}."}
        if not resource:
            return 400, {
                "statusCode": 400,
                "message": "resource is required: the audience that the token is for.",
            }
        return 200, self._issue(resource)

    def _issue(self, resource: str) -> dict[str, Any]:
        expires = int(self._clock() + self.lifetime)
        token = _shape({"aud": resource, "exp": expires, "appid": CLIENT_ID})
        while len(self._tokens) >= MAX_TOKENS:
            del self._tokens[next(iter(self._tokens))]
        self._tokens[token] = _Token(_plain(resource), expires)
        return {
            "access_token": token,
            "expires_on": str(expires),
            "resource": resource,
            "token_type": "Bearer",
            "client_id": CLIENT_ID,
        }

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
