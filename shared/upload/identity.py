"""Who we are to Azure Monitor: the managed identity, and nothing else.

Rule: no key, no secret, no app registration. azure-identity finds the right
endpoint by itself (App Service and Functions, Automation, Arc, a VM's IMDS).
Invariant: one credential object is kept, since its token cache lives in it, until
the service refuses its token; then a new one takes its place, because the old one
would hand out the same token again. An identity endpoint that does not answer is told
from an ingestion endpoint that does not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from ..connections import sendable
from ..errors import ServiceUnavailable

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


def credential() -> TokenCredential:
    """The system-assigned managed identity of whatever this runs on."""
    from azure.identity import ManagedIdentityCredential  # noqa: PLC0415 - a cold start pays for what it uses

    return _Named(ManagedIdentityCredential())


class _Named:
    """A credential whose failures to reach its endpoint say whose they are. Raises ServiceUnavailable."""

    def __init__(self, credential: ManagedIdentityCredential) -> None:
        self._credential = credential

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """As the credential's own."""
        token: AccessToken = _asked(lambda: self._credential.get_token(*scopes, **options))
        return token

    def get_token_info(self, *scopes: str, **options: Any) -> AccessTokenInfo:
        """As the credential's own."""
        token: AccessTokenInfo = _asked(lambda: self._credential.get_token_info(*scopes, **options))
        return token


def _asked(ask: Callable[[], T]) -> T:
    from azure.core.exceptions import ServiceRequestError, ServiceResponseError  # noqa: PLC0415

    try:
        return sendable(ask())
    except (ServiceRequestError, ServiceResponseError) as error:
        line = (str(error).splitlines() or [type(error).__name__])[0]
        raise ServiceUnavailable(f"the managed identity's endpoint does not answer: {line}") from error
