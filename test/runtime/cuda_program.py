# SPDX-License-Identifier: Apache-2.0
"""A CUDA program made by hand: the stub and an image of softmax regression, whose kernels are Inputs/tiny.ptx."""
import json
import os
import struct

from xxh64 import seal

ARENA, STEP, PARAMS, GRADS, IO = range(5)
PTX = open(os.path.join(os.path.dirname(__file__), "Inputs", "tiny.ptx"), "rb").read()


def tensor(name, kind, shape, type, region, offset, size, init=None, format=""):
    result = {"name": name, "kind": kind, "shape": shape, "type": type, "region": region, "offset": offset,
              "bytes": size, "format": format, "decay": False}
    return {**result, "init": init} if init else result


def launch(kernel, operands, grid, block):
    return {"kernel": kernel, "operands": operands, "extents": [4, 4, 3], "grid": [grid, 1, 1], "block": [block, 1, 1],
            "op": "tiny", "loc": "tiny.json:1:1", "flops": 24, "bytes": 160}


def kernel(name, inputs, outputs):
    """Compiled for one shape, with the numbers of elements of its operands."""
    return {"name": name, "family": "fixed", "inputs": inputs, "outputs": outputs, "counts": 0, "extents": [4, 4, 3],
            "units": 4}


def header():
    """4 images of 1x2x2, 3 classes, in the layout of the C++ tests' tiny program; without the blobs."""
    images, weights, gradient = [ARENA, 0], [PARAMS, 0], [GRADS, 0]
    labels, loss, logits = [IO, 256], [IO, 512], [IO, 768]
    forward = launch(2, [images, weights, logits], 2, 32)
    normal = {"kind": "he_normal", "fan_in": 12, "fan_out": 2}
    return {
        "format_version": 2, "network": "tiny", "spec": {"hash": "0123456789abcdef", "text": "{}"},
        "target": {"kind": "cuda", "device": "a100", "card": "Fake 1", "multiprocessors": 1000, "arch": "sm_80",
                   "cudnn": "9.8.0", "threads": 1},
        "mode": "train", "precision": "bf16", "tf32": False, "batch_size": 4, "classes": 3,
        "image": {"channels": 1, "height": 2, "width": 2}, "normalization": {"mean": [0.0], "std": [1.0]},
        "parameters": 36, "states": 3, "macs": 12, "keep_gradients": True,
        "training": {"optimizer": {"kind": "sgd", "momentum": 0.0},
                     "learning_rate": {"kind": "constant", "base": 0.5}, "epochs": 1},
        "regions": [{"name": "arena", "bytes": 128}, {"name": "step", "bytes": 64}, {"name": "params", "bytes": 1024},
                    {"name": "grads", "bytes": 64}, {"name": "io", "bytes": 1024}],
        "tensors": [tensor("io/u8_images", "io", [4, 2, 2, 1], "u8", IO, 0, 16),
                    tensor("io/f32_images", "io", [4, 1, 2, 2], "f32", IO, 128, 64),
                    tensor("io/labels", "io", [4], "i64", IO, 256, 32),
                    tensor("io/loss", "io", [], "f32", IO, 512, 4),
                    tensor("io/logits", "io", [4, 3], "f32", IO, 768, 48),
                    tensor("linear.weight", "parameter", [3, 4], "f32", PARAMS, 0, 48, {"kind": "zeros"}),
                    tensor("conv.weight", "parameter", [2, 3, 2, 2], "f32", PARAMS, 256, 96, normal, "ohwi"),
                    tensor("half", "state", [3], "bf16", PARAMS, 512, 6),
                    tensor("grad/linear.weight", "gradient", [3, 4], "f32", GRADS, 0, 48)],
        "plans": [],
        "kernels": [kernel("tiny_stage_u8", [["u8", 16]], [["f32", 16]]),
                    kernel("tiny_stage_f32", [["f32", 16]], [["f32", 16]]),
                    kernel("tiny_linear", [["f32", 16], ["f32", 12]], [["f32", 12]]),
                    kernel("tiny_loss", [["f32", 16], ["i64", 4], ["f32", 12]], [["f32", 1], ["f32", 12]]),
                    kernel("tiny_update", [["f32", 12], ["f32", 12], ["f32", 1]], [])],
        "entries": {"stage_u8": [launch(0, [[IO, 0], images], 1, 32)],
                    "stage_f32": [launch(1, [[IO, 128], images], 2, 8)],
                    "forward_backward": [forward, launch(3, [images, labels, logits, loss, gradient], 1, 1)],
                    "update": [launch(4, [weights, gradient, [STEP, 24]], 1, 32)],
                    "prepare_inference": [], "infer": [forward]},
        "step": [{"name": "step", "type": "i64", "offset": 0}, {"name": "seed", "type": "u64", "offset": 8},
                 {"name": "sample_base", "type": "i64", "offset": 16},
                 {"name": "learning_rate", "type": "f32", "offset": 24}],
        "memory": {"arena_bytes": 128, "persistent_bytes": 2176, "peak_bytes": 2304, "lower_bound_bytes": 64},
        "blobs": {"ptx": {"offset": 0, "bytes": len(PTX)}},
    }


def plan():
    """A convolution of 4 images of 9x9, as cuDNN's wrapper encodes it; an entry of a header's `plans`."""
    numbers = {"mb": 4, "g": 1, "ic": 16, "ih": 9, "iw": 9, "oc": 32, "oh": 9, "ow": 9, "kh": 3, "kw": 3, "sh": 1, "sw": 1,
               "dh": 1, "dw": 1, "pt": 1, "pl": 1, "pb": 1, "pr": 1, "src_stride": 0, "dst_stride": 0,
               "residual_stride": 0, "scale": 1}
    return {"name": "plan", "kind": "convolution_forward", "type": "f16", "result_type": "f16", "bias_type": "f32",
            "tf32": "false", "bias": "false", "residual": "false", "relu": "false", "statistics": "false", "normalized": "false",
            **{name: str(value) for name, value in numbers.items()}, "impl": "engine 47", "scratchpad_bytes": 0,
            "engine": "47", "knobs": "2=15,6=3,13=1,14=0,22=0", "serialized": {"offset": 0, "bytes": 0}}


def image(description, ptx=PTX):
    text = json.dumps(description).encode()
    text = text.ljust((16 + len(text) + 63) // 64 * 64 - 16)
    return seal(struct.pack("<QQ", len(text), 0) + text + ptx)


def write(stub, path, data):
    """`stub` with a section `.incept` that holds `data`: the sections' table goes to the end, one longer."""
    with open(stub, "rb") as file:
        elf = bytearray(file.read())
    (table,) = struct.unpack_from("<Q", elf, 40)
    size, count, names = struct.unpack_from("<HHH", elf, 58)
    sections = [bytearray(elf[table + i * size:table + (i + 1) * size]) for i in range(count)]
    at, length = struct.unpack_from("<QQ", sections[names], 24)
    text = bytes(elf[at:at + length])
    struct.pack_into("<QQ", sections[names], 24, len(elf), length + 8)
    elf += text + b".incept\0"
    section = bytearray(size)
    struct.pack_into("<II", section, 0, length, 1)
    struct.pack_into("<QQ", section, 24, len(elf), len(data))
    elf += data
    struct.pack_into("<Q", elf, 40, len(elf))
    struct.pack_into("<H", elf, 60, count + 1)
    elf += b"".join(sections + [section])
    with open(path, "wb") as file:
        file.write(elf)
    os.chmod(path, 0o755)
    return path
