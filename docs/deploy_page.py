"""docs/deploy.md: its two tables, from the compiled template and the snapshots.

Rule: the page is prose that is written there, and tables between marks that are made
here. Invariant: a parameter or a resource that the page does not have, or that is gone,
fails `make check`.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.infra.cases import CASES
from tests.infra.snapshot import committed

_DOCS = Path(__file__).resolve().parent
_INFRA = _DOCS.parent / "infra"


def deploy_page(cell: Callable[[str], str]) -> str:
    """The page with its tables made anew."""
    text = (_DOCS / "deploy.md").read_text(encoding="utf-8")
    for name, rows in (("parameters", _parameters(cell)), ("cases", _cases())):
        begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
        before, rest = text.split(begin)
        text = "\n".join([f"{before}{begin}", *rows, end]) + rest.split(end)[1]
    return text


def _parameters(cell: Callable[[str], str]) -> list[str]:
    template = json.loads((_INFRA / "azuredeploy.json").read_text(encoding="utf-8"))
    lines = (_INFRA / "main.bicepparam").read_text(encoding="utf-8")
    read = dict(re.findall(r"^param (\w+) = .*readEnvironmentVariable\('(\w+)'", lines, re.MULTILINE))
    rows = ["| parameter | azd | default | meaning |", "| --- | --- | --- | --- |"]
    for name, parameter in template["parameters"].items():
        variable = f"`{read[name]}`" if name in read else ""
        meaning = cell(parameter.get("metadata", {}).get("description", ""))
        rows.append(f"| `{name}` | {variable} | {_default(parameter)} | {meaning} |")
    return rows


def _default(parameter: dict[str, Any]) -> str:
    default = parameter.get("defaultValue")
    if default is None:
        return "required"
    if isinstance(default, (dict, list)):
        return f"`{json.dumps(default)}`"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    text = str(default)
    return f"`{text.strip('[]') if text.startswith('[') else text}`" if text else ""


def _cases() -> list[str]:
    legend = [f"- `{name}`: {case.title}" for name, case in CASES.items()]
    made = {name: Counter(resource["type"] for resource in committed(name).resources) for name in CASES}
    kinds = sorted({kind for counts in made.values() for kind in counts})
    rows = [f"| resource | {' | '.join(made)} |", "| --- |" + " --- |" * len(made)]
    for kind in kinds:
        counts = " | ".join(str(found[kind] or "") for found in made.values())
        rows.append(f"| {kind.removeprefix('Microsoft.')} | {counts} |")
    total = " | ".join(str(sum(found.values())) for found in made.values())
    return [*legend, "", *rows, f"| all | {total} |"]
