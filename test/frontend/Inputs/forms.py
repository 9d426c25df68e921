# SPDX-License-Identifier: Apache-2.0
"""Every network of specs/ means the same in both forms, and keeps its comments: text -> JSON -> text. The text is in the
one style, and what comes back is the same text but for where lines end.

usage: forms.py INCEPT SPECS DIRECTORY
"""
import pathlib
import re
import shutil
import subprocess
import sys

incept, specs, directory = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
shutil.rmtree(directory, ignore_errors=True)
failures = 0


def run(*command):
    result = subprocess.run([incept, *map(str, command)], capture_output=True, text=True)
    if result.returncode:
        print(result.stderr)
        sys.exit(1)
    return result.stdout


def graph(path, network):
    text = run("compile", path, "--stop-after=graph", "--batch-size=1", *network)
    return re.sub(r" ?loc\((?:[^()]|\([^()]*\))*\)|incept\.spec_(hash|text) = \"(?:[^\"\\]|\\.)*\",? ?|^#loc.*$", "",
                  text, flags=re.M)


def comments(text):
    return sorted(line.split("//", 1)[1].strip() for line in text.splitlines() if "//" in line)


files = sorted(path for path in specs.rglob("*.incept") if "json" not in path.relative_to(specs).parts)
assert len(files) >= 20
networks = 0
for path in files:
    name = path.relative_to(specs)
    text = path.read_text()
    for form in ("json", "back"):
        (directory / form / name.parent).mkdir(parents=True, exist_ok=True)
    json, back = (directory / "json" / name).with_suffix(".json"), directory / "back" / name
    run("format", "--check", path)
    run("convert", path, "-o", json)
    run("convert", json, "-o", back)
    if comments(text) != comments(back.read_text()):
        failures += 1
        print(f"{name}: comments differ: {comments(text)} {comments(back.read_text())}")
    # Imports name the files of their own form.
    json.write_text(re.sub(r'(\w)\.incept"', r'\1.json"', json.read_text()))
for path in files:
    name = path.relative_to(specs)
    for network in re.findall(r"^network (\w+)", path.read_text(), re.M):
        networks += 1
        choice = ["--network", network]
        graphs = {graph(path, choice), graph((directory / "json" / name).with_suffix(".json"), choice),
                  graph(directory / "back" / name, choice)}
        if len(graphs) != 1:
            failures += 1
            print(f"{name}: the forms differ")
print(f"{len(files)} files, {networks} networks, {failures} problems")
sys.exit(failures != 0)
