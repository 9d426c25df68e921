# SPDX-License-Identifier: Apache-2.0
"""shorten_idx.py FROM TO COUNT: MNIST-style files with the first COUNT images, for quick tests."""
import gzip
import os
import struct
import sys

source, target, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
os.makedirs(target)
for name in os.listdir(source):
    if not name.endswith("ubyte.gz"):
        continue
    with gzip.open(os.path.join(source, name)) as file:
        data = file.read()
    rank = data[3]
    sizes = struct.unpack_from(f">{rank}I", data, 4)
    row = 1
    for size in sizes[1:]:
        row *= size
    head = data[:4] + struct.pack(f">{rank}I", min(count, sizes[0]), *sizes[1:])
    begin = 4 + 4 * rank
    with open(os.path.join(target, name[:-3]), "wb") as file:
        file.write(head + data[begin:begin + count * row])
