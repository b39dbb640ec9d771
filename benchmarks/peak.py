"""The most memory that this process has held.

Rule: of this process alone. Linux hands the peak that `getrusage` gives on to a child:
a small program that a large one starts seems as large (getrusage(2); execve keeps the
counter). The kernel's own high-water mark begins anew with each program.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

_STATUS = Path("/proc/self/status")


def peak_mb() -> int:
    """Resident memory at its highest, in MB of 1,048,576 bytes."""
    if _STATUS.exists():
        lines = _STATUS.read_text().splitlines()
        return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM:"))
    # macOS counts bytes, and other systems kilobytes; neither hands its figure on.
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // unit
