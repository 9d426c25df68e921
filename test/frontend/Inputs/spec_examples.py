# SPDX-License-Identifier: Apache-2.0
"""Checks the examples of docs/Spec.md: each is a network without a mistake, in the one style, and means the same as JSON.
A block that begins with ```incept body is the inside of a network.

usage: spec_examples.py INCEPT ROOT DIRECTORY
"""
import pathlib
import re
import subprocess
import sys

incept, root, directory = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
directory.mkdir(parents=True, exist_ok=True)
failures = 0


def run(*command):
    return subprocess.run([incept, *map(str, command)], capture_output=True, text=True)


def graph(path):
    """The IR without places: both forms have their own."""
    search = ["-I", root / "specs", "--network=large"] if "network large" in path.read_text() or \
        '"large"' in path.read_text() else ["-I", root / "specs"]
    result = run("compile", path, "--stop-after=graph", "--batch-size=1", *search)
    text = re.sub(r" ?loc\((?:[^()]|\([^()]*\))*\)|incept\.spec_(hash|text) = \"(?:[^\"\\]|\\.)*\",? ?|^#loc.*$", "",
                  result.stdout, flags=re.M)
    return result.returncode, result.stderr, text


count = 0
for kind, text in re.findall(r"^```(incept body|incept|json)\n(.*?)^```", (root / "docs/Spec.md").read_text(), re.M | re.S):
    if kind == "json" and '"network"' not in text:
        continue
    count += 1
    path = directory / f"example{count}.{'json' if kind == 'json' else 'incept'}"
    if kind == "incept body":
        text = "network n(classes = 10) {\n  input 3 x 32 x 32\n" + re.sub("^(?=.)", "  ", text, flags=re.M) + \
            "  global_avg_pool -> linear classes\n}\n"
    path.write_text(text)
    other = path.with_name(path.name + (".incept" if kind == "json" else ".json"))
    back = path.with_name(path.name + ".back" + path.suffix)
    steps = [run("convert", path, "-o", other), run("convert", other, "-o", back)]
    if kind != "json":
        steps.append(run("format", "--check", path))
    graphs = [graph(path), graph(other), graph(back)]
    problems = [step.stderr for step in steps if step.returncode] + [g[1] for g in graphs if g[0]]
    if len({g[2] for g in graphs}) != 1:
        problems.append("the forms differ")
    for problem in problems:
        failures += 1
        print(f"example {count}:\n{text}\n{problem}")
print(f"{count} examples, {failures} problems")
sys.exit(failures != 0 or count < 8)
