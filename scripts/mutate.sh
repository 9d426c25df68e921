#!/usr/bin/env bash
# Do the tests notice? Plants generated mistakes in a copy of the tree (build/mutate): an operator, a constant, a condition,
# a statement less. All of them go into one build, and INCEPT_MUTANT=3,17 says which are made (scripts/schemata.py). A test
# runs once without any, and leaves which it comes to. When the quick ones have, each mutant is tried alone with a few seconds of
# them, of its own name and of the folder that mirrors the file, until one fails. Those that are left are made all at once, and
# the tests that come to them run, quick ones first; where a test fails, who makes it fail is found by halves, leaves, and the
# test runs again until it passes; what passed before somebody left whom it comes to runs again. A failure counts when it comes
# twice; tests that fail without a mistake are left out, and the last line counts those that fail only with several.
# A run that was cut off, or whose --minutes were over, goes on where it was when it is started again with the same tree and
# options; it builds again.
# Usage: scripts/mutate.sh [PATH...] [--count=N] [--seed=S] [--only=N,N] [--minutes=N] [--near] [--tests=REGEX] [--list]
#        [--here] [--jobs=N]
# Prints each mutant with its verdict: found, survived, did not build, alive, which some tests were not asked about, or
# equivalent, which changes nothing that could be seen (test/equivalent-mutants.txt, each with its reason, or the compiler makes
# the same object of it).
set -euo pipefail
exec python3 "$(dirname "$0")/mutate.py" "$@"
