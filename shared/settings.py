"""App settings: read once, checked, frozen.

Rule: nothing else in this package reads app settings. Invariant: a Settings
object can be used; a setting that is missing or wrong is a SettingsError that
names it, says what it holds and what it should. The only credential is the managed
identity; what is secret all the same (the salt of hashes, local Azure's connection
string) is in no sentence and in no `repr`. Who does only a part of the work reads
only what that takes: `sending`, `names`, `connection`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from .decode import MAX_OUTPUT, MAX_WINDOW
from .errors import SettingsError
from .routes import STREAMS_PER_RULE, Routes


@dataclass(frozen=True, slots=True)
class Connection:
    """A storage account: by identity (service URIs), or by connection string (local only)."""

    name: str
    connection_string: str | None = field(repr=False)
    blob_uri: str | None
    queue_uri: str | None


@dataclass(frozen=True, slots=True)
class Sending:
    """What it takes to read a source and to send its rows: no storage account."""

    endpoints: tuple[str, ...]
    rule_ids: tuple[str, ...]
    upload_window: int
    batch_bytes: int
    max_decoded_bytes: int
    max_window_bytes: int
    retry_seconds: int
    redact_salt: bytes | None = field(repr=False)

    def endpoint(self, rule: int) -> str:
        """The ingestion endpoint of the k-th rule."""
        return self.endpoints[rule] if len(self.endpoints) > 1 else self.endpoints[0]


@dataclass(frozen=True, slots=True)
class Settings(Sending):
    """Every app setting, checked."""

    drop_storage: Connection
    drop_container: str
    allowed_containers: tuple[str, ...]
    ingest_queue: str
    work_queue: str
    state_container: str
    deadletter_container: str
    routes_file: str
    concurrent_blobs: int
    part_bytes: int
    read_bytes: int
    claim_seconds: int
    defer_seconds: int
    settle_seconds: int
    sweep_existing: bool


def _text(value: str) -> str:
    return value


def _texts(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _urls(value: str) -> tuple[str, ...]:
    urls = tuple(part.rstrip("/") for part in _texts(value))
    if not all(_is_secure(url, loopback=True) for url in urls):
        raise ValueError("an https:// address (http only on loopback)")
    return urls


def _is_secure(url: str, *, loopback: bool) -> bool:
    """Whether a token may go there."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port, (host or "").encode("idna")  # raise where neither a port nor a name can be so
    except ValueError:
        return False
    here = loopback and parts.scheme == "http" and host in {"127.0.0.1", "localhost", "::1"}
    return bool(host) and (parts.scheme == "https" or here)


def _rules(value: str) -> tuple[str, ...]:
    rules = _texts(value)
    if not all(rule.startswith("dcr-") and "/" not in rule for rule in rules):
        raise ValueError("the rule's immutable id, dcr-..., which is neither its name nor its resource id")
    return rules


def _between(low: int, high: int) -> Callable[[str], int]:
    def parse(value: str) -> int:
        number = int(value) if value.strip().lstrip("-").isdigit() else None
        if number is None or not low <= number <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return number

    return parse


def _salt(value: str) -> bytes | None:
    if value and len(value) < 16:
        raise ValueError("16 characters or more, random ones; the same for as long as hashes are compared")
    return value.encode() or None


def _boolean(value: str) -> bool:
    if value.strip().lower() not in {"true", "false"}:
        raise ValueError("true or false")
    return value.strip().lower() == "true"


class Setting(NamedTuple):
    """One app setting: its name, how it is read, its default and its meaning."""

    name: str
    field: str
    parse: Callable[[str], Any]
    default: str | None
    meaning: str


SETTINGS: tuple[Setting, ...] = (
    Setting("DATA_COLLECTION_ENDPOINT", "endpoints", _urls, None,
            "Logs ingestion endpoint of the data collection rule; several, separated by commas, where there are several rules."),
    Setting("LOGS_DCR_RULE_ID", "rule_ids", _rules, None,
            "Immutable id of the data collection rule (dcr-...); several, separated by commas: a rule holds ten streams, so the k-th rule has the k-th ten of the routes' streams."),
    Setting("DROP_CONTAINER", "drop_container", _text, "drop", "Container that files are dropped in."),
    Setting("ALLOWED_CONTAINERS", "allowed_containers", _texts, "",
            "Further containers of the same account that a message may name blobs in, separated by commas. The drop container always is."),
    Setting("INGEST_QUEUE", "ingest_queue", _text, "ingest", "Queue that users put messages on."),
    Setting("WORK_QUEUE", "work_queue", _text, "logferry-work", "Queue of the app's own work: continuations, deferred sources, what the sweep found."),
    Setting("STATE_CONTAINER", "state_container", _text, "logferry-state", "Container of the ledger."),
    Setting("DEADLETTER_CONTAINER", "deadletter_container", _text, "logferry-deadletter", "Container of records that could become no row, with their reasons."),
    Setting("ROUTES_FILE", "routes_file", _text, "routes.yaml", "Path of the routes file, relative to the app."),
    Setting("UPLOAD_WINDOW", "upload_window", _between(1, 64), "16", "Posts of one source in flight or not covered by a checkpoint, at most: the most that a crash can repeat. How many are in flight follows from what the service answers."),
    Setting("CONCURRENT_BLOBS", "concurrent_blobs", _between(1, 64), "4", "Large blobs in work at once in one process, or more that together hold 10 MB of text for each (a compressed blob is counted ten times); further ones wait their turn. This and UPLOAD_WINDOW decide how much memory is taken."),
    Setting("PART_BYTES", "part_bytes", _between(100_000, 1 << 40), "268435456",
            "A blob of over twice as many bytes is cut into parts of about this size, which as many instances as there are work on at once: uncompressed UTF-8, in a format of which every line is a record."),
    Setting("BATCH_BYTES", "batch_bytes", _between(1_000, 1_000_000), "1000000", "Largest JSON array of one post in bytes, before gzip. Azure documents 1 MB for both forms."),
    Setting("READ_BYTES", "read_bytes", _between(65_536, 67_108_864), "4194304", "How much of a blob one read takes."),
    Setting("MAX_DECODED_BYTES", "max_decoded_bytes", _between(1_000_000, 1 << 50), str(MAX_OUTPUT),
            "What one compressed source may become in bytes, all files of an archive together; what is over it is not read. Over 1,000 bytes from each compressed byte are refused as a bomb in any case."),
    Setting("MAX_WINDOW_BYTES", "max_window_bytes", _between(1_048_576, 2_147_483_648), str(MAX_WINDOW),
            "Memory that one zstd or xz source may ask for to be unpacked. The default takes all but `zstd --long` and `--ultra -22`; for these set 134217728, on instances of 2 GB or more."),
    Setting("CLAIM_SECONDS", "claim_seconds", _between(5, 600), "60", "How long a worker that shows no sign of life keeps its claim on a source."),
    Setting("RETRY_SECONDS", "retry_seconds", _between(0, 1_800), "300", "How long one invocation retries a post before the rest is deferred."),
    Setting("DEFER_SECONDS", "defer_seconds", _between(0, 604_800), "3600", "How long a source is deferred while rule, stream or role are not ready, before it is dead-lettered."),
    Setting("SWEEP_SETTLE_SECONDS", "settle_seconds", _between(0, 86_400), "120", "How old a blob without a ledger entry must be before the sweep takes it."),
    Setting("SWEEP_EXISTING", "sweep_existing", _boolean, "false", "Whether the sweep also takes blobs that are older than the app itself (its state container)."),
    Setting("REDACT_SALT", "redact_salt", _salt, "", "Secret that `redact: hash` is made with, at least 16 characters; best a Key Vault reference. Needed if a route hashes."),
)  # fmt: skip

HOST_SETTINGS: tuple[tuple[str, str, str], ...] = (
    (
        "DropStorage__blobServiceUri",
        "",
        "Blob service of the account with the drop container, reached by identity.",
    ),
    ("DropStorage__queueServiceUri", "", "Queue service of the same account."),
    ("DropStorage", "", "Its connection string instead; for local Azure only."),
    (
        "AzureWebJobsStorage__blobServiceUri",
        "",
        "Blob service of the Functions host's own account, reached by identity. `__accountName` does in the public cloud alone.",
    ),
    ("AzureWebJobsStorage__queueServiceUri", "", "Queue service of the same account."),
    (
        "AzureWebJobsStorage__tableServiceUri",
        "",
        "Table service of the same account: the host's diagnostic events.",
    ),
    (
        "SWEEP_SCHEDULE",
        "0 */5 * * * *",
        "When the sweep runs, as an NCRONTAB expression of six fields (UTC).",
    ),
    (
        "PYTHON_THREADPOOL_THREAD_COUNT",
        "processors + 4",
        "Invocations that the worker runs at once. 128, as infra sets it, is what host.json lets run: 96 messages and 32 files. Small ones that run together share posts.",
    ),
)
"""Settings that the Functions host or the storage clients read: name, default, meaning."""


def read(environ: Mapping[str, str]) -> Settings:
    """Settings from an environment.

    Raises:
        SettingsError: lists every setting that is missing or wrong.
    """
    problems: list[str] = []
    values = _values(SETTINGS, environ, problems)
    connection = _connection("DropStorage", environ, problems)
    if problems or connection is None:
        raise SettingsError("\n".join(problems))
    values["allowed_containers"] = (values["drop_container"], *values["allowed_containers"])
    return Settings(drop_storage=connection, **values)


def sending(environ: Mapping[str, str]) -> Sending:
    """What it takes to send alone, for who has files of their own. Raises SettingsError."""
    problems: list[str] = []
    wanted = {field.name for field in fields(Sending)}
    values = _values([setting for setting in SETTINGS if setting.field in wanted], environ, problems)
    if problems:
        raise SettingsError("\n".join(problems))
    return Sending(**values)


def state_folder(environ: Mapping[str, str]) -> Path:
    """Where progress and dead letters are kept by who pushes files of a machine.

    systemd's STATE_DIRECTORY where a unit has one; else `logferry` below XDG_STATE_HOME or, on Windows,
    LOCALAPPDATA; else ~/.local/state/logferry.
    """
    own = environ.get("STATE_DIRECTORY", "").partition(":")[0]
    if own:
        return Path(own)
    base = environ.get("XDG_STATE_HOME") or environ.get("LOCALAPPDATA")
    return Path(base or Path.home() / ".local" / "state") / "logferry"


class Names(NamedTuple):
    """What the app's containers and queues are called."""

    drop_container: str
    allowed_containers: tuple[str, ...]
    ingest_queue: str
    work_queue: str
    state_container: str
    deadletter_container: str


def names(environ: Mapping[str, str]) -> Names:
    """The names alone, for who works with the storage and sends nothing. Raises SettingsError."""
    found = {setting.field: setting for setting in SETTINGS}
    return Names(**{name: _one(found[name], environ) for name in Names._fields})


def connection(environ: Mapping[str, str]) -> Connection:
    """The drop storage account alone. Raises SettingsError."""
    problems: list[str] = []
    found = _connection("DropStorage", environ, problems)
    if found is None:
        raise SettingsError("\n".join(problems))
    return found


def lacking(config: Sending, routes: Routes) -> list[str]:
    """What these settings lack for these routes: a sentence for each, none where all is well."""
    problems = []
    streams = len(routes.streams())
    needed = -(-streams // STREAMS_PER_RULE)
    if len(config.rule_ids) < needed:
        problems.append(
            f"LOGS_DCR_RULE_ID names {len(config.rule_ids)} rules, but the routes have {streams} streams and a rule holds ten: {needed} are needed."
        )
    return problems if config.redact_salt is not None else problems + lacking_salt(routes)


def lacking_salt(routes: Routes) -> list[str]:
    """What these routes lack where REDACT_SALT is not set."""
    hashing = [route.name for route in routes.by_name.values() if "hash" in route.redact.values()]
    return [f"REDACT_SALT is not set, but the route {name} has redact: hash." for name in hashing[:1]]


def _values(settings: Sequence[Setting], environ: Mapping[str, str], problems: list[str]) -> dict[str, Any]:
    """The values that can be used, by field; what is wrong with the others goes to `problems`."""
    values: dict[str, Any] = {}
    for setting in settings:
        try:
            values[setting.field] = _one(setting, environ)
        except ValueError as error:
            problems.append(str(error))
    _pairs(values, problems)
    return values


def _one(setting: Setting, environ: Mapping[str, str]) -> Any:
    text = environ.get(setting.name) or setting.default
    if text is None:
        raise ValueError(f"{setting.name} is not set. {setting.meaning}")
    try:
        return setting.parse(text)
    except ValueError as error:
        said = "set" if setting.field == "redact_salt" else repr(text)
        raise ValueError(f"{setting.name} is {said}; it should be {error}.") from error


def _connection(name: str, environ: Mapping[str, str], problems: list[str]) -> Connection | None:
    text = environ.get(name) or None
    blob = environ.get(f"{name}__blobServiceUri") or environ.get(f"{name}__serviceUri") or None
    queue = environ.get(f"{name}__queueServiceUri") or None
    if text is None and (blob is None or queue is None):
        problems.append(
            f"{name}__blobServiceUri and {name}__queueServiceUri are not both set. They name the storage account's services; the managed identity signs in."
        )
        return None
    for kind, uri in (("blob", blob), ("queue", queue)):
        if text is None and not _is_secure(uri or "", loopback=False):
            problems.append(f"{name}__{kind}ServiceUri is {uri!r}; it should be an https:// address.")
            return None
    return Connection(name, text, blob, queue)


def _pairs(values: dict[str, Any], problems: list[str]) -> None:
    endpoints, rules = values.get("endpoints"), values.get("rule_ids")
    if endpoints and rules and len(endpoints) not in {1, len(rules)}:
        problems.append(
            f"DATA_COLLECTION_ENDPOINT has {len(endpoints)} addresses for {len(rules)} rules in LOGS_DCR_RULE_ID; "
            "give one for all, or one each."
        )
