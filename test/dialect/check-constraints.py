# SPDX-License-Identifier: Apache-2.0
"""Compares the numbered constraints of op descriptions, verifiers and tests: each constraint OP_cN is in all three.

usage: check-constraints.py ROOT
"""

import pathlib
import re
import sys


def described(root):
    """Constraints (CN) of each op's description."""
    found = set()
    for path in sorted((root / "dialect").glob("Incept*Ops.td")):
        for op in re.finditer(r'^def (\w+)\s*: Incept_\w+<"([\w.]+)".*?(?=^def |^class |\Z)', path.read_text(), re.S | re.M):
            prefix = "exec." if op[1].startswith("Exec_") else ""
            found |= {f"{prefix}{op[2]}_c{number}" for number in re.findall(r"\(C(\d+)\)", op[0])}
    return found


def verified(root):
    """Labels in the comments of verifiers."""
    comments = []
    for path in sorted((root / "dialect").glob("*.cpp")):
        comments += re.findall(r"//.*", path.read_text())
    return set(re.findall(r"[a-z0-9_.]+_c\d+\b", "\n".join(comments)))


def tested(root):
    """Labels of functions and comments in tests of invalid IR; a suffix after the number says which part it is."""
    found = set()
    for path in sorted((root / "test/dialect").glob("*-invalid.mlir")):
        found |= set(re.findall(r"(?:@|// )([a-z0-9_.]+?_c\d+)(?![0-9])", path.read_text()))
    return found


def main():
    root = pathlib.Path(sys.argv[1])
    descriptions = described(root)
    if not descriptions:
        sys.exit("no constraints found: is the root right?")
    problems = []
    for where, labels in (("verifier", verified(root)), ("test", tested(root))):
        problems += [f"{label}: no {where} names it" for label in sorted(descriptions - labels)]
        problems += [f"{label}: a {where} names it, but no description has it" for label in sorted(labels - descriptions)]
    print("\n".join(problems) or f"{len(descriptions)} constraints are described, verified and tested")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
