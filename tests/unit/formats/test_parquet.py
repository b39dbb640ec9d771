"""Parquet: what the fixtures do not show."""

from __future__ import annotations

import datetime as dt
import io
import itertools
import math
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow.parquet import encryption

from shared.formats import FORMATS, parquet, parquetfile
from shared.formats.face import MAX_RECORD_BYTES
from shared.formats.parquetpages import Column, Leaf, Pages, measure
from shared.formats.spool import Spool
from shared.model import Block, Position
from tests.unit.formats.reading import blocks, parser, read

ROOT = Path(__file__).parents[3]


def made(columns: dict[str, Any], **options: Any) -> bytes:
    """A file of these columns."""
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out, **options)
    return out.getvalue()


def opened(data: bytes) -> parquetfile.ParquetSource:
    """A file as the parser reads it."""
    spool = Spool(len(data))
    spool.add(data)
    source = parquetfile.open_file(spool)
    assert isinstance(source, parquetfile.ParquetSource)
    return source


def seen(block: Block) -> tuple[Any, ...]:
    """What a block says, in a form that can be compared."""
    return block.start, block.dicts(), list(block.ordinals), block.end, block.rejects


def reasons(data: bytes) -> list[str]:
    """Why records are rejected; there are no others."""
    records, rejects = read("parquet", data)
    assert records == []
    return [reject.reason for reject in rejects]


@pytest.mark.parametrize("codec", ["none", "snappy", "gzip", "zstd", "lz4", "brotli"])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_every_codec_is_read(codec: str, version: str) -> None:
    """The records are the same whatever the file is packed with, in both kinds of pages."""
    data = made({"n": list(range(99))}, compression=codec, data_page_version=version, row_group_size=40)
    assert read("parquet", data) == ([{"n": n} for n in range(99)], [])


@pytest.mark.parametrize(
    ("column", "encoding"),
    [
        (list(range(99)), "DELTA_BINARY_PACKED"),
        ([f"text {n}" for n in range(99)], "DELTA_BYTE_ARRAY"),
        ([f"text {n}" for n in range(99)], "DELTA_LENGTH_BYTE_ARRAY"),
        ([n / 8 for n in range(99)], "BYTE_STREAM_SPLIT"),
    ],
)
def test_every_encoding_is_read(column: list[Any], encoding: str) -> None:
    """The records are the same whatever way the values are written in."""
    data = made({"c": column}, use_dictionary=False, column_encoding={"c": encoding})
    assert read("parquet", data) == ([{"c": value} for value in column], [])


def test_a_parser_begun_in_a_row_group_gives_the_rest() -> None:
    """Every block is a place to go on from, in a file that stands anywhere in a source."""
    data = made({"t": [f"{n:03}" * 100 for n in range(9000)]}, row_group_size=5000)
    spec = FORMATS["parquet"]
    options = msgspec.convert({"type": "parquet"}, spec.options)
    found = [seen(b) for b in blocks(spec.make(options, Position(offset=77, base=5, ordinal=5)), [data])]
    assert len(found) > 4
    assert [block[0].offset for block in found] == [77] * len(found)
    assert sum(len(block[1]) for block in found) == 9000
    for index, block in enumerate(found):
        start = msgspec.json.decode(msgspec.json.encode(block[0]), type=Position)
        assert [seen(b) for b in blocks(spec.make(options, start), [data])] == found[index:]


def test_a_long_row_is_rejected_alone() -> None:
    """A row over the limit is a reject with the values that are short, and the others are read."""
    long = "x" * (MAX_RECORD_BYTES + 1)
    records, rejects = read("parquet", made({"n": [1, 2, 3], "t": ["a", long, "c"]}))
    assert records == [{"n": 1, "t": "a"}, {"n": 3, "t": "c"}]
    assert [(r.ordinal, r.reason) for r in rejects] == [(1, "RecordTooLong")]
    assert msgspec.json.decode(rejects[0].raw) == {"n": 2, "t": "(4,194,317 bytes)"}


def test_numbers_that_are_none_are_marked() -> None:
    """NaN and Infinity come out as they are, in a block that says so; a block without them does not."""
    odd = blocks(parser("parquet"), [made({"f": [[1.5], [math.nan, math.inf]]})])
    assert [block.odd for block in odd] == [True]
    assert odd[0].records[1][0][1] == math.inf
    assert [b.odd for b in blocks(parser("parquet"), [made({"f": [1.5, None]})])] == [False]


def test_values_in_lists_structs_and_maps() -> None:
    """Nested values are converted as those of a column are, wherever their slice begins."""
    when = dt.datetime(2026, 11, 20, 6, tzinfo=dt.UTC)
    column = [[{"when": when, "map": [("a", Decimal("1.5"))]}, None] if n % 3 else None for n in range(5000)]
    kind = pa.list_(
        pa.struct([("when", pa.timestamp("us", "UTC")), ("map", pa.map_(pa.string(), pa.decimal128(5, 2)))])
    )
    records, rejects = read("parquet", made({"c": pa.array(column, kind)}))
    assert rejects == []
    inside = {"when": "2026-11-20T06:00:00.000000Z", "map": {"a": "1.50"}}
    assert records == [{"c": [inside, None]} if n % 3 else {} for n in range(5000)]


def test_a_struct_with_a_name_twice_loses_nothing() -> None:
    """Of two fields of one name the second gets a name of its own."""
    kind = pa.struct([pa.field("a", pa.int32()), pa.field("a", pa.int32())])
    struct = pa.StructArray.from_arrays([pa.array([1], pa.int32()), pa.array([2], pa.int32())], fields=kind)
    assert read("parquet", made({"s": struct})) == ([{"s": {"a": 1, "a_2": 2}}], [])


def test_a_small_file_with_a_long_word_takes_little_memory() -> None:
    """A word of a megabyte that a dictionary gives to every row does not make a batch of gigabytes."""
    words = pa.DictionaryArray.from_arrays(pa.array([0] * 20_000, pa.int32()), pa.array(["x" * 1_000_000]))
    source = opened(made({"t": words}, store_schema=False))
    batch = next(source.batches(0))
    assert batch.schema.types == [pa.string()]
    assert batch.nbytes <= parquetfile.BATCH_BYTES


def test_words_of_common_length_do_not_make_batches_small() -> None:
    """The longest word counts, not the size of the dictionary."""
    source = opened(
        made({"t": [f"{n:040}" for n in range(30_000)], "u": [{"v": f"{n:020}"} for n in range(30_000)]})
    )
    assert next(source.batches(0)).num_rows == parquetfile.MAX_ROWS


def test_lists_of_nothing_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few hundred bytes that claim a list of very many numbers are one reject."""
    monkeypatch.setattr(parquetfile, "MAX_ELEMENTS", 1_000_000)
    count = parquetfile.MAX_ELEMENTS + 1
    ones = pa.array([1], pa.int8()).take(pa.array([0], pa.int32()).take(pa.repeat(0, count)))
    data = made({"l": pa.ListArray.from_arrays(pa.array([0, count], pa.int32()), ones)})
    assert len(data) < 1000
    assert reasons(data) == ["RowGroupTooLarge"]


def test_pages_that_would_fill_the_memory_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row group that takes more memory than there is room for is one reject that says what to do."""
    monkeypatch.setattr(parquetfile, "PAGES_LIMIT", 10_000)
    data = made({"t": [f"{n:05}" * 20 for n in range(500)]}, use_dictionary=False, compression="none")
    _, rejects = read("parquet", data)
    assert [reject.reason for reject in rejects] == ["RowGroupTooLarge"]
    assert "500 of the 500 rows" in rejects[0].detail
    assert "smaller" in rejects[0].detail


def test_more_rows_than_bytes_could_hold_are_refused() -> None:
    """A tiny file of very many rows of nothing is one reject."""
    rows = 10_000_000
    data = made({"n": pa.nulls(rows, pa.int8())}, row_group_size=rows, max_rows_per_page=rows)
    assert len(data) < 1000
    assert reasons(data) == ["InvalidParquet"]


def test_a_file_over_the_limit_is_one_reject(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is longer than may be kept is measured and rejected, with its beginning."""
    monkeypatch.setattr(parquet, "MAX_FILE", 1000)
    data = made({"n": list(range(1000))})
    found = blocks(parser("parquet"), [data[:700], data[700:]])
    assert [(r.reason, r.length, r.raw[:4]) for b in found for r in b.rejects] == [
        ("FileTooLarge", -1, b"PAR1")
    ]


def test_nothing_is_complete_where_the_input_breaks_off() -> None:
    """A file whose end never came gives no record, and its beginning is the rest."""
    data = made({"n": list(range(1000))})
    taken = parser("parquet")
    assert not list(taken.feed(data[:500]))
    assert not list(taken.complete())
    assert taken.rest()[:3] == (0, None, data[:500])


def test_no_bytes_are_no_file() -> None:
    """An empty blob has no record and no reject."""
    assert read("parquet", b"") == ([], [])


def test_a_codec_that_is_not_built_in_is_told() -> None:
    """A file packed with LZO is one reject that says what to do."""
    data = made({"n": list(range(9))}, compression="snappy")
    footer = data.rindex(b"\x15\x02\x16\x12")
    data = data[:footer] + b"\x15\x06" + data[footer + 2 :]
    _, rejects = read("parquet", data)
    assert [reject.reason for reject in rejects] == ["UnsupportedParquet"]
    assert "snappy or zstd" in rejects[0].detail


class _Keys(encryption.KmsClient):
    """Keys that are no secret."""

    def wrap_key(self, key_bytes: bytes, master_key_identifier: str) -> bytes:
        return key_bytes

    def unwrap_key(self, wrapped_key: bytes, master_key_identifier: str) -> bytes:
        return wrapped_key


@pytest.mark.parametrize("plain", [True, False])
def test_encrypted_columns_are_told(plain: bool) -> None:
    """A file with encrypted columns is rejected as such, whether its footer can be read or not."""
    config = encryption.EncryptionConfiguration(
        footer_key="f", column_keys={"c": ["t"]}, plaintext_footer=plain, double_wrapping=False
    )
    factory = encryption.CryptoFactory(lambda _: _Keys())
    properties = factory.file_encryption_properties(encryption.KmsConnectionConfig(), config)
    data = made({"n": [1], "t": ["x"]}, encryption_properties=properties)
    assert reasons(data) == ["Encrypted"]


def test_counts_that_contradict_each_other_lose_no_row_in_silence() -> None:
    """Wherever a footer says 0 in place of a number of rows, no row is missing without a reject."""
    data = made({"n": list(range(40))}, compression="none", write_statistics=False, store_schema=False)
    counts = [at for at in range(len(data)) if data[at : at + 2] == b"\x16\x50"]
    assert len(counts) == 3  # of the column, of the row group, of the file
    for changed in [*itertools.combinations(counts, 1), *itertools.combinations(counts, 2)]:
        wrong = bytearray(data)
        for at in changed:
            wrong[at + 1] = 0
        records, rejects = read("parquet", bytes(wrong))
        assert len(records) == 40 or rejects


PAGE = bytes.fromhex("1500 1514 1514 2c 1508 1500 1506 1506 00 00") + bytes(10)
"""A header that says: data, 10 bytes unpacked, 10 bytes packed, 4 values; and the page."""


@pytest.mark.parametrize(
    ("data", "values", "at"),
    [
        (PAGE, 3, 0),  # more values than the footer says
        (PAGE, 8, 0),  # the second page is not there
        (PAGE, 4, -1),
        (PAGE[:6], 4, 0),
        (PAGE.replace(b"\x15\x14", b"\x15\x13", 1), 4, 0),  # fewer than no bytes
        (b"\x15\x02\x15\x00\x15\x00\x00" * 99, 4, 0),  # nothing but indexes
        (b"\x9c" * 9999, 4, 0),
        (b"\xff" * 99, 4, 0),
    ],
)
def test_headers_of_pages_that_cannot_be(data: bytes, values: int, at: int) -> None:
    """Whatever stands where a page's header should be is a ValueError, and never read on and on."""
    column = Column(Leaf(1, 4, repeated=True), "n", values, at)
    with pytest.raises(ValueError, match=r"\w"):
        measure(lambda offset, size: data[offset : offset + size], column, 10)


def test_what_the_headers_of_pages_say() -> None:
    """The largest page and the longest value follow from the headers alone."""
    column = Column(Leaf(1, 4, repeated=False), "n", 8, 0)
    pages = measure(lambda offset, size: (PAGE * 2)[offset : offset + size], column, 10)
    assert pages == Pages(count=2, largest=20, dictionary=0, per_value=2)


def test_a_full_disk_is_no_reject() -> None:
    """Where the temporary folder has no room the run is put off, and the file stays what it is."""
    program = """
import resource, tempfile
from shared.errors import NotReady
from tests.unit.formats.reading import parser
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
taken = parser("parquet")
try:
    for _ in range(20):
        list(taken.feed(b"PAR1" * 4000))
except NotReady as full:
    print("temporary folder is full" in str(full))
"""
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "True", run.stderr
