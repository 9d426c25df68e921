# SPDX-License-Identifier: Apache-2.0
"""Networks that score each pixel, compared with PyTorch: logits, loss, every gradient, what three steps make of parameters
and statistics, and inference.

Usage: segmentation.py INCEPT SPECS DIRECTORY [--only NAME,...] [--runner PROGRAM] [compile options]. PyTorch's modules
have our names, so that their state is ours. All is compared with PyTorch in f64: logits and losses within 1e-4 of the
largest value, gradients within 1e-3, or ten times the distance of PyTorch's own f32, but never more than 2e-2.
"""
import argparse
import copy
import os
import subprocess
import sys

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

import safetensors

STEPS, RATE, MOMENTUM, AUXILIARY, IGNORED = 3, 0.05, 0.9, 0.4, 255
TRAINING = f"training {{ optimizer = sgd(momentum = {MOMENTUM}); learning_rate = constant(base = {RATE}) }}"


class Unit(nn.Sequential):
    """A convolution, batch norm and ReLU."""

    def __init__(self, conv, norm=True, relu=True):
        super().__init__()
        self.add_module("conv", conv)
        self.add_module("bn", nn.BatchNorm2d(conv.out_channels)) if norm else None
        self.add_module("relu", nn.ReLU()) if relu else None


class Pair(nn.Sequential):
    def __init__(self, cin, cout):
        super().__init__()
        self.conv1 = Unit(nn.Conv2d(cin, cout, 3, padding=1, bias=False))
        self.conv2 = Unit(nn.Conv2d(cout, cout, 3, padding=1, bias=False))


class Up(nn.Module):
    def __init__(self, cin, cout):
        super().__init__()
        self.conv_transpose1 = nn.ConvTranspose2d(cin, cout, 2, stride=2)
        self.both = Pair(2 * cout, cout)

    def forward(self, x, level):
        return self.both(torch.cat([level, self.conv_transpose1(x)], 1))


class UNet(nn.Module):
    """Figure 1 of the paper, with padding and batch norm."""

    def __init__(self, classes=2, channels=3, filters=64):
        super().__init__()
        widths = [filters << i for i in range(5)]
        for i in range(4):
            setattr(self, f"down{i + 1}", Pair(widths[i - 1] if i else channels, widths[i]))
            setattr(self, f"up{i + 1}", Up(widths[i + 1], widths[i]))
        self.bottom = Pair(widths[3], widths[4])
        self.classifier = nn.Conv2d(filters, classes, 1)

    def forward(self, x):
        levels = []
        for i in range(1, 5):
            levels.append(getattr(self, f"down{i}")(x))
            x = F.max_pool2d(levels[-1], 2)
        x = self.bottom(x)
        for i in range(4, 0, -1):
            x = getattr(self, f"up{i}")(x, levels[i - 1])
        return [self.classifier(x)]


DECODER = """
network decoder(classes = 3, size = 12) {
  input 3 x size x size
  first: conv 3x3, 8, stride = 2, padding = 1
  grouped: conv_transpose 3x3, 12, stride = 2, padding = 1, output_padding = 1, groups = 2
  valid: conv_transpose 3x2, 8, valid, dilation = 2x1, no batch_norm
  upsample 1x2, mode = bilinear
  head: auxiliary(loss_weight = 0.4) {
    scores: conv 1x1, classes, no batch_norm, no activation
    resize 24x20
    pixel_scores
  }
  resize 24x20, mode = bilinear
  same: conv_transpose 3x3, 8, bias
  uneven: conv_transpose 2x3, 6, padding = (begin = 0x1, end = 1x1)
  classifier: conv 1x1, classes, no batch_norm, no activation
  pixel_scores
  TRAINING
}
"""


class Head(nn.Module):
    def __init__(self):
        super().__init__()
        self.scores = nn.Conv2d(8, 3, 1)


class Decoder(nn.Module):
    """Every way of making an image larger."""

    def __init__(self):
        super().__init__()
        self.first = Unit(nn.Conv2d(3, 8, 3, 2, 1, bias=False))
        self.grouped = Unit(nn.ConvTranspose2d(8, 12, 3, 2, 1, 1, groups=2, bias=False))
        self.valid = nn.ConvTranspose2d(12, 8, (3, 2), dilation=(2, 1))
        self.head = Head()
        self.same = Unit(nn.ConvTranspose2d(8, 8, 3, padding=1))
        self.uneven = Unit(nn.ConvTranspose2d(8, 6, (2, 3), padding=(0, 1), bias=False), norm=True, relu=False)
        self.classifier = nn.Conv2d(6, 3, 1)

    def forward(self, x):
        x = torch.relu(self.valid(self.grouped(self.first(x))))
        x = F.interpolate(x, scale_factor=(1, 2), mode="bilinear", align_corners=False)
        head = F.interpolate(self.head.scores(x), (24, 20))
        x = self.same(F.interpolate(x, (24, 20), mode="bilinear", align_corners=False))
        # The row that the uneven padding takes away, before batch norm sees it.
        x = torch.relu(self.uneven.bn(self.uneven.conv(x)[:, :, :-1]))
        return [self.classifier(x), head]


# Model, classes, input and labels' size, and what its description is.
NETWORKS = {
    "unet": (lambda: UNet(3, 3, 4), 3, (64, 64), (64, 64), ["classes=3", "size=64", "filters=4"]),
    "decoder": (Decoder, 3, (12, 12), (24, 20), []),
}
BATCH = 4
failures = []


def loss_of(model, images, labels):
    heads = model(images)
    return sum(F.cross_entropy(head, labels, ignore_index=IGNORED) * (AUXILIARY if i else 1.0) for i, head in enumerate(heads)), heads[0]


def error(got, expected):
    expected = expected.detach().double().numpy()
    return float(np.abs(got.reshape(expected.shape) - expected).max()) / max(float(np.abs(expected).max()), 1e-12)


def rows(logits):
    """Channels last, as our logits are."""
    return logits.permute(0, 2, 3, 1)


def train(model, images, labels):
    """Losses of the steps, and gradients and logits of the first."""
    optimizer = torch.optim.SGD(model.parameters(), RATE, MOMENTUM)
    losses = []
    for step in range(STEPS):
        optimizer.zero_grad()
        loss, logits = loss_of(model, images, labels)
        loss.backward()
        losses.append(loss.detach())
        if step == 0:
            gradients = {name: parameter.grad.clone() for name, parameter in model.named_parameters()}
            first = rows(logits.detach())
        optimizer.step()
    return torch.stack(losses), gradients, first


def compare(name, options, compiling):
    build, classes, size, label_size, settings = NETWORKS[name]
    path = lambda file: os.path.join(options.directory, name + file)
    spec = os.path.join(options.specs, name + ".incept")
    if name == "decoder":
        spec = path(".incept")
        with open(spec, "w", encoding="utf-8") as file:
            file.write(DECODER.replace("TRAINING", TRAINING.replace("}", f"; ignore_label = {IGNORED} }}")))
    subprocess.run([options.incept, "compile", spec, f"--batch-size={BATCH}", "--keep-gradients", "-o", path(""),
                    *(f"--set={setting}" for setting in settings), *compiling], check=True)
    program = ([*options.runner.split()] if options.runner else []) + [path("")]
    torch.manual_seed(3)
    model = build().train()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 1:
                parameter.uniform_(0.3, 0.8)
    state = {key: value.numpy() for key, value in model.state_dict().items() if "num_batches" not in key}
    subprocess.run(program + ["init", "--seed=1", "--output=" + path(".init")], check=True)
    ours = safetensors.load(path(".init"))
    wrong = {key for key in set(ours) ^ set(state)} | {
        key for key in set(ours) & set(state) if ours[key].shape != state[key].shape}
    if wrong:
        failures.append(f"{name}: names or shapes differ: {sorted(wrong)}")
        return
    images, labels = torch.randn(BATCH, 3, *size), torch.randint(0, classes, (BATCH, *label_size))
    if name == "decoder":
        labels[torch.rand(labels.shape) < 0.2] = IGNORED
    safetensors.save(path(".weights"), state)
    safetensors.save(path(".batch"), {"images": images.numpy(), "labels": labels.numpy()})
    settings = [f"--set=learning_rate={RATE}", f"--set=momentum={MOMENTUM}"]
    for steps in (1, STEPS):
        subprocess.run(program + ["step", "--weights=" + path(".weights"), "--batch=" + path(".batch"),
                                  f"--output={path('.out')}{steps}", f"--steps={steps}", *settings], check=True)
    subprocess.run(program + ["predict", "--weights=" + path(".weights"), "--input=" + path(".batch"),
                              "--output=" + path(".logits")], check=True)
    first, last = (safetensors.load(path(".out") + str(steps)) for steps in (1, STEPS))
    exact, single = copy.deepcopy(model).double(), copy.deepcopy(model)
    with torch.no_grad():
        inferred = rows(copy.deepcopy(exact).eval()(images.double())[0])
    losses, gradients, logits = train(exact, images.double(), labels)
    own = train(single, images, labels)[1]
    errors = []

    def check(what, got, expected, tolerance):
        errors.append(error(got, expected))
        if not errors[-1] <= tolerance:
            failures.append(f"{name}: {what}: error {errors[-1]:.3g}, expected at most {tolerance:.3g}")

    scores = safetensors.load(path(".logits"))["logits"]
    assert scores.shape == (BATCH, *label_size, classes), scores.shape
    check("logits of inference", scores, inferred, 1e-4)
    assert first["logits"].shape == scores.shape, first["logits"].shape
    check("logits", first["logits"], logits, 1e-4)
    check("losses", last["losses"], losses, 1e-4)
    tolerance = {}
    for key, gradient in gradients.items():
        tolerance[key] = min(max(1e-3, 10 * error(own[key].double().numpy(), gradient)), 2e-2)
        # Batch norm behind it takes the bias away again: a gradient of nothing but rounding.
        if not key.endswith("conv.bias"):
            check("gradient of " + key, first["grad/" + key], gradient, tolerance[key])
    for key, value in exact.state_dict().items():
        if "num_batches" not in key:
            check(key, last[key], value, 2e-3)
    print(f"{name}: {len(errors)} tensors within {max(errors):.2g}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("incept")
    parser.add_argument("specs")
    parser.add_argument("directory")
    parser.add_argument("--only", default=",".join(NETWORKS))
    parser.add_argument("--runner", help="what runs the programs")
    options, compiling = parser.parse_known_args()
    count = sum(parameter.numel() for parameter in UNet().parameters())
    assert count == PARAMETERS, count
    for name in options.only.split(","):
        compare(name, options, compiling)
    for failure in failures:
        print(failure)
    sys.exit(bool(failures))


PARAMETERS = 31037698  # of the whole U-Net for two classes, as counted for other implementations of it

if __name__ == "__main__":
    main()
