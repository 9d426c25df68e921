#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Final accuracies of a network with direct and with fast convolutions.

Trains the same network from the same seeds both ways, in turns, and evaluates what comes out: a table with a row for each
seed, the mean difference and its standard error. One training more or less decides nothing: two seeds of one program differ
too. Exit status 1 where the mean difference is --limit or more by its standard error at least.
"""
import argparse
import concurrent.futures
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile

from compare import ROOT, fail

SIDES = ("direct", "fast")


def run(command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["it printed nothing"])[-1]
        fail(f"{' '.join(command[:2])} ended with status {done.returncode}: {last}")
    return done


def compile_program(options, directory, side):
    """The program, and how many of its convolutions and gradients are by tiles."""
    program = os.path.join(directory, side)
    done = run([options.incept, "compile", options.spec, f"--batch-size={options.batch}", f"--threads={options.threads}",
                f"--convolutions={side}", "--explain", "-o", program, *(f"--set={word}" for word in options.set)])
    return program, done.stderr.count(": convolve_tiles") + done.stderr.count(": correlate_tiles")


def accuracy(options, program, seed, directory):
    """In per cent, after a training of its own."""
    weights = os.path.join(directory, f"{os.path.basename(program)}-{seed}.weights")
    run([program, "train", f"--data={options.data}", f"--epochs={options.epochs}", f"--seed={seed}", f"--save={weights}"])
    done = run([program, "eval", f"--data={options.data}", f"--weights={weights}", "--json"])
    result = 100 * json.loads(done.stdout.splitlines()[0])["top1"]
    print(f"seed {seed}, {os.path.basename(program)}: {result:.2f} %", file=sys.stderr, flush=True)
    return result


def table(rows):
    """Lines of Markdown, the mean difference, and its standard error, 0 of one seed; rows: (seed, direct, fast)."""
    differences = [fast - direct for _, direct, fast in rows]
    mean, error = statistics.mean(differences), 0
    lines = ["| seed | direct, % | fast, % | fast - direct |", "|---|---|---|---|"]
    lines += [f"| {seed} | {direct:.2f} | {fast:.2f} | {fast - direct:+.2f} |" for seed, direct, fast in rows]
    means = [statistics.mean(row[side] for row in rows) for side in (1, 2)]
    lines.append(f"| mean | {means[0]:.2f} | {means[1]:.2f} | {mean:+.2f} |")
    if len(rows) > 1:
        error = statistics.stdev(differences) / math.sqrt(len(rows))
        spread = [statistics.stdev(row[side] for row in rows) for side in (1, 2)]
        lines += ["", f"Standard error of the mean difference {error:.2f}; standard deviation between seeds "
                  f"{spread[0]:.2f} with direct, {spread[1]:.2f} with fast convolutions."]
    return lines, mean, error


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--spec", default=os.path.join(ROOT, "specs", "inception_mini.incept"), help="architecture file")
    parser.add_argument("--set", action="append", default=[], help="the compiler's: NAME=VALUE")
    parser.add_argument("--data", default="idx:/usr/share/datasets/fashion-mnist", help="a program's --data")
    parser.add_argument("--seeds", default="1,2,3", help="numbers with commas between (1,2,3)")
    parser.add_argument("--epochs", type=float, default=3, help="of each training (3)")
    parser.add_argument("--batch", type=int, default=64, help="images a step (64)")
    parser.add_argument("--threads", type=int, default=2, help="of both programs (2)")
    parser.add_argument("--jobs", type=int, default=1, help="trainings at once (1)")
    parser.add_argument("--limit", type=float, default=0.3, help="points that the mean may differ, with its standard error (0.3)")
    parser.add_argument("--incept", default=os.path.join(ROOT, "build/release/bin/incept"), help="the compiler")
    options = parser.parse_args()
    try:
        options.seeds = [int(seed) for seed in options.seeds.split(",")]
    except ValueError:
        parser.error(f"expected --seeds to be numbers with commas between, but got '{options.seeds}'")
    if len(set(options.seeds)) < len(options.seeds):
        parser.error(f"expected --seeds to be different numbers, but got '{','.join(map(str, options.seeds))}'")
    if min(options.batch, options.threads, options.jobs) < 1 or not (options.epochs > 0 and options.limit > 0):
        parser.error("expected --epochs, --batch, --threads, --jobs and --limit to be positive")
    if not os.path.exists(options.incept):
        fail(f"'{options.incept}' is not there: build it, or name it with --incept")
    return options


def main():
    options = parse_arguments()
    with tempfile.TemporaryDirectory() as directory:
        programs, tiles = zip(*(compile_program(options, directory, side) for side in SIDES))
        if not tiles[1]:
            fail(f"no convolution of '{options.spec}' is faster by tiles here: there is nothing to compare")
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            trained = [[pool.submit(accuracy, options, program, seed, directory) for program in programs]
                       for seed in options.seeds]
            try:
                rows = [(seed, *(side.result() for side in pair)) for seed, pair in zip(options.seeds, trained)]
            except BaseException:
                pool.shutdown(cancel_futures=True)  # else it does all the others first
                raise
    lines, mean, error = table(rows)
    print(f"{os.path.basename(options.spec)}, {tiles[1]} ops by tiles, {options.epochs:g} epochs, batch "
          f"{options.batch}, {options.threads} threads:\n")
    print("\n".join(lines))
    sys.exit(abs(mean) - error >= options.limit)


if __name__ == "__main__":
    main()
