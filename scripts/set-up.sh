#!/usr/bin/env bash
# Makes what local Azure and the tests run on, quietly; make's stamps decide when.
#
#   set-up.sh venv FOLDER REQUIREMENTS [VERSION]   a virtual environment with these requirements
#   set-up.sh node                                 Azurite, in node_modules
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*"; }

install() {
  "$1"/bin/python -m pip install -qq --disable-pip-version-check --no-input "${@:2}"
}

venv() {
  local folder=$1 requirements=$2 version=${3:-} python
  if ! "$folder"/bin/python -c '' 2>/dev/null; then
    python=$(scripts/find-python.sh $version)
    say "Making $folder with $("$python" --version) ..."
    rm -rf "$folder"
    "$python" -m venv "$folder"
  fi
  say "Installing $requirements into $folder (a minute, the first time) ..."
  install "$folder" -r "$requirements"
  # --no-deps: they are there already, pinned. This puts the command `logferry` in place.
  install "$folder" --no-deps -e .
}

node_modules() {
  local found
  if ! found=$(node --version 2>/dev/null) || ! command -v npm >/dev/null; then
    say "Azurite, the local storage account, needs Node.js 20 or later with npm, and it was not found." \
      "Get it from https://nodejs.org or your package manager." >&2
    exit 1
  fi
  local major=${found#v}
  if [ "${major%%.*}" -lt 20 ]; then
    say "Azurite, the local storage account, needs Node.js 20 or later; this is $found." >&2
    exit 1
  fi
  say "Installing Azurite with npm ..."
  npm ci --no-audit --no-fund --no-update-notifier --loglevel=error >/dev/null
}

case ${1:-} in
  venv) venv "${@:2}" ;;
  node) node_modules ;;
  *)
    say "usage: set-up.sh venv FOLDER REQUIREMENTS [VERSION] | node" >&2
    exit 2
    ;;
esac
