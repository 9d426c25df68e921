# SPDX-License-Identifier: Apache-2.0
"""Says what a run of lit was: summary.py RESULTS.json. Names the slowest tests and those that did not run, with what they
miss; the last line is "N passed, M failed". Exit status 1 where a test failed or none passed."""
import collections
import json
import sys

MISSES = "Test requires the following unavailable features: "


def reason(test):
    for line in test["output"].splitlines():
        if line.startswith(MISSES):
            return "without " + line[len(MISSES):]
    return "of their own accord"


def name(test):
    return test["name"].split(" :: ", 1)[-1].removeprefix("./")


try:
    with open(sys.argv[1], encoding="utf-8") as file:
        tests = json.load(file)["tests"]
except (OSError, ValueError, KeyError):
    print("0 passed, 1 failed")
    sys.exit(1)

slowest = sorted(tests, key=lambda test: -(test.get("elapsed") or 0))[:10]
print("slowest: " + ", ".join(f"{name(test)} {test['elapsed']:.0f} s" for test in slowest if test.get("elapsed")))
by_code = collections.defaultdict(list)
for test in tests:
    by_code[test["code"]].append(test)
passed = len(by_code.pop("PASS", [])) + len(by_code.pop("XFAIL", []))
by_code.pop("EXCLUDED", None)
for code, word in (("UNSUPPORTED", "unsupported"), ("SKIPPED", "skipped")):
    tests = by_code.pop(code, [])
    print(f"{len(tests)} {word}" + (":" if tests else ""))
    groups = collections.defaultdict(list)
    for test in tests:
        groups[reason(test)].append(name(test))
    for why, names in sorted(groups.items()):
        print(f"  {why}: {', '.join(sorted(names))}")
failed = 0
for code, tests in sorted(by_code.items()):  # whatever is no success
    failed += len(tests)
    for test in tests:
        print(f"{code.lower()}: {name(test)}")
print(f"{passed} passed, {failed} failed")
sys.exit(0 if passed and not failed else 1)
