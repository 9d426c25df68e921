# SPDX-License-Identifier: Apache-2.0
"""Without oneDNN, and without threads: usage machine.py PROGRAM DIRECTORY."""
import os
import resource
import shutil
import subprocess
import sys
import tempfile

program, directory = sys.argv[1:]
failures = []


def run(*arguments, **options):
    return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=120, **options)


def check(what, result, status, words):
    text = result.stdout if status == 0 else result.stderr
    if result.returncode != status or words not in text or status and len(result.stderr.splitlines()) != 1:
        failures.append(f"{what}: {result}")


# A library that is none, where the loader looks first.
os.makedirs(os.path.join(directory, "lib"))
for version in "2", "3":
    with open(os.path.join(directory, "lib", "libdnnl.so." + version), "w") as file:
        file.write("no library")
without = {"env": {**os.environ, "LD_LIBRARY_PATH": os.path.join(directory, "lib")}}
check("info", run("info", **without), 0, "network           small")
check("version", run("--version", **without), 0, "this machine has no library: expected the library oneDNN on this machine, but ")
for arguments in ["init", "--output=" + os.path.join(directory, "w")], ["bench"], ["train", "--data=synthetic:"]:
    check(f"{arguments}", run(*arguments, **without), 3, "expected the library oneDNN on this machine, but ")
    check(f"{arguments}", run(*arguments, **without), 3, ": install libdnnl")

# No thread but the first. Root has no limit, so as nobody, who has to be able to reach the program.
with tempfile.TemporaryDirectory(dir="/var/tmp") as place:
    os.chmod(place, 0o755)
    program = shutil.copy(program, place)

    def limit():
        resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
        if os.getuid() == 0:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)

    check("info", run("info", preexec_fn=limit, cwd="/"), 0, "threads           4")
    check("bench", run("bench", preexec_fn=limit, cwd="/"), 3,
          "compiled for 4 threads, but this process cannot start them: raise the limit of processes")

for failure in failures:
    print("FAILED", failure)
sys.exit(1 if failures else 0)
