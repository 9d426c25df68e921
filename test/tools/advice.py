# SPDX-License-Identifier: Apache-2.0
"""Every option that a message of the compiler or of a program names exists: advice.py ROOT INCEPT PROGRAM."""
import pathlib
import re
import subprocess
import sys

root, incept, program = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
OPTION = re.compile(r"(?<![\w-])--([a-z][a-z0-9-]+)")
LITERAL = re.compile(r'"((?:[^"\\\n]|\\.)*)"')


def helped(command):
    """The options of a program and of its subcommands."""
    text = subprocess.run([command, "--help"], capture_output=True, text=True, check=True).stdout
    names = re.findall(r"^  (\w+) ", text.split("Subcommands:")[-1], re.M)
    for name in names:
        text += subprocess.run([command, name, "--help"], capture_output=True, text=True, check=True).stdout
    return set(OPTION.findall(text))


known = helped(incept) | helped(program)
named = {}
for folder in ("runtime", "passes", "codegen", "frontend", "tools/incept"):
    for path in sorted((root / folder).rglob("*.cpp")):
        for literal in LITERAL.findall(path.read_text(encoding="utf-8")):
            for option in OPTION.findall(literal):
                named.setdefault(option, path.relative_to(root))
# Options of other programs that literals hold: the linker's and setup.sh's.
foreign = {"build-id", "hash-style", "no-undefined", "cuda"}
missing = {f"--{option} ({path})" for option, path in named.items() if option not in known | foreign}
if len(named) < 20 or missing:
    sys.exit(f"{len(named)} options are named, of which there are not: {', '.join(sorted(missing)) or '-'}")
