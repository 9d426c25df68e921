# SPDX-License-Identifier: Apache-2.0
"""Versions of the tools, a standard output that is full, and the places that `incept compile -o` refuses."""
import os
import re
import stat
import subprocess
import sys

tools, spec, directory = sys.argv[1:]
failures = []


def run(*arguments, **options):
    return subprocess.run([os.path.join(tools, arguments[0]), *arguments[1:]], capture_output="stdout" not in options,
                          stderr=subprocess.PIPE if "stdout" in options else None, text=True, timeout=120, **options)


def check(what, condition, result):
    if not condition:
        failures.append(f"{what}: status {result.returncode}: {(result.stdout or '')[:300]} {result.stderr[:300]}")


for tool in ("incept", "incept-opt", "incept-run", "incept-translate", "incept-sim"):
    if not os.path.exists(os.path.join(tools, tool)):
        continue
    result = run(tool, "--version")
    lines = result.stdout.splitlines()
    good = result.returncode == 0 and lines and re.fullmatch(re.escape(tool) + r" \d+\.\d+\.\d+", lines[0])
    check(tool + " --version", good and any(re.fullmatch(r"program image \d+", line) for line in lines), result)
result = run("incept", "--version")
check("versions of libraries", re.search(r"^LLVM \d+\.\d+", result.stdout, re.M) and
      re.search(r"^oneDNN \d+\.\d+", result.stdout, re.M) and re.search(r"^(cuDNN \d+|no cuDNN: )", result.stdout, re.M), result)

graph = os.path.join(directory, "graph.mlir")
assert run("incept", "compile", spec, "--stop-after=training", "-o", graph).returncode == 0
planned = os.path.join(directory, "exec.mlir")
assert run("incept", "compile", spec, "--stop-after=exec", "--convolutions=direct", "-o", planned).returncode == 0
full = open("/dev/full", "w")
for arguments in (["incept", "summary", spec], ["incept", "summary", spec, "--json"], ["incept", "--help"],
                  ["incept", "--version"], ["incept", "devices"], ["incept", "compile", "--help"], ["incept", "cache"],
                  ["incept", "compile", spec, "--stop-after=graph"],
                  ["incept", "compile", spec, "--stop-after=graph", "-o", "/dev/full"],
                  ["incept", "compile", spec, "--emit=object"],
                  ["incept-opt", graph], ["incept-opt", "--version"], ["incept-opt", graph, "-o", "/dev/full"],
                  ["incept-run", graph, "--function=stage_u8", "--print"],
                  ["incept-translate", "--incept-to-ptx", planned], ["incept-sim", "--help"], ["incept-sim", "--version"]):
    if os.path.exists(os.path.join(tools, arguments[0])):
        result = run(*arguments, stdout=full)
        lines = result.stderr.splitlines()
        check(f"{arguments} > /dev/full", result.returncode == 3 and len(lines) == 1 and
              lines[0].startswith(arguments[0] + ": error: cannot write ") and "No space left" in lines[0], result)

# Where a program may go.
fifo, link, dangling = (os.path.join(directory, name) for name in ("fifo", "link", "dangling"))
os.mkfifo(fifo)
os.symlink("nowhere/at/all", dangling)
for place in (directory, "/dev/null", fifo, dangling, os.path.join(directory, "none", "program")):
    result = run("incept", "compile", spec, "-o", place)
    lines = result.stderr.splitlines()
    status = 3 if place.endswith("none/program") else 1
    check(f"-o {place}", result.returncode == status and len(lines) == 1 and
          lines[0].startswith(f"incept: error: cannot write '{place}': "), result)
assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
# A link to a program stays one; permissions follow the umask.
target = os.path.join(directory, "target")
open(target, "w").close()
os.symlink(target, link)
os.umask(0o077)
result = run("incept", "compile", spec, "--batch-size=4", "-o", link)
check("-o LINK", result.returncode == 0 and os.path.islink(link) and os.stat(target).st_size > 100_000 and
      stat.S_IMODE(os.stat(target).st_mode) == 0o700, result)

for failure in failures:
    print("FAILED", failure)
sys.exit(1 if failures else 0)
