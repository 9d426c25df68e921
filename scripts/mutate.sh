#!/usr/bin/env bash
# Do the tests notice? Plants generated mistakes in a copy of the tree (build/mutate): an operator, a constant, a condition,
# a statement less. All of them go into one build, and INCEPT_MUTANT=3,17 says which are made (scripts/schemata.py). Each is
# tried alone with the tests of its own name and the quick ones of the folder that mirrors the file, until one fails. Those that
# are left are then made all at once, and the whole suite runs; where a test fails, who makes it fail is found by halves,
# leaves, and the test runs again until it passes; what passed before somebody left runs again, until all tests have passed
# with the same mutants. A failure counts when it comes twice; tests that fail without a mistake are left out.
# A run that was cut off goes on where it was when it is started again with the same tree and options; it builds again.
# Usage: scripts/mutate.sh [PATH...] [--count=N] [--seed=S] [--first=N] [--near] [--tests=REGEX] [--list] [--here]
#        [--jobs=N]
# Prints each mutant with its verdict: found, survived, did not build, or equivalent, which changes nothing that could be
# seen (test/equivalent-mutants.txt, each with its reason, or the compiler makes the same object of it).
set -euo pipefail
exec python3 "$(dirname "$0")/mutate.py" "$@"
