"""Who a command signs in as: whoever runs it.

Rule: what somebody has set up on purpose comes first (a service principal or a federated
identity in the environment, as in CI), then who is signed in to the Azure CLI, the Azure
Developer CLI or Azure PowerShell, and only then the machine's own managed identity. So
who has run `az login` on a virtual machine asks as themselves, and who has not still gets
in where the machine may. Invariant: no key, and nothing that opens a browser by itself.

AZURE_TOKEN_CREDENTIALS chooses one of them, or a group, as it does for Azure's own tools
(azure-identity, DefaultAzureCredential); that takes their order.
"""

from __future__ import annotations

import logging
import os
from typing import Any

SIGN_IN = "Not signed in to Azure: run `az login`, or give this machine a managed identity"


def operator() -> Any:
    """A credential of whoever runs the command; nothing is asked of anybody yet."""
    import azure.identity as ways  # noqa: PLC0415 - a local account does without

    # It warns of every way to sign in that is not there; what helps is one sentence.
    logging.getLogger("azure.identity").setLevel(logging.CRITICAL)
    if os.environ.get("AZURE_TOKEN_CREDENTIALS"):
        return ways.DefaultAzureCredential()
    federated = [ways.WorkloadIdentityCredential()] if os.environ.get("AZURE_FEDERATED_TOKEN_FILE") else []
    return ways.ChainedTokenCredential(
        ways.EnvironmentCredential(),
        *federated,
        ways.AzureCliCredential(),
        ways.AzureDeveloperCliCredential(),
        ways.AzurePowerShellCredential(),
        ways.ManagedIdentityCredential(),
    )
