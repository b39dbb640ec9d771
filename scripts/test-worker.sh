#!/usr/bin/env bash
# The contract with the Functions worker of Python 3.13, whose library is on PyPI, run with that Python
# where there is one. Where there is none, says so and is content: the rest of the suite has run.
set -euo pipefail
cd "$(dirname "$0")/.."

[ -f tests/contract/test_worker.py ] || exit 0
if ! scripts/find-python.sh 3.13 >/dev/null; then
  [ -z "${PYTHON313:-}" ] || exit 1
  echo "No Python 3.13 here: tests/contract/test_worker.py was not run with the Functions worker (PYTHON313=... names one)."
  exit 0
fi
make --no-print-directory .venv313/.worker
echo "The Functions worker of Python 3.13 ..."
# DuckDB's bindings tell at the end, on 3.13, what they did not free; it is theirs, and nothing to act on.
.venv313/bin/python -m pytest tests/contract/test_worker.py "$@" \
  2> >(grep -v -e '^nanobind:' -e '^ - leaked ' -e '^ - \.\.\. skipped' -e 'nanobind.readthedocs' >&2 || true)
