"""Rows with delimiters, as the format `csv` reads them.

Rule: what has the same number of fields in every row is a table; a row of names above
it is its header. Invariant: a table is only proposed with as many columns as it has.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from typing import Any

from .sample import Sample

Form = dict[str, Any]
"""A route's `format`."""

_NEARLY = 0.95
"""Share of rows under a header that have to be of its width."""
_ROWS = 5
"""Rows that have to agree where no header says that they are rows."""
_FEW = 2
"""Columns that a table has to have more than, where other lines stand before it."""
_PREAMBLE = 60
"""Lines that may stand before a table's header."""


def delimited(found: Sample) -> Iterator[Form]:
    """The tables that a text may be, the widest first."""
    text = found.text if found.whole else found.text[: found.text.rfind("\n") + 1]
    scored = []
    for delimiter in ("\t", ",", ";", "|", " "):
        rows, skipped = _table(text, delimiter)
        width = len(rows[0]) if rows else 0
        header = bool(rows) and _is_header(rows)
        enough = len(rows) >= _ROWS or (len(rows) > 1 and header)
        if width > 1 and enough and (delimiter != " " or (header and _is_data(rows))):
            scored.append((width, delimiter, rows, skipped))
    for _, delimiter, rows, skipped in sorted(scored, key=lambda score: -score[0]):
        form: Form = {"type": "tsv"} if delimiter == "\t" else {"type": "csv"}
        if delimiter not in "\t,":
            form["delimiter"] = delimiter
        if skipped:
            form["skip_lines"] = skipped
        if not _is_header(rows):
            form |= {"header": False, "names": [f"column_{number}" for number in range(1, len(rows[0]) + 1)]}
        elif any(cell != cell.strip() for cell in rows[0]):
            form["trim"] = True
        yield form
        if delimiter == "\t":
            yield {**form, "quote": ""}


def _table(text: str, delimiter: str) -> tuple[list[list[str]], int]:
    """Rows of one width, and how many lines stand before them; no rows if there is no such table.

    Under a header a few rows may be of another width, such as a line that says how many there are.
    """
    if text.startswith(f"sep={delimiter}"):  # what spreadsheets are told
        return _rows(text.partition("\n")[2], delimiter), 1
    rows = _rows(text, delimiter)
    same = [row for row in rows if len(row) == len(rows[0])]
    if rows and len(same) >= len(rows) * (_NEARLY if _is_header(rows) else 1):
        return same, 0
    lines = text.splitlines(keepends=True)
    for skipped in range(1, min(_PREAMBLE, len(lines) - 1) + 1):
        head = _rows(lines[skipped], delimiter)
        if head and len(head[0]) > _FEW and _is_header(head):
            rows = _rows("".join(lines[skipped:]), delimiter)
            if len(rows) > 1 and all(len(row) == len(head[0]) for row in rows):
                return rows, skipped
    return [], 0


def _rows(text: str, delimiter: str) -> list[list[str]]:
    try:
        reader = csv.reader(text[:400_000].splitlines(keepends=True), delimiter=delimiter, quotechar='"')
        rows = [row for row in reader if row]
    except csv.Error:
        return []
    return rows if len(text) <= 400_000 else rows[:-1]


def _is_header(rows: list[list[str]]) -> bool:
    first = [cell.strip() for cell in rows[0]]
    if len(set(first)) < len(first) or not all(first):
        return False
    names = all(re.fullmatch(r"[^\d\W][\w .:()\[\]/#%-]{0,40}", cell) for cell in first)
    return names and not any(re.search(r"\d{4}-\d{2}-\d{2}|\d{2}:\d{2}", cell) for cell in first)


def _is_data(rows: list[list[str]]) -> bool:
    """Whether what stands under a header is values and no prose."""
    cells = [cell for row in rows[1:] for cell in row]
    return len(rows[0]) >= _ROWS and sum(
        cell == "-" or any(map(str.isdigit, cell)) for cell in cells
    ) * 2 >= len(cells)
