# SPDX-License-Identifier: Apache-2.0
"""Reads what `incept tune --verbose` prints: what is measured, in which order, and whether anything took a time at all."""
import re
import sys

# Window, channels and size of an image, and whether the window moves on by 2: then there is one size of tiles.
SHAPES = [("3x3", "32->64", 73, 1), ("3x3", "96->96", 35, 1), ("3x3", "192->224", 17, 1), ("3x3", "384->384", 8, 1),
          ("1x7", "64->64", 73, 1), ("1x7", "192->224", 17, 1), ("7x1", "224->256", 17, 1), ("1x3", "384->256", 8, 1),
          ("3x1", "448->512", 8, 1), ("3x3", "64->96", 147, 2)]
expected = []
for window, channels, size, stride in SHAPES:
    for kind in ("forward", "gradient of data", "of weights"):
        name = f"{kind} {window} {channels} {size}x{size}"
        expected.append(f"{name}, direct")
        for places in (2, 4, 6) if stride == 1 else (2,):
            tiles = f"{name}, tiles " + re.sub("[2-9]", str(places), window)
            # The transform of weights is a sample of its own; a gradient of weights has none.
            expected += [tiles] if kind == "of weights" else [f"{tiles}, weights", tiles]
lines = [line for line in sys.stdin if "by the costs" in line]
names = [line.split("us  ", 1)[1].rstrip("\n") for line in lines]
for got, want in zip(names, expected):
    if got != want:
        sys.exit(f"expected '{want}', but got '{got}'")
if len(names) != len(expected):
    sys.exit(f"expected {len(expected)} samples, but got {len(names)}")
# The quickest writes 2,048 transformed windows of 16 points: not within half a microsecond.
for line in lines:
    if int(line.split()[0]) < 1:
        sys.exit("took no time: " + line)
print(f"{len(names)} samples")
