# SPDX-License-Identifier: Apache-2.0
"""scripts/gpu-check.sh with the hand-made CUDA program and a lazy driver: gpu_check.py SCRIPT STUB DIRECTORY LIBRARIES.
The program's twin is itself, launched one by one, or one that learns half as fast."""
import json
import os
import subprocess
import sys

script, stub, directory, libraries = sys.argv[1:]
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "runtime"))
import cuda_program

os.makedirs(directory, exist_ok=True)
failures = []


def place(name):
    return os.path.join(directory, name)


def make(name, rate, precision="f32", card="Fake 1"):
    """A program, and as its twin a script that runs another one with `rate`, without graphs."""
    header = cuda_program.header()
    header["precision"] = precision
    header["target"]["card"] = card
    cuda_program.write(stub, place(name), cuda_program.image(header))
    header["training"]["learning_rate"]["base"] = rate
    cuda_program.write(stub, place(name + ".other"), cuda_program.image(header))
    with open(place(name + ".cpu"), "w") as file:
        file.write(f"#!/bin/sh\nLD_LIBRARY_PATH={libraries} INCEPT_CUDA=direct exec {place(name)}.other \"$@\"\n")
    os.chmod(place(name + ".cpu"), 0o755)
    return place(name)


def check(what, status, words, *arguments, environment=None):
    result = subprocess.run([script, *arguments], capture_output=True, text=True, env=environment)
    output = result.stdout + result.stderr
    if result.returncode != status or any(word not in output for word in words):
        failures.append(f"{what}: expected {status} and {words}, got {result.returncode}: {output}")


under = f"--under=env LD_LIBRARY_PATH={libraries}"
same, other = make("same", 0.5), make("other", 0.25)
check("agrees", 0, ["same", "1.098612", "agrees"], under, "--steps=3", same)
check("disagrees", 1, ["agrees", "linear.weight", "DISAGREES"], under, "--steps=3", same, other)
# A program whose second step has other bits each time: a script that asks another program every other time.
with open(place("fickle"), "w") as file:
    file.write(f"""#!/bin/sh
case "$INCEPT_CUDA $*" in direct*--steps=2*) exec {other}.other "$@" ;; esac
exec {same} "$@"
""")
os.chmod(place("fickle"), 0o755)
os.symlink(place("same.cpu"), place("fickle.cpu"))
check("not repeatable", 1, ["fickle", "NOT REPEATABLE"], under, "--steps=3", place("fickle"))
card = make("card", 0.5, card="Another card")
check("another card", 0, ["note: compiled for Another card (1000 multiprocessors), runs on Fake 1", "agrees"], under,
      "--steps=3", card)
check("no program", 1, ["expected a program"], under, place("none"))
check("usage", 2, ["usage: scripts/gpu-check.sh"], "--unknown")
check("usage", 2, ["usage: scripts/gpu-check.sh"], "--steps=none")
# A program without a twin is timed alone; what was measured is written; tools that the machine has are asked.
os.makedirs(place("tools"), exist_ok=True)
for name, text in (("compute-sanitizer", 'echo "$@" | grep -q memcheck && status=9\n'
                    'echo "========= ERROR SUMMARY: ${status:-0} errors"\nexit ${status:-0}\n'),
                   ("ncu", 'while [ "$1" != env ]; do [ "$1" = --log-file ] && log=$2; shift; done\n'
                    '"$@" && echo \'"0","a kernel"\' >"$log"\n')):
    with open(place("tools/" + name), "w") as file:
        file.write("#!/bin/sh\n" + text)
    os.chmod(place("tools/" + name), 0o755)
with_tools = {**os.environ, "PATH": place("tools") + ":" + os.environ["PATH"]}
check("tools", 1, ["all launches, one after the other", "compute-sanitizer memcheck: ERROR SUMMARY: 9 errors (status 9)",
                   "compute-sanitizer racecheck: ERROR SUMMARY: 0 errors (status 0)", "ncu: status 0, 1 launches in"],
      under, "--steps=2", "--output=" + place("results"), other + ".other", environment=with_tools)
with open(place("results/other.other.json")) as file:
    measured = json.load(file)
if measured["timing"]["step_ms"] <= 0 or not measured["profile"]["launches"] or measured["comparison"]:
    failures.append(f"results: {measured}")
# Without a GPU: a PATH in which no nvidia-smi is.
os.makedirs(place("bin"), exist_ok=True)
for tool in "bash", "sed", "head", "tr", "dirname", "env":
    if not os.path.lexists(place("bin/" + tool)):
        os.symlink(f"/usr/bin/{tool}", place("bin/" + tool))
check("no GPU", 3, ["nvidia-smi finds no GPU on this machine"], same, environment={"PATH": place("bin")})

for failure in failures:
    print("FAILED", failure)
sys.exit(1 if failures else 0)
