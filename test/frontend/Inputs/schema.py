# SPDX-License-Identifier: Apache-2.0
"""Checks `incept schema` with python3-jsonschema: it accepts every network of specs/ and every example of docs/Spec.md as JSON,
and of the broken descriptions it refuses those whose mistakes are of keys, words and types, and no others.

usage: schema.py INCEPT ROOT DIRECTORY
"""
import json
import pathlib
import re
import subprocess
import sys

import jsonschema

incept, root, directory = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
directory.mkdir(parents=True, exist_ok=True)
failures = 0


def run(*command):
    return subprocess.run([incept, *map(str, command)], check=True, capture_output=True, text=True).stdout


def fail(text):
    global failures
    failures += 1
    print(text)


schema = json.loads(run("schema"))
jsonschema.Draft7Validator.check_schema(schema)
validator = jsonschema.Draft7Validator(schema)

accepted = 0
texts = {str(path.relative_to(root)): path.read_text() for path in (root / "specs/json").rglob("*.json")}
for path in (root / "specs").rglob("*.incept"):
    texts[str(path.relative_to(root))] = run("convert", path)
# Comments may stand between values of JSON; a schema knows none.
for number, text in enumerate(re.findall(r"^```json\n(.*?)^```", (root / "docs/Spec.md").read_text(), re.M | re.S)):
    if '"network"' in text:
        texts[f"docs/Spec.md, example {number + 1}"] = text
for name, text in texts.items():
    accepted += 1
    for error in validator.iter_errors(json.loads(re.sub(r"^\s*//.*$", "", text, flags=re.M))):
        fail(f"{name}: refused: {error.message[:200]} at {list(error.absolute_path)}")

# What is said of mistakes that the reader's table knows.
OF_THE_TABLE = re.compile(
    r"expected key '|unknown key|unknown op|unknown (kind|color|filter|loss|type)|expected one op|expected an? (op|word|object|array)\b|"
    r"expected (a number or an expression for|\[vertical, horizontal\]|true\b|\{|at least one branch|the name of|a label, but)|"
    r"expected a number, but got the|expected .* of letters, digits and '_'|unknown activation '\d|unknown init")
# ... but for these, which only the compiler finds: they depend on a value, or are of a label, which may have indices.
NOT_OF_THE_TABLE = re.compile(r"for init '|expected a label of|unknown block|groups to divide")
around = {"layers": ('{"network": "n", "parameters": {"classes": 10}, "input": {"channels": 3, "height": 32, "width": 32}, '
                     '"layers": [\n', ', "global_avg_pool", {"linear": "classes"}]}'), "json": ("", "")}
refused = let_through = 0
for case in re.split(r"^=== ", (root / "test/frontend/Inputs/broken.txt").read_text(), flags=re.M)[1:]:
    kind, rest = case.split("\n", 1)
    text, _, messages = rest.partition("---\n")
    if kind not in around:
        continue
    try:
        value = json.loads(around[kind][0] + text + around[kind][1])
    except json.JSONDecodeError:
        continue
    wrong = [line for line in messages.splitlines() if re.match(r"\d+:\d+\+\d+ error: ", line)]
    wrong = [line.split("error: ", 1)[1] for line in wrong]
    should = any(OF_THE_TABLE.match(line) and not NOT_OF_THE_TABLE.search(line) for line in wrong)
    does = not validator.is_valid(value)
    refused += does
    let_through += not does
    if does != should:
        fail(f"{'refused' if does else 'not refused'}:\n{text}{wrong}")
print(f"{accepted} accepted, of the broken {refused} refused, {let_through} let through, {failures} problems")
sys.exit(failures != 0 or accepted < 30 or refused < 30 or let_through < 20)
