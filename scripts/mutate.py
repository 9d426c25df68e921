# SPDX-License-Identifier: Apache-2.0
"""Plants mistakes in a copy of the tree, one after the other, and asks the tests for each: see scripts/mutate.sh."""
import argparse
import collections
import hashlib
import json
import os
import random
import re
import subprocess
import sys
import time

import mutants

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FOLDERS = ["dialect", "frontend", "passes", "codegen", "runtime", "tools/incept-sim"]
EQUIVALENT = "test/equivalent-mutants.txt"
# Tests that mirror a folder; others come later. Unit suites have the name of their programs.
MIRRORS = {"dialect": ["dialect/", "numerics/", "incept-numerics-tests"],
           "frontend": ["frontend/", "incept-frontend-tests"],
           "passes": ["passes/", "pipelines/", "numerics/", "incept-numerics-tests", "incept-edit-tests"],
           "codegen": ["codegen/", "incept-codegen-tests", "incept-cudnn-tests", "incept-cudnn-run-tests"],
           "runtime": ["incept-runtime-tests", "incept-cuda-device-tests", "runtime/"],
           "tools/incept-sim": ["incept-sim-tests", "incept-sim-driver-tests", "incept-sim-cudnn-tests", "sim/",
                                "tools/incept-sim/"]}
QUICK = 8  # seconds: tests that take longer come last


def call(arguments, **options):
    return subprocess.run(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)


def must(arguments, **options):
    result = call(arguments, **options)
    if result.returncode != 0:
        sys.exit(f"mutate.sh: error: {' '.join(arguments)} failed:\n{result.stdout[-3000:]}")
    return result.stdout


class Tree:
    """A checkout that is built, and that may be broken."""

    def __init__(self, directory, jobs):
        self.directory, self.jobs = directory, str(jobs)
        self.build_directory = os.path.join(directory, "build", "release")
        self.results = os.path.join(directory, "build", "mutate-tests.json")

    @staticmethod
    def copy(jobs):
        """The tree as it is now, with changes of tracked files, under build/mutate."""
        directory = os.path.join(ROOT, "build", "mutate", "tree")
        commit = must(["git", "stash", "create"], cwd=ROOT).strip() or "HEAD"
        if not os.path.exists(directory):
            must(["git", "worktree", "prune"], cwd=ROOT)
            must(["git", "worktree", "add", "--detach", directory, commit], cwd=ROOT)
        must(["git", "checkout", "--force", "--detach", commit], cwd=directory)
        tree = Tree(directory, jobs)
        for part in "cuda-toolchain", "cudnn-newest":  # what scripts/setup.sh unpacked
            place, own = os.path.join(ROOT, "build", part), os.path.join(directory, "build", part)
            os.makedirs(os.path.dirname(own), exist_ok=True)
            if os.path.isdir(place) and not os.path.lexists(own):
                os.symlink(place, own)
        if not os.path.exists(os.path.join(tree.build_directory, "build.ninja")):
            must(["cmake", "--preset", "release"], cwd=directory)
        return tree

    def path(self, name):
        return os.path.join(self.directory, name)

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return file.read()

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def build(self, targets=()):
        """All, or what is named."""
        return call(["ninja", "-C", self.build_directory, "-j", self.jobs, "--quiet", *targets])

    def programs(self):
        """A sum over everything that tests run."""
        total = hashlib.sha256()
        for folder, folders, names in os.walk(os.path.join(self.build_directory, "bin")):
            folders.sort()
            for name in sorted(names):
                if not name.endswith((".json", ".txt")):
                    with open(os.path.join(folder, name), "rb") as file:
                        total.update(name.encode() + hashlib.sha256(file.read()).digest())
        for folder, folders, names in os.walk(os.path.join(self.build_directory, "lib")):
            folders.sort()
            for name in sorted(names):
                if ".so" in name:
                    with open(os.path.join(folder, name), "rb") as file:
                        total.update(name.encode() + hashlib.sha256(file.read()).digest())
        return total.hexdigest()

    def lit(self, *arguments):
        return call([os.path.join(self.build_directory, "bin", "incept-lit"), *arguments,
                     os.path.join(self.build_directory, "test")], cwd=self.directory)

    def names(self):
        """Of all tests: files, and the programs of unit suites."""
        found = re.findall(r"^  \S+ :: (\S+)$", self.lit("--show-tests").stdout, re.M)
        return sorted({name.split("/")[1] if name.startswith("./") else name for name in found})

    def test(self, names, limit=None, stop=False):
        """Runs tests and returns lit's list of results."""
        arguments = ["-q", "-j", self.jobs, "-o", self.results, "--filter", "|".join(map(pattern, names))]
        if limit:
            arguments += ["--timeout", str(limit)]
        if stop:
            arguments += ["--max-failures", "1"]
        if os.path.exists(self.results):
            os.remove(self.results)
        result = self.lit(*arguments)
        if not os.path.exists(self.results):
            sys.exit("mutate.sh: error: lit failed:\n" + result.stdout[-3000:])
        with open(self.results, encoding="utf-8") as file:
            return json.load(file)["tests"]


def test_name(result):
    """A file, or the program of a unit suite."""
    name = result["name"].split(" :: ", 1)[-1]
    return name.split("/")[1] if name.startswith("./") else name


def failures(results):
    return [test for test in results if test["code"] in ("FAIL", "TIMEOUT", "UNRESOLVED", "XPASS")]


def pattern(name):
    return f":: (?:\\./)?{re.escape(name)}(?:/|$)"


class Suite:
    """The tests, and of those that were run on the tree as it should be, how long they take and which fail anyway."""

    def __init__(self, tree, only):
        self.tree, self.seconds, self.broken = tree, {}, set()
        self.names = [name for name in tree.names() if not only or re.search(only, name)]
        if not self.names:
            sys.exit("mutate.sh: error: there are no such tests")

    def measure(self, names):
        """Runs those that have not been run yet. The tree must have no mistake."""
        new = [name for name in names if name not in self.seconds and name not in self.broken]
        if not new:
            return
        results = self.tree.test(new)
        broken = sorted({test_name(test) for test in failures(results)})
        if broken:
            print("these fail without a mistake and are left out: " + ", ".join(broken), flush=True)
        self.broken |= set(broken)
        self.seconds |= {name: 0 for name in new if name not in self.broken}
        for test in results:
            if test_name(test) in self.seconds:
                self.seconds[test_name(test)] += test.get("elapsed") or 0

    def target(self, name):
        """What has to be built for a test, None where that is more than one program."""
        if "/" not in name:
            return name
        text = self.tree.read("test/" + name)
        runs = "\n".join(line for line in text.splitlines() if "RUN:" in line)
        tools = set(re.findall(r"(?:RUN:|\||&&|not|;) +(incept[\w-]*)", runs))
        return "incept-opt" if tools == {"incept-opt"} else None

    def near(self, path):
        """Stages (target, tests) of what mirrors the file: its own test, those of the folder that need one program, the
        unit suites, those that need all."""
        folder = next((folder for folder in MIRRORS if path.startswith(folder + "/")), None)
        stem = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", os.path.splitext(os.path.basename(path))[0]).lower()
        names = [name for name in self.names if any(name.startswith(prefix) for prefix in MIRRORS.get(folder, []))]
        stages = collections.defaultdict(list)
        for name in names:
            target = self.target(name)
            own = os.path.basename(name).startswith(stem)
            stages[(target is None, not own, "/" not in name, target)].append(name)
        return [(key[-1], stages[key]) for key in sorted(stages, key=lambda key: (*key[:3], key[3] or ""))]

    def far(self, path):
        """The others: those that are quick come first."""
        near = sum((names for _, names in self.near(path)), [])
        names = sorted((name for name in self.seconds if name not in near), key=self.seconds.get)
        quick = [name for name in names if self.seconds[name] < QUICK]
        return [(None, quick), (None, names[len(quick):])]

    def find(self, names):
        """The first test that notices, or None."""
        names = [name for name in names if name in self.seconds]
        if not names:
            return None
        limit = int(max(60, 5 * max(self.seconds[name] for name in names)))
        failed = failures(self.tree.test(names, limit=limit, stop=True))
        return failed[0]["name"].split(" :: ", 1)[-1].removeprefix("./") if failed else None


def read_equivalent(tree):
    """(path, before, after) to reason. Lines of the list: PATH, BEFORE, AFTER, REASON, each but the first indented."""
    known, part = {}, []
    for line in tree.read(EQUIVALENT).splitlines():
        if line.startswith("#") or not line.strip():
            continue
        part = [line.strip()] if not line.startswith(" ") else part + [line.strip()]
        if len(part) == 4:
            known[tuple(part[:3])] = part[3]
    return known


def sources(tree, paths):
    """Files to choose from. Headers of the compiler rebuild most of it, so they are there only where they are named."""
    tracked = must(["git", "ls-files"], cwd=tree.directory).splitlines()
    chosen = []
    for path in tracked:
        named = path in paths
        inside = any(path.startswith(folder.rstrip("/") + "/") for folder in paths)
        cheap = path.endswith(".cpp") or path.endswith(".h") and path.startswith(("runtime/", "tools/", "frontend/"))
        if named or (inside and cheap):
            chosen.append(path)
    return chosen


def choose(tree, paths, count, dice):
    """So many mutants: as many of each folder as it has lines, of a line no more than one."""
    lines = collections.defaultdict(list)
    for path in sources(tree, paths):
        source = tree.read(path)
        by_line = collections.defaultdict(list)
        for mutant in mutants.mutants(path, source):
            by_line[source.count("\n", 0, mutant.offset)].append(mutant)
        folder = next((folder for folder in FOLDERS if path.startswith(folder + "/")), "")
        lines[folder] += sorted(by_line.items())
    total = sum(len(found) for found in lines.values())
    chosen = []
    for folder in sorted(lines):
        part = max(1, round(count * len(lines[folder]) / total))
        for _, found in dice.sample(lines[folder], min(part, len(lines[folder]))):
            chosen.append(dice.choice(found))
    dice.shuffle(chosen)
    return chosen[:count]


class Hunt:
    """All mutants against the tests near them, then those that are left against the rest."""

    def __init__(self, tree, suite, chosen, near_only, seed):
        self.tree, self.suite, self.chosen, self.near_only, self.seed = tree, suite, chosen, near_only, seed
        self.equivalent = read_equivalent(tree)
        self.counts = collections.Counter()

    def run(self):
        self.clean()
        left = []
        for number, mutant in enumerate(self.chosen, 1):
            verdict, by = self.known(mutant), None
            if not verdict:
                stages = self.suite.near(mutant.path)
                names = sum((names for _, names in stages), [])
                if any(name not in self.suite.seconds and name not in self.suite.broken for name in names):
                    self.clean()
                    self.suite.measure(names)
                verdict, by = self.plant(mutant, stages)
            if verdict == "survived" and not self.near_only:
                left.append(mutant)
            else:
                self.counts[verdict] += 1
            self.say(f"{number}/{len(self.chosen)} {verdict}", mutant, by)
        self.clean()
        if left:
            print(f"{len(left)} are left for the other tests", flush=True)
            self.suite.measure(self.suite.names)
            for number, mutant in enumerate(left, 1):
                verdict, by = self.plant(mutant, self.suite.far(mutant.path))
                self.counts[verdict] += 1
                self.say(f"{number}/{len(left)} {verdict}", mutant, by)
            self.clean()
        found, alive = self.counts["found"], self.counts["survived"]
        print(f"seed {self.seed}: {found} found, {alive} survived, {self.counts['did not build']} did not build, "
              f"{self.counts['equivalent']} equivalent; {100 * found / max(found + alive, 1):.0f} % found"
              f"{' by the tests near them' if self.near_only else ''}")

    def clean(self):
        """Builds the tree as it should be."""
        if (built := self.tree.build()).returncode != 0:
            sys.exit("mutate.sh: error: the tree does not build without a mistake:\n" + built.stdout[-3000:])
        self.programs = self.tree.programs()

    def known(self, mutant):
        _, before, after = mutants.lines(self.tree.read(mutant.path), mutant)
        return "equivalent" if (mutant.path, before, after) in self.equivalent else None

    def plant(self, mutant, stages):
        """The verdict on a mutant, and who found it."""
        source = self.tree.read(mutant.path)
        try:
            self.tree.write(mutant.path, mutants.apply(source, mutant))
            for target, names in stages:
                if self.tree.build([target] if target else []).returncode != 0:
                    return "did not build", None
                if not target and self.tree.programs() == self.programs:
                    return "equivalent", "the compiler makes the same programs of it"
                if by := self.suite.find(names):
                    return "found", by
            return "survived", None
        finally:
            self.tree.write(mutant.path, source)

    def say(self, verdict, mutant, by):
        line, before, after = mutants.lines(self.tree.read(mutant.path), mutant)
        print(f"{time.strftime('%H:%M:%S')} {verdict} {mutant.path}:{line}: {mutant.kind}{': ' + by if by else ''}\n"
              f"    {before}\n    {after}", flush=True)


def main():
    parser = argparse.ArgumentParser(prog="scripts/mutate.sh", description=__doc__)
    parser.add_argument("paths", nargs="*", metavar="PATH", help="files and folders; without: " + " ".join(FOLDERS))
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--seed", type=int, help="of the choice; without: drawn, and said")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--list", action="store_true", help="print the mutants that would be tried, and end")
    parser.add_argument("--near", action="store_true", help="only the tests of the folder that mirrors the file")
    parser.add_argument("--tests", metavar="REGEX", help="only tests with such names")
    parser.add_argument("--here", action="store_true",
                        help="in this checkout, which is built and has no changes, instead of a copy")
    options = parser.parse_args()
    seed = random.randrange(10**6) if options.seed is None else options.seed
    tree = Tree(ROOT, options.jobs) if options.here or options.list else Tree.copy(options.jobs)
    if options.here and must(["git", "status", "--porcelain", "--untracked-files=no"], cwd=ROOT).strip():
        sys.exit("mutate.sh: error: this checkout has changes, which mutants would overwrite: commit them")
    paths = [os.path.relpath(os.path.abspath(path), ROOT) for path in options.paths] or FOLDERS
    chosen = choose(tree, paths, options.count, random.Random(seed))
    if not chosen:
        sys.exit("mutate.sh: error: nothing to change in " + " ".join(paths))
    if options.list:
        for mutant in chosen:
            line, before, after = mutants.lines(tree.read(mutant.path), mutant)
            print(f"{mutant.path}:{line}: {mutant.kind}\n    {before}\n    {after}")
        return
    print(f"{len(chosen)} mutants with seed {seed}, in {tree.directory}", flush=True)
    Hunt(tree, Suite(tree, options.tests), chosen, options.near, seed).run()


if __name__ == "__main__":
    main()
