#!/usr/bin/env bash
# Installs what is missing, builds, and runs the tests; --all adds those that take longer than half an hour of CI.
# The last lines name what did not run and what failed; the very last is "N passed, M failed". The exit status is 0 only
# where M is 0 and N is not.
set -uo pipefail
cd "$(dirname "$0")/.."
all=0
for argument in "$@"; do
  case $argument in
    --all) all=1 ;;
    *) echo "usage: scripts/test.sh [--all]" >&2; exit 2 ;;
  esac
done

scripts/setup.sh || exit
scripts/build.sh || { echo "0 passed, 1 failed"; exit 1; }

# Fuzz targets, and for --all what runs under sanitizers.
scripts/fuzz.sh --build || { echo "0 passed, 1 failed"; exit 1; }
if [ $all -eq 1 ]; then
  [ -f build/asan/build.ninja ] || cmake --preset asan >/dev/null
  cmake --build --preset asan --target incept-damage incept-runtime-tests -- --quiet || { echo "0 passed, 1 failed"; exit 1; }
fi

# IR tests, tools, numerics, parity with PyTorch, and each case of the unit suites.
results=$(mktemp)
trap 'rm -f "$results"' EXIT
INCEPT_TEST_ALL=$all build/release/bin/incept-lit --verbose --output "$results" build/release/test
python3 scripts/summary.py "$results"
