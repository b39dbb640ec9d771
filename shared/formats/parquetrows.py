"""Record batches to rows.

Rule: a row that cannot be converted, or is longer than MAX_RECORD_BYTES, is Bad, and
no other. Invariant: as many rows come out as there are. Strategy: a batch column by
column in a few calls; row by row only where something in it is odd.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from .arrowvalues import Values, weight
from .face import BLOCK_BYTES, MAX_RECORD_BYTES
from .jsonvalue import Problem
from .records import Bad


def slices(batch: Any) -> Iterator[Any]:
    """A batch in parts that are not much larger than a block should be."""
    size = _size(batch)
    limit = 4 * BLOCK_BYTES
    step = batch.num_rows if size <= limit else max(1, batch.num_rows * limit // size)
    for start in range(0, batch.num_rows, step):
        yield batch.slice(start, step)


def read_rows(values: Values, names: list[str], batch: Any) -> list[Any]:
    """Rows as tuples; Bad for those that are to be rejected.

    Args:
        values: what converts them.
        names: the columns'.
        batch: from `slices`.
    """
    if _size(batch) <= MAX_RECORD_BYTES:
        try:
            return list(zip(*map(values.of, batch.columns), strict=True))
        except Exception:  # noqa: S110 - row by row it is seen which one it is
            pass
    return [_row(values, names, batch.slice(index, 1)) for index in range(batch.num_rows)]


def _row(values: Values, names: list[str], row: Any) -> Any:
    size = _size(row)
    try:
        if size <= MAX_RECORD_BYTES:
            return tuple(values.of(column)[0] for column in row.columns)
        problem = Problem("RecordTooLong", f"the row has {size:,} bytes; the limit is {MAX_RECORD_BYTES:,}")
    except UnicodeDecodeError:
        problem = Problem("InvalidUtf8", "a text of the row is not valid UTF-8")
    except Exception:
        problem = Problem("InvalidValue", "a value of the row is none of its column's type")
    return Bad(_readable(values, names, row), problem)


def _readable(values: Values, names: list[str], row: Any) -> dict[str, Any]:
    """As much of a row as can be read and has room."""
    found: dict[str, Any] = {}
    room = MAX_RECORD_BYTES // 4
    for name, column in zip(names, row.columns, strict=True):
        size = weight(column)
        found[name] = _value(values, column) if size <= room else f"({size:,} bytes)"
        room -= min(size, room)
    return found


def _value(values: Values, column: Any) -> Any:
    """A column's only value; of text that is none, with escapes for its bytes that are no UTF-8."""
    try:
        return values.of(column)[0]
    except UnicodeDecodeError:
        kind = column.type
        if pa.types.is_string(kind) or pa.types.is_large_string(kind):
            return column.cast(pa.large_binary())[0].as_py().decode(errors="backslashreplace")
    except Exception:  # noqa: S110 - it is rejected for that
        pass
    return "(not readable)"


def _size(batch: Any) -> int:
    return sum(map(weight, batch.columns))
