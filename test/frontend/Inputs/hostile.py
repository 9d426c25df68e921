# SPDX-License-Identifier: Apache-2.0
"""Descriptions made to hurt: each is refused with a message at a place, or accepted, in under a second of processor time and
within bounded memory.

usage: hostile.py INCEPT DIRECTORY
"""
import json
import os
import pathlib
import re
import subprocess
import sys

incept, directory = sys.argv[1], pathlib.Path(sys.argv[2])
directory.mkdir(parents=True, exist_ok=True)
SECONDS, MEGABYTES = 1.0, 500
HEAD, TAIL = "network n(classes = 10) {\n  input 3 x 8 x 8\n", "  global_avg_pool -> linear classes\n}\n"


def network(body, before=""):
    return before + HEAD + body + TAIL


def layers(*ops, **keys):
    return json.dumps({"network": "n", "input": {"channels": 3, "height": 8, "width": 8},
                       "layers": [*ops, "global_avg_pool", {"linear": 10}], **keys})


def nested_concats(depth, inner):
    """`inner` in so many concats."""
    return "concat { {} \n" * depth + inner + "\n}" * depth


def tower(blocks, concats, inner="relu"):
    """Blocks that use each other, each use in nested concats; every concat doubles nothing but the number of channels."""
    text = "".join(f"block b{i} {{\n{nested_concats(concats, f'b{i + 1}')}\nconv 1x1, 3\n}}\n" for i in range(blocks))
    return text + f"block b{blocks} {{ {inner} }}\n"


# Name: (text, what is said of it; None where it is accepted).
CASES = {
    "large.incept": ("// " + "x" * (10 << 20), r"expected a file of at most 4 MB, but it has 10 MB"),
    "large.json": ('{"comment": "' + "x" * (10 << 20) + '"}', r"expected a file of at most 4 MB, but it has 10 MB"),
    "full.incept": (network("relu\n" * 800000), r"expected a file of at most 100000 ops"),
    "full.json": (layers(*["relu"] * 450000), r"expected a file of at most 100000 ops"),
    "chain.incept": (network(" -> ".join(["relu"] * 400000) + "\n"), r"expected a file of at most 100000 ops"),
    "conditions.incept": (network("if 1 {}\n" * 400000), r"expected a file of at most 100000 ops"),
    "less_full.incept": (network("relu\n" * 90000), r"expected a network of at most 20000 ops"),
    "full_of_mistakes.incept": (network("conv\n" * 800000), r"expected the kernel of 'conv'"),
    "full_of_names.incept": ("".join(f"block b{i} {{}}\n" for i in range(200000)), None),
    "braces.incept": (network("{" * 10000), r"expected braces nested at most 64 deep"),
    "closed_braces.incept": (network("{\n" * 10000 + "}\n" * 10000), r"expected braces nested at most 64 deep"),
    "concats.incept": (network(nested_concats(10000, "relu") + "\n"), r"expected braces nested at most 64 deep"),
    "brackets.json": ('{"network": "n", "layers": ' + '[{"sequence": ' * 10000, r"expected brackets nested at most 64 deep"),
    "ifs.incept": (network("if 1 {} " + "else if 1 {} " * 10000 + "\n"), r"expected at most 64 conditions in a row"),
    "parentheses.incept": (network("conv 3x3, " + "(" * 10000 + "\n"), r"expected parentheses nested at most 32 deep"),
    "itself.incept": (network("  a\n", "block a { a }\n"), r"block 'a' uses itself"),
    "itself_in_two.incept": (network("  a\n", "block a { b }\nblock b { 2 * a }\n"), r"uses itself"),
    "itself_by_parameter.incept": (network("  a(a)\n", "block a(f: block) { f(f) }\n"), r"block 'a' uses itself"),
    "itself.json": (layers({"block": "a"}, blocks={"a": [{"block": "a"}]}), r"block 'a' uses itself"),
    "repeats.incept": (network("  1099511627776 * relu\n"), r"expected repeat of 0 to 1000, but got 1099511627776"),
    "repeats.json": (layers({"relu": True, "repeat": 1 << 40}), r"expected repeat of 0 to 1000, but got 1099511627776"),
    "repeats_of_repeats.incept": (network("1000 * { " * 8 + "relu" + " }" * 8 + "\n"),
                                  r"expected a network of at most 20000 ops"),
    "loops.incept": (network("".join(f"for a{i} in 1..20000 {{\n" for i in range(8)) + "relu\n" + "}\n" * 8),
                     r"expected a network of at most 20000 ops"),
    "empty_loops.incept": (network("".join(f"for a{i} in 1..20000 {{\n" for i in range(8)) + "}\n" * 8),
                           r"expected a network of at most 20000 ops"),
    "ranges.incept": (network("for a in 1..1099511627776 {\nrelu\n}\n"), r"expected (a range|at most)"),
    "doubling.incept": (network("  b0\n", "".join(f"block b{i} {{ b{i + 1}; b{i + 1} }}\n" for i in range(60)) +
                                "block b60 { relu }\n"), r"expected a network of at most 20000 ops"),
    "doubling_nothing.incept": (network("  b0\n", "".join(f"block b{i} {{ b{i + 1}; b{i + 1} }}\n" for i in range(60)) +
                                        "block b60 {}\n"), r"expected a network of at most 20000 ops"),
    "too_deep.incept": (network("  b0\n", "".join(f"block b{i} {{ b{i + 1} }}\n" for i in range(100)) + "block b100 {}\n"),
                        r"expected blocks nested at most 64 deep"),
    "too_deep_unused.incept": (network("  relu\n", "".join(f"block b{i} {{ b{i + 1} }}\n" for i in range(100)) +
                                       "block b100 { relu }\n"), r"expected blocks nested at most 64 deep"),
    # 62 blocks, each in 61 concats: what stands on the stack at once is the product.
    "tower.incept": (network("  b0\n", tower(62, 61)), None),
    "broken_tower.incept": (network("  b0\n", tower(60, 60, "conv 9x9, 8, valid")), r"expected the vertical window of 9"),
    "numbers.incept": (network("conv 3x3, " + "9" * 100000 + "\n"), r"expected"),
    "huge.incept": (network("conv 1x1, 2147483647\nconv 1x1, 2147483647\n"), r"expected at most 2\^40 elements"),
    "nothing.incept": ("\0" * 100000, r"expected import, defaults, table, block or network"),
    "noise.incept": (bytes(range(128, 256)) * 2000, r"expected a text in UTF-8"),
    "comments.incept": (network("// x\n" * 500000), None),
    "trailing.incept": (network("relu // " + "y" * 1000000 + "\n"), None),
    "label.incept": (network("a" * 1000000 + ": relu\n"), r"expected a name of at most 64 letters"),
}
failures = 0
for name, (text, expected) in CASES.items():
    path = directory / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    for attempt in range(3):  # a machine that others share is slow at times
        process = subprocess.Popen([incept, "check", name], cwd=directory, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        errors = process.stderr.read(1 << 20).decode(errors="replace")
        process.stderr.close()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds, megabytes = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
        if seconds <= SECONDS:
            break
    problems = []
    if process.returncode != (0 if expected is None else 1):
        problems.append(f"exit status {process.returncode}")
    if expected and not re.search(re.escape(name) + r":\d+:\d+: error: .*" + expected, errors):
        problems.append(f"expected '{expected}'")
    if errors.count("\n") > 2000 or len(errors) > 1 << 17:
        problems.append(f"{len(errors)} bytes of messages")
    if seconds > SECONDS:
        problems.append(f"{seconds:.2f} s")
    if megabytes > MEGABYTES:
        problems.append(f"{megabytes:.0f} MB")
    print(f"{name}: {seconds:.2f} s, {megabytes:.0f} MB{', ' + '; '.join(problems) if problems else ''}")
    if problems:
        failures += 1
        print(errors[:1500])
    path.unlink()
print(f"{len(CASES)} files, {failures} problems")
sys.exit(failures != 0)
