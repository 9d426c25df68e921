# SPDX-License-Identifier: Apache-2.0
"""scripts/gpu-check.sh with the hand-made CUDA program and a lazy driver: gpu_check.py SCRIPT STUB DIRECTORY LIBRARIES.
The program's twin is itself, launched one by one, or one that learns half as fast."""
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
# Without a GPU: a PATH in which no nvidia-smi is.
os.makedirs(place("bin"), exist_ok=True)
for tool in "bash", "sed", "head", "tr", "dirname", "env":
    if not os.path.lexists(place("bin/" + tool)):
        os.symlink(f"/usr/bin/{tool}", place("bin/" + tool))
check("no GPU", 3, ["nvidia-smi finds no GPU on this machine"], same, environment={"PATH": place("bin")})

for failure in failures:
    print("FAILED", failure)
sys.exit(1 if failures else 0)
