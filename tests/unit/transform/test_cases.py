"""A transform gives what Kusto's reference says: the table of cases, one by one."""

from __future__ import annotations

import math
from typing import Any

import pytest

from docs.transforms_page import Case, cases, columns, listed, missing, run
from shared.transform.check import check_transform
from shared.transform.run import Transform

IDS = [f"{case.name} {index}" for index, case in enumerate(cases())]


@pytest.mark.parametrize("case", cases(), ids=IDS)
def test_a_case_gives_the_reference_s_value_and_type(case: Case) -> None:
    """Value and type are those of the reference; what cannot be run here says so and keeps the rows."""
    if case.cannot:
        assert case.cannot in str(Transform(case.text, columns()).note)
        return
    result = run(case)
    assert result.errors == 0
    if case.query:
        assert (result.rows, dict(result.columns)) == (case.rows, case.types)
        return
    assert dict(result.columns) == {"x": case.type}
    ((value,),) = [list(row.values()) for row in result.rows]
    assert same(value, case.value), f"{case.kql} is {value!r}, the reference says {case.value!r}"


def same(value: Any, expected: Any) -> bool:
    """Equal, and of one type: 1 is not 1.0, and not true."""
    if isinstance(expected, list):
        return isinstance(value, list) and len(value) == len(expected) and all(map(same, value, expected))
    if isinstance(expected, dict):
        return (
            isinstance(value, dict)
            and {*value} == {*expected}
            and all(same(value[k], expected[k]) for k in value)
        )
    if isinstance(expected, float) and isinstance(value, float):
        return math.isclose(value, expected, rel_tol=1e-15)
    return type(value) is type(expected) and bool(value == expected)


@pytest.mark.parametrize("case", cases(), ids=IDS)
def test_check_accepts_every_case(case: Case) -> None:
    """What runs here is what a rule takes: `logferry check` has nothing to say of it."""
    text = case.text
    if not text.lstrip().startswith(("print", "datatable")):
        text = f"{text} | extend TimeGenerated = now()"
    problems = check_transform(text, columns(), None).problems
    assert [found.sentence for found in problems if found.kind != "output"] == []


def test_everything_that_azure_lists_has_a_case() -> None:
    """No operator and no function of the list is without a case."""
    assert list(missing()) == []


def test_no_case_is_for_something_that_azure_does_not_list() -> None:
    """A case's name is one of the list."""
    known = {name for names in listed().values() for name in names}
    assert {case.name for case in cases()} <= known
