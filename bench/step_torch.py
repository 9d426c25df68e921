# SPDX-License-Identifier: Apache-2.0
"""PyTorch's side of the training step of Inception-v4 at 299x299, interleaved with a compiled program.

Usage: step_torch.py PROGRAM [ROUNDS]: PROGRAM is inception_v4 compiled with --batch-size=8. Prints medians and the
ratio. Both sides use two threads, f32, the same batch size and RMSProp.
"""
import json
import os
import statistics
import subprocess
import sys
import time

import torch

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "test", "parity"))
import inception_v4  # noqa: E402

BATCH, THREADS = 8, 2


def torch_step(model, optimizer, images, labels):
    start = time.perf_counter()
    optimizer.zero_grad(set_to_none=True)
    torch.nn.functional.cross_entropy(model(images), labels, label_smoothing=0.1).backward()
    optimizer.step()
    return 1e3 * (time.perf_counter() - start)


def main():
    program, rounds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5
    torch.set_num_threads(THREADS)
    model = inception_v4.InceptionV4().to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=0.045, alpha=0.9, eps=1.0, momentum=0.9, weight_decay=4e-5)
    images = torch.randn(BATCH, 3, 299, 299).contiguous(memory_format=torch.channels_last)
    labels = torch.randint(0, 1000, (BATCH,))
    torch_step(model, optimizer, images, labels)
    ours, theirs = [], []
    for _ in range(rounds):
        theirs.append(torch_step(model, optimizer, images, labels))
        result = subprocess.run([program, "bench", "--steps=1", "--json"], check=True, capture_output=True, text=True)
        ours.append(json.loads(result.stdout)["step_ms"])
    a, b = statistics.median(ours), statistics.median(theirs)
    print(f"incept {a:.0f} ms, PyTorch {torch.__version__} eager channels_last {b:.0f} ms, ratio {b / a:.2f}")


if __name__ == "__main__":
    main()
