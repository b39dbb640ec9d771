"""Which identity endpoint an environment leads to: the SDK's own order."""

from __future__ import annotations

import socket

import pytest
from azure.identity import ManagedIdentityCredential

from shared.upload.whence import listens, whence
from tests.hosts import NAMES

_CLASSES = {"app": "AppServiceCredential", "arc": "AzureArcCredential", "vm": "ImdsCredential"}


@pytest.mark.parametrize(
    ("environ", "kind", "name"),
    [
        ({}, "vm", "the metadata service of an Azure VM"),
        ({"AZURE_POD_IDENTITY_AUTHORITY_HOST": "http://127.0.0.1:1"}, "vm", "the metadata service of an Azure VM"),
        ({"IDENTITY_ENDPOINT": "http://x", "IDENTITY_HEADER": "y"}, "app", "App Service, Functions or Automation"),
        ({"IDENTITY_ENDPOINT": "http://x", "IDENTITY_HEADER": "y", "IMDS_ENDPOINT": "z"}, "app", "App Service, Functions or Automation"),
        ({"IDENTITY_ENDPOINT": "http://x", "IDENTITY_HEADER": "y", "WEBSITE_SITE_NAME": "func-1"}, "app", "the app func-1"),
        ({"IDENTITY_ENDPOINT": "http://x", "IMDS_ENDPOINT": "z"}, "arc", "Azure Arc"),
    ],
)  # fmt: skip
def test_it_is_the_one_that_the_sdk_takes(
    environ: dict[str, str], kind: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is said of the source of tokens is what azure-identity makes of the same environment."""
    for known in NAMES:
        monkeypatch.delenv(known, raising=False)
    for key, value in environ.items():
        monkeypatch.setenv(key, value)
    found = whence(environ)
    assert (found.kind, found.name) == (kind, name)
    with ManagedIdentityCredential() as credential:
        assert type(credential._credential).__name__ == _CLASSES[kind]


def test_an_endpoint_without_its_companion_is_nothing_that_is_known() -> None:
    """IDENTITY_ENDPOINT alone tells nobody which form it has."""
    found = whence({"IDENTITY_ENDPOINT": "http://x"})
    assert (found.kind, found.url) == ("other", "")
    assert "neither IDENTITY_HEADER nor IMDS_ENDPOINT" in found.because


def test_whether_anybody_listens() -> None:
    """A connection is tried, and nothing is sent."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{server.getsockname()[1]}/x"
        assert not listens(url)
        server.listen()
        assert listens(url)
    assert not listens("http://nowhere.invalid/")
