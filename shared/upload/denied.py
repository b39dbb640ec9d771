"""Why there is no token, as one sentence and its remedy.

Rule: whoever asks for a token (the app, `push`, `doctor`) says it in these words, and
has them from here. Invariants: every failure of the identity SDK becomes a Transient,
never another error; no token and no key is ever in the text.

Sources: what azure-identity 1.27 and msal 1.39 raise; error answers of the metadata
service ("How to use managed identities on an Azure VM to get a token: error handling").
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from ..errors import LogferryError, NotReady, ServiceUnavailable, Transient
from .whence import METADATA, Whence, proxy_for, whence

ARC_KEYS = "/var/opt/azcmagent/tokens"
"""Where the Arc agent leaves its keys on Linux; msal reads them from nowhere else."""

_CLOUD = (
    "DATA_COLLECTION_ENDPOINT has to be in the identity's own cloud: ....ingest.monitor.azure.com for the "
    "public one, .us or .cn for the others."
)
_UNKNOWN_RESOURCE = re.compile(r"AADSTS500011|invalid_resource|AADSTS50001\b")
_NO_IDENTITY = re.compile(
    r"identity not found|no (?:user|managed|identity).*(?:found|assigned)", re.IGNORECASE
)
_LONGEST = 300


def trouble(error: BaseException, resource: str, environ: Mapping[str, str]) -> Transient | None:
    """What a failure to get a token means; None for what is no such failure.

    Args:
        error: what the SDK raised.
        resource: what the token was to be for.
        environ: the environment.
    """
    if isinstance(error, LogferryError):
        return error if isinstance(error, Transient) else None
    here = whence(environ)
    chain = _chain(error)
    text = _said(chain)
    found = [_key_file(cause, here) for cause in chain]
    return (
        next(filter(None, found), None)
        or (wrong_cloud(resource, text) if _UNKNOWN_RESOURCE.search(text) else None)
        or (in_the_way(here) if _is_denial(error) else None)
        or _of_the_endpoint(chain, here, text)
        or _refused(error, here, text)
    )


def _of_the_endpoint(chain: list[BaseException], here: Whence, text: str) -> Transient | None:
    """No answer, one that is none, or one that knows no identity."""
    from azure.core.exceptions import ServiceRequestError, ServiceResponseError  # noqa: PLC0415

    if any(isinstance(cause, json.JSONDecodeError) for cause in chain):
        return _another(here)
    if any(isinstance(cause, ServiceRequestError | ServiceResponseError) for cause in chain):
        return silent(here, text)
    if here.kind == "vm" and _NO_IDENTITY.search(text):
        return NotReady(
            f"This machine has no system-assigned identity (the metadata service says: {text}).",
            remedy="Switch it on: az vm identity assign -g GROUP -n MACHINE.",
        )
    return None


def in_the_way(here: Whence) -> Transient | None:
    """The proxy between this process and the identity endpoint, if there is one."""
    proxy = proxy_for(here.url) if here.url.startswith("http://") and here.host else ""
    if not proxy:
        return None
    return NotReady(
        f"Requests for a token go to the proxy {bare(proxy)} instead of {here.host}, which is this machine's "
        "own; no proxy can ask there for it.",
        remedy=f"Set NO_PROXY={_no_proxy(here)} (or add it to what NO_PROXY holds).",
    )


def silent(here: Whence, said: str = "nothing listens there") -> Transient:
    """No answer comes from where tokens come from."""
    if not here.host:
        return NotReady(
            f"{here.url} is no address to ask for a token.", remedy=f"It is used because {here.because}."
        )
    address = "{0.scheme}://{0.netloc}".format(urlsplit(here.url))
    what = f"The managed identity's endpoint, {address} ({here.name}), does not answer: {said}."
    if here.kind == "arc":
        remedy = (
            "Start the Arc agent (systemctl restart himdsd) and see that `azcmagent show` says Connected."
        )
    elif here.kind == "vm":
        remedy = (
            "On an Azure VM let nothing block that address; on an Arc-enabled server set IDENTITY_ENDPOINT "
            "and IMDS_ENDPOINT as its agent does; any other machine has no managed identity: connect it to "
            "Azure Arc."
        )
    else:
        remedy = f"It is used because {here.because}: those of an earlier start lead nowhere."
    return ServiceUnavailable(what, remedy=remedy)


def _another(here: Whence) -> Transient:
    """Something else answers where tokens come from."""
    return NotReady(
        f"What answers at {here.url} is not {here.name}.",
        remedy="Other clouds have a metadata service at the same address: connect a machine there to Azure "
        "Arc. In Azure, look for a proxy in between.",
    )


def wrong_cloud(resource: str, said: str) -> Transient:
    """The identity's directory knows no such service."""
    return NotReady(
        f"The managed identity gave no token for {resource}: its directory knows no such service ({said}).",
        remedy=_CLOUD,
    )


def wrong_audience(said: str) -> Transient:
    """The ingestion endpoint did not take the token."""
    return NotReady(
        f"The ingestion endpoint refuses the managed identity's token: {_short(said)}.",
        remedy=f"{_CLOUD} A token that is expired as soon as it comes is a clock that is wrong.",
    )


def _key_file(cause: BaseException, here: Whence) -> Transient | None:
    """What is wrong with the key that the Arc agent leaves for who asks."""
    if here.kind != "arc":
        return None
    name = getattr(cause, "filename", None) or ARC_KEYS
    if isinstance(cause, FileNotFoundError | NotADirectoryError):
        return NotReady(
            f"The Arc agent's key file is missing: {name}.",
            remedy="Restart the agent (systemctl restart himdsd) and see that `azcmagent show` says "
            f"Connected; in a container, mount {ARC_KEYS} too.",
        )
    if isinstance(cause, PermissionError):
        return NotReady(
            f"The Arc agent's key file may not be read by this user: {name}.",
            remedy="Put the user in the group himds (sudo usermod -aG himds USER) and sign in again, or run "
            "as root.",
        )
    text = str(cause)
    if "key file" in text or "WWW-Authenticate" in text:
        return NotReady(
            f"The Arc agent's challenge is none that can be answered ({_short(text)}).",
            remedy="See that IDENTITY_ENDPOINT leads to the agent (http://localhost:40342/...), and that the "
            "agent is up to date (azcmagent version).",
        )
    return None


def _refused(error: BaseException, here: Whence, text: str) -> Transient | None:
    if not _is_denial(error):
        return None
    # App Service says no more than 500 where the resource is one that the directory does not know.
    vague = here.kind == "app" and "500" in text
    asked = f"It was asked for at {here.url or here.name}, because {here.because}."
    return NotReady(
        f"The managed identity gave no token: {text}.", remedy=f"{_CLOUD} {asked}" if vague else asked
    )


def _is_denial(error: BaseException) -> bool:
    """Whether it is one of the SDK's own failures; anything else is a bug."""
    from azure.core.exceptions import AzureError  # noqa: PLC0415

    return isinstance(error, AzureError | OSError | ValueError)


def _chain(error: BaseException) -> list[BaseException]:
    """The error and what it was raised from."""
    found: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in found:
        found.append(cause)
        cause = cause.__cause__
    return found


def _said(chain: list[BaseException]) -> str:
    """What the endpoint said: the innermost words that are not the SDK's own."""
    text = " ".join(str(chain[0]).split()) or type(chain[0]).__name__
    _, marked, own = text.partition("Token request error: ")
    return _short(own if marked else text)


def _short(text: str) -> str:
    text = text.strip().rstrip(".")
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ..."


def bare(proxy: str) -> str:
    """Without the password that may be in it."""
    try:
        parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        return f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")
    except ValueError:
        return "whose address is none"


def _no_proxy(here: Whence) -> str:
    return here.host if here.kind != "vm" or METADATA.endswith(here.host) else f"{here.host},169.254.169.254"


__all__ = ["ARC_KEYS", "bare", "in_the_way", "silent", "trouble", "wrong_audience", "wrong_cloud"]
