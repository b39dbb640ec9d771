"""What each part finds in its environment.

Rule: nothing of the user's own Azure gets in: identity, connections and endpoints
are those of local Azure or absent. Loopback is never asked through a proxy.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

FOREIGN = (
    "AZURE_",
    "MSI_",
    "IDENTITY_",
    "IMDS_",
    "ARM_",
    "WEBSITE_",
    "FUNCTIONS_",
    "APPLICATIONINSIGHTS_",
    "APPINSIGHTS_",
    "AzureWebJobs",
    "AzureFunctions",
    "DropStorage",
)
LOOPBACK = "127.0.0.1,localhost,::1"


def clean(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """An environment without anything of Azure, and without proxies for loopback."""
    kept = {name: value for name, value in environment.items() if not name.startswith(FOREIGN)}
    for name in ("NO_PROXY", "no_proxy"):
        kept[name] = ",".join(filter(None, [kept.get(name, ""), LOOPBACK]))
    return kept


def settings(
    *,
    connection_string: str,
    monitor_url: str,
    rules: Sequence[str],
    identity_header: str,
    sweep_schedule: str,
    routes: str,
) -> dict[str, str]:
    """The app's settings: what the portal would hold."""
    return {
        "FUNCTIONS_WORKER_RUNTIME": "python",
        "AzureWebJobsStorage": connection_string,
        "DropStorage": connection_string,
        "DATA_COLLECTION_ENDPOINT": monitor_url,
        "LOGS_DCR_RULE_ID": ",".join(rules),
        "IDENTITY_ENDPOINT": f"{monitor_url}/msi/token",
        "IDENTITY_HEADER": identity_header,
        "DROP_CONTAINER": DROP,
        "INGEST_QUEUE": INGEST,
        "WORK_QUEUE": WORK,
        "SWEEP_SCHEDULE": sweep_schedule,
        "PYTHON_THREADPOOL_THREAD_COUNT": "128",
        "ROUTES_FILE": routes,
    }


DROP = "drop"
STATE = "logferry-state"
DEADLETTER = "logferry-deadletter"
INGEST = "ingest"
WORK = "logferry-work"
CONTAINERS = (DROP, STATE, DEADLETTER)
QUEUES = (INGEST, WORK)
