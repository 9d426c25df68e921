# SPDX-License-Identifier: Apache-2.0
"""Plants mistakes in a copy of the tree and asks the tests which they notice: see scripts/mutate.sh."""
import argparse
import collections
import concurrent.futures
import fcntl
import hashlib
import json
import math
import os
import random
import shlex
import signal
import subprocess
import sys
import threading
import time

import mutant_suite
import mutants
import schemata

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FOLDERS = ["dialect", "frontend", "passes", "codegen", "runtime", "tools/incept-sim"]
EQUIVALENT = "test/equivalent-mutants.txt"
MOST = 8  # failures of tests and cases in a group, until it is asked who they come from


def call(arguments, **options):
    return subprocess.run(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **options)


def must(arguments, **options):
    result = call(arguments, **options)
    if result.returncode != 0:
        sys.exit(f"mutate.sh: error: {' '.join(arguments)} failed:\n{result.stdout[-3000:]}")
    return result.stdout


class Tree:
    """A checkout that is built, and that may be broken."""

    def __init__(self, directory, jobs):
        self.directory, self.jobs = directory, jobs
        self.build_directory = os.path.join(directory, "build", "release")
        self.tests = os.path.join(self.build_directory, "test")
        self.locks = collections.defaultdict(threading.Lock)

    @staticmethod
    def copy(jobs):
        """The tree as it is now, with changes of tracked files, under build/mutate."""
        directory = os.path.join(ROOT, "build", "mutate", "tree")
        commit = must(["git", "stash", "create"], cwd=ROOT).strip() or "HEAD"
        commit = must(["git", "rev-parse", commit], cwd=ROOT).strip()
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
        if not os.path.exists(self.path(name)) or self.read(name) != text:
            with open(self.path(name), "w", encoding="utf-8") as file:
                file.write(text)

    def plant(self, numbered):
        """Builds all that is to be built with those mutants in it, each where INCEPT_MUTANT has its number. Returns the
        numbers of those that do not compile and are left out."""
        sources = {mutant.path: self.read(mutant.path) for _, mutant in numbered}
        found = {path: schemata.bodies(source) for path, source in sources.items()}
        values = [pair for pair in numbered if schemata.place(sources[pair[1].path], found[pair[1].path], pair[1]) not in
                  found[pair[1].path]]
        bad = set()
        try:
            self.write(schemata.HEADER, schemata.HEADER_TEXT)
            while True:
                for path, source in sources.items():
                    good = [(number, mutant) for number, mutant in numbered if mutant.path == path and number not in bad]
                    self.write(path, schemata.plant(source, good))
                built = call(["ninja", "-C", self.build_directory, f"-j{self.jobs}", "-k0", "--quiet"])
                if built.returncode == 0:
                    return bad
                blamed = schemata.to_blame(built.stdout, [pair for pair in values if pair[0] not in bad]) - bad
                if not blamed:
                    sys.exit("mutate.sh: error: the tree does not build:\n" + built.stdout[-3000:])
                bad |= blamed
        finally:
            for path, source in sources.items():
                self.write(path, source)
            os.remove(self.path(schemata.HEADER))

    def is_same(self, mutant):
        """Whether the compiler makes the same object of it."""
        with open(os.path.join(self.build_directory, "compile_commands.json"), encoding="utf-8") as file:
            command = next((entry["command"] for entry in json.load(file) if entry["file"] == self.path(mutant.path)), None)
        if not command:
            return False
        place = self.path(mutant.path + ".mutant.cpp")  # beside the file, for what is included from there
        arguments = shlex.split(command)
        arguments[arguments.index("-o") + 1], arguments[arguments.index("-c") + 1] = place + ".o", place
        source, sums = self.read(mutant.path), []
        with self.locks[mutant.path]:
            try:
                for text in source, mutants.apply(source, mutant):
                    self.write(place, text)
                    must(arguments, cwd=self.build_directory)
                    with open(place + ".o", "rb") as file:
                        sums.append(hashlib.sha256(file.read()).digest())
            finally:
                for made in place, place + ".o":
                    if os.path.exists(made):
                        os.remove(made)
        return sums[0] == sums[1]


class Journal:
    """What is known so far, a line each: a run of the same tree, seed and options goes on where another ended."""

    def __init__(self, key):
        self.path = os.path.join(ROOT, "build", "mutate", "journal.jsonl")
        self.verdicts, self.broken, self.sound, self.passed, self.unclear, self.traced = {}, set(), set(), {}, {}, {}
        self.lock = threading.Lock()
        os.makedirs(os.path.dirname(self.path), exist_ok=True)
        self.held = open(self.path + ".lock", "w", encoding="utf-8")
        try:
            fcntl.flock(self.held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            sys.exit("mutate.sh: error: another run is going on in " + os.path.dirname(self.path))
        lines = []
        if os.path.exists(self.path):
            with open(self.path, encoding="utf-8") as file:
                lines = file.read().splitlines()
        if not lines or json.loads(lines[0]) != key:
            with open(self.path, "w", encoding="utf-8") as file:
                file.write(json.dumps(key) + "\n")
            return
        for line in lines[1:]:
            self.take(json.loads(line))

    def take(self, entry):
        if "mutant" in entry:
            self.verdicts[entry["mutant"]] = (entry["verdict"], entry.get("by"))
        elif "test" in entry:
            (self.broken if entry["broken"] else self.sound).add(entry["test"])
        elif "traced" in entry:
            self.traced[entry["traced"]] = entry["seconds"], entry["numbers"]
        elif "unclear" in entry:
            self.unclear[entry["unclear"]] = entry["numbers"]
        else:
            self.passed.update(entry["passed"])
            for name in entry["passed"]:
                self.unclear.pop(name, None)

    def add(self, **entry):
        with self.lock:
            self.take(entry)
            with open(self.path, "a", encoding="utf-8") as file:
                file.write(json.dumps(entry) + "\n")

    def undecided(self, numbers):
        """Those of the numbers that have no final verdict."""
        return [number for number in numbers if self.verdicts.get(number, ("alive",))[0] == "alive"]


def read_equivalent(tree):
    """(path, line, after) to reason. Lines of the list: PATH [NUMBER], BEFORE, AFTER, REASON, each but the first indented.
    NUMBER is there where the file has BEFORE more than once."""
    known, part = {}, []
    for line in tree.read(EQUIVALENT).splitlines():
        if line.startswith("#") or not line.strip():
            continue
        part = [line.strip()] if not line.startswith(" ") else part + [line.strip()]
        if len(part) == 4:
            (path, *number), before = part[0].split(), part[1]
            found = mutants.places(tree.read(path), before)
            which = int(number[0]) if number else 1
            if not found or which > len(found) or (len(found) > 1 and not number):
                sys.exit(f"mutate.sh: error: {EQUIVALENT}: expected {f'{which} times' if number else 'once'} in {path}, but found "
                         f"{len(found)} times: {before}")
            known[path, found[which - 1], part[2]] = part[3]
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
    """So many mutants that can be chosen at run time: as many of each folder as it has lines, of a line and of a function
    no more than one, since of a function one body runs."""
    lines, unable = collections.defaultdict(list), 0
    for path in sources(tree, paths):
        source = tree.read(path)
        found = schemata.bodies(source)
        by_line = collections.defaultdict(list)
        for mutant in mutants.mutants(path, source):
            by_line[source.count("\n", 0, mutant.offset)].append((mutant, schemata.place(source, found, mutant)))
        folder = next((folder for folder in FOLDERS if path.startswith(folder + "/")), "")
        able = [[pair for pair in pairs if pair[1]] for _, pairs in sorted(by_line.items())]
        lines[folder] += filter(None, able)
        unable += able.count([])
    total = sum(len(found) for found in lines.values())
    chosen = []
    for folder in sorted(lines):
        left = math.ceil(count * len(lines[folder]) / max(total, 1))
        taken = set()
        for pairs in dice.sample(lines[folder], len(lines[folder])):
            mutant, place = dice.choice(pairs)
            if left and (mutant.path, place) not in taken:
                taken.add((mutant.path, place))
                chosen.append(mutant)
                left -= 1
    dice.shuffle(chosen)
    return chosen[:count], unable, total + unable


def build(tree, journal, chosen):
    """Builds those of the mutants, by their numbers, that have no final verdict. A run that goes on does so too: the build may
    have others in it, or none, where somebody built the sources meanwhile."""
    if numbers := journal.undecided(chosen):
        print(f"{time.strftime('%H:%M:%S')} builds", flush=True)
        for number in sorted(tree.plant([(number, chosen[number]) for number in numbers])):
            journal.add(mutant=number, verdict="did not build")


class Hunt:
    """All mutants against the tests near them, each alone; then those that are left, all at once, against all tests, for as
    many minutes as there are."""

    def __init__(self, tree, suite, journal, chosen, minutes=None):
        self.tree, self.suite, self.journal, self.mutants = tree, suite, journal, chosen
        self.end = time.monotonic() + 60 * (math.inf if minutes is None else minutes)
        self.pool = concurrent.futures.ThreadPoolExecutor(4 * suite.jobs)  # the suite has a place for as many as may run

    def left(self):
        """The numbers of those that nothing has found yet."""
        return self.journal.undecided(self.mutants)

    def is_over(self):
        return time.monotonic() > self.end

    def reached(self, name):
        """Those that a test comes to."""
        return [number for number in self.left() if self.suite.reaches(name, number)]

    def waiting(self):
        """The tests that come to some of what is left, and were not asked about all of these."""
        return {name for name in self.suite.names if (alive := self.reached(name))
                and alive not in (self.journal.passed.get(name), self.journal.unclear.get(name))}

    def judge(self, number, verdict, by=None):
        self.journal.add(mutant=number, verdict=verdict, by=by)
        mutant = self.mutants[number]
        line, before, after = mutants.lines(self.tree.read(mutant.path), mutant)
        print(f"{time.strftime('%H:%M:%S')} {number}: {verdict} {mutant.path}:{line}: {mutant.kind}"
              f"{': ' + by if by else ''}\n    {before}\n    {after}", flush=True)

    def alone(self):
        """Each mutant that was not tried yet against the tests near it."""
        def ask(number):
            if self.is_over():
                return
            by = self.suite.find(number, self.suite.near(self.mutants[number].path, number))
            self.judge(number, "found" if by else "alive", by)
        list(self.pool.map(ask, [number for number in self.mutants if number not in self.journal.verdicts]))

    def together(self):
        """What is left against all tests, at once, until each has passed with all that is left of what it comes to: one that
        was found later may have ended programs before they came to another. On the way, what was tried with others waits."""
        while waiting := self.waiting():
            for names in self.suite.chunks(waiting):
                self.suite.trace(names, self.is_over)
                if self.is_over():
                    return
                names = [name for name in names if self.reached(name)]
                if names and not self.part(names):
                    break  # first the others of these, which are quicker than what comes next

    def part(self, names):
        """Some tests with all that is left. Where one fails, those that make it fail are looked for, while there is time. False
        where many failed, and not all ran."""
        alive, passed = self.left(), {name: self.reached(name) for name in names}
        print(f"{time.strftime('%H:%M:%S')} {len(alive)} mutants, {len(names)} tests from {names[0]}", flush=True)
        failed, skipped = self.suite.outcomes(names, alive, MOST, jobs=self.suite.jobs)
        passed = {name: numbers for name, numbers in passed.items() if name not in skipped}
        for name in failed:
            passed.pop(name, None)
            while not self.is_over() and not self.suite.is_broken(name) and (alive := self.reached(name)):
                if not self.suite.failures([name], alive, 1):
                    passed[name] = alive
                    break
                blamed = [number for number in self.blame(name, alive) if self.suite.failures([name], [number], 1)]
                if not blamed:
                    print(f"fails only with several mutants at once, or not always, and is left out: {name}", flush=True)
                    self.journal.add(unclear=name, numbers=alive)
                    break
                if self.suite.is_broken(name, again=True):
                    break
                for number in blamed:
                    self.judge(number, "found", name)
        self.journal.add(passed=passed)
        return not skipped

    def blame(self, name, numbers):
        """Those of a group with which a test fails that make it fail, found by halves."""
        if len(numbers) == 1:
            return numbers
        halves = numbers[::2], numbers[1::2]
        with concurrent.futures.ThreadPoolExecutor(2) as both:
            parts = both.map(lambda half: self.blame(name, half) if self.suite.failures([name], half, 1) else [], halves)
            return sorted(sum(parts, []))

    def same(self):
        """Which of those that are left the compiler does not tell from the file itself."""
        def ask(number):
            if self.tree.is_same(self.mutants[number]):
                self.judge(number, "equivalent", "the compiler makes the same object of it")
        with concurrent.futures.ThreadPoolExecutor(self.suite.jobs) as compilers:
            list(compilers.map(ask, self.left()))

    def run(self, near_only, only=None):
        """Says at the end what came of all."""
        equivalent = read_equivalent(self.tree)
        for number, mutant in self.mutants.items():
            line, _, after = mutants.lines(self.tree.read(mutant.path), mutant)
            if number not in self.journal.verdicts and (mutant.path, line, after) in equivalent:
                self.judge(number, "equivalent", "listed")
        try:
            self.suite.trace(self.suite.quick(), self.is_over)
            self.alone()
            if not near_only:
                self.together()
            waiting = [] if near_only else self.waiting()
            untried = [number for number in self.left() if number not in self.journal.verdicts]
            if not waiting and not untried:
                self.same()
        finally:
            self.pool.shutdown(wait=False, cancel_futures=True)
        for number in sorted(set(self.left()) - set(untried)):
            reached = any(self.suite.reaches(name, number) for name in self.suite.names)
            is_final = not near_only and not waiting
            self.judge(number, "survived" if is_final else "alive", None if reached else "no test comes there")
        counts = collections.Counter(verdict for verdict, _ in self.journal.verdicts.values())
        found, survived, alive, unclear = counts["found"], counts["survived"], counts["alive"], len(self.journal.unclear)
        by = " by the tests near them" if near_only else " by tests" if only else ""
        return (f"{len(self.mutants)} mutants: {found} found, {survived} survived, {f'{alive} alive, ' if alive else ''}"
                f"{counts['did not build']} did not build, "
                f"{counts['equivalent']} equivalent; {100 * found / max(found + survived + alive, 1):.0f} % found"
                f"{by}{f' of --tests={only}' if only else ''}"
                f"{f'; not tried: {len(untried)}' if untried else ''}"
                f"{f'; {len(waiting)} tests did not run with all of what is left' if waiting else ''}"
                f"{f'; tests that fail only with several at once, or not always: {unclear}' if unclear else ''}")


def main():
    parser = argparse.ArgumentParser(prog="scripts/mutate.sh", description=__doc__)
    parser.add_argument("paths", nargs="*", metavar="PATH", help="files and folders; without: " + " ".join(FOLDERS))
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--seed", type=int, help="of the choice; without: drawn, and said")
    parser.add_argument("--only", metavar="N,N", help="only those of them with such numbers, such as survivors")
    parser.add_argument("--minutes", type=float, metavar="N",
                        help="how long tests are begun; the same command goes on from there")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--list", action="store_true", help="print the mutants that would be tried, and end")
    parser.add_argument("--near", action="store_true", help="only tests of the folder that mirrors the file, the quick ones")
    parser.add_argument("--tests", metavar="REGEX", help="only tests with such names")
    parser.add_argument("--here", action="store_true",
                        help="in this checkout, which is built and has no changes, instead of a copy")
    options = parser.parse_args()
    if not 0 < options.count < schemata.MOST:
        sys.exit(f"mutate.sh: error: expected a count between 1 and {schemata.MOST - 1}, but got {options.count}")
    seed = random.randrange(10**6) if options.seed is None else options.seed
    if options.here and must(["git", "status", "--porcelain", "--untracked-files=no"], cwd=ROOT).strip():
        sys.exit("mutate.sh: error: this checkout has changes, which mutants would overwrite: commit them")
    tree = Tree(ROOT, options.jobs) if options.here or options.list else Tree.copy(options.jobs)
    paths = [os.path.relpath(os.path.abspath(path), ROOT) for path in options.paths] or FOLDERS
    chosen, unable, lines = choose(tree, paths, options.count, random.Random(seed))
    if not chosen:
        sys.exit("mutate.sh: error: nothing to change in " + " ".join(paths))
    chosen = dict(enumerate(chosen, 1))
    if options.only:
        numbers = [int(number) for number in options.only.split(",") if number.isdecimal()]
        if not numbers or not set(numbers) <= set(chosen):
            sys.exit(f"mutate.sh: error: expected numbers of the {len(chosen)} mutants, but got {options.only}")
        chosen = {number: chosen[number] for number in numbers}
    if options.list:
        for number, mutant in chosen.items():
            line, before, after = mutants.lines(tree.read(mutant.path), mutant)
            print(f"{number}: {mutant.path}:{line}: {mutant.kind}\n    {before}\n    {after}")
        return
    # Where this runs in the background, tests that send such signals must not find them ignored.
    suites = []
    def end(*_):
        for suite in suites:
            suite.stop()
            os._exit(1)
        sys.exit("mutate.sh: ended; the same command goes on from here")  # the tree is as it was
    for number in signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP:
        signal.signal(number, end)
    content = must(["git", "rev-parse", "HEAD^{tree}"], cwd=tree.directory).strip()
    journal = Journal([content, paths, options.count, seed, options.only, options.tests, options.near, options.here])
    print(f"{len(chosen)} mutants with seed {seed}, in {tree.directory}; of {lines} lines that mutants would change, {unable} "
          f"are the compiler's to evaluate and cannot be chosen", flush=True)
    build(tree, journal, chosen)
    suite = mutant_suite.Suite(tree, journal, options.jobs, options.tests)
    suites.append(suite)
    print(f"seed {seed}: {Hunt(tree, suite, journal, chosen, options.minutes).run(options.near, options.tests)}")


if __name__ == "__main__":
    main()
