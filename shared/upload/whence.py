"""Where a token comes from: the identity endpoint of whatever this runs on.

Rule: the environment decides, in the order in which azure-identity and msal look at
it; nothing is asked here but whether anybody listens. Invariant: what is said of an
endpoint is what the SDK will use.

Sources: azure-identity 1.27, ManagedIdentityCredential; msal 1.39, managed_identity.py;
for the Arc agent, "Authenticate against Azure resources with Azure Arc-enabled servers".
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from collections.abc import Mapping
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

METADATA = "http://169.254.169.254"
_PATH = "/metadata/identity/oauth2/token"
_ARC_AGENT = "/opt/azcmagent/bin/himds"
_ARC_AGENT_WINDOWS = r"${ProgramFiles}\AzureConnectedMachineAgent\himds.exe"
_ARC_DEFAULT = f"http://localhost:40342{_PATH}"
_CONNECT_SECONDS = 2.0

Kind = Literal["vm", "arc", "app", "other"]


class Whence(NamedTuple):
    """An identity endpoint."""

    kind: Kind
    name: str
    """In words."""
    url: str
    """Where tokens are asked for; "" where the SDK knows."""
    because: str
    """What in the environment leads there."""

    @property
    def host(self) -> str:
        """Its host; "" where `url` is no address."""
        with contextlib.suppress(ValueError):
            return urlsplit(self.url).hostname or ""
        return ""


def whence(environ: Mapping[str, str]) -> Whence:
    """The identity endpoint that the SDK uses in an environment."""
    return _named(environ) or _found(environ)


def _named(environ: Mapping[str, str]) -> Whence | None:
    """The one that the environment names."""
    url = environ.get("IDENTITY_ENDPOINT", "")
    if url and environ.get("IDENTITY_HEADER"):
        if environ.get("IDENTITY_SERVER_THUMBPRINT"):
            return Whence("other", "Service Fabric", url, "IDENTITY_SERVER_THUMBPRINT is set")
        return Whence("app", _app(environ), url, "IDENTITY_ENDPOINT and IDENTITY_HEADER are set")
    if url and environ.get("IMDS_ENDPOINT"):
        return Whence("arc", "Azure Arc", url, "IDENTITY_ENDPOINT and IMDS_ENDPOINT are set")
    if url:
        because = "IDENTITY_ENDPOINT is set, and neither IDENTITY_HEADER nor IMDS_ENDPOINT"
        return Whence("other", "nothing that is known", "", because)
    if environ.get("MSI_ENDPOINT"):
        return Whence("other", "Azure ML or Cloud Shell", environ["MSI_ENDPOINT"], "MSI_ENDPOINT is set")
    return None


def _found(environ: Mapping[str, str]) -> Whence:
    """The one that the machine has."""
    names = ("AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_FEDERATED_TOKEN_FILE")
    if all(environ.get(name) for name in names):
        return Whence("other", "workload identity", "", "AZURE_FEDERATED_TOKEN_FILE is set")
    agent = _agent()
    if agent:
        return Whence("arc", "Azure Arc", _ARC_DEFAULT, f"its agent is here ({agent})")
    base = environ.get("AZURE_POD_IDENTITY_AUTHORITY_HOST", "")
    because = "AZURE_POD_IDENTITY_AUTHORITY_HOST is set" if base else "the environment names no other"
    return Whence("vm", "the metadata service of an Azure VM", (base or METADATA).strip("/") + _PATH, because)


def _app(environ: Mapping[str, str]) -> str:
    if environ.get("AUTOMATION_ASSET_ACCOUNTID"):
        return "Azure Automation"
    if environ.get("WEBSITE_SITE_NAME"):
        return f"the app {environ['WEBSITE_SITE_NAME']}"
    return "App Service, Functions or Automation"


def _agent() -> str:
    """The Arc agent's program, if it is installed."""
    path = os.path.expandvars(_ARC_AGENT_WINDOWS) if sys.platform == "win32" else _ARC_AGENT
    return path if os.path.exists(path) else ""  # noqa: PTH110 - as the SDK looks


def proxy_for(url: str) -> str:
    """The proxy that requests to `url` go through by this process's environment; "" for none."""
    from requests.utils import get_environ_proxies, select_proxy  # noqa: PLC0415 - the SDK's own way

    return select_proxy(url, get_environ_proxies(url)) or ""


def listens(url: str) -> bool:
    """Whether anybody accepts a connection there within two seconds."""
    with contextlib.suppress(OSError, ValueError):  # ValueError: it is no address
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        with socket.create_connection((parts.hostname or "?", port), _CONNECT_SECONDS):
            return True
    return False
