# SPDX-License-Identifier: Apache-2.0
"""Writes the seed corpus, a folder per target: small examples of every format, from the repository's own files or made
here."""
import io
import json
import os
import re
import struct
import sys
import tarfile
import zlib

(directory,) = sys.argv[1:]
root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(root, "test", "runtime"))
import cuda_program  # noqa: E402


def seed(target, name, data):
    folder = os.path.join(directory, target)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as file:
        file.write(data if isinstance(data, bytes) else data.encode())


def read(*path):
    with open(os.path.join(root, *path), "rb") as file:
        return file.read()


# Descriptions, and the expressions in them.
expressions = set()
for folder in ("specs", os.path.join("specs", "blocks"), os.path.join("specs", "json"),
               os.path.join("test", "numerics", "Inputs")):
    for name in sorted(os.listdir(os.path.join(root, folder))):
        if name.endswith(".incept"):
            text = read(folder, name)
            seed("text", folder.replace(os.sep, "-") + "-" + name, text)
            expressions.update(re.findall(r"= ([^,\n=]*[-+*(][^,\n=]*)[,)\n]", text.decode()))
        if name.endswith(".json"):
            text = read(folder, name)
            seed("spec", folder.replace(os.sep, "-") + "-" + name, text)
            expressions.update(re.findall(r'"([^"\n]*[-+*/(][^"\n]*)"', text.decode()))
for number, text in enumerate(sorted(expressions)[:200] + ["select(a > 1, row.k, -2 // 3)", "round(1.5 * width)"]):
    seed("expression", str(number), text)


# The examples of the language's reference have every construct.
for number, text in enumerate(re.findall(r"^```incept(?: body)?\n(.*?)^```", read("docs", "Spec.md").decode(), re.M | re.S)):
    seed("text", f"example{number}", text)


def safetensors(tensors, metadata):
    header, data = ({"__metadata__": metadata} if metadata else {}), b""
    for name, (dtype, shape, values) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(values)]}
        data += values
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


weights = {"linear.weight": ("F32", [3, 4], struct.pack("<12f", *range(12))), "half": ("BF16", [3], bytes(6)),
           "labels": ("I64", [2], bytes(16)), "empty": ("F32", [0], b"")}
run = {"incept.checkpoint": "2", "incept.version": "0.1.0", "incept.network": "tiny", "incept.spec_hash": "0" * 16,
       "incept.seed": "1", "incept.step": "10", "incept.test_accuracy": "0.5",
       "incept.hyperparameters": '{"learning_rate": 0.1, "schedule": "cosine"}', "incept.threads": "2"}
for target in ("safetensors", "checkpoint"):
    seed(target, "weights", safetensors(weights, None))
    seed(target, "checkpoint", safetensors(weights, run))
    seed(target, "checksum", safetensors(weights, {**run, "incept.checksum": "0" * 16, "incept.checksum_kind": "xxh64"}))
seed("checkpoint", "hyperparameters", run["incept.hyperparameters"])

# A data set: how it is cut, images, labels.
images = struct.pack(">IIII", 0x803, 4, 2, 2) + bytes(range(16))
labels = struct.pack(">II", 0x801, 4) + bytes([0, 1, 2, 0])
for how in range(9):
    seed("idx", f"set{how}", bytes([how]) + struct.pack(">H", len(images)) + images + labels)

# Pictures: a PNG of each color type, and the smallest JPEG of libjpeg.
def png(color, depth, channels, interlaced=0):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    row = bytes([0]) + bytes(range(3 * channels * depth // 8 or 1))
    palette = chunk(b"PLTE", bytes(range(48))) if color == 3 else b""
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 3, 2, depth, color, 0, 0, interlaced)) + palette +
            chunk(b"IDAT", zlib.compress(row * 2)) + chunk(b"IEND", b""))


for color, channels in ((0, 1), (2, 3), (3, 1), (4, 2), (6, 4)):
    seed("picture", f"color{color}.png", png(color, 8, channels))
seed("picture", "deep.png", png(2, 16, 3))
seed("picture", "gray.jpg", bytes.fromhex(
    "ffd8ffe000104a46494600010100000100010000ffdb004300" + "01" * 64 + "ffc0000b080001000101011100"
    "ffc40014000100000000000000000000000000000009ffc40014100100000000000000000000000000000000ffda00080101"
    "00003f0054dfffd9"))

# Archives: ustar, with GNU's long names and with pax headers.
for name, form in (("ustar", tarfile.USTAR_FORMAT), ("gnu", tarfile.GNU_FORMAT), ("pax", tarfile.PAX_FORMAT)):
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=form) as tar:
        for member, data in (("d/0001.jpg", b"a"), ("d/0001.cls", b"1"), ("d/0002.cls", b"0"), ("d/0002.png", b"bc"),
                             *((("n" * 120 + ".jpg", b"d"), ("n" * 120 + ".cls", b"2")) if name != "ustar" else ())):
            info = tarfile.TarInfo(member)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    seed("tar", name + ".tar", archive.getvalue())

# A program: its header, for both targets, and an executable around its image.
description = cuda_program.header()
description["plans"].append(cuda_program.plan())
seed("image", "cuda.json", json.dumps(description))
# One launch of two kernels: the twelve weights, and four of them, into the arena.
vector = [["f32", 1]]
member = {"name": "k", "family": "flat", "inputs": vector, "outputs": vector, "counts": 0}
weights = [cuda_program.PARAMS, 0]
pair = {**cuda_program.launch(4, [weights, weights, [cuda_program.ARENA, 0], [cuda_program.ARENA, 48]], 2, 256),
        "extents": [12, 4, 1, 1, 256, 1, 1, 1, 256, 1]}
pairs = {**description, "entries": {**description["entries"], "update": [pair]},
         "kernels": [*description["kernels"][:4], {"name": "k__k", "family": "mixed", "members": [member, member]}]}
seed("image", "pairs.json", json.dumps(pairs))
operand = {"name": "k", "counts": 0}
cpu = {**description, "target": {"kind": "cpu", "threads": 2, "isa": "avx2", "onednn": "2.6.3", "vector_bits": 256},
       "blobs": {"kernels": {"offset": 0, "bytes": 100}}}
cpu["tensors"] = [tensor if tensor["format"] != "ohwi" else {**tensor, "format": "8x4x2x2/64x16x8x4/"} for tensor in cpu["tensors"]]
cpu["kernels"] = [{**operand, "family": "map", "inputs": [["f32", 4], ["f32", 1]], "outputs": [["f32", 4]]}]
cpu["plans"] = [{"name": "p", "kind": "matmul", "impl": "gemm:jit", "scratchpad_bytes": 64, "m": "4", "n": "3", "k": "4",
                 "lda": "4", "ldb": "4", "ldc": "3", "bias": "false", "transpose_a": "false", "transpose_b": "true"},
                {"name": "c", "kind": "convolution_forward", "impl": "jit:avx2", "scratchpad_bytes": 0, "mb": "1", "g": "1",
                 "ic": "8", "ih": "3", "iw": "3", "oc": "8", "oh": "3", "ow": "3", "kh": "3", "kw": "3", "sh": "1", "sw": "1",
                 "dh": "1", "dw": "1", "pt": "1", "pl": "1", "pb": "1", "pr": "1",
                 "weights_format": "8x8x3x3/576x576x192x64/8b8a", "activations": "nhwc", "bias": "false", "relu": "true",
                 "training": "true"}]
launch = {"op": "x", "loc": "x:1:1", "flops": 1, "bytes": 1}
cpu["entries"] = {"infer": [{**launch, "kernel": 0, "operands": [[0, 0], [2, 0], [0, 0]], "extents": [4, 4, 4, 4], "units": 4},
                            {**launch, "plan": 0, "operands": [[0, 0], [2, 0], [4, 768], [0, 64]]}]}
seed("image", "cpu.json", json.dumps(cpu))
names = b"\0.incept\0.shstrtab\0"
image = cuda_program.image(description, b"ptx")
sections = [(0, 0, 0, 0), (1, 1, 64 + 3 * 64, len(image)), (9, 3, 64 + 3 * 64 + len(image), len(names))]
elf = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1", 3, 62, 1, 0, 0, 64, 0, 64, 0, 0, 64, 3, 2)
for name, kind, offset, size in sections:
    elf += struct.pack("<IIQQQQIIQQ", name, kind, 0, 0, offset, size, 0, 0, 1, 0)
seed("elf", "program", elf + image + names)

# Kernels.
seed("ptx", "tiny.ptx", read("test", "runtime", "Inputs", "tiny.ptx"))
text = read("test", "runtime", "Inputs", "tiny.ptx").decode()
head, *entries = re.split(r"(?=\.visible \.entry)", text)
for number, entry in enumerate(entries):
    seed("ptx", str(number), head + entry)
seed("ptx", "variables", head + '.global .align 4 .f32 table[3] = {0f3f800000, 1.5, 0};\n.const .b8 text[2] = {65, 0};\n'
     '.visible .entry k(.param .u64 p) { .shared .align 16 .b8 s[64]; .reg .b32 %r<4>; .reg .pred %p; mov.u32 %r1, %tid.x;\n'
     '@!%p bra $L; ld.shared.v2.b32 {%r2, %r3}, [s+8]; bar.sync 0; $L: ret; }\n')

# cuDNN plans in the form that the library writes: a convolution with a bias and ReLU, and a matrix product.
def tensor(uid, dims, virtual=False):
    strides = [dims[1] * dims[2] * dims[3], 1, dims[1] * dims[3], dims[1]] if len(dims) == 4 else [dims[1] * dims[2], dims[2], 1]
    return {"name": str(uid), "dataType": "CUDNN_DATA_FLOAT", "dim": dims, "stride": strides, "isVirtual": virtual,
            "isByValue": False, "vectCount": 1, "vectDim": -1, "ptrAlignment": 16}


def plan(tensors, nodes):
    return json.dumps({"cudnnVersion": 91900, "schemaVersion": 4, "operationGraph": {"tensors": tensors, "nodes": nodes},
                       "GPUProfile": {"deviceVer": 900, "multiProcessorCount": 132},
                       "engine": {"engineId": 47, "knobChoices": {"CUDNN_KNOB_TYPE_TILE_SIZE": 3}}})


convolution = {"operation": "CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR", "X": "1", "W": "2", "Y": "5",
               "mode": "CUDNN_CROSS_CORRELATION", "alpha": 1.0, "beta": 0.0, "pad_lower": [1, 1], "pad_upper": [1, 1],
               "stride": [1, 1], "dilation": [1, 1], "mathPrec": "CUDNN_DATA_FLOAT"}
pointwise = {"operation": "CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR", "mathPrec": "CUDNN_DATA_FLOAT", "alpha1": 1.0}
images = [4, 8, 5, 5]
seed("plan", "convolution", plan([tensor(1, images), tensor(2, [8, 8, 3, 3]), tensor(3, [1, 8, 1, 1]), tensor(4, images),
                                  tensor(5, images, True), tensor(6, images, True)],
                                 [convolution, {**pointwise, "pointwiseMode": "CUDNN_POINTWISE_ADD", "X": "5", "B": "3", "Y": "6"},
                                  {**pointwise, "pointwiseMode": "CUDNN_POINTWISE_RELU_FWD", "X": "6", "Y": "4"}]))
seed("plan", "alone", plan([tensor(1, images), tensor(2, [8, 8, 3, 3]), tensor(5, images)], [convolution]))
seed("plan", "matmul", plan([tensor(1, [1, 4, 8]), tensor(2, [1, 8, 3]), tensor(3, [1, 4, 3])],
                            [{"operation": "CUDNN_BACKEND_OPERATION_MATMUL_DESCRIPTOR", "matA": "1", "matB": "2", "matC": "3",
                              "mathPrec": "CUDNN_DATA_FLOAT"}]))
