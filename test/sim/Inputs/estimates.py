# SPDX-License-Identifier: Apache-2.0
"""The compiler's estimates of bytes against what kernels touched in the simulator: estimates.py REPORT.json FAMILY...
Families must be there, and each agrees within 2 %, with 16 bytes a launch for what belongs to the module: counts of
blocks, and the losses that they add."""
import json
import sys
from collections import defaultdict

estimated, counted, allowed = defaultdict(int), defaultdict(int), defaultdict(int)
with open(sys.argv[1]) as file:
    for launch in json.load(file)["launches"]:
        if "kernel" in launch:
            estimated[launch["family"]] += launch["estimated_bytes"]
            allowed[launch["family"]] += 16
            counted[launch["family"]] += launch["distinct_bytes_read"] + launch["distinct_bytes_written"]
bad = [family for family in sys.argv[2:] if family not in counted]
for family in sorted(counted):
    ratio = estimated[family] / counted[family]
    print(f"{family}: {counted[family]} bytes, estimated {estimated[family]}, ratio {ratio:.3f}")
    if not 0.98 * counted[family] - allowed[family] <= estimated[family] <= 1.02 * counted[family]:
        bad.append(family)
if bad:
    print("FAILED", *bad)
sys.exit(1 if bad else 0)
