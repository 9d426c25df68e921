# SPDX-License-Identifier: Apache-2.0
"""Losses of programs with one thread and with three, compared with each other and with the logits: usage loss_parts.py
DIRECTORY."""
import array
import math
import os
import random
import subprocess
import sys

import tensors

directory = sys.argv[1]
place = lambda name: os.path.join(directory, name)
BATCH, IGNORED = 4, 255
draw = random.Random(7)


def run(program, *arguments):
    subprocess.run([place(program), *arguments], check=True, capture_output=True)


def step(program, output):
    run(program, "step", "--weights=" + place("weights"), "--batch=" + place("batch"), "--output=" + place(output))
    result = tensors.load(place(output))
    return result["losses"][2], result["logits"][2]


def expected(logits, labels, classes, smoothing):
    """The mean over the pixels that count, 0 where none does."""
    total, counted = 0.0, 0
    for pixel, label in enumerate(labels):
        if label == IGNORED:
            continue
        row = logits[pixel * classes:(pixel + 1) * classes]
        largest = max(row)
        log_sum = largest + math.log(sum(math.exp(x - largest) for x in row))
        total += log_sum - (1 - smoothing) * row[label] - smoothing * sum(row) / classes
        counted += 1
    return total / max(counted, 1)


def check(name, height, width, classes, smoothing, share):
    """`share` of the pixels is ignored."""
    run(name + "1", "init", "--seed=3", "--output=" + place("weights"))
    pixels = height * width
    images = array.array("f", (draw.uniform(-3, 3) for _ in range(BATCH * pixels)))
    labels = array.array("q", (IGNORED if draw.random() < share else draw.randrange(classes)
                               for _ in range(BATCH * pixels)))
    tensors.save(place("batch"), {"images": ("F32", [BATCH, 1, height, width], images),
                                  "labels": ("I64", [BATCH, height, width], labels)})
    losses, logits = step(name + "1", "one")
    others, _ = step(name + "3", "three")
    assert losses.tobytes() == others.tobytes(), (name, losses, others)
    wanted = expected(logits, labels, classes, smoothing)
    assert abs(losses[0] - wanted) <= 2e-6 * max(wanted, 1), (name, share, losses, wanted)


check("few", 97, 95, 4, 0.1, 0.3)
check("few", 97, 95, 4, 0.1, 1.0)
check("many", 46, 45, 70, 0.0, 0.0)
