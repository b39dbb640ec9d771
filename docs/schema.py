"""routes.schema.json: the JSON Schema of routes.yaml, for editors.

Rule: made from the types that the file is read with (shared/routes/declare.py and each
format's options), so that an editor offers what the app takes. Invariant: a file that
`logferry check` finds right is valid against it; what the schema cannot say (a column
that a filter names, say) is left to `logferry check`.
"""

from __future__ import annotations

from typing import Any

import msgspec

from shared.decode import CHARSETS
from shared.formats import FORMATS
from shared.routes.declare import FACTS, RouteDeclaration
from shared.shape.times import NAMES

_ROUTE = "RouteDeclaration"


def routes_schema() -> dict[str, Any]:
    """The schema, as JSON."""
    options = [spec.options for spec in FORMATS.values()]
    found, components = msgspec.json.schema_components(
        [RouteDeclaration, *options], ref_template="#/$defs/{name}"
    )
    definitions = {name: _tidy(part) for name, part in components.items()}
    _route(definitions[_ROUTE], [part["$ref"] for part in found[1:]])
    for part in definitions.values():
        kind = part.get("properties", {}).get("type", {}).get("enum", [])
        if len(kind) == 1:
            part["properties"]["type"] = {"const": kind[0]}
    _column(definitions["Column"])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "routes.yaml of Logferry",
        "type": "object",
        "properties": {
            "routes": {
                "type": "object",
                "description": "One declaration per kind of input.",
                "minProperties": 1,
                "propertyNames": {"pattern": "^[a-z][a-z0-9-]{0,62}$"},
                "additionalProperties": {"$ref": f"#/$defs/{_ROUTE}"},
            }
        },
        "required": ["routes"],
        "additionalProperties": False,
        "$defs": dict(sorted(definitions.items())),
    }


def _route(route: dict[str, Any], formats: list[str]) -> None:
    properties = route["properties"]
    properties["format"] = {
        "description": properties["format"]["description"],
        "anyOf": [{"enum": list(FORMATS)}, *({"$ref": ref} for ref in formats)],
    }
    properties["charset"]["enum"] = list(CHARSETS)
    properties["columns"]["propertyNames"] = {"pattern": "^[A-Za-z][A-Za-z0-9_]{1,44}$"}
    for key in ("on_bad_value", "on_not_a_number", "on_big_integer"):
        choices = properties[key].get("anyOf") or [properties[key]]
        choices[0]["enum"] = [*choices[0]["enum"], None]  # YAML reads a bare null as no value


def _column(column: dict[str, Any]) -> None:
    """Known words first; any other text may be a pattern, or a captured part."""
    properties = column["properties"]
    for key, words in (("format", [*NAMES, "json", "pairs"]), ("fact", list(FACTS))):
        properties[key]["anyOf"] = [{"enum": words}, {"type": ["string", "null"]}]


def _tidy(part: Any) -> Any:
    """Without titles and defaults of None, which say nothing to an editor."""
    if isinstance(part, list):
        return [_tidy(item) for item in part]
    if not isinstance(part, dict):
        return part
    left = {key: _tidy(value) for key, value in part.items() if key != "title" or not isinstance(value, str)}
    if left.get("default", 0) is None:
        del left["default"]
    return left
