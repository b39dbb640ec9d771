"""A plain HTTP client of the local Azure Monitor, for its own tests."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import requests
from isal import igzip

from local.azure_monitor import Config, Running, StreamSpec

RULE = "dcr-0123456789abcdef0123456789abcdef"
SECRET = "a-secret-of-this-test"
COLUMNS = {
    "TimeGenerated": "datetime",
    "Text": "string",
    "Status": "int",
    "Count": "long",
    "Share": "real",
    "Ok": "boolean",
    "At": "datetime",
    "Extra": "dynamic",
}
STREAM = "Custom-Things"
TABLE = "Things_CL"


def things(transform: str | None = None) -> StreamSpec:
    """A stream with a column of every type."""
    return StreamSpec(STREAM, TABLE, COLUMNS, transform)


def config(*streams: StreamSpec, **settings: Any) -> Config:
    """These streams, in one rule unless more are given."""
    return Config(streams or (things(),), settings.pop("rules", (RULE,)), SECRET, **settings)


def now(**ago: float) -> str:
    """ISO 8601, `ago` before now."""
    return (dt.datetime.now(dt.UTC) - dt.timedelta(**ago)).isoformat()


def row(**values: Any) -> dict[str, Any]:
    """A row of now."""
    return {"TimeGenerated": now(), **values}


class Client:
    """Asks as the app does, by hand."""

    def __init__(self, server: Running) -> None:
        self.url = server.url
        self.monitor = server.monitor
        self.session = requests.Session()
        self.session.trust_env = False
        self.token = self.ask_token().json()["access_token"]

    def ask_token(self, resource: str = "https://monitor.azure.com", **headers: str) -> requests.Response:
        """From the identity endpoint."""
        query = {"api-version": "2019-08-01", "resource": resource}
        return self.get("/msi/token", query, {"X-IDENTITY-HEADER": SECRET, **headers})

    def post(
        self,
        body: bytes | list[Any],
        *,
        stream: str = STREAM,
        rule: str = RULE,
        version: str | None = "2023-01-01",
        gzip: bool = True,
        **headers: str | None,
    ) -> requests.Response:
        """To the ingestion endpoint; `headers` with _ for -, None leaves one out."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent: dict[str, str | None] = {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/json",
            "Content-Encoding": "gzip" if gzip else None,
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        return self.session.post(
            f"{self.url}/dataCollectionRules/{rule}/streams/{stream}",
            params={"api-version": version} if version else {},
            data=igzip.compress(raw, 1) if gzip else raw,
            headers={name: value for name, value in sent.items() if value is not None},
            timeout=30,
        )

    def get(
        self, path: str, query: dict[str, str] | None = None, headers: dict[str, str] | None = None
    ) -> requests.Response:
        """Anything."""
        return self.session.get(self.url + path, params=query, headers=headers, timeout=30)

    def control(self, path: str, body: Any) -> requests.Response:
        """POST to the control API."""
        return self.session.post(f"{self.url}/local/{path}", json=body, timeout=30)

    def query(self, kql: str, **more: Any) -> requests.Response:
        """To the query API."""
        headers = more.pop("headers", None)
        return self.session.post(
            f"{self.url}/v1/workspaces/any/query", json={"query": kql, **more}, headers=headers, timeout=30
        )

    def rows(self, kql: str) -> list[dict[str, Any]]:
        """A query's rows, by column name."""
        answer = self.query(kql)
        assert answer.status_code == 200, answer.text
        table = answer.json()["tables"][0]
        names = [column["name"] for column in table["columns"]]
        return [dict(zip(names, values, strict=True)) for values in table["rows"]]

    def losses(self) -> dict[str, int]:
        """Counts by kind."""
        return {kind: found["count"] for kind, found in self.get("/local/losses").json()["counts"].items()}

    def close(self) -> None:
        """Give the connections back."""
        self.session.close()
