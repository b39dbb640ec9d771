"""Microsoft's own Kusto analyser, where Node.js and its npm package are.

Rule: it is asked, never needed: without it the check is ours alone, and that is
said. Invariants: one process for all transforms of a file (starting it takes about a
second, a transform some milliseconds); nothing is downloaded, and no network used; who
checks a file that came with a folder runs no script of that folder's.

The package is @kusto/language-service-next, which `npm install` puts into
node_modules: Logferry's own; or, where it is the version that Logferry knows to the
byte, that of the current directory or of a folder that is given; or any version, in the
folder that KUSTO_LANGUAGE_SERVICE names.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from .face import kusto_type

PACKAGE = Path("node_modules", "@kusto", "language-service-next")
VARIABLE = "KUSTO_LANGUAGE_SERVICE"
VERSION = "12.4.1"
HOW = f"npm install @kusto/language-service-next@{VERSION}, or name another one's folder in {VARIABLE}"
SECONDS = 60
"""To start in, however busy the machine is; each transform has SECONDS_EACH more."""
SECONDS_EACH = 10

_SCRIPT = Path(__file__).with_name("analyse.js")
_NEEDED = {
    "bridge.min.js": "5edc505e5634daf2922197797740180d587d15b5f0f505c95ad7b5dd6b5daae8",
    "Kusto.Language.Bridge.min.js": "3a96a4ac1bff095ba49d6606e7d591f5d00519b529c51a6850032f62b0960a86",
}
"""The package's scripts that are run, and their SHA-256 in VERSION."""
_ERROR = re.compile(r"^\s*\w*(?:Error|Exception): .{1,160}", re.MULTILINE)
_ONLY_IN_TRANSFORMS = {
    "geo_location": {"takes": ["string"], "gives": "dynamic"},
    "parse_cef_dictionary": {"takes": ["string"], "gives": "dynamic"},
}
"""Functions that no query knows, and the analyser has to be told of."""


class Finding(msgspec.Struct, frozen=True):
    """What the analyser says of a place, in its own words."""

    start: int
    """Characters into the text."""
    end: int
    code: str
    """KS142 and the like."""
    message: str


class Analysis(msgspec.Struct, frozen=True):
    """What the analyser says of a transform."""

    findings: list[Finding]
    columns: dict[str, str] | None
    """What comes out: name to type."""


class Analyser(NamedTuple):
    """Where the two halves are."""

    node: str
    package: Path


class AnalyserError(Exception):
    """The analyser is there and did not answer; the message says why."""


def find(environ: Mapping[str, str], folders: Sequence[Path] = ()) -> Analyser | None:
    """The analyser, or None where Node.js or the package is missing.

    Args:
        environ: for KUSTO_LANGUAGE_SERVICE and PATH.
        folders: further folders that may have a node_modules, besides Logferry's own and the current one.
    """
    node = shutil.which("node", path=environ.get("PATH"))
    named, own = environ.get(VARIABLE), Path(__file__).resolve().parents[2] / PACKAGE
    others = [folder / PACKAGE for folder in (Path.cwd(), *folders)]
    if named:
        package = Path(named) if _is_there(Path(named)) else None
    elif _is_there(own):
        package = own
    else:
        package = next(filter(_is_known, others), None)
    return Analyser(node, package.resolve()) if node and package else None


def _is_there(package: Path) -> bool:
    return all((package / name).is_file() for name in _NEEDED)


def _is_known(package: Path) -> bool:
    """Whether it is the package, to the byte: who made the folder is not known."""
    try:
        found = {name: hashlib.sha256((package / name).read_bytes()).hexdigest() for name in _NEEDED}
    except OSError:
        return False
    return found == _NEEDED


def analyse(analyser: Analyser, transforms: Sequence[tuple[str, Mapping[str, str]]]) -> list[Analysis | None]:
    """Ask about transforms, each a text and the columns of its source; None for one that breaks the analyser.

    Raises:
        AnalyserError: it did not start, did not end in time, or gave no answer.
    """
    asked = {
        "transforms": [{"text": text, "columns": _kusto(columns)} for text, columns in transforms],
        "functions": _ONLY_IN_TRANSFORMS,
    }
    patience = SECONDS + SECONDS_EACH * len(transforms)
    command = [analyser.node, str(_SCRIPT), str(analyser.package)]
    try:
        run = subprocess.run(  # noqa: S603 - node, found on PATH
            command,
            input=msgspec.json.encode(asked),
            capture_output=True,
            timeout=patience,
            check=True,
            env={},
        )
        found = msgspec.json.decode(run.stdout, type=list[Analysis | None])
    except subprocess.CalledProcessError as error:
        said = _ERROR.search(error.stderr.decode(errors="replace"))
        raise AnalyserError(f"node left with {error.returncode}{f': {said[0]}' if said else ''}") from error
    except (OSError, subprocess.TimeoutExpired, msgspec.DecodeError) as error:
        raise AnalyserError(str(error)[:200]) from error
    if len(found) != len(transforms):
        raise AnalyserError("it answered about other transforms than those asked.")
    return [one and msgspec.structs.replace(one, columns=_ours(one.columns)) for one in found]


def _kusto(columns: Mapping[str, str]) -> dict[str, str]:
    return {name: "bool" if kind == "boolean" else kind for name, kind in columns.items()}


def _ours(columns: Mapping[str, str] | None) -> dict[str, str] | None:
    return None if columns is None else {name: kusto_type(kind) for name, kind in columns.items()}
