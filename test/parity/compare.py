# SPDX-License-Identifier: Apache-2.0
"""Compares training steps of a compiled network with PyTorch: logits, loss, every gradient, the new running statistics,
the losses of some steps with RMSProp and with SGD, and inference with folded batch norm.

Usage: compare.py PROGRAM MODEL [options]. PROGRAM is compiled with --keep-gradients from what specialize.py wrote (its
training section has the constants of that file), dropout off. MODEL is a name in MODELS.

The first step is compared with PyTorch in f64. Tolerances: logits 1e-4, running statistics 1e-4, gradients 1e-3 of each
tensor's largest value, or, where PyTorch's own f32 is further than a tenth of that from its f64, ten times its error,
but never more than 2e-2. Inference with folded batch norm against PyTorch's eval mode: 1e-4. Losses of steps
in f32: 1e-3.
"""
import argparse
import copy
import os
import subprocess
import sys
import tempfile

import numpy as np
import torch

import cifar
import inception_resnet
import inception_v4
import library
import safetensors
from specialize import DECAY, EPSILON, MOMENTUM, SMOOTHING, WEIGHT_DECAY

MODELS = {
    "inception_v3": library.inception_v3,
    "inception_v3_aux": lambda classes: library.inception_v3(classes, aux=True, include_pad=True),
    "inception_v4": inception_v4.paper,
    "inception_v4_released": inception_v4.released,
    "inception_v4_cifar": cifar.inception_v4,
    "inception_resnet_v1": inception_resnet.v1,
    **{f"inception_resnet_v2_{n}": (lambda classes, n=n: inception_resnet.v2(classes, n)) for n in (1, 2, 3, 4)},
    "inception_resnet_v2_released": inception_resnet.released,
    "inception_resnet_v2_cifar": cifar.inception_resnet_v2,
    "resnet50": library.resnet50,
}
PARAMETERS = ("weight", "bias")
BATCHES = 4  # that gradients may be compared on
# Suffixes of our names in the order in which PyTorch lists a module's tensors.
SUFFIXES = (".conv.weight", ".bn.weight", ".bn.bias", ".bn.running_mean", ".bn.running_var",
            ".weight", ".bias", ".running_mean", ".running_var")
failures = []


def check(what, got, expected, tolerance):
    assert got.shape == expected.shape, (what, got.shape, expected.shape)
    scale = max(float(np.abs(expected).max()), 1e-12)
    error = float(np.abs(got - expected).max()) / scale
    if not error <= tolerance:
        failures.append(f"{what}: error {error:.3g} of the largest value, expected at most {tolerance:.3g}")
    return error


def torch_tensors(model):
    """(module, attribute) of every tensor, in the order of the modules, which is that of our description's ops."""
    for module in model.modules():
        for attribute in ("weight", "bias", "running_mean", "running_var"):
            if isinstance(getattr(module, attribute, None), torch.Tensor):
                yield module, attribute


def pair(weights, model):
    """Our names with PyTorch's (module, attribute), op by op."""
    units = {}
    for name in weights:
        suffix = next(suffix for suffix in SUFFIXES if name.endswith(suffix))
        units.setdefault(name[:-len(suffix)], {})[SUFFIXES.index(suffix)] = name
    names = [unit[place] for unit in units.values() for place in sorted(unit)]
    tensors = list(torch_tensors(model))
    assert len(names) == len(tensors), (len(names), len(tensors))
    for name, (module, attribute) in zip(names, tensors):
        shape = tuple(getattr(module, attribute).shape)
        assert weights[name].shape == shape, (name, weights[name].shape, shape)
    return list(zip(names, tensors))


def draw_weights(weights, pairs):
    """Replaces what would make the comparison weak. With gamma 1 and beta 0 these networks amplify rounding until
    PyTorch's own f32 gradients are 10 % off its f64 ones: most activations lie near the kink of a ReLU. A positive beta
    moves them away, and each op keeps its own gamma, beta and bias, so that none can be mistaken for another's. Running
    statistics start where their update shows."""
    random = np.random.default_rng(1)
    for name, (module, attribute) in pairs:
        shape = weights[name].shape
        if isinstance(module, torch.nn.BatchNorm2d):
            values = {"weight": lambda: random.uniform(0.3, 0.4, shape), "bias": lambda: random.uniform(1, 1.2, shape),
                      "running_mean": lambda: random.normal(0, 1, shape),
                      "running_var": lambda: random.uniform(0.5, 2, shape)}[attribute]()
            weights[name] = values.astype(np.float32)
        elif attribute == "bias":
            weights[name] = random.uniform(-0.5, 0.5, shape).astype(np.float32)
        with torch.no_grad():
            getattr(module, attribute).copy_(torch.from_numpy(np.array(weights[name])))


class TfRmsProp:
    """TensorFlow's form: the mean square starts at 1, epsilon is inside the root, the rate inside the momentum."""

    def __init__(self, parameters, rate):
        self.rate = rate
        self.slots = [(p, torch.ones_like(p), torch.zeros_like(p)) for p in parameters]

    @torch.no_grad()
    def step(self):
        for parameter, square, velocity in self.slots:
            gradient = parameter.grad + (WEIGHT_DECAY * parameter if parameter.dim() > 1 else 0)
            square.mul_(DECAY).add_(gradient * gradient, alpha=1 - DECAY)
            velocity.mul_(MOMENTUM).add_(self.rate * gradient / torch.sqrt(square + EPSILON))
            parameter.sub_(velocity)


def optimizer_of(kind, parameters, rate):
    if kind == "rmsprop":
        return TfRmsProp(parameters, rate)
    groups = [{"params": [p for p in parameters if p.dim() > 1], "weight_decay": WEIGHT_DECAY},
              {"params": [p for p in parameters if p.dim() <= 1]}]
    return torch.optim.SGD(groups, lr=rate, momentum=MOMENTUM)


def loss_of(model, images, labels, aux_weight):
    """(loss, logits) in training mode."""
    entropy = lambda logits: torch.nn.functional.cross_entropy(logits, labels, label_smoothing=SMOOTHING)
    output = model(images)
    if isinstance(output, torch.Tensor):
        return entropy(output), output
    return entropy(output.logits) + aux_weight * entropy(output.aux_logits), output.logits


def check_gradients(ours, pairs, exact_pairs):
    """{name: what is wrong} and all errors. Some gradients are zero but for rounding (a batch norm takes away what a
    bias before it adds): they are compared on the scale of the others."""
    exact = {name: getattr(module, attribute).grad for name, (module, attribute) in exact_pairs
             if attribute in PARAMETERS}
    floor = 0.01 * float(np.median([float(gradient.abs().max()) for gradient in exact.values()]))
    wrong, errors = {}, []
    for name, (module, attribute) in pairs:
        if attribute not in PARAMETERS:
            continue
        reference, scale = exact[name], max(float(exact[name].abs().max()), floor)
        own = float((getattr(module, attribute).grad - reference).abs().max()) / scale
        error = float(np.abs(ours["grad/" + name] - reference.numpy()).max()) / scale
        tolerance = min(max(1e-3, 10 * own), 2e-2)
        errors.append(error)
        if not error <= tolerance:
            wrong[name] = f"grad/{name}: error {error:.3g} of the largest value, expected at most {tolerance:.3g}"
    return wrong, errors


class Comparison:
    def __init__(self, options):
        self.options = options
        self.directory = tempfile.TemporaryDirectory()
        self.run(options.program, "init", "--seed=3", "--output=" + self.path("init"))
        weights = safetensors.load(self.path("init"))
        self.model = MODELS[options.model](classes=options.classes).train()
        for module in self.model.modules():
            if options.bn_decay is not None and isinstance(module, torch.nn.BatchNorm2d):
                module.momentum = 1 - options.bn_decay
        draw_weights(weights, pair(weights, self.model))
        self.weights = weights
        safetensors.save(self.path("weights"), weights)
        self.draw_batch()

    def draw_batch(self):
        self.images = torch.randn(self.options.batch, 3, self.options.size, self.options.size)
        self.labels = torch.randint(0, self.options.classes, (self.options.batch,))
        safetensors.save(self.path("batch"), {"images": self.images.numpy(), "labels": self.labels.numpy()})

    def path(self, name):
        return os.path.join(self.directory.name, name)

    def run(self, program, *arguments):
        subprocess.run([program, *arguments], check=True)

    def step(self, program, steps):
        """What the program writes after some steps."""
        self.run(program, "step", "--weights=" + self.path("weights"), "--batch=" + self.path("batch"),
                 "--output=" + self.path("step"), f"--steps={steps}", "--set", f"learning_rate={self.options.rate}")
        return safetensors.load(self.path("step"))

    def inference(self):
        self.run(self.options.program, "predict", "--weights=" + self.path("weights"), "--input=" + self.path("batch"),
                 "--output=" + self.path("logits"))
        with torch.no_grad():
            expected = copy.deepcopy(self.model).double().eval()(self.images.double()).numpy()
        error = check("logits of inference", safetensors.load(self.path("logits"))["logits"], expected, 1e-4)
        print(f"inference: logits within {error:.2g}")

    def first_step(self):
        """Logits, loss, running statistics and gradients of one step. Where rounding tips over a ReLU or a maximum, the
        gradients before it change by far more than that: one is at fault that disagrees on every batch."""
        suspects = None
        for batch in range(BATCHES):
            if batch > 0:
                self.draw_batch()
            ours = self.step(self.options.program, 1)
            model, exact = copy.deepcopy(self.model), copy.deepcopy(self.model).double()
            loss_of(model, self.images, self.labels, self.options.aux_weight)[0].backward()
            loss, logits = loss_of(exact, self.images.double(), self.labels, self.options.aux_weight)
            loss.backward()
            worst = check("logits", ours["logits"], logits.detach().numpy(), 1e-4)
            check("loss", ours["loss"], loss.detach().numpy(), 1e-5)
            exact_pairs = pair(self.weights, exact)
            for name, (module, attribute) in exact_pairs:
                if attribute not in PARAMETERS:
                    check(name, ours[name], getattr(module, attribute).numpy(), 1e-4)
            wrong, errors = check_gradients(ours, pair(self.weights, model), exact_pairs)
            print(f"training, batch {batch}: logits within {worst:.2g}, gradients within {max(errors):.2g} "
                  f"(median {np.median(errors):.2g}), {len(wrong)} of {len(errors)} to be compared again")
            suspects = set(wrong) if suspects is None else suspects & set(wrong)
            if not suspects:
                return
        failures.extend(wrong[name] for name in wrong if name in suspects)

    def check_update(self, kind, ours, pairs):
        """The parameters after one step must be what the optimizer makes of the program's own gradients, which are
        compared by themselves: the optimizer is held to more digits than they have."""
        for name, (module, attribute) in pairs:
            if attribute not in PARAMETERS:
                continue
            old = torch.from_numpy(np.array(self.weights[name], np.float64))
            new = torch.nn.Parameter(old.clone())
            new.grad = torch.from_numpy(ours["grad/" + name].astype(np.float64))
            optimizer_of(kind, [new], self.options.rate).step()
            change = (new.detach() - old).numpy()
            # What was rounded to f32 is the parameter, not its change.
            rounding = 2.0 ** -23 * float(old.abs().max()) / max(float(np.abs(change).max()), 1e-12)
            check(f"change of {name} by {kind}", ours[name] - old.numpy(), change, 1e-5 + rounding)

    def training(self, kind, program):
        ours = self.step(program, 1)
        model = copy.deepcopy(self.model)
        optimizer, losses = optimizer_of(kind, list(model.parameters()), self.options.rate), []
        self.check_update(kind, ours, pair(self.weights, model))
        for _ in range(self.options.steps):
            loss = loss_of(model, self.images, self.labels, self.options.aux_weight)[0]
            model.zero_grad()
            loss.backward()
            losses.append(loss.item())
            optimizer.step()
        if self.options.steps > 1:
            ours = self.step(program, self.options.steps)
        check(f"losses of {kind}", ours["losses"], np.array(losses, np.float32), 1e-3)
        print(f"losses of {kind}:", " ".join(f"{a:.5f}/{b:.5f}" for a, b in zip(ours["losses"], losses)))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program", help="with RMSProp")
    parser.add_argument("model", choices=MODELS)
    parser.add_argument("--sgd", metavar="PROGRAM", help="the same network compiled with SGD")
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--size", type=int, default=107)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--rate", type=float, default=5e-4, help="the constant learning rate")
    parser.add_argument("--bn-decay", type=float, help="of running statistics, where it is not the model's own")
    parser.add_argument("--aux-weight", type=float, default=0.4)
    options = parser.parse_args()
    torch.manual_seed(7)
    comparison = Comparison(options)
    comparison.inference()
    comparison.first_step()
    comparison.training("rmsprop", options.program)
    if options.sgd:
        comparison.training("sgd", options.sgd)
    for failure in failures[:20]:
        print("FAILED", failure)
    if failures:
        print(len(failures), "comparisons failed")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
