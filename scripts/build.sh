#!/usr/bin/env bash
# Configures and builds the release preset; programs are in build/release/bin.
# Usage: scripts/build.sh [TARGET...]     default: everything, tests too
set -euo pipefail
cd "$(dirname "$0")/.."
quiet=(--quiet)
[ ! -t 1 ] || quiet=() # on a terminal, a line that says how far it is
[ -f build/release/build.ninja ] || cmake --preset release >/dev/null
targets=()
[ $# -eq 0 ] || targets=(--target "$@")
cmake --build --preset release "${targets[@]}" -- "${quiet[@]}"
