#!/usr/bin/env bash
# Installs what is missing, builds, and runs the tests; --all adds those that take longer than half an hour of CI.
# The last line is "N passed, M failed"; the exit status is 0 only where M is 0 and N is not.
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
scripts/fuzz.sh --build || echo "test.sh: the fuzz targets could not be built: their test is left out" >&2
if [ $all -eq 1 ]; then
  [ -f build/asan/build.ninja ] || cmake --preset asan >/dev/null
  cmake --build --preset asan --target incept-damage incept-runtime-tests -- --quiet || { echo "0 passed, 1 failed"; exit 1; }
fi

passed=0 failed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# Unit tests of what includes nothing of the compiler.
for suite in build/release/bin/incept-*-tests; do
  [ -x "$suite" ] || continue
  "$suite" --gtest_brief=1 2>&1 | tee "$log"
  p=$(sed -nE 's/^\[  PASSED  \] ([0-9]+) tests?.*/\1/p' "$log" | tail -n 1)
  f=$(grep -c '^\[  FAILED  \] ' "$log") # gtest sums them up only where it is not brief
  # A suite that crashed says neither.
  if [ -z "$p" ] && [ "$f" -eq 0 ]; then f=1; fi
  passed=$((passed + ${p:-0})) failed=$((failed + f))
done

# Everything else: IR tests, tools, numerics, parity with PyTorch.
INCEPT_TEST_ALL=$all build/release/bin/incept-lit --verbose build/release/test 2>&1 | tee "$log"
p=$(sed -nE 's/^ *Passed *: *([0-9]+).*/\1/p' "$log" | tail -n 1)
f=$(awk '/^ *(Failed|Timed Out|Unresolved|Unexpectedly Passed) *: *[0-9]+/ {n += $(NF > 3 ? 4 : 3)} END {print n + 0}' \
    <(sed -E 's/\(.*\)//; s/:/ : /' "$log"))
[ -n "$p" ] || f=$((f + 1))
passed=$((passed + ${p:-0})) failed=$((failed + f))

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
