#!/usr/bin/env bash
# Configures and builds the release preset; programs are in build/release/bin.
set -euo pipefail
cd "$(dirname "$0")/.."
[ -f build/release/build.ninja ] || cmake --preset release >/dev/null
cmake --build --preset release -- --quiet
