# SPDX-License-Identifier: Apache-2.0
"""Lets system calls of a training run fail, one in each run. Whatever fails: the run ends in one sentence or as if nothing
had happened, every checkpoint and every file of weights under its name is whole, and the run can be resumed to the bits of
one that nothing happened to.

    faults.py SHIM PROGRAM DIRECTORY [MOST]     MOST: runs for each call and fault (default: all calls)"""
import errno
import json
import os
import shutil
import struct
import subprocess
import sys

shim, program, directory = sys.argv[1:4]
most = int(sys.argv[4]) if len(sys.argv) > 4 else None
name = os.path.basename(program)
data = os.path.join(directory, "data")
failures = []

# Calls, how each may fail, and whether the program has to go on: what was interrupted or cut is done again.
FAULTS = [("write", "ENOSPC", False), ("write", "EIO", False), ("write", "EINTR", True), ("write", "short", True),
          ("read", "EIO", False), ("read", "EINTR", True), ("read", "short", True),
          ("fsync", "EIO", False), ("open", "EMFILE", False), ("open", "EIO", False), ("close", "EIO", False),
          ("rename", "EIO", False), ("unlink", "EIO", False), ("mkdir", "ENOSPC", False), ("flock", "EIO", False),
          ("mmap", "ENOMEM", False), ("pthread_create", "EAGAIN", False)]


def idx():
    """64 images of 28x28 and their labels."""
    os.makedirs(data, exist_ok=True)
    for split, count in (("train", 64), ("t10k", 32)):
        pixels = bytes((7 * i + i // 784) % 256 for i in range(count * 784))
        with open(os.path.join(data, split + "-images-idx3-ubyte"), "wb") as file:
            file.write(struct.pack(">IIII", 0x803, count, 28, 28) + pixels)
        with open(os.path.join(data, split + "-labels-idx1-ubyte"), "wb") as file:
            file.write(struct.pack(">II", 0x801, count) + bytes(i % 10 for i in range(count)))


def train(folder, *options, **variables):
    command = [program, "train", "--data=idx:" + data, "--steps=6", "--seed=1", "--checkpoint-dir=" + os.path.join(folder, "run"),
               "--checkpoint-steps=2", "--save=" + os.path.join(folder, "final"), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env={**os.environ, **variables})


def with_shim(folder, fault, *options):
    return train(folder, "--log=" + os.path.join(folder, "log"), "--plot=" + os.path.join(folder, "plot"), *options,
                 LD_PRELOAD=shim, INCEPT_FAULT=fault, INCEPT_FAULT_COUNTS=os.path.join(directory, "counts"))


def read(path):
    with open(path, "rb") as file:
        return file.read()


def whole(path):
    """True for a safetensors file as long as its header says."""
    text = read(path)
    if len(text) < 8:
        return False
    (length,) = struct.unpack_from("<Q", text)
    try:
        header = json.loads(text[8:8 + length])
    except ValueError:
        return False
    ends = [entry["data_offsets"][1] for key, entry in header.items() if key != "__metadata__"]
    return 8 + length + max(ends, default=0) == len(text)


def check(fault, has_to_succeed, expected):
    folder = os.path.join(directory, "try")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    with open(os.path.join(folder, "final"), "wb") as file:  # from before: replaced whole, or there as it was
        file.write(old)
    result = with_shim(folder, fault)

    def fail(what):
        failures.append(f"{fault}: {what}: status {result.returncode}: {result.stderr[-300:]}")

    errors = [line for line in result.stderr.splitlines() if "error:" in line or line.startswith("libgomp")]
    final = read(os.path.join(folder, "final"))
    if result.returncode == 0:
        if final != expected or errors:
            fail("it ended well with other weights or an error")
    elif result.returncode not in (1, 3) or len(errors) != 1:
        fail("it did not end in one sentence")
    elif has_to_succeed:
        fail("it gave up")
    # A run that cannot go on keeps the weights that it has.
    if final not in (old, expected) and not (result.returncode != 0 and whole(os.path.join(folder, "final"))):
        fail("the weights are neither the old ones nor whole")
    run = os.path.join(folder, "run")
    checkpoints = [entry for entry in (os.listdir(run) if os.path.isdir(run) else []) if entry.endswith(".safetensors")]
    for checkpoint in checkpoints:
        if not whole(os.path.join(run, checkpoint)):
            fail(f"{checkpoint} is not whole")
    if result.returncode != 0 and checkpoints:
        again = train(folder, "--resume")
        if again.returncode != 0 or read(os.path.join(folder, "final")) != expected:
            fail(f"resumed it gives other weights: {again.returncode} {again.stderr[-300:]}")


idx()
os.makedirs(os.path.join(directory, "clean"), exist_ok=True)
result = train(os.path.join(directory, "clean"))
assert result.returncode == 0, result.stderr
expected = read(os.path.join(directory, "clean", "final"))
old = b"weights of another day"
counted = os.path.join(directory, "counted")
os.makedirs(counted)
result = with_shim(counted, "none:1:0")
assert result.returncode == 0, result.stderr
assert read(os.path.join(counted, "final")) == expected
counts = {line.split()[0]: int(line.split()[1]) for line in open(os.path.join(directory, "counts"))}
assert all(counts[call] > 0 for call in ("read", "write", "open", "fsync", "rename", "mmap", "pthread_create")), counts

runs = 0
for call, fault, has_to_succeed in FAULTS:
    numbers = list(range(1, counts[call] + 1))
    if most and len(numbers) > most:  # the first, the last, and some between
        numbers = sorted({numbers[round(i * (len(numbers) - 1) / (most - 1))] for i in range(most)})
    for number in numbers:
        check(f"{call}:{'0' if fault == 'short' else getattr(errno, fault)}:{number}", has_to_succeed, expected)
        runs += 1
# A checkpoint that a resumed run cannot open for want of files is not damaged.
result = with_shim(counted, "none:1:0", "--resume")
assert result.returncode == 0, result.stderr
opens = {line.split()[0]: int(line.split()[1]) for line in open(os.path.join(directory, "counts"))}["open"]
for number in range(1, opens + 1):
    folder = os.path.join(directory, "resumed")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(counted, folder)
    result = with_shim(folder, f"open:{errno.EMFILE}:{number}", "--resume")
    if [entry for entry in os.listdir(os.path.join(folder, "run")) if ".damaged" in entry]:
        failures.append(f"open:EMFILE:{number} while resuming: a checkpoint is said to be damaged: {result.stderr[-300:]}")
    runs += 1
print(f"{runs} runs, calls {counts}")
for failure in failures:
    print("FAILED", failure)
sys.exit(1 if failures else 0)
