"""Microsoft's Bicep compiler: found, and spoken to, one process for everything that is asked.

Rule: it is asked over its own JSON-RPC (`bicep jsonrpc`), as a start takes seconds and a
question fractions of one. Invariant: cases are evaluated in a copy of infra/ beside a
routes.yaml of their own; the repository is not written to.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from .cases import CASES, REPOSITORY, SUBSCRIPTION

OLDEST = (0, 36, 1)
"""The first version that gives snapshots over JSON-RPC."""
MISSING = (
    "no Bicep compiler: put bicep on PATH or name it in BICEP. It is one file, "
    "https://github.com/Azure/bicep/releases (or: az bicep install)"
)
_PLACE = {"subscriptionId": SUBSCRIPTION, "resourceGroup": "rg", "location": "westeurope"}
LOADED = ("builtin.json", "audit.json")


def find() -> Path | None:
    """BICEP, else PATH, else the one that `az bicep install` put away, else a copy beside the repository."""
    azure = Path(os.environ.get("AZURE_CONFIG_DIR") or Path.home() / ".azure")
    beside = REPOSITORY.parent / "shared" / "tools" / "bicep" / "bicep"
    for name in (os.environ.get("BICEP"), shutil.which("bicep"), azure / "bin" / "bicep", beside):
        if name and os.access(name, os.X_OK):
            return Path(name)
    return None


def environment() -> dict[str, str]:
    """The compiler's environment.

    Without the first it wants ICU, which small images do not have; without the second it spends a
    fifth more on looking at what it could compile better, which does not pay in a run of seconds.
    """
    return os.environ | {"DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1", "DOTNET_TieredPGO": "0"}


class Compiler:
    """One running compiler; to be closed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._process = subprocess.Popen(
            [path, "jsonrpc", "--stdio"],
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._asked = 0

    def __enter__(self) -> Compiler:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.stdin.close()  # type: ignore[union-attr]
        self._process.stdout.close()  # type: ignore[union-attr]
        self._process.terminate()
        self._process.wait(timeout=30)

    def ask(self, method: str, **arguments: Any) -> Any:
        """One question, and its answer."""
        self._asked += 1
        message = {"jsonrpc": "2.0", "id": self._asked, "method": f"bicep/{method}", "params": arguments}
        body = json.dumps(message).encode()
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        stdin.flush()
        length = 0
        while line := stdout.readline().strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        answer = json.loads(stdout.read(length)) if length else {"error": {"message": "no answer"}}
        assert "error" not in answer, f"{self.path} {method}: {answer['error']['message']}"
        return answer["result"]

    def version(self) -> tuple[int, ...]:
        """Its version."""
        return tuple(int(part) for part in self.ask("version")["version"].split("-")[0].split("."))

    def compile(self, template: str) -> tuple[dict[str, Any], list[str]]:
        """A template of infra/ as ARM takes it, and what the compiler and its linter say of it.

        Newer API versions are announced at the level of information: which ones there
        are depends on the day, and a test must not.
        """
        found = self.ask("compile", path=str(REPOSITORY / "infra" / f"{template}.bicep"))
        said = [
            f"{d['level']} {d['code']} at line {d['range']['start']['line'] + 1}: {d['message']}"
            for d in found["diagnostics"]
            if d["code"] != "use-recent-api-versions"
        ]
        return json.loads(found.get("contents") or "{}"), said

    def parameters(self) -> dict[str, Any]:
        """The values that main.bicepparam gives where no variable is set."""
        path = str(REPOSITORY / "infra" / "main.bicepparam")
        found = self.ask("compileParams", path=path, parameterOverrides={})
        assert found["success"], found["diagnostics"]
        given = json.loads(found["parameters"])["parameters"]
        return {name: parameter["value"] for name, parameter in given.items()}

    def evaluate(self, name: str) -> dict[str, Any]:
        """A case's snapshot, as the compiler gives it."""
        case = CASES[name]
        with tempfile.TemporaryDirectory() as text:
            folder = Path(text)
            _lay(folder, case.routes)
            lines = [f"param {name} = {literal(value)}" for name, value in case.parameters.items()]
            path = folder / "infra" / "case.bicepparam"
            path.write_text("\n".join([f"using '{case.template}.bicep'", *lines]), encoding="utf-8")
            answer = self.ask("getSnapshot", path=str(path), metadata=_PLACE, externalInputs=[])
        snapshot: dict[str, Any] = json.loads(answer["snapshot"])
        return snapshot


def _lay(folder: Path, routes: str) -> None:
    shutil.copytree(REPOSITORY / "infra", folder / "infra")
    (folder / "routes.yaml").write_text(routes, encoding="utf-8")
    beside = Path("shared", "routes")
    (folder / beside).mkdir(parents=True)
    for loaded in LOADED:
        shutil.copy(REPOSITORY / beside / loaded, folder / beside / loaded)


def literal(value: Any) -> str:
    """A value as Bicep writes it."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key}: {literal(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return f"[{', '.join(literal(item) for item in value)}]"
    return f"'{value}'" if isinstance(value, str) else str(value).lower()
