"""The JSON Schema of routes.yaml, as an editor uses it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from shared.formats import FORMATS
from shared.routes.read import read

ROOT = Path(__file__).resolve().parents[3]
SCHEMA = json.loads((ROOT / "routes.schema.json").read_text())


def problems(text: str) -> list[str]:
    checker = jsonschema.Draft202012Validator(SCHEMA)
    return [error.message for error in checker.iter_errors(read(text, "routes.yaml").value)]


def route(more: str) -> str:
    return f'routes:\n  a:\n    from: {{ blobs: ["a/*"] }}\n    table: A_CL\n{more}'


def test_the_routes_of_the_project_are_valid() -> None:
    """The file that every newcomer opens first shows no mistake in an editor."""
    assert problems((ROOT / "routes.yaml").read_text()) == []


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_is_offered(kind: str) -> None:
    """A format can be written as a word unless it needs an option, and its options are known."""
    written = "{ type: regex, pattern: '(?P<all>.*)' }" if kind == "regex" else kind
    assert problems(route(f"    format: {written}\n")) == []
    found: list[dict[str, Any]] = [
        part for part in SCHEMA["$defs"].values() if part.get("properties", {}).get("type") == {"const": kind}
    ]
    assert len(found) == 1
    assert found[0]["additionalProperties"] is False


@pytest.mark.parametrize(
    "more",
    [
        "    format: cvs\n",
        "    format: { type: csv, delimter: ';' }\n",
        "    format: csv\n    colums: {}\n",
        "    format: csv\n    columns: { A: { typ: int } }\n",
        "    format: csv\n    columns: { a-b: {} }\n",
        "    format: csv\n    columns: { Ab: { type: guid } }\n",
        "    format: csv\n    on_bad_value: drop\n",
        "    format: csv\n    redact: { Ab: blur }\n",
        "    format: csv\n    charset: utf8\n",
        "    format: regex\n",
        "    format: csv\n    table: A-CL\n",
        "    format: csv\n    stream: Web\n",
        "    format: csv\n    explode: a..b\n",
        f"    format: csv\n    transform: '{'s' * 15_361}'\n",
        "    format: csv\n    from: { blobs: [/a] }\n",
        "    format: csv\n    columns: { tenantid: {} }\n",
        "    format: csv\n    columns: { TimeGenerated: { type: string } }\n",
        "    format: csv\n    columns: { Ab: { fact: fiel } }\n",
        "    format: csv\n    columns: { Ab: { from: [] } }\n",
        "    format: csv\n    columns: { Ab: { from: a, value: 1 } }\n",
    ],
)
def test_a_slip_shows_in_the_editor(more: str) -> None:
    """A misspelt key, type or choice is no valid file."""
    assert problems(route(more))


@pytest.mark.parametrize(
    "more",
    [
        "    on_bad_value: null\n",
        "    explode: a.b\n    transform: source\n    stream: Custom-A\n",
        "    columns: { TimeGenerated: { from: t }, Identity: {}, Ab: { from: null, join: [], value: 1 } }\n",
        "    columns: { When: { type: datetime, format: '%d/%b/%Y', zone: Europe/Berlin } }\n",
        "    columns: { Host: { fact: path.host }, Site: { value: 3 }, When: { type: datetime, join: [a, b] } }\n",
        "    redact: { Card: mask, Path: { replace: 'a+', with: b } }\n    keep: { Level: [a, null] }\n",
    ],
)
def test_what_is_right_shows_nothing(more: str) -> None:
    """What the app takes is valid."""
    assert problems(route(f"    format: csv\n{more}")) == []
