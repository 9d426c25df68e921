# SPDX-License-Identifier: Apache-2.0
"""Softmax regression on the images of an idx folder: the best test accuracy of several learning rates after so many steps
of a batch, which is all that a linear model reaches in that time. Usage: linear_baseline.py DIRECTORY STEPS BATCH LOG;
LOG is that of a network's training on the same images: its last test accuracy must be above."""
import gzip
import json
import os
import sys

import numpy as np


def read(directory, name, offset):
    with gzip.open(os.path.join(directory, name + ".gz")) as file:
        return np.frombuffer(file.read(), np.uint8, offset=offset)


directory, steps, batch, log = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
images = {split: read(directory, split + "-images-idx3-ubyte", 16).reshape(-1, 784) for split in ("train", "t10k")}
labels = {split: read(directory, split + "-labels-idx1-ubyte", 8) for split in ("train", "t10k")}
scale = lambda pixels: (pixels / np.float32(255) - np.float32(0.286)) / np.float32(0.353)
test = scale(images["t10k"])
best = 0
for rate in (0.003, 0.01, 0.03, 0.1):
    random = np.random.default_rng(1)
    order = random.permutation(len(images["train"]))
    weights, bias = np.zeros((784, 10), np.float32), np.zeros(10, np.float32)
    for step in range(steps):
        rows = order[step * batch:(step + 1) * batch]
        x = scale(images["train"][rows])
        scores = x @ weights + bias
        error = np.exp(scores - scores.max(axis=1, keepdims=True))
        error /= error.sum(axis=1, keepdims=True)
        error[np.arange(len(rows)), labels["train"][rows]] -= 1
        weights -= rate / len(rows) * (x.T @ error)
        bias -= rate / len(rows) * error.sum(axis=0)
    best = max(best, float((np.argmax(test @ weights + bias, axis=1) == labels["t10k"]).mean()))
with open(log, encoding="utf-8") as file:
    reached = json.loads(file.readlines()[-1])["test_accuracy"]
print(f"softmax regression reaches {best:.3f} in {steps} steps, the network {reached:.3f}")
assert best > 0.7, "a baseline that learned nothing"
sys.exit(0 if reached > best else 1)
