"""One side of a comparison, as a process of its own: `python -m benchmarks.side sdk|logferry BLOB`.

Prints one JSON line: seconds from the first request to the last answer, the rows
sent, and the process's peak memory. Addresses come from the app settings in the
environment, for both sides alike.
"""

from __future__ import annotations

import json
import os
import sys
import time

from .ferry import begin
from .peak import peak_mb


def sdk(container: str, name: str) -> int:
    """What a competent user writes with the SDKs alone: whole blob, json.loads, upload(list)."""
    from azure.identity import ManagedIdentityCredential
    from azure.monitor.ingestion import LogsIngestionClient
    from azure.storage.blob import BlobServiceClient

    service = BlobServiceClient.from_connection_string(os.environ["DropStorage"])
    client = LogsIngestionClient(os.environ["DATA_COLLECTION_ENDPOINT"], ManagedIdentityCredential())
    stream = service.get_blob_client(container, name).download_blob()
    rows, rest, batch = 0, b"", []
    for chunk in stream.chunks():
        *lines, rest = (rest + chunk).split(b"\n")
        batch = [json.loads(line) for line in lines if line]
        rows += len(batch)
        client.upload(os.environ["LOGS_DCR_RULE_ID"], os.environ["BENCH_STREAM"], batch, enforce_https=False)
    return rows


def logferry(container: str, name: str) -> int:
    """The app's own way, from the blob trigger's handler on."""
    from shared.handlers import blob
    from shared.ledger.claims import PREFIX
    from shared.ledger.entry import parse

    app = begin()
    blob.take(app, container, name)
    stored = app.state.read(f"{PREFIX}{container}/{name}")
    assert stored is not None
    entry = parse(stored.document)
    assert entry.state == "done", entry
    assert entry.counts.adds_up()
    return entry.counts.accepted


def main() -> None:
    """Run one side and print its figures."""
    kind, path = sys.argv[1:]
    container, _, name = path.partition("/")
    began = time.perf_counter()
    rows = {"sdk": sdk, "logferry": logferry}[kind](container, name)
    seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "rows": rows, "peak": peak_mb() << 20}))


if __name__ == "__main__":
    main()
