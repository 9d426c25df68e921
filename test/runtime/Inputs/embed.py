# SPDX-License-Identifier: Apache-2.0
"""Compares what embed.c and classify.py get of a library with what the same network's program predicts.

Usage: embed.py DIRECTORY CLASSIFY BARE_LIBRARY [GPU_LIBRARY GPU_PROGRAM GPU_EMBED]: those
under the simulator too."""
import array
import ctypes
import json
import os
import random
import struct
import subprocess
import sys

from png import png

directory, classify, bare, *gpu = sys.argv[1:]
path = lambda name: os.path.join(directory, name)
IMAGES, CHANNELS, SIZE, CLASSES = 5, 3, 16, 7


def run(*command, status=0):
    result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert result.returncode == status, (command, result)
    return result


def read(name):
    """The bytes of the only tensor of a safetensors file."""
    with open(path(name), "rb") as file:
        data = file.read()
    return data[8 + struct.unpack("<Q", data[:8])[0]:]


for seed, name in enumerate(("one", "two")):
    run(path("trained"), "init", f"--seed={seed}", "--output=" + path(name))

generator = random.Random(1)
data = array.array("f", (generator.gauss(0, 1) for _ in range(IMAGES * CHANNELS * SIZE * SIZE))).tobytes()
with open(path("bare-images"), "wb") as file:
    file.write(data)
header = json.dumps({"images": {"dtype": "F32", "shape": [IMAGES, CHANNELS, SIZE, SIZE],
                                "data_offsets": [0, len(data)]}}).encode()
with open(path("images"), "wb") as file:
    file.write(struct.pack("<Q", len(header)) + header + data)

# The same bits from C.
run(path("map"), "init", "--output=" + path("of-map"))
embed = [path("embed"), path("one"), path("two"), path("bare-images"), path("scores")]
assert run(*embed, path("libmap.so"), path("of-map")).stdout == "all is well\n"
expected = b""
for name in ("one", "two"):
    run(path("program"), "predict", "--weights=" + path(name), "--input=" + path("images"), "--output=" + path("logits"))
    expected += read("logits")
with open(path("scores"), "rb") as file:
    scores = file.read()
assert len(scores) == 2 * IMAGES * CLASSES * 4 and scores == expected

# The same lines from Python, of pictures that have to be cut and resized.
pictures = []
for index in range(3):
    height, width = 20 + 10 * index, 33
    pictures.append(path(f"{index}.png"))
    with open(pictures[-1], "wb") as file:
        file.write(png(width, height, 3, generator.randbytes(3 * width * height)))
library = path("libnet.so")
mine = run(sys.executable, classify, library, path("one"), *pictures).stdout
assert mine == run(path("program"), "predict", "--weights=" + path("one"), *pictures).stdout and mine.count("\n") == 3, mine

# Scores of each pixel.
run(path("map"), "predict", "--weights=" + path("of-map"), "--input=" + path("images"), "--output=" + path("logits"))
sys.path.append(os.path.dirname(classify))
from classify import Network
with Network(path("libmap.so"), path("of-map")) as network:
    shape = network.shape
    assert (shape.classes, shape.score_height, shape.score_width) == (7, 8, 8), list(shape)
    scores = (ctypes.c_float * (IMAGES * 7 * 8 * 8))()
    network.call("incept_run", network.handle, ctypes.c_int64(IMAGES), data, scores)
    assert bytes(scores) == read("logits")

# The library is found again after the folder has changed.
here = os.getcwd()
os.chdir(directory)
relative = ctypes.CDLL("./libmap.so")
os.chdir("/")
handle = ctypes.c_void_p()
assert relative.incept_load(path("of-map").encode(), 0, 0, ctypes.byref(handle), None, ctypes.c_size_t(0)) == 0
relative.incept_free(handle)
os.chdir(here)

# What cannot be done.
for arguments, words in [((library, path("missing"), pictures[0]), "cannot read"),
                         ((library, path("one"), path("missing.png")), "cannot read"),
                         ((library, path("one"), classify), "expected a JPEG or PNG file"),
                         ((library, pictures[0], pictures[0]), "0.png"),
                         ((path("libmap.so"), path("of-map"), pictures[0]), "but it scores 8x8 pixels"),
                         ((bare, path("one"), pictures[0]), "this file holds no program: make one with incept compile")]:
    result = run(sys.executable, classify, *arguments, status=1)
    assert result.stderr.startswith("classify.py: error: ") and words in result.stderr, result
    assert result.stderr.count("\n") == 1, result
assert run(path("classify"), path("of-map"), pictures[0], status=1).stderr == (
    "classify: error: expected a network that gives a picture one class, but it scores 8x8 pixels\n")

# Nothing but the interface is there for others to see.
symbols = run("nm", "--dynamic", "--defined-only", library).stdout.split("\n")[:-1]
names = sorted(line.split()[-1] for line in symbols)
assert names == ["incept_class_name", "incept_free", "incept_load", "incept_output_count", "incept_output_name",
                 "incept_read_picture", "incept_run", "incept_run_outputs", "incept_run_pixels",
                 "incept_run_pixels_outputs", "incept_shape_of"], names

# A library for a GPU says what its program says, too, and several threads may call it.
if gpu:
    library, program, caller = gpu
    lines = run("incept-sim", "--device=h100", sys.executable, classify, library, path("one"), *pictures).stdout
    assert lines == run("incept-sim", program, "predict", "--weights=" + path("one"), *pictures).stdout, lines
    assert lines.count("%") == 15, lines
    assert run("incept-sim", "--device=h100", caller, *embed[1:]).stdout == "all is well\n"
