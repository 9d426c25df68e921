# SPDX-License-Identifier: Apache-2.0
"""Ten training steps of a small network with each optimizer and each option of steps, against PyTorch in f64 where it has
the rule, else against the rule written out.

Usage: recipes.py INCEPT DIRECTORY [--only NAME,...] [--runner PROGRAM] [compile options]. Compiles the network with each
recipe. All values after ten steps (weights, running statistics, moving averages) and all losses agree within 1e-5 of each
tensor's largest value.
"""
import argparse
import os
import subprocess
import sys

import numpy as np
import torch

import safetensors

STEPS, BATCH, CLASSES, SIZE = 10, 6, 4, 8
RATE, DECAY = 0.05, 0.02
TOLERANCE = 1e-5
NETWORK = """
network recipe() {{
  input 3 x {size} x {size}
  first: conv 3x3, 8
  second: conv 3x3, 8, batch_norm = false
  global_avg_pool
  classifier: linear {classes}
  training {{
    learning_rate = constant(base = {rate})
    weight_decay = {decay}
    {recipe}
  }}
}}
"""


def model():
    layers = torch.nn
    return layers.Sequential(layers.Conv2d(3, 8, 3, padding=1, bias=False), layers.BatchNorm2d(8), layers.ReLU(),
                             layers.Conv2d(8, 8, 3, padding=1), layers.ReLU(), layers.AdaptiveAvgPool2d(1),
                             layers.Flatten(), layers.Linear(8, CLASSES)).double().train()


# Our names of the model's tensors.
UNITS = {"first.conv": 0, "first.bn": 1, "second": 3, "classifier": 7}


class Lars:
    """The rule of You, Gitman and Ginsburg; what has no weight decay has no ratio either."""

    def __init__(self, groups, rate, momentum, trust):
        self.rate, self.momentum, self.trust = rate, momentum, trust
        self.slots = [(p, torch.zeros_like(p), group.get("weight_decay", 0), bool(group.get("weight_decay")))
                      for group in groups for p in group["params"]]

    @torch.no_grad()
    def step(self):
        for parameter, velocity, decay, adapts in self.slots:
            gradient, ratio = parameter.grad, 1.0
            size, slope = parameter.norm(), gradient.norm()
            if adapts and size > 0 and slope > 0:
                ratio = self.trust * size / (slope + decay * size)
            velocity.mul_(self.momentum).add_(self.rate * ratio * (gradient + decay * parameter))
            parameter.sub_(velocity)


class Lamb:
    """The rule of You and others, with corrected moments; what has no weight decay has no ratio."""

    def __init__(self, groups, rate, beta1, beta2, epsilon):
        self.rate, self.betas, self.epsilon, self.steps = rate, (beta1, beta2), epsilon, 0
        self.slots = [(p, torch.zeros_like(p), torch.zeros_like(p), group.get("weight_decay", 0))
                      for group in groups for p in group["params"]]

    @torch.no_grad()
    def step(self):
        self.steps += 1
        for parameter, first, second, decay in self.slots:
            gradient = parameter.grad
            for moment, beta, value in ((first, self.betas[0], gradient), (second, self.betas[1], gradient ** 2)):
                moment.mul_(beta).add_((1 - beta) * value)
            corrected = [m / (1 - beta ** self.steps) for m, beta in zip((first, second), self.betas)]
            direction = corrected[0] / (corrected[1].sqrt() + self.epsilon) + decay * parameter
            size, length = parameter.norm(), direction.norm()
            ratio = size / length if decay and size > 0 and length > 0 else 1.0
            parameter.sub_(self.rate * ratio * direction)


class Average:
    """TensorFlow's ExponentialMovingAverage with num_updates, of weights and statistics."""

    def __init__(self, network, decay):
        self.decay, self.network, self.steps = decay, network, 0
        self.values = {key: value.detach().clone() for key, value in self.tensors().items()}

    def tensors(self):
        return {key: value for key, value in self.network.state_dict().items() if "num_batches" not in key}

    def step(self):
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        self.steps += 1
        for key, value in self.tensors().items():
            self.values[key] -= (1 - decay) * (self.values[key] - value.detach())


def single(number):
    """As the program has it."""
    return float(np.float32(number))


# Name: what the description says, the optimizer, and options of steps.
SGD = "optimizer = sgd(momentum = 0.9)"
sgd = lambda groups: torch.optim.SGD(groups, RATE, 0.9)
adam = lambda kind, **numbers: lambda groups: kind(groups, RATE, **numbers)
RECIPES = {
    "sgd": (SGD, sgd, {}),
    "nesterov": ("optimizer = nesterov(momentum = 0.8)",
                 lambda groups: torch.optim.SGD(groups, RATE, 0.8, nesterov=True), {}),
    "adam": ("optimizer = adam", adam(torch.optim.Adam), {}),
    "adam_numbers": ("optimizer = adam(beta1 = 0.8, beta2 = 0.95, epsilon = 0.001)",
                     adam(torch.optim.Adam, betas=(0.8, 0.95), eps=0.001), {}),
    "adamw": ("optimizer = adamw", adam(torch.optim.AdamW), {}),
    "lars": ("optimizer = lars(momentum = 0.9, trust = 0.1)", lambda groups: Lars(groups, RATE, 0.9, 0.1), {}),
    "lamb": ("optimizer = lamb", lambda groups: Lamb(groups, RATE, 0.9, 0.999, 1e-6), {}),
    "lamb_clipped": ("optimizer = lamb(beta1 = 0.8, beta2 = 0.95, epsilon = 0.001)\n    clip_norm = 0.2",
                     lambda groups: Lamb(groups, RATE, 0.8, 0.95, 0.001), {"clip_norm": 0.2}),
    "clip_norm": (SGD + "\n    clip_norm = 0.2", sgd, {"clip_norm": 0.2}),
    "clip_norm_free": (SGD + "\n    clip_norm = 1000", sgd, {"clip_norm": 1000}),
    "clip_value": (SGD + "\n    clip_value = 0.01", sgd, {"clip_value": 0.01}),
    "ema": (SGD + "\n    ema = 0.6", sgd, {"ema": 0.6}),
    "accumulate": (SGD + "\n    accumulate = 3", sgd, {"accumulate": 3}),
    "all": ("optimizer = adamw\n    clip_norm = 0.3\n    ema = 0.3\n    accumulate = 2",
            adam(torch.optim.AdamW), {"clip_norm": 0.3, "ema": 0.3, "accumulate": 2}),
    "mixed": (SGD + "\n    label_smoothing = 0.1\n    augmentation = none(mixup = 0.4)", sgd,
              {"share": 0.3, "smoothing": 0.1}),
    "frozen": (SGD + "\n    frozen = [\"first.*\"]", sgd, {"frozen": ["0.", "1."]}),
    "rates": (SGD + "\n    rates = [\"first.* 0.1\", \"classifier.bias 5\"]", sgd, {"rates": {"0.": 0.1, "1.": 0.1, "7.bias": 5}}),
    "lars_clipped": ("optimizer = lars(momentum = 0.9, trust = 0.1)\n    clip_value = 0.02",
                     lambda groups: Lars(groups, RATE, 0.9, 0.1), {"clip_value": 0.02}),
}


def expected(weights, images, labels, make, options):
    """Values and losses after the steps."""
    network = model()
    state = {}
    for unit, index in UNITS.items():
        for name, value in weights.items():
            if name.rpartition(".")[0] == unit:
                state[f"{index}.{name.rpartition('.')[2]}"] = torch.from_numpy(value.astype(np.float64))
    network.load_state_dict(state, strict=False)
    frozen = tuple(options.get("frozen", ()))
    if frozen:
        network[1].eval()  # a batch norm that is not trained has its running statistics
    parameters = [p for key, p in network.named_parameters() if not (frozen and key.startswith(frozen))]
    rate = lambda name: next((RATE * factor for key, factor in options.get("rates", {}).items() if name.startswith(key)),
                             RATE)
    groups = [{"params": [p], "weight_decay": DECAY if p.dim() > 1 else 0, "lr": rate(key)}
              for key, p in network.named_parameters() if not (frozen and key.startswith(frozen))]
    optimizer, parts = make(groups), options.get("accumulate", 1)
    average = Average(network, single(options["ema"])) if "ema" in options else None
    losses = []
    for _ in range(STEPS):
        total = 0
        for parameter in parameters:
            parameter.grad = None
        for part in range(parts):
            rows = slice(part * BATCH, (part + 1) * BATCH)
            logits = network(images[rows].double())
            entropy = lambda targets: torch.nn.functional.cross_entropy(
                logits, targets, label_smoothing=options.get("smoothing", 0.0))
            share = single(options.get("share", 1))
            loss = (share * entropy(labels[rows]) + (1 - share) * entropy(labels[rows].flip(0))) / parts
            loss.backward()
            total += loss.item()
        losses.append(total)
        if "clip_norm" in options:
            torch.nn.utils.clip_grad_norm_(parameters, options["clip_norm"])
        if "clip_value" in options:
            torch.nn.utils.clip_grad_value_(parameters, options["clip_value"])
        optimizer.step()
        if average:
            average.step()
    result = {"losses": np.array(losses)}
    for prefix, tensors in (("", network.state_dict()), ("ema/", average.values if average else {})):
        for unit, index in UNITS.items():
            for key, value in tensors.items():
                if key.startswith(f"{index}.") and "num_batches" not in key:
                    result[f"{prefix}{unit}.{key.partition('.')[2]}"] = value.numpy()
    return result


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("incept")
    parser.add_argument("directory")
    parser.add_argument("--only", default=",".join(RECIPES))
    parser.add_argument("--runner", help="what runs the programs")
    options, compiling = parser.parse_known_args()
    torch.manual_seed(11)
    failures = 0
    for name in options.only.split(","):
        recipe, make, numbers = RECIPES[name]
        path = lambda file: os.path.join(options.directory, name + file)
        with open(path(".incept"), "w", encoding="utf-8") as file:
            file.write(NETWORK.format(size=SIZE, classes=CLASSES, rate=RATE, decay=DECAY, recipe=recipe))
        subprocess.run([options.incept, "compile", path(".incept"), f"--batch-size={BATCH}", "-o", path("")] + compiling,
                       check=True)
        program = ([options.runner] if options.runner else []) + [path("")]
        subprocess.run(program + ["init", "--seed=3", "--output=" + path(".init")], check=True)
        weights = {key: value for key, value in safetensors.load(path(".init")).items() if not key.startswith("ema/")}
        random = np.random.default_rng(5)
        for key, value in weights.items():
            if value.ndim == 1:  # not what averages and statistics start at
                weights[key] = random.uniform(0.5, 1, value.shape).astype(np.float32)
        safetensors.save(path(".weights"), weights)
        count = BATCH * numbers.get("accumulate", 1)
        images, labels = torch.randn(count, 3, SIZE, SIZE), torch.randint(0, CLASSES, (count,))
        batch = {"images": images.numpy(), "labels": labels.numpy()}
        if "share" in numbers:
            batch["share"] = np.float32(numbers["share"])
        safetensors.save(path(".batch"), batch)
        subprocess.run(program + ["step", "--weights=" + path(".weights"), "--batch=" + path(".batch"),
                                  "--output=" + path(".out"), f"--steps={STEPS}"], check=True)
        ours = safetensors.load(path(".out"))
        worst = ""
        largest = 0.0
        reference = expected(weights, images, labels, make, numbers)
        for key, value in reference.items():
            error = float(np.abs(ours[key] - value).max() / max(np.abs(value).max(), 1e-12))
            if not error <= largest:
                largest, worst = error, key
        moved = max(float(np.abs(reference[key] - value).max()) for key, value in weights.items())
        ok = largest <= TOLERANCE and moved > 1e-3
        failures += not ok
        print(f"{name}: {len(reference)} tensors within {largest:.2g} ({worst}){'' if ok else ': FAILED'}", flush=True)
    print(f"{failures} of {len(options.only.split(','))} recipes differ")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
