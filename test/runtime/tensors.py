# SPDX-License-Identifier: Apache-2.0
"""Safetensors without numpy, which the first python3 of a machine need not have."""
import array
import json
import struct

CODES = {"F32": "f", "I64": "q"}


def load(path):
    """(type, shape, array) of the tensors of these types, by name."""
    with open(path, "rb") as file:
        data = file.read()
    (length,) = struct.unpack_from("<Q", data)
    result = {}
    for name, entry in json.loads(data[8:8 + length]).items():
        if entry.get("dtype") in CODES:
            begin, end = (8 + length + offset for offset in entry["data_offsets"])
            result[name] = (entry["dtype"], entry["shape"], array.array(CODES[entry["dtype"]], data[begin:end]))
    return result


def save(path, tensors):
    """Writes the same."""
    header, parts, end = {}, [], 0
    for name, (kind, shape, values) in tensors.items():
        parts.append(values.tobytes())
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [end, end + len(parts[-1])]}
        end += len(parts[-1])
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.writelines(parts)
