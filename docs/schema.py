"""routes.schema.json: the JSON Schema of routes.yaml, for editors.

Rule: made from the types that the file is read with (shared/routes/declare.py and each
format's options), so that an editor offers what the app takes. Invariant: a file that
`logferry check` finds right is valid against it; what the schema cannot say (a column
that a filter names, say) is left to `logferry check`.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import msgspec

from shared.decode import CHARSETS
from shared.formats import FORMATS
from shared.routes.check import MAX_TRANSFORM
from shared.routes.declare import FACTS, AuditDeclaration, RouteDeclaration
from shared.routes.names import RESERVED
from shared.shape.times import NAMES

_ROUTE = "RouteDeclaration"
_AUDIT = "AuditDeclaration"


def routes_schema() -> dict[str, Any]:
    """The schema, as JSON."""
    options = [spec.options for spec in FORMATS.values()]
    found, components = msgspec.json.schema_components(
        [RouteDeclaration, AuditDeclaration, *options], ref_template="#/$defs/{name}"
    )
    definitions = {name: _tidy(part) for name, part in components.items()}
    refs = [part["$ref"] for part in found[2:]]
    needs = [set(definitions[ref.rpartition("/")[2]].get("required", [])) - {"type"} for ref in refs]
    words = [name for name, needed in zip(FORMATS, needs, strict=True) if not needed]
    _route(definitions[_ROUTE], words, refs)
    for part in definitions.values():
        kind = part.get("properties", {}).get("type", {}).get("enum", [])
        if len(kind) == 1:
            part["properties"]["type"] = {"const": kind[0]}
    _column(definitions["Column"])
    definitions[_AUDIT]["properties"]["table"]["pattern"] = "^[A-Za-z][A-Za-z0-9_]*_CL$"
    definitions["From"]["properties"]["blobs"]["items"] = {"type": "string", "pattern": "^[^/]"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "routes.yaml of Logferry",
        "type": "object",
        "properties": {
            "audit": {"$ref": f"#/$defs/{_AUDIT}"},
            "routes": {
                "type": "object",
                "description": "One declaration per kind of input.",
                "minProperties": 1,
                "propertyNames": {"pattern": "^[a-z][a-z0-9-]{0,62}$"},
                "additionalProperties": {"$ref": f"#/$defs/{_ROUTE}"},
            },
        },
        "required": ["routes"],
        "additionalProperties": False,
        "$defs": dict(sorted(definitions.items())),
    }


def _route(route: dict[str, Any], words: list[str], formats: list[str]) -> None:
    """What its types do not say of a route.

    Args:
        route: its definition.
        words: formats that need no options.
        formats: references to all of them.
    """
    properties = route["properties"]
    properties["format"] = {
        "description": properties["format"]["description"],
        "anyOf": [{"enum": words}, *({"$ref": ref} for ref in formats)],
    }
    properties["charset"]["enum"] = list(CHARSETS)
    properties["columns"]["propertyNames"] = {
        "pattern": "^[A-Za-z][A-Za-z0-9_]{1,44}$",
        "not": {"pattern": f"^(?:{'|'.join(map(_in_any_case, sorted(RESERVED)))})$"},
    }
    time = {"properties": {"type": {"const": "datetime"}}}
    properties["columns"]["properties"] = {"TimeGenerated": {"allOf": [{"$ref": "#/$defs/Column"}, time]}}
    properties["table"]["pattern"] = "^[A-Za-z][A-Za-z0-9_]*$"
    properties["stream"]["anyOf"][0]["pattern"] = "^(?:Custom|Microsoft)-"
    properties["explode"]["anyOf"][0]["pattern"] = r"^[^.]+(?:\.[^.]+)*$"
    properties["transform"]["anyOf"][0]["maxLength"] = MAX_TRANSFORM
    for key in ("on_bad_value", "on_not_a_number", "on_big_integer"):
        choices = properties[key].get("anyOf") or [properties[key]]
        choices[0]["enum"] = [*choices[0]["enum"], None]  # YAML reads a bare null as no value


def _column(column: dict[str, Any]) -> None:
    """Known words first; any other format may be a pattern. A value comes from one place."""
    properties = column["properties"]
    properties["format"]["anyOf"] = [{"enum": [*NAMES, "json", "pairs"]}, {"type": ["string", "null"]}]
    properties["fact"]["anyOf"] = [{"enum": [*FACTS, None]}, {"type": "string", "pattern": r"^path\.."}]
    key = {"type": "string", "minLength": 1}
    properties["from"]["anyOf"] = [key, {"type": "array", "items": key, "minItems": 1}, {"type": "null"}]
    properties["join"]["items"] = key
    said: dict[str, Any] = {"not": {"enum": [None, []]}}
    both = [
        {"required": [one, other], "properties": {one: said, other: said}}
        for one, other in combinations(("from", "join", "value", "fact"), 2)
    ]
    column["not"] = {"anyOf": both}


def _in_any_case(name: str) -> str:
    return "".join(f"[{sign.upper()}{sign.lower()}]" if sign.isalpha() else sign for sign in name)


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
