# SPDX-License-Identifier: Apache-2.0
"""What allocations of training steps may be, from the output of incept-count-allocations."""
import json
import sys

with open(sys.argv[1]) as file:
    counts = json.load(file)
mistakes = []
if not counts["control"]:
    mistakes.append("the count does not see an allocation")
others = {name: count for name, count in counts["allocations"].items() if not name.startswith("libdnnl")}
if others:
    mistakes.append(f"allocated by others than oneDNN: {others}")
per_launch = sum(counts["allocations"].values()) / counts["steps"] / counts["library_launches"]
if per_launch > 12:
    mistakes.append(f"oneDNN allocates {per_launch:.1f} times a launch, expected at most 12")
if counts["largest_bytes"] > 1 << 20:
    mistakes.append(f"an allocation has {counts['largest_bytes']} bytes, expected at most 1 MiB")
# Threads keep freed pieces for themselves up to some KB; a piece lost per launch would be more.
if counts["growth_bytes"] > 16 * counts["steps"] * counts["library_launches"]:
    mistakes.append(f"memory in use grew by {counts['growth_bytes']} bytes")
print("\n".join(mistakes))
sys.exit(1 if mistakes else 0)
