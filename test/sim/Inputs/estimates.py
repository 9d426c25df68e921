# SPDX-License-Identifier: Apache-2.0
"""The compiler's estimates of bytes against what kernels touched in the simulator: estimates.py REPORT.json FAMILY...
Families must be there, alone or in launches of two kernels, and each agrees within 2 %, as does each such pair, with 16
bytes a launch for what belongs to the module: counts of blocks, and the losses that they add."""
import json
import sys
from collections import defaultdict

estimated, counted, allowed = defaultdict(int), defaultdict(int), defaultdict(int)
with open(sys.argv[1]) as file:
    for launch in json.load(file)["launches"]:
        if "kernel" in launch:
            what = launch["kernel"] if launch["family"] == "mixed" else launch["family"]
            estimated[what] += launch["estimated_bytes"]
            allowed[what] += 16
            counted[what] += launch["distinct_bytes_read"] + launch["distinct_bytes_written"]
pairs = [what for what in counted if "__" in what]
bad = [family for family in sys.argv[2:]
       if family not in counted and not any(f"_{family}_v" in pair for pair in pairs)]
for family in sorted(counted):
    ratio = estimated[family] / counted[family]
    print(f"{family}: {counted[family]} bytes, estimated {estimated[family]}, ratio {ratio:.3f}")
    if not 0.98 * counted[family] - allowed[family] <= estimated[family] <= 1.02 * counted[family]:
        bad.append(family)
if bad:
    print("FAILED", *bad)
sys.exit(1 if bad else 0)
