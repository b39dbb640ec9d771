"""Where redaction looks: everywhere that a value may turn up in a row."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.errors import RoutesError
from shared.routes import loads
from shared.shape.shaper import Shaper
from shared.shape.window import window
from tests.build import FRESH, NOW, block, route

CASES: dict[str, tuple[dict[str, Any], str, dict[str, Any]]] = {
    "column": ({"Mail": {"from": "mail"}}, "Mail", {"mail": "secret"}),
    "bad value": ({"Mail": {"type": "int", "from": "u.mail"}}, "Mail", {"u": {"mail": "secret"}}),
    "other candidate": ({"Mail": {"from": ["a", "u.b"]}}, "Mail", {"a": "secret", "u": {"b": "secret"}}),
    "part of a join": ({"Name": {"join": ["first", "last"]}}, "Name", {"last": "secret"}),
    "bad joined value": (
        {"When": {"type": "datetime", "join": ["a", "b"]}},
        "When",
        {"a": "secret", "b": "x"},
    ),
    "field": ({}, "u.mail", {"u": {"mail": "secret", "x": 1}}),
    "field with a dot": ({}, "u.mail", {"u.mail": "secret"}),
    "inside a dynamic column": (
        {"User": {"type": "dynamic", "from": "u"}},
        "u.mail",
        {"u": {"mail": "secret"}},
    ),
    "column's key in an object": (
        {"Mail": {"from": "u.mail"}, "User": {"type": "dynamic", "from": "u"}},
        "Mail",
        {"u": {"mail": "secret"}},
    ),
    "earlier value of a column": (
        {"Mail": {"from": "mail"}},
        "Mail",
        {"mail": "secret", "_duplicate_keys": {"mail": ["secret"]}},
    ),
    "earlier value in an object": ({}, "u.mail", {"_duplicate_keys": {"u.mail": ["secret"]}}),
    "earlier object": ({}, "u.mail", {"_duplicate_keys": {"u": [{"mail": "secret"}, 5]}}),
    "earlier value below": ({}, "u", {"_duplicate_keys": {"u.mail": ["secret"]}}),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("how", ["remove", "hash", "mask", {"replace": "secret", "with": "-"}])
def test_a_value_is_nowhere_as_it_was(name: str, how: Any) -> None:
    """Whatever a value's way into a row, it is not there as it was; what is beside it is."""
    columns, redacted, record = CASES[name]
    if how != "remove" and columns.get(redacted, {}).get("type") in {"int", "datetime"}:
        return  # what stands there instead would be text
    made = route(columns=columns, redact={redacted: how})
    source = block([{"TimeGenerated": FRESH, "beside": 7, **record}])
    before = json.dumps(source.records)
    rows = Shaper(made, window(NOW, NOW), salt=b"salt").shape(source)
    assert b"secret" not in rows.text
    assert json.loads(rows.text)["Extra"]["beside"] == 7
    assert json.dumps(source.records) == before


@pytest.mark.parametrize(
    ("columns", "redacted", "key"),
    [
        ({"Mail": {"from": "mail"}}, "mail", "Mail takes mail"),
        ({"Mail": {"from": "u.mail"}}, "u", "Mail takes u.mail"),
        ({"User": {"from": "u"}}, "u.mail", "User takes u,"),
        ({"Mail": {"from": "mail"}, "Again": {"from": ["x", "mail"]}}, "Mail", "Again takes mail"),
        ({"Last": {"from": "b"}, "Name": {"join": ["a", "b"]}}, "Last", "Name takes b"),
        ({"Day": {"from": "TimeGenerated"}}, "Day", "TimeGenerated takes TimeGenerated"),
    ],
)
def test_a_column_that_would_send_it_is_named(columns: dict[str, Any], redacted: str, key: str) -> None:
    """A route that redacts a value in one place and sends it in another is refused, unless both are redacted."""
    declared: dict[str, Any] = {"from": {}, "format": "ndjson", "table": "A_CL", "columns": columns}
    with pytest.raises(RoutesError) as caught:
        loads(json.dumps({"routes": {"a": {**declared, "redact": {redacted: "hash"}}}}))
    (problem,) = caught.value.problems
    assert key in problem
    if "TimeGenerated" not in key:
        both = {redacted: "hash", key.split(" ", maxsplit=1)[0]: "hash"}
        loads(json.dumps({"routes": {"a": {**declared, "redact": both}}}))
