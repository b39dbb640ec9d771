"""`python -m tests.infra` makes again what follows from infra/; `--check` lints, builds and compares.

What follows: infra/azuredeploy.json, the template of the portal's "Deploy to Azure", and
snapshots/, what Azure would be asked for in each case; these are compared by test_drift.
Rule: without a compiler nothing is made or compared, and one line says so.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import Any

from .cases import CASES, REPOSITORY
from .compiler import MISSING, OLDEST, Compiler, environment, find
from .snapshot import FOLDER, compact, unsigned

PORTAL = REPOSITORY / "infra" / "azuredeploy.json"
SOURCES = FOLDER / "sources.sha256"
"""What the snapshots were made of, so that a machine without a compiler sees that they are not of today."""
TEMPLATES = ("main", "subscription")
QUIET = " : Info use-recent-api-versions"


def make(compiler: Compiler) -> dict[Path, str]:
    """Every file that follows from infra/."""
    template, said = compiler.compile("main")
    if said:
        raise SystemExit("\n".join(said))
    made = {
        PORTAL: json.dumps(template, indent=2, ensure_ascii=False) + "\n",
        SOURCES: sources(),
    }
    return made | {FOLDER / f"{name}.json": compact(compiler.evaluate(name)) for name in CASES}


def sources() -> str:
    """A line for each file that the compiler reads, templates and what they load: its hash and its path."""
    templates = list((REPOSITORY / "infra").glob("*.bicep"))
    found = {
        (path.parent / name).resolve()
        for path in templates
        for name in re.findall(r"\bload\w+\('([^']+)'", path.read_text(encoding="utf-8"))
    }
    lines = [
        f"{sha256(path.read_bytes()).hexdigest()}  {path.relative_to(REPOSITORY)}"
        for path in (*templates, *found)
    ]
    return "\n".join(sorted(lines, key=lambda line: line.split()[1])) + "\n"


def stale(made: dict[Path, str]) -> list[str]:
    """A sentence for each file that is not what infra/ says."""
    found = [path for path, text in made.items() if _told(path) != _meant(path, text)]
    return [
        f"{path.relative_to(REPOSITORY)} is not what infra/ says: run python -m tests.infra" for path in found
    ]


def _told(path: Path) -> Any:
    return _meant(path, path.read_text(encoding="utf-8")) if path.exists() else None


def _meant(path: Path, text: str) -> Any:
    return unsigned(json.loads(text)) if path.suffix == ".json" else text


def checked(path: Path) -> list[str]:
    """What `bicep lint` and `bicep build` say of the templates, and whether what they build is committed."""
    with tempfile.TemporaryDirectory() as folder:
        runs = [
            subprocess.Popen(
                [path, command, REPOSITORY / "infra" / f"{template}.bicep", *more],
                env=environment(),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            for template in TEMPLATES
            for command, more in (("lint", []), ("build", ["--outdir", folder]))
        ]
        said = [line for run in runs for line in run.communicate()[0].splitlines() if QUIET not in line]
        said += [f"bicep ended with {run.returncode}" for run in runs if run.returncode]
        built = Path(folder) / "main.json"
        text = built.read_text(encoding="utf-8") if built.exists() else "{}"
        return said + stale({PORTAL: text, SOURCES: sources()})


def write(made: dict[Path, str]) -> None:
    """Put the files there, and take away snapshots of cases that are gone."""
    FOLDER.mkdir(exist_ok=True)
    for file in set(FOLDER.iterdir()) - set(made):
        file.unlink()
    for file, text in made.items():
        file.write_text(text, encoding="utf-8")


def main() -> int:
    """Make, or check."""
    parser = argparse.ArgumentParser(prog="python -m tests.infra", description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="lint, build and compare; exit 1 if anything is amiss"
    )
    check = parser.parse_args().check
    path = find()
    if path is None:
        print(f"infra: not looked at, {MISSING}")
        return 0 if check else 1
    if check:
        problems = checked(path)
        print(
            "\n".join(problems)
            if problems
            else "infra: lint and build are silent, the template is as committed"
        )
        return 1 if problems else 0
    with Compiler(path) as compiler:
        if compiler.version() < OLDEST:
            print(f"infra: {path} is older than {'.'.join(map(str, OLDEST))}")
            return 1
        write(make(compiler))
    return 0


if __name__ == "__main__":
    sys.exit(main())
