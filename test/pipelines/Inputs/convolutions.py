# SPDX-License-Identifier: Apache-2.0
"""One training step of a program with direct and of one with fast convolutions: how far each gradient is from the
interpreter's in f64, and that inference gives the same classes. Usage: convolutions.py TRAINING.mlir DIRECT FAST DIRECTORY
INCEPT_RUN HEIGHT WIDTH, of the four images."""
import os
import subprocess
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "parity"))
import safetensors  # noqa: E402

# A gradient's relative Euclidean distance from f64, over that of direct convolutions.
MOST_IN_THE_MIDDLE, MOST = 10, 40

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


def distance(got, name):
    reference = np.asarray(expected[name], dtype=np.float64)
    return np.linalg.norm(np.asarray(got[name], dtype=np.float64) - reference) / np.linalg.norm(reference)


direct_step, fast_step = step(direct, "direct"), step(fast, "fast")
ratios = {}
for name in sorted(expected):
    if not name.startswith("grad/") or np.linalg.norm(expected[name]) == 0:
        continue
    near, far = distance(direct_step, name), distance(fast_step, name)
    ratios[name] = far / near
    print(f"{name}: direct {near:.1e}, fast {far:.1e}")
assert ratios, "no gradients"
middle, worst = np.median(list(ratios.values())), max(ratios.values())
print(f"median {middle:.1f}, worst {worst:.1f}")
assert middle <= MOST_IN_THE_MIDDLE and worst <= MOST, (middle, worst)
assert not all(ratio == 1 for ratio in ratios.values()), "fast convolutions are the direct ones"
assert step(fast, "again").keys() == fast_step.keys()
again = safetensors.load(path("again"))
assert all(np.array_equal(again[name], fast_step[name]) for name in again), "two runs differ"
print("gradients agree")
