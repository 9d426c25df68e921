# SPDX-License-Identifier: Apache-2.0
"""How scripts/mutate.py finds who makes tests fail, with tests that are said here: mutate.py ROOT FOLDER."""
import collections
import contextlib
import io
import os
import shutil
import sys
import threading

root, folder = sys.argv[1:]
sys.path.insert(0, os.path.join(root, "scripts"))
import mutant_suite  # noqa: E402
import mutate  # noqa: E402
import mutants  # noqa: E402

shutil.rmtree(folder, ignore_errors=True)
mutate.ROOT = folder
SOURCE = "".join(f"  x = {i} + y;\n" for i in range(1, 9))
LISTED = "a.cpp\n  x = 8 + y;\n  x = 8 - y;\n  nobody reads it\n"
# Who makes a test fail: any of these numbers; 'pair' fails with two at once only.
FAIL = {"passes/a.mlir": {1}, "dialect/far.mlir": {2, 3, 5}, "tools/slow.test": {3, 6}, "tools/bad.test": None}


class Tree:
    directory = build_directory = tests = folder

    def read(self, name):
        return LISTED if name == mutate.EQUIVALENT else SOURCE

    def is_same(self, mutant):
        return mutant.offset // 13 == 6  # number 7


class Suite(mutant_suite.Suite):
    def __init__(self, journal):
        self.tree, self.journal, self.jobs, self.runs = Tree(), journal, 2, []
        self.locks = collections.defaultdict(threading.Lock)
        self.names = sorted([*FAIL, "passes/pair.mlir", "dialect/passes.mlir"])
        self.took = {name: 200 if "slow" in name else 1 for name in self.names}

    def failures(self, names, numbers, stop=False, jobs=1):
        names = [name for name in names if name not in self.journal.broken]
        self.runs.append((tuple(names), tuple(numbers)))
        failed = [name for name in names if name in FAIL and (FAIL[name] is None or FAIL[name] & set(numbers))]
        failed += ["passes/pair.mlir"] if "passes/pair.mlir" in names and {4, 7} <= set(numbers) else []
        return failed[:1] if stop else failed


def run(key):
    journal = mutate.Journal(key)
    if not journal.built:
        journal.add(mutant=6, verdict="did not build")
        journal.add(built=8)
    chosen = [mutants.Mutant("passes/a.cpp" if i == 0 else "a.cpp", 13 * i + 8, 1, "-", "operator") for i in range(8)]
    suite, output = Suite(journal), io.StringIO()
    with contextlib.redirect_stdout(output):
        said = mutate.Hunt(Tree(), suite, journal, chosen).run(False)
    journal.held.close()
    return said, suite.runs, journal, output.getvalue()


said, runs, journal, output = run([1])
assert said == "8 mutants: 4 found, 1 survived, 1 did not build, 2 equivalent; 80 % found", said
assert {number: journal.verdicts[number] for number in (1, 2, 3, 5, 4)} == {
    1: ("found", "passes/a.mlir"), 2: ("found", "dialect/far.mlir"), 3: ("found", "dialect/far.mlir"),
    5: ("found", "dialect/far.mlir"), 4: ("survived", None)}, journal.verdicts
assert journal.broken == {"tools/bad.test"} and "is left out: tools/bad.test" in output, output
assert "fails only with several mutants at once, and is left out: passes/pair.mlir" in output, output
# What is not in the folder that mirrors the file is never asked of one mutant alone before the group fails.
assert (("passes/a.mlir",), (1,)) in runs, runs
assert next(numbers for names, numbers in runs if "dialect/far.mlir" in names) == (2, 3, 4, 5, 7), runs

# The same again: all is known. Another key begins anew.
again, runs, _, _ = run([1])
assert again == said and not runs, runs
assert run([2])[0] == said and run([2])[1] == []

# Tests near a file: of its name, then others that are quick.
suite = Suite(journal)
suite.names = ["passes/merge-siblings.mlir", "passes/other.mlir", "passes/long.mlir", "incept-edit-tests", "tools/x.test"]
suite.took = {"passes/merge-siblings.mlir": 90, "passes/other.mlir": 1, "passes/long.mlir": 500, "incept-edit-tests": 20}
assert suite.near("passes/MergeSiblings.cpp") == [["passes/merge-siblings.mlir"], ["passes/other.mlir"],
                                                  ["incept-edit-tests"]], suite.near("passes/MergeSiblings.cpp")
assert mutant_suite.test_name("unit :: ./incept-x-tests/Suite/Case") == "incept-x-tests"
assert mutant_suite.test_name("incept :: passes/a.mlir") == "passes/a.mlir"
