# SPDX-License-Identifier: Apache-2.0
"""Damaged data, weights and program images: each must end with one line that says what is wrong and exit status 1."""
import gzip
import json
import os
import struct
import subprocess
import sys

from xxh64 import seal

program, directory = sys.argv[1:]
failures = []


def expect(what, arguments, words, executable=program):
    result = subprocess.run([executable, *arguments], capture_output=True, text=True, timeout=60)
    lines = [line for line in result.stderr.strip().splitlines() if ": note: " not in line]
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
expect("deep JSON", weights("o", b"[" * 1000000), "its header is not an object of tensors")
expect("overlap", weights("p", {"x": tensor(0, 4), "y": tensor(2, 6)}, bytes(8)), "overlap")
expect("negative offset", weights("q", {"x": tensor(-4, 0)}, bytes(8)), "outside the file")
expect("huge offset", weights("r", {"x": tensor(1 << 62, (1 << 62) + 4)}, bytes(8)), "outside the file")
expect("huge shape", weights("s", {"x": tensor(0, 4, (1 << 40, 1 << 40))}, bytes(8)), "too large")
expect("shape and bytes differ", weights("t", {"x": tensor(0, 4, (2,))}, bytes(8)), "expected 8 bytes")
expect("unknown type", weights("u", {"x": tensor(0, 4, (1,), "F8")}, bytes(8)), "unknown dtype")
expect("same name twice", weights("v", b'{"x":%s,"x":%s}' % ((json.dumps(tensor(0, 4)).encode(),) * 2), bytes(4)), "twice")
expect("other network", weights("w", {"x": tensor(0, 4)}, bytes(4)), "does not fit network")

# A batch for `step`: labels are classes.
initial = os.path.join(directory, "initial")
subprocess.run([program, "init", "--seed=1", "--output=" + initial], check=True)


def batch(name, label):
    data = bytes(16 * 784 * 4) + struct.pack("<16q", *[3] * 7, label, *[0] * 8)
    shape = {"images": tensor(0, 16 * 784 * 4, (16, 1, 28, 28)),
             "labels": tensor(16 * 784 * 4, len(data), (16,), "I64")}
    file = weights(name, shape, data)[2].split("=")[1]
    return ["step", "--weights=" + initial, "--batch=" + file, "--output=" + os.path.join(directory, "stepped")]


assert subprocess.run([program, *batch("last", 9)], capture_output=True).returncode == 0
expect("a label beyond the classes", batch("beyond", 10), "has label 10, but the network has 10 classes")
expect("a label below them", batch("below", -1), "has label -1, but the network has 10 classes")

# The program image; DamagedPrograms.cpp has the many.
with open(program, "rb") as file:
    binary = file.read()
at = binary.rindex(b'{"format_version"') - 16
(length,) = struct.unpack_from("<Q", binary, at)
header = json.loads(binary[at + 16:at + 16 + length])
kernels = header["blobs"]["kernels"]
end = at + 16 + length + kernels["offset"] + kernels["bytes"]


def image(edit=None, prefix=None, sealed=True):
    """A program whose image was changed."""
    text = binary[at + 16:at + 16 + length]
    if edit:
        copy = json.loads(json.dumps(header))
        copy["spec"]["text"] = ""  # makes room for a longer edit: the header's length stays
        edit(copy)
        text = json.dumps(copy, separators=(",", ":")).encode()
        assert len(text) <= length
    changed = (prefix or binary[at:at + 16]) + text.ljust(length) + binary[at + 16 + length:end]
    path = os.path.join(directory, "image")
    write(path, binary[:at] + (seal(changed) if sealed else changed) + binary[end:])
    os.chmod(path, 0o755)
    return path


def matmul(copy):
    next(plan for plan in copy["plans"] if plan["kind"] == "matmul")["m"] = "65536"


expect("image header beyond the file", ["info"], "header is longer", image(prefix=struct.pack("<QQ", 1 << 60, 0)))
expect("a changed byte", ["info"], "its checksum does not match", image(matmul, sealed=False))
expect("a matmul beyond its regions", ["info"], "of region", image(matmul))
expect("an older image", ["info"], "format version 1", image(prefix=struct.pack("<Q", length) + b'{"format', sealed=False))
assert subprocess.run([image(lambda copy: None), "info"], capture_output=True).returncode == 0

for failure in failures:
    print("FAILED", failure)
sys.exit(1 if failures else 0)
