"""Columns of Azure's own tables, filled as Microsoft's agents fill them.

Rule: a table's columns, their types and what they are filled from by default stand in
builtin.json, which Bicep reads too; nothing of it is written anywhere else. In the
file, by table: `columns`, as in routes.yaml; `rest`, the column that takes what no
other took; and `kinds`, the formats whose keys `columns` names, each with the columns
that it fills from another key. Records of any other format are taken to have the
columns' own names. Invariant: a table's columns and their types are the same for every
format, so several routes can share its stream.

Left out are columns that Azure fills itself (TenantId, Type, _ResourceId, ...), that
tell of the agent (CollectorHostName, SourceSystem, HostIP, EventOriginId), that Sentinel
adds (SimplifiedDeviceAction, OriginalLogSeverity, RemoteIP, MaliciousIP, ...), and those
that others have replaced (ExternalID by ExtID, DeviceCustomNumber1 by
FieldDeviceCustomNumber1).

Sources: Azure Monitor's table references; "CEF and CommonSecurityLog field mapping",
Microsoft Sentinel. Microsoft's agents read no LEEF: its attributes go where their
counterparts in CEF go.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import msgspec

Columns = dict[str, dict[str, Any]]
"""Declarations of columns by name, as they would stand in routes.yaml."""


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    columns: Columns
    rest: Columns
    kinds: dict[str, Columns]


@cache
def _tables() -> dict[str, _Table]:
    text = Path(__file__).with_name("builtin.json").read_bytes()
    return msgspec.json.decode(text, type=dict[str, _Table])


def columns_for(table: str, kind: str) -> Columns | None:
    """The columns of a built-in table for records of a format, the one for the rest last.

    Args:
        table: its name in Azure.
        kind: the format's name in routes.yaml.

    Returns:
        Declarations that may be changed; None for a table that is not in builtin.json.
    """
    found = _tables().get(table)
    if found is None:
        return None
    if kind in found.kinds:
        columns = found.columns | found.kinds[kind]
    else:
        columns = {name: {"type": column["type"]} for name, column in found.columns.items()}
    return {name: dict(column) for name, column in (columns | found.rest).items()}


def tables() -> list[str]:
    """The built-in tables whose columns are known here."""
    return list(_tables())
