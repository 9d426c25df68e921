# SPDX-License-Identifier: Apache-2.0
"""Fails unless two safetensors files have the same tensors in the same order, byte for byte; metadata may differ.

usage: same_tensors.py FIRST SECOND
"""

import json
import struct
import sys


def read(path):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        header.pop("__metadata__", None)
        return list(header.items()), file.read()


if read(sys.argv[1]) != read(sys.argv[2]):
    sys.exit(f"{sys.argv[1]} and {sys.argv[2]} differ")
