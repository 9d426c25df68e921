# SPDX-License-Identifier: Apache-2.0
"""Follows a tutorial as a reader would. A block ```LANGUAGE write FILE is written to FILE; in a block ```console each line after
"$ " is run, and what stands below it is what it prints: "..." is any text, on a line of its own any lines.

    tutorial.py FILE.md DIRECTORY FROM=TO...     FROM=TO: what stands for something else here, such as a folder of data"""
import os
import re
import subprocess
import sys

document, directory = os.path.abspath(sys.argv[1]), sys.argv[2]
replacements = [argument.split("=", 1) for argument in sys.argv[3:]]
os.makedirs(directory, exist_ok=True)
os.chdir(directory)
failures = commands = 0


def pattern(lines):
    """A regular expression of what a command is to print."""
    text = "".join("(?:.*\n)*?" if line.strip() == "..." else ".*?".join(map(re.escape, line.split("..."))) + "\n"
                   for line in lines)
    return re.compile(text + r"\Z")


def run(number, command, expected):
    global failures, commands
    commands += 1
    shown = command
    for old, new in replacements:
        command = command.replace(old, new)
    result = subprocess.run(["bash", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600)
    # A line that is written over itself is on the terminal as it was last.
    output = "".join(line.split("\r")[-1].rstrip() + "\n" for line in result.stdout.replace("\r\n", "\n").splitlines())
    if not pattern(expected).match(output):
        failures += 1
        print(f"{document}:{number}: {shown}\nprints (exit status {result.returncode})\n{output}")


with open(document, encoding="utf-8") as file:
    lines = file.read().split("\n")
number = 0
while number < len(lines):
    begin = re.match(r"```(\w+) ?(.*)$", lines[number])
    number += 1
    if not begin:
        continue
    end = lines.index("```", number)
    block = lines[number:end]
    if begin[2].startswith("write "):
        with open(begin[2].split()[1], "w", encoding="utf-8") as file:
            file.write("\n".join(block) + "\n")
    elif begin[1] == "console":
        starts = [i for i, line in enumerate(block) if line.startswith("$ ")] + [len(block)]
        for first, last in zip(starts, starts[1:]):
            run(number + first + 1, block[first][2:], block[first + 1:last])
    number = end + 1
print(f"{commands} commands, {failures} failures")
sys.exit(failures > 0 or commands == 0)
