# SPDX-License-Identifier: Apache-2.0
"""`--only` of each block of a network: the IR of every phase parses and verifies again, and the blocks together have every
launch of the whole once.

usage: only.py SPEC INCEPT INCEPT_OPT [OPTION...]
"""
import re
import subprocess
import sys

spec, incept, opt, *options = sys.argv[1:]


def run(*command, input=None):
    done = subprocess.run(command, input=input, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: {done.stderr[:2000]}")
    return done.stdout


def tops(text):
    return sorted(set(re.findall(r'incept\.path = "([^".]+)', text)))


# Those that read images into the network's input belong to no block.
launch = re.compile(r"incept\.exec\.(?:kernel|library) @.*incept\.path = ")
for phase in ("graph", "training", "fused", "layout", "planned", "exec"):
    def print_phase(path):
        return run(incept, "compile", spec, "--batch-size=2", f"--stop-after={phase}", f"--only={path}", *options)

    whole = print_phase(".")
    run(opt, "-", "-o", "/dev/null", input=whole)
    names, launches = tops(whole), 0
    for name in names:
        text = print_phase(name)
        run(opt, "-", "-o", "/dev/null", input=text)
        launches += len(launch.findall(text))
        wrong = [path for path in tops(text) if path != name and phase in ("graph", "training", "exec")]
        if wrong or "loc(" in text or "spec_text" in text:
            sys.exit(f"{phase}: of {name}, but there is {wrong}")
    if launches != len(launch.findall(whole)):
        sys.exit(f"{phase}: {launches} launches in blocks, but {len(launch.findall(whole))} in all")
    print(f"{phase}: {len(names)} blocks, {launches} launches")
