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
    """A format can be written as a word, and its options are known."""
    assert problems(route(f"    format: {kind}\n")) == []
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
    ],
)
def test_a_slip_shows_in_the_editor(more: str) -> None:
    """A misspelt key, type or choice is no valid file."""
    assert problems(route(more))


@pytest.mark.parametrize(
    "more",
    [
        "    on_bad_value: null\n",
        "    columns: { When: { type: datetime, format: '%d/%b/%Y', zone: Europe/Berlin } }\n",
        "    columns: { Host: { fact: path.host }, Site: { value: 3 }, When: { type: datetime, join: [a, b] } }\n",
        "    redact: { Card: mask, Path: { replace: 'a+', with: b } }\n    keep: { Level: [a, null] }\n",
    ],
)
def test_what_is_right_shows_nothing(more: str) -> None:
    """What the app takes is valid."""
    assert problems(route(f"    format: csv\n{more}")) == []
