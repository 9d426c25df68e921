# SPDX-License-Identifier: Apache-2.0
"""A program on folders and archives of pictures that are made here: usage data.py PROGRAM DIRECTORY."""
import io
import json
import os
import random
import struct
import subprocess
import sys
import tarfile
import zlib

program, directory = sys.argv[1:]
place = lambda *names: os.path.join(directory, *names)
CLASSES = ["green", "red apple", "zebra"]


def png(width, height, pixels):
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + pixels[y * width * 3:(y + 1) * width * 3] for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def picture(label, number):
    """A color that tells the class, and stripes."""
    draw = random.Random(f"{label}/{number}")
    width, height = draw.randrange(18, 60), draw.randrange(18, 60)
    base = [draw.randrange(40, 80)] * 3
    base[label] += 120
    return png(width, height, bytes(min(255, base[c] + (x + y) % 7 * 5) for y in range(height) for x in range(width)
                                    for c in range(3)))


def write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)


def read(*names):
    with open(place(*names), "rb") as file:
        return file.read()


def run(*arguments, status=0):
    result = subprocess.run([program, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
    assert result.returncode == status, (arguments, result)
    return result


def train(name, data, *arguments, status=0):
    return run("train", "--data=" + data, "--seed=3", "--save=" + place(name), *arguments, status=status)


for split, count in ("train", 20), ("val", 5):
    for label, name in enumerate(CLASSES):
        for number in range(count):
            # A PNG may be called JPEG.
            write(place("d", split, name, f"{number}.{'JPEG' if number % 2 else 'png'}"), picture(label, number + 100 * count))
data = "folder:" + place("d")

# The same bits on none, one and three threads, and where the run was stopped between.
LONG = ["--steps=40", "--augment=inception,color=full,erase=0.3", "--set", "learning_rate=0.1"]
first = train("w0", data, *LONG, "--input-threads=0", "--checkpoint-dir=" + place("run0"), "--log=" + place("log0"))
assert "test accuracy" in first.stdout, first
expected = read("w0")
for threads in 1, 3:
    train("w", data, *LONG, f"--input-threads={threads}")
    assert read("w") == expected, threads
train("w", data, "--steps=17", *LONG[1:], "--input-threads=2", "--checkpoint-dir=" + place("run1"))
resume = ["--resume", "--checkpoint-dir=" + place("run1")]
train("w", data, *LONG, *resume, "--input-threads=1")
assert read("w") == expected
# Another augmentation is another run, and so are other files.
wrong = train("w", data, "--steps=50", "--augment=cifar", *resume, status=1)
assert "the augmentation is inception, color full" in wrong.stderr, wrong

# The weights know the classes; it learned something, and tables say what.
report = json.loads(run("eval", "--data=" + data, "--weights=" + place("w0"), "--json", "--per-class=" + place("classes.csv"),
                        "--confusion=" + place("matrix.csv")).stdout)
assert report["images"] == 15 and report["top5"] == 1 and report["top1"] > 0.5, report
assert report["top1_interval"][0] < report["top1"] < report["top1_interval"][1] or report["top1"] == 1, report
table = [line.split(",") for line in read("classes.csv").decode().splitlines()]
assert [row[1] for row in table] == ["name"] + CLASSES and sum(int(row[3]) for row in table[1:]) == round(15 * report["top1"])
matrix = [line.split(",") for line in read("matrix.csv").decode().splitlines()]
assert matrix[0] == ["class"] + CLASSES and [sum(map(int, row[1:])) for row in matrix[1:]] == [5, 5, 5], matrix
run("eval", "--data=" + data, "--weights=" + place("w0"), "--confusion=" + place("matrix.png"), "--protocol=tf,crop=0.9")
assert read("matrix.png").startswith(b"\x89PNG")
files = [place("d", "val", name, "0.png") for name in CLASSES]
lines = run("predict", "--weights=" + place("w0"), "--top=1", *files).stdout.splitlines()
assert all(any(name in line.rsplit(": ", 1)[1] for name in CLASSES) for line in lines), lines
top = json.loads(run("predict", "--weights=" + place("w0"), "--json", files[0]).stdout)["top"][0]
assert top["name"] == CLASSES[top["class"]], top

# Archives of the same pictures.
for split, count in ("train", 20), ("val", 5):
    with tarfile.open(place(f"{split}-0.tar"), "w") as tar:
        for label, name in enumerate(CLASSES):
            for number in range(count):
                for field, text in ("png", picture(label, number + 100 * count)), ("cls", str(label).encode()):
                    info = tarfile.TarInfo(f"{label}-{number:03}.{field}")
                    info.size = len(text)
                    tar.addfile(info, io.BytesIO(text))
archive = json.loads(run("eval", "--data=webdataset:" + place("val-0.tar"), "--weights=" + place("w0"), "--json").stdout)
assert archive == report, (archive, report)
train("w", "webdataset:" + place("train-{0..0}.tar"), "--steps=3", "--val-data=webdataset:" + place("val-{0,0}.tar"))

# Sheets, and the input alone.
for arguments in [], ["--evaluation", "--images=4"], ["--augment=none"]:
    run("look", "--data=" + data, "-o", place("sheet.png"), *arguments)
    assert read("sheet.png").startswith(b"\x89PNG")
speed = json.loads(run("bench", "--data=" + data, "--batches=20", "--json", "--input-threads=2").stdout)
assert speed["images"] == 160 and speed["threads"] == 2 and 0 < speed["memory_bytes"] < 5e6 and speed["bad_images"] == 0, speed

# Damage is named and counted; too much of it ends the run, after a checkpoint.
bad = [place("d", "train", "zebra", name) for name in ("0.png", "1.JPEG")]
for path in bad:
    write(path, read(path)[:-60])
result = train("w", data, "--steps=16", "--checkpoint-dir=" + place("run2"))
notes = [line for line in result.stderr.splitlines() if "note: passed over" in line]
assert len(notes) == 2 and all(any(path in line for line in notes) for path in bad), result.stderr
result = train("w", data, "--steps=16", "--max-bad-images=1", "--checkpoint-dir=" + place("run3"), status=1)
assert "more than 1 images are damaged" in result.stderr.splitlines()[-1], result.stderr
assert any(name.startswith("step-") for name in os.listdir(place("run3")))

for option in "--augment=inceptoin", "--input-threads=-1", "--val-fraction=2", "--max-bad-images=x":
    train("w", data, option, status=2)

# No test images, a part of the others for them, and other classes.
os.rename(place("d", "val"), place("val"))
assert "--val-fraction=F" in train("w", data, "--steps=2").stderr
assert "test accuracy" in train("w", data, "--steps=2", "--val-fraction=0.2").stdout
os.rename(place("d", "train", "zebra"), place("d", "train", "bee"))
assert "the list of classes" in train("w", data, "--steps=50", *resume, status=1).stderr
assert "are not those that" in run("eval", "--data=" + place("d", "train"), "--weights=" + place("w0"), status=1).stderr
os.rename(place("d", "train", "bee"), place("bee"))
assert "has 2 classes, but the program has 3: compile it with --set classes=2" in train("w", data, status=1).stderr
