#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How long a description takes to read, check and make a graph of, beyond the start of the process.

`incept check FILE` and `incept check` of an empty file run in turns; the difference of the medians of their processor times
is what the description costs. Exit status 1 where that is more than --most milliseconds.
"""
import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("specs", nargs="*", default=[str(ROOT / "specs/inception_v4.incept")], help="descriptions")
parser.add_argument("--bin", default=str(ROOT / "build/release/bin"), help="folder of the programs")
parser.add_argument("--rounds", type=int, default=15)
parser.add_argument("--most", type=float, default=float("inf"), help="milliseconds")
arguments = parser.parse_args()
incept = os.path.join(arguments.bin, "incept")
if not os.path.exists(incept):
    sys.exit(f"check.py: error: '{incept}' is not there: build it or name its folder with --bin")


def milliseconds(path):
    """Processor time of one run: a busy machine changes little."""
    process = subprocess.Popen([incept, "check", path], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"check.py: error: '{path}' has mistakes")
    return 1000 * (usage.ru_utime + usage.ru_stime)


with tempfile.TemporaryDirectory() as folder:
    empty = os.path.join(folder, "empty.incept")
    pathlib.Path(empty).write_text("// Nothing.\n")
    times = {path: [] for path in [empty, *arguments.specs]}
    for _ in range(arguments.rounds):
        for path, measured in times.items():
            measured.append(milliseconds(path))
start = statistics.median(times.pop(empty))
failed = False
for path, measured in times.items():
    cost = statistics.median(measured) - start
    failed |= cost > arguments.most
    print(f"{os.path.relpath(path)}: {cost:.1f} ms beyond the start of {start:.1f} ms, medians of {arguments.rounds}")
sys.exit(failed)
