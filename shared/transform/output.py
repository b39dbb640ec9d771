"""The columns that come out of a transform, against the table's.

Rule: Azure refuses a rule whose output has no TimeGenerated, or a column of another
type than the table's (`Types of transform output columns do not match ...`; int and
long are two types), and drops a column that the table has not: each is said before.
Invariant: nothing is said of a type that is not known, nor of a table that is not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..routes.names import LONGEST_NAME, is_legal, is_reserved
from ..routes.words import did_you_mean
from .face import Checked, Problem, Table, kusto_type, problem

TIME = "TimeGenerated"
_CONVERSIONS = {
    "boolean": "tobool",
    "datetime": "todatetime",
    "dynamic": "parse_json",
    "guid": "toguid",
    "int": "toint",
    "long": "tolong",
    "real": "toreal",
    "string": "tostring",
}
_KEEP = "Declare it under columns, or take it out with project-away."


def output_problems(
    text: str,
    columns: Mapping[str, str | None],
    checked: Checked,
    table: Table,
) -> list[Problem]:
    """What is wrong with the columns that come out.

    Args:
        text: the transform.
        columns: name to type, None for a type that is not known.
        checked: the transform as it was looked at, for the places of its columns.
        table: what is known of the table.
    """
    place = {**checked.gone, **checked.made}
    found = [(place.get(TIME, checked.last), sentence) for sentence in _time(columns)]
    for column, kind in columns.items():
        if column not in checked.made and checked.columns is not None and column in checked.columns:
            continue  # source's own, as the route has it
        sentence = _name(column, table) or _of_table(column, kind, table)
        if sentence:
            found.append((checked.made.get(column, checked.last), sentence))
    return [problem(text, offset, sentence, "output") for offset, sentence in found]


def _time(columns: Mapping[str, str | None]) -> Iterator[str]:
    if TIME not in columns:
        same = [column for column in columns if column.casefold() == TIME.casefold()]
        remedy = f"spell {same[0]} so." if same else f"keep it, or add extend {TIME} = now()."
        yield f"the output has no {TIME}, without which Azure refuses the rule: {remedy}"
    elif columns[TIME] not in {"datetime", None}:
        yield f"{TIME} comes out as {columns[TIME]}; it must be datetime: write {TIME} = todatetime(...)."


def _name(column: str, table: Table) -> str | None:
    if is_reserved(column):
        return f"{column} is one of Azure Monitor's own columns: give it another name."
    if not is_legal(column) and (table.whole or len(column) > 1):
        return (
            f"{column} is no name of a column: 2 to {LONGEST_NAME} letters, digits and _, a letter first. "
            "Give it another, or take it out with project-away."
        )
    return None


def _of_table(column: str, kind: str | None, table: Table) -> str | None:
    if column == TIME:
        return None
    if column not in table.columns:
        same = [other for other in table.columns if other.casefold() == column.casefold()]
        if same:
            return f"{table.name} spells it {same[0]}, not {column}: its values would be lost."
        if not table.whole:
            return None
        lost = f"{table.name} has no column {column}, so its values would be lost"
        return f"{lost}{did_you_mean(column, list(table.columns)) or '.'} {_KEEP}"
    wanted = kusto_type(table.columns[column])
    if kind is None or kind == wanted:
        return None
    remedy = f"write {column} = {_CONVERSIONS[wanted]}(...)." if wanted in _CONVERSIONS else "convert it."
    return (
        f"{column} comes out as {kind}, and {table.name} has it as {wanted}, so "
        f"Azure refuses the rule: {remedy}"
    )
