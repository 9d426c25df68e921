# SPDX-License-Identifier: Apache-2.0
"""Launches and bytes of training steps by `incept summary --target`: summary_step.py SPECS DIRECTORY."""
import json
import os
import subprocess
import sys

specs, directory = sys.argv[1:]
failures = []

# Network, batch: launches and gigabytes of a step in f16 on an H100. Lower them when a pass makes them smaller.
RECORDS = {("inception_v4", 64): (748, 32.835), ("resnet50", 64): (376, 25.320), ("inception_mini", 64): (130, 0.177)}


def summary(path, batch, *options, target="cuda:h100"):
    done = subprocess.run(["incept", "summary", path, "--target=" + target, f"--batch-size={batch}", "--json", *options],
                          capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


for (network, batch), (launches, gigabytes) in RECORDS.items():
    step = summary(os.path.join(specs, network + ".incept"), batch, "--precision=f16")["step"]
    if step["count"] > launches or step["bytes"] > 1e9 * gigabytes + 5e5:
        failures.append(f"{network}: {step['count']} launches, {1e-9 * step['bytes']:.3f} GB, but it had {launches} and "
                        f"{gigabytes}")
    if step["count"] < launches or step["bytes"] < 1e9 * gigabytes - 5e6:
        failures.append(f"{network}: only {step['count']} launches, {1e-9 * step['bytes']:.3f} GB: lower its record")

# Memory for time, on both targets: with a budget of nothing values are computed again, which the CPU does by itself.
for target, given in ("cpu", []), ("cuda:h100", ["--memory-budget=0"]):
    path = os.path.join(specs, "inception_mini.incept")
    little, much = (summary(path, 8, *options, target=target) for options in (given, ["--memory-budget=100000"]))
    if little["step"]["count"] <= much["step"]["count"] or little["memory"]["peak_bytes"] >= much["memory"]["peak_bytes"]:
        failures.append(f"{target}: {little['step']}, {little['memory']} against {much['step']}, {much['memory']}")

# Two convolutions without batch norm: 3x8x8 -> 16x8x8 (1x1, ReLU) -> 8x8x8 (3x3), in f32, batch 4.
path = os.path.join(directory, "two.incept")
with open(path, "w") as file:
    file.write("""network two {
  input 3 x 8 x 8
  conv 1x1, 16, batch_norm = false, bias = false, activation = relu
  conv 3x3, 8, same, batch_norm = false, bias = false
  global_avg_pool
  linear(10)
}
""")
result = summary(path, 4)
pixels, float32 = 4 * 8 * 8, 4
src, middle, dst = (pixels * channels * float32 for channels in (3, 16, 8))
first, second = 3 * 16 * float32, 16 * 8 * 9 * float32
counted = {"conv1": [src + first + middle, src + middle + first],  # forward; its image needs no gradient
           "conv2": [middle + second + dst, middle + dst + second, dst + second + middle]}
found = {name: [] for name in counted}
for entry in result["launches"]:
    if entry["entry"] == "forward_backward":
        for launch in entry["list"]:
            name = launch["op"].split(".")[0]
            if "engine" in launch and name in found:
                found[name].append(launch["bytes"])
for name, bytes_ in counted.items():
    if sorted(found[name]) != sorted(bytes_):
        failures.append(f"{name}: bytes {found[name]}, expected {bytes_}")
entries = {entry["entry"]: entry for entry in result["launches"]}
parts = [entries[name] for name in ("stage_u8", "forward_backward", "update")]
for key in "count", "library", "bytes", "flops":
    if result["step"][key] != sum(part[key] for part in parts):
        failures.append(f"the step's {key}: {result['step'][key]}, of its parts {[part[key] for part in parts]}")

for failure in failures:
    print("FAILED", failure)
sys.exit(1 if failures else 0)
