"""What a command writes on a real terminal: hostile names and contents cannot steer it."""

from __future__ import annotations

import json
import os
import pty
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from local.azure_monitor.config import specs_from_routes
from shared.cli.local import Trouble, read
from shared.cli.main import app as cli
from shared.cli.main import main
from shared.routes import loads
from tests.azurite import Azurite
from tests.ferry import ROUTES, Ferry, ferry
from tests.monitor import WORKSPACE

EVIL = "\x1b[2J\x1b]0;owned\x07\x1b]52;c;ZXZpbA==\x07\x9b31m\r\u202eevil\x00"
"""Clear the screen, set the title, fill the clipboard, colour by a C1 byte, go back, turn the direction."""
TEXT = EVIL.replace("\x00", "")
ALLOWED = re.compile(r"\x1b\[[0-9;]*m|\x1b\[\?25[lh]|\r?\x1b\[(1A|2K)")
"""Colours and progress bars of our own."""


def on_a_terminal(arguments: list[str], width: str = "160") -> str:
    """All that the command line writes to a pseudo-terminal, standard error included."""
    ours, theirs = pty.openpty()
    found: list[bytes] = []

    def drain() -> None:
        try:
            while piece := os.read(ours, 65_536):
                found.append(piece)
        except OSError:  # the other end is closed
            pass

    reader = threading.Thread(target=drain)
    reader.start()
    with pytest.MonkeyPatch.context() as patch, os.fdopen(theirs, "w", errors="backslashreplace") as screen:
        patch.setenv("TERM", "xterm-256color")
        patch.setenv("COLUMNS", width)
        patch.setattr(sys, "stdout", screen)
        patch.setattr(sys, "stderr", screen)
        patch.setattr(sys, "argv", ["logferry", *arguments])
        with suppress(SystemExit):
            main()
    reader.join()
    os.close(ours)
    return b"".join(found).decode()


@pytest.fixture(scope="module")
def app(azurite: Azurite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Ferry, Path]]:
    """An app with hostile names and contents in its ledger, its dead letter and its tables."""
    folder = tmp_path_factory.mktemp("terminal")
    with ferry(azurite, folder, ROUTES) as made:
        good = json.dumps({"Name": EVIL, "Size": 1}).encode()
        made.drop(f"lines/{TEXT}.ndjson", good + b"\n{" + EVIL.encode() + b"\n")
        made.take(f"lines/{TEXT}.ndjson")
        made.drop(f"nowhere/{TEXT}", b"x")
        made.take(f"nowhere/{TEXT}")
        made.send({"route": TEXT, "records": [{"name": TEXT}]})
        settings = folder / "local.settings.json"
        settings.write_text(json.dumps({"Values": made.environ}))
        state = folder / ".logferry"
        state.mkdir()
        names = {
            name.lower(): made.environ[name] for name in ("DROP_CONTAINER", "STATE_CONTAINER", "WORK_QUEUE")
        }
        stack = {
            "connection_string": azurite.connection_string,
            "blob_url": azurite.blob_endpoint,
            "host_url": made.server.url,
            "monitor_url": made.server.url,
            "query_url": f"{made.server.url}/v1/workspaces/{WORKSPACE}/query",
            "log": str(folder / "host.log"),
            "routes": str(folder / "routes.yaml"),
            "allowed_containers": [],
            "ingest_queue": "ingest",
            "deadletter_container": made.environ["DEADLETTER_CONTAINER"],
            **names,
        }
        (state / "stack.json").write_text(json.dumps(stack))
        yield made, folder


COMMANDS = [
    ["deadletters", "list"],
    ["deadletters", "list", "--documents"],
    ["deadletters", "list", "--json"],
    ["deadletters", "show", "--limit", "0"],
    ["deadletters", "show", "--json"],
    ["deadletters", "replay", "--dry-run", "--routes", "ROUTES"],
    ["deadletters", "purge", "--all", "--dry-run"],
    ["status"],
    ["status", "--json"],
    ["query", "Lines_CL"],
    ["query", "Lines_CL", "--csv"],
    ["query", "Lines_CL", "--json"],
    ["query", f"Lines_CL | where Nme == '{TEXT}'"],
    ["preview", "FILE", "--as", "lines/a.ndjson"],
    ["preview", "FILE", "--as", "lines/a.ndjson", "--json"],
    ["infer", "FILE"],
    ["check", "BROKEN"],
]


NARROW = [COMMANDS[1], COMMANDS[3], COMMANDS[9]]


@pytest.mark.parametrize(
    ("command", "width"),
    [*((command, "160") for command in COMMANDS), *((command, "30") for command in NARROW)],
)
def test_no_command_lets_data_steer_the_terminal(
    app: tuple[Ferry, Path], monkeypatch: pytest.MonkeyPatch, command: list[str], width: str
) -> None:
    """Escape sequences, C1 controls, carriage returns and turned text in names and records are written out.

    That holds for tables, for JSON and for CSV, as long as the output is a terminal.
    """
    _, folder = app
    monkeypatch.chdir(folder)
    file = folder / f"{TEXT}.ndjson"
    if not file.exists():
        file.write_text(json.dumps({"Name": EVIL, "Size": EVIL, EVIL: 1}) + "\n" + EVIL + "\n")
        (folder / "broken.yaml").write_text(
            f'routes: {{ "{json.dumps(TEXT)[1:-1]}": 1, a: {{ table: "\\x1b[2J" }} }}'
        )
    words = {"FILE": str(file), "ROUTES": str(folder / "routes.yaml"), "BROKEN": str(folder / "broken.yaml")}
    settings = (
        ["--settings", str(folder / "local.settings.json")] if command[0] in {"deadletters", "status"} else []
    )
    written = on_a_terminal([*(words.get(word, word) for word in command), *settings], width)
    left = ALLOWED.sub("", written).replace("\r\n", "\n").replace("\n", "").replace("\t", "")
    assert left
    assert "Usage:" not in left
    assert left.isprintable(), ascii(left)


def test_a_pipe_gets_every_byte(app: tuple[Ferry, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that reads what a command writes gets the values as they are."""
    from typer.testing import CliRunner  # noqa: PLC0415

    monkeypatch.chdir(app[1])
    answer = CliRunner().invoke(cli, ["query", "Lines_CL | project Name", "--csv"], catch_exceptions=False)
    assert EVIL.partition("\r")[0] in answer.stdout


@pytest.mark.parametrize("key", ["query_url", "blob_url", "connection_string", "host_url", "monitor_url"])
def test_a_folder_cannot_send_files_elsewhere(app: tuple[Ferry, Path], tmp_path: Path, key: str) -> None:
    """A stack.json that names a server of another machine, as a stranger's folder may have it, is not used."""
    stack = json.loads((app[1] / ".logferry" / "stack.json").read_text())
    elsewhere = {"connection_string": stack["connection_string"].replace("127.0.0.1", "evil.example")}
    for value in (
        elsewhere.get(key, "http://evil.example/x"),
        "AccountName=a;AccountKey=b",
        "file:///etc/passwd",
    ):
        path = tmp_path / "stack.json"
        path.write_text(json.dumps({**stack, key: value}))
        with pytest.raises(Trouble, match="not on this machine"):
            read(path)


def test_the_routes_are_those_of_the_ferry() -> None:
    """What the terminal tests read is what the ferry writes."""
    assert "Lines_CL" in {spec.table for spec in specs_from_routes(loads(ROUTES))}
