# SPDX-License-Identifier: Apache-2.0
"""Prints modules with what the verifier of a phase has to say of them, by a model that goes through the bytes one by one.

memory_cases.py planned: three values at all multiples of 64 in an arena of 384 bytes
memory_cases.py exec: slices of all places and sizes in a region of three variables
memory_cases.py places: a variable at all places of a region beside another one"""
import itertools
import sys

SIZES = {"a": 128, "b": 64, "c": 192}
LIFETIMES = {"a": (0, 2), "b": (1, 4), "c": (3, 5)}  # first and last group
ARENA = 384


def bytes_of(offset, size):
    return set(range(offset, offset + size))


def refusal(offsets):
    """The value that is refused, what is said, and the value that a note is about."""
    for name, offset in offsets.items():
        if offset + SIZES[name] > ARENA:
            return name, (f"expected a result of {SIZES[name]} bytes at a multiple of 64 inside the arena of {ARENA} bytes, but got "
                          f"offset {offset}"), None
    for name, other in (("b", "a"), ("c", "b"), ("c", "a")):
        together = LIFETIMES[name][0] <= LIFETIMES[other][1]
        if together and bytes_of(offsets[name], SIZES[name]) & bytes_of(offsets[other], SIZES[other]):
            return name, (f"expected a result at {offsets[name]} apart from what is needed at the same time, but a result of "
                          f"{SIZES[other]} bytes lies at {offsets[other]}"), other
    return None, None, None


def planned():
    layout = "#incept.layout<dense>"
    types = {name: f"tensor<{size // 4}xf32, {layout}>" for name, size in SIZES.items()}
    for places in itertools.product(range(0, ARENA + 64, 64), repeat=3):
        offsets = dict(zip(SIZES, places))
        name, message, other = refusal(offsets)
        yield "module attributes {incept.target = #incept.target<fake>} {"
        for value, type_ in types.items():
            yield f"incept.variable @{value} kind state : {type_}"
        yield f"func.func @f() attributes {{incept.entry = #incept.entry<infer>, incept.arena_bytes = {ARENA} : i64}} {{"
        for value, type_ in types.items():
            yield f"%x{value} = incept.read @{value} : {type_}"
        # In time: a is made, then b, a is used, c is made, b is used, c is used.
        for result, source in (("a", "xa"), ("b", "xb"), ("na", "a"), ("c", "xc"), ("nb", "b"), ("nc", "c")):
            type_ = types[result[-1]]
            if result == name:
                yield f"// expected-error @+1 {{{{{message}}}}}"
            if result == other:
                yield "// expected-note @+1 {{which is this op's}}"
            yield (f"%{result} = incept.group kernel(%{source}) attributes {{offsets = array<i64: {offsets.get(result, -1)}>}} : "
                   f"({type_}) -> {type_} {{")
            yield f"^bb0(%i: {type_}):"
            yield f"%y = incept.scale %i by 2.0 : ({type_}) -> {type_}"
            yield f"incept.yield %y : {type_}"
            yield "}"
        for value, type_ in types.items():
            yield f"incept.write @{value}, %n{value} : {type_}"
        yield "return"
        yield "}\n}\n// -----"


# From 80 to 144 there is as much as two cannot be apart; the other region's variable is nobody's business.
VARIABLES = {"v": (0, 16), "w": (64, 16), "z": (144, 16)}


def reached(begin, end):
    """How far variables go from `begin` on, less than 64 bytes apart from it and from each other."""
    at = begin
    while at < end:
        inside = [offset + size for offset, size in VARIABLES.values() if offset <= at < offset + size]
        next_ones = [offset for offset, _ in VARIABLES.values() if at < offset < at + 64]
        if not inside and not next_ones:
            return at
        at = inside[0] if inside else min(next_ones)
    return at


def executable():
    for begin, count in itertools.product(range(0, 172, 4), (1, 2, 4, 5, 16, 17, 20, 21)):
        end = begin + 4 * count
        if end > 192:
            continue
        far = reached(begin, end)
        yield "module attributes {incept.target = #incept.target<fake>} {"
        yield "incept.exec.region @other 192\nincept.exec.region @params 192"
        yield "incept.variable @o kind state {region = @other, offset = 16 : i64, bytes = 64 : i64} : tensor<16xi32>"
        for name, (offset, size) in VARIABLES.items():
            yield (f"incept.variable @{name} kind parameter {{region = @params, offset = {offset} : i64, bytes = {size} : i64}} : "
                   "tensor<4xf32>")
        yield "func.func @f() attributes {incept.entry = #incept.entry<update>} {"
        if far < end:
            # Where a slice ends in the gap behind a variable, there is nothing from the variable's end on.
            yield (f"// expected-error @+1 {{{{expected variables at bytes {begin} to {end} of region 'params', but there are none from "
                   f"{last(begin, end)} on}}}}")
        yield f"%0 = incept.exec.slice @params at {begin} : memref<{count}xf32>\nreturn\n}}\n}}\n// -----"


def last(begin, end):
    """The end of the last variable on the way."""
    far = reached(begin, end)
    ends = [offset + size for offset, size in VARIABLES.values() if begin < offset + size <= far]
    return max(ends, default=begin)


def places():
    size, other = 64, (24, 16)
    for offset, count in itertools.product(range(0, 68, 2), (12, 16, 20)):
        yield "module attributes {incept.target = #incept.target<fake>} {"
        yield f"incept.exec.region @other {size}\nincept.exec.region @params {size}"
        yield "incept.variable @o kind state {region = @other, offset = 0 : i64, bytes = 64 : i64} : tensor<16xf32>"
        fits = count >= 16 and offset % 4 == 0 and offset + count <= size
        overlaps = fits and bytes_of(offset, count) & bytes_of(*other)
        # Of two the one that begins later is refused, of two that begin at one place the second.
        is_first = offset < other[0]
        if overlaps:
            yield "// expected-error @+1 {{expected bytes of its own, but 'v' has %d at %d}}" % (count, offset) if is_first \
                else "// expected-note @+1 {{defined here}}"
        yield (f"incept.variable @k kind parameter {{region = @params, offset = {other[0]} : i64, bytes = {other[1]} : i64}} : "
               "tensor<4xf32>")
        if not fits:
            yield ("// expected-error @+1 {{expected 16 bytes or more at a multiple of 4 inside region 'params' of 64 bytes, but got "
                   f"{count} at {offset}}}}}")
        if overlaps:
            yield "// expected-note @+1 {{defined here}}" if is_first else \
                "// expected-error @+1 {{expected bytes of its own, but 'k' has 16 at 24}}"
        yield (f"incept.variable @v kind parameter {{region = @params, offset = {offset} : i64, bytes = {count} : i64}} : "
               "tensor<4xf32>\n}\n// -----")


if __name__ == "__main__":
    print("\n".join({"planned": planned, "exec": executable, "places": places}[sys.argv[1]]()).removesuffix("// -----"))
