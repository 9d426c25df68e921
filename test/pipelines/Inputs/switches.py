# SPDX-License-Identifier: Apache-2.0
"""Compiles a network with and without each pass that can be left out, and looks for what the pass makes.

switches.py SPEC BRANCHES"""
import re
import subprocess
import sys

SPEC, BRANCHES = sys.argv[1:]


def compile_until(phase, *switches, spec=SPEC):
    command = ["incept", "compile", spec, "--batch-size=2", "--threads=1", "--cpu=x86-64-v3", f"--stop-after={phase}", *switches]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def function(ir, name):
    return re.search(rf"  func\.func @{name}\(.*?\n  \}}", ir, re.S).group()


def groups(ir):
    """How many ops each group has."""
    return [len(re.findall(r"^ {6}%", body, re.M)) for body in re.findall(r"incept\.group .*?\n(.*?)\n    \}", ir, re.S)]


def place(ir, text):
    return function(ir, "forward_backward").index(text)


# The switch, a phase, what is looked at, and what is expected with the pass and without.
CASES = [
    ("--no-fuse", "fused", lambda ir: max(groups(ir)) > 1, True, False),
    ("--no-merge-siblings", "training", lambda ir: "incept.join_rows" in ir, True, False),
    ("--no-commute-pools", "training",
     lambda ir: place(ir, "branches1.pool.conv1.conv") < place(ir, "branches1.pool.avg_pool1"), True, False),
    ("--no-update-early", "training", lambda ir: "sgd_update" in function(ir, "forward_backward"), True, False),
    ("--no-tile-normalization", "layout", lambda ir: " normalized %" in ir, True, False),
    ("--no-coalesce", "exec", lambda ir: len(re.findall(r"exec\.kernel @\w*sgd_update", ir)) == ir.count("kind parameter"), False,
     True)]


def main():
    wrong = 0
    for switch, phase, look, expected, without in CASES:
        found = look(compile_until(phase)), look(compile_until(phase, switch))
        if found != (expected, without):
            print(f"{switch}: expected {expected} with the pass and {without} without, but got {found[0]} and {found[1]}")
            wrong += 1
    # Masks of ReLUs are computed where they are used.
    relus = [len(re.findall(r"incept\.relu %", function(compile_until("fused", *more), "forward_backward")))
             for more in ((), ("--no-recompute",))]
    # A description whose order keeps more alive than another one.
    planned = [compile_until("planned", "--convolutions=direct", *more, spec=BRANCHES) for more in ((), ("--no-schedule",))]
    arenas = [int(re.search(r"arena_bytes = (\d+)", function(ir, "forward_backward")).group(1)) for ir in planned]
    if relus[0] <= relus[1] or arenas[0] >= arenas[1]:
        print(f"ReLUs with and without --no-recompute: {relus}, bytes with and without --no-schedule: {arenas}")
        wrong += 1
    print(f"{len(CASES) + 2} switches, {wrong} not as expected")
    return wrong > 0


if __name__ == "__main__":
    sys.exit(main())
