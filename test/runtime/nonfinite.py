# SPDX-License-Identifier: Apache-2.0
"""nonfinite.py INCEPT DIRECTORY [--runner PROGRAM] [compile options]: weights that overflow in one known op, and images of
which one alone does."""
import argparse
import array
import glob
import json
import os
import re
import struct
import subprocess

import tensors

parser = argparse.ArgumentParser()
parser.add_argument("incept")
parser.add_argument("directory")
parser.add_argument("--runner", help="what runs the program")
options, compiling = parser.parse_known_args()
SPEC = """network tiny() {
  input 1 x 4 x 4, mean = 0, std = 1
  first: conv 3x3, 4, batch_norm = false
  second: conv 3x3, 4, batch_norm = false
  global_avg_pool
  classifier: linear 2
  training {
    optimizer = sgd(momentum = 0.9)
    learning_rate = constant(base = 0.01)
  }
}
"""
BATCH, IMAGES, BRIGHT = 4, 32, 13
path = lambda name: os.path.join(options.directory, name)


def write(name, data):
    with open(path(name), "wb") as file:
        file.write(data)


def run(*arguments, status=0):
    command = ([options.runner] if options.runner else []) + [path("tiny"), *arguments]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == status, (arguments, result.returncode, result.stdout, result.stderr)
    return result.stderr


def load(name):
    return tensors.load(path(name))


def save(name, values):
    tensors.save(path(name), values)


def filled(tensor, value):
    kind, shape, values = tensor
    return kind, shape, array.array("f", [value] * len(values))


def finite(name):
    return all(abs(value) < 1e39 for _, _, values in load(name).values() for value in values)


# Black images, but for one.
pixels = b"".join(bytes([200 if i == BRIGHT else 0]) * 16 for i in range(IMAGES))
os.makedirs(path("data"))
write("data/train-images-idx3-ubyte", struct.pack(">4I", 0x803, IMAGES, 4, 4) + pixels)
write("data/train-labels-idx1-ubyte", struct.pack(">2I", 0x801, IMAGES) + bytes(i % 2 for i in range(IMAGES)))
write("tiny.incept", SPEC.encode())
subprocess.run([options.incept, "compile", path("tiny.incept"), f"--batch-size={BATCH}", "--threads=1", "-o", path("tiny")] + compiling, check=True)
run("init", "--output=" + path("init"))
data, normal = "--data=idx:" + path("data"), load("init")

# From weights that overflow for what is not black: the second convolution, in the step of the bright image.
large = dict(normal)
large["first.weight"] = filled(normal["first.weight"], 1e20)
large["second.weight"] = filled(normal["second.weight"], 1e30)
save("large", large)
stopped = ["train", data, "--epochs=1", "--weights=" + path("large")]
error = run(*stopped, "--log=" + path("stop.jsonl"), "--checkpoint-dir=" + path("stop"), "--checkpoint-steps=1", status=1)
with open(path("stop.jsonl"), encoding="utf-8") as file:
    last = [json.loads(line) for line in file][-1]
step = last["step"]
assert last["loss"] is None, last
assert f"the loss is not finite at step {step}; the first such value came at step {step} from 'second' ({path('tiny.incept')}:4:" in error, error
assert ("is finite: --resume" in error) == (step > 0), error
kept = [name for name in glob.glob(path("stop") + "/step-*.safetensors")]
assert len(kept) == min(step, 3), kept
assert all(finite(os.path.join("stop", os.path.basename(name))) for name in kept)
# Without checkpoints the run is made again from its beginning.
again = run(*stopped, status=1)
assert f"came at step {step} from 'second'" in again, again

# Left out, once in each epoch, and everything else is as if it had not been there.
notes = run("train", data, "--epochs=2", "--weights=" + path("large"), "--on-nonfinite=skip", "--log=" + path("skip.jsonl"),
            "--save=" + path("skipped"))
with open(path("skip.jsonl"), encoding="utf-8") as file:
    lines = [json.loads(line) for line in file]
left_out = [line["step"] for line in lines if line.get("left_out")]
assert len(lines) == 2 * IMAGES // BATCH and len(left_out) == 2 and left_out[0] == step, lines
assert [line["step"] for line in lines if line["loss"] is None] == left_out, lines
for number in left_out:
    assert f"step {number} is left out: its loss is not finite; the first such value came at step {number} from 'second'" in notes, notes
assert "2 steps were left out" in notes and "keeps a copy of" in notes, notes
assert finite("skipped")
assert load("skipped")["classifier.bias"] != large["classifier.bias"]
assert load("skipped")["second.weight"] == load("large")["second.weight"]  # black images have no gradient

# Too many in a row: an error, with a checkpoint.
error = run("train", data, "--epochs=2", "--weights=" + path("large"), "--on-nonfinite=skip", "--max-skipped=0",
            "--checkpoint-dir=" + path("many"), status=1)
assert f"more than 0 steps in a row are left out (--max-skipped); step {step}: its loss" in error, error
assert finite(os.path.join("many", f"step-{step + 1}.safetensors"))

# A step whose loss is finite, and whose update is not, is found too.
os.makedirs(path("bright"))
write("bright/train-images-idx3-ubyte", struct.pack(">4I", 0x803, IMAGES, 4, 4) + bytes([200]) * 16 * IMAGES)
write("bright/train-labels-idx1-ubyte", struct.pack(">2I", 0x801, IMAGES) + bytes(i % 2 for i in range(IMAGES)))
steep = dict(normal)
for key in ("first.weight", "second.weight"):
    steep[key] = filled(normal[key], 1e5)
save("steep", steep)
overflow = ["train", "--data=idx:" + path("bright"), "--steps=8", "--weights=" + path("steep"), "--set=learning_rate=3e38"]
error = run(*overflow, status=1)
found = re.search("the loss is not finite at step (.*); the first such value came at step (.*) from ", error)
assert found and int(found[1]) == int(found[2]) + 1, error
notes = run(*overflow, "--on-nonfinite=skip", "--max-skipped=8")
assert f"step {found[2]} is left out: the weights after it are not finite; the first such value came at step {found[2]} from " in notes, notes
