"""Blobs that grow: what is added is taken, what was taken is not repeated, and no line is cut in two."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob import BlobType

from shared.sources.blob import BlobSource, open_blob
from tests.azurite import Azurite
from tests.ferry import ROUTES, Ferry, ferry

TEXT_ROUTE = r"""
  notes:
    from: { blobs: ["notes/**"] }
    format: { type: text, start: 'at ' }
    table: Notes_CL
    columns: { Message: { from: message } }
"""


@pytest.fixture
def app(azurite: Azurite, tmp_path: Path) -> Iterator[Ferry]:
    with ferry(azurite, tmp_path, ROUTES + TEXT_ROUTE, SWEEP_SETTLE_SECONDS="600") as made:
        yield made


def line(name: str) -> bytes:
    return json.dumps({"Name": name, "Size": 1}).encode() + b"\n"


def append(app: Ferry, name: str, data: bytes) -> None:
    """What a logger does with an append blob."""
    app.drop_container.get_blob_client(name).upload_blob(data, blob_type=BlobType.APPENDBLOB, overwrite=False)


def landed(app: Ferry, table: str = "Lines_CL") -> Counter[str]:
    return Counter(row["Name"] for row in app.server.rows(f"{table} | project Name"))


def once(*names: str) -> Counter[str]:
    return Counter(dict.fromkeys(names, 1))


def settle(app: Ferry) -> None:
    """As if the time after which a blob counts as settled were over."""
    app.again(SWEEP_SETTLE_SECONDS="0")


def test_what_is_added_to_an_append_blob_lands_and_nothing_twice(app: Ferry) -> None:
    """Each look takes what was added since the last one."""
    for turn in range(5):
        append(app, "lines/a", line(f"n{turn}"))
        app.take("lines/a")
        app.take("lines/a")
    assert landed(app) == once(*(f"n{turn}" for turn in range(5)))
    assert app.entry("lines/a").state == "done"
    assert app.entry("lines/a").counts.read == 5


def test_a_line_that_is_being_written_is_not_cut_in_two(app: Ferry) -> None:
    """The beginning of a line waits for its end; what is before it lands at once."""
    whole = line("late")
    append(app, "lines/a", line("early") + whole[:9])
    app.take("lines/a")
    assert landed(app) == once("early")
    assert app.entry("lines/a").state == "deferred"
    append(app, "lines/a", whole[9:] + line("last"))
    app.take("lines/a")
    assert landed(app) == once("early", "late", "last")
    assert app.dead() == []
    assert app.entry("lines/a").state == "done"


def test_a_line_that_is_never_ended_is_taken_in_the_end(app: Ferry) -> None:
    """Once nothing has come for SWEEP_SETTLE_SECONDS, the last line counts as it is; work is queued for it."""
    append(app, "lines/a", line("early") + line("last")[:-1])
    app.take("lines/a")
    assert app.queued() == [{"do": "later"}]
    settle(app)
    app.take("lines/a")
    assert landed(app) == once("early", "last")
    entry = app.entry("lines/a")
    assert (entry.state, entry.counts.read, entry.counts.accepted) == ("done", 2, 2)


def test_a_few_bytes_are_no_reason_to_call_it_done(app: Ferry) -> None:
    """Of an append blob that has only the beginning of its first line nothing is taken yet."""
    whole = line("first")
    append(app, "lines/a", whole[:5])
    app.take("lines/a")
    assert app.entry("lines/a").state == "deferred"
    append(app, "lines/a", whole[5:])
    app.take("lines/a")
    assert landed(app) == once("first")
    assert app.dead() == []


def test_a_record_of_several_lines_waits_for_the_next_one(app: Ferry) -> None:
    """Lines that belong to the last record join it, however late they are appended."""
    append(app, "notes/a", b"at 1 one\n  more of one\nat 2 two\n")
    app.take("notes/a")
    append(app, "notes/a", b"  more of two\nat 3 three\n")
    app.take("notes/a")
    settle(app)
    app.take("notes/a")
    found = app.server.rows("Notes_CL | project Message")
    assert sorted(row["Message"] for row in found) == [
        "at 1 one\n  more of one",
        "at 2 two\n  more of two",
        "at 3 three",
    ]


def test_gzip_that_is_appended_member_by_member(app: Ferry) -> None:
    """Half of a member waits for the rest of it instead of being called broken."""
    first, second = gzip.compress(line("one")), gzip.compress(line("two") * 2)
    append(app, "lines/a.gz", first + second[:15])
    app.take("lines/a.gz")
    assert landed(app) == once("one")
    append(app, "lines/a.gz", second[15:])
    app.take("lines/a.gz")
    assert landed(app) == Counter({"one": 1, "two": 2})
    assert app.dead() == []


def test_a_csv_that_grows_keeps_its_header(app: Ferry) -> None:
    """Rows that are added later are read by the header at the top, quoted newlines included."""
    append(app, "rows/a", b"name,size\n")
    app.take("rows/a")
    append(app, "rows/a", b'a,1\n"b\nb",')
    app.take("rows/a")
    append(app, "rows/a", b"2\nskip,3\nc,4\n")
    app.take("rows/a")
    found = app.server.rows("Rows_CL | project Name, Size")
    assert {(row["Name"], row["Size"]) for row in found} == {("a", 1), ("b\nb", 2), ("c", 4)}
    assert len(found) == 3
    counts = app.entry("rows/a").counts
    assert (counts.read, counts.filtered) == (4, 1)


def test_a_blob_that_was_written_anew_and_only_grew_goes_on(app: Ferry) -> None:
    """A file that is uploaded again with more lines at its end lands without repeating the old ones."""
    app.drop("lines/a", line("one") + line("two"))
    app.take("lines/a")
    app.drop("lines/a", line("one") + line("two") + line("three"))
    app.take("lines/a")
    assert landed(app) == once("one", "two", "three")
    assert app.entry("lines/a").counts.read == 3


def test_a_blob_that_was_written_anew_with_other_lines_is_another_one(app: Ferry) -> None:
    """A longer file that does not begin with the old one is read from its beginning."""
    app.drop("lines/a", line("one"))
    app.take("lines/a")
    app.drop("lines/a", line("two") + line("three"))
    app.take("lines/a")
    assert landed(app) == once("one", "two", "three")
    assert app.entry("lines/a").counts.read == 2


def test_a_last_line_that_got_longer_is_read_again(app: Ferry) -> None:
    """Where the old version ended without a newline, its last line may be half of one: all is read anew."""
    app.drop("rows/a", b"name,size\nx,1")
    app.take("rows/a")
    app.drop("rows/a", b"name,size\nx,12\n")
    app.take("rows/a")
    found = app.server.rows("Rows_CL | project Name, Size")
    assert {(row["Name"], row["Size"]) for row in found} == {("x", 1), ("x", 12)}


def test_an_append_blob_that_was_made_anew_is_read_from_its_beginning(app: Ferry) -> None:
    """A rotated log of the same name may be longer than the old one; its lines all land."""
    append(app, "lines/a", line("old"))
    app.take("lines/a")
    app.drop_container.delete_blob("lines/a")
    append(app, "lines/a", line("new1") + line("new2") + line("new3"))
    app.take("lines/a")
    assert landed(app) == once("old", "new1", "new2", "new3")


def test_an_append_blob_may_grow_while_it_is_read(azurite: Azurite, tmp_path: Path) -> None:
    """What was there when it was opened is read to its end, though lines are added all the time."""
    with ferry(azurite, tmp_path) as app:
        content = b"".join(line(f"n{n}") for n in range(10_000))
        append(app, "lines/a", content)
        client = app.drop_container.get_blob_client("lines/a")
        source = open_blob(client, 65_536)
        assert source is not None
        read = b""
        for chunk in source.chunks():
            read += chunk
            append(app, "lines/a", line("more"))
        assert read == content


def test_the_sweep_takes_append_blobs_that_never_rest(app: Ferry) -> None:
    """An append blob raises no event for what is added: the sweep takes it, however young the last line is."""
    append(app, "lines/a", line("one"))
    app.take("lines/a")
    append(app, "lines/a", line("two"))
    assert app.sweep() == 1
    (work,) = app.queued()
    app.work(work)
    assert landed(app) == once("one", "two")
    assert app.sweep() == 0


def test_only_hashes_of_what_was_read_are_kept(app: Ferry) -> None:
    """The ledger holds no content."""
    append(app, "lines/a", line("a-secret-name"))
    app.take("lines/a")
    assert b"a-secret-name" not in app.entry("lines/a").dump()


@pytest.mark.parametrize("change", [b"", b"x" * 5_000, b"y" * 9_000])
def test_marks_tell_another_content(app: Ferry, change: bytes) -> None:
    """A version is known again by its beginning and by the end of what was read, or not at all."""
    old = b"h" * 6_000 + b"t" * 6_000
    app.drop("lines/a", old)
    source = _opened(app)
    for _ in source.chunks():
        pass
    marks: Any = source.marks(source.marked())
    app.drop("lines/a", old + change)
    assert _opened(app).begins_with(marks)
    for other in (b"H" + old[1:] + change, old[:-1] + b"T" + change, old[:-1]):
        app.drop("lines/a", other)
        assert not _opened(app).begins_with(marks)


def _opened(app: Ferry) -> BlobSource:
    source = open_blob(app.drop_container.get_blob_client("lines/a"), 65_536)
    assert source is not None
    return source
