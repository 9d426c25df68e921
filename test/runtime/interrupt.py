# SPDX-License-Identifier: Apache-2.0
"""SIGINT ends a training after the step in progress: status 130, a checkpoint, and a resumed run that goes on from it."""
import os
import signal
import subprocess
import sys
import time

program, directory = sys.argv[1:]
run = os.path.join(directory, "interrupted")
log = os.path.join(directory, "interrupted.jsonl")
process = subprocess.Popen([program, "train", "--data=synthetic:", "--steps=1000000", "--checkpoint-dir=" + run,
                            "--log=" + log], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
# The first epoch's end writes the log through: training is under way then.
deadline = time.monotonic() + 60
while not (os.path.exists(log) and os.path.getsize(log) > 0) and time.monotonic() < deadline:
    time.sleep(0.05)
process.send_signal(signal.SIGINT)
_, errors = process.communicate(timeout=60)
assert process.returncode == 130, (process.returncode, errors)
assert "continue with --resume" in errors.splitlines()[-1], errors
newest = max(int(name.split("-")[1].split(".")[0]) for name in os.listdir(run) if name.startswith("step-"))
assert newest > 0
done = subprocess.run([program, "train", "--data=synthetic:", f"--steps={newest + 2}", "--resume",
                       "--checkpoint-dir=" + run], capture_output=True, text=True, timeout=60)
assert done.returncode == 0, done.stderr
assert os.path.exists(os.path.join(run, f"step-{newest + 2}.safetensors"))
