"""parquet: pieces that inputs are made of. Most are whole files, since nothing can be read without an end."""

from __future__ import annotations

import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from shared.formats import parquet, parquetfile, parquetrows
from tests.property.case import Case


def _file(columns: dict[str, Any], **options: Any) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out, **{"compression": "none", **options})
    return out.getvalue()


NUMBERS = _file({"n": list(range(9)), "t": ["x" * n for n in range(9)]}, row_group_size=4)
LONG = _file({"t": ["a", "y" * 450, None, "z" * 90]}, use_dictionary=False, write_statistics=False)
NESTED = _file(
    {"l": [[1, 2], None, [3]], "s": [{"a": float("inf")}] * 3, "m": pa.array([[("k", b"\xff")]] * 3, pa.map_(pa.string(), pa.binary()))}
)  # fmt: skip
CHECKED = _file({"n": [1, 2], "t": ["one", "two"]}, use_dictionary=False, write_page_checksum=True)
WORDS = _file({"t": ["w" * 60] * 200})

PIECES = [
    *[b""] * 12,
    NUMBERS,
    NUMBERS.replace(b"xxxxx", b"xx\xffxx"),
    NUMBERS[:-4] + b"PARE",
    LONG,
    LONG.replace(b"yyyy", b"yy\xffy"),
    NESTED,
    CHECKED.replace(b"two", b"twe"),
    WORDS,
    NUMBERS[:60],
    NUMBERS[60:],
    NUMBERS[:-8] + b"\xff\xff\xff\x7fPAR1",
    b"PAR1",
    b"z" * 300,
]

CASES = {
    "parquet": Case("parquet", {}, PIECES, exact=False),
    "parquet-text": Case("parquet", {"binary": "text"}, PIECES, exact=False),
}

SMALL = [(parquet, "MAX_FILE", 6000), (parquetfile, "MAX_ROWS", 5), (parquetrows, "BLOCK_BYTES", 64)]
