"""`logferry push`, as a user runs it: real identity endpoints on loopback, the real corridor, the local Azure Monitor."""

from __future__ import annotations

import errno
import gzip
import io
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from local.azure_monitor import Config, Running, serve
from local.azure_monitor.config import specs_from_routes
from shared import push, settings
from shared.cli import push as cli_push
from shared.cli.main import app
from shared.errors import SourceBusy, SourceChanged
from shared.ledger import deadletter
from shared.ledger.files import claim
from shared.ledger.folder import Folder
from shared.push import one
from shared.push.kept import Kept
from shared.routes import loads
from shared.sources import file as file_module
from shared.sources.file import FileSource
from tests.hosts import HOSTS, become
from tests.monitor import RULE, SECRET, MonitorUnderTest

ROOT = Path(__file__).resolve().parents[2]
ROUTES = """
routes:
  lines:
    from: { blobs: ["lines/**"] }
    format: ndjson
    table: Lines_CL
    columns: { Name: {}, Number: { type: int }, RecordId: { fact: record_id }, Machine: { fact: container } }
  rows:
    from: { blobs: ["rows/**"] }
    format: csv
    table: Rows_CL
    columns: { Name: { from: name }, Size: { type: int, from: size } }
    drop: { Name: [skip] }
"""
BATCH = 2_000
ROWS_OF_A_POST = BATCH // 30


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with serve(Config(specs_from_routes(loads(ROUTES)), (RULE,), SECRET)) as server:
        yield server


class Here:
    """A folder with routes and files, a state folder, and the tables."""

    def __init__(self, root: Path, server: Running) -> None:
        self.root, self.running = root, server
        self.server = MonitorUnderTest(server.url, (RULE,))
        self.state = root / "state"
        self.prefix = os.urandom(4).hex()

    def write(self, name: str, *numbers: int, end: str = "\n") -> Path:
        """Append lines with these numbers to lines/NAME."""
        path = self.root / "lines" / name
        path.parent.mkdir(exist_ok=True)
        lines = [json.dumps({"Name": self.prefix, "Number": n}) for n in numbers]
        with path.open("a") as file:
            file.write("\n".join(lines) + (end if lines else ""))
        return path

    def run(self, *arguments: object, code: int = 0, stdin: bytes | None = None) -> Result:
        done = CliRunner().invoke(
            app, ["push", *map(str, arguments), "--state", str(self.state)], input=stdin
        )
        text = (
            done.output
            if done.exception is None or isinstance(done.exception, SystemExit)
            else str(done.exception)
        )
        assert done.exit_code == code, text
        return done

    def push(self, *arguments: object, code: int = 0, stdin: bytes | None = None) -> list[dict[str, Any]]:
        return json.loads(self.run(*arguments, "--json", code=code, stdin=stdin).stdout)  # type: ignore[no-any-return]

    def landed(self) -> list[int]:
        """The numbers that are in the table, in order, repeats included."""
        return [row["Number"] for row in self.rows()]

    def rows(self) -> list[dict[str, Any]]:
        return self.server.rows(
            f"Lines_CL | where Name == '{self.prefix}' | project Number, RecordId, Machine | order by Number asc"
        )

    def dead(self) -> list[deadletter.Line]:
        files = sorted((self.state / "dead-letter").rglob("*.ndjson"))
        return [line for file in files for line in deadletter.parse(file.read_bytes())]


@pytest.fixture
def here(tmp_path: Path, running: Running, monkeypatch: pytest.MonkeyPatch) -> Iterator[Here]:
    become("app", running, monkeypatch, tmp_path / "tokens")
    (tmp_path / "routes.yaml").write_text(ROUTES)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATA_COLLECTION_ENDPOINT", running.url)
    monkeypatch.setenv("LOGS_DCR_RULE_ID", RULE)
    monkeypatch.setenv("RETRY_SECONDS", "0")
    monkeypatch.setattr(one, "REST_SECONDS", 0.0)
    monkeypatch.setattr(cli_push, "_prepare", lambda: None)  # this process's memory is the whole suite's
    yield Here(tmp_path, running)
    running.monitor.faults.clear()
    running.monitor.roles.granted = True


@pytest.mark.parametrize("host", HOSTS)
def test_a_file_lands_from_each_kind_of_host(
    here: Here, host: str, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A VM, an Arc-enabled server and an app push a file with their own identity; the table adds up."""
    become(host, running, monkeypatch, here.root / "tokens")
    rows = here.root / "rows" / "a.csv"
    rows.parent.mkdir()
    rows.write_text("name,size\na,1\nskip,2\nb,3\nbad\n")
    done = here.run(here.write("a.ndjson", 1, 2, 3), rows, code=1)
    assert here.landed() == [1, 2, 3]
    assert "7 records read = 5 accepted + 1 filtered + 1 dead-lettered" in done.output
    assert {row["Machine"] for row in here.rows()} == {socket.gethostname()}


def test_what_became_of_each_file_is_a_row(here: Here) -> None:
    """For a pipe: plain columns; a file that is missing, and a folder, are rows with a reason, and the others land."""
    lines, gone = here.write("a.ndjson", 1), here.root / "lines" / "gone.ndjson"
    done = here.run(lines, gone, lines.parent, "--route", "lines", code=1)
    assert "No such file" in done.output
    assert "Is a directory" in done.output
    assert here.landed() == [1]
    assert "\x1b" not in done.output


def test_what_could_be_no_row_is_on_the_disk_with_its_bytes(here: Here) -> None:
    """The dead letter has the original bytes, the reason and the place, and the exit code says that there is one."""
    path = here.write("a.ndjson", 1)
    with path.open("ab") as file:
        file.write(b"{broken\n\xff\xfe\n")
    here.write("a.ndjson", 2)
    (row,) = here.push(path, code=1)
    assert (row["read"], row["accepted"], row["dead_lettered"], row["state"]) == (4, 2, 2, "done")
    found = {line.content: (line.reason, line.line, line.ordinal, line.kind) for line in here.dead()}
    assert found == {b"{broken": ("InvalidJson", 2, 1, "file"), b"\xff\xfe": ("InvalidUtf8", 3, 2, "file")}
    assert Path(row["dead_letter"]).is_dir()
    assert oct(here.state.stat().st_mode)[-3:] == "700"


def test_rejects_are_on_the_disk_before_progress_is(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the dead letter cannot be written, no checkpoint passes the record; the next run has it again."""
    path = here.write("a.ndjson", 1)
    path.write_bytes(path.read_bytes() + b"{broken\n")
    (here.state).mkdir()
    (here.state / "dead-letter").touch()
    (row,) = here.push(path, code=1)
    assert row["state"] == "not ready"
    assert "cannot be written" in row["reason"]
    (here.state / "dead-letter").unlink()
    (row,) = here.push(path, code=1)
    assert (row["state"], row["dead_lettered"]) == ("done", 1)
    assert [line.content for line in here.dead()] == [b"{broken"]


def test_a_file_that_was_pushed_repeats_nothing(here: Here) -> None:
    """The second time nothing is sent; with --again everything is, under the same ids."""
    path = here.write("a.ndjson", 1, 2)
    here.push(path)
    (row,) = here.push(path)
    assert (row["state"], row["read"]) == ("nothing new", 0)
    assert here.landed() == [1, 2]
    here.push(path, "--again")
    assert here.landed() == [1, 1, 2, 2]
    assert len({row["RecordId"] for row in here.rows()}) == 2


def test_a_log_goes_on_at_its_end(here: Here) -> None:
    """What was appended lands, and nothing twice; the last line waits for its newline, which is no failure."""
    path = here.write("app.log", 1, 2)
    here.push(path, "--growing")
    here.write("app.log", 3, end="")
    (row,) = here.push(path, "--growing")
    assert (row["state"], row["read"]) == ("unfinished", 0)
    with path.open("a") as file:
        file.write("\n")
    here.write("app.log", 4)
    (row,) = here.push(path, "--growing")
    assert (row["state"], row["read"], here.landed()) == ("done", 2, [1, 2, 3, 4])
    with path.open("a") as file:
        file.write("{bad\n{")
    (row,) = here.push(path, "--growing", code=1)
    assert (row["state"], row["dead_lettered"]) == ("unfinished", 1)


def test_a_new_file_whose_last_line_has_no_end(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that was written a moment ago keeps its last line for later, with exit code 1, unless it is final."""
    monkeypatch.setattr(one, "REST_SECONDS", 120.0)
    path = here.write("a.ndjson", 1, 2, end="")
    (row,) = here.push(path, code=1)
    assert (row["state"], here.landed()) == ("unfinished", [1])
    assert "--final" in row["reason"]
    (row,) = here.push(path, "--final")
    assert (row["state"], here.landed()) == ("done", [1, 2])


def test_a_last_line_that_was_taken_too_early_lands_whole(here: Here) -> None:
    """A line that was cut by --final comes again as it is by then, under the same id, and no byte of it is lost."""
    path = here.write("app.log", 1, end="")
    with path.open("a") as file:
        file.write('\n{"Name": "' + here.prefix + '", "Number": 2')
    (row,) = here.push(path, "--final", code=1)
    assert row["dead_lettered"] == 1
    with path.open("a") as file:
        file.write("2}\n")
    here.write("app.log", 3)
    (row,) = here.push(path)
    assert (row["accepted"], here.landed()) == (2, [1, 3, 22])
    assert len({found["RecordId"] for found in here.rows()}) == 3


def test_a_log_that_was_renamed_goes_on_and_its_follower_begins(here: Here) -> None:
    """Rotation: app.log.1 gets what came after the last push, app.log is read from its beginning, nothing twice."""
    path = here.write("app.log", 1, 2)
    here.push(path)
    here.write("app.log", 3)
    path.rename(path.with_name("app.log.1"))
    here.write("app.log", 4)
    here.push(path, path.with_name("app.log.1"))
    assert here.landed() == [1, 2, 3, 4]
    here.push(path, path.with_name("app.log.1"))
    assert here.landed() == [1, 2, 3, 4]


def test_a_file_that_was_written_anew(here: Here) -> None:
    """One with more at its end goes on, though an editor put another file in its place; one with other content begins."""
    path = here.write("a.ndjson", 1, 2)
    here.push(path)
    new = here.write("b.ndjson", 1, 2, 3)
    new.replace(path)
    here.push(path)
    assert here.landed() == [1, 2, 3]
    path.unlink()
    here.write("a.ndjson", 4)
    here.push(path)
    assert here.landed() == [1, 2, 3, 4]


def test_compressed_files_and_their_new_members(here: Here) -> None:
    """gzip that grew by a member goes on behind what was settled."""
    path = here.root / "lines" / "a.gz"
    path.parent.mkdir(exist_ok=True)

    def packed(n: int) -> bytes:
        return gzip.compress(json.dumps({"Name": here.prefix, "Number": n}).encode() + b"\n", mtime=0)

    path.write_bytes(packed(1))
    here.push(path)
    path.write_bytes(packed(1) + packed(2))
    here.push(path)
    assert here.landed() == [1, 2]


def test_a_name_that_is_no_text(here: Here) -> None:
    """Bytes in a file's name that are no UTF-8 are written out, on the screen, in JSON and in the state."""
    path = here.write("a.ndjson", 1)
    odd = path.with_name(os.fsdecode(b"caf\xe9.ndjson"))
    path.rename(odd)
    (row,) = here.push(odd)
    assert (row["state"], here.landed()) == ("done", [1])
    assert row["file"].endswith("caf\\udce9.ndjson")
    assert "nothing new" in here.run(odd).output


def test_two_pushes_are_never_on_one_file(here: Here) -> None:
    """Under another name, too, a file is one push's alone; who comes second leaves it, and says so."""
    path = here.write("a.ndjson", 1)
    other = path.with_name("b.ndjson")
    os.link(path, other)
    source = FileSource(path)
    with claim(Folder(here.state), path, source.identity, "lines"):
        for name in (path, other):
            (row,) = here.push(name, code=1)
            assert row["state"] == "busy"
        with pytest.raises(SourceBusy), claim(Folder(here.state), path, source.identity, "lines"):
            pass
    source.close()
    here.push(other)
    assert here.landed() == [1]


def test_a_role_that_is_missing_stops_and_goes_on_later(here: Here) -> None:
    """403: one sentence, no other file is begun, nothing is lost; with the role everything lands once."""
    files = [here.write("a.ndjson", 1), here.write("b.ndjson", 2)]
    here.running.monitor.roles.granted = False
    done = here.run(*files, code=1)
    assert done.output.count("Monitoring Metrics Publisher") == 1
    assert "not begun" in done.output
    assert "say the same again" in done.output
    here.running.monitor.roles.granted = True
    here.push(*files)
    assert here.landed() == [1, 2]


def test_a_role_that_goes_in_the_middle(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was accepted stays settled, the rest goes on from there; what flew beside the refused post is told of."""
    monkeypatch.setenv("BATCH_BYTES", str(BATCH))
    monkeypatch.setenv("UPLOAD_WINDOW", "2")
    path = here.write("a.ndjson", *range(300))
    here.server.faults({"delay": 0, "times": 3}, {"status": 403, "times": 100})
    (row,) = here.push(path, code=1)
    assert 0 < row["accepted"] < 300
    here.running.monitor.faults.clear()
    (rest,) = here.push(path)
    assert row["accepted"] + rest["accepted"] == 300
    landed = here.landed()
    assert sorted(set(landed)) == list(range(300))
    assert len(landed) - 300 == row["maybe_repeated"] <= 2 * ROWS_OF_A_POST


def _process(here: Here, path: Path) -> subprocess.Popen[str]:
    environ = {
        **os.environ,
        "BATCH_BYTES": str(BATCH),
        "UPLOAD_WINDOW": "2",
        "PYTHONPATH": str(ROOT),
        "RETRY_SECONDS": "1800",
    }
    command = [
        sys.executable,
        "-c",
        "from shared.cli.main import main; main()",
        "push",
        str(path),
        "--state",
        str(here.state),
    ]
    return subprocess.Popen(
        command, cwd=here.root, env=environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def _posts(here: Here) -> int:
    return len(here.server.call("GET", "/local/posts"))


def test_a_push_that_is_killed_goes_on(here: Here) -> None:
    """SIGKILL in the middle: the next push goes on at the checkpoint and repeats at most the posts in flight."""
    path, count = here.write("a.ndjson", *range(600)), 600
    before = _posts(here)
    here.server.faults({"times": 8}, {"delay": 30, "times": 2})
    killed = _process(here, path)
    while _posts(here) < before + 8:
        assert killed.poll() is None, killed.communicate()[0]
        time.sleep(0.02)
    killed.kill()
    killed.communicate()
    here.running.monitor.faults.clear()
    (row,) = here.push(path)
    assert 0 < row["read"] < count
    landed = here.landed()
    assert sorted(set(landed)) == list(range(count))
    assert len(landed) - count <= 2 * ROWS_OF_A_POST
    assert len({found["RecordId"] for found in here.rows()}) == count


def test_ctrl_c_ends_at_a_checkpoint_and_says_how_to_go_on(here: Here) -> None:
    """SIGINT while posts are refused for the time being: a clean end with a sentence, and nothing lost or doubled."""
    path = here.write("a.ndjson", *range(600))
    before = _posts(here)
    here.server.faults({"times": 4}, {"status": 503, "times": 1000})
    stopped = _process(here, path)
    while _posts(here) < before + 6:
        assert stopped.poll() is None, stopped.communicate()[0]
        time.sleep(0.02)
    stopped.send_signal(signal.SIGINT)
    text, _ = stopped.communicate(timeout=120)  # a post would be tried again for half an hour
    assert stopped.returncode == 1, text
    assert "Stopping at a checkpoint" in text
    assert "say the same again" in text
    assert "Traceback" not in text
    here.running.monitor.faults.clear()
    here.push(path)
    assert here.landed() == list(range(600))


def test_standard_input_lands_and_is_kept_if_it_cannot(here: Here) -> None:
    """What came on a pipe is on the disk before it is sent; where Azure takes nothing it stays there, with the command."""
    text = json.dumps({"Name": here.prefix, "Number": 1}).encode()
    here.running.monitor.roles.granted = False
    (row,) = here.push("-", "--route", "lines", stdin=text, code=1)
    assert Path(row["kept"]).read_bytes() == text
    here.running.monitor.roles.granted = True
    here.push(row["kept"], "--route", "lines")
    assert here.landed() == [1]
    (row,) = here.push("-", "--route", "lines", stdin=text)
    assert (row["state"], row["kept"]) == ("done", "")
    assert here.landed() == [1, 1]
    assert not list((here.state / "spool").iterdir())
    assert not list((here.state / "files").iterdir())


def test_a_stream_is_kept_where_there_is_no_token(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever wrote it is gone: it is on the disk, with a command that can be said as it stands, from any folder."""
    file = here.write("a b.ndjson", 1)
    text = json.dumps({"Name": here.prefix, "Number": 2}).encode()
    monkeypatch.setenv("IDENTITY_HEADER", "wrong")
    done = here.run(file, "-", "--route", "lines", stdin=text, code=1)
    assert "not begun" in done.output
    assert "gave no token" in done.output
    monkeypatch.setenv("IDENTITY_HEADER", SECRET)
    (command,) = re.findall("To go on with it: (.*)", done.output)
    monkeypatch.chdir("/")
    again = CliRunner().invoke(app, shlex.split(command)[1:])
    assert again.exit_code == 0, again.output
    assert here.landed() == [2]
    assert not list((here.state / "spool").iterdir())


def test_a_stream_that_a_killed_push_left_is_told_of(here: Here) -> None:
    """The next push names it, with the command; what never came to its end was not sent, and is removed."""
    spool = here.state / "spool"
    spool.mkdir(parents=True)
    (spool / "lines.0123").write_text(json.dumps({"Name": here.prefix, "Number": 1}))
    (spool / ".lines.4567").write_text("{")
    done = here.run(here.write("a.ndjson", 2))
    (command,) = re.findall("end of a stream: (.*)", done.stderr)
    assert [path.name for path in spool.iterdir()] == ["lines.0123"]
    assert CliRunner().invoke(app, shlex.split(command)[1:]).exit_code == 0
    assert here.landed() == [1, 2]
    assert here.run("lines/a.ndjson").stderr == ""


def test_a_stream_that_is_in_work_is_nobody_elses(here: Here) -> None:
    """What another push has just taken from its stream is not called left, and not removed."""
    kept = Kept(Folder(here.state))
    with kept.taken(io.BytesIO(b"{}"), "lines") as path:
        assert Kept(Folder(here.state)).left() == {}
        assert path.exists()
    assert Kept(Folder(here.state)).left() == {path: "lines"}
    assert not list((here.state / "locks").glob("spool*"))


def test_what_cannot_be_opened_is_a_row(here: Here) -> None:
    """A socket, a name that is too long, a stream that cannot be read: a reason each, and the others land."""
    file = here.write("a.ndjson", 1)
    with socket.socket(socket.AF_UNIX) as listening:
        with chdir(file.parent):
            listening.bind("odd")
        rows = here.push("lines/odd", "x" * 300, file, "--route", "lines", code=1)
    assert [row["state"] for row in rows] == ["unreadable", "unreadable", "done"]
    assert here.landed() == [1]


def test_a_stream_that_gives_no_more(here: Here) -> None:
    """An error of the stream is said as such, and nothing of what came before it is sent."""
    made = push.Push(loads(ROUTES), settings.sending(os.environ), Folder(here.state))
    row = made.stream(_Broken(), loads(ROUTES).by_name["lines"], "x")
    assert (row.state, row.reason) == ("unreadable", "it cannot be read: Input/output error")
    assert not list((here.state / "spool").iterdir())


class _Broken(io.BytesIO):
    def read(self, size: int | None = -1) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_a_pipe_is_read_like_standard_input(here: Here) -> None:
    """A named pipe, which is what `<(command)` is, can be read once; it lands."""
    pipe = here.root / "lines" / "pipe"
    pipe.parent.mkdir()
    os.mkfifo(pipe)
    writer = threading.Thread(
        target=pipe.write_text, args=(json.dumps({"Name": here.prefix, "Number": 5}) + "\n",)
    )
    writer.start()
    here.push(pipe)
    writer.join()
    assert here.landed() == [5]


def test_a_program_can_push(here: Here) -> None:
    """From Python, with settings given; the same state is known to the command."""
    path = here.write("a.ndjson", 1)
    values = {"DATA_COLLECTION_ENDPOINT": here.running.url, "LOGS_DCR_RULE_ID": RULE}
    (pushed,) = push.files([path], app_settings=values, state=here.state)
    assert (pushed.state, pushed.route, pushed.counts.accepted, pushed.good) == ("done", "lines", 1, True)
    (row,) = here.push(path)
    assert row["state"] == "nothing new"


def test_a_pattern_that_no_shell_has_looked_at(here: Here) -> None:
    """systemd, and Windows, hand a pattern over as it is; files of that very name come first."""
    for name in ("a.ndjson", "b.ndjson"):
        here.write(name, len(name))
    rows = here.push("lines/*.ndjson")
    assert [row["file"] for row in rows] == ["lines/a.ndjson", "lines/b.ndjson"]
    (row,) = here.push("lines/*.none", code=1)
    assert row["state"] == "unreadable"


def test_called_wrongly_is_2(here: Here) -> None:
    """Options that contradict each other, or no file at all."""
    path = here.write("a.ndjson", 1)
    here.run(path, "--growing", "--final", code=2)
    here.run(path, path, "--as", "x", code=2)
    here.run("-", "-", code=2)
    here.run(code=2)


def test_no_setting_is_needed_but_two(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without endpoint and rule the sentence names both, and no storage; options stand in for them."""
    path = here.write("a.ndjson", 1)
    monkeypatch.delenv("DATA_COLLECTION_ENDPOINT")
    monkeypatch.delenv("LOGS_DCR_RULE_ID")
    done = CliRunner().invoke(app, ["push", str(path)])
    assert {name for name in ("DATA_COLLECTION_ENDPOINT", "LOGS_DCR_RULE_ID") if name in str(done.exception)}
    assert "DropStorage" not in str(done.exception)
    here.push(path, "--endpoint", here.running.url, "--rule", RULE)
    assert here.landed() == [1]


def test_a_state_folder_that_cannot_be_written(here: Here) -> None:
    """One sentence that names the folder and --state, before anything is sent."""
    here.state.touch()
    done = CliRunner().invoke(app, ["push", str(here.write("a.ndjson", 1)), "--state", str(here.state)])
    assert "cannot be written" in str(done.exception)
    assert "--state" in str(done.exception)
    assert here.landed() == []


def test_a_file_that_becomes_shorter_while_it_is_read(here: Here) -> None:
    """Nothing of another content is taken for this one's."""
    path = here.write("a.ndjson", 1, 2, 3)
    source = FileSource(path)
    path.write_bytes(b"x")
    with pytest.raises(SourceChanged):
        list(source.chunks())
    source.close()


def test_a_file_that_is_written_anew_while_it_is_read(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long it is by then, no half of a record of one content is put to half of one of the other."""
    monkeypatch.setattr(file_module, "READ_BYTES", 40)
    path = here.write("a.ndjson", 1, 2, 3)
    source = FileSource(path)
    source.look()
    chunks = source.chunks()
    next(chunks)
    path.write_text(path.read_text().replace(here.prefix, "z" * len(here.prefix)) * 2)
    with pytest.raises(SourceChanged, match="written anew"):
        next(chunks)
    source.close()


def test_a_file_that_changed_under_the_hand_stops_no_other(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is that file's own matter: the others of the run land, and it does with the next one."""
    files = [here.write("a.ndjson", 1), here.write("b.ndjson", 2)]
    chunks = FileSource.chunks

    def changed(source: FileSource, offset: int = 0) -> Iterator[bytes]:
        if source.path == files[0]:
            raise SourceChanged("it was written anew")
        return chunks(source, offset)

    monkeypatch.setattr(FileSource, "chunks", changed)
    assert [row["state"] for row in here.push(*files, code=1)] == ["not ready", "done"]


def test_another_push_that_ends_between_opening_and_claiming(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file has grown, and was pushed, since it was opened: what is known of it still counts, and nothing comes twice."""
    path = here.write("a.ndjson", 1, 2)
    real = push.claim

    @contextmanager
    def late(*arguments: Any) -> Iterator[Any]:
        monkeypatch.setattr(push, "claim", real)
        here.write("a.ndjson", 3)
        here.push(path)
        with real(*arguments) as claimed:
            yield claimed

    monkeypatch.setattr(push, "claim", late)
    (row,) = here.push(path)
    assert (row["state"], here.landed()) == ("nothing new", [1, 2, 3])


def test_killed_before_the_first_checkpoint(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that grew since then is the same version still: what is repeated has the id that it had."""
    path = here.write("app.log", 1, 2)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(one._Saving, "keep", _killed)
        values = {"DATA_COLLECTION_ENDPOINT": here.running.url, "LOGS_DCR_RULE_ID": RULE}
        push.files([path], app_settings=values, state=here.state)
    here.write("app.log", 3)
    here.push(path)
    assert here.landed() == [1, 1, 2, 2, 3]
    assert len({found["RecordId"] for found in here.rows()}) == 3


def _killed(*_: object) -> None:
    raise KeyboardInterrupt


def test_where_the_state_is_kept() -> None:
    """systemd's folder, else the user's; on Windows the one for local data of programs."""
    assert settings.state_folder({"STATE_DIRECTORY": "/var/lib/logferry"}) == Path("/var/lib/logferry")
    assert settings.state_folder({"XDG_STATE_HOME": "/x"}) == Path("/x/logferry")
    assert settings.state_folder({}) == Path.home() / ".local" / "state" / "logferry"


def test_an_entry_that_somebody_wrote_in_is_as_none(here: Here) -> None:
    """A state file that cannot be read begins the file anew: at least once, and no traceback."""
    path = here.write("a.ndjson", 1)
    here.push(path)
    for entry in (here.state / "files").iterdir():
        entry.write_text("{")
    here.push(path)
    assert here.landed() == [1, 1]
