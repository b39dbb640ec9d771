"""What may be written in routes.yaml, as types.

Rule: every key has its meaning here, once; the reference page and the JSON Schema
are generated from these docstrings and types. Invariant: a Route's `columns` are
the *effective* ones, in order: what the table, the stream and the shaper all have.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

ColumnType = Literal["string", "int", "long", "real", "boolean", "datetime", "dynamic"]
"""The types a stream can declare. Source: Azure Monitor's data collection rule structure."""

OnBadValue = Literal["keep_in_extra", "dead_letter", "null"]
OnUndeclared = Literal["keep_in_extra", "drop", "dead_letter"]
OnOldTime = Literal["keep_in_extra", "dead_letter"]
Values = list[str | int | float | bool | None] | str | int | float | bool

EVERYTHING_ELSE = "*"


class From(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a route takes."""

    blobs: Annotated[
        list[str],
        Meta(description="Glob patterns of blob paths below the drop container; `**` crosses folders."),
    ] = []
    messages: Annotated[
        bool, Meta(description="Takes queue messages that name no route. One route at most.")
    ] = False


class Column(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """One column of the table: its type, and where its value comes from."""

    type: Annotated[ColumnType, Meta(description="The column's type in the stream and the table.")] = "string"
    from_: Annotated[
        str | list[str] | None,
        Meta(
            description="Key of the record, or a dotted path into it, or several of them in order of "
            'preference; "*" on a dynamic column takes all that no other column took. '
            "Default: the column's own name."
        ),
    ] = None
    format: Annotated[
        str | None,
        Meta(
            description="How a datetime is written: iso (default), epoch (seconds, any fraction), "
            "epoch_ms, epoch_us, epoch_ns, or a strptime pattern (UTC unless it has %z)."
        ),
    ] = None
    description: Annotated[
        str | None, Meta(description="What the column means; goes into the table's schema.")
    ] = None


class RouteDeclaration(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """One kind of input, as it is written."""

    from_: Annotated[From, Meta(description="What the route takes.")]
    format: Annotated[
        dict[str, Any], Meta(description="How the input is written: `type` and that format's options.")
    ]
    table: Annotated[
        str, Meta(description="The table that the rows land in: a custom one ends in _CL, else built-in.")
    ]
    stream: Annotated[
        str | None,
        Meta(description="The rule's stream. Default: Custom-<table without _CL>."),
    ] = None
    charset: Annotated[
        str, Meta(description="Charset of the input. Default utf-8; a byte order mark is removed.")
    ] = "utf-8"
    columns: Annotated[
        dict[str, Column],
        Meta(
            description="The table's columns. TimeGenerated (datetime) is added where it is missing, and "
            'Extra (dynamic, from "*") where no column takes "*" and `on_undeclared` is keep_in_extra.'
        ),
    ] = {}
    keep: Annotated[
        dict[str, Values],
        Meta(
            description="Only rows whose column has one of these values are sent; the others are counted as filtered."
        ),
    ] = {}
    drop: Annotated[
        dict[str, Values],
        Meta(
            description="Rows whose column has one of these values are not sent; they are counted as filtered."
        ),
    ] = {}
    transform: Annotated[
        str | None,
        Meta(
            description="KQL that the rule runs on each row in Azure, and local Azure runs here: `source | ...`."
        ),
    ] = None
    on_bad_value: Annotated[
        OnBadValue | None,
        Meta(
            description='A value that does not fit its column\'s type: kept in the "*" column under its key '
            "(default where there is one), the record dead-lettered (default otherwise), or null."
        ),
    ] = None
    on_undeclared: Annotated[
        OnUndeclared,
        Meta(
            description='Fields that no column takes: kept in the "*" column (default), dropped and counted, '
            "or the record dead-lettered."
        ),
    ] = "keep_in_extra"
    on_old_time: Annotated[
        OnOldTime | None,
        Meta(
            description="A TimeGenerated that Azure would replace (more than 2 days old or 1 day ahead): the row "
            'gets the time of receipt and its own time is kept in the "*" column (default where there is one; not '
            "repeated where another datetime column keeps it), or the record is dead-lettered (default otherwise)."
        ),
    ] = None


class Route(msgspec.Struct, frozen=True):
    """A route that has been checked, with every default worked out."""

    name: str
    takes: From
    format: Any
    """The format's own options Struct."""
    table: str
    stream: str
    charset: str
    columns: dict[str, Column]
    """Effective columns in order; every Column has its `from_`."""
    keep: dict[str, tuple[Any, ...]]
    drop: dict[str, tuple[Any, ...]]
    transform: str | None
    on_bad_value: OnBadValue
    on_undeclared: OnUndeclared
    on_old_time: OnOldTime

    @property
    def extra(self) -> str | None:
        """Name of the column that takes everything else, if there is one."""
        return next((name for name, column in self.columns.items() if column.from_ == EVERYTHING_ELSE), None)


class Routes(msgspec.Struct, frozen=True):
    """All routes of a file, in its order."""

    by_name: dict[str, Route]

    def for_blob(self, path: str) -> Route | None:
        """The first route, in the file's order, with a pattern that matches a blob's path."""
        from .match import matches  # noqa: PLC0415 - only blobs need globs

        return next((r for r in self.by_name.values() if matches(path, tuple(r.takes.blobs))), None)

    def for_messages(self) -> Route | None:
        """The route of messages that name none."""
        return next((route for route in self.by_name.values() if route.takes.messages), None)

    def streams(self) -> list[str]:
        """Distinct streams in the order of the routes' names; stream k lives in rule k // 10.

        By name, not by the file's order: Bicep, which makes the rules, sorts the keys of a mapping.
        """
        return list(dict.fromkeys(self.by_name[name].stream for name in sorted(self.by_name)))
