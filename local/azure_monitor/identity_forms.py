"""The three ways in which Azure's hosts hand out a managed identity's token.

Rule: headers, parameters, versions and refusals are the real ones', as far as they are
written down; the tokens are the book's. Invariants: no form gives a token to who does
not ask in its own way; a key of the Arc form is good for one request.

Sources: App Service and Functions (Automation's sandboxes too): "How to use managed
identities for App Service: REST endpoint reference". A VM: "How to use managed identities
on an Azure VM to get a token", with its error table; requests that came by a proxy
(X-Forwarded-For) are refused. Azure Arc: "Authenticate against Azure resources with Azure
Arc-enabled servers"; msal 1.39, which reads keys. That App Service answers 500 where the
service is unknown is what msal says of it ("empirically"); the words of the Arc agent's
refusals are nowhere documented, so they are as the metadata service's.
"""

from __future__ import annotations

import hmac
import os
import secrets
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from .identity import CLIENT_ID, TokenBook

APP_VERSION = "2019-08-01"
VM_VERSIONS = frozenset({"2018-02-01", "2019-08-01", "2021-02-01"})
ARC_VERSIONS = frozenset({"2020-06-01", "2021-02-01"})
_MOST_KEYS = 100


class Answer(NamedTuple):
    """Status, JSON and headers."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str] = {}  # noqa: RUF012 - nobody writes in it


class AppService:
    """The form of App Service, Functions and Automation.

    Args:
        book: the tokens.
        secret: what X-IDENTITY-HEADER must say.
    """

    def __init__(self, book: TokenBook, secret: str) -> None:
        self._book = book
        self._secret = secret

    def answer(self, headers: Mapping[str, str], query: Mapping[str, str]) -> Answer:
        """The answer to a request for a token."""
        shown, resource = headers.get("X-IDENTITY-HEADER"), query.get("resource")
        if shown is None or not hmac.compare_digest(shown.encode(), self._secret.encode()):
            return _app(401, "X-IDENTITY-HEADER is missing or wrong.")
        if query.get("api-version") != APP_VERSION:
            return _app(400, f"api-version must be {APP_VERSION}.")
        if not resource:
            return _app(400, "resource is required: the audience that the token is for.")
        if not self._book.knows(resource):
            return _app(500, "An unexpected error occured while fetching the AAD Token.")
        token, _, expires = self._book.issue(resource)
        return Answer(
            200,
            {
                "access_token": token,
                "expires_on": str(expires),
                "resource": resource,
                "token_type": "Bearer",
                "client_id": CLIENT_ID,
            },
        )


class Metadata:
    """The form of a VM's metadata service.

    Args:
        book: the tokens.
    """

    versions = VM_VERSIONS

    def __init__(self, book: TokenBook) -> None:
        self.assigned = True
        """Whether the machine has an identity."""
        self._book = book

    def answer(self, headers: Mapping[str, str], query: Mapping[str, str]) -> Answer:
        """The answer to a request for a token."""
        return self._refusal(headers, query) or self._token(query["resource"])

    def _refusal(self, headers: Mapping[str, str], query: Mapping[str, str]) -> Answer | None:
        version, resource = query.get("api-version"), query.get("resource")
        if headers.get("Metadata", "").lower() != "true":
            return _refused(400, "invalid_request", "Required metadata header not specified")
        if "X-Forwarded-For" in headers:
            return _refused(400, "invalid_request", "Requests with an X-Forwarded-For header are refused")
        if version not in self.versions:
            return _refused(400, "invalid_request", f"The api-version '{version}' is not supported")
        if not resource:
            return _refused(400, "invalid_request", "Required audience parameter not specified")
        return self._unknown(resource)

    def _unknown(self, resource: str) -> Answer | None:
        if not self.assigned:
            return _refused(400, "invalid_request", "Identity not found")
        if not self._book.knows(resource):
            said = (
                f"AADSTS500011: The resource principal named {resource} was not found in the tenant named x."
            )
            return _refused(400, "invalid_resource", said)
        return None

    def _token(self, resource: str) -> Answer:
        token, now, expires = self._book.issue(resource)
        lasts = str(expires - now)
        return Answer(
            200,
            {
                "access_token": token,
                "client_id": CLIENT_ID,
                "expires_in": lasts,
                "expires_on": str(expires),
                "ext_expires_in": lasts,
                "not_before": str(now),
                "resource": resource,
                "token_type": "Bearer",
            },
        )


class Arc(Metadata):
    """The form of an Arc-enabled server: who asks shows that he may read a file.

    Args:
        book: the tokens.
        folder: where keys are put; None where nobody may.
    """

    versions = ARC_VERSIONS

    def __init__(self, book: TokenBook, folder: Path | None) -> None:
        super().__init__(book)
        self.folder = folder
        self._keys: dict[str, Path] = {}

    def answer(self, headers: Mapping[str, str], query: Mapping[str, str]) -> Answer:
        """The answer to a request for a token: a challenge first."""
        refusal = self._refusal(headers, query)
        if refusal is not None:
            return refusal
        scheme, _, key = headers.get("Authorization", "").partition(" ")
        if not key:
            return self._challenge()
        path = self._keys.pop(key, None) if scheme.lower() == "basic" else None
        if path is None:
            return _refused(
                403, "invalid_request", "The key of the Authorization header is none, or was used"
            )
        path.unlink(missing_ok=True)
        return self._token(query["resource"])

    def _challenge(self) -> Answer:
        if self.folder is None:
            return _refused(500, "server_error", "This server was given no folder for keys (--arc-keys)")
        key, path = secrets.token_urlsafe(48), self.folder / f"{uuid.uuid4()}.key"
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640)
        with os.fdopen(handle, "w") as file:
            file.write(key)
        while len(self._keys) >= _MOST_KEYS:
            self._keys.pop(next(iter(self._keys))).unlink(missing_ok=True)
        self._keys[key] = path
        answer = _refused(401, "unauthorized_client", "Missing Basic Authorization header")
        return answer._replace(headers={"WWW-Authenticate": f"Basic realm={path}"})


def _app(status: int, message: str) -> Answer:
    return Answer(status, {"statusCode": status, "message": message})


def _refused(status: int, error: str, description: str) -> Answer:
    return Answer(status, {"error": error, "error_description": description})
