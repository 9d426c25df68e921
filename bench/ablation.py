#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What each rewrite of the compiler is worth: a program with all of them beside one without each, measured in turns.

Each side is a process that does a step, or an inference, when it is told to; never two at once. The table has medians of
the rounds by the clock and by the processor time of all threads, which other programs on the machine change less, and the
planned memory. A side whose program is the first one's to the last byte is named and not measured.
"""
import argparse
import filecmp
import json
import os
import statistics
import subprocess
import sys
import tempfile

from compare import ROOT, Worker, fail, machine

# Options of incept compile, and what is off with them.
SIDES = {
    "--convolutions=direct": "convolutions with fewer multiplications",
    "--no-tile-normalization": "batch norm and ReLU where convolutions read",
    "--no-fuse": "elementwise ops in one kernel, the former included",
    "--no-merge-siblings": "merged 1x1 convolutions",
    "--no-commute-pools": "average pools behind 1x1 convolutions",
    "--no-recompute": "cheap values computed again",
    "--no-update-early": "updates where gradients are",
    "--no-schedule": "order by memory",
    "--no-conv-stats": "sums that convolutions give",
    "--no-backward-norm": "gradients of batch norms that convolutions give",
    "--no-conv-normalization": "batch norm and ReLU where a library's convolutions read",
    "--no-coalesce": "one launch for adjacent updates",
    "--no-join": "one launch for kernels of one kind",
    "--no-pair": "one launch for kernels of two kinds",
}


def compile_program(options, path, *switches):
    """What the program says of itself."""
    done = subprocess.run([options.incept, "compile", options.spec, f"--batch-size={options.batch}", f"--mode={options.mode}",
                           f"--threads={options.threads}", "-o", path, *switches, *(f"--set={word}" for word in options.set)],
                          capture_output=True, text=True)
    if done.returncode != 0:
        fail(f"incept compile {' '.join(switches)} failed: {done.stderr.strip()}", done.returncode)
    return json.loads(subprocess.run([path, "info", "--json"], check=True, capture_output=True, text=True).stdout)


def processor_ms(process):
    """Of all threads that the process has now; a program keeps those it has."""
    total = 0
    for thread in os.listdir(f"/proc/{process}/task"):
        with open(f"/proc/{process}/task/{thread}/schedstat", encoding="utf-8") as file:
            total += int(file.read().split()[0])
    return total / 1e6


def measure(options, directory):
    """{side: (its facts, [(step, processor time), ...])}, without samples where the program is the first one."""
    first = os.path.join(directory, "all")
    sides, workers = {"": (compile_program(options, first), [])}, {}
    for switch in options.sides:
        path = os.path.join(directory, switch.strip("-").replace("=", "-"))
        sides[switch] = (compile_program(options, path, switch), [])
        if not filecmp.cmp(first, path, shallow=False):
            workers[switch] = path
    # Threads that wait do not spin: their time would count.
    start = lambda name, path: Worker(name or "incept", [path, "bench", "--paced", "--json", "--steps=1000000"],
                                      {"OMP_WAIT_POLICY": "passive"})
    workers = {switch: start(switch, path) for switch, path in {"": first, **workers}.items()}
    for done in range(1, options.rounds + 1):
        for switch, worker in workers.items():
            before = processor_ms(worker.process.pid)
            for _ in range(options.steps):
                worker.step()
            work = (processor_ms(worker.process.pid) - before) / options.steps
            sides[switch][1].append((statistics.mean(step["step_ms"] for step in worker.steps[-options.steps:]), work))
        print(f"round {done} of {options.rounds}", file=sys.stderr, flush=True)
    for worker in workers.values():
        worker.finish()
    return sides


def table(sides):
    """Lines of Markdown."""
    median = lambda samples, column: statistics.median(sample[column] for sample in samples)
    facts, samples = sides[""]
    clock, work = median(samples, 0), median(samples, 1)
    lines = ["| without | | step, ms | ratio | processor time, ms | ratio | planned, MB | launches |",
             "|---|---|---|---|---|---|---|---|",
             f"| nothing | | {clock:,.1f} | | {work:,.1f} | | {facts['peak_bytes'] / 1e6:,.1f} | {facts['launches']} |"]
    same = []
    for switch, (own, samples) in sides.items():
        if switch and not samples:
            same.append(f"`{switch}`")
        elif switch:
            lines.append(f"| {SIDES[switch]} | `{switch}` | {median(samples, 0):,.1f} | {median(samples, 0) / clock:.3f} | "
                         f"{median(samples, 1):,.1f} | {median(samples, 1) / work:.3f} | {own['peak_bytes'] / 1e6:,.1f} | "
                         f"{own['launches']} |")
    return lines + (["", f"The same program to the last byte: {', '.join(same)}."] if same else [])


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--spec", default=os.path.join(ROOT, "specs", "inception_v4.incept"), help="architecture file")
    parser.add_argument("--set", action="append", default=[], help="the compiler's: NAME=VALUE")
    parser.add_argument("--mode", default="train", choices=["train", "infer"], help="training steps or inference (train)")
    parser.add_argument("--batch", type=int, default=8, help="images a step (8)")
    parser.add_argument("--threads", type=int, default=2, help="of every side (2)")
    parser.add_argument("--rounds", type=int, default=7, help="turns of each side (7)")
    parser.add_argument("--steps", type=int, default=1, help="of one turn (1)")
    parser.add_argument("--sides", help=f"some of {','.join(SIDES)} (all)")
    parser.add_argument("--incept", default=os.path.join(ROOT, "build/release/bin/incept"), help="the compiler")
    options = parser.parse_args()
    options.repeats = options.rounds  # as compare.py calls them
    options.sides = options.sides.split(",") if options.sides else list(SIDES)
    for side in options.sides:
        if side not in SIDES:
            parser.error(f"unknown side '{side}': expected some of {', '.join(SIDES)}")
    if min(options.rounds, options.steps, options.batch, options.threads) < 1:
        parser.error("expected --rounds, --steps, --batch and --threads to be positive")
    if not os.path.exists(options.incept):
        fail(f"'{options.incept}' is not there: build it, or name it with --incept")
    return options


def main():
    options = parse_arguments()
    facts = machine(options)
    with tempfile.TemporaryDirectory() as directory:
        sides = measure(options, directory)
    settings = f" ({', '.join(options.set)})" if options.set else ""
    print(f"{facts['date']}, {facts['cpu']} ({facts['isa']}, {facts['cores']} cores), {facts['system']}, incept "
          f"{facts['commit']}. {os.path.basename(options.spec)}{settings}, {options.mode}, batch {options.batch}, {options.threads} "
          f"threads, f32; medians of {options.rounds} rounds of {options.steps} in turns; load average {facts['load_average']} at the "
          f"start, {os.getloadavg()[0]:.1f} at the end.\n")
    print("\n".join(table(sides)))


if __name__ == "__main__":
    main()
