"""Local Azure, as it says where it is.

Rule: `.logferry/stack.json`, which local Azure writes when it is ready and removes
when it ends, is all that is known of it; it is looked for here and in the folders
above. Invariants: what is returned is complete; anything else is one sentence. It is
on loopback, which no proxy is asked for from then on: a folder that somebody else has
made sends nobody's files elsewhere.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from ..errors import ConfigError, Permanent
from ..sources.message import asked

FOLDER = ".logferry"
FILE = "stack.json"
LOOPBACK = "127.0.0.1,localhost"


class Trouble(ConfigError):  # noqa: N818 - what the user is told, not what the code did
    """A command cannot do what was asked; the message says why, and what helps."""


class Local(msgspec.Struct, frozen=True, kw_only=True):
    """Where everything is."""

    connection_string: str
    blob_url: str
    """Of the storage account: a message's URLs begin with it."""
    host_url: str
    monitor_url: str
    query_url: str
    log: Path
    """The functions host's, which has the audit rows."""
    routes: Path
    drop_container: str
    allowed_containers: tuple[str, ...]
    """Further ones that a message may name blobs in."""
    ingest_queue: str
    work_queue: str
    state_container: str
    deadletter_container: str

    def sources_of(self, message: str) -> list[str]:
        """The blobs that a message names, as audit rows call them; none for one with records."""
        containers = (self.drop_container, *self.allowed_containers)
        try:
            what = asked(message, self.blob_url, containers)
        except Permanent:
            return []
        return [f"{blob.container}/{blob.name}" for blob in what] if isinstance(what, list) else []


def find(start: Path | None = None) -> Local:
    """The running local Azure of this folder or one above.

    Raises:
        Trouble: there is none.
    """
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        path = folder / FOLDER / FILE
        if path.is_file():
            return read(path)
    raise Trouble("Local Azure is not running here; start it with: make run")


def read(path: Path) -> Local:
    """What a stack.json says.

    Raises:
        Trouble: it is not one.
    """
    for name in ("NO_PROXY", "no_proxy"):
        os.environ[name] = ",".join(filter(None, [os.environ.get(name), LOOPBACK]))
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Local, strict=False, dec_hook=_path)
    except (OSError, msgspec.DecodeError) as error:
        raise Trouble(f"{path} cannot be used ({error}); start local Azure again with: make run") from error
    if not all(map(_is_here, _addresses(found))):
        raise Trouble(f"{path} names a server that is not on this machine, as local Azure's are; remove it.")
    return found


def _addresses(local: Local) -> list[str]:
    services = dict(part.partition("=")[::2] for part in local.connection_string.split(";"))
    own = [services.get("BlobEndpoint", ""), services.get("QueueEndpoint", "")]
    return [*own, *filter(None, [local.blob_url, local.host_url, local.monitor_url, local.query_url])]


def _is_here(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "http" and parts.hostname in {"127.0.0.1", "localhost"}


def _path(kind: type, value: str) -> Path:
    return Path(value)
