"""docs/security.md claims nothing that no test holds, and what it says of versions is so."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
_LINK = re.compile(r"\[([^\]]+)\]\(\.\./(tests/[\w/]+\.py)\)")
CLAIMS = [(re.sub(r"\W+", "_", words), path) for words, path in _LINK.findall(PAGE)]


@pytest.mark.parametrize(("name", "path"), CLAIMS)
def test_every_test_on_the_page_exists(name: str, path: str) -> None:
    """What holds a claim is a test of that name in that file."""
    assert re.search(
        rf"^def test_{name}\(", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE | re.IGNORECASE
    )


def test_every_row_of_an_attack_has_a_test() -> None:
    """No table of attacks or promises has a row without one; that of roles names what grants them."""
    tables = re.findall(r"(?:^\|.*\n)+", PAGE, re.MULTILINE)
    held = [table for table in tables if "what holds it" in table.splitlines()[0]]
    assert len(held) == 6
    for table in held:
        for row in table.splitlines()[2:]:
            assert _LINK.search(row), row


def test_the_roles_on_the_page_are_those_of_the_template() -> None:
    """Every role that the app is given is on the page, with the same name."""
    files = [ROOT / "infra" / name for name in ("roles.bicep", "storage-roles.bicep")]
    bicep = "\n".join(file.read_text(encoding="utf-8") for file in files)
    declared = re.findall(r"^var (\w+) = '[0-9a-f-]{36}'", bicep, re.MULTILINE)
    on_page = {
        re.sub(r"\W", "", name).lower()
        for name in re.findall(r"^\| ((?:Storage|Monitoring)[\w ]+),", PAGE, re.MULTILINE)
    }
    assert {
        name.lower()
        .replace("blobdata", "storageblobdata", 1)
        .replace("queuedata", "storagequeuedata", 1)
        .replace("tabledata", "storagetabledata", 1)
        for name in declared
    } == on_page


@pytest.mark.parametrize("file", sorted(ROOT.glob("requirements*.txt")), ids=lambda path: path.name)
def test_every_requirement_is_pinned(file: Path) -> None:
    """What is asked for is one version, and nothing comes from an address."""
    for line in file.read_text(encoding="utf-8").splitlines():
        asked = line.partition("#")[0].strip()
        assert (
            not asked or asked.startswith("-r ") or re.fullmatch(r"[\w.-]+(\[\w+\])?==[\w.]+(; .+)?", asked)
        ), line


def test_what_npm_installs_has_a_hash() -> None:
    """Each package of the lock file has its hash."""
    packages = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    for name, package in packages.items():
        if name:
            assert package["integrity"].startswith("sha512-"), name
