# SPDX-License-Identifier: Apache-2.0
"""What `eval` counts, computed here from the scores that `predict` gives for the same images: usage
eval_counts.py PROGRAM WEIGHTS DIRECTORY MEAN STD. The last batch is not whole."""
import array
import json
import math
import os
import random
import struct
import subprocess
import sys

program, weights, directory = sys.argv[1:4]
mean, std = map(float, sys.argv[4:6])
count, classes = 37, 10
dice = random.Random(11)
pixels = bytes(dice.randrange(256) for _ in range(count * 784))
labels = bytes(dice.randrange(classes) for _ in range(count))
path = lambda name: os.path.join(directory, name)


def write(name, data):
    with open(path(name), "wb") as file:
        file.write(data)


os.makedirs(path("eval-data"), exist_ok=True)
write("eval-data/t10k-images-idx3-ubyte", struct.pack(">IIII", 0x803, count, 28, 28) + pixels)
write("eval-data/t10k-labels-idx1-ubyte", struct.pack(">II", 0x801, count) + labels)
values = array.array("f", [(pixel / 255 - mean) / std for pixel in pixels]).tobytes()
header = json.dumps({"images": {"dtype": "F32", "shape": [count, 1, 28, 28], "data_offsets": [0, len(values)]}}).encode()
write("images.safetensors", struct.pack("<Q", len(header)) + header + values)

subprocess.run([program, "predict", "--weights=" + weights, "--input=" + path("images.safetensors"),
                "--output=" + path("scores.safetensors")], check=True, stdout=subprocess.DEVNULL)
with open(path("scores.safetensors"), "rb") as file:
    data = file.read()
(length,) = struct.unpack_from("<Q", data)
entry = json.loads(data[8:8 + length])["logits"]
assert entry["shape"] == [count, classes], entry
logits = array.array("f", data[8 + length:][slice(*entry["data_offsets"])])
rows = [logits[i * classes:(i + 1) * classes] for i in range(count)]
for row in rows:  # the two ways of normalizing cannot change the order of scores that are so far apart
    ordered = sorted(row)
    assert min(b - a for a, b in zip(ordered, ordered[1:])) > 1e-6 * max(map(abs, logits)), row
ranks = [sum(score > row[label] for score in row) for row, label in zip(rows, labels)]
top1, top5 = (sum(rank < most for rank in ranks) / count for most in (1, 5))
loss = sum(math.log(sum(map(math.exp, row))) - row[label] for row, label in zip(rows, labels)) / count
assert 0 < top1 < top5 < 1, "a count that says nothing"

evaluate = [program, "eval", "--data=idx:" + path("eval-data"), "--weights=" + weights]
line = json.loads(subprocess.run([*evaluate, "--json"], check=True, stdout=subprocess.PIPE).stdout)
assert line["images"] == count, line
assert abs(line["top1"] - top1) < 1e-6 and abs(line["top5"] - top5) < 1e-6, (line, top1, top5)
assert abs(line["loss"] - loss) < 1e-4 * loss, (line, loss)
text = subprocess.run(evaluate, check=True, stdout=subprocess.PIPE, text=True).stdout
expected = "top-1 accuracy %.2f %%, top-5 accuracy %.2f %%, loss %.4f on %d images\n"
assert text.startswith(expected % (100 * top1, 100 * top5, line["loss"], count)), text
# The second line has the intervals: Wilson's, by hand.
def wilson(share):
    z, n = 1.959963984540054, count
    center, reach = share + z * z / (2 * n), z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return [(center - reach) / (1 + z * z / n), (center + reach) / (1 + z * z / n)]


for share, interval in (top1, line["top1_interval"]), (top5, line["top5_interval"]):
    assert all(abs(a - b) < 1e-6 for a, b in zip(wilson(share), interval)), (share, interval)
low, high = line["top1_interval"]
assert text.splitlines()[1].startswith("95 %% intervals: top-1 %.2f to %.2f %%, top-5 " % (100 * low, 100 * high)), text
