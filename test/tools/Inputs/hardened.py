# SPDX-License-Identifier: Apache-2.0
"""Checks programs with readelf: position-independent, no table that stays writable, no executable stack, stack
protectors, and libc's checked functions."""
import os
import re
import subprocess
import sys

build, *programs = sys.argv[1:]
tools = ["incept", "incept-opt", "incept-run", "incept-translate", "incept-sim", "incept-stub-cpu", "incept-stub-cuda",
         "incept-stub-cpu.so", "incept-stub-cuda.so"]
programs += [path for path in (os.path.join(build, "bin", tool) for tool in tools) if os.path.exists(path)]
assert len(programs) >= 5, programs
# The compiler's programs print through LLVM and call little that libc could check.
runtimes = [program for program in programs if os.path.basename(program).startswith(("mini", "incept-stub-"))]


def readelf(*options):
    return subprocess.run(["readelf", "-W", *options], check=True, capture_output=True, text=True).stdout


failures = 0
for program in programs:
    segments, dynamic, symbols = readelf("-hl", program), readelf("-d", program), readelf("--dyn-syms", program)
    facts = {
        "position-independent": re.search(r"Type:\s+DYN", segments)
        and (program.endswith(".so") or re.search(r"FLAGS_1.*\bPIE\b", dynamic)),
        "RELRO": "GNU_RELRO" in segments,
        "BIND_NOW": re.search(r"FLAGS_1.*\bNOW\b", dynamic),
        "stack that is not executable": re.search(r"GNU_STACK\s.*\bRW\s", segments),
        "stack protector": "__stack_chk_fail" in symbols,
        "_FORTIFY_SOURCE": re.search(r"__\w+_chk\b", symbols) or program not in runtimes,
    }
    for fact, found in facts.items():
        if not found:
            print(f"{program}: no {fact}")
            failures += 1
sys.exit(failures > 0)
