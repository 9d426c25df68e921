# SPDX-License-Identifier: Apache-2.0
"""Compares a residual of scale S with PyTorch in f64, forward, backward and in inference, and that it could tell
any other place of the scale. Usage: residual_scale.py PROGRAM S ...; the programs are of Inputs/residual.json."""
import os
import subprocess
import sys
import tempfile

import numpy as np
import torch
import torch.nn.functional as F

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "parity"))
import safetensors

TOLERANCE = 1e-5
PLACES = {
    "the linear convolution with its bias": lambda x, w, b, s: x + s * (F.conv2d(x, w) + b),
    "the shortcut": lambda x, w, b, s: s * x + F.conv2d(x, w) + b,
    "the sum": lambda x, w, b, s: s * (x + F.conv2d(x, w) + b),
    "the linear convolution without its bias": lambda x, w, b, s: x + s * F.conv2d(x, w) + b,
    "nothing": lambda x, w, b, s: x + F.conv2d(x, w) + b,
}
RIGHT = "the linear convolution with its bias"


def expected(place, weights, images, labels, scale):
    """Logits and gradients with the scale applied in a place."""
    parameters = {name: torch.tensor(value, dtype=torch.float64, requires_grad=True) for name, value in weights.items()}
    x = F.conv2d(torch.from_numpy(images).double(), parameters["before.weight"], parameters["before.bias"])
    weight, bias = parameters["residual.linear.weight"], parameters["residual.linear.bias"].view(1, -1, 1, 1)
    y = torch.relu(PLACES[place](x, weight, bias, scale))
    logits = F.linear(y.mean((2, 3)), parameters["classifier.weight"], parameters["classifier.bias"])
    F.cross_entropy(logits, torch.from_numpy(labels)).backward()
    return {"logits": logits.detach().numpy(), **{"grad/" + name: p.grad.numpy() for name, p in parameters.items()}}


def distance(got, reference):
    """The largest error of any tensor, relative to its largest value."""
    return max(float(np.abs(got[name] - value).max() / np.abs(value).max()) for name, value in reference.items())


def run_program(program, weights, images, labels):
    """What a step and inference write, inference's logits apart."""
    with tempfile.TemporaryDirectory() as directory:
        path = lambda name: os.path.join(directory, name)
        safetensors.save(path("weights"), weights)
        safetensors.save(path("batch"), {"images": images, "labels": labels})
        subprocess.run([program, "step", "--weights=" + path("weights"), "--batch=" + path("batch"),
                        "--output=" + path("step")], check=True)
        subprocess.run([program, "predict", "--weights=" + path("weights"), "--input=" + path("batch"),
                        "--output=" + path("logits")], check=True, stdout=subprocess.DEVNULL)
        return safetensors.load(path("step")), safetensors.load(path("logits"))["logits"]


def main():
    random = np.random.default_rng(1)
    draw = lambda *shape: random.uniform(-1, 1, shape).astype(np.float32)
    weights = {"before.weight": draw(4, 3, 1, 1), "before.bias": draw(4), "residual.linear.weight": draw(4, 4, 1, 1),
               "residual.linear.bias": draw(4), "classifier.weight": draw(5, 4), "classifier.bias": draw(5)}
    images, labels = draw(2, 3, 5, 5), np.array([1, 3])
    failed = False
    for program, scale in zip(sys.argv[1::2], map(float, sys.argv[2::2])):
        step, inferred = run_program(program, weights, images, labels)
        right = expected(RIGHT, weights, images, labels, scale)
        errors = [distance(step, right), distance({"logits": inferred}, {"logits": right["logits"]})]
        for place in PLACES:
            if place != RIGHT:
                logits = expected(place, weights, images, labels, scale)["logits"]
                assert distance({"logits": logits}, {"logits": right["logits"]}) > 1e-2, f"{place} cannot be told apart"
        if max(errors) <= TOLERANCE:
            print(f"scale {scale}: ok")
            continue
        failed = True
        nearest = min(PLACES, key=lambda place: distance(step, expected(place, weights, images, labels, scale)))
        print(f"FAILED scale {scale}: expected errors up to {TOLERANCE}, but got {errors}; nearest: of {nearest}")
    sys.exit(failed)


if __name__ == "__main__":
    main()
