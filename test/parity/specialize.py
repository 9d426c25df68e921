# SPDX-License-Identifier: Apache-2.0
"""Writes a copy of a network's description with the optimizer of a comparison, which the command line cannot choose.

Usage: specialize.py SPEC OPTIMIZER OUTPUT."""
import json
import os
import subprocess
import sys

MOMENTUM, DECAY, EPSILON, WEIGHT_DECAY, SMOOTHING = 0.9, 0.9, 1.0, 4e-5, 0.1
OPTIMIZERS = {"rmsprop": {"kind": "rmsprop", "decay": DECAY, "momentum": MOMENTUM, "epsilon": EPSILON},
              "sgd": {"kind": "sgd", "momentum": MOMENTUM}}


def specialize(path, optimizer):
    """The description as a dictionary."""
    done = subprocess.run(["incept", "convert", path], check=True, capture_output=True, text=True)
    spec = json.loads(done.stdout)
    folder = os.path.dirname(os.path.abspath(path))
    spec["imports"] = [os.path.join(folder, name) for name in spec.get("imports", [])]
    spec.get("training", {}).pop("comment", None)
    spec["training"] = {**spec.get("training", {}), "optimizer": OPTIMIZERS[optimizer],
                        "learning_rate": {"kind": "constant"},
                        "weight_decay": WEIGHT_DECAY, "label_smoothing": SMOOTHING}
    return spec


def main():
    path, optimizer, output = sys.argv[1:]
    with open(output, "w") as file:
        json.dump(specialize(path, optimizer), file)


if __name__ == "__main__":
    main()
