# SPDX-License-Identifier: Apache-2.0
"""Compares a training step and inference of networks with those of torchvision, whose weights are given to them by the
maps of names, and whose gradients come back by them.

Usage: mapped.py INCEPT SPECS SCRATCH [--mistake=NAME] NETWORK... NETWORK is what torchvision_NETWORK.json is the map of, or
timm_NETWORK.json, whose networks are written out in references.py; a mistake of MISTAKES is planted in PyTorch's network,
which must then disagree.

The program runs in f32, PyTorch in f64, on one batch of which no value is so near to a kink that rounding tips it over
(conditioning.py). A tensor may be as far from PyTorch's as FACTOR times what rounding does: the largest change that it sees
where every op of PyTorch's step, forward and backward, is moved by up to half a unit in the last place of f32, three times
over. Inference: logits within 1e-4 of the largest.
"""
import copy
import json
import os
import subprocess
import sys

import numpy as np
import torch
from torch import nn
from torchvision import models, ops

import conditioning
import references
import safetensors

CLASSES, BATCH = 10, 4
FACTOR, SAMPLES, MOST_BATCHES = 32, 3, 200
# Their constructor, our size and parameters: dropout and stochastic depth off.
NETWORKS = {
    "alexnet": (lambda: models.alexnet(num_classes=CLASSES), 95, ["keep=1"]),
    "vgg16": (lambda: models.vgg16(num_classes=CLASSES), 32, ["keep=1"]),
    "vgg16_bn": (lambda: models.vgg16_bn(num_classes=CLASSES), 32, ["keep=1"]),
    "squeezenet1_1": (lambda: models.squeezenet1_1(num_classes=CLASSES), 64, ["keep=1"]),
    "resnet18": (lambda: models.resnet18(num_classes=CLASSES), 64, []),
    "resnet34": (lambda: models.resnet34(num_classes=CLASSES), 64, []),
    "resnet101": (lambda: models.resnet101(num_classes=CLASSES), 64, []),
    "resnext50_32x4d": (lambda: models.resnext50_32x4d(num_classes=CLASSES), 64, []),
    "wide_resnet50_2": (lambda: models.wide_resnet50_2(num_classes=CLASSES), 64, []),
    "densenet121": (lambda: models.densenet121(num_classes=CLASSES), 64, []),
    "regnet_x_400mf": (lambda: models.regnet_x_400mf(num_classes=CLASSES), 64, []),
    "mobilenetv1_100": (lambda: references.MobileNetV1(CLASSES), 64, ["activation=relu6"]),
    "xception": (lambda: references.Xception(CLASSES), 64, []),
    "googlenet": (lambda: models.GoogLeNet(num_classes=CLASSES, init_weights=False), 48,
                  ["keep=1", "head_keep=1"]),
    "mobilenet_v2": (lambda: models.mobilenet_v2(num_classes=CLASSES), 64, ["keep=1"]),
    "mobilenet_v3_large": (lambda: models.mobilenet_v3_large(num_classes=CLASSES), 64, ["keep=1"]),
    "efficientnet_b0": (lambda: models.efficientnet_b0(num_classes=CLASSES), 64,
                        ["keep=1", "drop=0"]),
    "regnet_y_400mf": (lambda: models.regnet_y_400mf(num_classes=CLASSES), 64, []),
    "shufflenet_v2": (lambda: models.shufflenet_v2_x1_0(num_classes=CLASSES), 64, []),
    "convnext_tiny": (lambda: models.convnext_tiny(num_classes=CLASSES), 64, ["drop=0"]),
}
AUXILIARY = 0.3  # weight of the heads' losses
# What a change of few values, or of the last digits, looks like: of the ops of PyTorch's network.
MISTAKES = {
    "unclipped": (nn.ReLU6, lambda module: setattr(module, "max_val", 7.0)),
    "epsilon": (nn.BatchNorm2d, lambda module: setattr(module, "eps", 2e-5)),
}
failures = []


def centres(model):
    """What each channel is drawn around: not far from a kink, so that some values of a channel lie beyond it, and not so near
    that many would have to be far from it by chance."""
    kinds = {type(module) for module in model.modules()}
    if nn.Hardswish in kinds:
        return (1.1, 1.9, -1.9)
    return (1.1, 1.1, 1.1, 4.9) if nn.ReLU6 in kinds else (1.1,)


def draw(model):
    """Weights that make the comparison strong: every tensor its own, all running statistics others than at the start."""
    random = torch.Generator().manual_seed(1)
    uniform = lambda tensor, low, high: tensor.copy_(torch.rand(tensor.shape, generator=random) * (high - low) + low)
    around = torch.tensor(centres(model))
    normalized = any(isinstance(module, (nn.BatchNorm2d, nn.LayerNorm)) for module in model.modules())
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if name.endswith("running_mean"):
                uniform(tensor, -0.2, 0.2)
            elif name.endswith("running_var"):
                uniform(tensor, 0.7, 1.4)
            elif name.endswith("layer_scale"):
                uniform(tensor, 0.2, 0.4)
            elif tensor.dim() == 1 and name.endswith("weight"):
                uniform(tensor, 0.3, 0.4)
            elif tensor.dim() == 1:
                uniform(tensor, -0.1, 0.1).add_(around[torch.randint(len(around), tensor.shape, generator=random)])
            elif tensor.dim() > 1:
                # Without batch norm the weights keep activations near what they are drawn around, and pixels apart in all layers.
                variance = (1.6 if normalized else 0.4) / tensor[0].numel()
                tensor.copy_(torch.randn(tensor.shape, generator=random) * variance ** 0.5)


def loss_of(model, images, labels):
    output = model(images)
    heads = [output] if isinstance(output, torch.Tensor) else list(output)
    main = heads[0]
    entropy = lambda logits: torch.nn.functional.cross_entropy(logits, labels)
    # torchvision lists the logits first, then the heads' from the last one on.
    return sum(entropy(head) * (1.0 if head is main else AUXILIARY) for head in heads if head is not None), main


def save(path, state):
    safetensors.save(path, {name: tensor.detach().float().contiguous().numpy() for name, tensor in state.items()
                            if not name.endswith("num_batches_tracked")})


class Case:
    def __init__(self, incept, specs, scratch, network):
        self.build, self.size, settings = NETWORKS[network]
        self.incept, self.network = incept, network
        library = "timm" if self.build().__class__.__module__ == references.__name__ else "torchvision"
        self.map = os.path.join(specs, "maps", f"{library}_{network}.json")
        with open(self.map) as file:
            names = json.load(file)
        spec = os.path.join(specs, "maps", names["spec"])
        self.settings = ["--set", f"classes={CLASSES}", f"size={self.size}", *settings]
        self.path = lambda name: os.path.join(scratch, f"{network}.{name}")
        which = [f"--network={names['network']}"] if "network" in names else []
        self.run(incept, "compile", spec, *which, f"--batch-size={BATCH}", "--keep-gradients", "-o",
                 self.path("program"), *self.settings)
        self.model = self.build().train()
        for module in self.model.modules():
            if isinstance(module, (torch.nn.Dropout, ops.StochasticDepth)):
                module.p = 0.0
        draw(self.model)
        save(self.path("theirs"), self.model.state_dict())
        self.convert("theirs", "ours")

    def run(self, *command):
        subprocess.run(command, check=True)

    def convert(self, source, target, *options):
        self.run(self.incept, "weights", f"--map={self.map}", *options, *self.settings, "--", self.path(source),
                 self.path(target))

    def batch(self):
        """Draws batches until one is well conditioned; how many it took, or None."""
        exact = copy.deepcopy(self.model).double()
        loss = lambda: loss_of(copy.deepcopy(exact), self.images.double(), self.labels)
        limits = None
        for seed in range(MOST_BATCHES):
            torch.manual_seed(seed)
            self.images = torch.randn(BATCH, 3, self.size, self.size)
            self.labels = torch.randint(0, CLASSES, (BATCH,))
            limits = limits or conditioning.margins(loss, torch.Generator().manual_seed(1))
            if conditioning.well_conditioned(loss, limits):
                safetensors.save(self.path("batch"), {"images": self.images.numpy(), "labels": self.labels.numpy()})
                return seed + 1
        return None

    def theirs(self, ours):
        """Tensors of a step, gradients in the places of parameters, under their names."""
        names = safetensors.load(self.path("ours"))
        safetensors.save(self.path("mixed"), {name: ours.get("grad/" + name, ours[name]) for name in names})
        self.convert("mixed", "back", "--reverse")
        return safetensors.load(self.path("back"))

    def inference(self):
        self.run(self.path("program"), "predict", "--weights=" + self.path("ours"), "--input=" + self.path("batch"),
                 "--output=" + self.path("logits"))
        with torch.no_grad():
            expected = copy.deepcopy(self.model).double().eval()(self.images.double())
        got, expected = safetensors.load(self.path("logits"))["logits"], expected.numpy()
        return float(np.abs(got - expected).max()) / float(np.abs(expected).max())

    def exact_step(self, random=None, mistake=None):
        """Tensors of PyTorch's step in f64, gradients by the names of parameters; moved as by rounding, where `random` is."""
        model = copy.deepcopy(self.model).double()
        if mistake:
            kind, plant = MISTAKES[mistake]
            for module in model.modules():
                if isinstance(module, kind):
                    plant(module)
        with conditioning.Rounding(random):
            loss, logits = loss_of(model, self.images.double(), self.labels)
        loss.backward()
        tensors = {"logits": logits, "loss": loss}
        tensors.update((name, parameter.grad) for name, parameter in model.named_parameters())
        tensors.update((name, buffer) for name, buffer in model.named_buffers() if not name.endswith("num_batches_tracked"))
        return {name: tensor.detach().numpy() for name, tensor in tensors.items()}

    def step(self, mistake):
        """How many times as far as rounding goes each tensor of the program's step is from PyTorch's, by name."""
        self.run(self.path("program"), "step", "--weights=" + self.path("ours"), "--batch=" + self.path("batch"),
                 "--output=" + self.path("step"), "--set", "learning_rate=0.01")
        ours = safetensors.load(self.path("step"))
        got = {"logits": ours["logits"], "loss": ours["loss"], **self.theirs(ours)}
        exact = self.exact_step(mistake=mistake)
        moved = [self.exact_step(torch.Generator().manual_seed(seed), mistake) for seed in range(SAMPLES)]
        # A gradient that is zero but for rounding, as that of a bias which batch norm takes away, is measured by the others'.
        scales = {name: float(np.abs(value).max()) for name, value in exact.items()}
        parameters = [name for name, _ in self.model.named_parameters()]
        floor = 0.01 * float(np.median([scales[name] for name in parameters]))
        far = lambda name, value: float(np.abs(value.reshape(exact[name].shape) - exact[name]).max())
        ratios = {}
        for name in exact:
            scale = max(scales[name], floor if name in parameters else 0.0)
            effect = max([conditioning.HALF_ULP * scale, *(far(name, sample[name]) for sample in moved)])
            ratios[name] = far(name, got[name]) / effect
        return ratios


def compare(case):
    tries = case.batch()
    if tries is None:
        failures.append(f"{case.network}: every one of {MOST_BATCHES} batches has values that rounding may tip over a kink")
        return
    error = case.inference()
    print(f"{case.network}: logits of inference within {error:.2g} of the largest")
    if not error <= 1e-4:
        failures.append(f"{case.network}: logits of inference: error {error:.3g}")
    ratios = case.step(case.mistake)
    worst = max(ratios, key=ratios.get)
    print(f"{case.network}: training on batch {tries}: {len(ratios)} tensors within {ratios[worst]:.2g} times what rounding "
          f"does ({worst}), in the middle {float(np.median(list(ratios.values()))):.2g}")
    failures.extend(f"{case.network}: {name}: {ratio:.3g} times as far as rounding goes, expected at most {FACTOR}"
                    for name, ratio in sorted(ratios.items()) if not ratio <= FACTOR)


def main():
    incept, specs, scratch, *networks = sys.argv[1:]
    mistake = None
    if networks[0].startswith("--mistake="):
        mistake = networks.pop(0).split("=")[1]
    for network in networks:
        case = Case(incept, specs, scratch, network)
        case.mistake = mistake
        compare(case)
        for name in ("program", "theirs", "ours", "batch", "mixed", "back", "logits", "step"):
            if os.path.exists(case.path(name)):
                os.remove(case.path(name))
    for failure in failures:
        print(failure)
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
