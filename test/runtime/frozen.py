# SPDX-License-Identifier: Apache-2.0
"""frozen.py BEFORE AFTER FROZEN ANEW: after a fine-tuning, parameters that match FROZEN are what they were, those that
match ANEW have another shape, and all others have changed. Running statistics may be either."""
import fnmatch
import json
import struct
import sys


def load(path):
    with open(path, "rb") as file:
        data = file.read()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + length])
    header.pop("__metadata__", None)
    return {name: (entry["shape"], data[8 + length + entry["data_offsets"][0]:8 + length + entry["data_offsets"][1]])
            for name, entry in header.items() if not name.startswith("ema/")}


before, after = load(sys.argv[1]), load(sys.argv[2])
assert before.keys() == after.keys()
kept = 0
for name, (shape, data) in before.items():
    if fnmatch.fnmatch(name, sys.argv[4]):
        assert after[name][0] != shape, name
    elif fnmatch.fnmatch(name, sys.argv[3]):
        assert after[name] == (shape, data), name
        kept += 1
    elif "running" not in name:
        assert after[name][1] != data, name
assert 0 < kept < len(before)
