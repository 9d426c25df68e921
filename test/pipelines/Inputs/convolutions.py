# SPDX-License-Identifier: Apache-2.0
"""One training step of a program with direct and of one with fast convolutions: how far each gradient is from the
interpreter's in f64, and that two runs of the fast one have the same bits. Usage: convolutions.py TRAINING.mlir DIRECT FAST
DIRECTORY INCEPT_RUN HEIGHT WIDTH, of the four images."""
import os
import subprocess
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "parity"))
import safetensors  # noqa: E402
from distances import Distances  # noqa: E402

module, direct, fast, directory, incept_run = sys.argv[1:6]
height, width = map(int, sys.argv[6:])
path = lambda name: os.path.join(directory, name + ".safetensors")
random = np.random.default_rng(3)
subprocess.run([direct, "init", "--seed=1", "--output=" + path("weights")], check=True)
weights = dict(safetensors.load(path("weights")))
images = random.normal(size=(4, 3, height, width)).astype(np.float32)
labels = np.array([1, 5, 0, 9])
safetensors.save(path("batch"), {"images": images, "labels": labels})
safetensors.save(path("io"), {"io/f32_input": images, "io/labels": labels})
subprocess.run([incept_run, module, "--function=forward_backward", "--inputs=" + path("weights") + "," + path("io"),
                "--output=" + path("expected")], check=True)
expected = safetensors.load(path("expected"))


def step(program, name):
    subprocess.run([program, "step", "--weights=" + path("weights"), "--batch=" + path("batch"), "--output=" + path(name)],
                   check=True)
    return safetensors.load(path(name))


direct_step, fast_step = step(direct, "direct"), step(fast, "fast")
distances = Distances()
distances.add(expected, direct_step, fast_step)
distances.check()
assert step(fast, "again").keys() == fast_step.keys()
again = safetensors.load(path("again"))
assert all(np.array_equal(again[name], fast_step[name]) for name in again), "two runs differ"
print("gradients agree")
