"""Lines of Azurite's access log, and the file that they come in."""

from __future__ import annotations

import tempfile
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.events.access_log import Written, parse
from local.events.event import Properties, event_grid
from local.events.tail import Tail
from local.functions_host.blobs import created

ACCOUNT = "/devstoreaccount1"


def line(target: str, status: int = 201, method: str = "PUT") -> str:
    """As Azurite writes it."""
    return f'127.0.0.1 - - [23/Nov/2026:20:55:18 +0000] "{method} {ACCOUNT}/{target} HTTP/1.1" {status} -'


@pytest.mark.parametrize(
    ("text", "api"),
    [
        (line("drop/a"), "PutBlob"),
        (line("drop/a?timeout=30&sv=2020&sig=x%3D"), "PutBlob"),
        (line("drop/a?comp=blocklist"), "PutBlockList"),
        (line("drop/a", 202), "CopyBlob"),
    ],
)
def test_writes_are_told(text: str, api: str) -> None:
    """Put Blob, Put Block List and Copy Blob each give their own api."""
    assert parse(text, ACCOUNT) == Written(api, "drop", "a")


@pytest.mark.parametrize(
    "text",
    [
        line("drop/a?comp=block&blockid=WVE9PQ%3D%3D"),
        line("drop/a?comp=appendblock"),
        line("drop/a?comp=page"),
        line("drop/a?comp=metadata", 200),
        line("drop/a?comp=lease&x=y"),
        line("drop?restype=container"),
        line("ingest"),
        line("drop/a", 412),
        line("drop/a", 201, "POST"),
        line("drop/a", 200, "HEAD"),
        "Azurite Blob service is successfully listening at http://127.0.0.1:35089",
        "",
    ],
)
def test_everything_else_is_silent(text: str) -> None:
    """Blocks, appends, pages, metadata, leases, containers, queues, failures and reads raise nothing."""
    assert parse(text, ACCOUNT) is None


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(lambda name: name.strip("/")))
def test_any_name_survives_log_event_and_host(name: str) -> None:
    """A name of any characters comes out of the log, and out of the event at the host, as it went in."""
    written = parse(line(f"drop/{quote(name)}"), ACCOUNT)
    assert written == Written("PutBlob", "drop", name)
    event = event_grid(written, Properties(), f"http://127.0.0.1:1{ACCOUNT}")
    assert event["subject"].endswith(f"/containers/drop/blobs/{name}")
    found = created(event, ACCOUNT)
    assert found is not None
    assert (found.container, found.blob) == ("drop", name)


@given(st.lists(st.integers(1, 7)))
def test_lines_are_whole_however_they_are_written(sizes: list[int]) -> None:
    """Lines come out whole and once, however the writer cuts them."""
    content = "".join(f"line {number} ä\n" for number in range(5)).encode()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log"
        tail = Tail(path)
        got: list[str] = []
        rest = content
        for size in [*sizes, len(content)]:
            with path.open("ab") as log:
                log.write(rest[:size])
            rest = rest[size:]
            got += tail.read()
    assert got == content.decode().splitlines()


def test_a_file_begins_where_it_is_and_again_when_it_is_cut(tmp_path: Path) -> None:
    """What was there before is not told; a file that got shorter is read from its start."""
    path = tmp_path / "log"
    path.write_text("a very old line\n")
    tail = Tail(path)
    assert tail.read() == []
    path.write_text("new\n")
    assert tail.read() == ["new"]
    assert Tail(path, from_start=True).read() == ["new"]
