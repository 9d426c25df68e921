# SPDX-License-Identifier: Apache-2.0
"""Checks what is said of broken descriptions: each case of FILE against the messages below it.

A case begins with `=== KIND`: `body` is the inside of a network of the text form, `layers` the elements of "layers" in JSON;
`incept` and `json` are whole files. Below `---` are its messages, LINE:COLUMN+LENGTH, places counted in the case's own text;
notes are indented, `fix` is what the mistake is mended with. All files are checked by one process.

usage: broken.py INCEPT FILE DIRECTORY [--update]
"""
import collections
import json
import os
import pathlib
import re
import subprocess
import sys

incept, source, directory = sys.argv[1:4]
update = "--update" in sys.argv
os.makedirs(directory, exist_ok=True)

# What stands around a case, and how many lines of it are before.
AROUND = {
    "body": ("network n(classes = 10) {\n  input 3 x 32 x 32\n", "  global_avg_pool -> linear classes\n}\n", ".incept"),
    "layers": ('{"network": "n", "parameters": {"classes": 10},\n "input": {"channels": 3, "height": 32, "width": 32}, "layers": [\n',
               ', "global_avg_pool", {"linear": "classes"}]}\n', ".json"),
    "incept": ("", "", ".incept"),
    "json": ("", "", ".json"),
}
head, *cases = re.split(r"^=== ", pathlib.Path(source).read_text(), flags=re.M)
parsed, names = [], []
for number, case in enumerate(cases):
    kind, rest = case.split("\n", 1)
    text, _, expected = rest.partition("---\n")
    before, after, suffix = AROUND[kind]
    name = f"{number + 1:03}{suffix}"
    pathlib.Path(directory, name).write_text(before + text + after)
    parsed.append((kind, text, expected))
    names.append(name)
result = subprocess.run([incept, "check", "--diagnostics=json", *names], cwd=directory, capture_output=True, text=True)
found, errors = collections.defaultdict(list), collections.Counter()
for line in result.stderr.splitlines():
    report = json.loads(line)
    where = report.get("file", "")
    kind = parsed[int(where[:3]) - 1][0] if where[:3].isdigit() else "json"
    above = AROUND[kind][0].count("\n")

    def place(entry):
        return f"{entry['line'] - above}:{entry['column']}+{entry['length']}"

    errors[where] += report["severity"] == "error"
    found[where].append(f"{place(report)} {report['severity']}: {report['message']}")
    found[where] += [f"  {place(note)} note: {note['message']}" for note in report["notes"]]
    found[where] += [f"  {place(fix)} fix: '{fix['text']}'" for fix in report["fixes"]]
failures = 0
output = head
for name, (kind, text, expected) in zip(names, parsed):
    actual = "".join(line + "\n" for line in found[name])
    output += f"=== {kind}\n{text}---\n{actual}\n"
    if expected.rstrip("\n") != actual.rstrip("\n") and not update:
        failures += 1
        print(f"{name}:\n{text}expected:\n{expected}actual:\n{actual}")
    if errors[name] + sum("warning" in line for line in found[name]) == 0:
        failures += 1
        print(f"{name}: nothing is said of it:\n{text}")
if update:
    pathlib.Path(source).write_text(output.rstrip("\n") + "\n")
forms = collections.Counter(AROUND[kind][2] for kind, _, _ in parsed)
print(f"{len(parsed)} cases, {dict(forms)}, {failures} failures")
sys.exit(failures != 0 or result.returncode != 1)
