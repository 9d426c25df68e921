# SPDX-License-Identifier: Apache-2.0
"""Compares a training step and inference of networks with those of torchvision, whose weights are given to them by the
maps of names, and whose gradients come back by them.

Usage: mapped.py INCEPT SPECS SCRATCH NETWORK... NETWORK is what torchvision_NETWORK.json is the map of. The program runs
in f32, PyTorch in f64 and f32. A tensor may be further from PyTorch's f64 than 1e-3 of its largest value, up to 2e-2, where PyTorch's own f32 is a tenth as far too; where
rounding tips over a kink, another batch decides.
"""
import copy
import json
import os
import subprocess
import sys

import numpy as np
import torch
from torchvision import models, ops

import safetensors

CLASSES, BATCH, BATCHES = 10, 4, 4
# Their constructor, our size and parameters: dropout and stochastic depth off.
NETWORKS = {
    "alexnet": (lambda: models.alexnet(num_classes=CLASSES), 95, ["keep=1"]),
    "vgg16": (lambda: models.vgg16(num_classes=CLASSES), 64, ["keep=1"]),
    "googlenet": (lambda: models.GoogLeNet(num_classes=CLASSES, init_weights=False), 80,
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
failures = []


def draw(model):
    """Weights that make the comparison strong: every tensor its own, activations of about 1 and away from kinks."""
    random = torch.Generator().manual_seed(1)
    uniform = lambda tensor, low, high: tensor.copy_(torch.rand(tensor.shape, generator=random) * (high - low) + low)
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if name.endswith("running_mean"):
                uniform(tensor, -0.2, 0.2)
            elif name.endswith("running_var"):
                uniform(tensor, 0.7, 1.4)
            elif name.endswith("layer_scale"):
                uniform(tensor, 0.2, 0.4)
            elif tensor.dim() == 1 and name.endswith("weight"):
                uniform(tensor, 0.6, 1.0)
            elif tensor.dim() == 1:
                uniform(tensor, -0.1, 0.3)
            elif tensor.dim() > 1:
                fan_in = tensor[0].numel()
                tensor.copy_(torch.randn(tensor.shape, generator=random) * (1.6 / fan_in) ** 0.5)


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
        self.map = os.path.join(specs, "maps", f"torchvision_{network}.json")
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

    def batch(self, seed):
        torch.manual_seed(seed)
        self.images = torch.randn(BATCH, 3, self.size, self.size)
        self.labels = torch.randint(0, CLASSES, (BATCH,))
        safetensors.save(self.path("batch"), {"images": self.images.numpy(), "labels": self.labels.numpy()})

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
        return self.error(safetensors.load(self.path("logits"))["logits"], expected, 0)

    @staticmethod
    def error(got, expected, floor):
        expected = expected.detach().numpy()
        scale = max(float(np.abs(expected).max()), floor, 1e-12)
        return float(np.abs(got.reshape(expected.shape) - expected).max()) / scale

    def step(self):
        """What is wrong with a step on this batch, by name, and the largest error."""
        self.run(self.path("program"), "step", "--weights=" + self.path("ours"), "--batch=" + self.path("batch"),
                 "--output=" + self.path("step"), "--set", "learning_rate=0.01")
        ours = safetensors.load(self.path("step"))
        exact, single = copy.deepcopy(self.model).double(), copy.deepcopy(self.model)
        loss, logits = loss_of(exact, self.images.double(), self.labels)
        loss.backward()
        loss_of(single, self.images, self.labels)[0].backward()
        wrong, errors = {}, []

        def compare(name, got, expected, own, floor=0.0):
            error = self.error(got, expected, floor)
            errors.append(error)
            if not error <= min(max(1e-3, 10 * self.error(own.detach().numpy(), expected, floor)), 2e-2):
                wrong[name] = error

        compare("logits", ours["logits"], logits, logits)
        compare("loss", np.array(ours["loss"]).reshape(()), loss, loss)
        got, own = self.theirs(ours), dict(single.named_parameters())
        gradients = {name: parameter.grad for name, parameter in exact.named_parameters()}
        floor = 0.01 * float(np.median([float(gradient.abs().max()) for gradient in gradients.values()]))
        for name, gradient in gradients.items():
            compare(name, got[name], gradient, own[name].grad, floor)
        for name, buffer in exact.named_buffers():
            if not name.endswith("num_batches_tracked"):
                compare(name, got[name], buffer, dict(single.named_buffers())[name])
        return wrong, max(errors)


def main():
    incept, specs, scratch, *networks = sys.argv[1:]
    for network in networks:
        case = Case(incept, specs, scratch, network)
        suspects = None
        for seed in range(BATCHES):
            case.batch(seed)
            if seed == 0:
                error = case.inference()
                print(f"{network}: logits of inference within {error:.2g}")
                if not error <= 1e-4:
                    failures.append(f"{network}: logits of inference: error {error:.3g}")
            wrong, worst = case.step()
            print(f"{network}: training, batch {seed}: within {worst:.2g}, {len(wrong)} to be compared again")
            suspects = set(wrong) if suspects is None else suspects & set(wrong)
            if not suspects:
                break
        failures.extend(f"{network}: {name}: error {wrong[name]:.3g}" for name in sorted(suspects))
        for name in ("program", "theirs", "ours", "batch", "mixed", "back", "logits", "step"):
            if os.path.exists(case.path(name)):
                os.remove(case.path(name))
    for failure in failures:
        print(failure)
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
