"""No key opens anything: identities only."""

from __future__ import annotations

import json
import re

import pytest

from .cases import CASES, MAIN, REPOSITORY
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


@pytest.mark.parametrize("case", MAIN)
def test_storage_takes_no_key(case: str) -> None:
    """An account that is made refuses its keys, anonymous readers, plain HTTP and old TLS, whatever is switched on."""
    deployed = committed(case)
    accounts = deployed.of("Microsoft.Storage/storageAccounts")
    assert len(accounts) == (0 if CASES[case].parameters.get("storageId") else 1)
    for properties in (account["properties"] for account in accounts):
        assert properties["allowSharedKeyAccess"] is False
        assert properties["allowBlobPublicAccess"] is False
        assert properties["supportsHttpsTrafficOnly"] is True
        assert properties["minimumTlsVersion"] == "TLS1_2"
    containers = deployed.of("Microsoft.Storage/storageAccounts/blobServices/containers")
    assert {container["properties"]["publicAccess"] for container in containers} == {"None"}


@pytest.mark.parametrize("case", MAIN)
def test_monitoring_takes_no_key(case: str) -> None:
    """Workspace and telemetry refuse their keys; the app's telemetry signs in and lands in the workspace."""
    deployed = committed(case)
    given = CASES[case].parameters.get("workspaceId")
    made = deployed.of("Microsoft.OperationalInsights/workspaces")
    component = deployed.one("Microsoft.Insights/components")["properties"]
    assert [w["properties"]["features"]["disableLocalAuth"] for w in made] == ([] if given else [True])
    assert component["DisableLocalAuth"] is True
    assert component["WorkspaceResourceId"] == (given or made[0]["id"])
    assert deployed.settings()["APPLICATIONINSIGHTS_AUTHENTICATION_STRING"] == "Authorization=AAD"


@pytest.mark.parametrize("case", MAIN)
def test_app_signs_in_as_itself(case: str) -> None:
    """The app has one identity, its own, fetches its package with it, and has no publishing password."""
    deployed = committed(case)
    site = deployed.one("Microsoft.Web/sites")
    storage = site["properties"]["functionAppConfig"]["deployment"]["storage"]
    passwords = deployed.of("Microsoft.Web/sites/basicPublishingCredentialsPolicies")
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
