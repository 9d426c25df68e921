# SPDX-License-Identifier: Apache-2.0
"""Rows of scripts/gpu-check.sh: gpu_check.py PROGRAM STEPS OUTPUT UNDER. Where PROGRAM.cpu lies beside the program, their
steps are compared; every program is timed, launch by launch too. Exit status 1 where two disagree.

How far two right steps may lie apart depends on the network: rounding differences grow from layer to layer. So the CPU's
step is done again with images and weights that are moved by half a unit in the last place of the program's type, and what
that does to a tensor is the measure of it."""
import filecmp
import json
import math
import os
import shlex
import struct
import subprocess
import sys
import tempfile

try:
    import numpy
except ImportError:
    sys.exit("gpu-check.sh: error: python3 has no numpy: install it (python3-numpy)")

# Half a unit in the last place, relative.
HALF_ULP = {"f32": 2.0**-24, "f16": 2.0**-11, "bf16": 2.0**-8}
# A tensor may be so many times as far away as with moved inputs, which round once where a step rounds at every layer;
# and its own elements are rounded. Right programs reach 2.4 times.
MOST = 4
# How often inputs are moved.
MOVED = 2
# What one ReLU with an input near zero does to a small gradient when it goes the other way, about; whether one does is
# chance.
FLIPPED = 0.02
# With f16 the gradients of a first step are of the loss times this.
LOSS_SCALE = {"f16": 65536}

told = set()


def run(command, *arguments, **environment):
    """Output of a command that has to succeed. What programs say of the card and of plans is passed on, once."""
    result = subprocess.run([*command, *arguments], capture_output=True, text=True, env={**os.environ, **environment})
    if result.returncode != 0:
        sys.exit(f"gpu-check.sh: error: {' '.join(command)} {arguments[0]}: {result.stderr.strip()}")
    for line in result.stderr.splitlines():
        if ": note: " in line and line not in told:
            told.add(line)
            print(line, file=sys.stderr, flush=True)
    return result.stdout


class Tensors:
    """The tensors of a safetensors file as arrays by name; what is written has no checksum any more."""

    def __init__(self, path):
        with open(path, "rb") as file:
            data = file.read()
        (length,) = struct.unpack_from("<Q", data)
        self.header = json.loads(data[8:8 + length])
        for key in "incept.checksum", "incept.checksum_kind":
            self.header.get("__metadata__", {}).pop(key, None)
        self.bytes = bytearray(data[8 + length:])
        kinds = {"F32": numpy.float32, "F16": numpy.float16, "BF16": numpy.uint16}
        self.arrays = {}
        for name, entry in self.header.items():
            if entry.get("dtype") in kinds:
                begin, end = entry["data_offsets"]
                self.arrays[name] = numpy.frombuffer(memoryview(self.bytes)[begin:end], kinds[entry["dtype"]])

    def values(self, name):
        array = self.arrays[name]
        if self.header[name]["dtype"] == "BF16":
            array = (array.astype(numpy.uint32) << 16).view(numpy.float32)
        return array.astype(numpy.float64)

    def write(self, path):
        text = json.dumps(self.header).encode()
        text += b" " * (-len(text) % 8)
        with open(path, "wb") as file:
            file.write(struct.pack("<Q", len(text)) + text + self.bytes)


def is_batch_norm(name):
    return ".bn." in "." + name


def tame(tensors):
    """Gives batch norms scales around 0.5 and shifts around 0.75. With those of a fresh network, 1 and 0, half of all ReLUs
    lie near their threshold, and a deep network makes a difference of one rounding as large as its gradients."""
    for name, array in tensors.arrays.items():
        middle = {".bn.weight": 0.5, ".bn.bias": 0.75}.get("." + ".".join(name.split(".")[-2:]))
        if middle is not None:
            array[:] = middle + 0.2 * numpy.sin(numpy.arange(array.size))


def move(tensors, half_ulp, seed):
    """Moves what the program's type cannot hold exactly: images and weights, which the program rounds."""
    random = numpy.random.default_rng(seed)
    for name, array in tensors.arrays.items():
        if name == "images" or name.endswith(".weight") and not is_batch_norm(name):
            array *= 1 + half_ulp * random.uniform(-1, 1, array.size)


def write_batch(path, info):
    """Images and labels that every machine makes alike."""
    shape = [info["batch_size"], *info["image"]]
    images = numpy.random.Generator(numpy.random.PCG64(1)).random(math.prod(shape), numpy.float32) * 2 - 1
    labels = numpy.arange(shape[0], dtype=numpy.int64) * 7 % info["classes"]
    header = json.dumps({"images": {"dtype": "F32", "shape": shape, "data_offsets": [0, images.nbytes]},
                         "labels": {"dtype": "I64", "shape": shape[:1],
                                    "data_offsets": [images.nbytes, images.nbytes + labels.nbytes]}}).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(header)) + header + images.tobytes() + labels.tobytes())


def results(path, weights, scale=1):
    """What a step gives: loss, logits, gradients; of variables how far they have moved, and the norms of their new values,
    which are rounded to f32."""
    output = Tensors(path)
    values = {name: output.values(name) for name in output.arrays if name != "losses"}
    norms = {}
    for name in values:
        if name.startswith("grad/"):
            values[name] /= scale
        elif name in weights.arrays:
            norms[name] = norm(values[name])
            values[name] = values[name] - weights.values(name)
    return values, norms


def norm(values):
    return math.sqrt(numpy.dot(values, values))


def kind(name):
    return "grad" if name.startswith("grad/") else name.split(".")[-1]


def scales(expected):
    """By name the norm that differences are relative to. What is zero but for rounding, such as the gradient of a bias
    before batch norm, counts as a tenth of the largest of its kind."""
    largest = {}
    for name, values in expected.items():
        largest[kind(name)] = max(largest.get(kind(name), 1e-30), norm(values) / math.sqrt(max(values.size, 1)))
    return {name: max(norm(values), largest[kind(name)] / 10 * math.sqrt(values.size), 1e-30)
            for name, values in expected.items()}


def distance(expected, got):
    """The Euclidean one; infinite where lengths or finiteness differ."""
    result = norm(expected - got) if got is not None and expected.shape == got.shape else math.inf
    return result if math.isfinite(result) else math.inf


def compare(program, cpu, info, device, host):
    """A dictionary of what differs."""
    other = json.loads(run(host, "info", "--json"))
    for key in "network", "batch_size", "image", "classes", "parameters":
        if info[key] != other[key]:
            sys.exit(f"gpu-check.sh: error: '{program}' and '{cpu}' differ in {key}: {info[key]}, {other[key]}")
    half_ulp = HALF_ULP[info["precision"]]
    with tempfile.TemporaryDirectory() as folder:
        path = lambda name: os.path.join(folder, name)

        def step(command, name, inputs="", **environment):
            run(command, "step", "--weights=" + path("weights" + inputs), "--batch=" + path("batch" + inputs),
                "--output=" + path(name), *environment.pop("options", []), **environment)
            return path(name)

        write_batch(path("batch"), info)
        run(host, "init", "--seed=1", "--output=" + path("weights"))
        weights = Tensors(path("weights"))
        tame(weights)
        weights.write(path("weights"))
        expected, norms = results(step(host, "cpu"), weights)
        got, _ = results(step(device, "gpu"), weights, LOSS_SCALE.get(info["precision"], 1))
        scale, moved = scales(expected), dict.fromkeys(expected, 0)
        for seed in range(MOVED):
            for name in "batch", "weights":
                inputs = Tensors(path(name))
                move(inputs, half_ulp, seed)
                inputs.write(path(name + ".moved"))
            there, _ = results(step(host, "moved", ".moved"), inputs)
            for name in moved:
                moved[name] = max(moved[name], distance(expected[name], there.get(name)) / scale[name])
        # The second step of a run is one launch of a graph, unless each launch is made alone: the same bits, twice.
        graph = step(device, "graph", options=["--steps=2"], INCEPT_CUDA="")
        direct = step(device, "direct", options=["--steps=2"], INCEPT_CUDA="direct")
        repeats = filecmp.cmp(graph, direct, False)
    found = {name: distance(values, got.get(name)) / scale[name] for name, values in expected.items()}
    rounding = {name: half_ulp + HALF_ULP["f32"] * norms.get(name, 0) / scale[name] for name in found}
    limits = {name: max(MOST * (moved[name] + rounding[name]), 0 if name in ("loss", "logits") else FLIPPED)
              for name in found}
    excess = {name: found[name] / limits[name] for name in found}
    worst = max(excess, key=excess.get)
    return {"cpu_loss": float(expected["loss"][0]), "gpu_loss": float(got["loss"][0]), "worst": worst,
            "error": found[worst], "moved": moved[worst],
            "verdict": "DISAGREES" if excess[worst] > 1 else "agrees" if repeats else "NOT REPEATABLE"}


def print_profile(timing):
    """Measured time by kernel or plan, longest first, beside what bytes and operations take at the card's peaks."""
    shown = 12
    kinds = sorted(timing["profile"]["kinds"], key=lambda row: -row["ms"])
    add = lambda rows: {key: sum(row[key] for row in rows) for key in ("launches", "ms", "bound_ms")}
    rest = {"name": f"{len(kinds) - shown} others", **add(kinds[shown:])}
    everything = {"name": "all launches, one after the other", **add(kinds)}
    for row in kinds[:shown] + [rest] * (len(kinds) > shown) + [everything]:
        print(f"  {row['name'][:60]:60} {row['launches']:6} launches {row['ms']:9.3f} ms, at peak {row['bound_ms']:9.3f}")


def main():
    program, steps, output, under = sys.argv[1:]
    cpu = program + ".cpu"
    if not os.access(program, os.X_OK):
        sys.exit(f"gpu-check.sh: error: expected a program '{program}'")
    device, host = [*shlex.split(under), os.path.abspath(program)], [os.path.abspath(cpu)]
    info = json.loads(run(device, "info", "--json"))
    # Without a twin it is timed alone.
    row = compare(program, cpu, info, device, host) if os.access(cpu, os.X_OK) else {}
    timing = json.loads(run(device, "bench", "--steps=" + steps, "--json"))
    text = "{cpu_loss:10.6f} {gpu_loss:10.6f} {error:9.2e} {moved:9.2e}  {worst:40}".format(**row) if row else " " * 83
    print(f"{os.path.basename(program):24} {info['precision']:5} {text} {timing['step_ms']:10.3f} "
          f"{timing['images_per_second']:11.1f}  {row.get('verdict', '')}".rstrip(), flush=True)
    if output:
        timed = json.loads(run(device, "bench", "--steps=" + steps, "--profile", "--launches", "--json"))
        print_profile(timed)
        with open(os.path.join(output, os.path.basename(program) + ".json"), "w") as file:
            json.dump({"info": info, "comparison": row, "timing": timing, "profile": timed["profile"]}, file, indent=1)
    return 0 if row.get("verdict", "agrees") == "agrees" else 1


if __name__ == "__main__":
    sys.exit(main())
