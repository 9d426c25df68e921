# SPDX-License-Identifier: Apache-2.0
"""The tests of a built tree, run with some of the mutants that are in it: see scripts/mutate.sh."""
import collections
import itertools
import json
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import uuid

# Tests that mirror a folder; others come later. Unit suites have the name of their programs.
MIRRORS = {"dialect": ["dialect/", "numerics/", "incept-numerics-tests"],
           "frontend": ["frontend/", "incept-frontend-tests"],
           "passes": ["passes/", "pipelines/", "numerics/", "incept-numerics-tests", "incept-edit-tests"],
           "codegen": ["codegen/", "incept-codegen-tests", "incept-cudnn-tests", "incept-cudnn-run-tests"],
           "runtime": ["incept-runtime-tests", "incept-cuda-device-tests", "runtime/"],
           "tools/incept-sim": ["incept-sim-tests", "incept-sim-driver-tests", "incept-sim-cudnn-tests", "sim/",
                                "tools/incept-sim/"]}
QUICK = 8  # seconds: tests that take longer run when all mutants have been tried alone
NEAR = 8  # seconds of tests that a mutant gets alone
PART = 300  # seconds of tests that run with all mutants before the next are found out
RUN = "INCEPT_MUTANT_RUN"  # a variable that says which run of lit a process belongs to
GUESS = {".mlir": 0.5, ".test": 12, "": 4}  # seconds of what never ran


# For what tests run: a mistake may not fill the disk, nor take the memory of others. (No limit of its own: a test of the
# simulator has 64 GiB of zeros.)
LIMITED = """ulimit -c 0; ulimit -f 8388608
echo 1000 2>/dev/null >/proc/self/oom_score_adj # killed first where memory ends
exec "$@"
"""


def test_name(name):
    """A file, or the program of a unit suite, of what lit calls a test."""
    name = name.split(" :: ", 1)[-1]
    return name.split("/")[1] if name.startswith("./") else name


def end_all(group, mark):
    """Ends what is left of a run: its process group, and what is in another one with the mark in its environment."""
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        pass
    marked = f"{RUN}={mark}".encode()
    for _ in range(100):  # until nobody is left who could have started others meanwhile
        left = [int(name) for name in os.listdir("/proc") if name.isdecimal() and marked in environment_of(name)]
        for process in left:
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                pass
        if not left:
            return
        time.sleep(0.01)


def environment_of(process):
    try:
        with open(f"/proc/{process}/environ", "rb") as file:
            return file.read().split(b"\0")
    except OSError:  # it has ended, or is somebody else's
        return []


def skipped_tests(said):
    """What lit says did not run, which its file of results leaves out; but not cases that a unit suite skips by itself."""
    group = re.search(r"^Skipped Tests \(\d+\):\n((?:  .*\n)*)", said, re.M)
    names = re.findall(r"^  (\S+ :: \S+)$", group.group(1), re.M) if group else []
    return {test_name(name) for name in names if " :: ./" not in name or re.search(r"/\d+/\d+$", name)}


class Suite:
    """Runs tests in folders of their own, so that several runs can go on at once."""

    def __init__(self, tree, journal, jobs, only):
        self.tree, self.journal, self.jobs, self.running = tree, journal, jobs, {}
        self.slots, self.locks = queue.Queue(), collections.defaultdict(threading.Lock)
        for number in range(jobs):
            self.slots.put(os.path.join(os.path.dirname(journal.path), f"slot-{number}"))
        found = re.findall(r"^  (\S+ :: \S+)$", self.lit("--show-tests", tree.tests), re.M)
        self.names = sorted({test_name(name) for name in found if not only or re.search(only, test_name(name))})
        if not self.names:
            sys.exit("mutate.sh: error: there are no such tests")
        self.took = {}
        for folder in tree.tests, os.path.join(tree.build_directory, "bin"):
            times = os.path.join(folder, ".lit_test_times.txt")
            if os.path.exists(times):
                with open(times, encoding="utf-8") as file:
                    for seconds, name in (line.split(maxsplit=1) for line in file):
                        self.add_time(test_name(name.strip()), float(seconds))

    def add_time(self, name, seconds):
        self.took[name] = self.took.get(name, 0) + abs(seconds)

    def seconds(self, name):
        if name in self.journal.traced:
            return self.journal.traced[name][0]
        return self.took.get(name, GUESS.get(os.path.splitext(name)[1], GUESS[""]))

    def lit(self, *arguments, env=None):
        command = ["sh", "-c", LIMITED, "sh", os.path.join(self.tree.build_directory, "bin", "incept-lit"), *arguments]
        mark = uuid.uuid4().hex
        with subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=self.tree.directory,
                              start_new_session=True, env={**(env or os.environ), RUN: mark}) as process:
            self.running[process.pid] = mark
            try:
                return process.communicate()[0]
            finally:  # lit leaves tests behind that run when there are failures enough
                end_all(process.pid, mark)
                del self.running[process.pid]

    def stop(self):
        """Ends what runs, with what it started."""
        for group, mark in list(self.running.items()):
            end_all(group, mark)

    def failures(self, names, numbers, most=None, jobs=1, trace=None):
        """The names of the tests that fail with those mutants, and no others once there are `most`. In a folder `trace`
        programs leave which mutants they come to."""
        return self.outcomes(names, numbers, most, jobs, trace)[0]

    def outcomes(self, names, numbers, most=None, jobs=1, trace=None):
        """Those, and the names of the tests that did not run, or not with all their cases, because of `most`."""
        names = [name for name in names if name not in self.journal.broken]
        if not names:
            return [], set()
        slot = self.slots.get()
        try:
            shutil.rmtree(slot, ignore_errors=True)
            results = os.path.join(slot, "results.json")
            for folder in "test", "home", "tmp":
                os.makedirs(os.path.join(slot, folder))
            known = all(name in self.took or name in self.journal.traced or name.endswith(".mlir") for name in names)
            limit = int((30 if known else 600) + 4 * max(map(self.seconds, names)))
            arguments = ["-q", "--show-skipped", f"-j{jobs}", f"--output={results}", f"--timeout={limit}",
                         "--filter=" + "|".join(f":: (?:\\./)?{re.escape(name)}(?:/|$)" for name in names)]
            arguments += [f"--max-failures={most}"] if most else []
            places = sorted({os.path.join(self.tree.tests, name if "/" in name else "unit") for name in names})
            environment = {**os.environ, "INCEPT_MUTANT": ",".join(map(str, numbers)), "HOME": os.path.join(slot, "home"),
                           "INCEPT_TEST_EXEC_ROOT": os.path.join(slot, "test"), "TMPDIR": os.path.join(slot, "tmp"),
                           **({"INCEPT_MUTANT_TRACE": trace} if trace else {})}
            said = self.lit(*arguments, *places, env=environment)
            if not os.path.exists(results):
                sys.exit("mutate.sh: error: lit failed:\n" + said[-3000:])
            with open(results, encoding="utf-8") as file:
                tests = json.load(file)["tests"]
        finally:
            shutil.rmtree(slot, ignore_errors=True)
            self.slots.put(slot)
        if trace:
            self.took.update(self.sums(tests))
        failed = {test_name(test["name"]) for test in tests if test["code"] in ("FAIL", "TIMEOUT", "UNRESOLVED", "XPASS")}
        return sorted(failed, key=self.seconds), skipped_tests(said)

    @staticmethod
    def sums(tests):
        """The seconds of those that passed, cases of a unit suite together."""
        took = collections.Counter()
        for test in tests:
            if test["code"] == "PASS":
                took[test_name(test["name"])] += test.get("elapsed") or 0
        return took

    def trace(self, names, is_over):
        """Runs those tests without a mistake that did not yet: how long each takes, which mutants it comes to, and whether it
        fails as it is."""
        folder = os.path.join(os.path.dirname(self.journal.path), "trace")
        for names in self.chunks(set(names) - set(self.journal.traced)):
            if is_over():
                return
            print(f"{time.strftime('%H:%M:%S')} no mutant, {len(names)} tests from {names[0]}", flush=True)
            shutil.rmtree(folder, ignore_errors=True)
            os.makedirs(folder)
            failed, reached = self.failures(names, [], jobs=self.jobs, trace=folder), collections.defaultdict(set)
            for number, test in (left.split(" ", 1) for left in os.listdir(folder)):
                reached[test_name(test.replace("|", "/"))].add(int(number))
            for name in names:  # what fails only where it is traced may come to all
                self.journal.add(traced=name, seconds=self.seconds(name), numbers=None if name in failed else sorted(reached[name]))
            for name in failed:
                self.is_broken(name, again=True)
            for name in set(names) - set(failed):
                self.journal.add(test=name, broken=False)

    def reaches(self, name, number):
        """Whether a test comes to a mutant, as far as is known."""
        _, numbers = self.journal.traced.get(name, (0, None))
        return name not in self.journal.broken and (numbers is None or number in numbers)

    def is_broken(self, name, again=False):
        """Whether a test fails without any mistake; then it is left out. With `again`, one that has passed is asked anew."""
        with self.locks[name]:
            if name not in self.journal.broken and (again or name not in self.journal.sound):
                broken = bool(self.failures([name], []))
                self.journal.add(test=name, broken=broken)
                if broken:
                    print(f"fails without a mistake and is left out: {name}", flush=True)
        return name in self.journal.broken

    def find(self, number, names):
        """The first test that fails with a mutant alone, or None. It has to fail twice and to pass without: one failure, or
        a limit that a busy machine exceeds, is no proof."""
        while failed := self.failures(names, [number], 1):
            name = failed[0]
            if not self.failures([name], [number]):
                print(f"failed with mutant {number} once and then passed: {name}", flush=True)
            elif not self.is_broken(name, again=True):
                return name
            names = [other for other in names if other != name]
        return None

    def quick(self):
        return [name for name in self.names if self.seconds(name) < QUICK]

    def near(self, path, number):
        """Quick tests that mirror a file and come to a mutant in it, those with its name first, while there is time."""
        folder = next((folder for folder in MIRRORS if path.startswith(folder + "/")), None)
        stem = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", os.path.splitext(os.path.basename(path))[0]).lower()
        names = [name for name in self.quick() if self.reaches(name, number)
                 and any(name.startswith(prefix) for prefix in MIRRORS.get(folder, []))]
        names.sort(key=lambda name: (not os.path.basename(name).startswith(stem), self.seconds(name), name))
        ends = itertools.accumulate(map(self.seconds, names))
        return [name for name, end in zip(names, ends) if end <= NEAR]

    def chunks(self, names):
        """Tests in parts, quick ones first."""
        parts, left = [], 0
        for name in sorted(names, key=lambda name: (self.seconds(name), name)):
            if left <= 0:
                parts.append([])
                left = PART
            parts[-1].append(name)
            left -= self.seconds(name)
        return parts
