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
CHOSEN = {i + 1: mutants.Mutant("passes/a.cpp" if i == 0 else "a.cpp", 13 * i + 8, 1, "-", "operator") for i in range(8)}


class Tree:
    directory = build_directory = tests = folder
    bad = {6}

    def __init__(self):
        self.planted = []

    def plant(self, numbered):
        assert all(CHOSEN[number] == mutant for number, mutant in numbered)
        self.planted.append([number for number, _ in numbered])
        return self.bad & set(self.planted[-1])

    def read(self, name):
        return LISTED if name == mutate.EQUIVALENT else SOURCE

    def is_same(self, mutant):
        return mutant.offset // 13 == 6  # number 7


class Suite(mutant_suite.Suite):
    fail, others = FAIL, ["passes/pair.mlir", "dialect/passes.mlir"]

    def __init__(self, journal):
        self.tree, self.journal, self.jobs, self.runs = Tree(), journal, 2, []
        self.locks = collections.defaultdict(threading.Lock)
        self.names = sorted([*self.fail, *self.others])
        self.took = {name: 200 if "slow" in name else 1 for name in self.names}

    def trace(self, names, is_over):
        """That a test is known to come to some only is of its own here: `Reached`."""

    def outcomes(self, names, numbers, most=None, jobs=1, trace=None):
        failed = self.failures(names, numbers, most, jobs, trace)
        return failed, set(names[names.index(failed[-1]) + 1:]) if most and len(failed) == most else set()

    def failures(self, names, numbers, most=None, jobs=1, trace=None):
        names = [name for name in names if name not in self.journal.broken]
        self.runs.append((tuple(names), tuple(numbers)))
        failed = [name for name in names if name in self.fail and (self.fail[name] is None or self.fail[name] & set(numbers))]
        failed += ["passes/pair.mlir"] if "passes/pair.mlir" in names and {4, 7} <= set(numbers) else []
        return failed[:most]


def run(key, kind=Suite, only=None, minutes=None, near=False):
    journal = mutate.Journal(key)
    suite, output = kind(journal), io.StringIO()
    with contextlib.redirect_stdout(output):
        mutate.build(suite.tree, journal, CHOSEN)
        said = mutate.Hunt(suite.tree, suite, journal, CHOSEN, minutes).run(near, only)
    journal.held.close()
    return said, suite.runs, journal, output.getvalue()


said, runs, journal, output = run([1])
assert said == ("8 mutants: 4 found, 1 survived, 1 did not build, 2 equivalent; 80 % found; "
                "tests that fail only with several at once, or not always: 1"), said
assert journal.unclear == {"passes/pair.mlir": [4, 7]} and "passes/pair.mlir" not in journal.passed, journal.unclear
assert {number: journal.verdicts[number] for number in (1, 2, 3, 5, 4)} == {
    1: ("found", "passes/a.mlir"), 2: ("found", "dialect/far.mlir"), 3: ("found", "dialect/far.mlir"),
    5: ("found", "dialect/far.mlir"), 4: ("survived", None)}, journal.verdicts
assert journal.broken == {"tools/bad.test"} and "is left out: tools/bad.test" in output, output
assert "fails only with several mutants at once, or not always, and is left out: passes/pair.mlir" in output, output
# What is not in the folder that mirrors the file is never asked of one mutant alone before the group fails.
assert (("passes/a.mlir",), (1,)) in runs, runs
assert next(numbers for names, numbers in runs if "dialect/far.mlir" in names) == (2, 3, 4, 5, 7), runs

# The same again: all is known. Another key begins anew.
again, runs, _, _ = run([1])
assert again == said and not runs, runs
assert run([2])[0] == said and run([2])[1] == []
assert run([3], only="a.*b")[0] == said.replace(" found;", " found by tests of --tests=a.*b;")

# By the tests near them alone no mutant has survived.
said, runs, journal, _ = run([14], near=True)
assert said == "8 mutants: 1 found, 0 survived, 4 alive, 1 did not build, 2 equivalent; 20 % found by the tests near them", said
assert max(len(numbers) for _, numbers in runs) == 1 and journal.verdicts[2] == ("alive", None), journal.verdicts

# What found a mutant failed twice with it, and passed without it afterwards.
asked = [numbers for names, numbers in run([4])[1] if "passes/a.mlir" in names]
assert asked[:3] == [(1,), (1,), ()], asked


# Of lines that are in a file more than once one is listed, by its number.
TEXTS = {"b.cpp": "{\n  if (a)\n    f(1,\n      2);\n  if (a)\n    f(1,\n      2);\n  h();\n}\n"}


def listed(text):
    tree = Tree()
    tree.read = {**TEXTS, mutate.EQUIVALENT: text}.__getitem__
    try:
        return mutate.read_equivalent(tree)
    except SystemExit as error:
        return str(error)


MANY = "mutate.sh: error: test/equivalent-mutants.txt: expected {} in b.cpp, but found {} times: {}"
assert listed("# x\n\nb.cpp 2\n  if (a)\n  if (b)\n  why\n") == {("b.cpp", 5, "if (b)"): "why"}
assert listed("b.cpp 2\n  f(1, 2);\n  f(2, 1);\n  why\nb.cpp\n  h();\n  ;\n  y\n") == {
    ("b.cpp", 6, "f(2, 1);"): "why", ("b.cpp", 8, ";"): "y"}
assert listed("b.cpp\n  if (a)\n  if (b)\n  why\n") == MANY.format("once", 2, "if (a)")
assert listed("b.cpp\n  if (b)\n  if (a)\n  why\n") == MANY.format("once", 0, "if (b)")
assert listed("b.cpp 3\n  if (a)\n  if (b)\n  why\n") == MANY.format("3 times", 2, "if (a)")
assert mutate.read_equivalent(mutate.Tree(root, 1))


class Unsure(Suite):
    """'once' fails the first time that mutant 1 is there, as on a busy machine, 'doubt' the first time that 4 is alone, after
    it failed with others; 'unsure' and 'dirty' fail with a mutant, and without any, though they passed without before."""
    others = [*Suite.others, "passes/once.mlir", "passes/unsure.mlir", "passes/z.mlir", "tools/dirty.test", "tools/doubt.test"]
    fail = {**FAIL, "passes/a.mlir": set(), "passes/z.mlir": {1}}

    def __init__(self, journal):
        super().__init__(journal)
        for name in "passes/unsure.mlir", "tools/dirty.test":
            journal.add(test=name, broken=False)

    def failures(self, names, numbers, most=None, jobs=1, trace=None):
        def first(name, of):
            return tuple(numbers) == of and not any(name in before and made == of for before, made in self.runs)
        fails = {"passes/once.mlir": first("passes/once.mlir", (1,)), "passes/unsure.mlir": 1 in numbers or not numbers,
                 "tools/dirty.test": 4 in numbers or not numbers,
                 "tools/doubt.test": 4 in numbers and len(numbers) > 1 or first("tools/doubt.test", (4,))}
        more = [name for name in names if fails.get(name) and name not in self.journal.broken]
        return sorted([*super().failures(names, numbers), *more])[:most]


said, runs, journal, output = run([5], Unsure)
assert journal.verdicts[1] == ("found", "passes/z.mlir"), journal.verdicts
assert journal.verdicts[4] == ("survived", None), journal.verdicts
assert journal.broken == {"tools/bad.test", "passes/unsure.mlir", "tools/dirty.test"}, journal.broken
assert "failed with mutant 1 once and then passed: passes/once.mlir" in output, output
assert "or not always, and is left out: tools/doubt.test" in output, output


class Hiding(Suite):
    """'early', which runs before 'late', does not come to mutant 2 where 3 ends the program; only 'late' notices 3."""
    fail, others = {"dialect/early.mlir": {2}, "tools/late.test": {3}}, []

    def failures(self, names, numbers, most=None, jobs=1, trace=None):
        failed = super().failures(names, numbers)
        return [name for name in failed if name != "dialect/early.mlir" or 3 not in numbers]

    def chunks(self, names):
        return [[name] for name in sorted(names)]


said, runs, journal, _ = run([6], Hiding)
assert journal.verdicts[3] == ("found", "tools/late.test"), journal.verdicts
assert journal.verdicts[2] == ("found", "dialect/early.mlir"), journal.verdicts
for name in Hiding.fail:  # in the end each has passed with all that is left
    assert runs.count(((name,), (1, 4, 5, 7))) == 1, runs



class Cases(Suite):
    """'suite' has so many cases that fail that nothing runs behind it: one name, though as many failures as are asked for."""
    fail, others = {"tools/suite": {2}, "tools/z.test": {3, 4}}, []

    def outcomes(self, names, numbers, most=None, jobs=1, trace=None):
        failed = self.failures(names, numbers)
        return (["tools/suite"], {"tools/z.test"} & set(names)) if "tools/suite" in failed else (failed, set())


said, runs, journal, _ = run([11], Cases)
assert [journal.verdicts[number] for number in (2, 3, 4)] == [("found", test) for test in
                                                              ("tools/suite", "tools/z.test", "tools/z.test")], journal.verdicts
SKIPPED = """**
Skipped Tests (4):
  i :: passes/b.mlir
  u :: ./incept-x-tests/1/4
  u :: ./incept-y-tests/Suite/Case
  u :: ./incept-z-tests/Many/Suite.Case/1

**
Failed Tests (1):
  i :: passes/a.mlir

"""
assert mutant_suite.skipped_tests(SKIPPED) == {"passes/b.mlir", "incept-x-tests"}, mutant_suite.skipped_tests(SKIPPED)
assert mutant_suite.skipped_tests("Failed Tests (1):\n  i :: passes/a.mlir\n") == set()


class Reached(Suite):
    """Each test was run without a mistake: what it comes to is known, also that nothing comes to 5. 'far' gets none alone."""
    fail, others = {"dialect/far.mlir": {2, 3}, "tools/slow.test": {3, 8}}, ["passes/a.mlir"]
    comes = {"dialect/far.mlir": [2, 4], "tools/slow.test": [3, 4], "passes/a.mlir": [1]}
    trace, MOST = mutant_suite.Suite.trace, 8

    def failures(self, names, numbers, most=None, jobs=1, trace=None):
        if not trace:
            return super().failures(names, numbers, most)
        for name in names:
            for number in self.comes[name]:
                os.mkdir(os.path.join(trace, f"{number} incept :: {name}".replace("/", "|")))
        return []


said, runs, journal, output = run([7], Reached)
assert said == "8 mutants: 2 found, 3 survived, 1 did not build, 2 equivalent; 40 % found", said
assert journal.verdicts[3] == ("found", "tools/slow.test") and journal.verdicts[5] == ("survived", "no test comes there")
assert journal.traced["dialect/far.mlir"] == (1, [2, 4]) and journal.sound == set(Reached.comes), journal.traced
assert all(4 in numbers for names, numbers in runs if len(names) + len(numbers) > 2), runs
assert not any(set(names) == {"passes/a.mlir"} and 1 not in numbers for names, numbers in runs), runs

# Without time for groups, what is left has no final verdict, and the same command goes on.
said, runs, _, _ = run([8], Reached, minutes=0)
assert said.endswith("; 0 % found; not tried: 6; 3 tests did not run with all of what is left"), said
assert run([8], Reached)[0] == "8 mutants: 2 found, 3 survived, 1 did not build, 2 equivalent; 40 % found"

# Wherever the time is over, nothing has survived that was not asked, and the same command comes to the same end.
for kind in Suite, Cases, Reached:
    whole, _, journal, _ = run(["whole", kind.__name__], kind)
    verdicts, asked, is_over = journal.verdicts, 0, mutate.Hunt.is_over
    while True:
        clock = iter([False] * asked)
        mutate.Hunt.is_over = lambda _: next(clock, True)
        said, runs, journal, _ = run([kind.__name__, asked], kind)
        mutate.Hunt.is_over = is_over
        assert asked or not runs, runs
        if "not tried" not in said and "did not run" not in said:
            break
        assert not any(verdict == "survived" for verdict, _ in journal.verdicts.values()), (asked, journal.verdicts)
        said, _, journal, _ = run([kind.__name__, asked], kind)
        assert said == whole and {number: verdict for number, (verdict, _) in journal.verdicts.items()} == {
            number: verdict for number, (verdict, _) in verdicts.items()}, (asked, said)
        asked += 1
    assert said == whole and asked > 8, (said, asked)

# What a run plants: all without a final verdict, also of a run that was cut off, and of one that built them.
journal, tree = mutate.Journal([9]), Tree()
few = {number: CHOSEN[number] for number in (2, 3, 6, 7)}
with contextlib.redirect_stdout(io.StringIO()):
    mutate.build(tree, journal, few)
    journal.add(mutant=2, verdict="found", by="x")
    journal.add(mutant=3, verdict="alive")  # 7 was not asked for
    mutate.build(tree, journal, few)
    for number in 3, 7:
        journal.add(mutant=number, verdict="survived")
    mutate.build(tree, journal, few)
    assert tree.planted == [[2, 3, 6, 7], [3, 7]], tree.planted
journal.held.close()
journal = mutate.Journal([10])

# Tests near a file that come to a mutant: of its name, then others, the quick ones first, while there is time.
suite = Suite(journal)
suite.names = ["passes/merge-siblings.mlir", "passes/other.mlir", "passes/long.mlir", "incept-edit-tests", "tools/x.test"]
suite.took = {"passes/merge-siblings.mlir": 4, "passes/other.mlir": 1, "passes/long.mlir": 9, "incept-edit-tests": 2}
near = ["passes/merge-siblings.mlir", "passes/other.mlir", "incept-edit-tests"]
assert suite.near("passes/MergeSiblings.cpp", 1) == near, suite.near("passes/MergeSiblings.cpp", 1)
journal.add(traced="passes/other.mlir", seconds=1, numbers=[2])
assert suite.near("passes/MergeSiblings.cpp", 1) == near[::2] and suite.near("passes/MergeSiblings.cpp", 2) == near
assert suite.chunks(suite.names[1:]) == [["passes/other.mlir", "incept-edit-tests", "passes/long.mlir", "tools/x.test"]]
suite.took["passes/long.mlir"] = suite.took["passes/merge-siblings.mlir"] = 2 * mutant_suite.PART
assert [names[-1] for names in suite.chunks(suite.names)] == ["passes/long.mlir", "passes/merge-siblings.mlir"]
assert mutant_suite.test_name("unit :: ./incept-x-tests/Suite/Case") == "incept-x-tests"
assert mutant_suite.test_name("incept :: passes/a.mlir") == "passes/a.mlir"

# With lit itself: after the first failure what runs and what waits has not passed, and what runs ends, also what has a session
# of its own.
left = os.path.join(folder, "left")
LIT = f"""import lit.formats, os
config.name, config.suffixes, config.test_format = "s", [".test"], lit.formats.ShTest()
config.test_exec_root = os.environ.get("INCEPT_TEST_EXEC_ROOT", ".")
config.environment["{mutant_suite.RUN}"] = os.environ["{mutant_suite.RUN}"]
"""
WAIT = f"while [ ! -s {left}.2 ]; do sleep 0.01; done; exit 1\n"
HANG = f"echo $$ >{left}.1; setsid sh -c 'echo $$ >{left}.2; exec sleep 1000'\n"
REAL = {"lit.cfg": LIT, "wait.sh": WAIT, "hang.sh": HANG, "x/a.test": "RUN: true\n", "x/b.test": "RUN: sh %S/../wait.sh\n",
        "x/c.test": "RUN: sh %S/../hang.sh\n", "x/d.test": "RUN: true\n"}
for name, text in REAL.items():
    os.makedirs(os.path.join(folder, os.path.dirname(name)), exist_ok=True)
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        file.write(text)
os.mkdir(os.path.join(folder, "bin"))
os.symlink(shutil.which("incept-lit"), os.path.join(folder, "bin", "incept-lit"))
journal.held.close()
suite = mutant_suite.Suite(Tree(), mutate.Journal([13]), 2, None)
assert suite.names == ["x/a.test", "x/b.test", "x/c.test", "x/d.test"], suite.names
outcomes = suite.outcomes(suite.names, [], 1, jobs=2)
assert outcomes == (["x/b.test"], {"x/c.test", "x/d.test"}), outcomes
for file in left + ".1", left + ".2":
    with open(file, encoding="utf-8") as file:
        process = int(file.read())
    with contextlib.suppress(FileNotFoundError), open(f"/proc/{process}/stat", encoding="utf-8") as file:
        assert file.read().rsplit(")", 1)[1].split()[0] in "ZX", process  # nobody may have asked yet how it ended
