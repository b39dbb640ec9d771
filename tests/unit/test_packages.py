"""What is installed as `logferry` is all of shared/."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT / "shared"


def test_every_package_is_installed() -> None:
    """pyproject.toml names each folder with modules, so that what runs from a clone runs from a wheel."""
    named = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    folders = [init.parent.relative_to(SHARED) for init in SHARED.rglob("__init__.py")]
    there = {".".join(["logferry", *folder.parts]) for folder in folders}
    assert set(named) == there


def test_every_file_that_is_no_module_is_installed() -> None:
    """What the code reads beside itself is in the wheel too."""
    data = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    patterns = [(package.split(".")[1:], pattern) for package, found in data.items() for pattern in found]
    covered = {path for parts, pattern in patterns for path in SHARED.joinpath(*parts).glob(pattern)}
    others = {
        path
        for path in SHARED.rglob("*")
        if path.is_file() and path.suffix not in {".py", ".pyc"} and "__pycache__" not in path.parts
    }
    assert others == covered
