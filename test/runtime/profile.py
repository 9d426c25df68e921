# SPDX-License-Identifier: Apache-2.0
"""Checks the JSON of a training program's `bench --profile --bound --json`, on standard input."""
import json
import sys

result = json.load(sys.stdin)
profile = result["profile"]
launches = profile["launches"]
assert profile["peak_flops_per_second"] > 1e9 and profile["peak_bytes_per_second"] > 1e8, profile
assert 0 < result["convolutions_ms"] < 5 * result["step_ms"], result["convolutions_ms"]

for key in "ms", "bound_ms", "flops", "bytes":
    total = profile["total"][key]
    for table in "kinds", "blocks", "launches":
        assert abs(sum(row[key] for row in profile[table]) - total) <= 1e-9 * total, (table, key)

# Three matrix products of the classifier and the gradients of each convolution, all with work to do.
convolutions = {kind: [row for row in launches if row["kind"].startswith("convolution_" + kind)]
                for kind in ("forward", "backward_data", "backward_weights")}
assert len(convolutions["forward"]) == len(convolutions["backward_weights"]) > len(convolutions["backward_data"]) > 0
assert sum(row["kind"].startswith("matmul") for row in launches) == 3
flops = {row["op"]: row["flops"] for row in convolutions["forward"]}
for row in convolutions["backward_data"] + convolutions["backward_weights"]:
    assert row["flops"] == flops[row["op"]] > 0, row
assert all(row["bytes"] > 0 and row["loc"] for row in launches if row["entry"] == "forward_backward")
