# SPDX-License-Identifier: Apache-2.0
"""One training step of PyTorch for each line of standard input: the counterpart of a program's `bench --paced --json`.

Usage: torch_worker.py '{"model": NAME, "size": S, "batch": N, "threads": T, "compile": BOOL, "training": {...}}'
`training` is that of the architecture file. The step is what ours is: channels_last, f32, dropout, label smoothing,
weight decay on weights alone, and the optimizer in the form that docs/Spec.md gives. With "device": "cuda" it runs on a
GPU, in the type that "precision" names (f32, bf16, f16; by autocast, f16 with a scaled loss); then "steps": N times N
steps that nothing waits for between them, and prints the time of one.
"""
import contextlib
import json
import resource
import sys
import time

import timm
import torch


class TensorFlowRmsprop:
    """RMSProp with epsilon under the root and the learning rate in the momentum; PyTorch's own has neither."""

    def __init__(self, groups, rate, decay, momentum, epsilon):
        self.rate, self.decay, self.momentum, self.epsilon = rate, decay, momentum, epsilon
        self.groups = [(weights, penalty, [torch.ones_like(w) for w in weights], [torch.zeros_like(w) for w in weights])
                       for weights, penalty in groups]

    @torch.no_grad()
    def step(self):
        for weights, penalty, squares, velocities in self.groups:
            gradients = [w.grad for w in weights]
            if penalty:
                torch._foreach_add_(gradients, weights, alpha=penalty)
            torch._foreach_mul_(squares, self.decay)
            torch._foreach_addcmul_(squares, gradients, gradients, 1 - self.decay)
            roots = torch._foreach_add(squares, self.epsilon)
            torch._foreach_sqrt_(roots)
            torch._foreach_mul_(velocities, self.momentum)
            torch._foreach_addcdiv_(velocities, gradients, roots, self.rate)
            torch._foreach_sub_(weights, velocities)


def make_optimizer(model, training):
    parameters = list(model.parameters())
    decayed = [p for p in parameters if p.ndim > 1]
    others = [p for p in parameters if p.ndim <= 1]
    penalty, optimizer = training.get("weight_decay", 0.0), training["optimizer"]
    rate = training["learning_rate"]["base"]
    if optimizer["kind"] == "rmsprop":
        return TensorFlowRmsprop([(decayed, penalty), (others, 0.0)], rate, optimizer["decay"], optimizer["momentum"],
                                 optimizer["epsilon"])
    groups = [{"params": decayed, "weight_decay": penalty}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.SGD(groups, lr=rate, momentum=optimizer["momentum"], fused=True)


def main():
    task = json.loads(sys.argv[1])
    torch.manual_seed(0)
    torch.set_num_threads(task["threads"])
    device, precision = task.get("device", "cpu"), task.get("precision", "f32")
    model = timm.create_model(task["model"], drop_rate=task["drop_rate"]).train()
    model = model.to(device, memory_format=torch.channels_last)
    optimizer = make_optimizer(model, task["training"])
    forward = torch.compile(model) if task["compile"] else model
    smoothing = task["training"].get("label_smoothing", 0.0)
    images = torch.randn(task["batch"], 3, task["size"], task["size"]).to(device, memory_format=torch.channels_last)
    labels = torch.randint(0, 1000, (task["batch"],)).to(device)
    scaler = torch.amp.GradScaler(device) if precision == "f16" else None
    low = {"bf16": torch.bfloat16, "f16": torch.float16}.get(precision)

    wait = torch.cuda.synchronize if device == "cuda" else lambda: None

    def compute():
        model.zero_grad(set_to_none=True)
        with torch.autocast(device, dtype=low) if low else contextlib.nullcontext():
            loss = torch.nn.functional.cross_entropy(forward(images), labels, label_smoothing=smoothing)
        if scaler is None:
            loss.backward()
            optimizer.step()
            return
        scaler.scale(loss).backward()
        if isinstance(optimizer, TensorFlowRmsprop):
            # The scaler knows torch's own optimizers only. Its verdict stays on the device: nothing waits for it.
            inverse, overflow = scaler._scale.double().reciprocal().float(), torch.zeros(1, device=device)
            for weights, *_ in optimizer.groups:
                torch._amp_foreach_non_finite_check_and_unscale_([w.grad for w in weights], overflow, inverse)
            optimizer.step()
        else:
            scaler.step(optimizer)
            scaler.update()

    def step(number):
        start = time.perf_counter()
        compute()
        wait()
        print(json.dumps({"step": number, "step_ms": 1e3 * (time.perf_counter() - start)}), flush=True)

    step(0)
    if "steps" in task:
        for _ in range(3):
            compute()
        wait()
        start = time.perf_counter()
        for _ in range(task["steps"]):
            compute()
        wait()
        print(json.dumps({"step_ms": 1e3 * (time.perf_counter() - start) / task["steps"]}), flush=True)
    else:
        for number, _ in enumerate(sys.stdin, 1):
            step(number)
    peak = (torch.cuda.max_memory_allocated() if device == "cuda"
            else 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    print(json.dumps({"peak_resident_bytes": peak, "parameters": sum(p.numel() for p in model.parameters()),
                      "versions": {"torch": torch.__version__, "timm": timm.__version__}}), flush=True)


if __name__ == "__main__":
    main()
