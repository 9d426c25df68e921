# SPDX-License-Identifier: Apache-2.0
"""A program on pictures with masks that are made here: usage masks.py PROGRAM DIRECTORY."""
import json
import os
import random
import struct
import subprocess
import sys
import zlib

import tensors

program, directory = sys.argv[1:]
place = lambda *names: os.path.join(directory, *names)
CLASSES, VOID = 3, 255
COLORS = [(60, 60, 60), (190, 70, 60), (60, 80, 190)]


def png(width, height, kind, rows):
    chunk = lambda name, data: struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    header = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    palette = chunk(b"PLTE", bytes(range(256)) * 3) if kind == 3 else b""
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + palette + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def sample(number):
    """A rectangle of each class on the ground; the rectangles have borders that count for nothing."""
    draw = random.Random(number)
    width, height = draw.randrange(30, 60), draw.randrange(30, 60)
    mask = [[0] * width for _ in range(height)]
    for label in (1, 2):
        x, y = draw.randrange(width - 14), draw.randrange(height - 14)
        for row in range(y, y + 14):
            for column in range(x, x + 14):
                edge = row in (y, y + 13) or column in (x, x + 13)
                mask[row][column] = VOID if edge else label
    color = lambda label: bytes(min(255, max(0, c + draw.randrange(-15, 16))) for c in COLORS[label % VOID])
    image = [b"".join(color(label) for label in row) for row in mask]
    return png(width, height, 2, image), png(width, height, 3 if number % 2 else 0, [bytes(row) for row in mask])


def write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)


def read(name):
    with open(place(name), "rb") as file:
        return file.read()


def run(*arguments, status=0):
    result = subprocess.run([program, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
    assert result.returncode == status, (arguments, result)
    return result


for split, count in ("train", 24), ("val", 7):
    for number in range(count):
        image, mask = sample(number + 1000 * count)
        # The content says what a picture is, and masks lie under the same names.
        write(place("d", split, "images", "some", f"{number}.{'jpg' if number % 3 else 'png'}"), image)
        write(place("d", split, "masks", "some", f"{number}.png"), mask)

train = lambda name, *arguments, **options: run("train", "--data=" + place("d"), "--seed=3", "--save=" + place(name),
                                                *arguments, **options)
done = train("a", "--steps=36", "--log=" + place("log"))
assert "mean IoU" in done.stdout, done
lines = [json.loads(line) for line in read("log").decode().splitlines()]
steps, last = [line for line in lines if "loss" in line], lines[-1]
assert steps[-1]["loss"] < 0.5 * steps[0]["loss"], (steps[0], steps[-1])
assert last["test_accuracy"] > 0.9 and last["test_mean_iou"] > 0.5, last

# The same bits whatever the number of threads, and 10 steps, a checkpoint and 26 more.
train("b", "--steps=36", "--input-threads=3")
train("c", "--steps=10", "--checkpoint-dir=" + place("run"))
train("c", "--steps=36", "--checkpoint-dir=" + place("run"), "--resume")
assert read("a") == read("b") == read("c")
train("other", "--steps=36", "--augment=none")
assert read("other") != read("a")

# Evaluation, against what the logits of all pictures say.
report = json.loads(run("eval", "--data=" + place("d"), "--weights=" + place("a"), "--json",
                        "--per-class=" + place("table.csv")).stdout)
assert report["protocol"] == "tf, crop 1, bilinear" and report["images"] == 7, report
assert abs(report["pixel_accuracy"] - last["test_accuracy"]) < 1e-5, (report, last)
assert abs(report["mean_iou"] - last["test_mean_iou"]) < 1e-5, (report, last)
pictures = [place("d", "val", "images", "some", f"{n}.{'jpg' if n % 3 else 'png'}") for n in range(7)]
run("predict", "--weights=" + place("a"), "--output=" + place("logits"), *pictures)
*_, logits = tensors.load(place("logits"))["logits"]


def labels(number):
    """The mask's numbers at the middles of the network's pixels."""
    data = read(os.path.join("d", "val", "masks", "some", f"{number}.png"))
    width, height = struct.unpack(">II", data[16:24])
    at = data.index(b"IDAT")
    (size,) = struct.unpack(">I", data[at - 4:at])
    rows = zlib.decompress(data[at + 4:at + 4 + size])
    return [rows[((2 * y + 1) * height // 48) * (width + 1) + 1 + (2 * x + 1) * width // 64]
            for y in range(24) for x in range(32)]


counts = [[0] * CLASSES for _ in range(CLASSES)]
for number in range(7):
    for i, label in enumerate(labels(number)):
        scores = list(logits[(number * 768 + i) * CLASSES:(number * 768 + i + 1) * CLASSES])
        if label != VOID:
            counts[label][scores.index(max(scores))] += 1
pixels = sum(map(sum, counts))
right = [counts[k][k] for k in range(CLASSES)]
unions = [sum(counts[k]) + sum(row[k] for row in counts) - right[k] for k in range(CLASSES)]
assert report["pixels"] == pixels, (report, pixels)
assert abs(report["pixel_accuracy"] - sum(right) / pixels) < 1e-5, (report, counts)
assert abs(report["mean_iou"] - sum(r / u for r, u in zip(right, unions)) / CLASSES) < 1e-5, (report, counts)
table = read("table.csv").decode().splitlines()
assert len(table) == 1 + CLASSES and table[1].split(",")[2] == str(sum(counts[0])), table

# A sheet of pictures with their masks.
assert "4 images of" in run("look", "--data=" + place("d"), "--images=4", "-o", place("sheet.png")).stdout
assert json.loads(run("bench", "--data=" + place("d"), "--batches=2", "--json").stdout)["bad_images"] == 0

# Damage is named, and more of it than is allowed an error.
write(place("d", "train", "masks", "some", "3.png"), b"no picture")
damaged = train("e", "--steps=6")
assert damaged.stderr.count("passed over: cannot read the image '" + place("d", "train", "masks", "some", "3.png")) == 1
write(place("d", "train", "masks", "some", "4.png"), png(4, 4, 0, [b"\0" * 4] * 4))
failed = train("e", "--steps=12", "--max-bad-images=1", status=1)
assert "more than 1 images are damaged" in failed.stderr, failed
os.remove(place("d", "train", "masks", "some", "3.png"))
failed = train("e", "--steps=2", status=1)
assert "has no mask: expected '" + place("d", "train", "masks", "some", "3.png'") in failed.stderr, failed
