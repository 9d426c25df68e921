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

    def build(self):
        return call(["ninja", "-C", self.build_directory, "-j", self.jobs, "--quiet"])

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

    def test(self, only=None, without=(), limit=None, stop=False):
        """Runs tests, those of `only` where it is given, and returns lit's list of results."""
        arguments = [os.path.join(self.build_directory, "bin", "incept-lit"), "-q", "-j", self.jobs, "-o", self.results]
        if only is not None:
            arguments += ["--filter", "|".join(only)]
        if without:
            arguments += ["--filter-out", "|".join(without)]
        if limit:
            arguments += ["--timeout", str(limit)]
        if stop:
            arguments += ["--max-failures", "1"]
        if os.path.exists(self.results):
            os.remove(self.results)
        result = call([*arguments, os.path.join(self.build_directory, "test")], cwd=self.directory)
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
    """The tests of the tree as it should be: how long each takes, and which of them fail anyway."""

    def __init__(self, tree, only):
        self.seconds = collections.defaultdict(float)
        results = tree.test(only)
        self.broken = sorted({test_name(test) for test in failures(results)})
        for test in results:
            if test["code"] in ("PASS", "XFAIL", "FAIL"):
                self.seconds[test_name(test)] += test.get("elapsed") or 0
        for name in self.broken:
            self.seconds.pop(name, None)

    def stages(self, path, quick_only):
        """Lists of tests for a mutant of this file: what mirrors it, the other quick ones, the slow ones."""
        folder = next((folder for folder in MIRRORS if path.startswith(folder + "/")), None)
        stem = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", os.path.splitext(os.path.basename(path))[0]).lower()
        mirror = lambda name: any(name.startswith(prefix) for prefix in MIRRORS.get(folder, []))
        quick = lambda name: self.seconds[name] < QUICK
        own = [name for name in self.seconds if mirror(name) and os.path.basename(name).startswith(stem)]
        near = [name for name in self.seconds if mirror(name) and quick(name) and name not in own]
        far = [name for name in self.seconds if not mirror(name) and quick(name)]
        slow = [] if quick_only else [name for name in self.seconds if not quick(name) and name not in own]
        slow.sort(key=lambda name: (not mirror(name), self.seconds[name]))
        return [stage for stage in (own, near, far, slow[:len(slow) // 2], slow[len(slow) // 2:]) if stage]

    def find(self, tree, path, quick_only):
        """The first test that notices, or None."""
        for stage in self.stages(path, quick_only):
            limit = int(max(60, 5 * max(self.seconds[name] for name in stage)))
            failed = failures(tree.test([pattern(name) for name in stage], limit=limit, stop=True))
            if failed:
                return failed[0]["name"].split(" :: ", 1)[-1].removeprefix("./")
        return None


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


def main():
    parser = argparse.ArgumentParser(prog="scripts/mutate.sh", description=__doc__)
    parser.add_argument("paths", nargs="*", metavar="PATH", help="files and folders; without: " + " ".join(FOLDERS))
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--seed", type=int, help="of the choice; without: drawn, and said")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--list", action="store_true", help="print the mutants that would be tried, and end")
    parser.add_argument("--quick", action="store_true", help=f"leave out tests of more than {QUICK} s")
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
    if (built := tree.build()).returncode != 0:
        sys.exit("mutate.sh: error: the tree does not build without a mistake:\n" + built.stdout[-3000:])
    suite = Suite(tree, [options.tests] if options.tests else None)
    if suite.broken:
        print("these fail without a mistake and are left out: " + ", ".join(suite.broken), flush=True)
    whole = tree.programs()
    equivalent = read_equivalent(tree)
    counts, survivors = collections.Counter(), []
    for number, mutant in enumerate(chosen, 1):
        source = tree.read(mutant.path)
        line, before, after = mutants.lines(source, mutant)
        start = time.monotonic()
        verdict, by = "equivalent", equivalent.get((mutant.path, before, after))
        if by is None:
            try:
                tree.write(mutant.path, mutants.apply(source, mutant))
                if tree.build().returncode != 0:
                    verdict = "did not build"
                elif tree.programs() == whole:
                    by = "the compiler makes the same program of it"
                else:
                    by = suite.find(tree, mutant.path, options.quick)
                    verdict = "found" if by else "survived"
            finally:
                tree.write(mutant.path, source)
        counts[verdict] += 1
        if verdict == "survived":
            survivors.append(mutant)
        print(f"{number}/{len(chosen)} {verdict} ({time.monotonic() - start:.0f} s) {mutant.path}:{line}: {mutant.kind}"
              f"{': ' + by if by else ''}\n    {before}\n    {after}", flush=True)
    tree.build()
    alive, found = counts["survived"], counts["found"]
    print(f"seed {seed}: {found} found, {alive} survived, {counts['did not build']} did not build, "
          f"{counts['equivalent']} equivalent; {100 * found / max(found + alive, 1):.0f} % found"
          f"{' by tests of at most ' + str(QUICK) + ' s' if options.quick else ''}")


main()
