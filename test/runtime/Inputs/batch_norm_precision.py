# SPDX-License-Identifier: Apache-2.0
"""Batch statistics, logits and batch norm's gradients of a program, against the same formulas in f64."""
import os
import subprocess
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "parity"))
import safetensors  # noqa: E402

program, directory = sys.argv[1:]
path = lambda name: os.path.join(directory, name + ".safetensors")
random = np.random.default_rng(5)
means = np.array([1000, -1000, 0, 1, 1000, 30, 1e4, -5]).reshape(1, 8, 1, 1)
deviations = np.array([1e-2, 1e-2, 1, 1e-3, 10, 1e-2, 1, 100]).reshape(1, 8, 1, 1)
images = (means + deviations * random.normal(size=(8, 8, 15, 15))).astype(np.float32)
labels = np.array([0, 1, 2, 0, 1, 2, 0, 1])

subprocess.run([program, "init", "--seed=1", "--output=" + path("init")], check=True)
weights = dict(safetensors.load(path("init")))
weights["bn.weight"] = random.uniform(0.5, 1.5, 8).astype(np.float32)
safetensors.save(path("weights"), weights)
safetensors.save(path("batch"), {"images": images, "labels": labels})
subprocess.run([program, "step", "--weights=" + path("weights"), "--batch=" + path("batch"), "--output=" + path("out")],
               check=True)
out = safetensors.load(path("out"))

x = images.astype(np.float64)
mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3))
normalized = (x - mean.reshape(1, 8, 1, 1)) / np.sqrt(variance.reshape(1, 8, 1, 1) + 1e-12)
scaled = normalized * weights["bn.weight"].reshape(1, 8, 1, 1) + weights["bn.bias"].reshape(1, 8, 1, 1)
largest = scaled.max((2, 3))
logits = largest @ weights["classifier.weight"].T.astype(np.float64) + weights["classifier.bias"]
softmax = np.exp(logits - logits.max(1, keepdims=True))
softmax /= softmax.sum(1, keepdims=True)
diff = (softmax - np.eye(3)[labels]) / 8 @ weights["classifier.weight"].astype(np.float64)  # of each channel's largest
count = x.size / 8
failed = False
# The mean is an f32: half a unit in its last place is 3e-3 deviations of the first channels, which the scores see.
for name, got, expected, tolerance in [
        ("mean", out["bn.running_mean"], mean, 1e-6 * np.abs(mean) + 1e-6),
        ("variance", out["bn.running_var"], variance * count / (count - 1), 1e-4 * variance),
        ("logits", out["logits"], logits, 3e-3 * np.abs(logits).max()),
        ("diff_beta", out["grad/bn.bias"], diff.sum(0), 5e-3 * np.abs(diff.sum(0)).max()),
        ("diff_gamma", out["grad/bn.weight"], (diff * normalized.max((2, 3))).sum(0), 5e-3 * np.abs((diff * normalized.max((2, 3))).sum(0)).max())]:
    error = np.abs(got - expected)
    print(name, "error", error.max())
    if not (error <= tolerance).all():
        print("FAILED", name, got, expected)
        failed = True
sys.exit(failed)
