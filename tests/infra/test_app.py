"""The app, what it is told and what it may do."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from shared.handlers import audits, message
from shared.handlers.sweep import BORN
from shared.ledger.claims import PREFIX
from shared.ledger.store import name_of
from shared.settings import HOST_SETTINGS, SETTINGS

from .cases import CASES, GROUP, MAIN, REPOSITORY, SUBSCRIPTION
from .snapshot import Snapshot, committed

APP_SETTINGS = {
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
    "APPLICATIONINSIGHTS_CONNECTION_STRING",
    "AzureWebJobsStorage__blobServiceUri",
    "AzureWebJobsStorage__queueServiceUri",
    "AzureWebJobsStorage__tableServiceUri",
    "DATA_COLLECTION_ENDPOINT",
    "DEADLETTER_CONTAINER",
    "DROP_CONTAINER",
    "DropStorage__blobServiceUri",
    "DropStorage__queueServiceUri",
    "INGEST_QUEUE",
    "LOGS_DCR_RULE_ID",
    "PYTHON_THREADPOOL_THREAD_COUNT",
    "STATE_CONTAINER",
    "SWEEP_SCHEDULE",
    "WORK_QUEUE",
}

# Azure's rules for names: least and most characters, and which.
NAMES = {
    "Microsoft.Storage/storageAccounts": r"[a-z0-9]{3,24}",
    "Microsoft.OperationalInsights/workspaces": r"[A-Za-z0-9][A-Za-z0-9-]{2,61}[A-Za-z0-9]",
    "Microsoft.Insights/components": r"[A-Za-z0-9_().-]{1,254}[A-Za-z0-9_()-]",
    # Part of a host name, since it is Direct.
    "Microsoft.Insights/dataCollectionRules": r"[A-Za-z0-9][A-Za-z0-9-]{1,28}[A-Za-z0-9]",
    "Microsoft.Web/serverfarms": r"[A-Za-z0-9-]{1,60}",
    # 60 are allowed, but the host tells apps apart by the first 32.
    "Microsoft.Web/sites": r"[A-Za-z0-9][A-Za-z0-9-]{0,30}[A-Za-z0-9]",
    "Microsoft.EventGrid/systemTopics": r"[A-Za-z0-9-]{3,50}",
    "Microsoft.Storage/storageAccounts/blobServices/containers": r"[a-z0-9](-?[a-z0-9]){2,62}",
    "Microsoft.Storage/storageAccounts/queueServices/queues": r"[a-z0-9](-?[a-z0-9]){2,62}",
    "Microsoft.OperationalInsights/workspaces/tables": r"[A-Za-z][A-Za-z0-9_]{1,62}",
    "Microsoft.Insights/dataCollectionEndpoints": r"[A-Za-z0-9][A-Za-z0-9-]{1,42}[A-Za-z0-9]",
    "Microsoft.Insights/privateLinkScopes": r"[A-Za-z0-9_().-]{1,254}[A-Za-z0-9_()-]",
    "Microsoft.Network/virtualNetworks": r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}[A-Za-z0-9_]",
    "Microsoft.Network/privateEndpoints": r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}[A-Za-z0-9_]",
}


@pytest.mark.parametrize("case", MAIN)
def test_settings(case: str) -> None:
    """The app is given these settings and no other, whatever is switched on, but for those that were asked for."""
    asked = set(CASES[case].parameters.get("moreSettings", {}))
    assert set(committed(case).settings()) == APP_SETTINGS | asked


def test_further_settings_change_none_of_the_templates() -> None:
    """A setting of one's own is given; one that the template gives stays as it is."""
    settings = committed("storage").settings()
    assert settings["SWEEP_EXISTING"] == "true"
    assert settings["WORK_QUEUE"] == "logferry-work"


def test_settings_are_read(own: Snapshot) -> None:
    """Every setting is one that the app or its host reads, and every one that has no default is given."""
    known = {setting.name for setting in SETTINGS} | {name for name, _, _ in HOST_SETTINGS}
    telemetry = {name for name in APP_SETTINGS if name.startswith("APPLICATIONINSIGHTS_")}
    assert set(own.settings()) - telemetry <= known
    assert {setting.name for setting in SETTINGS if setting.default is None} <= set(own.settings())


def test_there_is_a_thread_for_every_invocation(own: Snapshot) -> None:
    """As many invocations as host.json lets run at once have a thread, so that small ones can share posts."""
    told = json.loads((REPOSITORY / "host.json").read_text(encoding="utf-8"))["extensions"]
    messages = told["queues"]["batchSize"] + told["queues"]["newBatchThreshold"]
    files = told["blobs"]["maxDegreeOfParallelism"]
    assert int(own.settings()["PYTHON_THREADPOOL_THREAD_COUNT"]) == messages + files


@pytest.mark.parametrize("case", MAIN)
def test_addresses_of_the_storage(case: str) -> None:
    """Each address in the settings is that of the service in its name, of the one account."""
    deployed = committed(case)
    services = {n: uri for n, uri in deployed.settings().items() if n.endswith("ServiceUri")}
    assert len(services) == 5
    for name, uri in services.items():
        service = name.partition("__")[2].removesuffix("ServiceUri")
        assert f".{service}." in uri
        assert deployed.outputs["LOGFERRY_STORAGE"] in uri


def test_triggers_find_their_settings(own: Snapshot) -> None:
    """Every %SETTING% that a trigger names is given."""
    named = re.findall(r"%(\w+)%", (REPOSITORY / "function_app.py").read_text(encoding="utf-8"))
    assert named
    assert set(named) <= set(own.settings())


def test_containers_and_queues_of_settings_exist(own: Snapshot) -> None:
    """Every container and queue that the app is told of is made, and so is the one for its package."""
    settings = own.settings()
    containers = _last(own.of("Microsoft.Storage/storageAccounts/blobServices/containers"))
    queues = _last(own.of("Microsoft.Storage/storageAccounts/queueServices/queues"))
    assert containers == {
        *(value for name, value in settings.items() if name.endswith("_CONTAINER")),
        _config(own)["deployment"]["storage"]["value"].rsplit("'", 2)[1],
        own.outputs["LOGFERRY_UNDELIVERED_CONTAINER"],
    }
    assert queues == {value for name, value in settings.items() if name.endswith("_QUEUE")}


def test_flex_consumption(own: Snapshot, corners: Snapshot) -> None:
    """The app runs Python 3.13 on a Flex Consumption plan of its own, with the memory that was asked for."""
    plan, site = own.one("Microsoft.Web/serverfarms"), own.one("Microsoft.Web/sites")
    assert plan["sku"] == {"name": "FC1", "tier": "FlexConsumption"}
    assert site["properties"]["serverFarmId"] == plan["id"]
    assert _config(own)["runtime"] == {"name": "python", "version": "3.13"}
    assert _config(own)["scaleAndConcurrency"]["instanceMemoryMB"] == 2048
    assert _config(corners)["scaleAndConcurrency"]["instanceMemoryMB"] == 512


def test_sizes_are_those_that_were_asked_for(own: Snapshot, corners: Snapshot) -> None:
    """Instances, days and schedule are the parameters', and the defaults where there are none."""
    for deployed, asked in ((own, (40, 30, "0 */5 * * * *")), (corners, (100, 90, "0 0 * * * *"))):
        workspace = deployed.one("Microsoft.OperationalInsights/workspaces")["properties"]
        assert asked == (
            _config(deployed)["scaleAndConcurrency"]["maximumInstanceCount"],
            workspace["retentionInDays"],
            deployed.settings()["SWEEP_SCHEDULE"],
        )


@pytest.mark.parametrize("case", MAIN)
def test_who_may_call_the_app(case: str) -> None:
    """Event Grid reaches a public app, nobody a private one; code can be pushed to both."""
    deployed = committed(case)
    site = deployed.one("Microsoft.Web/sites")["properties"]
    private = bool(deployed.outputs["LOGFERRY_EVENT_QUEUE"])
    assert private == CASES[case].parameters.get("privateNetworking", False)
    assert site["siteConfig"]["ipSecurityRestrictionsDefaultAction"] == ("Deny" if private else "Allow")
    assert bool(site["virtualNetworkSubnetId"]) == private
    assert site["siteConfig"]["scmIpSecurityRestrictionsDefaultAction"] == "Allow"
    assert site["siteConfig"]["scmIpSecurityRestrictionsUseMain"] is False


@pytest.mark.parametrize("case", ["default", "private"])
def test_outputs_are_what_was_made(case: str) -> None:
    """What the scripts and the reader are told is the name of what there is."""
    deployed = committed(case)
    account = deployed.one("Microsoft.Storage/storageAccounts")
    containers = _last(deployed.of("Microsoft.Storage/storageAccounts/blobServices/containers"))
    outputs = deployed.outputs
    assert {
        name: outputs[f"LOGFERRY_{name}"] for name in ("APP", "TOPIC", "STORAGE", "STORAGE_ID", "WORKSPACE")
    } == {
        "APP": deployed.one("Microsoft.Web/sites")["name"],
        "TOPIC": deployed.one("Microsoft.EventGrid/systemTopics")["name"],
        "STORAGE": account["name"],
        "STORAGE_ID": account["id"],
        "WORKSPACE": deployed.one("Microsoft.OperationalInsights/workspaces")["name"],
    }
    assert outputs["LOGFERRY_TOPIC_SUBSCRIPTION"] == SUBSCRIPTION
    assert outputs["LOGFERRY_TOPIC_GROUP"] == outputs["AZURE_RESOURCE_GROUP"] == GROUP.rsplit("/", 1)[1]
    told = {outputs["LOGFERRY_DROP_CONTAINER"], outputs["LOGFERRY_UNDELIVERED_CONTAINER"]}
    assert len(told & containers) == 2


def test_the_workspace_has_the_name_that_queries_take(own: Snapshot) -> None:
    """An output has the workspace's id as `logferry query` and `verify` take it, which is not its resource id."""
    workspace = own.one("Microsoft.OperationalInsights/workspaces")["id"]
    assert own.outputs["LOGFERRY_WORKSPACE_ID"] == f"[reference('{workspace}', '2025-07-01').customerId]"


def test_azd_finds_the_app(own: Snapshot) -> None:
    """The app has the tag that azd looks for: the name of the service in azure.yaml."""
    azure = (REPOSITORY / "azure.yaml").read_text(encoding="utf-8")
    services = re.search(r"^services:\n  (\w+):", azure, re.MULTILINE)
    assert services is not None
    assert own.one("Microsoft.Web/sites")["tags"]["azd-service-name"] == services[1]


def test_roles(corners: Snapshot) -> None:
    """The app: its storage, each rule, its telemetry; Event Grid: one container; and nothing else."""
    site, topic, storage = (
        f"{kind}/{corners.one(kind)['name']}"
        for kind in (
            "Microsoft.Web/sites",
            "Microsoft.EventGrid/systemTopics",
            "Microsoft.Storage/storageAccounts",
        )
    )
    insights = f"Microsoft.Insights/components/{corners.one('Microsoft.Insights/components')['name']}"
    rules = [f"Microsoft.Insights/dataCollectionRules/{rule['name']}" for rule in corners.rules()]
    assert len(rules) == 4
    assert corners.roles() == {
        (site, "b7e6dc6d-f1e8-4753-8033-0f276bb0955b", storage),  # Storage Blob Data Owner
        (site, "974c5e8b-45b9-4653-ba55-5f855dd0fb88", storage),  # Storage Queue Data Contributor
        (site, "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3", storage),  # Storage Table Data Contributor
        # Monitoring Metrics Publisher
        *((site, "3913510d-42f4-4e42-8a64-420c390055eb", scope) for scope in (insights, *rules)),
        (
            topic,
            "ba92f5b4-2d11-453d-a403-e96b0029c9fe",  # Storage Blob Data Contributor
            f"{storage}/blobServices/default/containers/logferry-undelivered",
        ),
    }


@pytest.mark.parametrize("case", MAIN)
def test_names(case: str) -> None:
    """Every name is legal and short enough, for the longest name of an environment too."""
    for resource in committed(case).resources:
        pattern, name = NAMES.get(resource["type"], ".*"), resource["name"].rsplit("/", 1)[-1]
        assert re.fullmatch(pattern, name), resource["id"]


def test_environments_do_not_meet(own: Snapshot, corners: Snapshot) -> None:
    """Two environments in one resource group share no resource."""
    assert not {r["id"] for r in own.resources} & {r["id"] for r in corners.resources}


def test_nothing_is_deleted_by_default(own: Snapshot) -> None:
    """Without keepDays and deadLetterDays, everything stays."""
    assert own.of("Microsoft.Storage/storageAccounts/managementPolicies") == []


def test_state_outlives_files(corners: Snapshot) -> None:
    """With keepDays, a file's entry in the ledger goes 30 days later than the file, counted from its own last writing."""
    found = _deleted(corners)
    assert {
        name: days for name, days in found.items() if "dead" not in name and "undelivered" not in name
    } == {
        "drop/": 7,
        "logferry-state/blobs/drop/": 37,
        "logferry-state/parts/": 37,
    }


def test_rules_name_what_the_ledger_writes(corners: Snapshot) -> None:
    """Entries are where the rules look for them; what is put aside and what files of other containers have is not."""
    prefixes = [name for name in _deleted(corners) if name.startswith("logferry-state/")]
    written = {
        name_of(PREFIX, "drop/web/a.csv"): True,
        name_of(PREFIX, f"drop/{'long/' * 300}a.csv"): True,
        name_of(PREFIX, "archive/a.csv"): False,
        name_of(PREFIX, "drop-2/a.csv"): False,
        message.HELD + "4711": False,
        f"held/{audits.HELD}4711": False,
        BORN: False,
    }
    assert {
        name: any(f"logferry-state/{name}".startswith(prefix) for prefix in prefixes) for name in written
    } == written


def test_the_dead_letter_has_days_of_its_own(corners: Snapshot, small: Snapshot) -> None:
    """With deadLetterDays, dead-lettered records go after that time, whatever becomes of files, and so do lost events."""
    dead = {"logferry-deadletter/", "logferry-undelivered/"}
    assert {name: days for name, days in _deleted(corners).items() if name in dead} == dict.fromkeys(dead, 90)
    assert _deleted(small) == dict.fromkeys(dead, 30)


def test_append_blobs_are_deleted_too(corners: Snapshot) -> None:
    """Every rule is for block blobs and append blobs, by their last modification: a file that still grows stays."""
    for rule in _lifecycle(corners):
        assert rule["definition"]["filters"]["blobTypes"] == ["blockBlob", "appendBlob"]
        assert list(rule["definition"]["actions"]) == ["baseBlob"]
        assert list(rule["definition"]["actions"]["baseBlob"]["delete"]) == [
            "daysAfterModificationGreaterThan"
        ]


def _lifecycle(deployed: Snapshot) -> list[dict[str, Any]]:
    policy = deployed.one("Microsoft.Storage/storageAccounts/managementPolicies")["properties"]["policy"]
    found: list[dict[str, Any]] = policy["rules"]
    return found


def _deleted(deployed: Snapshot) -> dict[str, int]:
    """Beginning of a name, with its container -> days after which blobs are deleted."""
    return {
        prefix: rule["definition"]["actions"]["baseBlob"]["delete"]["daysAfterModificationGreaterThan"]
        for rule in _lifecycle(deployed)
        for prefix in rule["definition"]["filters"]["prefixMatch"]
    }


def _last(resources: list[dict[str, Any]]) -> set[str]:
    return {resource["name"].rsplit("/", 1)[1] for resource in resources}


def _config(deployed: Snapshot) -> dict[str, Any]:
    config: dict[str, Any] = deployed.one("Microsoft.Web/sites")["properties"]["functionAppConfig"]
    return config
