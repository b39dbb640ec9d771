#!/usr/bin/env bash
# The suite with the options given, and beside it the tests on the Functions worker of Python 3.13: its
# environment is made, and its few tests run, while the suite waits for one thing or another.
set -euo pipefail
cd "$(dirname "$0")/.."

said=$(mktemp)
scripts/test-worker.sh >"$said" 2>&1 &
worker=$!
trap 'kill "$worker" 2>/dev/null || true; rm -f "$said"' EXIT

failed=0
.venv/bin/python -m pytest "$@" || failed=$?
wait "$worker" || failed=$?
cat "$said"
exit "$failed"
