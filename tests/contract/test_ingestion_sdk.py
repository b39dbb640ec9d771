"""azure-monitor-ingestion's own client against the local ingestion endpoint.

What the app's uploader sees of each answer, through the SDK's pipeline and with a
token from azure-identity.
"""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from io import BytesIO
from typing import Any

import pytest
import requests
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ResourceNotFoundError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.identity import ManagedIdentityCredential
from azure.monitor.ingestion import LogsIngestionClient
from isal import igzip

from local.azure_monitor import Config, StreamSpec, serve

RULE = "dcr-" + "a" * 32
SECRET = "a-secret-of-this-test"
STREAM = "Custom-Web"
COLUMNS = {"TimeGenerated": "datetime", "Status": "int", "Message": "string", "Extra": "dynamic"}
TRANSFORM = """source
| where Status >= 400
| extend Host = tostring(parse_json(Message).host)
| project TimeGenerated, Status, Host"""


class Service:
    """The server, and the SDK's client of it."""

    def __init__(self, url: str, client: LogsIngestionClient) -> None:
        self.url, self._client = url, client

    def upload(self, body: Any, rule: str = RULE, stream: str = STREAM, **options: Any) -> None:
        """A body as the app sends it: gzipped already, given as an IO object."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        wire = BytesIO(igzip.compress(raw, 1))
        self._client.upload(rule, stream, wire, enforce_https=False, **options)  # type: ignore[arg-type]

    def local(self, path: str, body: Any = None) -> Any:
        """The control API."""
        if body is None:
            return requests.get(f"{self.url}/local/{path}", timeout=30).json()
        return requests.post(f"{self.url}/local/{path}", json=body, timeout=30).json()

    def rows(self, kql: str) -> list[list[Any]]:
        """Of a query, over plain HTTP."""
        asked = {"query": kql, "timespan": None, "workspaces": None}
        answer = requests.post(f"{self.url}/v1/workspaces/w/query", json=asked, timeout=30)
        rows: list[list[Any]] = answer.json()["tables"][0]["rows"]
        return rows


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """A server with a transform, and a client signed in by the managed identity."""
    spec = StreamSpec(STREAM, "Web_CL", COLUMNS, TRANSFORM)
    with ExitStack() as stack:
        running = stack.enter_context(serve(Config((spec,), (RULE,), SECRET)))
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{running.url}/msi/token")
        monkeypatch.setenv("IDENTITY_HEADER", SECRET)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        credential = stack.enter_context(ManagedIdentityCredential())
        client = stack.enter_context(LogsIngestionClient(running.url, credential, retry_total=0))
        yield Service(running.url, client)


def row(**values: Any) -> dict[str, Any]:
    """A row of now."""
    return {"TimeGenerated": dt.datetime.now(dt.UTC).isoformat(), **values}


def test_what_the_sdk_uploads_lands_as_the_transform_leaves_it(service: Service) -> None:
    """A gzipped IO body goes through where, extend, parse_json and project into the table."""
    service.upload([row(Status=200), row(Status=404, Message='{"host":"h1"}'), row(Status=500)])
    assert service.rows("Web_CL | sort by Status asc | project Status, Host") == [[404, "h1"], [500, ""]]
    (metrics,) = service.local("metrics")
    assert (metrics["RowsReceived_Count"], metrics["RowsDropped_Count"]) == (3, 1)
    assert service.local("losses")["counts"] == {}


def test_the_sdk_can_split_and_compress_by_itself(service: Service) -> None:
    """A list of rows goes through the SDK's own encoder too."""
    service._client.upload(RULE, STREAM, [row(Status=400)], enforce_https=False)
    assert service.rows("Web_CL | count") == [[1]]


def test_an_unknown_rule_is_a_404(service: Service) -> None:
    """The SDK gives ResourceNotFoundError with the service's words."""
    with pytest.raises(ResourceNotFoundError, match="not found") as error:
        service.upload([row()], rule="dcr-" + "b" * 32)
    assert error.value.error is not None
    assert error.value.error.code == "NotFound"


def test_an_unknown_stream_is_a_400_with_its_code(service: Service) -> None:
    """InvalidStream arrives as the error's code and in the header."""
    with pytest.raises(HttpResponseError) as error:
        service.upload([row()], stream="Custom-Nope")
    assert (error.value.status_code, error.value.error and error.value.error.code) == (400, "InvalidStream")
    assert error.value.response is not None
    assert error.value.response.headers["x-ms-error-code"] == "InvalidStream"


def test_without_the_role_it_is_a_403(service: Service) -> None:
    """No role yet: OperationFailed, and the same client goes on when the role is there."""
    service.local("roles", {"granted": False})
    with pytest.raises(HttpResponseError) as error:
        service.upload([row(Status=400)])
    assert (error.value.status_code, error.value.error and error.value.error.code) == (403, "OperationFailed")
    service.local("roles", {"granted": True})
    service.upload([row(Status=400)])
    assert service.rows("Web_CL | count") == [[1]]


def test_a_revoked_token_stays_in_the_sdk_until_the_credential_is_new(service: Service) -> None:
    """After a 401 the same client sends the same token again; only a new credential object helps."""
    service.upload([row(Status=400)])
    service.local("tokens", {"revoke": True})
    for _ in range(2):
        with pytest.raises(ClientAuthenticationError) as error:
            service.upload([row()])
        assert error.value.status_code == 401
    with (
        ManagedIdentityCredential() as credential,
        LogsIngestionClient(service.url, credential) as client,
    ):
        Service(service.url, client).upload([row(Status=400)])
    assert service.rows("Web_CL | count") == [[2]]


def test_too_long_on_the_wire_is_a_413(service: Service) -> None:
    """Incompressible megabytes are refused with the lengths in the message."""
    with pytest.raises(HttpResponseError, match="Maximum allowed content length: 1048576 bytes") as error:
        service.upload([row(Message=os.urandom(1_200_000).hex())])
    assert error.value.status_code == 413


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_scripted_status_reaches_the_caller(service: Service, status: int) -> None:
    """Each fault's status and Retry-After header come through the SDK's pipeline."""
    service.local("faults", [{"status": status, "retry_after": "0"}])
    with pytest.raises(HttpResponseError) as error:
        service.upload([row()])
    assert error.value.status_code == status
    assert error.value.response is not None
    assert error.value.response.headers["Retry-After"] == "0"


@pytest.mark.parametrize(("moment", "rows"), [("before", 0), ("after", 1)])
def test_a_lost_answer_says_nothing_about_the_rows(service: Service, moment: str, rows: int) -> None:
    """A dropped connection is the same error whether the rows were taken or not."""
    service.local("faults", [{"reset": moment}])
    with pytest.raises((ServiceRequestError, ServiceResponseError)):
        service.upload([row(Status=400)])
    assert service.rows("Web_CL | count") == [[rows]]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"{}", "NotAnArray"),
        (igzip.compress(b"[]", mtime=0), "DoublyGzipped"),
        (b"[{]", "MalformedJson"),
        (b"[" + b" " * (50 * 1024 * 1024) + b"]", "TooLargeDecompressed"),
        (b'[{"Status":NaN}]', "NotANumber"),
        (b'[{"Message":"\\ud83d"}]', "LoneSurrogate"),
        (b'[{"Message":"\xff"}]', "InvalidUtf8"),
        (b'["text"]', "NotAnObject"),
        ([row(Nope=1)], "UndeclaredField"),
        ([row(Status="x")], "BadValue"),
        ([row(Status=2**31)], "OutOfRange"),
        ([row(Message="x" * 65_537)], "ValueCut"),
        ([{"TimeGenerated": "soon"}], "BadTime"),
        ([{"Status": 1}], "TimeMissing"),
        ([{"TimeGenerated": "2001-01-01T00:00:00Z"}], "TimeReplaced"),
        (b'[{"Status":1,"Status":2}]', "DuplicateKey"),
        ([row(), row(Message=" " * 60_000)] * 17, "NearLimit"),
        ([row(Message="é" * 30_000)] * 18, "OverLimit"),
    ],
)
def test_the_sdk_sees_success_and_the_loss_is_reported(service: Service, body: Any, kind: str) -> None:
    """204 means accepted, not validated: the SDK raises nothing, and the loss is on record."""
    service.upload(body)
    assert kind in service.local("losses")["counts"]


def test_an_http_endpoint_is_only_used_when_asked(service: Service) -> None:
    """The SDK sends no token over plain HTTP unless the call allows it."""
    with pytest.raises(AzureError):
        service._client.upload(RULE, STREAM, [row()])
    assert service.local("posts") == []
