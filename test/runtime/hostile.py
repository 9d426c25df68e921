# SPDX-License-Identifier: Apache-2.0
"""Damaged data, weights and program images: each must end with one line that says what is wrong and exit status 1."""
import gzip
import json
import os
import struct
import subprocess
import sys

program, directory = sys.argv[1:]
failures = []


def expect(what, arguments, words, executable=program):
    result = subprocess.run([executable, *arguments], capture_output=True, text=True, timeout=60)
    lines = result.stderr.strip().splitlines()
    if result.returncode != 1 or len(lines) != 1 or words not in lines[0]:
        failures.append(f"{what}: status {result.returncode}, expected '{words}' in one line: {result.stderr[:300]}")


def write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)


def idx(name, images, labels):
    folder = os.path.join(directory, name)
    write(folder + "/train-images-idx3-ubyte", images)
    write(folder + "/train-labels-idx1-ubyte", labels)
    return ["train", "--steps=1", "--data=idx:" + folder]


pixels, count = bytes(32 * 784), 32
images = struct.pack(">IIII", 0x803, count, 28, 28) + pixels
labels = struct.pack(">II", 0x801, count) + bytes(count)
good = idx("good", images, labels)
assert subprocess.run([program, *good], capture_output=True).returncode == 0
expect("truncated images", idx("a", images[:-1], labels), "truncated")
expect("truncated header", idx("b", images[:9], labels), "truncated in its header")
expect("wrong magic", idx("c", b"\0\0\x0d\3" + images[4:], labels), "magic number")
expect("swapped files", idx("d", labels, images), "magic number")
expect("count mismatch", idx("e", images, struct.pack(">II", 0x801, 31) + bytes(31)), "31 labels")
expect("trailing bytes", idx("f", images + b"x", labels), "longer than its header")
expect("huge count", idx("g", struct.pack(">IIII", 0x803, 0xFFFFFFFF, 0xFFFFFFFF, 28) + pixels, labels), "dimensions")
expect("a lie of gigabytes", idx("h", struct.pack(">IIII", 0x803, 10**7, 28, 28) + pixels, labels), "truncated")
expect("label out of range", idx("i", images, labels[:-1] + b"\x0a"), "label 10 at image 31")
expect("other size", idx("j", struct.pack(">IIII", 0x803, count, 14, 56) + pixels, labels), "1x14x56")
expect("fewer than a batch", idx("k", struct.pack(">IIII", 0x803, 2, 28, 28) + bytes(2 * 784),
                                 struct.pack(">II", 0x801, 2) + bytes(2)), "fewer than one batch")
folder = os.path.join(directory, "l")
write(folder + "/train-images-idx3-ubyte.gz", gzip.compress(images)[:-20])
write(folder + "/train-labels-idx1-ubyte.gz", gzip.compress(labels))
expect("cut gzip", ["train", "--steps=1", "--data=idx:" + folder], "truncated")


def weights(name, header, data=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path = os.path.join(directory, name + ".safetensors")
    write(path, struct.pack("<Q", len(text) if length is None else length) + text + data)
    return ["eval", "--data=synthetic:", "--weights=" + path]


tensor = lambda begin, end, shape=(1,), dtype="F32": {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]}
expect("empty file", weights("empty", b"", length=0)[:2] + ["--weights=/dev/null"], "regular file")
expect("header beyond file", weights("m", b"{}", length=1 << 62), "longer than the file")
expect("no JSON", weights("n", b"nonsense"), "not JSON")
expect("deep JSON", weights("o", b"[" * 1000000), "not")
expect("overlap", weights("p", {"x": tensor(0, 4), "y": tensor(2, 6)}, bytes(8)), "overlap")
expect("negative offset", weights("q", {"x": tensor(-4, 0)}, bytes(8)), "outside the file")
expect("huge offset", weights("r", {"x": tensor(1 << 62, (1 << 62) + 4)}, bytes(8)), "outside the file")
expect("huge shape", weights("s", {"x": tensor(0, 4, (1 << 40, 1 << 40))}, bytes(8)), "too large")
expect("shape and bytes differ", weights("t", {"x": tensor(0, 4, (2,))}, bytes(8)), "expected 8 bytes")
expect("unknown type", weights("u", {"x": tensor(0, 4, (1,), "F8")}, bytes(8)), "unknown dtype")
expect("same name twice", weights("v", b'{"x":%s,"x":%s}' % ((json.dumps(tensor(0, 4)).encode(),) * 2), bytes(4)), "twice")
expect("other network", weights("w", {"x": tensor(0, 4)}, bytes(4)), "does not fit network")

# The program image: found by its length and header, then damaged in place.
with open(program, "rb") as file:
    binary = file.read()
at = binary.rindex(b'{"format_version"') - 8
(length,) = struct.unpack("<Q", binary[at:at + 8])
header = json.loads(binary[at + 8:at + 8 + length])


def image(name, edit=None, raw=None):
    changed = bytearray(binary)
    if raw:
        changed[at:at + 8] = raw
    else:
        copy = json.loads(json.dumps(header))
        copy["spec"]["text"] = ""  # makes room for a longer edit: the header's length stays
        edit(copy)
        text = json.dumps(copy, separators=(",", ":")).encode()
        assert len(text) <= length, name
        changed[at + 8:at + 8 + length] = text.ljust(length)
    path = os.path.join(directory, name)
    write(path, bytes(changed))
    os.chmod(path, 0o755)
    return path


def damaged(what, edit, words="damaged"):
    expect(what, ["info"], words, image("image", edit))


def put(*path):
    *keys, last, value = path

    def edit(copy):
        for key in keys:
            copy = copy[key]
        copy[last] = value
    return edit


expect("image header beyond the file", ["info"], "damaged", image("image", raw=struct.pack("<Q", 1 << 60)))
damaged("other version", put("format_version", 99), "format version 99")
damaged("region index", put("tensors", 0, "region", 99))
damaged("tensor beyond its region", put("tensors", 0, "offset", 1 << 40))
damaged("negative offset", put("tensors", 0, "offset", -4))
damaged("huge shape", put("tensors", 0, "shape", [1 << 40, 1 << 40]))
damaged("operand outside", put("entries", "update", 0, "operands", 0, [0, 1 << 45]))
damaged("kernel index", put("entries", "stage_u8", 0, "kernel", 999))
damaged("zero units", put("entries", "stage_u8", 0, "units", 0))
damaged("kernels outside", put("blobs", "kernels", "offset", 1 << 40))
damaged("no entry point", put("entries", {}))
damaged("step field outside", put("step", 0, "offset", 4096))
damaged("wrong type", put("batch_size", "many"))
damaged("plan with a bad number", put("plans", 0, "mb", "x"))

for failure in failures:
    print("FAILED", failure)
sys.exit(1 if failures else 0)
