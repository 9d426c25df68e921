# SPDX-License-Identifier: Apache-2.0
"""Launches and bytes of training steps do not grow: steps.py SPECS RECORDS PLANS [--all] [--write].

RECORDS has a line for each network, target and precision: batch, launches, megabytes that a step moves. Without --all only
those that are `quick`. PLANS is a folder for cuDNN plans, so that none of another version counts. A number that became
smaller is an error too, until the record is: --write writes what is."""
import json
import os
import subprocess
import sys

specs, records, plans, *options = sys.argv[1:]
with open(records) as file:
    rows = json.load(file)
failures = []


def step_of(row):
    path = os.path.join(specs, row["network"] + ".incept")
    done = subprocess.run(["incept", "summary", path, "--target=" + row["target"], f"--batch-size={row['batch']}",
                           "--precision=" + row["precision"], "--plan-cache=" + plans, "--json"], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(done.stderr)
    return json.loads(done.stdout)["step"]


for row in rows:
    if not row["quick"] and "--all" not in options:
        continue
    step, name = step_of(row), f"{row['network']} for {row['target']} in {row['precision']}"
    unfused, least = step["unfused"], step["lower_bound"]
    print(f"{name}, batch {row['batch']}: {step['count']} launches, {1e-6 * step['bytes']:.1f} MB, "
          f"{1e3 * step['seconds']:.3f} ms by costs; unfused {unfused['count']}, {1e-6 * unfused['bytes']:.1f}, "
          f"{1e3 * unfused['seconds']:.3f}; at least {1e-6 * least['bytes']:.1f} MB")
    if not (least["bytes"] <= step["bytes"] <= unfused["bytes"] and step["count"] <= unfused["count"]
            and step["roofline_seconds"] <= step["seconds"] <= unfused["seconds"]
            and least["roofline_seconds"] <= step["roofline_seconds"]):
        failures.append(f"{name}: {step}")
    if "--write" in options:
        row["launches"], row["megabytes"] = step["count"], round(1e-6 * step["bytes"], 1)
        with open(records, "w") as file:
            file.write("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n")
        continue
    for what, got, most, least_change in (("launches", step["count"], row["launches"], 1),
                                          ("MB", 1e-6 * step["bytes"], row["megabytes"], 0.1)):
        if got > most + 0.06 * (what == "MB"):
            failures.append(f"{name}: {got:.1f} {what}, but it had {most}")
        elif got <= most - least_change:
            failures.append(f"{name}: only {got:.1f} {what}, not {most}: lower the record (steps.py --write)")
for failure in failures:
    print("FAILED", failure)
sys.exit(1 if failures else 0)
