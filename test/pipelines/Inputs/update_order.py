# SPDX-License-Identifier: Apache-2.0
"""The order of launches of a training step, by their bytes alone: no launch reads what an earlier one of the same step
has updated, nothing is updated twice, and every parameter is updated. The interpreter cannot see the first, since it
writes variables when the step is over. Usage: update_order.py EXEC.mlir..."""
import re
import sys

SIZES = {"f32": 4, "bf16": 2, "f16": 2, "i64": 8, "ui8": 1, "i8": 1}
SLICE = re.compile(r"(%\w+) = incept\.exec\.slice @(\w+) at (\d+) : memref<([^<>]*?)(?:, strided<\[([\d, ]*)\](?:, offset: \d+)?>)?>")
LAUNCH = re.compile(r"incept\.exec\.(?:kernel|library) @(\S+)")
OPERANDS = re.compile(r"(ins|outs|scratchpad)\(([^:)]*)")
REGION = re.compile(r"incept\.exec\.region @(\w+) (\d+)")
# What a step may write and read again: everything else lasts.
SHORT_LIVED = {"arena", "io", "step", "grads"}


def extent(text, strides):
    *dims, element = text.split("x")
    dims = [int(dim) for dim in dims]
    strides = [int(stride) for stride in strides.split(",")] if strides else None
    if strides is None:
        strides, step = [], 1
        for dim in reversed(dims):
            strides.insert(0, step)
            step *= dim
    return (1 + sum((dim - 1) * stride for dim, stride in zip(dims, strides))) * SIZES[element]


def check(path):
    functions, regions, slices, order = {}, {}, {}, []
    with open(path, encoding="utf-8") as file:
        for line in file:
            if function := re.match(r" *func\.func @(\w+)", line):
                order = functions.setdefault(function.group(1), [])
                slices = {}
            if region := REGION.search(line):
                regions[region.group(1)] = int(region.group(2))
            if place := SLICE.search(line):
                name, region, begin, shape, strides = place.groups()
                slices[name] = (region, int(begin), int(begin) + extent(shape, strides))
            elif launch := LAUNCH.search(line):
                parts = {kind: [slices[name.strip()] for name in names.split(",") if name.strip()]
                         for kind, names in OPERANDS.findall(line)}
                order.append((launch.group(1), parts.get("ins", []), parts.get("outs", [])))
    updated = []  # (region, begin, end, launch)
    launches = functions["forward_backward"] + functions["update"]
    overlap = lambda place, other: place[0] == other[0] and place[1] < other[2] and other[1] < place[2]
    for name, reads, writes in launches:
        for place in reads:
            for other in updated:
                if overlap(place, other):
                    sys.exit(f"{path}: {name} reads {place} after {other[3]} has updated it")
        for place in writes:
            if place[0] in SHORT_LIVED:
                continue
            for other in updated:
                if overlap(place, other):
                    sys.exit(f"{path}: {name} writes {place}, which {other[3]} has written")
            updated.append((*place, name))
    # Parameters begin at multiples of 64 bytes.
    covered = sum((end - begin + 63) // 64 * 64 for region, begin, end, _ in updated if region == "params")
    if covered < regions["params"] * 0.999 or len(updated) < 10:
        sys.exit(f"{path}: of {regions['params']} bytes of parameters {covered} are updated")
    return len(launches), len(updated)


for path in sys.argv[1:]:
    print(path, *check(path))
