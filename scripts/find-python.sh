#!/usr/bin/env bash
# Prints the path of a Python that can be used, or says in one sentence what is missing.
#
#   find-python.sh            3.11, 3.12 or 3.13; $PYTHON if it is set
#   find-python.sh 3.13       exactly that one; $PYTHON313 if it is set
#
# A name on PATH is not enough: a version manager's shim can be there and run nothing.
set -euo pipefail

exact=${1:-}
chosen=${PYTHON:-}
[ -n "$exact" ] && chosen=${PYTHON313:-}

# The interpreter's own path, if it runs, is of a wanted version and can make a virtual environment.
try() {
  "$1" - "$exact" <<'PY' 2>/dev/null
import sys
import venv
import ensurepip

wanted = sys.argv[1]
here = "%d.%d" % sys.version_info[:2]
if here != wanted if wanted else not (3, 11) <= sys.version_info[:2] <= (3, 13):
    sys.exit(1)
print(sys.executable)
PY
}

if [ -n "$chosen" ]; then
  try "$chosen" && exit 0
  echo "$chosen is no Python ${exact:-3.11, 3.12 or 3.13} that runs and can make virtual environments (venv)." >&2
  exit 1
fi

names=(python3.13 python3.12 python3.11 python3)
[ -n "$exact" ] && names=("python$exact" python3)
for name in "${names[@]}"; do
  try "$name" && exit 0
done
if command -v pyenv >/dev/null; then
  for path in "$(pyenv root)"/versions/${exact:-3.1[1-3]}*/bin/python; do
    [ -x "$path" ] && try "$path" && exit 0
  done
fi
if [ -z "$exact" ]; then
  echo "Logferry needs Python 3.11, 3.12 or 3.13 with venv, and none was found. Install one (Debian, Ubuntu:" \
    "apt-get install python3 python3-venv), or say which: make PYTHON=/path/to/python3." >&2
fi
exit 1
