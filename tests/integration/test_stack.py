"""All of local Azure: started, watched, stopped, with nothing left behind.

Rule: the supervisor is a process of its own, as users run it; what is left is looked
for in /proc and at the ports.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

from local.azure_monitor.config import WORKSPACE_ID
from local.stack import Options, PartDiedError, Stack, StackError, State, azurite
from local.stack.environment import CONTAINERS, QUEUES, clean
from local.stack.host import get
from local.stack.stack import WORKSPACE
from local.stack.state import read

ROOT = Path(__file__).parents[2]
SECONDS = 60.0

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what is left behind is looked for in /proc")

SLOW = """
import time
import azure.functions as func

app = func.FunctionApp()

@app.queue_trigger(arg_name="message", queue_name="ingest", connection="DropStorage")
def on_message(message: func.QueueMessage) -> None:
    if message.dequeue_count == 1:
        time.sleep(60)

@app.blob_trigger(arg_name="file", path="drop/{name}", connection="DropStorage", source="EventGrid")
def on_blob(file: func.InputStream) -> None:
    pass
"""


def until(true: Callable[[], Any]) -> Any:
    """Wait for something to become true; gives it."""
    end = time.monotonic() + SECONDS
    while not (value := true()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)
    return value


class Supervisor:
    """`python -m local.stack` with a state folder of its own."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.output = folder.with_suffix(".txt")
        command = [sys.executable, "-m", "local.stack", "--state-dir", str(folder), *options]
        environment = {**os.environ, "AZURE_CLIENT_ID": "somebody", "MSI_SECRET": "leak"}
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                command, cwd=ROOT, stdout=output, stderr=output, env=environment, start_new_session=True
            )
        self.state: State

    def ready(self) -> Supervisor:
        """Wait until stack.json is there."""
        until(lambda: (self.folder / "stack.json").exists() or self.process.poll() is not None)
        assert self.process.poll() is None, self.output.read_text()
        self.state = read(self.folder)
        return self

    def ended(self) -> int:
        """Its exit code, as soon as there is one."""
        return self.process.wait(SECONDS)

    def left(self) -> list[str]:
        """Processes and ports of this stack that are still there."""
        urls = (self.state.blob_url, self.state.queue_url, self.state.host_url, self.state.monitor_url)
        ports = [url for url in urls if _listens(urlsplit(url).port or 0)]
        return ports + _processes(self.folder, set(self.state.pids.values()))


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _processes(folder: Path, groups: set[int]) -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            pid = int(entry.name)
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            zombie = "\nState:\tZ" in (entry / "status").read_text()
            if not zombie and (str(folder) in command or os.getpgid(pid) in groups):
                found.append(f"{pid} {command}")
    return found


Begin = Callable[..., Supervisor]


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    """Starts supervisors; whatever a test leaves of one is ended."""
    started: list[Supervisor] = []

    def begin(*options: str) -> Supervisor:
        started.append(Supervisor(tmp_path / f"state{len(started)}", *options))
        return started[-1]

    yield begin
    for supervisor in started:
        supervisor.process.terminate()
        supervisor.ended()


def test_all_parts_answer_and_sigterm_leaves_nothing(begin: Begin) -> None:
    """Storage, host and monitor answer, a dropped blob reaches its function; SIGTERM leaves nothing.

    Nothing of the user's own Azure is in the host's environment.
    """
    stack = begin().ready()
    state = stack.state
    with BlobServiceClient.from_connection_string(state.connection_string) as blobs:
        assert set(CONTAINERS) <= {container.name for container in blobs.list_containers()}
        blobs.get_blob_client(state.drop_container, "nobody/takes ä.this").upload_blob(b"x")
    with QueueServiceClient.from_connection_string(state.connection_string) as queues:
        assert set(QUEUES) <= {queue.name for queue in queues.list_queues()}
    assert get(f"{state.host_url}/admin/host/status")["state"] == "Running"
    assert set(state.rules) == set(get(f"{state.monitor_url}/local/status")["rules"])
    until(lambda: "New blob detected(EventGrid): drop/nobody/takes ä.this" in Path(state.log).read_text())
    environment = Path(f"/proc/{state.pids['host']}/environ").read_text()
    assert "IDENTITY_ENDPOINT=http://127.0.0.1" in environment
    assert "AZURE_CLIENT_ID" not in environment
    assert "MSI_SECRET" not in environment
    assert re.findall(r"^(\w+) +http\S+ +\d+\.\d s$", stack.output.read_text(), re.MULTILINE) == [
        "azurite",
        "monitor",
        "host",
        "events",
    ]
    stack.process.send_signal(signal.SIGTERM)
    assert stack.ended() == 0
    assert stack.left() == []
    assert not (stack.folder / "stack.json").exists()


@pytest.mark.parametrize("guarded", [True, False])
def test_killed_supervisor_leaves_nothing(begin: Begin, guarded: bool) -> None:
    """SIGKILL to the supervisor ends every part, and the state file goes too; to its guard, the parts still."""
    stack = begin().ready()
    if not guarded:
        guard = next(line for line in _processes(stack.folder, set()) if "guard.py" in line)
        os.kill(int(guard.split()[0]), signal.SIGKILL)
    stack.process.kill()
    stack.ended()
    until(lambda: not stack.left())
    assert (stack.folder / "stack.json").exists() is not guarded


def test_part_that_dies_stops_all(begin: Begin) -> None:
    """When a part ends on its own, it is named with the end of its log, all others stop, exit code 1."""
    stack = begin().ready()
    os.kill(stack.state.pids["events"], signal.SIGKILL)
    assert stack.ended() == 1
    said = stack.output.read_text()
    assert "events ended by signal 9" in said
    assert '{"ready": true' in said
    assert stack.left() == []


def test_second_stack_is_refused(begin: Begin, tmp_path: Path) -> None:
    """A state folder has one stack; another is told so, and the first goes on."""
    stack = begin().ready()
    with pytest.raises(StackError, match=rf"is running in .* already \(process {stack.process.pid}\)"):
        Stack(Options(state_dir=stack.folder)).start()
    assert get(f"{stack.state.host_url}/admin/host/status")["state"] == "Running"


def test_signal_while_starting_leaves_nothing(begin: Begin) -> None:
    """SIGTERM in the middle of starting ends what was started, exit code 0."""
    stack = begin()
    until(lambda: "azurite" in stack.output.read_text())
    stack.process.send_signal(signal.SIGTERM)
    assert stack.ended() == 0
    assert _processes(stack.folder, set()) == []


def test_host_is_started_again_after_a_timeout(tmp_path: Path) -> None:
    """FunctionTimeout ends the host; it is started again at the same address, and its message comes back."""
    app = tmp_path / "app"
    app.mkdir()
    (app / "function_app.py").write_text(SLOW)
    options = Options(
        app=app,
        routes=ROOT / "routes.yaml",
        state_dir=tmp_path / "state",
        settings={"AzureFunctionsJobHost__functionTimeout": "00:00:01"},
        host_options=("--lock-seconds", "3"),
    )
    lines: list[str] = []
    with Stack(options, lines.append) as stack:
        first = stack.state
        with QueueServiceClient.from_connection_string(first.connection_string) as queues:
            queues.get_queue_client("ingest").send_message("eA==")

        def done() -> bool:
            stack.check()
            return "Executed 'Functions.on_message' (Succeeded" in Path(first.log).read_text()

        until(done)
        assert stack.state.host_url == first.host_url
        assert stack.state.pids["host"] != first.pids["host"]
    assert any("functionTimeout" in line for line in lines)


def test_app_that_cannot_run_is_said_and_nothing_is_left(tmp_path: Path) -> None:
    """A host that refuses its app ends the start with the host's own sentence; no part is left."""
    options = Options(app=tmp_path, routes=ROOT / "routes.yaml", state_dir=tmp_path / "state")
    stack = Stack(options)
    with pytest.raises(PartDiedError, match=r"There is no function_app\.py"):
        stack.start()
    assert stack.parts == {}
    assert _processes(tmp_path / "state", set()) == []


def test_missing_azurite_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without node_modules the remedy is named."""
    monkeypatch.setattr(azurite, "PROGRAM", tmp_path / "nowhere")
    with pytest.raises(StackError, match="run `npm ci`"):
        azurite.begin(tmp_path / "log", {})


def test_missing_core_tools_are_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """host=func without func on the PATH says so, and starts nothing that stays."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{Path(sys.executable).parent}:/usr/bin")
    stack = Stack(Options(host="func", state_dir=tmp_path / "state"))
    with pytest.raises(StackError, match="Core Tools"):
        stack.start()
    assert _processes(tmp_path / "state", set()) == []


def test_environment_of_a_part_is_clean() -> None:
    """Identity and connections of the user's own Azure are gone, proxies are not used for loopback."""
    given = {"AZURE_TENANT_ID": "t", "MSI_ENDPOINT": "m", "DropStorage__blobServiceUri": "u", "HOME": "/h"}
    assert clean({**given, "NO_PROXY": "intern"}) == {
        "HOME": "/h",
        "NO_PROXY": "intern,127.0.0.1,localhost,::1",
        "no_proxy": "127.0.0.1,localhost,::1",
    }


def test_workspace_is_the_monitors_own() -> None:
    """The query address that stack.json gives is of the workspace that the monitor says it is."""
    assert WORKSPACE == WORKSPACE_ID
