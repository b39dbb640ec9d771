"""What a redaction would miss is said.

Rule: a value that is redacted in one place is sent as it is nowhere else. In the "*"
column and inside dynamic columns shaping sees to that; a column that takes the same
key, the object around it or a part of it, has to be redacted too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from .declare import Column


def missed(columns: Mapping[str, Column], redact: Collection[str]) -> Iterator[tuple[str, str]]:
    """Names in `redact`, each with a sentence about a column that would send what it names.

    Args:
        columns: all of a route's columns, each with the key that it comes from.
        redact: columns and fields.
    """
    for name in redact:
        fields = columns[name].keys if name in columns else [name]
        for other, column in columns.items():
            key = None if other == name or other in redact else _shared(fields, column)
            if key is not None:
                also = "" if other == "TimeGenerated" else f" Redact {other} too."
                yield name, f"the column {other} takes {key}, and would send it as it is.{also}"


def _shared(fields: Collection[str], column: Column) -> str | None:
    """A key of a column that holds one of these fields, or a part of it, where shaping does not look."""
    for key in column.keys:
        for field in fields:
            around = field.startswith(f"{key}.") and column.type != "dynamic"
            if key == field or around or key.startswith(f"{field}."):
                return key
    return None
