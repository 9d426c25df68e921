# SPDX-License-Identifier: Apache-2.0
"""parts.py SPEC DIRECTORY: launches with several parts, of one kernel or two, change no bit. In each precision a program
with joined launches and one without train in the strict simulator, which checks memory and races; weights, statistics and the loss must be the
same bytes, and nothing may be reported."""
import json
import os
import re
import subprocess
import sys

spec, directory = sys.argv[1:]
failures = []


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    # The first loss scale of f16 is too large: the step is skipped.
    reports = [line for line in done.stderr.splitlines() if line.startswith("incept-sim: ") and
               ": note: the first value that is not finite" not in line]
    if done.returncode != 0 or reports:
        sys.exit(f"{' '.join(command)}: {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def train(name, precision, *options):
    """(bytes of the weights after three steps, losses, launches of the program, planned bytes)"""
    program = os.path.join(directory, f"{name}_{precision}")
    run("incept", "compile", spec, "--target=cuda:h100", "--batch-size=3", "--precision=" + precision, "--memory-budget=0",
        *options, "-o", program)
    run("incept-sim", "--strict", program, "train", "--data=synthetic:", "--steps=3", "--seed=5",
        "--log=" + program + ".jsonl", "--save=" + program + ".weights")
    info = json.loads(run(program, "info", "--json"))
    with open(program + ".weights", "rb") as file:
        weights = file.read()
    with open(program + ".jsonl", encoding="utf-8") as file:
        losses = [row["loss"] for row in map(json.loads, file) if "loss" in row]
    return weights, losses, info["launches"], info["peak_bytes"]


def joined_reductions(text):
    """(blocks, threads), both x, y, z of each part, of the joined launches that add their partial sums themselves."""
    kernels = set(re.findall(r"kernel_def (@\w+) reduce_combine", text))
    sizes = lambda numbers: [tuple(map(int, part)) for part in re.findall(r"(\d+), (\d+), (\d+)", numbers)]
    launches = re.findall(r"exec\.kernel (@\w+) .*? grid \[([^]]*)\] block \[([^]]*)\]", text)
    return [(sizes(grid), sizes(block)) for name, grid, block in launches if name in kernels and len(sizes(grid)) > 1]


def paired_kernels(text):
    """The kernels of each launch of two."""
    return re.findall(r"exec\.kernel (@\w+) [^\n]* with_next\b[^\n]*\n(?:[^\n]*exec\.slice[^\n]*\n)*[^\n]*exec\.kernel (@\w+) ",
                      text)


for precision in "f32", "bf16", "f16":
    text = run("incept", "compile", spec, "--target=cuda:h100", "--batch-size=3", "--precision=" + precision,
               "--stop-after=exec")
    # What is hard is among them: several ranges of channels in a part, and parts that leave threads of a block idle.
    reductions = joined_reductions(text)
    if not any(y > 1 for grid, _ in reductions for _, y, _ in grid):
        failures.append(f"{precision}: no part of a reduction has several ranges")
    if not any(len({x * y for x, y, _ in block}) > 1 for _, block in reductions):
        failures.append(f"{precision}: all parts of a reduction have the same threads")
    pairs = paired_kernels(text)
    for what in "pool", "stats":
        if not any(what in first + second for first, second in pairs):
            failures.append(f"{precision}: no {what} beside another kernel, but {pairs}")
    weights, losses, launches, peak = train("joined", precision)
    weights_apart, losses_apart, launches_apart, peak_apart = train("apart", precision, "--no-join", "--no-pair")
    if weights != weights_apart or losses != losses_apart or not losses:
        failures.append(f"{precision}: other values: losses {losses}, apart {losses_apart}")
    print(f"{precision}: {launches} launches of {launches_apart}, {peak} bytes of {peak_apart}")
    if launches > 0.9 * launches_apart:
        failures.append(f"{precision}: hardly anything was joined")
    # The bytes that are alive at once do not grow; the gaps between buffers are others, which few large ones make wide.
    if peak > 1.06 * peak_apart:
        failures.append(f"{precision}: joining costs memory: {peak} bytes of {peak_apart}")
for failure in failures:
    print("FAILED", failure)
sys.exit(1 if failures else 0)
