# SPDX-License-Identifier: Apache-2.0
"""Compares small networks that leave out options with PyTorch, which is told what docs/Spec.md says they mean: inference,
the gradients and running statistics of a step, the parameters after three, and learning rates. Every size and padding is
computed here, none is taken from the compiler. Usage: defaults.py INCEPT DIRECTORY."""
import json
import math
import os
import subprocess
import sys

import numpy as np
import torch
import torch.nn.functional as F

import safetensors

incept, directory = sys.argv[1:]
failures = []
BATCH, CLASSES = 4, 5
path = lambda name: os.path.join(directory, name)


def check(what, got, expected, tolerance):
    got, expected = np.asarray(got, np.float64), np.asarray(expected, np.float64)
    if got.shape != expected.shape:
        failures.append(f"{what}: shape {got.shape}, expected {expected.shape}")
        return
    error = float(np.abs(got - expected).max()) / max(float(np.abs(expected).max()), 1e-9)
    if not error <= tolerance:
        failures.append(f"{what}: error {error:.3g} of the largest value")


def pair(value):
    return tuple(value) if isinstance(value, (list, tuple)) else (value, value)


def borders(size, kernel, stride, dilation, padding):
    """(begin, end) of one axis."""
    if padding == "same":
        reach = (kernel - 1) * dilation + 1
        total = max((math.ceil(size / stride) - 1) * stride + reach - size, 0)
        return total // 2, total - total // 2
    return {"valid": (0, 0)}.get(padding) or padding


def pads(x, kernel, stride, dilation, padding):
    """For F.pad: left, right, top, bottom."""
    if isinstance(padding, dict):
        begin, end = pair(padding["begin"]), pair(padding["end"])
        return (begin[1], end[1], begin[0], end[0])
    axes = [(pad, pad) for pad in pair(padding)] if not isinstance(padding, str) else [padding, padding]
    rows, columns = (borders(x.shape[2 + axis], kernel[axis], stride[axis], dilation[axis], axes[axis]) for axis in (0, 1))
    return (*columns, *rows)


class Network:
    """Layers as a description has them, on PyTorch tensors by the names that docs/Spec.md gives."""

    def __init__(self, layers, weights):
        self.layers = layers
        self.tensors = {name: torch.tensor(np.array(value, np.float64), requires_grad="running" not in name)
                        for name, value in weights.items()}
        self.auxiliary = []

    def parameters(self):
        return {name: tensor for name, tensor in self.tensors.items() if tensor.requires_grad}

    def norm(self, name, x, options):
        if not isinstance(options, dict):
            options = {}
        t = self.tensors
        return F.batch_norm(x, t[name + "running_mean"], t[name + "running_var"], t.get(name + "weight"), t[name + "bias"],
                            self.training, 1 - options.get("decay", 0.9), options.get("epsilon", 1e-5))

    def conv(self, name, x, op):
        kernel, stride, dilation = pair(op["conv"]), pair(op.get("stride", 1)), pair(op.get("dilation", 1))
        x = F.pad(x, pads(x, kernel, stride, dilation, op.get("padding", "same")))
        norm = op.get("batch_norm", True)
        unit = name + (".conv" if norm else "")
        bias = self.tensors[unit + ".bias"] if op.get("bias", not norm) else None
        x = F.conv2d(x, self.tensors[unit + ".weight"], bias, stride, 0, dilation, op.get("groups", 1))
        if norm:
            x = self.norm(name + ".bn.", x, norm)
        return {"relu": F.relu, "sigmoid": torch.sigmoid}.get(op.get("activation", "relu"), lambda x: x)(x)

    def conv_transpose(self, name, x, op):
        """PyTorch's without padding, then what `padding` takes away and `output_padding` leaves."""
        kernel, stride, dilation = pair(op["conv_transpose"]), pair(op.get("stride", 1)), pair(op.get("dilation", 1))
        reach = [(kernel[axis] - 1) * dilation[axis] + 1 for axis in (0, 1)]
        beyond, padding = pair(op.get("output_padding", 0)), op.get("padding", "same")
        if padding == "same":  # `stride` times as large
            total = [max(reach[axis] - stride[axis], 0) for axis in (0, 1)]
            begin, end = [t // 2 for t in total], [t - t // 2 for t in total]
            beyond = [max(stride[axis] - reach[axis], 0) for axis in (0, 1)]
        elif padding == "valid":
            begin, end = (0, 0), (0, 0)
        else:
            begin, end = (pair(padding["begin"]), pair(padding["end"])) if isinstance(padding, dict) else [pair(padding)] * 2
        norm = op.get("batch_norm", True)
        unit = name + (".conv" if norm else "")
        y = F.conv_transpose2d(x, self.tensors[unit + ".weight"], None, stride, 0, 0, op.get("groups", 1), dilation)
        y = F.pad(y, (0, beyond[1], 0, beyond[0]))
        y = y[:, :, begin[0]:y.shape[2] - end[0], begin[1]:y.shape[3] - end[1]]
        if op.get("bias", not norm):
            y = y + self.tensors[unit + ".bias"][:, None, None]
        if norm:
            y = self.norm(name + ".bn.", y, norm)
        return F.relu(y) if op.get("activation", "relu") == "relu" else y

    def resize(self, x, op, kind):
        size = [s * x.shape[2 + i] if kind == "upsample" else s for i, s in enumerate(pair(op[kind]))]
        mode = op.get("mode", "nearest")
        return F.interpolate(x, size=size, mode=mode, **({"align_corners": False} if mode == "bilinear" else {}))

    def pool(self, x, op, kind):
        kernel, stride = pair(op[kind]), pair(op.get("stride", 1))
        border = pads(x, kernel, stride, (1, 1), op.get("padding", "valid"))
        include, size = op.get("include_pad", False), x.shape[2:]
        ones = F.pad(torch.ones_like(x[:1, :1]), border, value=1.0 if include else 0.0)
        x = F.pad(x, border, value=-math.inf if kind == "max_pool" else 0.0)
        if op.get("ceil", False):  # windows may hang over the end, but have to begin before it
            hang = []
            for axis in (0, 1):
                padded, begin = x.shape[2 + axis], border[2 - 2 * axis]
                windows = math.ceil((padded - kernel[axis]) / stride[axis]) + 1
                if (windows - 1) * stride[axis] >= size[axis] + begin:
                    windows -= 1
                hang.append(max((windows - 1) * stride[axis] + kernel[axis] - padded, 0))
            more = (0, hang[1], 0, hang[0])
            x = F.pad(x, more, value=-math.inf if kind == "max_pool" else 0.0)
            ones = F.pad(ones, more, value=1.0 if include else 0.0)  # where PyTorch's own ceil_mode has 0
        if kind == "max_pool":
            return F.max_pool2d(x, kernel, stride)
        total = lambda t: F.avg_pool2d(t, kernel, stride, divisor_override=1)
        return total(x) / total(ones)

    def run(self, x, training):
        self.training, self.auxiliary = training, []
        return self.sequence("", self.layers, x)

    def sequence(self, prefix, layers, x):
        counts = {}
        for op in layers:
            op = {op: None} if isinstance(op, str) else op
            kind = next(iter(op))
            counts[kind] = counts.get(kind, 0) + 1
            name = prefix + op.get("label", f"{kind}{counts[kind]}")
            if kind == "conv":
                x = self.conv(name, x, op)
            elif kind == "conv_transpose":
                x = self.conv_transpose(name, x, op)
            elif kind in ("resize", "upsample"):
                x = self.resize(x, op, kind)
            elif kind in ("max_pool", "avg_pool"):
                x = self.pool(x, op, kind)
            elif kind == "batch_norm":
                x = self.norm(name + ".", x, op[kind])
            elif kind == "linear":
                bias = self.tensors[name + ".bias"] if op.get("bias", True) else None
                x = F.linear(x.flatten(1), self.tensors[name + ".weight"], bias)
            elif kind == "residual":
                y = self.sequence(name + ".", op[kind], x)
                shortcut = self.sequence(name + ".shortcut.", op["shortcut"], x) if "shortcut" in op else x
                x = shortcut + op.get("scale", 1) * y
                x = F.relu(x) if op.get("activation", "linear") == "relu" else x
            elif kind == "concat":
                branches = op[kind].items() if isinstance(op[kind], dict) else enumerate(op[kind], 1)
                x = torch.cat([self.branch(prefix, name, branch, x) for name, branch in branches], 1)
            elif kind == "multiply":
                x = math.prod(self.branch(prefix, number, branch, x) for number, branch in enumerate(op[kind], 1))
            elif kind == "split":
                parts = x.chunk(len(op[kind]), 1)
                x = torch.cat([self.branch(prefix, number, branch, part)
                               for number, (branch, part) in enumerate(zip(op[kind], parts), 1)], 1)
            elif kind == "auxiliary":
                self.auxiliary.append((op.get("loss_weight", 1), self.sequence(name + ".", op[kind], x)))
            elif kind == "layer_norm":
                own = (self.tensors[name + ".weight"], self.tensors[name + ".bias"])
                x = F.layer_norm(x.movedim(1, 3), x.shape[1:2], *own, op.get("epsilon", 1e-5)).movedim(3, 1)
            elif kind == "group_norm":
                own = (self.tensors[name + ".weight"], self.tensors[name + ".bias"]) if op.get("affine", True) else ()
                x = F.group_norm(x, op[kind], *own, eps=op.get("epsilon", 1e-5))
            elif kind == "local_response_norm":
                x = F.local_response_norm(x, op[kind], **{key: op[key] for key in ("alpha", "beta", "k") if key in op})
            elif kind == "softmax":
                x = F.softmax(x, 1)
            elif kind == "pad_channels":
                x = F.pad(x, (0, 0, 0, 0, 0, op[kind]))
            elif kind == "relu":
                x = F.relu(x)
            elif kind == "global_avg_pool":
                x = x.mean((2, 3), keepdim=True)
            elif kind == "flatten":
                x = x.flatten(1)
            else:
                sys.exit(f"no {kind} here")
        return x

    def branch(self, prefix, name, ops, x):
        name = name if isinstance(name, str) else f"branch{name}"
        if isinstance(ops, list):
            return self.sequence(prefix + name + ".", ops, x)
        return self.sequence(prefix, [{**ops, "label": name}], x)


class Momentum:
    """v = 0.9 v + g, p -= rate v."""

    def __init__(self, parameters):
        self.slots = [(p, torch.zeros_like(p)) for p in parameters]

    @torch.no_grad()
    def step(self):
        for p, v in self.slots:
            v.mul_(0.9).add_(p.grad)
            p.sub_(0.01 * v)


class RmsProp:
    """TensorFlow's: the mean square begins at 1, epsilon inside the root, the rate inside the momentum."""

    def __init__(self, parameters):
        self.slots = [(p, torch.ones_like(p), torch.zeros_like(p)) for p in parameters]

    @torch.no_grad()
    def step(self):
        for p, square, v in self.slots:
            square.mul_(0.9).add_(0.1 * p.grad * p.grad)
            v.mul_(0.9).add_(0.01 * p.grad / torch.sqrt(square + 1.0))
            p.sub_(v)


def compare(name, layers, size=(8, 9), channels=3, optimizer=Momentum, training=None):
    network = {"network": name, "input": {"channels": channels, "height": size[0], "width": size[1]}, "layers": layers}
    if training:
        network["training"] = training
    with open(path(name + ".json"), "w", encoding="utf-8") as file:
        json.dump(network, file)
    run = lambda *arguments: subprocess.run(arguments, check=True, stdout=subprocess.DEVNULL)
    try:
        run(incept, "compile", path(name + ".json"), f"--batch-size={BATCH}", "--threads=1", "--keep-gradients",
            "-o", path(name))
    except subprocess.CalledProcessError:
        failures.append(name + " is not compiled")
        return
    run(path(name), "init", "--seed=4", "--output=" + path("weights"))
    random = np.random.default_rng(5)
    weights = {}
    for key, value in safetensors.load(path("weights")).items():
        draw = {"weight": lambda s: random.normal(0, 0.5, s), "bias": lambda s: random.uniform(-0.5, 0.5, s),
                "running_mean": lambda s: random.normal(0, 1, s), "running_var": lambda s: random.uniform(0.5, 2, s)}
        weights[key] = draw[key.rsplit(".", 1)[1]](value.shape).astype(np.float32)
    safetensors.save(path("weights"), weights)
    images = random.normal(0, 1, (BATCH, channels, *size)).astype(np.float32)
    labels = random.integers(0, CLASSES, BATCH)
    safetensors.save(path("batch"), {"images": images, "labels": labels})
    x, y = torch.tensor(images, dtype=torch.float64), torch.tensor(labels)

    run(path(name), "predict", "--weights=" + path("weights"), "--input=" + path("batch"), "--output=" + path("out"))
    model = Network(layers, weights)
    try:
        check(name + ": logits of inference", safetensors.load(path("out"))["logits"],
              model.run(x, False).detach().numpy(), 1e-4)
    except (KeyError, RuntimeError) as error:
        failures.append(f"{name}: PyTorch cannot run it with tensors {sorted(weights)}: {error!r}")
        return
    model = Network(layers, weights)
    update = optimizer(list(model.parameters().values()))
    for step in range(3):
        logits = model.run(x, True)
        loss = F.cross_entropy(logits, y) + sum(weight * F.cross_entropy(scores, y) for weight, scores in model.auxiliary)
        for tensor in model.parameters().values():
            tensor.grad = None
        loss.backward()
        if step == 0:
            run(path(name), "step", "--weights=" + path("weights"), "--batch=" + path("batch"), "--output=" + path("out"))
            ours = safetensors.load(path("out"))
            check(name + ": logits", ours["logits"], logits.detach().numpy(), 1e-4)
            check(name + ": loss", ours["loss"], loss.detach().numpy(), 1e-4)
            for key, tensor in model.tensors.items():
                if tensor.requires_grad:
                    check(f"{name}: gradient of {key}", ours["grad/" + key], tensor.grad.numpy(), 1e-3)
                else:
                    check(f"{name}: {key}", ours[key], tensor.numpy(), 1e-4)
        update.step()
    run(path(name), "step", "--weights=" + path("weights"), "--batch=" + path("batch"), "--output=" + path("out"), "--steps=3")
    ours = safetensors.load(path("out"))
    for key, tensor in model.tensors.items():
        before = weights[key].astype(np.float64)
        check(f"{name}: change of {key} in three steps", ours[key] - before, tensor.detach().numpy() - before, 5e-3)
    os.remove(path(name))


OUT = ["global_avg_pool", {"linear": CLASSES}]
bare = {"batch_norm": False, "activation": "linear"}


def everything(height, width):
    """A head that sees every pixel by itself."""
    return [{"conv": [height, width], "filters": 8, "padding": "valid", **bare, "bias": False, "label": "all"},
            {"linear": CLASSES}]


def learning_rates(name, training, epochs, expected):
    """One step is an epoch: the synthetic data are 256 images."""
    with open(path(name + ".json"), "w", encoding="utf-8") as file:
        json.dump({"network": name, "input": {"channels": 1, "height": 2, "width": 2}, "layers": OUT,
                   "training": training}, file)
    subprocess.run([incept, "compile", path(name + ".json"), "--batch-size=256", "--threads=1", "-o", path(name)], check=True)
    subprocess.run([path(name), "train", "--data=synthetic:", "--log=" + path("log"),
                    *([f"--epochs={epochs}"] if epochs else [])], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    with open(path("log"), encoding="utf-8") as file:
        rates = [line["learning_rate"] for line in map(json.loads, file) if "learning_rate" in line]
    check(name + ": learning rates", rates, expected, 1e-6)


compare("conv_even", [{"conv": 3, "filters": 6}, *everything(8, 9)])
compare("conv_stride", [{"conv": 3, "filters": 6, "stride": 2}, *everything(4, 5)])
compare("conv_bias", [{"conv": [1, 4], "filters": 5, "batch_norm": False, "stride": [1, 2]}, *everything(8, 5)])
compare("conv_null", [{"conv": 2, "filters": 5, "activation": None, "stride": 2}, *everything(4, 5)])
compare("conv_dilation", [{"conv": 3, "filters": 6, "dilation": [2, 3], "stride": 2}, *everything(4, 5)])
compare("conv_groups", [{"conv": 3, "filters": 6, "groups": 2, "padding": [1, 0]}, *everything(8, 7)], channels=4)
compare("conv_ends", [{"conv": [3, 2], "filters": 4, "padding": {"begin": [2, 0], "end": [0, 1]}}, *everything(8, 9)])
compare("conv_transpose", [{"conv_transpose": 3, "filters": 6}, *everything(8, 9)])
compare("conv_transpose_stride", [{"conv_transpose": [2, 3], "filters": 6, "stride": 2}, *everything(16, 18)])
compare("conv_transpose_gap", [{"conv_transpose": 1, "filters": 5, "stride": [3, 2], "batch_norm": False},
                               *everything(24, 18)])
compare("conv_transpose_ends", [{"conv_transpose": [3, 2], "filters": 4, "stride": 2, "output_padding": [1, 0],
                                 "padding": {"begin": [2, 0], "end": [0, 1]}}, *everything(16, 17)])
compare("conv_transpose_groups", [{"conv_transpose": 3, "filters": 6, "groups": 2, "dilation": [1, 2], "padding": "valid"},
                                  *everything(10, 13)], channels=4)
compare("upsample", [{"upsample": [2, 3]}, *everything(16, 27)])
compare("upsample_bilinear", [{"upsample": 2, "mode": "bilinear"}, *everything(16, 18)])
compare("resize", [{"resize": 11}, *everything(11, 11)])
compare("resize_bilinear", [{"resize": [5, 12], "mode": "bilinear"}, *everything(5, 12)])
compare("max_pool", [{"max_pool": 3}, *everything(6, 7)])
compare("max_pool_same", [{"max_pool": 3, "stride": 2, "padding": "same"}, *everything(4, 5)])
compare("max_pool_ceil", [{"max_pool": 3, "stride": 2, "ceil": True}, *everything(4, 4)])
compare("max_pool_limit", [{"max_pool": 2, "stride": 3, "ceil": True}, *everything(3, 3)])
compare("max_pool_padded_limit", [{"max_pool": 2, "stride": 2, "padding": 1, "ceil": True}, *everything(5, 5)])
compare("avg_pool", [{"avg_pool": 3, "padding": 1}, *everything(8, 9)])
compare("avg_pool_stride", [{"avg_pool": [2, 3], "stride": [2, 1]}, *everything(4, 7)])
compare("avg_pool_same", [{"avg_pool": 3, "stride": 2, "padding": "same", "include_pad": True}, *everything(4, 5)])
compare("avg_pool_ceil", [{"avg_pool": 3, "stride": 2, "padding": 1, "ceil": True}, *everything(5, 5)])
compare("avg_pool_ceil_pad", [{"avg_pool": 3, "stride": 2, "padding": 1, "ceil": True, "include_pad": True},
                              *everything(5, 5)])
compare("norm", [{"batch_norm": True}, *everything(8, 9)])
compare("norm_no_scale", [{"batch_norm": {"scale": False, "epsilon": 0.1}}, "relu", *everything(8, 9)])
compare("layer_norm", [{"layer_norm": True}, *everything(8, 9)])
compare("group_norm", [{"conv": 1, "filters": 6, **bare}, {"group_norm": 2}, *everything(8, 9)])
compare("group_norm_options", [{"conv": 3, "filters": 12}, {"group_norm": 3, "affine": False, "epsilon": 0.1},
                               {"group_norm": 12}, {"group_norm": 1}, *everything(8, 9)])
compare("response_norm", [{"conv": 1, "filters": 9, **bare}, {"local_response_norm": 5}, *everything(8, 9)])
compare("response_norm_options", [{"conv": 1, "filters": 20, **bare},
                                  {"local_response_norm": 4, "alpha": 2.0, "beta": 0.5, "k": 0.7},
                                  {"local_response_norm": 7, "alpha": 0.5, "beta": 1.25}, *everything(8, 9)])
compare("softmax", [{"conv": 1, "filters": 10, **bare}, "softmax", *everything(8, 9), "softmax"])
compare("residual", [{"residual": [{"conv": 1, "filters": 3, **bare}]}, *everything(8, 9)])
compare("residual_options", [{"residual": [{"conv": 3, "filters": 4}], "scale": 0.25, "activation": "relu",
                              "shortcut": [{"pad_channels": 1}]}, *everything(8, 9)])
compare("concat", [{"concat": {"b": {"conv": 1, "filters": 2, **bare}, "a": [{"max_pool": 3, "padding": "same"}], "c": []}},
                   *everything(8, 9)])
compare("auxiliary", [{"conv": 3, "filters": 4}, {"auxiliary": ["global_avg_pool", {"linear": CLASSES}]}, *everything(8, 9)])
# Images higher than wide, with fewer channels than pixels: windows, gates and their gradients keep the two sides and the channels
# apart. A gate of a slice has pixels that lie further apart than it has channels, and not so its factors.
GATE = {"multiply": [["global_avg_pool", {"conv": 1, "filters": 4},
                      {"conv": 1, "filters": 8, "batch_norm": False, "activation": "sigmoid"}], []]}
compare("gate", [{"conv": 3, "filters": 8}, {"max_pool": 3, "stride": 2}, {"avg_pool": 3}, GATE, *OUT], size=(20, 9))
compare("gate_slice", [{"conv": 1, "filters": 16}, {"split": [[GATE], [{"conv": 3, "filters": 8}]]}, *OUT], size=(20, 9))
compare("head", [{"conv": 3, "filters": 4}, "global_avg_pool", {"linear": CLASSES, "bias": False}])
compare("rmsprop", [{"conv": 3, "filters": 4}, *OUT], optimizer=RmsProp, training={"optimizer": {"kind": "rmsprop"}})
compare("sgd", [{"conv": 3, "filters": 4}, *OUT], training={"optimizer": {"kind": "sgd"}})

learning_rates("constant", {}, 3, [0.01] * 3)
learning_rates("one_epoch", {}, None, [0.01])
learning_rates("steps", {"learning_rate": {"kind": "step"}}, 5, [0.01, 0.01, 0.0094, 0.0094, 0.01 * 0.94**2])
learning_rates("cosine", {"learning_rate": {"kind": "cosine"}}, 4,
               [0.01 * (1 + math.cos(math.pi * epoch / 4)) / 2 for epoch in range(4)])
learning_rates("warmup", {"learning_rate": {"warmup_epochs": 2}, "epochs": 4}, None, [0.01 / 3, 0.02 / 3, 0.01, 0.01])

for failure in failures[:40]:
    print("FAILED", failure)
print(len(failures), "comparisons failed")
sys.exit(1 if failures else 0)
