# SPDX-License-Identifier: Apache-2.0
"""predict on image files that are made here: against the same pixels as f32, and files that lie."""
import array
import json
import os
import struct
import subprocess
import sys
import zlib

from png import png

directory = sys.argv[1]

# 16x8 pixels, the left half red, the right half blue.
JPEG = bytes.fromhex("""
ffd8ffe000104a46494600010100000100010000ffdb0043000d090a0b0a080d0b0a0b0e0e0d0f13201513121213271c1e17202e2931302e292d2c33
3a4a3e333646372c2d405741464c4e525352323e5a615a50604a51524fffdb0043010e0e0e131113261515264f352d354f4f4f4f4f4f4f4f4f4f4f4f
4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4fffc00011080008001003011100021101031101ffc400
1500010100000000000000000000000000000506ffc40014100100000000000000000000000000000000ffc400150101010000000000000000000000
0000000705ffc40014110100000000000000000000000000000000ffda000c03010002110311003f009f462482310a9fffd9""")


def path(name):
    return os.path.join(directory, name)


def write(name, data):
    with open(path(name), "wb") as file:
        file.write(data)
    return path(name)


def safetensors(name, shape, values):
    data = array.array("f", values).tobytes()
    header = json.dumps({"images": {"dtype": "F32", "shape": shape, "data_offsets": [0, len(data)]}}).encode()
    return write(name, struct.pack("<Q", len(header)) + header + data)


def run(program, *arguments, status=0):
    result = subprocess.run([path(program), "predict", "--weights=" + path(program + ".weights"), *arguments],
                            capture_output=True, text=True, timeout=60)
    assert result.returncode == status, (arguments, result)
    return result


def logits(program, *arguments):
    run(program, "--output=" + path("logits"), *arguments)
    with open(path("logits"), "rb") as file:
        data = file.read()
    return array.array("f", data[8 + struct.unpack("<Q", data[:8])[0]:])


def close(first, second):
    assert len(first) == len(second) and all(abs(a - b) < 1e-4 for a, b in zip(first, second)), (first, second)


for program in ("gray", "color", "five"):
    subprocess.run([path(program), "init", "--seed=3", "--output=" + path(program + ".weights")], check=True)

# Three pictures of 32x40: at 28 pixels the middle is taken as it is.
images, files, middles = [], [], []
for index in range(3):
    image = bytes((index * 50 + y * 5 + x * (index + 1)) % 256 for y in range(32) for x in range(40))
    files.append(write(f"{index}.png", png(40, 32, 1, image)))
    middles += [(image[y * 40 + x] / 255 - 0.25) / 0.5 for y in range(2, 30) for x in range(6, 34)]
expected = logits("gray", "--input=" + safetensors("images", [3, 1, 28, 28], middles))
close(logits("gray", *files), expected)

# The printed classes are those of the logits.
lines = run("gray", "--json", "--top=2", *files).stdout.splitlines()
assert len(lines) == 3
import math
for index, line in enumerate(map(json.loads, lines)):
    row = expected[7 * index:7 * index + 7]
    order = sorted(range(7), key=lambda k: -row[k])
    assert line["image"] == files[index] and [entry["class"] for entry in line["top"]] == order[:2], line
    for entry in line["top"]:
        probability = math.exp(row[entry["class"]]) / sum(map(math.exp, row))
        assert abs(entry["probability"] - probability) < 1e-4, line
text = run("gray", files[0]).stdout
assert text.startswith(files[0] + ": ") and text.count("%") == 5 and text.count("\n") == 1, text

# Colors: RGB in this order; a gray picture is the same in all three channels; 32x16 is cut to 28x14.
color = bytes((31 * c + y * 5 + x * 3) % 256 for y in range(16) for x in range(32) for c in range(3))
middle = [(color[(y * 32 + x) * 3 + c] / 255 - 0.5) / 0.5 for c in range(3) for y in range(1, 15) for x in range(2, 30)]
close(logits("color", write("color.png", png(32, 16, 3, color))),
      logits("color", "--input=" + safetensors("images", [1, 3, 14, 28], middle)))
gray = bytes((y * 5 + x * 3) % 256 for y in range(16) for x in range(32))
close(logits("color", write("gray.png", png(32, 16, 1, gray))),
      logits("color", write("same.png", png(32, 16, 3, bytes(p for pixel in gray for p in [pixel] * 3)))))
# A JPEG is near the PNG of what it shows.
halves = bytes(p for _ in range(8) for x in range(16) for p in ((255, 0, 0) if x < 8 else (0, 0, 255)))
jpeg, same = logits("color", write("a.jpg", JPEG)), logits("color", write("halves.png", png(16, 8, 3, halves)))
assert max(abs(a - b) for a, b in zip(jpeg, same)) < 0.1 * max(map(abs, same)), (jpeg, same)

# What cannot be read ends with one line and status 1, and nothing on the standard output.
good = png(40, 32, 1, bytes(40 * 32))
mistakes = [
    ("cut.png", good[:len(good) // 2], "cannot read the image"),
    ("cut.jpg", JPEG[:-20], "cannot read the image"),
    ("text.jpg", b"no image", "expected a JPEG or PNG file"),
    ("empty.png", b"", "expected a JPEG or PNG file"),
    ("huge.png", good[:16] + struct.pack(">II", 10**6, 10**6) + good[24:29]
     + struct.pack(">I", zlib.crc32(good[12:16] + struct.pack(">II", 10**6, 10**6) + good[24:29])) + good[33:],
     "expected at most 67108864 pixels, but it has 1000000x1000000"),
    ("huge.jpg", JPEG.replace(b"\x08\0\x08\0\x10", b"\x08\xff\0\xff\0"), "expected at most 67108864 pixels"),
]
for name, data, words in mistakes:
    result = run("gray", files[0], write(name, data), status=1)
    assert len(result.stderr.splitlines()) == 1 and words in result.stderr and name in result.stderr, result
    assert result.stdout == "", result
assert "cannot read" in run("gray", path("none.png"), status=1).stderr
assert "expected a regular file" in run("gray", directory, status=1).stderr
assert "has 5 channels" in run("five", files[0], status=1).stderr
assert "expected image files, or --input" in run("gray", status=2).stderr
assert run("gray", "--input=" + path("images"), files[0], status=2).stdout == ""
