"""All of local Azure: started in order, watched, stopped in reverse.

Rule: Azurite and the monitor, then containers and queues, then the host, then the
events; `stack.json` is written when all are ready. Parts are started by the thread
that makes the Stack, which must live as long (tether.py). Invariant: after `stop`,
and after any failure to start, no process is left and the file is gone.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TextIO
from urllib.parse import urlsplit

import msgspec
from azure.core.exceptions import ResourceExistsError
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

from local.events import CONNECTION
from local.functions_host.config import TIMEOUT_EXIT
from shared.errors import RoutesError
from shared.routes import load

from . import azurite, environment, host
from . import state as files
from .process import Found, Part, PartDiedError, StackError
from .state import State

ROOT = Path(__file__).resolve().parents[2]
GUARD = Path(__file__).with_name("guard.py")
START_SECONDS = 60.0
WATCH_SECONDS = 0.1
STREAMS_PER_RULE = 10
"""A data collection rule holds no more."""
SWEEP_SCHEDULE = "0 */5 * * * *"
WORKSPACE = "00000000-0000-0000-0000-000000000000"
"""The monitor answers for any workspace; this is the id that it gives itself."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a stack is started with."""

    app: Path = ROOT
    """Folder of function_app.py, host.json and local.settings.json."""
    routes: Path | None = None
    """Default: routes.yaml of the app."""
    state_dir: Path = ROOT / ".logferry"
    host: str = "python"
    """python: local.functions_host; func: Azure Functions Core Tools."""
    sweep_schedule: str = SWEEP_SCHEDULE
    settings: Mapping[str, str] = field(default_factory=dict)
    """Further app settings; they win over the stack's own."""
    host_options: tuple[str, ...] = ()
    """Further arguments of the functions host, `--lock-seconds 5` for instance."""
    event_options: tuple[str, ...] = ()
    """Further arguments of local.events, `--twice` for instance."""


class Stack:
    """Local Azure, as a context manager.

    Args:
        options: see Options.
        say: takes one readable line at a time.

    Raises:
        StackError: on entering: it cannot be started; nothing is left running.
    """

    def __init__(self, options: Options | None = None, say: Callable[[str], None] = lambda _: None) -> None:
        self.options = options or Options()
        self.parts: dict[str, Part] = {}
        self._say = say
        self._folder = self.options.state_dir.resolve()
        self._stopping = threading.Event()
        self._lock: TextIO | None = None
        self._guard: subprocess.Popen[str] | None = None
        self._state: State | None = None
        self._host_environment: dict[str, str] = {}
        self._host_port = 0

    @property
    def state(self) -> State:
        """Where everything is; also in stack.json.

        Raises:
            StackError: it is not running.
        """
        if self._state is None:
            raise StackError("Local Azure is not running.")
        return self._state

    def __enter__(self) -> Stack:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start everything; returns when all parts are ready."""
        self._lock = files.lock(self._folder)
        try:
            (self._folder / "logs").mkdir(exist_ok=True)
            self._guard = self._start_guard()
            self._start_parts()
        except BaseException:
            self.stop()
            raise

    def ask_to_stop(self) -> None:
        """From a signal handler: `start` and `watch` end soon, with StoppedError and by returning."""
        self._stopping.set()

    def watch(self) -> None:
        """Return when asked to stop; start the host again after a timeout.

        Raises:
            PartDiedError: a part ended on its own.
        """
        while not self._stopping.wait(WATCH_SECONDS):
            self.check()

    def check(self) -> None:
        """See that every part runs; the host is started again if a function ran into its timeout.

        Raises:
            PartDiedError: a part ended on its own.
        """
        for name, part in list(self.parts.items()):
            if part.returncode is None:
                continue
            if name != "host" or part.returncode != TIMEOUT_EXIT:
                raise PartDiedError(part)
            self._say("host      ended by functionTimeout; started again")
            self._drop(part)
            self._start_host(again=True)
            files.write(self._folder, self._described())

    def stop(self) -> None:
        """Stop everything, last part first. Calling it again does nothing."""
        (self._folder / files.FILE).unlink(missing_ok=True)
        for part in reversed(list(self.parts.values())):
            self._drop(part)
        if self._guard is not None and self._guard.stdin is not None:
            with contextlib.suppress(OSError):
                self._guard.stdin.close()
            self._guard.wait()
        if self._lock is not None:
            self._lock.close()
        self._guard = self._lock = self._state = None

    def _start_guard(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-I", "-S", str(GUARD), str(self._folder / files.FILE)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            text=True,
        )

    def _start_parts(self) -> None:
        clean = environment.clean()
        rules, identity = self._rules(), secrets.token_hex(16)
        store = self._begin("azurite", lambda log: azurite.begin(log, clean))
        monitor = self._begin_python("monitor", self._monitor_arguments(rules, identity), clean)
        ports = self._ready(store, azurite.ready, lambda found: found.blob_endpoint)
        monitor_url = self._ready(monitor, ready_url)
        _create(ports)
        self._host_environment = {
            **clean,
            **environment.settings(
                connection_string=ports.connection_string,
                monitor_url=monitor_url,
                rules=rules,
                identity_header=identity,
                sweep_schedule=self.options.sweep_schedule,
                routes=str(self._routes()),
            ),
            # Core Tools looks for an interpreter of its own otherwise.
            "languageWorkers__python__defaultExecutablePath": sys.executable,
            **self.options.settings,
        }
        self._host_port = host.free_port() if self.options.host == "func" else 0
        self._start_host()
        self._start_events(ports, clean)
        self._state = self._describe(ports, monitor_url, rules, identity)
        files.write(self._folder, self._described())

    def _start_host(self, *, again: bool = False) -> None:
        options = self.options
        command = host.command(options.host, options.app, self._host_port, options.host_options)
        cwd = options.app if options.host == "func" else ROOT
        given = self._host_environment
        part = self._begin(
            "host", lambda log: Part("host", command, environment=given, log_path=log, cwd=cwd, append=again)
        )
        find = host.answers(self._host_url) if options.host == "func" else ready_url
        self._host_port = urlsplit(self._ready(part, find)).port or 0

    def _start_events(self, ports: azurite.Ports, clean: Mapping[str, str]) -> None:
        hook = host.webhook(self._host_url)
        arguments = ["--log", str(self.parts["azurite"].log_path), "--blob-endpoint", ports.blob_endpoint]
        arguments += ["--webhook", hook, "--container", environment.DROP, *self.options.event_options]
        given = {**clean, CONNECTION: ports.connection_string}
        self._ready(self._begin_python("events", ["local.events", *arguments], given), ready_url)

    def _monitor_arguments(self, rules: Sequence[str], identity: str) -> list[str]:
        database = self._folder / "monitor.duckdb"
        for path in (database, database.with_name(database.name + ".wal")):
            path.unlink(missing_ok=True)  # Azurite begins empty, so the tables do
        arguments = ["local.azure_monitor", "--routes", str(self._routes()), "--database", str(database)]
        arguments += [word for rule in rules for word in ("--rule", rule)]
        return [*arguments, "--port", "0", "--keep", "all", "--identity-header", identity]

    def _routes(self) -> Path:
        return (self.options.routes or self.options.app / "routes.yaml").resolve()

    def _rules(self) -> tuple[str, ...]:
        try:
            streams = load(self._routes()).streams()
        except RoutesError as error:
            raise StackError(str(error)) from error
        count = max(1, -(-len(streams) // STREAMS_PER_RULE))
        return tuple(f"dcr-{number:032x}" for number in range(1, count + 1))

    @property
    def _host_url(self) -> str:
        return f"http://127.0.0.1:{self._host_port}"

    def _begin_python(self, name: str, arguments: Sequence[str], given: Mapping[str, str]) -> Part:
        command = [sys.executable, "-m", *arguments]
        return self._begin(name, lambda log: Part(name, command, environment=given, log_path=log, cwd=ROOT))

    def _begin(self, name: str, make: Callable[[Path], Part]) -> Part:
        part = self.parts[name] = make(self._folder / "logs" / f"{name}.log")
        self._tell_guard(f"+{part.pid}")
        return part

    def _drop(self, part: Part) -> None:
        part.stop()
        self._tell_guard(f"-{part.pid}")
        self.parts.pop(part.name, None)

    def _tell_guard(self, line: str) -> None:
        if self._guard is not None and self._guard.stdin is not None:
            with contextlib.suppress(OSError):  # it was killed; the parts are tethered too
                self._guard.stdin.write(line + "\n")
                self._guard.stdin.flush()

    def _ready(
        self, part: Part, find: Callable[[str], Found | None], where: Callable[[Found], str] = str
    ) -> Found:
        found = part.wait_for(find, START_SECONDS, self._stopping)
        self._say(f"{part.name:<9} {where(found)}  {time.monotonic() - part.began:.1f} s")
        return found

    def _describe(
        self, ports: azurite.Ports, monitor_url: str, rules: tuple[str, ...], identity: str
    ) -> State:
        settings = self._host_environment
        allowed = settings.get("ALLOWED_CONTAINERS", "").split(",")
        return State(
            connection_string=ports.connection_string,
            blob_url=ports.blob_endpoint,
            queue_url=ports.queue_endpoint,
            host_url=self._host_url,
            webhook_url=host.webhook(self._host_url),
            monitor_url=monitor_url,
            query_url=f"{monitor_url}/v1/workspaces/{WORKSPACE}/query",
            identity_endpoint=f"{monitor_url}/msi/token",
            identity_header=identity,
            rules=rules,
            log=str(self.parts["host"].log_path),
            logs={name: str(part.log_path) for name, part in self.parts.items()},
            routes=str(self._routes()),
            drop_container=settings["DROP_CONTAINER"],
            allowed_containers=tuple(name.strip() for name in allowed if name.strip()),
            state_container=settings.get("STATE_CONTAINER", environment.STATE),
            deadletter_container=settings.get("DEADLETTER_CONTAINER", environment.DEADLETTER),
            ingest_queue=settings["INGEST_QUEUE"],
            work_queue=settings["WORK_QUEUE"],
            pids={},
            supervisor=os.getpid(),
        )

    def _described(self) -> State:
        pids = {name: part.pid for name, part in self.parts.items()}
        self._state = msgspec.structs.replace(self.state, pids=pids)
        return self._state


def ready_url(printed: str) -> str | None:
    """The URL in the line of JSON that says that a part of ours is ready."""
    found = re.search(r'^\{"ready": ?true.*\}$', printed, re.MULTILINE)
    return str(json.loads(found[0])["url"]) if found else None


def _create(ports: azurite.Ports) -> None:
    with BlobServiceClient.from_connection_string(ports.connection_string) as blobs:
        for container in environment.CONTAINERS:
            with contextlib.suppress(ResourceExistsError):
                blobs.create_container(container)
    with QueueServiceClient.from_connection_string(ports.connection_string) as queues:
        for queue in environment.QUEUES:
            with contextlib.suppress(ResourceExistsError):
                queues.create_queue(queue)
