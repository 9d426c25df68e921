#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How the time of each pass grows with the network.

Compiles one kind of network with more and more convolutions, from the description to launches, in one process per phase
road. A pass's time is its share of the process's processor time, the least of several rounds, so that a busy machine
changes little. The growth exponent is log(time ratio) / log(size ratio) between the two largest networks: 1 is linear,
n log n somewhat more, 2 quadratic. Exit status 1 where a pass grows faster than --max-exponent.
"""
import argparse
import json
import math
import os
import re
import resource
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PHASES = ["training", "fused", "layout", "planned", "exec"]
# Below so many seconds a time is noise; growth is judged only where it is some time at all.
NOISE_SECONDS, LEAST_SECONDS = 0.02, 0.1


def conv(kernel, **options):
    return {"conv": kernel, "filters": 16, **options}


def repeat(op, count):
    """An op may be repeated 1,000 times."""
    return [{**op, "repeat": min(1000, count - done)} for done in range(0, count, 1000)]


# Networks of about n convolutions on 16 channels.
NETWORKS = {
    "chain": lambda n: repeat(conv(3), n),
    "residual": lambda n: [conv(3), *repeat({"residual": [conv(3), conv(1, activation=None)]}, n // 2)],
    "inception": lambda n: repeat({"concat": {"a": [conv(1)], "b": [conv(1), conv(3)],
                                              "c": [{"avg_pool": 3, "padding": "same"}, conv(1)]}}, n // 4),
    "wide": lambda n: [{"concat": [[conv(3)] for _ in range(n)]}],
}


def numbers(text):
    return sorted({int(number) for number in text.split(",")})


def describe(network, n, optimizer):
    return {"network": network, "input": {"channels": 16, "height": 4, "width": 4},
            "layers": [*NETWORKS[network](n), "global_avg_pool", {"linear": 10}],
            "training": {"optimizer": {"kind": optimizer}, "weight_decay": 1e-4}}


def run(command):
    """Runs it; returns its standard error and processor time."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        print(f"passes.py: error: {' '.join(command[:2])} ended with status {done.returncode}:\n{done.stderr}",
              file=sys.stderr)
        sys.exit(3)
    return done.stderr, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def use_fake_target(graph):
    """Plans of a real target take time that is the library's."""
    with open(graph, "r+", encoding="utf-8") as file:
        text, count = re.subn(r"#incept\.target<[^>]*>", "#incept.target<fake>", file.read(), count=1)
        assert count == 1, "the graph names no target"
        file.seek(0)
        file.truncate()
        file.write(text)


def measure(graph, arguments):
    """Seconds of each pass on the network in the file `graph`, and of all."""
    passes = [f"--incept-to-{phase}" for phase in PHASES]
    passes[0] += f"=precision={arguments.precision}"
    report, seconds = run([os.path.join(arguments.bin, "incept-opt"), graph, *passes, "-o", os.devnull,
                           "--mlir-timing", "--mlir-timing-display=list", "--mlir-disable-threading"])
    walls = {name: float(wall) for wall, name in re.findall(r"^ *([0-9.]+) \( *[0-9.]+%\)  (\S.*)$", report, re.M)}
    total = walls.pop("Total")
    times = {name: wall / total * seconds for name, wall in walls.items() if name.endswith("Pass")}
    return {**times, "(all)": seconds}


def exponent(sizes, times):
    """Between the two largest sizes."""
    (small, least), (large, most) = sorted(zip(sizes, times))[-2:]
    return math.log(max(most, 1e-9) / max(least, 1e-9)) / math.log(large / small)


def growing(sizes, table, most):
    """Names of the passes that take a time worth speaking of and grow with an exponent above `most`."""
    return [name for name, times in table.items()
            if times[-1] >= LEAST_SECONDS and exponent(sizes, times) > most]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", choices=NETWORKS, default="chain")
    parser.add_argument("--sizes", type=numbers, default="400,1600,6400",
                        help="numbers of convolutions")
    parser.add_argument("--precision", choices=["f32", "bf16", "f16"], default="f32")
    parser.add_argument("--optimizer", default="sgd")
    parser.add_argument("--max-exponent", type=float, default=1.5)
    parser.add_argument("--rounds", type=int, default=1, help="at least so many; five times as many where growth is fast")
    parser.add_argument("--bin", default=os.path.join(ROOT, "build", "release", "bin"), help="where the tools are")
    arguments = parser.parse_args()
    sizes = arguments.sizes
    if len(sizes) < 2 or sizes[0] < 4:
        parser.error(f"expected at least two different sizes from 4 on, but got {sizes}")
    for tool in ("incept", "incept-opt"):
        path = os.path.join(arguments.bin, tool)
        if not os.path.exists(path):
            print(f"passes.py: error: '{path}' is not there: build it or name its folder with --bin", file=sys.stderr)
            sys.exit(3)

    with tempfile.TemporaryDirectory() as folder:
        graphs = [os.path.join(folder, f"{size}.mlir") for size in sizes]
        for size, graph in zip(sizes, graphs):
            with open(graph + ".json", "w", encoding="utf-8") as file:
                json.dump(describe(arguments.network, size, arguments.optimizer), file)
            run([os.path.join(arguments.bin, "incept"), "compile", graph + ".json", "--batch-size=2",
                 "--stop-after=graph", "-o", graph])
            use_fake_target(graph)
        table = {}
        for done in range(5 * arguments.rounds):
            if done >= arguments.rounds and not growing(sizes, table, arguments.max_exponent):
                break
            for index, graph in enumerate(graphs):
                for name, seconds in measure(graph, arguments).items():
                    times = table.setdefault(name, [math.inf] * len(sizes))
                    times[index] = min(times[index], seconds)

    print(f"{'seconds, ' + arguments.network:<32}" + "".join(f"{size:>10}" for size in sizes) + "  exponent")
    for name, times in sorted(table.items(), key=lambda entry: -entry[1][-1]):
        if times[-1] < 0.0005:
            continue
        grows = f"{exponent(sizes, times):10.2f}" if times[-1] >= NOISE_SECONDS else f"{'-':>10}"
        print(f"{name:<32}" + "".join(f"{seconds:10.3f}" for seconds in times) + grows)
    fast = growing(sizes, table, arguments.max_exponent)
    if fast:
        print(f"passes.py: error: {', '.join(fast)} grow with an exponent above {arguments.max_exponent:g}",
              file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
