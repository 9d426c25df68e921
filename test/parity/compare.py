# SPDX-License-Identifier: Apache-2.0
"""Compares training steps of a compiled Inception-v4 with PyTorch: logits, loss, every gradient, the new running
statistics, and the losses of ten RMSProp steps. Usage: compare.py PROGRAM (compiled with --keep-gradients, dropout off).

The first step is compared with PyTorch in f64. Tolerances: logits 1e-4, running statistics 1e-4, gradients 1e-3 of each
tensor's largest value, or, where PyTorch's own f32 is further than a tenth of that from its f64, ten times its error: a
ReLU or a maximum that rounding tips over changes a gradient in either program (but never more than 2e-2). Inference with
folded batch norm is compared with PyTorch's eval mode: 1e-4. Losses of ten f32 steps: 1e-3.
"""
import copy
import os
import subprocess
import sys
import tempfile

import numpy as np
import torch

import inception_v4
import safetensors

SEED, STEPS, RATE, MOMENTUM, DECAY, EPSILON, WEIGHT_DECAY, SMOOTHING = 7, 10, 0.01, 0.9, 0.9, 1.0, 4e-5, 0.1
failures = []


def check(what, got, expected, tolerance):
    scale = max(float(np.abs(expected).max()), 1e-12)
    error = float(np.abs(got - expected).max()) / scale
    if not error <= tolerance:
        failures.append(f"{what}: error {error:.3g} of the largest value, expected at most {tolerance:g}")
    return error


def torch_parameters(model):
    """(tensor, is it a buffer) in the order the units are used."""
    for module in model.modules():
        if isinstance(module, inception_v4.Unit):
            yield module.conv.weight
            yield from (module.bn.weight, module.bn.bias, module.bn.running_mean, module.bn.running_var)
    yield from (model.classifier.weight, model.classifier.bias)


def tf_rmsprop(parameters, state):
    """One step in TensorFlow's form: mean square starts at 1, epsilon inside the root, rate inside the momentum."""
    for parameter in parameters:
        square, velocity = state.setdefault(parameter, [torch.ones_like(parameter), torch.zeros_like(parameter)])
        gradient = parameter.grad + (WEIGHT_DECAY * parameter if parameter.dim() > 1 else 0)
        square.mul_(DECAY).add_(gradient * gradient, alpha=1 - DECAY)
        velocity.mul_(MOMENTUM).add_(RATE * gradient / torch.sqrt(square + EPSILON))
        parameter.data.sub_(velocity)


def main():
    program = sys.argv[1]
    torch.manual_seed(SEED)
    torch.set_num_threads(2)
    directory = tempfile.mkdtemp()
    path = lambda name: os.path.join(directory, name)
    run = lambda *arguments: subprocess.run([program, *arguments], check=True)

    run("init", "--seed=3", "--output=" + path("init"))
    weights = safetensors.load(path("init"))
    model = inception_v4.InceptionV4(classes=10)
    model.train()
    names = pair(weights, model)
    # With gamma 1 and beta 0 this network amplifies rounding until PyTorch's own f32 gradients are 10 % off its f64
    # ones: most activations lie near the kink of a ReLU. A positive beta moves them away, and each unit keeps its own
    # gamma and beta, so that none can be mistaken for another's. Running statistics start where their update shows.
    random = np.random.default_rng(1)
    draw = {".bn.weight": lambda shape: random.uniform(0.4, 0.6, shape), ".bn.bias": lambda shape: random.uniform(0.5, 1, shape),
            ".running_mean": lambda shape: random.normal(0, 1, shape), ".running_var": lambda shape: random.uniform(0.5, 2, shape)}
    with torch.no_grad():
        for name, tensor in names:
            for suffix, values in draw.items():
                if name.endswith(suffix):
                    weights[name] = values(tuple(tensor.shape)).astype(np.float32)
            tensor.copy_(torch.from_numpy(np.array(weights[name])))
    images = torch.randn(4, 3, 107, 107)
    labels = torch.randint(0, 10, (4,))
    safetensors.save(path("weights"), weights)
    safetensors.save(path("batch"), {"images": images.numpy(), "labels": labels.numpy()})
    common = ["--weights=" + path("weights"), "--batch=" + path("batch"), "--set", f"learning_rate={RATE}", "--set", "gamma=1"]
    run("step", *common, "--output=" + path("one"))
    run("step", *common, "--output=" + path("ten"), f"--steps={STEPS}")
    ours, ten = safetensors.load(path("one")), safetensors.load(path("ten"))

    safetensors.save(path("images"), {"images": images.numpy()})
    run("predict", "--weights=" + path("weights"), "--input=" + path("images"), "--output=" + path("logits"))
    with torch.no_grad():
        inferred = copy.deepcopy(model).double().eval()(images.double()).numpy()
    check("logits of inference", safetensors.load(path("logits"))["logits"], inferred, 1e-4)

    exact = copy.deepcopy(model).double()
    exact_logits = exact(images.double())
    torch.nn.functional.cross_entropy(exact_logits, labels, label_smoothing=SMOOTHING).backward()
    exact_tensors = dict((name, tensor) for name, tensor in pair(weights, exact))
    losses, state = [], {}
    parameters = list(model.parameters())
    for step in range(STEPS):
        logits = model(images)
        loss = torch.nn.functional.cross_entropy(logits, labels, label_smoothing=SMOOTHING)
        model.zero_grad()
        loss.backward()
        losses.append(loss.item())
        if step == 0:
            worst = check("logits", ours["logits"], exact_logits.detach().numpy(), 1e-4)
            check("loss", ours["loss"], np.float32(losses[0]), 1e-5)
            gradient = check_tensors(ours, names, exact_tensors)
        tf_rmsprop(parameters, state)
        if step == 0:
            for name, tensor in names:
                if isinstance(tensor, torch.nn.Parameter):
                    check(name, ours[name], tensor.detach().numpy(), 1e-4)
    check("losses of ten steps", ten["losses"], np.array(losses, np.float32), 1e-3)
    print(f"logits within {worst:.2g}, gradients (median) {gradient:.2g} of their largest value")
    print("losses of ten steps:", " ".join(f"{a:.5f}/{b:.5f}" for a, b in zip(ten["losses"], losses)))
    for failure in failures[:20]:
        print("FAILED", failure)
    sys.exit(1 if failures else 0)


def check_tensors(ours, names, exact):
    """Gradients and running statistics after one step; returns the median error of gradients."""
    errors = []
    for name, tensor in names:
        if isinstance(tensor, torch.nn.Parameter):
            reference = exact[name].grad.numpy()
            own = float(np.abs(tensor.grad.numpy() - reference).max()) / max(float(np.abs(reference).max()), 1e-12)
            errors.append(check("grad/" + name, ours["grad/" + name], reference, min(max(1e-3, 10 * own), 2e-2)))
        else:
            check(name, ours[name], exact[name].numpy(), 1e-4)
    return float(np.median(errors))


def pair(weights, model):
    """Our names with PyTorch's tensors: both list the units in the order of the figures."""
    tensors = list(torch_parameters(model))
    units = {}
    for name in weights:
        for suffix, place in ((".conv.weight", 0), (".bn.weight", 1), (".bn.bias", 2), (".bn.running_mean", 3),
                              (".bn.running_var", 4)):
            if name.endswith(suffix):
                units.setdefault(name[:-len(suffix)], {})[place] = name
                break
        else:
            units.setdefault(name.rsplit(".", 1)[0], {})[name.endswith(".bias")] = name
    names = [unit[place] for unit in units.values() for place in sorted(unit)]
    assert len(names) == len(tensors), (len(names), len(tensors))
    for name, tensor in zip(names, tensors):
        assert weights[name].shape == tuple(tensor.shape), (name, weights[name].shape, tensor.shape)
    return list(zip(names, tensors))


if __name__ == "__main__":
    main()
