#!/usr/bin/env bash
# Do the tests notice? Plants generated mistakes in a copy of the tree (build/mutate), one after the other: an operator,
# a constant, a condition, a statement less. Builds what depends on it and runs the tests of the folder that mirrors the
# file until one fails; at the end the rest of the tests for those that are left. Tests that fail without a mistake are
# left out. The first run builds the copy, which takes as long as a build.
# Usage: scripts/mutate.sh [PATH...] [--count=N] [--seed=S] [--near] [--tests=REGEX] [--list] [--here] [--jobs=N]
# Prints each mutant with its verdict: found, survived, did not build, or equivalent, which changes nothing that could be
# seen (test/equivalent-mutants.txt, each with its reason, or the compiler makes the same programs of it).
set -euo pipefail
exec python3 "$(dirname "$0")/mutate.py" "$@"
