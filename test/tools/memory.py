# SPDX-License-Identifier: Apache-2.0
"""The arena of every network at its full size against the most bytes that are alive at once (at most LIMIT more)."""
import json
import subprocess
import sys

incept, specs, *limit = sys.argv[1:]
limit = float(limit[0]) if limit else 0.03
failures = 0
for name in ["inception_v3", "inception_v4", "inception_resnet_v1", "inception_resnet_v2", "inception_resnet_v2_timm", "resnet50"]:
    text = subprocess.run([incept, "summary", f"{specs}/{name}.incept", "--batch-size=8", "--memory", "--json"],
                          check=True, capture_output=True, text=True).stdout
    summary = json.loads(text)
    memory = summary["memory"]
    bound = memory["lower_bound_bytes"] - memory["persistent_bytes"]
    excess = memory["arena_bytes"] / bound - 1
    training = next(peak for peak in summary["peaks"] if peak["function"] == "forward_backward")
    alive = sum(entry["bytes"] for entry in training["alive"])
    at = training["group"]
    print(f"{name}: arena {memory['arena_bytes']}, bound {bound}: {100 * excess:.2f} % more")
    failures += not 0 <= excess <= limit or alive != bound
    failures += not all(entry["first"] <= at <= entry["last"] for entry in training["alive"])
sys.exit(failures > 0)
