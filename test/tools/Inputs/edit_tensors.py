# SPDX-License-Identifier: Apache-2.0
"""Damages a file of torchvision_resnet50's weights in every way that `incept weights` has a message for.

usage: edit_tensors.py IN OUT
"""
import json
import struct
import sys


def main():
    source, target = sys.argv[1:]
    with open(source, "rb") as file:
        data = file.read()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + length])
    del header["fc.bias"]
    header["bn1.beta"] = header.pop("bn1.bias")
    header["conv1.weight"]["shape"] = [3, 64, 7, 7]
    end = len(data) - 8 - length
    header["bn1.weight"] = {"dtype": "F64", "shape": [64], "data_offsets": [end, end + 512]}
    header["fc.extra"] = {"dtype": "F32", "shape": [], "data_offsets": [end + 512, end + 516]}
    text = json.dumps(header).encode()
    with open(target, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data[8 + length:] + bytes(516))


if __name__ == "__main__":
    main()
