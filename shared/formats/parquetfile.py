"""What Arrow reads of a Parquet file, or why it does not.

Rule: Arrow's errors become Problems here, in words that hold nothing of the file.
Invariants: whatever the bytes are, `ParquetSource` gives something and raises
nothing; a row group whose counts contradict each other is not read, because rows
would be lost without a word; what Arrow is made to hold is bounded (PAGES_LIMIT for
pages, BATCH_BYTES for rows), whatever the file claims. Strategy: what a row group
takes is measured before it is read (parquetpages.py), and how many rows are read at
once follows from it.

Arrow's reader stays small where it is given a buffered stream (else it reads a row
group's columns as a whole), no threads and few rows at a time. Page checksums are
verified: a flipped bit in a column of numbers shows in nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from .face import BLOCK_BYTES
from .jsonvalue import Problem
from .parquetpages import STRINGS, EncryptedError, Footer, Group, Pages, measure, read_footer
from .spool import Spool

MAX_FOOTER = 16 * 1024 * 1024
"""Bytes; in memory it is several times as large."""
PAGES_LIMIT = 256 * 1024 * 1024
"""Bytes of pages that may have to be held at once: the largest one of each column, and the dictionaries."""
MAX_ELEMENTS = 32_000_000
"""Values in the lists of a row group: nothing says how many of them one row has."""
BATCH_BYTES = 16 * 1024 * 1024
"""Bytes that a batch of rows may take, if every value were as long as the longest."""
MAX_ROWS = 2048
"""Rows that are read at once: converting them takes milliseconds, and more are no faster."""
ROWS_PER_BYTE = 1000
"""A file with more rows than this, once it has MANY_ROWS, is made to do harm: nulls take no bytes at all."""
MANY_ROWS = 1_000_000
_PAGE_BYTES = 16
"""No page takes less, with its header."""
_SHORT = 1024
"""Bytes of a dictionary that is not worth a look."""
BUFFER = 128 * 1024
"""Bytes read ahead for each column."""

_MAGIC, _ENCRYPTED = b"PAR1", b"PARE"


class ParquetSource:
    """A Parquet file that can be read.

    Args:
        spool: its bytes.
        footer: what they say of themselves.
        opened: Arrow's view of them.
    """

    def __init__(self, spool: Spool, footer: Footer, opened: Any) -> None:
        self._spool = spool
        self._footer = footer
        self._opened = opened
        self._pages_left = spool.length // _PAGE_BYTES + 1
        self.names: list[str] = opened.schema_arrow.names
        self.groups = [group.rows for group in footer.groups]
        """Rows of each row group, as the footer says."""
        self.missing = footer.rows - sum(self.groups)
        """Rows that the footer counts and that are in no row group."""

    def batches(self, group: int) -> Iterator[Any]:
        """Rows of a row group as record batches; a Problem where they cannot be read any further."""
        try:
            rows = self._rows_at_once(group)
            if isinstance(rows, Problem):
                yield rows
                return
            found = self._opened.iter_batches(rows, row_groups=[group], use_threads=False)
            while (batch := next(found, None)) is not None:
                yield batch
        except Exception as error:
            yield explain(error, "CorruptRowGroup")

    def _rows_at_once(self, index: int) -> int | Problem:
        """How many rows to read at once; or why none can be read."""
        group = self._footer.groups[index]
        if any(not c.leaf.repeated and c.values != group.rows for c in group.columns):
            return Problem("CorruptRowGroup", "the footer's counts contradict each other")
        elements = sum(column.values for column in group.columns if column.leaf.repeated)
        pages = self._measured(group)
        held = sum(column.largest + column.dictionary for column in pages)
        if held > PAGES_LIMIT or elements > MAX_ELEMENTS:
            return _too_large(held, elements)
        wanted = min(MAX_ROWS, 2 * BLOCK_BYTES * group.rows // max(1, group.size))
        words = [c.leaf.width or p.dictionary for c, p in zip(group.columns, pages, strict=True)]
        rows = _fitting(group, pages, words)
        if rows < wanted:
            rows = _fitting(group, pages, self._longest_words(index, words))
        return max(1, min(wanted, rows))

    def _measured(self, group: Group) -> list[Pages]:
        """What each column takes; all of them together have no more pages than the file has room for."""
        pages = []
        left = self._pages_left
        for column in group.columns:
            pages.append(measure(self._spool.read_at, column, left))
            left -= pages[-1].count
        return pages

    def _longest_words(self, index: int, words: list[int]) -> list[int]:
        """`words`, with what long dictionaries of strings hold in place of what they could."""
        columns = self._footer.groups[index].columns
        long = [i for i, c in enumerate(columns) if c.leaf.kind == STRINGS and words[i] > _SHORT]
        found = list(words)
        try:
            opened = _open(self._spool, read_dictionary=[columns[i].path for i in long])
            for i in long:
                one = opened.iter_batches(1, [index], columns=[columns[i].path], use_threads=False)
                dictionaries = [words for column in next(one).columns for words in _dictionaries(column)]
                if len(dictionaries) == 1 and len(dictionaries[0]):
                    found[i] = pc.max(pc.binary_length(dictionaries[0])).as_py()
        except (pa.ArrowException, OSError, ValueError, StopIteration):
            pass  # then it is as much as it could be
        return found


def open_file(spool: Spool) -> ParquetSource | Problem:
    """A file that can be read, or why it cannot."""
    problem = _frame(spool)
    if problem is not None:
        return problem
    try:
        size = int.from_bytes(spool.tail(8)[:4], "little")
        footer = read_footer(spool.tail(8 + size)[:size])
        source = ParquetSource(spool, footer, _open(spool))
    except Exception as error:
        return explain(error, "InvalidParquet")
    rows = sum(source.groups) + max(0, source.missing)
    if rows > MANY_ROWS and rows > ROWS_PER_BYTE * spool.length:
        return Problem("InvalidParquet", f"the file claims {rows:,} rows in {spool.length:,} bytes")
    if rows and not source.names:
        return Problem("InvalidParquet", "the file has rows and no columns")
    return source


def _open(spool: Spool, **more: Any) -> Any:
    return pq.ParquetFile(
        spool.file,
        pre_buffer=False,
        buffer_size=BUFFER,
        coerce_int96_timestamp_unit="us",  # in nanoseconds the year 9999 would become another one
        thrift_string_size_limit=MAX_FOOTER,
        thrift_container_size_limit=1_000_000,
        page_checksum_verification=True,
        **more,
    )


def _frame(spool: Spool) -> Problem | None:
    """What is wrong with the file before anything is read of it."""
    if spool.over:
        detail = f"the file has {spool.length:,} bytes; the limit for Parquet is {spool.limit:,}"
        return Problem("FileTooLarge", f"{detail}: write smaller files")
    head, tail = spool.head(len(_MAGIC)), spool.tail(8)
    if head == _ENCRYPTED or tail.endswith(_ENCRYPTED):
        return _IS_ENCRYPTED
    if not head or not _MAGIC.startswith(head):
        return Problem("InvalidParquet", "the file is no Parquet file: it does not begin with PAR1")
    if not tail.endswith(_MAGIC) or spool.length < 12:
        detail = "the file has no footer at its end: it was cut off, or is still being written"
        return Problem("TruncatedInput", detail)
    size = int.from_bytes(tail[:4], "little")
    if size > MAX_FOOTER:
        return Problem("InvalidParquet", f"the footer has {size:,} bytes; the limit is {MAX_FOOTER:,}")
    return None


_IS_ENCRYPTED = Problem("Encrypted", "it is encrypted, and Logferry has no keys: write it without")


def explain(error: Exception, reason: str) -> Problem:
    """Why Arrow could not read something.

    Args:
        error: Arrow's own.
        reason: where it says no more than that bytes are wrong.
    """
    text = str(error).lower()
    if isinstance(error, EncryptedError) or "crypt" in text:
        return _IS_ENCRYPTED
    if isinstance(error, NotImplementedError) or "not supported" in text or "not built" in text:
        detail = "Arrow does not read this (a codec that is not built in, or a kind of column)"
        return Problem("UnsupportedParquet", f"{detail}: write it in another way, with snappy or zstd")
    return Problem(reason, "its bytes are damaged")


def _too_large(held: int, elements: int) -> Problem:
    if elements > MAX_ELEMENTS:
        detail = f"its lists have {elements:,} values; the limit is {MAX_ELEMENTS:,}"
    else:
        detail = f"to read it takes {held:,} bytes of memory at once; the limit is {PAGES_LIMIT:,}"
    return Problem("RowGroupTooLarge", f"{detail}: write smaller row groups, or smaller pages")


def _fitting(group: Group, pages: list[Pages], words: list[int]) -> int:
    """How many rows take BATCH_BYTES, if each value were as long as the longest of its column."""
    size = 1
    for column, measured, word in zip(group.columns, pages, words, strict=True):
        values = max(1, column.values // max(1, group.rows))
        size += values * max(measured.per_value, word, 8)
    return BATCH_BYTES // size


def _dictionaries(array: Any) -> Iterator[Any]:
    """The dictionaries of an array's strings, in the order of the file's columns."""
    kind = array.type
    if isinstance(kind, pa.BaseExtensionType):
        yield from _dictionaries(array.storage)
    elif pa.types.is_dictionary(kind):
        yield array.dictionary
    elif pa.types.is_map(kind):
        yield from _dictionaries(array.keys)
        yield from _dictionaries(array.items)
    elif pa.types.is_struct(kind):
        for child in array.flatten():
            yield from _dictionaries(child)
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        yield from _dictionaries(array.values)
