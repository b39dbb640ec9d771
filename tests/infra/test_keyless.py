"""No key opens anything: identities only."""

from __future__ import annotations

import json
import re

import pytest

from .cases import CASES, REPOSITORY
from .snapshot import Snapshot, committed

# What Flex Consumption sets itself and refuses in the settings.
FORBIDDEN = {
    "FUNCTIONS_EXTENSION_VERSION",
    "FUNCTIONS_WORKER_RUNTIME",
    "SCM_DO_BUILD_DURING_DEPLOYMENT",
    "WEBSITE_CONTENTAZUREFILECONNECTIONSTRING",
    "WEBSITE_CONTENTSHARE",
    "WEBSITE_RUN_FROM_PACKAGE",
}


def test_storage_takes_no_key(own: Snapshot) -> None:
    """The account refuses its keys, anonymous readers, plain HTTP and old TLS."""
    properties = own.one("Microsoft.Storage/storageAccounts")["properties"]
    assert properties["allowSharedKeyAccess"] is False
    assert properties["allowBlobPublicAccess"] is False
    assert properties["supportsHttpsTrafficOnly"] is True
    assert properties["minimumTlsVersion"] == "TLS1_2"
    containers = own.of("Microsoft.Storage/storageAccounts/blobServices/containers")
    assert {container["properties"]["publicAccess"] for container in containers} == {"None"}


def test_monitoring_takes_no_key(own: Snapshot) -> None:
    """Workspace and telemetry refuse their keys; the app's telemetry signs in and lands in the workspace."""
    workspace = own.one("Microsoft.OperationalInsights/workspaces")
    component = own.one("Microsoft.Insights/components")["properties"]
    assert workspace["properties"]["features"]["disableLocalAuth"] is True
    assert component["DisableLocalAuth"] is True
    assert component["WorkspaceResourceId"] == workspace["id"]
    assert own.settings()["APPLICATIONINSIGHTS_AUTHENTICATION_STRING"] == "Authorization=AAD"


def test_app_signs_in_as_itself(own: Snapshot) -> None:
    """The app has one identity, its own, fetches its package with it, and has no publishing password."""
    site = own.one("Microsoft.Web/sites")
    storage = site["properties"]["functionAppConfig"]["deployment"]["storage"]
    passwords = own.of("Microsoft.Web/sites/basicPublishingCredentialsPolicies")
    assert site["identity"] == {"type": "SystemAssigned"}
    assert storage["authentication"] == {"type": "SystemAssignedIdentity"}
    assert site["properties"]["httpsOnly"] is True
    assert {p["name"].rsplit("/", 1)[1]: p["properties"]["allow"] for p in passwords} == {
        "ftp": False,
        "scm": False,
    }


def test_no_secret_in_settings(own: Snapshot) -> None:
    """No setting holds a key, a signature or an account's connection string, or names what Flex refuses."""
    settings = own.settings()
    assert not FORBIDDEN & set(settings)
    assert "AzureWebJobsStorage" not in settings
    assert "DropStorage" not in settings
    assert not re.search(
        r"AccountKey|SharedAccess|sig=|listKeys|password", json.dumps(settings), re.IGNORECASE
    )


@pytest.mark.parametrize("case", [name for name in CASES if name != "subscription"])
def test_no_key_is_asked_for(case: str) -> None:
    """Nothing in any deployment lists keys, but for the subscription that posts to the app."""
    deployed = committed(case)
    everything = json.dumps([deployed.resources, deployed.outputs])
    assert not re.search(r"list(Keys|AccountSas|ServiceSas|Secrets)\(", everything, re.IGNORECASE)
    assert not re.search(r"AccountKey|SharedAccess(?!Key\": ?false)|sig=", everything)


def test_one_key_is_read_in_azure() -> None:
    """The only key that any template reads is the blob webhook's, where Event Grid's subscription is made."""
    found = {
        path.name: len(re.findall(r"\blist\w*\(", path.read_text(encoding="utf-8")))
        for path in (REPOSITORY / "infra").glob("*.bicep")
    }
    assert {name: count for name, count in found.items() if count} == {"subscription.bicep": 1}
