# SPDX-License-Identifier: Apache-2.0
"""kill.py PROGRAM DIRECTORY COUNT: kills a training of two epochs at COUNT random moments (SIGKILL, one in each run),
goes on with --resume, and compares the final file with that of a run that nothing interrupted. Prints how many are
equal."""
import os
import random
import shutil
import signal
import subprocess
import sys
import time

program, directory, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
seed = int(os.environ.get("INCEPT_KILL_SEED", "1"))
random.seed(seed)
folder, final = os.path.join(directory, "killed"), os.path.join(directory, "killed.safetensors")


def command(*options):
    return [program, "train", "--data=synthetic:", "--seed=7", "--epochs=2", "--save=" + final, *options]


def kept(*options):
    return command("--checkpoint-dir=" + folder, "--checkpoint-steps=4", "--keep=2", *options)


def read(path):
    with open(path, "rb") as file:
        return file.read()


start = time.monotonic()
subprocess.run(command(), check=True, stdout=subprocess.DEVNULL)
length = time.monotonic() - start
expected = read(final)
equal = midway = 0
for trial in range(count):
    shutil.rmtree(folder, ignore_errors=True)
    os.remove(final)
    process = subprocess.Popen(kept(), stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    time.sleep(random.uniform(0, 1.1 * length))
    process.send_signal(signal.SIGKILL)
    process.wait()
    steps = [name for name in os.listdir(folder) if name.startswith("step-")] if os.path.exists(folder) else []
    begun = any(name.endswith(".safetensors") for name in steps)
    midway += begun and not os.path.exists(final)
    again = kept("--resume" if begun else "--overwrite")
    subprocess.run(again, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    equal += read(final) == expected
print(f"{equal} of {count} equal; {midway} were killed between the first checkpoint and the end")
sys.exit(0 if equal == count else 1)
