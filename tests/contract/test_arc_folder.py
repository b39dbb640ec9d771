"""msal as it is, and the Arc agent's own folder: in a mount namespace of its own, so that nobody has to be root."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from shared.upload.denied import ARC_KEYS

ROOT = Path(__file__).resolve().parents[2]
_PREPARE = f"mount -t tmpfs none /var/opt && mkdir -p {ARC_KEYS}"
_ASK = """
import os
from pathlib import Path
from local.azure_monitor import Config, StreamSpec, serve
from shared.upload import identity

config = Config((StreamSpec("Custom-A", "A_CL", {"TimeGenerated": "datetime"}),), ("dcr-" + "a" * 32,), "x", arc_keys=Path(KEYS))
with serve(config) as server:
    os.environ.update(IDENTITY_ENDPOINT=f"{server.url}/arc/metadata/identity/oauth2/token", IMDS_ENDPOINT=server.url, NO_PROXY="127.0.0.1")
    token = identity.credential().get_token("https://monitor.azure.com//.default").token
    print(server.monitor.tokens.problem(f"Bearer {token}", "https://monitor.azure.com"))
"""


def _in_a_namespace(command: list[str]) -> subprocess.CompletedProcess[str]:
    script = f'{_PREPARE} && exec "$@"'
    return subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh", *command],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_folder_is_the_one_that_msal_reads() -> None:
    """Challenge, key file and token, with nothing of msal replaced."""
    if shutil.which("unshare") is None or _in_a_namespace(["true"]).returncode:
        pytest.skip("this system lets no user make a mount namespace, and the folder is the system's")
    done = _in_a_namespace([sys.executable, "-c", _ASK.replace("KEYS", repr(ARC_KEYS))])
    assert done.stdout.strip() == "None", done.stderr
