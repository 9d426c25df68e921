# SPDX-License-Identifier: Apache-2.0
"""Names and shapes of weights in other libraries, from their published structure, as a file of weights.

usage: other_names.py MODEL OUT.safetensors [--batches] [--sorted]

Values are small and differ from tensor to tensor. --batches adds num_batches_tracked, as PyTorch has it.
"""
import array
import json
import math
import struct
import sys


class Names:
    """Collects (name, shape) in the order of the library's state."""

    def __init__(self):
        self.shapes = {}

    def unit(self, name, cin, cout, kernel=1, conv="conv", norm="bn"):
        """A convolution with batch norm; returns its channels."""
        kh, kw = (kernel, kernel) if isinstance(kernel, int) else kernel
        join = "." if name else ""
        self.shapes[f"{name}{join}{conv}.weight"] = (cout, cin, kh, kw)
        for part in ("weight", "bias", "running_mean", "running_var"):
            self.shapes[f"{name}{join}{norm}.{part}"] = (cout,)
        self.shapes[f"{name}{join}{norm}.num_batches_tracked"] = ()
        return cout

    def chain(self, cin, units):
        """A sequence of (name, filters, kernel)."""
        for name, filters, kernel in units:
            cin = self.unit(name, cin, filters, kernel)
        return cin

    def indexed(self, prefix, cin, *units, first=0):
        return self.chain(cin, [(f"{prefix}.{first + i}", *unit) for i, unit in enumerate(units)])

    def conv(self, name, cin, cout):
        """A 1x1 convolution with bias."""
        self.shapes[name + ".weight"] = (cout, cin, 1, 1)
        self.shapes[name + ".bias"] = (cout,)

    def linear(self, name, cin, cout):
        self.shapes[name + ".weight"] = (cout, cin)
        self.shapes[name + ".bias"] = (cout,)


def inception_v4():
    n = Names()
    f = "features."
    n.chain(3, [(f + "0", 32, 3), (f + "1", 32, 3), (f + "2", 64, 3)])
    n.unit(f + "3.conv", 64, 96, 3)
    n.indexed(f + "4.branch0", 160, (64, 1), (96, 3))
    n.indexed(f + "4.branch1", 160, (64, 1), (64, (1, 7)), (64, (7, 1)), (96, 3))
    n.unit(f + "5.conv", 192, 192, 3)
    for i in range(6, 10):
        p = f"{f}{i}."
        n.unit(p + "branch0", 384, 96)
        n.indexed(p + "branch1", 384, (64, 1), (96, 3))
        n.indexed(p + "branch2", 384, (64, 1), (96, 3), (96, 3))
        n.unit(p + "branch3.1", 384, 96)
    n.unit(f + "10.branch0", 384, 384, 3)
    n.indexed(f + "10.branch1", 384, (192, 1), (224, 3), (256, 3))
    for i in range(11, 18):
        p = f"{f}{i}."
        n.unit(p + "branch0", 1024, 384)
        n.indexed(p + "branch1", 1024, (192, 1), (224, (1, 7)), (256, (7, 1)))
        n.indexed(p + "branch2", 1024, (192, 1), (192, (7, 1)), (224, (1, 7)), (224, (7, 1)), (256, (1, 7)))
        n.unit(p + "branch3.1", 1024, 128)
    n.indexed(f + "18.branch0", 1024, (192, 1), (192, 3))
    n.indexed(f + "18.branch1", 1024, (256, 1), (256, (1, 7)), (320, (7, 1)), (320, 3))
    for i in range(19, 22):
        p = f"{f}{i}."
        n.unit(p + "branch0", 1536, 256)
        n.unit(p + "branch1_0", 1536, 384)
        n.unit(p + "branch1_1a", 384, 256, (1, 3))
        n.unit(p + "branch1_1b", 384, 256, (3, 1))
        n.chain(1536, [(p + "branch2_0", 384, 1), (p + "branch2_1", 448, (3, 1)), (p + "branch2_2", 512, (1, 3))])
        n.unit(p + "branch2_3a", 512, 256, (1, 3))
        n.unit(p + "branch2_3b", 512, 256, (3, 1))
        n.unit(p + "branch3.1", 1536, 256)
    n.linear("last_linear", 1536, 1000)
    return n.shapes, 896


def inception_resnet_v2():
    n = Names()
    n.chain(3, [("conv2d_1a", 32, 3), ("conv2d_2a", 32, 3), ("conv2d_2b", 64, 3), ("conv2d_3b", 80, 1),
                ("conv2d_4a", 192, 3)])
    n.unit("mixed_5b.branch0", 192, 96)
    n.indexed("mixed_5b.branch1", 192, (48, 1), (64, 5))
    n.indexed("mixed_5b.branch2", 192, (64, 1), (96, 3), (96, 3))
    n.unit("mixed_5b.branch3.1", 192, 64)
    for i in range(10):
        p = f"repeat.{i}."
        n.unit(p + "branch0", 320, 32)
        n.indexed(p + "branch1", 320, (32, 1), (32, 3))
        n.indexed(p + "branch2", 320, (32, 1), (48, 3), (64, 3))
        n.conv(p + "conv2d", 128, 320)
    n.unit("mixed_6a.branch0", 320, 384, 3)
    n.indexed("mixed_6a.branch1", 320, (256, 1), (256, 3), (384, 3))
    for i in range(20):
        p = f"repeat_1.{i}."
        n.unit(p + "branch0", 1088, 192)
        n.indexed(p + "branch1", 1088, (128, 1), (160, (1, 7)), (192, (7, 1)))
        n.conv(p + "conv2d", 384, 1088)
    n.indexed("mixed_7a.branch0", 1088, (256, 1), (384, 3))
    n.indexed("mixed_7a.branch1", 1088, (256, 1), (288, 3))
    n.indexed("mixed_7a.branch2", 1088, (256, 1), (288, 3), (320, 3))
    for p in [f"repeat_2.{i}." for i in range(9)] + ["block8."]:
        n.unit(p + "branch0", 2080, 192)
        n.indexed(p + "branch1", 2080, (192, 1), (224, (1, 3)), (256, (3, 1)))
        n.conv(p + "conv2d", 448, 2080)
    n.unit("conv2d_7b", 2080, 1536)
    n.linear("classif", 1536, 1000)
    return n.shapes, 1306


def inception_v3(aux=False):
    n = Names()
    n.chain(3, [("Conv2d_1a_3x3", 32, 3), ("Conv2d_2a_3x3", 32, 3), ("Conv2d_2b_3x3", 64, 3), ("Conv2d_3b_1x1", 80, 1),
                ("Conv2d_4a_3x3", 192, 3)])
    for name, cin, pool in (("5b", 192, 32), ("5c", 256, 64), ("5d", 288, 64)):
        p = f"Mixed_{name}."
        n.unit(p + "branch1x1", cin, 64)
        n.chain(cin, [(p + "branch5x5_1", 48, 1), (p + "branch5x5_2", 64, 5)])
        n.chain(cin, [(p + "branch3x3dbl_1", 64, 1), (p + "branch3x3dbl_2", 96, 3), (p + "branch3x3dbl_3", 96, 3)])
        n.unit(p + "branch_pool", cin, pool)
    n.unit("Mixed_6a.branch3x3", 288, 384, 3)
    n.chain(288, [("Mixed_6a.branch3x3dbl_1", 64, 1), ("Mixed_6a.branch3x3dbl_2", 96, 3),
                  ("Mixed_6a.branch3x3dbl_3", 96, 3)])
    for name, c in (("6b", 128), ("6c", 160), ("6d", 160), ("6e", 192)):
        p = f"Mixed_{name}."
        n.unit(p + "branch1x1", 768, 192)
        n.chain(768, [(p + "branch7x7_1", c, 1), (p + "branch7x7_2", c, (1, 7)), (p + "branch7x7_3", 192, (7, 1))])
        n.chain(768, [(p + "branch7x7dbl_1", c, 1), (p + "branch7x7dbl_2", c, (7, 1)),
                      (p + "branch7x7dbl_3", c, (1, 7)), (p + "branch7x7dbl_4", c, (7, 1)),
                      (p + "branch7x7dbl_5", 192, (1, 7))])
        n.unit(p + "branch_pool", 768, 192)
    if aux:
        n.chain(768, [("AuxLogits.conv0", 128, 1), ("AuxLogits.conv1", 768, 5)])
        n.linear("AuxLogits.fc", 768, 1000)
    p = "Mixed_7a."
    n.chain(768, [(p + "branch3x3_1", 192, 1), (p + "branch3x3_2", 320, 3)])
    n.chain(768, [(p + "branch7x7x3_1", 192, 1), (p + "branch7x7x3_2", 192, (1, 7)),
                  (p + "branch7x7x3_3", 192, (7, 1)), (p + "branch7x7x3_4", 192, 3)])
    for name, cin in (("7b", 1280), ("7c", 2048)):
        p = f"Mixed_{name}."
        n.unit(p + "branch1x1", cin, 320)
        n.unit(p + "branch3x3_1", cin, 384)
        n.unit(p + "branch3x3_2a", 384, 384, (1, 3))
        n.unit(p + "branch3x3_2b", 384, 384, (3, 1))
        n.chain(cin, [(p + "branch3x3dbl_1", 448, 1), (p + "branch3x3dbl_2", 384, 3)])
        n.unit(p + "branch3x3dbl_3a", 384, 384, (1, 3))
        n.unit(p + "branch3x3dbl_3b", 384, 384, (3, 1))
        n.unit(p + "branch_pool", cin, 192)
    n.linear("fc", 2048, 1000)
    return n.shapes, 580 if aux else 566


def resnet50():
    n = Names()
    cin = n.unit("", 3, 64, 7, "conv1", "bn1")
    for stage, (filters, blocks) in enumerate(((64, 3), (128, 4), (256, 6), (512, 3)), 1):
        for i in range(blocks):
            p = f"layer{stage}.{i}"
            n.unit(p, cin, filters, 1, "conv1", "bn1")
            n.unit(p, filters, filters, 3, "conv2", "bn2")
            n.unit(p, filters, 4 * filters, 1, "conv3", "bn3")
            if i == 0:
                n.unit(p, cin, 4 * filters, 1, "downsample.0", "downsample.1")
            cin = 4 * filters
    n.linear("fc", cin, 1000)
    return n.shapes, 320


MODELS = {
    "timm_inception_v3": inception_v3,
    "timm_inception_v4": inception_v4,
    "timm_inception_resnet_v2": inception_resnet_v2,
    "torchvision_inception_v3": lambda: inception_v3(aux=True),
    "torchvision_resnet50": resnet50,
}


def values(index, shape):
    """F32 bytes: distinct from tensor to tensor, neighbours told apart, positive (as running variances are)."""
    count = math.prod(shape)
    pattern = array.array("f", [0.001 + 0.02 * math.modf((i + 1) * 0.618 + index * 0.377)[0] for i in range(997)])
    return (pattern * (count // len(pattern) + 1))[:count].tobytes()


def save(path, tensors):
    """Tensors by name: type, shape, bytes."""
    header, offset = {}, 0
    for name, (kind, shape, data) in tensors.items():
        header[name] = {"dtype": kind, "shape": list(shape), "data_offsets": [offset, offset + len(data)]}
        offset += len(data)
    text = json.dumps(header, separators=(",", ":"))
    text += " " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text.encode())
        for _, _, data in tensors.values():
            file.write(data)


def main():
    model, path, *options = sys.argv[1:]
    shapes, keys = MODELS[model]()
    assert len(shapes) == keys, f"expected {keys} names of {model}, but got {len(shapes)}"
    tensors = {}
    for index, (name, shape) in enumerate(shapes.items()):
        if not name.endswith("num_batches_tracked"):
            tensors[name] = ("F32", shape, values(index, shape))
        elif "--batches" in options:
            tensors[name] = ("I64", shape, struct.pack("<q", 7))
    if "--sorted" in options:
        tensors = dict(sorted(tensors.items()))
    save(path, tensors)


if __name__ == "__main__":
    main()
