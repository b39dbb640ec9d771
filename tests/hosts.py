"""The three kinds of host that have a managed identity, as the environment of this process and a server on loopback.

msal reads a key of the Arc agent from one folder of the system only. A test that has no
such folder has msal's own table of them name another; `tests/contract/test_arc_folder.py`
leaves msal as it is, and has the folder.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msal.managed_identity
import pytest

from local.azure_monitor import Running
from tests.monitor import SECRET

NAMES = (
    "IDENTITY_ENDPOINT",
    "IDENTITY_HEADER",
    "IDENTITY_SERVER_THUMBPRINT",
    "IMDS_ENDPOINT",
    "MSI_ENDPOINT",
    "MSI_SECRET",
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_POD_IDENTITY_AUTHORITY_HOST",
    "WEBSITE_SITE_NAME",
    "AUTOMATION_ASSET_ACCOUNTID",
)
HOSTS = ("app", "vm", "arc")

Become = Callable[[str], None]


def become(host: str, server: Running, patch: pytest.MonkeyPatch, keys: Path) -> None:
    """Have this process run on such a host.

    Args:
        host: one of HOSTS.
        server: has the identity endpoint.
        patch: undoes it.
        keys: a folder for the Arc agent's keys.
    """
    for name in NAMES:
        patch.delenv(name, raising=False)
    for name in ("NO_PROXY", "no_proxy"):
        patch.setenv(name, "127.0.0.1")
    if host == "app":
        patch.setenv("IDENTITY_ENDPOINT", f"{server.url}/msi/token")
        patch.setenv("IDENTITY_HEADER", SECRET)
    elif host == "vm":
        patch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", server.url)
    else:
        keys.mkdir(exist_ok=True)
        server.monitor.arc.folder = keys
        patch.setitem(msal.managed_identity._supported_arc_platforms_and_their_prefixes, "linux", str(keys))
        patch.setenv("IDENTITY_ENDPOINT", f"{server.url}/arc/metadata/identity/oauth2/token")
        patch.setenv("IMDS_ENDPOINT", f"{server.url}/arc")
