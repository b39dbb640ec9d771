"""msal as it is, and the Arc agent's own folder: in a mount namespace of its own, so that nobody has to be root."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from local.azure_monitor import Config, StreamSpec, serve
from shared.upload.denied import ARC_KEYS
from tests.hosts import NAMES
from tests.monitor import RULE, SECRET

ROOT = Path(__file__).resolve().parents[2]
_FOLDER = f'mount -t tmpfs none /var/opt && mkdir -p {ARC_KEYS} && mount --bind "$1" {ARC_KEYS} && shift && exec "$@"'
_ASK = """
from shared.upload import identity
print(identity.credential().get_token("https://monitor.azure.com//.default").token)
"""


def _in_a_namespace(keys: Path, command: list[str]) -> subprocess.CompletedProcess[str]:
    unshare = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", _FOLDER, "sh", str(keys)]
    return subprocess.run([*unshare, *command], cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_folder_is_the_one_that_msal_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Challenge, key file and token, with nothing of msal replaced."""
    if shutil.which("unshare") is None or _in_a_namespace(tmp_path, ["true"]).returncode:
        pytest.skip("this system lets no user make a mount namespace, and the folder is the system's")
    spec = StreamSpec("Custom-A", "A_CL", {"TimeGenerated": "datetime"})
    with serve(Config((spec,), (RULE,), SECRET, arc_keys=tmp_path)) as server:
        for name in NAMES:
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{server.url}/arc/metadata/identity/oauth2/token")
        monkeypatch.setenv("IMDS_ENDPOINT", server.url)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        done = _in_a_namespace(tmp_path, [sys.executable, "-c", _ASK])
        problem = server.monitor.tokens.problem(f"Bearer {done.stdout.strip()}", "https://monitor.azure.com")
    assert problem is None, done.stderr
