"""Parquet files.

Rule: a Parquet file says what is where at its end, so nothing can be read before the
last byte is there: what is fed is kept in a temporary file, and read row group by
row group when the input has ended. Invariants: memory is bounded by the pages of
one row group's columns and by a block, not by the file; a row that cannot be read
is in a reject, with how many of them there are. Strategy: a block is cut by the row
group and the rows in it, so that it is the same when it is begun again (state:
`group`, `row`); what comes before it is read over without being converted.

    spool.py         the temporary file
    parquetfile.py   Arrow's reader, and what it must not be asked for
    parquetpages.py  what the headers of the pages say
    parquetrows.py   record batches to rows
    arrowvalues.py   Arrow's arrays to values
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from msgspec import Meta

from ..model import Block, Origin, Position, Reject
from .face import MAX_RECORD_BYTES, RAW_BYTES
from .jsonvalue import Problem
from .lines import no_record
from .names import unique
from .records import Bad, as_json
from .spool import Spool

if TYPE_CHECKING:
    from .parquetfile import ParquetSource

MAX_FILE = 2 * 1024 * 1024 * 1024
"""Bytes of a file that are kept on disk; a longer one is rejected."""


class ParquetOptions(
    msgspec.Struct, tag_field="type", tag="parquet", frozen=True, forbid_unknown_fields=True, kw_only=True
):
    """Parquet files.

    A record has the file's columns as keys; of names that come twice the second gets `_2`. Structs, maps
    and lists become objects and lists (a map in which a key comes twice a list of pairs). These become text:
    timestamps (ISO 8601; with a Z where the column is in UTC, else without; nanoseconds with seven digits, or
    nine where the last two are not 00; INT96 to the microsecond), dates, times of the day, decimals with all
    their digits, durations as seconds, uuids, bytes as base64 (see `binary`). A column of the JSON type
    becomes what its text says. A time outside the years 1 to 9999 stays the number that it is.

    A file is read when all of it is there, from a temporary file: one of more than 2 GiB is rejected, and
    the plan's temporary storage must hold it. About one page of each column is kept in memory. A row group
    whose pages take more than 256 MiB at once, or with more than 32 million values in lists, is rejected
    (`RowGroupTooLarge`): write row groups of 64 to 128 MiB and pages of 1 MiB, as most writers do.

    Rejected as one: a file that is cut off (`TruncatedInput`), damaged (`InvalidParquet`), encrypted
    (`Encrypted`), or packed with a codec that is not built in (`UnsupportedParquet`). Where a row group is
    damaged, its rows from there on are one reject, with their number (`CorruptRowGroup`), and reading goes
    on with the next. Alone: a row with text that is no UTF-8 (`InvalidUtf8`) or of more than 4 MiB
    (`RecordTooLong`).

    ```yaml
    from: { blobs: ["exports/**/*.parquet"] }
    format: { type: parquet }
    table: Orders_CL
    columns:
      TimeGenerated: { type: datetime, from: event_time }
      Amount:        { type: real,     from: amount }
      City:          { type: string,   from: customer.address.city }
    ```
    """

    binary: Annotated[
        Literal["base64", "text"],
        Meta(
            description="What columns of bytes become: `base64` text; or `text`, with base64 for a value "
            "that is no UTF-8. Some writers (Impala, older Spark and Hive) give strings as bytes."
        ),
    ] = "base64"


class ParquetParser:
    """See `Parser`. Gives nothing before `flush`."""

    def __init__(self, options: ParquetOptions, start: Position, want: type | None = None) -> None:
        del want  # values have the file's types
        self._as_text = options.binary == "text"
        self._offset = start.offset
        self._ordinal = start.base
        self._from: tuple[int, int] = (start.state.get("group", 0), start.state.get("row", 0))
        self._spool: Spool | None = None

    def feed(self, data: bytes) -> Iterator[Block]:
        """Keep the next bytes.

        Raises:
            NotReady: the disk is full.
        """
        if self._spool is None:
            self._spool = Spool(MAX_FILE)
        self._spool.add(data)
        yield from ()

    def flush(self) -> Iterator[Block]:
        """Give all rows; an input of no bytes has none."""
        spool = self._spool
        if spool is None or not spool.length:
            return
        from .parquetfile import open_file  # noqa: PLC0415 - Arrow takes 60 MB: only where it is needed

        source = open_file(spool)
        if isinstance(source, Problem):
            yield self._rejected(0, 0, source, spool.head(RAW_BYTES), spool.length)
        else:
            for group in range(self._from[0], len(source.groups)):
                yield from self._row_group(source, group)
            if source.missing > 0:
                yield self._missing(source)
        spool.close()
        self._spool = None

    def complete(self) -> Iterator[Block]:
        """Nothing: without its end no row of a file can be read."""
        yield from ()

    def rest(self) -> Origin:
        """The beginning of the file."""
        raw = b"" if self._spool is None else self._spool.head(MAX_RECORD_BYTES)
        return Origin(self._offset, None, raw)

    # -- rows -----------------------------------------------------------------------------------

    def _row_group(self, source: ParquetSource, group: int) -> Iterator[Block]:
        """The rows of a row group from the one on where this run begins."""
        from .parquetrows import slices  # noqa: PLC0415

        names = unique(source.names)
        begin = self._from[1] if group == self._from[0] else 0
        row, problem = 0, None
        for batch in source.batches(group):
            if isinstance(batch, Problem):
                problem = batch
                break
            for rows in slices(batch):
                if row >= begin:
                    yield self._block(self._position(group, row), names, rows)
                row += rows.num_rows
        promised = source.groups[group]
        if row < promised or (problem is not None and not 0 < row == promised):
            yield self._lost(group, row, promised, problem)

    def _block(self, start: Position, names: list[str], rows: Any) -> Block:
        from .arrowvalues import Values  # noqa: PLC0415 - see flush
        from .parquetrows import read_rows  # noqa: PLC0415

        values = Values(as_text=self._as_text)
        made = read_rows(values, names, rows)
        end = self._ordinal = start.base + len(made)
        bad = [index for index, row in enumerate(made) if type(row) is Bad]
        records = made
        ordinals: Sequence[int] = range(start.base, end)
        if bad:
            records = [row for row in made if type(row) is not Bad]
            ordinals = [start.base + index for index, row in enumerate(made) if type(row) is not Bad]
        return Block(
            start=start,
            records=records,
            ordinals=ordinals,
            end=end,
            origin=lambda index: Origin(start.offset, None, as_json(names, records[index]), "record"),
            rejects=[self._reject(start, index, made[index]) for index in bad],
            names=names,
            odd=values.odd,
        )

    @staticmethod
    def _reject(start: Position, index: int, row: Bad) -> Reject:
        raw = as_json(None, row.record)
        return Reject(start.base + index, start.offset, None, *row.problem, raw, form="part")

    def _missing(self, source: ParquetSource) -> Block:
        detail = f"the file's row groups have {source.missing:,} rows fewer than its footer says"
        raw = msgspec.json.encode({"rows": source.missing})
        return self._rejected(len(source.groups), 0, Problem("CorruptRowGroup", detail), raw, len(raw))

    def _lost(self, group: int, row: int, promised: int, problem: Problem | None) -> Block:
        left = max(0, promised - row)
        reason, why = problem or Problem("CorruptRowGroup", "its pages hold fewer rows")
        rows = f"{left:,} of the {promised:,} rows" if left else "rows"
        detail = f"{rows} of row group {group} cannot be read: {why}"
        raw = msgspec.json.encode({"row_group": group, "from_row": row, "rows": left})
        return self._rejected(group, row, Problem(reason, detail), raw, len(raw))

    def _rejected(self, group: int, row: int, problem: Problem, raw: bytes, length: int) -> Block:
        start = self._position(group, row)
        self._ordinal += 1
        cut = length if length > len(raw) else -1
        reject = Reject(start.base, start.offset, None, *problem, raw, cut, "part")
        return Block(start, [], [], self._ordinal, no_record, [reject])

    def _position(self, group: int, row: int) -> Position:
        state = {"group": group, "row": row}
        return Position(offset=self._offset, base=self._ordinal, ordinal=self._ordinal, state=state)
