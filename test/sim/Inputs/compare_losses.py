# SPDX-License-Identifier: Apache-2.0
"""compare_losses.py CPU.jsonl OTHER.jsonl STEPS [TOLERANCE]: the losses of two trainings, step by step. They drift apart as
rounding differs; the first must agree to single precision, the last within two percent. With a relative TOLERANCE, that is
what all of them must agree to, and nothing else."""
import json
import sys


def losses(path):
    return [row["loss"] for row in map(json.loads, open(path)) if "loss" in row]


expected, got, steps = losses(sys.argv[1]), losses(sys.argv[2]), int(sys.argv[3])
print(expected, got, sep="\n")
ok = len(expected) == len(got) == steps and abs(expected[0] - got[0]) < 1e-4
if len(sys.argv) > 4:
    tolerance = float(sys.argv[4])
    sys.exit(not (len(expected) == len(got) == steps
                  and all(abs(a - b) <= tolerance * a for a, b in zip(expected, got))))
sys.exit(not (ok and abs(expected[-1] - got[-1]) < 0.02 * expected[-1] and got[-1] < got[0]))
