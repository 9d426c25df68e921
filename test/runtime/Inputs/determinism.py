# SPDX-License-Identifier: Apache-2.0
"""Trains programs that differ in their number of threads and compares their weights bit by bit: usage determinism.py
DIRECTORY."""
import json
import os
import struct
import subprocess
import sys

directory = sys.argv[1]
ENVIRONMENT = {**os.environ, "OMP_WAIT_POLICY": "passive"}


def weights(program, run="a"):
    path = os.path.join(directory, program + "." + run)
    subprocess.run([os.path.join(directory, program), "train", "--data=synthetic:", "--seed=5", "--steps=3",
                    "--save=" + path], check=True, env=ENVIRONMENT, capture_output=True)
    with open(path, "rb") as file:
        data = file.read()
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8:8 + length])
    return {name: data[8 + length + entry["data_offsets"][0]:8 + length + entry["data_offsets"][1]]
            for name, entry in header.items() if name != "__metadata__"}


def differing(a, b):
    assert a.keys() == b.keys()
    return sorted(name for name in a if a[name] != b[name])


one, two, same2, same3 = map(weights, ("one", "two", "same2", "same3"))
assert not differing(two, weights("two", "b")), "two runs of one program differ"
print(len(differing(one, two)), "of", len(one), "tensors differ between one and two threads:", differing(one, two)[:5])
assert not differing(one, same2), differing(one, same2)
assert not differing(one, same3), differing(one, same3)
