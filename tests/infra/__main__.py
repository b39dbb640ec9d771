"""`python -m tests.infra` makes again what follows from infra/; `--check` compares, and lints.

What follows: infra/azuredeploy.json, the template of the portal's "Deploy to Azure", and
snapshots/, what Azure would be asked for in each case. Rule: without a compiler nothing is
made or compared, and one line says so.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import Any

from .cases import CASES, REPOSITORY
from .compiler import LOADED, MISSING, OLDEST, Compiler, environment, find
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
    """A line for each file that the compiler reads: its hash and its path."""
    infra, routes = REPOSITORY / "infra", REPOSITORY / "shared" / "routes"
    files = [REPOSITORY / "routes.yaml", *infra.glob("*.bicep"), *(routes / name for name in LOADED)]
    lines = [f"{sha256(path.read_bytes()).hexdigest()}  {path.relative_to(REPOSITORY)}" for path in files]
    return "\n".join(sorted(lines, key=lambda line: line.split()[1])) + "\n"


def stale(made: dict[Path, str]) -> list[str]:
    """A sentence for each file that is not what infra/ says."""
    found = [path for path, text in made.items() if _told(path) != _meant(path, text)]
    left = set(FOLDER.iterdir()) - set(made)
    return [
        f"{path.relative_to(REPOSITORY)} is not what infra/ says: run python -m tests.infra"
        for path in sorted({*found, *left})
    ]


def _told(path: Path) -> Any:
    return _meant(path, path.read_text(encoding="utf-8")) if path.exists() else None


def _meant(path: Path, text: str) -> Any:
    return unsigned(json.loads(text)) if path.suffix == ".json" else text


def spoken(path: Path) -> list[str]:
    """What `bicep lint` and `bicep build` print, but for newer API versions: these depend on the day."""
    said: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for template in TEMPLATES:
            source = str(REPOSITORY / "infra" / f"{template}.bicep")
            for command in (["lint", source], ["build", source, "--outdir", folder]):
                done = subprocess.run(
                    [path, *command],
                    env=environment(),
                    capture_output=True,
                    text=True,
                    check=False,
                    timeout=120,
                )
                lines = [line for line in (done.stdout + done.stderr).splitlines() if QUIET not in line]
                failed = [f"bicep {command[0]} {template}: exit {done.returncode}"] if done.returncode else []
                said += lines + failed
    return said


def main() -> int:
    """Make, or compare."""
    parser = argparse.ArgumentParser(prog="python -m tests.infra", description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="lint and compare only; exit 1 if anything is amiss"
    )
    check = parser.parse_args().check
    path = find()
    if path is None:
        print(f"infra: not looked at, {MISSING}")
        return 0 if check else 1
    with Compiler(path) as compiler:
        if compiler.version() < OLDEST:
            print(f"infra: not looked at, {path} is older than {'.'.join(map(str, OLDEST))}")
            return 0 if check else 1
        made = make(compiler)
    problems = (spoken(path) + stale(made)) if check else []
    for problem in problems:
        print(problem, file=sys.stderr)
    if not check:
        FOLDER.mkdir(exist_ok=True)
        for file in set(FOLDER.iterdir()) - set(made):
            file.unlink()
        for file, text in made.items():
            file.write_text(text, encoding="utf-8")
    elif not problems:
        print("infra: lint and build silent, template and snapshots as committed")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
