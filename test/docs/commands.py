# SPDX-License-Identifier: Apache-2.0
"""Runs what the documentation shows, as a reader would, at a size that takes seconds.

A block ```LANGUAGE write FILE is written to FILE. In a block ```console each line after "$ " is run, and what stands below it is
what it prints: "..." is any text, on a line of its own any lines. Each has to succeed, but the last one of a block ```console fails
has to fail. A block ```sh is run as a script, whose commands must all succeed. A block ```usage names a program and its options,
which must be among those of its help, as must every `--option` of the text be among those of some program.

    commands.py run ROOT FILE.md DIRECTORY [--without-cuda]      runs a document's blocks in DIRECTORY, which looks like ROOT
    commands.py list ROOT                                        which blocks are run, by what, and which are not, and why
    commands.py options ROOT PROGRAM                             PROGRAM: a compiled network
"""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import zlib

import tables

COMMAND = re.compile(r"(\$ |\./|scripts/|bench/|build/|incept\b|NAME |cmake |ninja |cc |python3 )")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]+")
SECONDS = 600  # that a command may take


class Block:
    """A fenced block: its language, what stands behind that, the number of its first line, and its lines."""

    def __init__(self, language, argument, number, lines):
        self.language, self.argument, self.number, self.lines = language, argument, number, lines

    def runs(self):
        return self.language in ("console", "sh", "usage")

    def first(self):
        """The first command, by which tables.py names the block."""
        return self.lines[0].split("  ")[0].strip() if self.lines else ""

    def commands(self):
        """(number, command, what it prints) of a console."""
        starts = [i for i, line in enumerate(self.lines) if line.startswith("$ ")] + [len(self.lines)]
        for first, last in zip(starts, starts[1:]):
            yield self.number + first, self.lines[first][2:], self.lines[first + 1:last]


def read(path):
    """The blocks of a document, and its other lines with their numbers."""
    lines, blocks, text, number = path.read_text(encoding="utf-8").split("\n"), [], [], 0
    while number < len(lines):
        begin = re.match(r" *(```|~~~)(\w*) ?(.*)$", lines[number])
        number += 1
        if begin:
            end = next((i for i in range(number, len(lines)) if lines[i].strip() == begin[1]), None)
            if end is None:
                sys.exit(f"{path}:{number}: no end of the block")
            blocks.append(Block(begin[2], begin[3], number + 1, lines[number:end]))
            number = end + 1
        else:
            text.append((number, lines[number - 1]))
    return blocks, text


def documents(root):
    # What lies in `build` is not of the project, and the references are generated: their IR has tests of its own.
    found = [*root.glob("*.md"), *root.glob("docs/*.md"), *root.glob("[!b]*/**/README.md"), root / "bench/README.md"]
    return {str(path.relative_to(root)): path for path in sorted(found)
            if path.name not in ("Dialect.md", "Passes.md") and path.exists()}


# --- run ---


def picture(path, size, value):
    """A gray-free picture of one colour with a line, as PNG; readers go by the content, not by the name."""
    chunk = lambda kind, data: len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")
    row = b"\0" + bytes((value, 255 - value, 128)) * (size // 2) + bytes((128, value, value)) * (size - size // 2)
    header = size.to_bytes(4, "big") * 2 + bytes((8, 2, 0, 0, 0))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(row * size)) +
                     chunk(b"IEND", b""))


def digits(folder, images):
    """MNIST's four files, of little."""
    folder.mkdir()
    for split in ("train", "t10k"):
        sizes = b"".join(n.to_bytes(4, "big") for n in (images, 28, 28))
        pixels = bytes((7 * i + i // 784 * 50) % 256 for i in range(images * 784))
        (folder / f"{split}-images-idx3-ubyte").write_bytes(b"\0\0\x08\x03" + sizes + pixels)
        (folder / f"{split}-labels-idx1-ubyte").write_bytes(b"\0\0\x08\x01" + images.to_bytes(4, "big") +
                                                            bytes(i % 10 for i in range(images)))


def prepare(root, directory):
    """A folder that looks like the repository, with programs as if they were built there, and data."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    for path in root.iterdir():
        if path.name != "build" and not path.name.startswith("."):
            (directory / path.name).symlink_to(path)
    tools = pathlib.Path(shutil.which("incept")).parent
    (directory / "build/release").mkdir(parents=True)
    (directory / "build/release/bin").symlink_to(tools)
    (directory / "build/release/test").symlink_to(tools.parent / "test")
    for split, count in (("train", 4), ("val", 2)):
        for name, value in (("cat", 30), ("dog", 200)):
            for i in range(count):
                picture(directory / f"photos/{split}/{name}/{i}.png", 80 + i, value + 10 * i)
    picture(directory / "cat.jpg", 90, 30)
    digits(directory / "digits", 12)


def pattern(lines, any_number):
    """A regular expression of what a command is to print."""
    def literal(text):
        if not any_number:
            return re.escape(text)
        return r"\d+(?:\.\d+)?".join(re.escape(part) for part in re.split(r"\d+(?:\.\d+)?", text))

    return re.compile("".join("(?:.*\n)*?" if line.strip() == "..." else
                              ".*?".join(map(literal, line.split("..."))) + "\n" for line in lines) + r"\Z")


def execute(command):
    """The exit status, and what is on the terminal in the end: a line that is written over itself is as it was last."""
    with subprocess.Popen(["bash", "-e", "-o", "pipefail", "-c", command], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, start_new_session=True) as process:
        try:
            output = process.communicate(timeout=SECONDS)[0]
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output = process.communicate()[0] + f"(not done after {SECONDS} s)\n"
    lines = output.replace("\r\n", "\n").splitlines()
    return process.returncode, "".join(line.split("\r")[-1].rstrip() + "\n" for line in lines)


def smaller(document, text):
    for old, new in tables.SMALLER.get(document, []):
        text = text.replace(old, new)
    return text


def run(root, document, directory, without_cuda):
    blocks, _ = read(root / document)
    prepare(root, directory)
    os.chdir(directory)
    failures = commands = left = 0

    def fail(number, command, status, output):
        nonlocal failures
        failures += 1
        print(f"{document}:{number}: {command}\nprints (exit status {status})\n{output}")

    for command in tables.BEFORE.get(document, []):
        status, output = execute(command)
        if status:
            fail("before", command, status, output)
    for block in blocks:
        if block.argument.startswith("write "):
            pathlib.Path(block.argument.split()[1]).write_text("\n".join(block.lines) + "\n", encoding="utf-8")
        elif block.language in ("console", "sh") and reason(document, block) is None:
            if without_cuda and any("cuda" in line or "incept-sim" in line for line in block.lines):
                left += 1
                continue
            if block.language == "sh":
                commands += len([line for line in block.lines if COMMAND.match(line)])
                script = "\n".join(block.lines)
                status, output = execute(smaller(document, script))
                if status:
                    fail(block.number, script, status, output)
                continue
            steps = list(block.commands())
            for number, command, expected in steps:
                commands += 1
                status, output = execute(smaller(document, command))
                fails = block.argument == "fails" and number == steps[-1][0]
                if (status != 0) != fails or not pattern(expected, document in tables.ANY_NUMBER).match(output):
                    fail(number, command, status, output)
    print(f"{document}: {commands} commands, {failures} failures, {left} blocks left out for want of CUDA")
    return failures > 0 or commands == 0


# --- list ---


def reason(document, block):
    """Why a block is not run, or None."""
    return tables.NOT_RUN.get((document, block.first()))


def stale(runs):
    """What tables.py says of documents where nothing is run that it concerns. `runs`: the blocks that are run of each."""
    text = {name: "\n".join(line for block in blocks for line in block.lines) for name, blocks in runs.items()}
    for name, pairs in tables.SMALLER.items():
        for old, _ in pairs:
            if old not in text.get(name, ""):
                yield f"{name}: SMALLER: no command has: {old}"
    for name in tables.BEFORE:
        if name not in text:
            yield f"{name}: BEFORE: no command of it is run"
    for name in tables.ANY_NUMBER:
        outputs = [line for block in runs.get(name, []) if block.language == "console"
                   for _, _, expected in block.commands() for line in expected]
        if not re.search(r"\d", "".join(outputs)):
            yield f"{name}: ANY_NUMBER: no command prints a number"


def list_blocks(root):
    tests = "".join(path.read_text() for path in sorted(root.glob("test/docs/*.test")))
    problems, commands, done, left, known, runs = [], 0, 0, 0, set(), {}
    for name, path in documents(root).items():
        blocks, text = read(path)
        before = ""
        for number, line in text:
            if line.startswith("    ") and not before.strip() and COMMAND.match(line.strip()):
                problems.append(f"{name}:{number}: a command: expected a block that begins with ```sh, ```console or ```usage")
            before = line
        for block in blocks:
            if not block.runs():
                problems += [f"{name}:{number}: a command: expected it in a block ```sh, ```console or ```usage"
                             for number, line in enumerate(block.lines, block.number)
                             if COMMAND.match(line.strip())]
                continue
            why = reason(name, block)
            if not block.first() or (block.language == "console" and not block.first().startswith("$ ")):
                problems.append(f"{name}:{block.number}: expected the block to begin with a command")
            elif why:
                known.add((name, block.first()))
                left += 1
                print(f"{name}:{block.number}: not run: {why}")
            elif block.language != "usage" and not re.search(rf"^RUN: .*commands\.py run \S+ {re.escape(name)} ", tests, re.M):
                problems.append(f"{name}:{block.number}: no test of test/docs runs this document's commands")
            else:
                done += 1
                if block.language != "usage":
                    runs.setdefault(name, []).append(block)
                commands += sum(bool(COMMAND.match(line)) for line in block.lines)
    for name, first in sorted(set(tables.NOT_RUN) - known):
        problems.append(f"{name}: no block begins with: {first}")
    problems += stale(runs)
    print("\n".join(problems + [f"{commands} commands in {done} blocks are run, {left} blocks are not"]))
    return bool(problems)


# --- options ---


def help_of(*command):
    return subprocess.run([*command, "--help"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False).stdout


def commands_of(text):
    """The names of subcommands in a help text."""
    return re.findall(r"^  ([a-z]+) ", text[text.find("ubcommands:"):], re.M) if "ubcommands:" in text else []


def all_help(*program):
    text = help_of(*program)
    return text + "".join(help_of(*program, command) for command in commands_of(text))


def check_options(root, program):
    helps = {"incept": all_help("incept"), "NAME": all_help(program)}
    for tool in ("incept-opt", "incept-run", "incept-translate", "incept-sim"):
        if shutil.which(tool):
            helps[tool] = help_of(tool)
    # Of scripts the text will do; options of others' programs are named with them.
    for path in [*root.glob("scripts/*.*"), *root.glob("bench/*.py"), *root.glob("bench/*.sh"), *root.glob("test/**/*.py"),
                 *root.glob("test/fuzz/*.cpp"), *root.glob("CMakeLists.txt")]:
        helps[str(path.relative_to(root))] = path.read_text(encoding="utf-8")
    helps["scripts/mutate.sh"] = helps["scripts/mutate.py"]
    known = {name: set(OPTION.findall(text)) for name, text in helps.items()}
    anywhere = set().union(*known.values())
    problems, checked = [], 0
    for name, path in documents(root).items():
        blocks, text = read(path)
        for block in blocks:
            program = None
            for number, line in enumerate(block.lines, block.number):
                if block.language == "usage":
                    program = line.split()[0] if not line.startswith(" ") else program
                    among = known.get(program)
                    if among is None:
                        if program != "incept-sim":
                            problems.append(f"{name}:{number}: no help is known of {program}")
                        continue
                    for option in OPTION.findall(line):
                        checked += 1
                        if option not in among:
                            problems.append(f"{name}:{number}: {program} has no {option}")
        for number, line in text:
            for span in re.findall(r"`([^`]+)`", line):
                for option in OPTION.findall(span):
                    checked += 1
                    if option not in anywhere:
                        problems.append(f"{name}:{number}: no program has {option}")
    print("\n".join(problems + [f"{checked} options, {len(problems)} unknown"]))
    return bool(problems) or checked == 0


def main():
    mode, root, *rest = sys.argv[1:]
    root = pathlib.Path(root).resolve()
    if mode == "run":
        sys.exit(run(root, rest[0], pathlib.Path(rest[1]).resolve(), "--without-cuda" in rest[2:]))
    sys.exit(list_blocks(root) if mode == "list" else check_options(root, rest[0]))


if __name__ == "__main__":
    main()
