# SPDX-License-Identifier: Apache-2.0
"""Compares `incept summary --json` with the counts in Inputs/counts.json, which an independent calculation gave.

usage: counts.py INCEPT SPECS COUNTS
"""
import json
import subprocess
import sys

OPS = ("conv2d", "batch_norm", "linear", "max_pool", "avg_pool", "concat", "add", "global_avg_pool", "random_drop")


def summarize(incept, specs, case):
    command = [incept, "summary", "--json", "--batch-size=1", f"{specs}/{case['spec']}.incept"]
    if "set" in case:
        command += ["--set"] + case["set"]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def stage_of(name, stages):
    """The stage whose name is a prefix of the path; the head has the rest."""
    parts = name.split(".")
    for length in (2, 1):
        if ".".join(parts[:length]) in stages:
            return ".".join(parts[:length])
    return "head"


def measure_stages(layers, names):
    """Per stage, in order: channels, height and width of its result, parameters, macs, convolutions, batch norms."""
    rows = {}
    for layer in layers:
        row = rows.setdefault(stage_of(layer["name"], names), [None, 0, 0, 0, 0])
        row[0] = (layer["dst"][1:] + [1, 1])[:3]
        row[1] += layer["parameters"]
        row[2] += layer["macs"]
        row[3] += layer["op"] == "conv2d"
        row[4] += layer["op"] == "batch_norm"
    return [[name] + row for name, row in rows.items()]


def differences(case, summary):
    """What is not as expected, one line each."""
    for key in ("parameters", "states", "macs"):
        if summary[key] != case[key]:
            yield f"{key}: expected {case[key]}, but got {summary[key]}"
    layers = summary["layers"]
    if layers[0]["src"] != [1] + case["image"]:
        yield f"input: expected {case['image']}, but got {layers[0]['src'][1:]}"
    for op in OPS:
        count = sum(layer["op"] == op for layer in layers)
        if count != case["ops"].get(op, 0):
            yield f"{op}: expected {case['ops'].get(op, 0)}, but got {count}"
    expected = case.get("stages", [])
    got = measure_stages(layers, {row[0] for row in expected}) if expected else []
    if len(expected) != len(got):
        yield f"expected {len(expected)} stages, but got {len(got)}: {[row[0] for row in got]}"
    for want, have in zip(expected, got):
        if want != have:
            yield f"stage: expected {want}, but got {have}"


def main():
    incept, specs, counts = sys.argv[1:]
    with open(counts) as file:
        cases = json.load(file)["cases"]
    failures = 0
    for case in cases:
        name = " ".join([case["spec"]] + case.get("set", []))
        wrong = list(differences(case, summarize(incept, specs, case)))
        print(name, "differs:" if wrong else "as expected")
        for line in wrong:
            print("  " + line)
        failures += bool(wrong)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
