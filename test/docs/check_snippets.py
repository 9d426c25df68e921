# SPDX-License-Identifier: Apache-2.0
"""Compares documentation with the code that it quotes.

A code block that begins with ```LANGUAGE FILE (a path, with a dot or a slash) is a quotation: each of its lines, but for
indentation, is a line of FILE; a line
`...` stands for what is left out. A path in backticks, FOLDER/NAME.EXTENSION, is that of a file.

usage: check_snippets.py ROOT
"""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
# Folders that a path may begin with: others are paths of the reader's machine, of examples.
folders = {path.name for path in root.iterdir() if path.is_dir() and path.name != "build"}
problems, checked = [], 0


def lines_of(path):
    return {line.strip() for line in path.read_text().splitlines()}


for document in sorted([*root.glob("*.md"), *root.glob("docs/*.md"), *root.glob("*/README.md")]):
    name, quoted, known = document.relative_to(root), None, set()
    for number, line in enumerate(document.read_text().splitlines(), 1):
        fence = re.match(r"```(\w+ (\S*[./]\S*))?", line)
        if fence and quoted is None:
            quoted = fence[2] or ""
            if quoted and not (root / quoted).is_file():
                problems.append(f"{name}:{number}: {quoted} does not exist")
                quoted = ""
            known = lines_of(root / quoted) if quoted else set()
        elif fence:
            quoted = None
        elif quoted:
            checked += 1
            if line.strip() not in known | {"", "..."}:
                problems.append(f"{name}:{number}: no line of {quoted} is: {line.strip()}")
        elif quoted is None:
            for path in re.findall(r"`([\w.-]+/[\w./-]+\.\w+)`", line):
                checked += 1
                if path.split("/")[0] in folders and not (root / path).exists():
                    problems.append(f"{name}:{number}: `{path}` does not exist")

if not checked:
    problems.append("nothing to check: is the root right?")
print("\n".join(problems))
sys.exit(1 if problems else 0)
