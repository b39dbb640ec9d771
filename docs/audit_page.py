"""docs/audit.md: the audit row, as the log has it and as the table has it, and queries over the table.

Rule: fields and columns come from the code. Invariant: every query of the page is run by
a test on the local engine, over rows that the app has sent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from shared.audit import Audit
from shared.routes.auditing import audit_columns
from shared.trial import LOSSES

_LOST = " + ".join(f"coalesce(tolong(Changed.{kind}), 0)" for kind in LOSSES)

QUERIES = {
    "Did everything add up?": """\
LogferryAudit_CL
| summarize arg_max(TimeGenerated, *) by RowId
| summarize Sources = dcount(Source), Read = sum(RecordsRead), Accepted = sum(RowsAccepted),
    Filtered = sum(RecordsFiltered), DeadLettered = sum(RecordsDeadLettered) by TableName
| extend Missing = Read - Accepted - Filtered - DeadLettered
| sort by Missing desc, TableName asc
""",
    "What is late?": """\
LogferryAudit_CL
| where Outcome == 'done' and TimeGenerated > ago(1d)
| extend LateSeconds = datetime_diff('second', EndTime, SourceTime)
| where LateSeconds > 600
| project EndTime, Source, RouteName, LateSeconds, DurationMs
| top 20 by LateSeconds desc
""",
    "Which sources lost or dead-lettered most?": f"""\
LogferryAudit_CL
| summarize arg_max(TimeGenerated, *) by RowId
| extend Lost = {_LOST}
| summarize Read = sum(RecordsRead), DeadLettered = sum(RecordsDeadLettered), Lost = sum(Lost),
    Whole = countif(Outcome in ('dead', 'unrouted')) by RouteName, Source
| where DeadLettered > 0 or Lost > 0 or Whole > 0
| top 20 by Whole + DeadLettered + Lost desc
""",
}
"""Questions and their KQL, for a table that is called LogferryAudit_CL."""

_ABOUT = {
    "Did everything add up?": "`Missing` is 0 in every line; `Read` is what the sources held.",
    "What is late?": "Time from the blob's last modification (the message's queueing) to the end of its last run, in "
    "seconds. What has not come to its end is not in the table: `logferry status` tells of it.",
    "Which sources lost or dead-lettered most?": "`Lost` are values that a route says may be lost (`null`, `drop`, "
    "`last`, `cut`); `Whole` are sources of which nothing could be read.",
}

_HEAD = """\
# Audit rows

Every run over a source writes one line `audit {json}` to the log of the function, at level Information, under the logger `logferry.audit`. In Application Insights: `traces | where message startswith "audit " | extend row = parse_json(substring(message, 6))`.

For a source that is done, read = accepted + filtered + dead_lettered.

## In a table of their own

```yaml
audit: { table: LogferryAudit_CL }

routes:
  ...
```

With this in routes.yaml, beside `routes`, every source that comes to its end is a row in that table: done, dead,
unrouted, gone, or changed, which is the end of a version. Runs that are not the end (continued, deferred) are in the log,
and in what `logferry status` shows. Bicep makes the table and its stream, as it does for routes; local Azure knows them
too. The stream comes after those of all routes, so that asking for the table moves no other stream to another rule. No
message can name it, and no route can fill the table.

- **Rows can be summed.** Each counts what became of records since the source's last row in the table. Only a blob that
  has grown has several; in the log, the counts are those of the whole blob so far.
- **At least once.** A row goes out before the ledger says that its source is over: a worker that dies in between repeats
  the row, with the same `RowId`, and loses none. Two exceptions, both of a worker that dies in these milliseconds: a blob
  that is replaced before it is taken again has no row for the old version, and one that grows before that counts some
  records in two rows.
- **It holds nobody up.** A row is tried once. What Azure does not take is put aside in the state container
  (`held/audit/`) and goes out later, as deferred messages do; if rule, stream or role are not ready for `DEFER_SECONDS`,
  it goes to the dead letter, under `_audit`. What came of the source does not depend on it.
- **What it costs.** One small post for each source, and one more write to the ledger for a blob that is done.
"""


def audit_page(schema: Callable[[Any], dict[str, Any]], cell: Callable[[str], str]) -> str:
    """The page.

    Args:
        schema: JSON Schema of a type.
        cell: prose for a table's cell.
    """
    columns: dict[str, list[str]] = {}
    for name, column in audit_columns().items():
        columns.setdefault(str(column.from_), []).append(f"`{name}`")
    lines = [_HEAD, "## Fields", ""]
    lines += ["| in the log | column | type | meaning |", "| --- | --- | --- | --- |"]
    for name, part in schema(Audit)["properties"].items():
        kinds = _type(name)
        lines.append(
            f"| `{name}` | {', '.join(columns[name])} | {kinds} | {cell(part.get('description', ''))} |"
        )
    lines += [
        f"| | `{name}` | {column.type} | {cell(column.description or '')} |"
        for name, column in audit_columns().items()
        if column.from_ not in msgspec.structs.asdict(_EMPTY)
    ]
    lines += ["", "## Three questions", ""]
    for question, kql in QUERIES.items():
        lines += [f"### {question}", "", "```kusto", kql.rstrip(), "```", "", _ABOUT[question], ""]
    return "\n".join(lines).rstrip() + "\n"


_EMPTY = Audit(kind="", source="", version="", route="", table="", outcome="done")


def _type(field: str) -> str:
    return next(column.type for column in audit_columns().values() if column.from_ == field)
