# SPDX-License-Identifier: Apache-2.0
"""Fails where machine code has fewer vector loads in flight than a kernel was designed for.

Usage: check_loads.py USAGE DISASSEMBLY

USAGE is what `incept-translate --incept-to-usage` prints, DISASSEMBLY what `nvdisasm -c` does. Loads are counted in
straight code, up to the first instruction that touches a register of one of them.
"""
import re
import sys

FUNCTION = re.compile(r"^\.text\.(\S+):")
INSTRUCTION = re.compile(r"^\s+/\*[0-9a-f]+\*/\s+(?:@!?U?P\d\s+)?([A-Z0-9_.]+)\s*(.*?)\s*;")
REGISTER = re.compile(r"\bR(\d+)\b(\.64)?")
LEAVES = ("BRA", "EXIT", "BAR", "RET", "CALL", "WARPSYNC", "BRX")


def loads_in_flight(lines):
    """{kernel: the most vector loads that are issued before one is used}."""
    most, kernel, waiting, count = {}, None, set(), 0
    for line in lines:
        if found := FUNCTION.match(line):
            kernel = found.group(1)
            most[kernel], waiting, count = 0, set(), 0
        elif line.startswith(".L"):
            waiting, count = set(), 0
        elif kernel and (found := INSTRUCTION.match(line)):
            name, operands = found.groups()
            registers = set()
            for number, pair in REGISTER.findall(operands):
                registers |= {int(number), int(number) + 1} if pair else {int(number)}
            if name.startswith(LEAVES) or registers & waiting:
                waiting, count = set(), 0
            width = 4 if ".128" in name else 2 if ".64" in name else 0
            if name.startswith("LDG.") and width:
                first = int(REGISTER.match(operands).group(1))
                waiting |= set(range(first, first + width))
                count += 1
                most[kernel] = max(most[kernel], count)
    return most


def main():
    with open(sys.argv[1], encoding="utf-8") as usage, open(sys.argv[2], encoding="utf-8") as code:
        rows = [line.split() for line in usage]
        most = loads_in_flight(code)
    designed = {row[0]: int(row[row.index("loads") + 1]) for row in rows}
    bad = 0
    for kernel, loads in designed.items():
        got = most[kernel]
        bad += got < loads
        print(f"{kernel}: {got} loads in flight, designed {loads}{' <- too few' if got < loads else ''}")
    print(f"{len(designed)} kernels, {bad} with too few loads")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
