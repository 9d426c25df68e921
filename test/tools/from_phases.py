# SPDX-License-Identifier: Apache-2.0
"""Compiles a description at once, then goes on from the IR of each phase: every executable has the same bytes.

from_phases.py FOLDER SPEC [options of incept compile]"""
import pathlib
import subprocess
import sys

PHASES = ["graph", "training", "fused", "layout", "planned", "exec"]
# What an option decides in a phase that is yet to come is said again.
DECIDED = {"--precision": "training", "--no-fuse": "fused", "--no-recompute": "fused", "--no-schedule": "planned"}


def compile_to(output, *arguments):
    subprocess.run(["incept", "compile", *map(str, arguments), "-o", str(output)], check=True)
    return output.read_bytes()


def main():
    folder, spec, options = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
    folder.mkdir(parents=True, exist_ok=True)
    whole = compile_to(folder / "whole", spec, f"--dump-after-each={folder}", *options)
    different = []
    for number, phase in enumerate(PHASES):
        # The target and what the IR settles come along with it.
        printed = folder / f"{number}-{phase}.mlir"
        again = [option for option in options
                 if PHASES.index(DECIDED.get(option.split("=")[0], "graph")) > number]
        if compile_to(folder / f"from-{phase}", printed, f"--from={phase}", *again) != whole:
            different.append(phase)
    print(f"{len(whole)} bytes, {len(PHASES) - len(different)} of {len(PHASES)} the same", *different)
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
