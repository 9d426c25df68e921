# SPDX-License-Identifier: Apache-2.0
"""Safetensors with numpy alone: what the tests need of the format."""
import json
import struct

import numpy as np

TYPES = {"F32": np.float32, "F64": np.float64, "I64": np.int64, "U8": np.uint8}
NAMES = {np.dtype(value): key for key, value in TYPES.items()}


def load(path):
    """Tensors by name, in the order of the header."""
    with open(path, "rb") as file:
        data = file.read()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + length])
    header.pop("__metadata__", None)
    result = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        result[name] = np.frombuffer(data[8 + length + begin:8 + length + end],
                                     TYPES[entry["dtype"]]).reshape(entry["shape"])
    return result


def save(path, tensors):
    header, chunks, offset = {}, [], 0
    for name, array in tensors.items():
        array = np.asarray(array, order="C")  # ascontiguousarray would make a scalar a vector
        chunk = array.tobytes()
        header[name] = {"dtype": NAMES[array.dtype], "shape": list(array.shape),
                        "data_offsets": [offset, offset + len(chunk)]}
        chunks.append(chunk)
        offset += len(chunk)
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(chunks))
