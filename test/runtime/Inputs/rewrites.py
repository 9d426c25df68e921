# SPDX-License-Identifier: Apache-2.0
"""Compiles a network with and without each rewrite, trains ten steps, and compares the losses of both. For one processor,
so that each changes something on every machine."""
import glob
import json
import subprocess
import sys

incept, spec, directory = sys.argv[1:]
switches = ["--no-commute-pools", "--no-merge-siblings", "--no-fuse", "--no-tile-normalization",
            "--no-recompute", "--no-update-early", "--no-schedule", "--no-coalesce"]


def losses(name, *options):
    """(losses of ten steps, (launches and peak of the program, its launches as IR))"""
    program = f"{directory}/{name}"
    subprocess.run([incept, "compile", spec, "--batch-size=16", "--threads=1", "--cpu=x86-64-v3", "-o", program,
                    f"--dump-after-each={program}.phases", *options], check=True)
    subprocess.run([program, "train", "--data=synthetic:", "--steps=10", "--seed=3", f"--log={program}.jsonl"], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    rows = [json.loads(line) for line in open(f"{program}.jsonl")]
    info = json.loads(subprocess.run([program, "info", "--json"], check=True, capture_output=True, text=True).stdout)
    (ir,) = glob.glob(f"{program}.phases/*-exec.mlir")
    with open(ir, encoding="utf-8") as file:
        ir = file.read()
    return [row["loss"] for row in rows if "step" in row and "loss" in row], (info["launches"], info["peak_bytes"], ir)


expected, facts = losses("all")
assert len(expected) > 0 and all(loss > 0 for loss in expected), expected
failures = 0
for switch in switches:
    got, other = losses(switch.strip("-"), switch)
    worst = max(abs(a - b) / abs(a) for a, b in zip(expected, got))
    changes = other != facts  # a switch that does nothing would compare a program with itself
    print(switch, "losses within", worst, "launches and peak", facts[:2], other[:2])
    failures += len(got) != len(expected) or worst > 1e-3 or not changes
sys.exit(failures > 0)
