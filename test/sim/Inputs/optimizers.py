# SPDX-License-Identifier: Apache-2.0
"""optimizers.py INCEPT SIMULATOR DIRECTORY: compiles a network with each optimizer for the CPU and for a GPU, makes two
steps with both and compares all weights, running statistics and averages."""
import math
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "runtime"))
import tensors  # noqa: E402

INCEPT, SIMULATOR, DIRECTORY = sys.argv[1:4]
OPTIMIZERS = ["nesterov(momentum = 0.8)", "adam", "adamw", "lars(trust = 0.1)", "lamb"]
SPEC = """network tiny() {{
  input 3 x 8 x 8
  first: conv 3x3, 8
  second: conv 3x3, 4, batch_norm = false
  global_avg_pool
  classifier: linear 4
  training {{
    optimizer = {}
    learning_rate = constant(base = 0.05)
    weight_decay = 0.02
    clip_norm = 0.5
    ema = 0.6
  }}
}}
"""


def run(*arguments):
    subprocess.run(arguments, check=True, stdout=subprocess.DEVNULL)


failures = 0
for optimizer in OPTIMIZERS:
    name = os.path.join(DIRECTORY, optimizer.partition("(")[0])
    with open(name + ".incept", "w", encoding="utf-8") as file:
        file.write(SPEC.format(optimizer))
    run(INCEPT, "compile", name + ".incept", "--batch-size=4", "--threads=1", "-o", name + ".cpu")
    run(INCEPT, "compile", name + ".incept", "--batch-size=4", "--target=cuda:h100", "-o", name + ".cuda")
    options = ["train", "--data=synthetic:", "--steps=2", "--seed=3"]
    run(name + ".cpu", *options, "--save=" + name + ".1")
    run(SIMULATOR, name + ".cuda", *options, "--save=" + name + ".2")
    run(name + ".cpu", "init", "--seed=3", "--output=" + name + ".0")
    before, expected, actual = ({key: values for key, (_, _, values) in tensors.load(name + suffix).items()}
                               for suffix in (".0", ".1", ".2"))
    assert expected.keys() == actual.keys() and any(key.startswith("ema/") for key in expected)
    assert all(math.isfinite(value) for values in actual.values() for value in values)
    worst = max((max(abs(a - b) for a, b in zip(expected[key], actual[key])) / max(map(abs, expected[key])), key)
                for key in expected)
    moved = max(abs(a - b) for a, b in zip(before["first.conv.weight"], expected["first.conv.weight"]))
    ok = worst[0] < 1e-4 and moved > 1e-4
    failures += not ok
    print(f"{optimizer}: moved {moved:.2g}, differs by {worst[0]:.2g} ({worst[1]}){'' if ok else ': FAILED'}")
sys.exit(failures)
