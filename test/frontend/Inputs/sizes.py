# SPDX-License-Identifier: Apache-2.0
"""Descriptions that are as large as they may be, and those that have one thing more: the former are accepted, of the latter
one message says so, at its place. All files of a kind are checked by one process.

usage: sizes.py INCEPT DIRECTORY
"""
import json
import os
import subprocess
import sys

incept, directory = sys.argv[1:3]
os.makedirs(directory, exist_ok=True)
HEAD, TAIL = "network n {\n  input 3 x 8 x 8\n", "  global_avg_pool -> linear 10\n}\n"


def network(body, before=""):
    return before + HEAD + body + TAIL


def layers(*ops, **keys):
    return json.dumps({"network": "n", "input": {"channels": 3, "height": 8, "width": 8},
                       "layers": [*ops, "global_avg_pool", {"linear": 10}], **keys})


def chain(count):
    """Blocks that use each other, the first of them used by the network."""
    return "".join(f"block b{i} {{ b{i + 1} }}\n" for i in range(count - 1)) + f"block b{count - 1} {{ relu }}\n"


def parameters(count):
    names = [f"p{i}" for i in range(count)]
    return f"block b({', '.join(names)}) {{\n" + "".join(f"assert {name} >= 0\n" for name in names) + "}\n"


# Name: (the most, what has so many of them, LINE:COLUMN of the message, the message where there is one more).
CASES = {
    "parameters.incept": (64, lambda n: parameters(n) + network("b(" + ", ".join(f"p{i} = 1" for i in range(64)) + ")\n"),
                          "1:319", "expected at most 64 parameters"),
    "arguments.incept": (64, lambda n: parameters(64) + network("b(" + ", ".join(["1"] * n) + ")\n"), "69:195",
                         "expected at most 64 arguments"),
    "names.incept": (500, lambda n: network("".join(f"let n{i} = {i}\n" for i in range(n))), "503:5",
                     "expected at most 500 names in a body"),
    "values.incept": (500, lambda n: network("".join(f"relu as n{i}\n" for i in range(n))), "503:9",
                      "expected at most 500 names in a body"),
    "columns.incept": (64, lambda n: f"table t {{\n{' '.join(f'c{i}' for i in range(n))}\n{'1 ' * 64}\n}}\n", "2:247",
                       "expected the end of the statement, but got 'c64'"),
    "columns.json": (64, lambda n: json.dumps({"tables": {"t": [{f"c{i}": 1 for i in range(n)}]}}), "1:650",
                     "expected at most 64 columns in table 't'"),
    "rows.incept": (2000, lambda n: "table t {\na\n" + "1\n" * n + "}\n", "2003:1", "expected a table of at most 2000 rows"),
    "rows.json": (2000, lambda n: json.dumps({"tables": {"t": [{"a": 1}] * n}}), "1:20019",
                  "expected a table of at most 2000 rows"),
    "items.json": (256, lambda n: layers({"for": "i", "in": [1] * n, "layers": ["relu"]}), "1:99",
                   "expected a list of at most 256 items"),
    "range.incept": (20000, lambda n: network(f"let r = 1..{n}\nassert len(r) == {n}\n"), "3:9",
                     "expected a range of at most 20000 numbers"),
    "list.incept": (20000, lambda n: network(f"let r = 1..{n - 1}\nlet s = [r]\n"), "4:9",
                    "expected lists of at most 20000 items altogether"),
    "chain.incept": (64, lambda n: chain(n) + network("b0\n"), "64:13", "expected blocks nested at most 64 deep"),
    "by_parameter.incept": (64, lambda n: chain(n - 1) + "block start(first: block) { first }\n" +
                            network("start(b0)\n"), "63:13",
                            "expected blocks nested at most 64 deep"),
    "braces.incept": (64, lambda n: network("{ " * n + "relu" + " }" * n + "\n"), "3:129",
                      "expected braces nested at most 64 deep"),
    "conditions.incept": (64, lambda n: network("if 0 {}" + " else if 0 {}" * (n - 1) + "\n"), "3:833",
                          "expected at most 64 conditions in a row"),
    "ops.incept": (20000, lambda n: network("1000 * identity\n" * 19 + f"{n - 19002} * identity\n"), "23:22",
                   "expected a network of at most 20000 ops"),
    "name.incept": (64, lambda n: network(f"relu as {'n' * n}\n"), "3:9",
                    "expected a name of at most 64 letters, but got one of 65"),
    "name.json": (64, lambda n: layers({"relu": True, "as": "n" * n}), "1:102",
                  "expected a value's name of letters, digits and '_', but got '" + "n" * 65 + "'"),
    "label.incept": (64, lambda n: network(f"{'n' * (n - 3)}.ab: relu\n"), "3:1",
                     "expected a label of letters, digits and '_', but got '" + "n" * 62 + ".ab'"),
    "label.json": (64, lambda n: layers({"relu": True, "label": "n" * n}), "1:105",
                   "expected a label of letters, digits and '_', but got '" + "n" * 65 + "'"),
}


def write(more):
    names = []
    for name, (most, text, *_) in CASES.items():
        names.append(("more_" if more else "") + name)
        with open(os.path.join(directory, names[-1]), "w") as file:
            file.write(text(most + more))
    done = subprocess.run([incept, "check", "--diagnostics=json", *names], cwd=directory, capture_output=True, text=True)
    found = {name: [] for name in names}
    for line in done.stderr.splitlines():
        report = json.loads(line)
        if report["severity"] == "error":
            found[report["file"]].append(f"{report['line']}:{report['column']} {report['message']}")
    return found


failures = []
for name, messages in write(0).items():
    if messages:
        failures.append(f"{name}: {messages}")
for name, messages in write(1).items():
    _, _, place, message = CASES[name.removeprefix("more_")]
    if messages[:1] != [f"{place} {message}"]:
        failures.append(f"{name}: {messages[:3]}, expected {place} {message}")
print("\n".join(failures) or f"{len(CASES)} limits")
sys.exit(bool(failures))
