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
OnNoNumber = Literal["text", "null", "dead_letter"]
OnBigInteger = Literal["text", "null", "dead_letter"]
OnSurrogate = Literal["escape", "replace", "dead_letter"]
OnDuplicateKey = Literal["keep_in_extra", "last", "dead_letter"]
OnLong = Literal["dead_letter", "cut"]
Values = list[str | int | float | bool | None] | str | int | float | bool
Constant = str | int | float | bool

STREAMS_PER_RULE = 10
"""That one data collection rule holds. Source: Azure Monitor service limits."""

EVERYTHING_ELSE = "*"

FACTS = {
    "source": "container/path of the blob, machine/path of a file that was pushed, or the message's id",
    "container": "the blob's container, or the machine that pushed a file",
    "path": "the blob's path in its container, or the one that a file was pushed under",
    "file": "the last part of that path",
    "member": "name of the file inside a zip",
    "version": "the blob's ETag (the first one, where it has only grown), or the message's id",
    "modified": "when the blob was last modified, or the message queued",
    "received": "when Logferry began with the source",
    "line": "line number in the (decoded) file, from 1",
    "ordinal": "place among the source's records, from 0",
    "record_id": "the same text for the same record of the same version of a source, whenever it is read",
    "route": "name of the route",
}
"""What a column can say of a record's source: name and meaning. path.NAME is a captured part of the path."""


class Replace(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"with_": "with"}):
    """Redaction by a pattern."""

    replace: Annotated[str, Meta(description="An RE2 pattern; every match in the value is replaced.")]
    with_: Annotated[
        str, Meta(description="What stands there instead; `\\1` is the pattern's first group.")
    ] = ""


Redaction = Literal["remove", "hash", "mask"] | Replace


class From(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a route takes."""

    blobs: Annotated[
        list[str],
        Meta(
            description="Glob patterns of blob paths below the drop container; `**` crosses folders, and "
            "`{NAME}` captures a part between two slashes for `fact: path.NAME`."
        ),
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
    join: Annotated[
        list[str],
        Meta(
            description="Instead of from: keys (or dotted paths) whose values are joined by a space, such as "
            "[date, time]; null where any of them is not there, and then none of them is taken."
        ),
    ] = []
    value: Annotated[
        Constant | None, Meta(description="Instead of from: a constant, the same for every row.")
    ] = None
    fact: Annotated[
        str | None,
        Meta(
            description="Instead of from: what is known of the source: "
            + ", ".join(FACTS)
            + ", or path.NAME, a part of the blob's path that the pattern captures as {NAME}."
        ),
    ] = None
    format: Annotated[
        str | None,
        Meta(
            description="How a datetime is written: iso (default), epoch (seconds, any fraction), "
            "epoch_ms, epoch_us, epoch_ns, syslog (`Jun 14 15:16:01`, ISO too), or a strptime pattern. Of a "
            'dynamic column: json, for text that holds JSON. Of a string column from "*": pairs (`key=value;'
            "key=value`)."
        ),
    ] = None
    zone: Annotated[
        str | None,
        Meta(
            description="Time zone of a datetime that is written without one: an IANA name such as "
            "Europe/Berlin, or an offset such as +02:00. Default: UTC."
        ),
    ] = None
    description: Annotated[
        str | None, Meta(description="What the column means; goes into the table's schema.")
    ] = None

    @property
    def keys(self) -> list[str]:
        """The keys and dotted paths that it looks for in a record, as far as they are written."""
        return self.join or ([self.from_] if isinstance(self.from_, str) else self.from_ or [])


class RouteDeclaration(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """One kind of input, as it is written."""

    from_: Annotated[From, Meta(description="What the route takes.")]
    format: Annotated[
        dict[str, Any],
        Meta(
            description="How the input is written: `type` and that format's options, or the type alone "
            "(`format: ndjson`)."
        ),
    ]
    table: Annotated[
        str, Meta(description="The table that the rows land in: a custom one ends in _CL, else built-in.")
    ]
    stream: Annotated[
        str | None,
        Meta(
            description="The rule's stream. Default: Custom-<table without _CL>. Routes of one stream have the "
            "same table, columns and transform; where two routes fill a table with other columns, one needs a "
            "stream of its own."
        ),
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
    explode: Annotated[
        str | None,
        Meta(
            description="Key, or dotted path, of a list in a record: each of its elements becomes a row, with "
            "the record's other fields beside it."
        ),
    ] = None
    redact: Annotated[
        dict[str, Redaction],
        Meta(
            description='What must not be sent as it is: a column, or a field that would be kept in "*" (a dotted '
            "path goes into objects). remove; hash (HMAC-SHA-256 with the app setting REDACT_SALT); mask (letters and "
            "digits, but the last four where there are more than eight); or { replace: RE2 pattern, with: text }. The dead letter holds the "
            "original of a record that became no row."
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
    on_not_a_number: Annotated[
        OnNoNumber,
        Meta(
            description="NaN and Infinity, which no JSON can carry: as text, in a real column under on_bad_value "
            "(default); null; or the record dead-lettered."
        ),
    ] = "text"
    on_big_integer: Annotated[
        OnBigInteger,
        Meta(
            description="An integer beyond 64 bits inside a dynamic column: as text (default), null, or the record "
            "dead-lettered. In a column of type int or long it is a bad value."
        ),
    ] = "text"
    on_lone_surrogate: Annotated[
        OnSurrogate,
        Meta(
            description="Half of a surrogate pair in a text, which is no character: written as its escape, "
            "`\\ud800` (default), replaced by U+FFFD, or the record dead-lettered."
        ),
    ] = "escape"
    on_duplicate_key: Annotated[
        OnDuplicateKey | None,
        Meta(
            description="A key that comes twice in a JSON object: the last value counts, and the earlier ones are "
            'kept as `_duplicate_keys` in the "*" column (default where there is one; those of an inner object '
            "under their dotted path); the last value counts; or "
            "the record is dead-lettered (default otherwise)."
        ),
    ] = None
    on_long_value: Annotated[
        OnLong,
        Meta(
            description="A value over 64 KB, which Azure would cut: the record dead-lettered (default), or the value "
            "cut here, and counted."
        ),
    ] = "dead_letter"
    on_large_record: Annotated[
        OnLong,
        Meta(
            description="A row over 1 MB, which no post takes: the record dead-lettered (default), or its longest "
            "values cut until it fits, and counted."
        ),
    ] = "dead_letter"


class AuditDeclaration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The table of audit rows, as it is written."""

    table: Annotated[
        str,
        Meta(
            description="A table of its own, which ends in _CL and which no route fills: a row for every source "
            "that comes to its end."
        ),
    ]


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
    explode: str | None = None
    redact: dict[str, Redaction] = {}
    on_not_a_number: OnNoNumber = "text"
    on_big_integer: OnBigInteger = "text"
    on_lone_surrogate: OnSurrogate = "escape"
    on_duplicate_key: OnDuplicateKey = "keep_in_extra"
    on_long_value: OnLong = "dead_letter"
    on_large_record: OnLong = "dead_letter"

    @property
    def extra(self) -> str | None:
        """Name of the column that takes everything else, if there is one."""
        return next((name for name, column in self.columns.items() if column.from_ == EVERYTHING_ELSE), None)


class Routes(msgspec.Struct, frozen=True):
    """All routes of a file, in its order."""

    by_name: dict[str, Route]
    audit: Route | None = None
    """Of the app's own audit rows, where the file asks for them; see auditing.py."""

    def for_blob(self, path: str) -> Route | None:
        """The first route, in the file's order, with a pattern that matches a blob's path."""
        from .match import matches  # noqa: PLC0415 - only blobs need globs

        return next((r for r in self.by_name.values() if matches(path, tuple(r.takes.blobs))), None)

    def for_messages(self) -> Route | None:
        """The route of messages that name none."""
        return next((route for route in self.by_name.values() if route.takes.messages), None)

    def streams(self) -> list[str]:
        """Distinct streams in the order of the routes' names; stream k lives in rule k // STREAMS_PER_RULE.

        By name, not by the file's order: Bicep, which makes the rules, sorts the keys of a mapping.
        """
        return list(dict.fromkeys(route.stream for route in self.in_order()))

    def in_order(self) -> list[Route]:
        """Every route in the order of the names; that of audit rows is the last."""
        named = [self.by_name[name] for name in sorted(self.by_name)]
        return named if self.audit is None else [*named, self.audit]
