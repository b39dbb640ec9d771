"""The Functions host in front of a real Azurite, with the echo app.

Rule: the host is a process, as users run it; what functions saw is read from its log.
"""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import os
import re
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

from local.functions_host.config import TIMEOUT_EXIT
from local.stack.process import Part, PartDiedError
from tests.azurite import Azurite

ECHO = Path(__file__).parents[1] / "apps" / "echo"
ROOT = Path(__file__).parents[2]
NEVER = "0 0 0 1 1 *"
SECONDS = 30.0

_number = itertools.count(1)


class Running:
    """A host with the echo app, and the account it listens to."""

    def __init__(self, azurite: Azurite, folder: Path, *options: str, **settings: str) -> None:
        number = next(_number)
        self.id = settings.get("AzureFunctionsWebHost__hostid", f"host{number}")
        self.queue_name = settings.pop("ECHO_QUEUE", f"echo-{number}")
        self.container = settings.pop("ECHO_CONTAINER", f"echo-{number}")
        self.queues = QueueServiceClient.from_connection_string(azurite.connection_string)
        self.blobs = BlobServiceClient.from_connection_string(azurite.connection_string)
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "EchoStorage": azurite.connection_string,
            "AzureWebJobsStorage": azurite.connection_string,
            "ECHO_QUEUE": self.queue_name,
            "ECHO_CONTAINER": self.container,
            "ECHO_SCHEDULE": NEVER,
            "AzureFunctionsWebHost__hostid": self.id,
            **settings,
        }
        command = [sys.executable, "-m", "local.functions_host", "--app", str(ECHO), *options]
        self.log = folder / f"host-{number}.log"
        self.part = Part("host", command, environment=environment, log_path=self.log, cwd=ROOT)

    def ready(self) -> Running:
        """Wait until it listens."""
        self.url = self.part.wait_for(_url, SECONDS)
        return self

    def text(self) -> str:
        """All of its log."""
        return self.part.printed()

    def seen(self, function: str, **where: Any) -> list[dict[str, Any]]:
        """What a function logged."""
        lines = (json.loads(found) for found in re.findall(r"seen (\{.*\})", self.text()))
        return [
            line
            for line in lines
            if line["function"] == function and all(line.get(key) == value for key, value in where.items())
        ]

    def send(self, text: str, queue: str | None = None, *, plain: bool = False) -> None:
        """Put a message on a queue, in base64 unless plain."""
        client = self.queues.get_queue_client(queue or self.queue_name)
        with contextlib.suppress(ResourceExistsError):
            client.create_queue()
        client.send_message(text if plain else base64.b64encode(text.encode()).decode())

    def on_queue(self, queue: str) -> list[str]:
        """The texts on a queue, decoded where they are base64."""
        client = self.queues.get_queue_client(queue)
        try:
            return [message.content for message in client.peek_messages(max_messages=32)]
        except ResourceNotFoundError:
            return []

    def length(self) -> int:
        """How many messages its queue holds, hidden ones included."""
        return (
            self.queues.get_queue_client(self.queue_name).get_queue_properties().approximate_message_count
            or 0
        )

    def drop(self, name: str, content: str, container: str | None = None) -> str:
        """Write a blob; gives its URL."""
        client = self.blobs.get_blob_client(container or self.container, name)
        with contextlib.suppress(ResourceExistsError):
            self.blobs.create_container(container or self.container)
        client.upload_blob(content, overwrite=True)
        return client.url

    def post(self, path: str, body: Any, **headers: str) -> tuple[int, str]:
        """POST JSON; gives status and text."""
        data = json.dumps(body).encode()
        request = urllib.request.Request(
            self.url + path, data, {k.replace("_", "-"): v for k, v in headers.items()}
        )
        return _answer(request)

    def notify(self, body: Any, function: str = "on_blob", query: str = "") -> int:
        """Post as Event Grid does."""
        path = f"/runtime/webhooks/blobs?functionName=Host.Functions.{function}{query}"
        return self.post(path, body, aeg_event_type="Notification")[0]

    def get(self, path: str) -> Any:
        """GET JSON."""
        return json.loads(_answer(urllib.request.Request(self.url + path))[1])


def _answer(request: urllib.request.Request) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def _url(printed: str) -> str | None:
    found = re.search(r'^\{"ready": true.*\}$', printed, re.MULTILINE)
    return json.loads(found[0])["url"] if found else None


def until(true: Callable[[], Any]) -> Any:
    """Wait for something to become true; gives it."""
    end = time.monotonic() + SECONDS
    while not (value := true()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)
    return value


def created(url: str, subject: str = "") -> dict[str, Any]:
    """An event in the Event Grid schema."""
    return {
        "eventType": "Microsoft.Storage.BlobCreated",
        "subject": subject,
        "data": {"url": url, "eTag": "0x1", "blobType": "BlockBlob"},
    }


Start = Callable[..., Running]


@pytest.fixture(scope="module")
def begin(azurite: Azurite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Starts hosts, and ends them when the module is done."""
    folder = tmp_path_factory.mktemp("hosts")
    started: list[Running] = []

    def begin(*options: str, **settings: str) -> Running:
        started.append(Running(azurite, folder, *options, **settings))
        return started[-1]

    yield begin
    for running in started:
        running.part.stop()


@pytest.fixture(scope="module")
def host(begin: Start) -> Running:
    """A host that most tests share; each uses names of its own."""
    return begin().ready()


def test_message_reaches_its_function_with_all_that_it_says_of_itself(host: Running) -> None:
    """A queue function gets body, id, count, times and receipt, and its context; then the message is gone."""
    host.send("hello ä")
    seen = until(lambda: host.seen("on_message", body="hello ä"))[0]
    assert seen["count"] == 1
    assert seen["id"]
    assert seen["receipt"]
    assert seen["inserted"] < seen["visible"] < seen["expires"]
    assert seen["name"] == "on_message"
    until(lambda: host.length() == 0)
    assert f"on_message {seen['invocation']}: seen" in host.text()
    assert re.search(rf"Executed 'Functions.on_message' \(Succeeded, Id={seen['invocation']}", host.text())


def test_failed_message_is_tried_five_times_and_moved(host: Running) -> None:
    """A message whose function fails is tried maxDequeueCount times, then is on the poison queue alone."""
    host.send("fail on purpose")
    poison = until(lambda: host.on_queue(f"{host.queue_name}-poison"))
    assert base64.b64decode(poison[0]).decode() == "fail on purpose"
    assert [seen["count"] for seen in host.seen("on_message", body="fail on purpose")] == [1, 2, 3, 4, 5]
    until(lambda: host.length() == 0)
    assert "RuntimeError: told to fail: on purpose" in host.text()


def test_text_that_is_not_base64_goes_to_poison_unseen(host: Running) -> None:
    """A message that is not in the queue's encoding never reaches a function and is kept as it is."""
    host.send("{not base64}", plain=True)
    until(lambda: "{not base64}" in host.on_queue(f"{host.queue_name}-poison"))
    assert not host.seen("on_message", body="{not base64}")


def test_plain_text_where_host_json_says_none(begin: Start) -> None:
    """MessageEncoding none takes messages as they are; the environment overrides host.json."""
    host = begin(AzureFunctionsJobHost__extensions__queues__messageEncoding="none").ready()
    host.send('{"plain": "<&>"}', plain=True)
    assert until(lambda: host.seen("on_message", body='{"plain": "<&>"}'))
    host.part.stop()


def test_async_function_runs(host: Running) -> None:
    """A coroutine function is awaited, and its log lines carry its invocation."""
    host.send("later", "echo-async")
    until(lambda: host.seen("on_async", body="later"))
    assert re.search(r"on_async [0-9a-f-]{36}: seen", host.text())


def test_output_binding_writes_a_message(host: Running) -> None:
    """What a function sets on a queue output is on that queue, encoded as host.json says."""
    host.send("this", "echo-copy")
    assert base64.b64decode(until(lambda: host.on_queue("echo-copied"))[0]) == b"copy of this"


def test_returned_value_without_binding_is_a_failure(host: Running) -> None:
    """A function that returns a value without a $return binding fails, as in the real worker."""
    host.send("x", "echo-returns")
    until(lambda: host.on_queue("echo-returns-poison"))
    assert "without a $return binding returned a non-None value" in host.text()


def test_running_message_is_hidden_and_renewed(begin: Start) -> None:
    """A message that runs longer than its lock is renewed: it runs once."""
    host = begin("--lock-seconds", "2").ready()
    host.send("sleep 4.5")
    until(lambda: "Executed 'Functions.on_message' (Succeeded" in host.text())
    until(lambda: host.length() == 0)
    assert len(host.seen("on_message")) == 1
    host.part.stop()


def test_message_of_a_killed_host_comes_back(begin: Start) -> None:
    """SIGKILL in the middle of an invocation loses nothing: the next host gets the message again."""
    first = begin("--lock-seconds", "2").ready()
    first.send("die")
    with pytest.raises(PartDiedError):
        first.part.wait_for(lambda _: None, SECONDS)
    second = begin("--lock-seconds", "2", ECHO_QUEUE=first.queue_name).ready()
    assert until(lambda: second.seen("on_message"))[0]["count"] == 2
    with pytest.raises(PartDiedError):
        second.part.wait_for(lambda _: None, SECONDS)


def test_timeout_ends_the_process(begin: Start) -> None:
    """A function that runs into functionTimeout ends the host with its own exit code, and is named."""
    host = begin(AzureFunctionsJobHost__functionTimeout="00:00:01").ready()
    host.send("sleep 60")
    with pytest.raises(PartDiedError, match=f"exit code {TIMEOUT_EXIT}"):
        host.part.wait_for(lambda _: None, SECONDS)
    assert "Timeout value of 1 s exceeded by function 'Functions.on_message'" in host.text()


def test_sigterm_lets_running_work_finish(begin: Start) -> None:
    """SIGTERM: what runs ends and is settled, what waits is left on the queue, exit code 0."""
    host = begin().ready()
    host.send("sleep 1")
    until(lambda: host.seen("on_message"))
    os.kill(host.part.pid, signal.SIGTERM)
    until(lambda: host.part.returncode is not None)
    assert host.part.returncode == 0
    assert "(Succeeded" in host.text()
    assert host.length() == 0


def test_webhook_handshake_is_answered(host: Running) -> None:
    """A subscription validation gets its code back, so that a subscription can be made."""
    path = "/runtime/webhooks/blobs?functionName=Host.Functions.on_blob"
    event = [
        {"eventType": "Microsoft.EventGrid.SubscriptionValidationEvent", "data": {"validationCode": "c0de"}}
    ]
    status, text = host.post(path, event, aeg_event_type="SubscriptionValidation")
    assert (status, json.loads(text)) == (200, {"validationResponse": "c0de"})


@pytest.mark.parametrize("name", ["plain.txt", "a/b c#d%e?ä😀+&=.txt", "x/%41%2Fy"])
def test_blob_event_runs_the_function_with_a_client(host: Running, name: str) -> None:
    """A BlobCreated event gives the function a BlobClient of that very blob, whatever its name."""
    url = host.drop(name, "content")
    assert host.notify([created(url)]) == 202
    seen = until(lambda: host.seen("on_blob", blob=name))[0]
    assert (seen["container"], seen["content"]) == (host.container, "content")


def test_cloud_events_are_taken_too(host: Running) -> None:
    """An event in the CloudEvents schema, alone and not in an array, is the same event."""
    url = host.drop("cloud.txt", "content")
    event = {"specversion": "1.0", "type": "Microsoft.Storage.BlobCreated", "data": {"url": url}}
    assert host.notify(event) == 202
    assert until(lambda: host.seen("on_blob", blob="cloud.txt"))


def test_events_for_others_are_ignored(host: Running) -> None:
    """Another container, another pattern and another kind of event are answered 200 and run nothing."""
    elsewhere = host.drop("x.txt", "content", "elsewhere")
    assert host.notify([created(elsewhere)]) == 200
    assert host.notify([created(host.drop("no-text.csv", "x", "streams"))], "on_stream") == 200
    assert host.notify([{**created(elsewhere), "eventType": "Microsoft.Storage.BlobDeleted"}]) == 200


def test_input_stream_carries_the_content(host: Running) -> None:
    """A function with an InputStream gets name, length and content."""
    assert host.notify([created(host.drop("s.txt", "body", "streams"))], "on_stream") == 202
    seen = until(lambda: host.seen("on_stream"))[0]
    assert (seen["name"], seen["length"], seen["content"]) == ("streams/s.txt", 4, "body")


def test_failed_blob_is_tried_five_times_and_moved(host: Running) -> None:
    """An event whose function fails is tried poisonBlobThreshold times, then is on the poison queue."""
    host.notify([created(host.drop("bad.txt", "fail always"))])
    told = json.loads(base64.b64decode(until(lambda: host.on_queue("webjobs-blobtrigger-poison"))[0]))
    assert told == {
        "Type": "BlobTrigger",
        "FunctionId": "Host.Functions.on_blob",
        "BlobType": "BlockBlob",
        "ContainerName": host.container,
        "BlobName": "bad.txt",
        "ETag": "0x1",
    }
    assert len(host.seen("on_blob", blob="bad.txt")) == 5


def test_blob_that_is_gone_is_left_out(host: Running) -> None:
    """An event for a blob that was removed runs nothing and poisons nothing."""
    url = host.drop("gone.txt", "x")
    host.blobs.get_blob_client(host.container, "gone.txt").delete_blob()
    assert host.notify([created(url)]) == 202
    own = host.queues.get_queue_client(f"azure-webjobs-blobtrigger-{host.id}")
    until(lambda: f"Blob '{host.container}/gone.txt' is gone" in host.text())
    until(lambda: own.get_queue_properties().approximate_message_count == 0)
    assert host.text().count(f"Blob '{host.container}/gone.txt' is gone") == 1


def test_webhook_asks_for_its_key(begin: Start) -> None:
    """With a key: 401 without it or with another one, 404 for an unknown function, 400 for no JSON."""
    host = begin("--key", "secret").ready()
    event = [created(host.drop("k.txt", "x"))]
    assert host.notify(event) == 401
    assert host.notify(event, query="&code=other") == 401
    assert host.notify(event, "nobody", "&code=secret") == 404
    assert host.notify(event, query="&code=secret") == 202
    request = urllib.request.Request(
        f"{host.url}/runtime/webhooks/blobs?functionName=Host.Functions.on_blob&code=secret", b"{"
    )
    assert _answer(request)[0] == 400
    host.part.stop()


def test_timer_keeps_its_schedule_though_it_fails(begin: Start) -> None:
    """A timer runs by its six-field schedule; an exception neither stops it nor repeats the run."""
    host = begin(ECHO_SCHEDULE="* * * * * *", ECHO_TICK="fail").ready()
    ticks = until(lambda: len(found := host.seen("tick")) >= 3 and found)
    whole = [int(tick["at"]) for tick in ticks]
    assert len(set(whole)) == len(whole)
    host.part.stop()


def test_timer_that_was_missed_is_past_due_once(begin: Start) -> None:
    """Runs missed while no host was there collapse into one that is past due."""
    first = begin(ECHO_SCHEDULE="0 * * * * *").ready()
    blob = first.blobs.get_blob_client("azure-webjobs-hosts", f"timers/{first.id}/Host.Functions.tick/status")
    until(blob.exists)
    first.part.stop()
    blob.upload_blob(json.dumps({"Next": "2026-01-01T00:00:00+00:00"}), overwrite=True)
    second = begin(AzureFunctionsWebHost__hostid=first.id).ready()
    assert until(lambda: second.seen("tick"))[0]["past_due"] is True
    until(lambda: json.loads(blob.download_blob().readall())["Next"] > "2026-01-02")
    assert len(second.seen("tick")) == 1
    second.part.stop()


def test_admin_runs_each_kind_of_function(host: Running) -> None:
    """POST /admin/functions/<name> answers 202 and runs a timer, a message or a blob."""
    host.drop("by-hand.txt", "content")
    assert host.post("/admin/functions/tick", {"input": ""})[0] == 202
    assert host.post("/admin/functions/on_message", {"input": "by hand"})[0] == 202
    assert host.post("/admin/functions/on_blob", {"input": f"{host.container}/by-hand.txt"})[0] == 202
    assert until(lambda: host.seen("tick"))[0]["past_due"] is False
    until(lambda: host.seen("on_message", body="by hand"))
    until(lambda: host.seen("on_blob", blob="by-hand.txt"))


def test_admin_says_what_there_is(host: Running) -> None:
    """The admin calls name every function, say that the host runs, and 404 for an unknown one."""
    names = {function["name"] for function in host.get("/admin/functions")}
    assert names == {"on_message", "on_async", "copy", "returns", "on_blob", "on_stream", "tick"}
    assert host.get("/admin/host/status")["state"] == "Running"
    assert host.get("/admin/functions/tick/status") == {"errors": [], "isDisabled": False}
    assert host.post("/admin/functions/nobody", {"input": ""})[0] == 404
    assert host.post("/admin/functions/on_blob", {"input": "no-path"})[0] == 400


def test_log_names_what_each_function_listens_on(host: Running) -> None:
    """At start there is one line a function, with settings resolved."""
    text = host.text()
    assert f"on_message: queueTrigger on queue '{host.queue_name}' (EchoStorage)" in text
    assert f"on_blob: blobTrigger on '{host.container}/{{name}}' (EchoStorage)" in text
    assert f"tick: timerTrigger '{NEVER}'" in text


def test_missing_setting_is_named_at_start(begin: Start) -> None:
    """An app that cannot run ends at once with a sentence that names function and setting."""
    host = begin(ECHO_SCHEDULE="every minute")
    with pytest.raises(PartDiedError, match="Function tick: the schedule 'every minute' is not NCRONTAB"):
        host.part.wait_for(_url, SECONDS)


def test_settings_file_gives_way_to_the_environment(begin: Start, tmp_path: Path) -> None:
    """local.settings.json fills what the environment does not say, and nothing else."""
    values = {"ECHO_SCHEDULE": "nonsense", "ECHO_TICK": "fail from the file"}
    file = tmp_path / "local.settings.json"
    file.write_text(json.dumps({"IsEncrypted": False, "Values": values}))
    host = begin("--settings", str(file)).ready()
    host.post("/admin/functions/tick", {})
    until(lambda: "told to fail: from the file" in host.text())
    host.part.stop()
