"""azure-identity's own ManagedIdentityCredential against the local identity endpoint."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import CredentialUnavailableError, ManagedIdentityCredential

from local.azure_monitor import Config, Running, StreamSpec, serve

RULE = "dcr-" + "a" * 32
SECRET = "a-secret-of-this-test"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    """A server, with the environment that App Service would set."""
    spec = StreamSpec("Custom-A", "A_CL", {"TimeGenerated": "datetime"})
    with serve(Config((spec,), (RULE,), SECRET)) as running:
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{running.url}/msi/token")
        monkeypatch.setenv("IDENTITY_HEADER", SECRET)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield running


@pytest.mark.parametrize(
    "scope", ["https://monitor.azure.com/.default", "https://monitor.azure.com//.default"]
)
def test_both_forms_of_the_scope_open_azure_monitor(server: Running, scope: str) -> None:
    """With one slash or two before .default, the token is for Azure Monitor and good for a day."""
    with ManagedIdentityCredential() as credential:
        token = credential.get_token(scope)
    problem = server.monitor.tokens.problem(f"Bearer {token.token}", "https://monitor.azure.com")
    assert problem is None
    assert abs(token.expires_on - time.time() - 86_400) < 60


def test_a_token_for_storage_does_not_open_azure_monitor(server: Running) -> None:
    """The audience that was asked for is the one that the token has."""
    with ManagedIdentityCredential() as credential:
        token = credential.get_token("https://storage.azure.com/.default")
    problem = server.monitor.tokens.problem(f"Bearer {token.token}", "https://monitor.azure.com")
    assert "https://storage.azure.com" in str(problem)


@pytest.mark.usefixtures("server")
def test_one_credential_keeps_its_token_and_a_new_one_gets_a_new_one() -> None:
    """The SDK caches a token for each credential object, as it does with the real endpoint."""
    scope = "https://monitor.azure.com/.default"
    with ManagedIdentityCredential() as one, ManagedIdentityCredential() as other:
        assert one.get_token(scope).token == one.get_token(scope).token
        assert one.get_token(scope).token != other.get_token(scope).token


@pytest.mark.usefixtures("server")
def test_a_wrong_secret_is_an_authentication_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the secret that the platform gave, the SDK gets no token and says so."""
    monkeypatch.setenv("IDENTITY_HEADER", "wrong")
    with (
        ManagedIdentityCredential() as credential,
        pytest.raises((ClientAuthenticationError, CredentialUnavailableError)),
    ):
        credential.get_token("https://monitor.azure.com/.default")
