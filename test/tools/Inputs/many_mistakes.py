# SPDX-License-Identifier: Apache-2.0
"""How mistakes are shown: many_mistakes.py INCEPT DIRECTORY. As many as help, with the place that the caret is under, also
in a file of one long line with tabs."""
import json
import os
import subprocess
import sys

incept, directory = sys.argv[1:]


def errors(name, text):
    path = os.path.join(directory, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    result = subprocess.run([incept, "check", path], capture_output=True, text=True)
    assert result.returncode == 1, result
    return result.stderr.splitlines()


def network(mistakes):
    layers = [{"conv": 1, "filters": f"nothing{i}"} for i in range(mistakes)]
    return {"network": "n", "input": {"channels": 1, "height": 4, "width": 4}, "layers": [*layers, {"linear": 2}]}


MOST = 20
for mistakes in MOST - 1, MOST + 1, 50:
    lines = errors("many.json", json.dumps(network(mistakes), indent=1))
    shown = [line for line in lines if ": error: " in line]
    assert len(shown) == min(mistakes, MOST), len(shown)
    assert (f"incept: note: stopped after {MOST} errors" in lines) == (mistakes > MOST), lines[-1]
    assert shown == sorted(shown, key=lambda line: int(line.split(":")[1])), "not in the order of the file"

# One line: of each mistake a part is shown, at most 140 columns, and what is underlined in it is the name.
text = json.dumps(network(15)).replace(", ", ",\t")
lines = errors("line.json", text)
places = [i for i, line in enumerate(lines) if ": error: " in line]
assert len(places) == 15, len(places)
for number, i in enumerate(places):
    column = int(lines[i].split(":")[2])
    part, caret = lines[i + 1], lines[i + 2]
    begin = caret.index("^")
    assert len(part) <= 140 and "\t" not in part, part
    name = f"nothing{number}"
    assert part[begin:begin + len(caret.strip())] == name == text[column - 1:column - 1 + len(name)], (part, caret)
