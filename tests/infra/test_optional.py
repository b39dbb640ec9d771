"""What is there already, a network of one's own, another cloud: what each changes, and what it leaves alone."""

from __future__ import annotations

import ipaddress
import json
import re
from pathlib import Path
from typing import Any

import pytest

from shared.upload.identity import scope

from .cases import CASES, ELSEWHERE, GROUP, STORAGE, TOPIC, WORKSPACE
from .snapshot import Snapshot, committed

STORAGE_ROLES = {
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",  # Storage Blob Data Owner
    "974c5e8b-45b9-4653-ba55-5f855dd0fb88",  # Storage Queue Data Contributor
    "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",  # Storage Table Data Contributor
}
DOMAINS = {
    "private": ("core.windows.net", "azure.com", "agentsvc.azure-automation.net"),
    "government": ("core.usgovcloudapi.net", "azure.us", "agentsvc.azure-automation.us"),
}


def _kinds(deployed: Snapshot, place: str) -> set[str]:
    return {resource["type"] for resource in deployed.resources if resource["id"].startswith(place)}


def test_every_part_is_switched_on() -> None:
    """Every parameter of the template that names what is there, or switches, is told in some case."""
    text = (Path(__file__).parents[2] / "infra" / "main.bicep").read_text(encoding="utf-8")
    parts = set(re.findall(r"^param (\w+) \w+ = (?:''|false|environment\(\))$", text, re.MULTILINE))
    told = {name for case in CASES.values() for name in case.parameters}
    assert {"workspaceId", "storageId", "topicId", "privateNetworking", "cloud"} <= parts
    assert parts <= told


def test_existing_workspace() -> None:
    """Tables are made in the workspace where it is, and nothing else there; rules in its region, pointing at it."""
    deployed = committed("workspace")
    assert deployed.of("Microsoft.OperationalInsights/workspaces") == []
    assert _kinds(deployed, ELSEWHERE) == {"Microsoft.OperationalInsights/workspaces/tables"}
    assert [table["id"] for table in deployed.of("Microsoft.OperationalInsights/workspaces/tables")] == [
        f"{WORKSPACE}/tables/A_CL"
    ]
    (rule,) = deployed.rules()
    assert f"reference('{WORKSPACE}', '2025-07-01', 'full'), 'location')" in rule["location"]
    (destination,) = rule["properties"]["destinations"]["logAnalytics"]
    assert destination["workspaceResourceId"] == WORKSPACE
    component = deployed.one("Microsoft.Insights/components")
    assert component["properties"]["WorkspaceResourceId"] == WORKSPACE
    assert component["location"] == deployed.one("Microsoft.Web/sites")["location"] == "westeurope"
    assert deployed.outputs["LOGFERRY_WORKSPACE"] == "central"
    assert deployed.outputs["LOGFERRY_WORKSPACE_ID"] == f"[reference('{WORKSPACE}', '2025-07-01').customerId]"


def test_existing_account() -> None:
    """Containers, queues, roles and the topic are made in the account where it is; its own properties are not touched."""
    deployed = committed("storage")
    assert deployed.of("Microsoft.Storage/storageAccounts") == []
    assert deployed.of("Microsoft.Storage/storageAccounts/managementPolicies") == []
    assert _kinds(deployed, ELSEWHERE) == {
        "Microsoft.Storage/storageAccounts/blobServices/containers",
        "Microsoft.Storage/storageAccounts/queueServices/queues",
        "Microsoft.Authorization/roleAssignments",
        "Microsoft.EventGrid/systemTopics",
    }
    topic = deployed.one("Microsoft.EventGrid/systemTopics")
    assert topic["properties"]["source"] == STORAGE
    assert f"reference('{STORAGE}', '2025-06-01', 'full'), 'location')" in topic["location"]
    settings = deployed.settings()
    assert settings["DROP_CONTAINER"] == "landing"
    assert settings["INGEST_QUEUE"] == "rows"
    assert "stlanding" in settings["DropStorage__blobServiceUri"]
    assert _on(deployed, STORAGE) == STORAGE_ROLES


def test_lifecycle_of_an_existing_account_is_told() -> None:
    """An account has one policy: its owner is given the rules that this deployment would have made."""
    rules = committed("storage").outputs["LOGFERRY_LIFECYCLE_RULES"]
    assert [rule["definition"]["filters"]["prefixMatch"] for rule in rules] == [
        ["landing/"],
        ["logferry-state/blobs/landing/", "logferry-state/parts/"],
    ]
    assert committed("37-routes").outputs["LOGFERRY_LIFECYCLE_RULES"] == []


def test_existing_topic() -> None:
    """An account's own topic is used where it is, its identity given the role; none is made."""
    deployed = committed("topic")
    assert deployed.of("Microsoft.EventGrid/systemTopics") == []
    assert deployed.outputs["LOGFERRY_TOPIC"] == TOPIC.rsplit("/", 1)[1]
    assert deployed.outputs["LOGFERRY_TOPIC_GROUP"] == "data"
    assert deployed.outputs["LOGFERRY_TOPIC_SUBSCRIPTION"] == TOPIC.split("/")[2]
    container = f"{STORAGE}/blobServices/default/containers/logferry-undelivered"
    assert _on(deployed, container) == {"ba92f5b4-2d11-453d-a403-e96b0029c9fe"}
    (principal,) = {
        role["properties"]["principalId"]
        for role in deployed.of("Microsoft.Authorization/roleAssignments")
        if role["id"].startswith(container)
    }
    assert TOPIC in principal


@pytest.mark.parametrize("case", ["private", "government"])
def test_network(case: str) -> None:
    """The app's subnet is as Flex Consumption wants it; the two subnets lie in the network, apart."""
    deployed = committed(case)
    network = deployed.one("Microsoft.Network/virtualNetworks")["properties"]
    app, endpoints = network["subnets"]
    assert [d["properties"]["serviceName"] for d in app["properties"]["delegations"]] == [
        "Microsoft.App/environments"
    ]
    ranges = [ipaddress.ip_network(subnet["properties"]["addressPrefix"]) for subnet in (app, endpoints)]
    (whole,) = map(ipaddress.ip_network, network["addressSpace"]["addressPrefixes"])
    assert all(part.subnet_of(whole) and part.prefixlen <= 27 for part in ranges)  # type: ignore[arg-type]
    assert not ranges[0].overlaps(ranges[1])
    assert "_" not in app["name"]
    site = deployed.one("Microsoft.Web/sites")["properties"]
    assert site["virtualNetworkSubnetId"].endswith("/subnets/app")
    assert site["siteConfig"]["ipSecurityRestrictionsDefaultAction"] == "Deny"


@pytest.mark.parametrize("case", ["private", "government"])
def test_everything_has_a_private_name(case: str) -> None:
    """Storage and Azure Monitor each have an endpoint, and the zones of its cloud to be found by, linked to the network."""
    deployed = committed(case)
    storage, azure, agents = DOMAINS[case]
    account = deployed.one("Microsoft.Storage/storageAccounts")["id"]
    scope = deployed.one("Microsoft.Insights/privateLinkScopes")["id"]
    found = {}
    for endpoint in deployed.of("Microsoft.Network/privateEndpoints"):
        (connection,) = endpoint["properties"]["privateLinkServiceConnections"]
        (group,) = connection["properties"]["groupIds"]
        found[group] = (connection["properties"]["privateLinkServiceId"], _zones_of(deployed, endpoint))
        assert endpoint["properties"]["subnet"]["id"].endswith("/subnets/endpoints")
    blob, queue, table = (f"privatelink.{service}.{storage}" for service in ("blob", "queue", "table"))
    monitor = {
        f"privatelink.monitor.{azure}",
        f"privatelink.oms.opinsights.{azure}",
        f"privatelink.ods.opinsights.{azure}",
        f"privatelink.{agents}",
    }
    assert found == {
        "blob": (account, {blob}),
        "queue": (account, {queue}),
        "table": (account, {table}),
        "azuremonitor": (scope, {blob, *monitor}),
    }
    assert {zone["name"] for zone in deployed.of("Microsoft.Network/privateDnsZones")} == {
        blob, queue, table, *monitor,
    }  # fmt: skip


@pytest.mark.parametrize("case", ["private", "government"])
def test_the_network_asks_the_zones(case: str) -> None:
    """Every zone is linked to the network, and only answers; no machine is written into it."""
    deployed = committed(case)
    network = deployed.one("Microsoft.Network/virtualNetworks")["id"]
    links = deployed.of("Microsoft.Network/privateDnsZones/virtualNetworkLinks")
    assert {link["name"].partition("/")[0] for link in links} == {
        zone["name"] for zone in deployed.of("Microsoft.Network/privateDnsZones")
    }
    for link in links:
        assert link["properties"] == {"registrationEnabled": False, "virtualNetwork": {"id": network}}


def test_private_ingestion(private: Snapshot) -> None:
    """Rows come through an endpoint without public access, that the link scope holds beside workspace and telemetry."""
    endpoint = private.one("Microsoft.Insights/dataCollectionEndpoints")
    assert endpoint["properties"]["networkAcls"] == {"publicNetworkAccess": "Disabled"}
    scope = private.one("Microsoft.Insights/privateLinkScopes")["properties"]
    assert scope["accessModeSettings"] == {"ingestionAccessMode": "PrivateOnly", "queryAccessMode": "Open"}
    linked = private.of("Microsoft.Insights/privateLinkScopes/scopedResources")
    assert {link["properties"]["linkedResourceId"] for link in linked} == {
        endpoint["id"],
        private.one("Microsoft.OperationalInsights/workspaces")["id"],
        private.one("Microsoft.Insights/components")["id"],
    }
    for rule in private.rules():
        assert rule["properties"]["dataCollectionEndpointId"] == endpoint["id"]
    assert endpoint["id"] in private.settings()["DATA_COLLECTION_ENDPOINT"]
    assert "logsIngestion.endpoint" in private.settings()["DATA_COLLECTION_ENDPOINT"]
    for kind in ("Microsoft.OperationalInsights/workspaces", "Microsoft.Insights/components"):
        assert private.one(kind)["properties"]["publicNetworkAccessForIngestion"] == "Disabled"


def test_private_storage(private: Snapshot) -> None:
    """The account lets in no network and no address: trusted services by their roles, and private endpoints."""
    assert private.one("Microsoft.Storage/storageAccounts")["properties"]["networkAcls"] == {
        "defaultAction": "Deny",
        "bypass": "AzureServices",
        "ipRules": [],
        "virtualNetworkRules": [],
    }


def test_private_events(private: Snapshot, own: Snapshot) -> None:
    """Event Grid may put events on the queue of the app, and only there and only if events come that way."""
    sender = "c6a89b2d-59bc-44d0-9896-0f6e12d7b80a"
    account = private.one("Microsoft.Storage/storageAccounts")["id"]
    assert _on(private, f"{account}/queueServices/default/queues/ingest") == {sender}
    assert private.outputs["LOGFERRY_EVENT_QUEUE"] == private.settings()["INGEST_QUEUE"]
    assert own.outputs["LOGFERRY_EVENT_QUEUE"] == ""
    assert sender not in json.dumps(own.resources)


def test_private_with_what_is_there() -> None:
    """Private endpoints and the link scope point at what is there already, and change nothing of it."""
    deployed = committed("private-existing")
    assert _kinds(deployed, ELSEWHERE) == {
        "Microsoft.OperationalInsights/workspaces/tables",
        "Microsoft.Storage/storageAccounts/blobServices/containers",
        "Microsoft.Storage/storageAccounts/queueServices/queues",
        "Microsoft.Authorization/roleAssignments",
    }
    targets = {
        connection["properties"]["privateLinkServiceId"]
        for endpoint in deployed.of("Microsoft.Network/privateEndpoints")
        for connection in endpoint["properties"]["privateLinkServiceConnections"]
    }
    assert targets == {STORAGE, deployed.one("Microsoft.Insights/privateLinkScopes")["id"]}
    linked = deployed.of("Microsoft.Insights/privateLinkScopes/scopedResources")
    assert WORKSPACE in {link["properties"]["linkedResourceId"] for link in linked}
    assert _on(deployed, f"{STORAGE}/queueServices/default/queues/ingest")
    region = f"reference('{WORKSPACE}', '2025-07-01', 'full'), 'location')"
    assert region in deployed.one("Microsoft.Insights/dataCollectionEndpoints")["location"]


def test_default_is_public_and_whole(own: Snapshot) -> None:
    """Without parameters nothing of a network is made, rules are their own endpoints, and all is in one group."""
    assert not [r for r in own.resources if r["type"].startswith("Microsoft.Network/")]
    assert all(rule["properties"].get("dataCollectionEndpointId") is None for rule in own.rules())
    assert all(resource["id"].startswith(GROUP) for resource in own.resources)


def test_sovereign_cloud() -> None:
    """No address of the public cloud is left, and the app's tokens are for the cloud of its endpoint."""
    text = json.dumps(committed("government").resources)
    assert not re.search(r"core\.windows\.net|monitor\.azure\.com|opinsights\.azure\.com", text)
    settings = committed("government").settings()
    uris = {name: uri for name, uri in settings.items() if name.endswith("ServiceUri")}
    assert len(uris) == 5
    assert all(uri.endswith(".core.usgovcloudapi.net") for uri in uris.values())
    assert (
        scope("https://dce-a-1.usgovvirginia-1.ingest.monitor.azure.us")
        == "https://monitor.azure.us//.default"
    )
    assert (
        scope("https://dcr-a-1.chinanorth3-1.ingest.monitor.azure.cn") == "https://monitor.azure.cn//.default"
    )


def _zones_of(deployed: Snapshot, endpoint: dict[str, Any]) -> set[str]:
    """Zones that an endpoint writes its names to."""
    (group,) = (
        group
        for group in deployed.of("Microsoft.Network/privateEndpoints/privateDnsZoneGroups")
        if group["id"].startswith(f"{endpoint['id']}/")
    )
    configs = group["properties"]["privateDnsZoneConfigs"]
    return {config["properties"]["privateDnsZoneId"].rsplit("/", 1)[1] for config in configs}


def _on(deployed: Snapshot, scope_id: str) -> set[str]:
    """Roles given on exactly this."""
    return {
        role["properties"]["roleDefinitionId"].rsplit("/", 1)[1]
        for role in deployed.of("Microsoft.Authorization/roleAssignments")
        if role["id"].rsplit("/providers/Microsoft.Authorization", 1)[0] == scope_id
    }
