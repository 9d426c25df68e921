# SPDX-License-Identifier: Apache-2.0
"""A row of scripts/gpu-check.sh: gpu_check.py PROGRAM CPU_PROGRAM STEPS UNDER. Exit status 1 where the two disagree."""
import array
import filecmp
import json
import math
import os
import shlex
import struct
import subprocess
import sys
import tempfile

# Largest error of the loss, relative, and of a tensor (|a - b| over |a|, Euclidean): what rounding in a deep network
# makes of gradients stays below, what a wrong kernel does is of the order of 1.
TOLERANCES = {"f32": (1e-4, 2e-2), "f16": (1e-2, 0.25), "bf16": (5e-2, 0.6)}
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


def widen(bits, kind):
    """A bf16 or f16 number from its 16 bits."""
    return struct.unpack("<e" if kind == "F16" else "<f",
                         struct.pack("<H", bits) if kind == "F16" else struct.pack("<I", bits << 16))[0]


def read(path):
    """The floating-point tensors of a safetensors file."""
    with open(path, "rb") as file:
        data = file.read()
    (length,) = struct.unpack_from("<Q", data)
    result = {}
    for name, entry in json.loads(data[8:8 + length]).items():
        if name == "__metadata__" or entry["dtype"] not in ("F32", "F16", "BF16"):
            continue
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        if entry["dtype"] == "F32":
            result[name] = array.array("f", data[begin:end])
        else:
            result[name] = array.array("f", (widen(bits, entry["dtype"]) for bits in array.array("H", data[begin:end])))
    return result


def tame(path):
    """Gives batch norms scales around 0.5 and shifts around 0.75. With those of a fresh network, 1 and 0, half of all ReLUs
    lie near their threshold, and a deep network makes a difference of one rounding as large as its gradients."""
    with open(path, "rb") as file:
        data = bytearray(file.read())
    (length,) = struct.unpack_from("<Q", data)
    header, tensors = json.loads(data[8:8 + length]), data[8 + length:]
    # The checksum is of the bytes before.
    for key in "incept.checksum", "incept.checksum_kind":
        header["__metadata__"].pop(key, None)
    for name, entry in header.items():
        middle = {".bn.weight": 0.5, ".bn.bias": 0.75}.get("." + ".".join(name.split(".")[-2:]))
        if middle is None:
            continue
        begin, end = entry["data_offsets"]
        values = array.array("f", (middle + 0.2 * math.sin(i) for i in range((end - begin) // 4)))
        tensors[begin:end] = values.tobytes()
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + tensors)


def write_batch(path, info):
    """Images and labels that every machine makes alike."""
    shape = [info["batch_size"], *info["image"]]
    count = math.prod(shape)
    state, values = 1, array.array("f")
    for _ in range(count):
        state = state * 1664525 + 1013904223 & 0xFFFFFFFF
        values.append(state / 2**31 - 1)
    labels = array.array("q", [row * 7 % info["classes"] for row in range(shape[0])])
    header = json.dumps({"images": {"dtype": "F32", "shape": shape, "data_offsets": [0, 4 * count]},
                         "labels": {"dtype": "I64", "shape": shape[:1],
                                    "data_offsets": [4 * count, 4 * count + 8 * shape[0]]}}).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(header)) + header + values.tobytes() + labels.tobytes())


def size(values):
    return math.sqrt(math.fsum(a * a for a in values) / max(len(values), 1))


def error(expected, got, floor):
    """The Euclidean distance relative to the expected values' norm; infinite where lengths or finiteness differ. What
    is zero but for rounding, such as the gradient of a bias before batch norm, counts as values of `floor`."""
    if len(expected) != len(got):
        return math.inf
    norm = math.sqrt(max(math.fsum(a * a for a in expected), floor * floor * len(expected)))
    distance = math.sqrt(math.fsum((a - b) * (a - b) for a, b in zip(expected, got)))
    if not math.isfinite(distance):
        return math.inf
    return distance / norm


def main():
    program, cpu, steps, under = sys.argv[1:]
    for path in program, cpu:
        if not os.access(path, os.X_OK):
            sys.exit(f"gpu-check.sh: error: expected a program '{path}'")
    device, host = [*shlex.split(under), os.path.abspath(program)], [os.path.abspath(cpu)]
    info, other = json.loads(run(device, "info", "--json")), json.loads(run(host, "info", "--json"))
    for key in "network", "batch_size", "image", "classes", "parameters":
        if info[key] != other[key]:
            sys.exit(f"gpu-check.sh: error: '{program}' and '{cpu}' differ in {key}: {info[key]}, {other[key]}")
    with tempfile.TemporaryDirectory() as folder:
        path = lambda name: os.path.join(folder, name)
        write_batch(path("batch"), info)
        run(host, "init", "--seed=1", "--output=" + path("weights"))
        tame(path("weights"))
        for command, name in (device, "gpu"), (host, "cpu"):
            run(command, "step", "--weights=" + path("weights"), "--batch=" + path("batch"), "--output=" + path(name))
        expected, got = read(path("cpu")), read(path("gpu"))
        # The second step of a run is one launch of a graph, unless each launch is made alone: the same bits, twice.
        for name, words in ("graph", ""), ("direct", "direct"):
            run(device, "step", "--weights=" + path("weights"), "--batch=" + path("batch"), "--steps=2",
                "--output=" + path(name), INCEPT_CUDA=words)
        repeats = filecmp.cmp(path("graph"), path("direct"), False)
    scale = LOSS_SCALE.get(info["precision"], 1)
    for name in got:
        if name.startswith("grad/"):
            got[name] = array.array("f", (value / scale for value in got[name]))
    largest = max((size(values) for name, values in expected.items() if name.startswith("grad/")), default=0)
    floors = {name: largest / 10 if name.startswith("grad/") else 1e-6 for name in expected}
    errors = {name: error(values, got.get(name, []), floors[name]) for name, values in expected.items()}
    loss, (of_loss, of_tensors) = errors.pop("loss"), TOLERANCES[info["precision"]]
    errors.pop("losses", None)
    worst = max(errors, key=errors.get)
    good = loss <= of_loss and errors[worst] <= of_tensors
    timing = json.loads(run(device, "bench", "--steps=" + steps, "--json"))
    print(f"{os.path.basename(program):24} {info['precision']:5} {expected['loss'][0]:10.6f} {got['loss'][0]:10.6f} "
          f"{errors[worst]:9.2e}  {worst:40} {timing['step_ms']:10.3f} {timing['images_per_second']:11.1f}  "
          f"{'DISAGREES' if not good else 'agrees' if repeats else 'NOT REPEATABLE'}", flush=True)
    return 0 if good and repeats else 1


if __name__ == "__main__":
    sys.exit(main())
