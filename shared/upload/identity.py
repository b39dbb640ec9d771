"""Who we are to Azure Monitor: the managed identity, and nothing else.

Rule: no key, no secret, no app registration. azure-identity finds the right
endpoint by itself (App Service and Functions, Automation, Arc, a VM's IMDS).
Invariant: one credential object is kept, since its token cache lives in it, until
the service refuses its token; then a new one takes its place, because the old one
would hand out the same token again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

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

    return ManagedIdentityCredential()
