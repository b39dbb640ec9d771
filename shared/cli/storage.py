"""Where a command finds the app's storage, and how it signs in there.

Rule: the running local Azure, unless the settings or the account are named; a
connection string where there is one, else whoever runs the command (`az login`, or
a managed identity). Invariants: what is found can be used or is one sentence that
says what helps; only the storage settings need be there, and no value that may be
a secret is ever shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import urlsplit

from .. import settings
from ..errors import ServiceUnavailable, SettingsError
from ..ledger.store import Store
from ..settings import Connection, Names
from ..sources.storage import Storage
from ..sources.work import WorkQueue
from .local import Trouble, find
from .settings import values_of
from .sign_in import SIGN_IN, operator

_READ_BYTES = 4_194_304
_RETRIES = 1
"""Who waits at a terminal is told soon that nothing answers."""

_ROLES = "Storage Blob Data Contributor and Storage Queue Data Contributor on the storage account"
_AZURE = re.compile(
    r"[a-z0-9]{3,24}(-secondary)?\.(z\d+\.)?blob\."
    r"(core\.windows\.net|core\.usgovcloudapi\.net|core\.chinacloudapi\.cn|storage\.azure\.net)"
)
"""Blob services of the clouds, DNS zones included; the operator's token goes to no other host by a word.
Source: Azure Storage account overview, storage account endpoints."""
_FIREWALL = "AuthorizationFailure"
"""Azure's code where the account's network rules say no. Source: Azure Storage, Troubleshoot 403 errors."""


@dataclass
class Place:
    """The app's storage, as an operator's command sees it."""

    where: str
    """For people: `local Azure`, or the account's address."""
    names: Names
    storage: Storage = field(repr=False)

    @cached_property
    def state(self) -> Store:
        """The ledger's container."""
        return self._store(self.names.state_container)

    @cached_property
    def dead_letter(self) -> Store:
        """The dead letter's container."""
        return self._store(self.names.deadletter_container)

    @cached_property
    def work(self) -> WorkQueue:
        """The app's own queue."""
        return WorkQueue(self.storage.queues.get_queue_client(self.names.work_queue))

    def _store(self, container: str) -> Store:
        return Store(self.storage.blobs.get_container_client(container))


def place(source: str | None = None, account: str | None = None) -> Place:
    """The storage that a command was told of.

    Args:
        source: `env`, or a file of app settings such as local.settings.json.
        account: name of a storage account, or the URL of its blob service; containers and queues
            have their default names.

    Raises:
        Trouble: neither is given and no local Azure runs, or what is given cannot be used.
    """
    if source and account:
        raise Trouble("Choose one of --settings and --account.")
    if account:
        blob, queue = _urls(account)
        return _place(blob, settings.names({}), Connection("DropStorage", None, blob, queue))
    if source:
        return _from_settings(source)
    local = find()
    names = Names(**{name: getattr(local, name) for name in Names._fields})
    return _place("local Azure", names, Connection("DropStorage", local.connection_string, None, None))


def _from_settings(source: str) -> Place:
    try:
        values = values_of(source)
        names, connection = settings.names(values), settings.connection(values)
    except SettingsError as error:
        prefix = "" if source == "env" else f"{source}: "
        raise Trouble("\n".join(f"{prefix}{sentence}" for sentence in str(error).splitlines())) from error
    return _place(connection.blob_uri or f"the storage account of {source}", names, connection)


def _place(where: str, names: Names, connection: Connection) -> Place:
    return Place(where, names, Storage(connection, _READ_BYTES, credential=operator, retries=_RETRIES))


def _urls(account: str) -> tuple[str, str]:
    """Blob and queue service of an account that is given by its name or its blob service."""
    if account.isascii() and account.isalnum() and account == account.lower():
        host = f"{account}.blob.core.windows.net"
    else:
        parts = urlsplit(account if "://" in account else f"https://{account}")
        host = parts.netloc
        if parts.scheme != "https" or not _AZURE.fullmatch(host.lower()) or parts.path.strip("/"):
            raise Trouble(
                f"--account {account} is no storage account; give its name, or the URL of its blob service "
                "(https://NAME.blob.core.windows.net). For any other, use --settings."
            )
    return f"https://{host}", f"https://{host.replace('.blob.', '.queue.', 1)}"


@contextmanager
def reached(where: Place) -> Iterator[None]:
    """What the storage service says no to, as a sentence.

    Raises:
        Trouble: not signed in, a role is missing, nothing answers, or what else it said.
    """
    from azure.core.exceptions import AzureError  # noqa: PLC0415

    try:
        yield
    except ServiceUnavailable as error:
        cause = error.__cause__
        raise Trouble(_sentence(where, cause) if isinstance(cause, AzureError) else str(error)) from error
    except AzureError as error:
        raise Trouble(_sentence(where, error)) from error


def _sentence(where: Place, error: Exception) -> str:
    from azure.core.exceptions import (  # noqa: PLC0415
        ClientAuthenticationError,
        HttpResponseError,
        ServiceRequestError,
        ServiceResponseError,
    )

    first = (str(error).splitlines() or [type(error).__name__])[0]
    if isinstance(error, ServiceRequestError | ServiceResponseError):
        return _silent(where)
    status = error.status_code if isinstance(error, HttpResponseError) else None
    if isinstance(error, ClientAuthenticationError) and status is None:
        return f"{SIGN_IN} ({first})"
    if status == 401:
        return f"{where.where} takes no such sign-in; `az login --tenant` with its tenant may help ({first})"
    if status == 403:
        code = getattr(error, "error_code", None)
        return _forbidden(where, str(getattr(code, "value", code) or ""), first)
    return f"{where.where} refused it: {first}"


def _silent(where: Place) -> str:
    if where.where == "local Azure":
        return f"Nothing answers at {where.storage.blobs.url}; start local Azure again with: make run"
    return (
        f"Nothing answers at {where.storage.blobs.url}: no such account, or no way there from this network."
    )


def _forbidden(where: Place, code: str, first: str) -> str:
    if code == _FIREWALL:
        return (
            f"{where.where} lets nobody in from this network, or not who is signed in: look at the account's "
            f"networking, then at the roles {_ROLES}."
        )
    return (
        f"{where.where} lets who is signed in read or write no data. It takes the roles {_ROLES}; a new "
        f"role takes effect within ten minutes ({code or first})."
    )
