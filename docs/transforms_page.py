"""docs/transforms.md: what a transform may hold, each with a case and its value here.

Rule: the cases are those of tests/fixtures/transforms, which the tests hold to Kusto's
reference; the values on the page are worked out when it is made. Invariant: everything
that Azure lists has a case, or the page is not made.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import yaml

from shared.transform.allowed import (
    FUNCTIONS,
    HEADS,
    LOGICAL_OPERATORS,
    MAX_CHARACTERS,
    MAX_PARSED,
    NUMBER_OPERATORS,
    OPERATORS,
    STRING_OPERATORS,
)
from shared.transform.run import Result, Transform

NOW = dt.datetime(2024, 5, 6, 7, 8, 9, tzinfo=dt.UTC)
"""When the cases run."""
_FIXTURES = Path(__file__).resolve().parents[1] / "tests" / "fixtures" / "transforms"
_LONGEST = 124
"""Characters of an example on the page; of several cases the first that is no longer is shown."""


class Case(msgspec.Struct, frozen=True, rename={"name": "is"}, forbid_unknown_fields=True):
    """One line of the fixtures: a value or a whole transform, and what the reference says it gives."""

    name: str
    """The function or operator."""
    source: str
    """The page of the reference."""
    kql: str = ""
    """A value over the columns."""
    query: str = ""
    """A whole transform, where it is more than a value."""
    value: Any = None
    type: str = ""
    rows: list[dict[str, Any]] = []
    types: dict[str, str] = {}
    cannot: str = ""
    """Why it cannot be run here."""
    note: str = ""
    """What the reference leaves in doubt, or says unexpectedly."""

    @property
    def text(self) -> str:
        """The whole transform."""
        return self.query or f"source | project x = {self.kql}"


@cache
def columns() -> dict[str, str]:
    """The columns that cases read: name to type."""
    return {name: column["type"] for name, column in _columns().items()}


def row() -> dict[str, Any]:
    """The one row of them."""
    return {name: column["value"] for name, column in _columns().items() if "value" in column}


@cache
def _columns() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load(
        (_FIXTURES / "columns.yaml").read_text(encoding="utf-8")
    )
    return found


@cache
def cases() -> tuple[Case, ...]:
    """All cases, in the order of the fixtures."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found: list[Case] = []
    for path in sorted(_FIXTURES.glob("[0-9]*.yaml")):
        read = yaml.load(path.read_text(encoding="utf-8"), loader)  # noqa: S506 - a safe loader
        found += msgspec.convert(read, list[Case])
    return tuple(found)


def run(case: Case) -> Result:
    """What it gives here."""
    return Transform(case.text, columns()).run(json.dumps([row()]).encode(), NOW)


def listed() -> dict[str, tuple[str, ...]]:
    """Everything that Azure lists, by subject."""
    return {
        "Statements and operators": ("let", *(head for head in HEADS if head != "source"), *OPERATORS),
        "Operators of text": STRING_OPERATORS,
        "Operators of numbers and times": NUMBER_OPERATORS,
        "Logical operators": LOGICAL_OPERATORS,
        **{f"Functions: {subject}": tuple(names) for subject, names in FUNCTIONS.items()},
    }


_HEAD = f"""\
# Transforms

A route's `transform` is a piece of KQL that the data collection rule runs in Azure on every row, after the
app has sent it and before it is in the table. It is for what the route itself cannot do: leaving rows out
(`keep`, `drop`), other names, types and redaction are better done in the route, before anything is sent and
paid for.

```yaml
transform: |
  source
  | where Status >= 400
  | extend Host = tostring(parse_json(Details).host)
  | project-away Details
```

One row goes in, at most one comes out. The text begins with `source`, or with `let` statements that bind a
value, a table or a function of values. It has at most {MAX_CHARACTERS:,} characters and makes at most
{MAX_PARSED} columns in one `parse`; what comes out has a `TimeGenerated`. Columns that the table does not
have are dropped by Azure without a word.

**Looked at before Azure runs it:**

- `logferry check` names what a rule would refuse, with its line, and holds the columns that come out against
  the table's; where Node is at hand it asks Microsoft's own analyser too. What passes is
  compiled for the engine that runs it here, which says the first argument of a wrong type or number.
- `logferry preview FILE` shows the rows after the transform, and how many it leaves out.
- Local Azure runs it on what is posted and counts what it drops, and what it fails on, as the rule's metrics
  do. What it cannot run it says at its start, and keeps the rows as they came.

The engine is Logferry's own. It knows every type beforehand and gives the values of Kusto's reference: times
to 100 ns, whole numbers that wrap at 64 bits, null where Kusto has null. Patterns are run by RE2. Where the
reference is silent or contradicts itself, a note says what is assumed; "known of the engine" is what others
have measured.

Below is all that Azure lists, each with an example over this row, and its value here. Each has more cases in
`tests/fixtures/transforms`; the tests hold them to the reference.

"""


def transforms_page() -> str:
    """docs/transforms.md."""
    lines = [_HEAD + _code(", ".join(f"{name} {_json(value)}" for name, value in row().items()))]
    lines.append("\nNoText, NoInt, NoReal, NoAt, NoOk and NoBag are columns without a value.\n")
    for subject, names in listed().items():
        lines += [f"\n## {subject}\n", "| | example | value here | run here | notes |"]
        lines.append("| --- | --- | --- | --- | --- |")
        lines += [_row(name) for name in names]
    return "\n".join(lines) + "\n"


def _row(name: str) -> str:
    found = [case for case in cases() if case.name == name]
    shown = next((case for case in found if len(case.text) <= _LONGEST), found[0])
    notes = " ".join(_note(case) for case in found if case.note)
    value = "" if shown.cannot else _value(shown)
    how = f"no: {shown.cannot}" if shown.cannot else "yes"
    return f"| {' | '.join((f'`{name}`', _code(shown.kql or shown.query), value, how, notes))} |"


def _note(case: Case) -> str:
    return f"{_code(case.kql)} is {_value(case)}: {_prose(case.note)}" if case.kql else _prose(case.note)


def _value(case: Case) -> str:
    result = run(case)
    if case.query:
        return _code("; ".join(_json(one) for one in result.rows) or "no row")
    return f"{_code(_json(result.rows[0]['x']))} ({result.columns['x']})"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _code(text: str) -> str:
    """Code for a cell: one line, and no bar that would end it."""
    flat = " ".join(text.split()).replace("|", "\\|")
    fence = "``" if "`" in flat else "`"
    return f"{fence}{flat}{fence}"


def _prose(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*").replace("_", "\\_")


def missing() -> Iterator[str]:
    """What Azure lists and no case covers."""
    covered = {case.name for case in cases()}
    for names in listed().values():
        yield from (name for name in names if name not in covered)
