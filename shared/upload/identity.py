"""Who we are to Azure Monitor: the managed identity, and nothing else.

Rule: no key, no secret, no app registration. azure-identity finds the right
endpoint by itself (App Service and Functions, Automation, Arc, a VM's IMDS).
Invariant: one credential object is kept, since its token cache lives in it, until
the service refuses its token; then a new one takes its place, because the old one
would hand out the same token again. Whatever keeps a token from coming is a Transient
that says so (denied.py), told from an ingestion endpoint that does not answer.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from ..connections import sendable

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken, AccessTokenInfo, TokenCredential
    from azure.identity import ManagedIdentityCredential

T = TypeVar("T")

_CLOUDS = {
    "ingest.monitor.azure.us": "https://monitor.azure.us//.default",
    "ingest.monitor.azure.cn": "https://monitor.azure.cn//.default",
}
_PUBLIC = "https://monitor.azure.com//.default"


def scope(endpoint: str) -> str:
    """Token scope for an ingestion endpoint; the double slash is Microsoft's own form of it.

    Source: azure-monitor-ingestion's samples; sovereign clouds by the endpoint's suffix.
    """
    host = urlsplit(endpoint).hostname or ""
    return next((found for suffix, found in _CLOUDS.items() if host.endswith(suffix)), _PUBLIC)


def resource(scope_of_it: str) -> str:
    """What a token for a scope is for, as the identity endpoint calls it."""
    return scope_of_it.removesuffix("/.default").rstrip("/")


def credential() -> TokenCredential:
    """The system-assigned managed identity of whatever this runs on."""
    from azure.identity import ManagedIdentityCredential  # noqa: PLC0415 - a cold start pays for what it uses

    return _Named(ManagedIdentityCredential())


def first_token(endpoint: str, environ: Mapping[str, str]) -> str:
    """A token for an ingestion endpoint, for who wants to know soon whether there is one.

    The SDK tries an address where nobody listens for half a minute; whether anybody does is asked first.

    Raises:
        Transient: there is none; see denied.py.
    """
    from . import denied  # noqa: PLC0415
    from .whence import listens, whence  # noqa: PLC0415

    here = whence(environ)
    blocked = denied.in_the_way(here)
    if blocked is None and here.url and not listens(here.url):
        blocked = denied.silent(here)
    if blocked is not None:
        raise blocked
    return credential().get_token(scope(endpoint)).token


class _Named:
    """A credential whose failures say whose they are, and what helps. Raises Transient."""

    def __init__(self, credential: ManagedIdentityCredential) -> None:
        self._credential = credential

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """As the credential's own."""
        token: AccessToken = _asked(lambda: self._credential.get_token(*scopes, **options), scopes)
        return token

    def get_token_info(self, *scopes: str, **options: Any) -> AccessTokenInfo:
        """As the credential's own."""
        token: AccessTokenInfo = _asked(lambda: self._credential.get_token_info(*scopes, **options), scopes)
        return token


def _asked(ask: Callable[[], T], scopes: tuple[str, ...]) -> T:
    try:
        token = ask()
    except Exception as error:
        from .denied import trouble  # noqa: PLC0415 - few tokens are denied

        found = trouble(error, resource(scopes[0]), os.environ)
        if found is None:
            raise
        raise found from error
    return sendable(token)
