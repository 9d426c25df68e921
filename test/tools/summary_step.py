# SPDX-License-Identifier: Apache-2.0
"""Launches, bytes and times of training steps by `incept summary --target`: summary_step.py SPECS PROFILES STATISTICS
DIRECTORY. STATISTICS is a network where each fusion has something to do."""
import json
import os
import subprocess
import sys

specs, profiles, statistics, directory = sys.argv[1:]
failures = []


def summary(path, batch, *options, target="cuda:h100"):
    done = subprocess.run(["incept", "summary", path, "--target=" + target, f"--batch-size={batch}", "--json", *options],
                          capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


# Memory for time, on both targets: with a budget of nothing values are computed again, which the CPU does by itself.
for target, given in ("cpu", []), ("cuda:h100", ["--memory-budget=0"]):
    path = os.path.join(specs, "inception_mini.incept")
    little, much = (summary(path, 8, *options, target=target) for options in (given, ["--memory-budget=100000"]))
    if little["step"]["count"] <= much["step"]["count"] or little["memory"]["peak_bytes"] >= much["memory"]["peak_bytes"]:
        failures.append(f"{target}: {little['step']}, {little['memory']} against {much['step']}, {much['memory']}")

# A summary takes the switches of a compilation: without a fusion there are more launches.
fused = summary(statistics, 4, "--precision=f16")["step"]["count"]
for switch in "--no-fuse", "--no-conv-stats", "--no-backward-norm", "--no-coalesce", "--no-join", "--no-pair":
    count = summary(statistics, 4, "--precision=f16", switch)["step"]["count"]
    if count <= fused:
        failures.append(f"{switch}: {count} launches, {fused} without it")

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

# Times of the same network by costs in round numbers: a floor of 1 us, 1e12 bytes and 1e12 operations per second, of which
# library calls reach a half, other kernels all, where 66 of 132 multiprocessors are busy. conv1 forward, by hand: it moves
# 3072 + 192 + 16384 = 19648 bytes, 39.3 ns at 0.5e12 a second. 256 pixels by 16 channels are 2 blocks of 128 x 128: they
# use 2 of 66, so it takes 33 times as long, 1.2968 us. 2 * 256 * 3 * 16 = 24576 operations take 49.2 ns at 0.5e12, by 2
# of 132 multiprocessors 66 times as long, 3.2440 us, which is more. With the floor 4.2440 us.
with open(os.path.join(profiles, "h100.json")) as file:
    profile = json.load(file)
own = profile["incept"]
own["memory_bytes_per_second"] = own["peak_flops"]["f32"] = 10**12
own["measured"] = {"card": "a round one", "own_kernels_share": 0.5, "older_kernels_share": 0.5, "launch_seconds": 1e-6,
                   "library_bytes_share": 0.5, "map_bytes_share": 1, "reduction_bytes_share": 1, "other_bytes_share": 1,
                   "fill_share": 0.5}
round_profile = os.path.join(directory, "round.json")
with open(round_profile, "w") as file:
    json.dump(profile, file)
timed = summary(path, 4, target="cuda:" + round_profile)
if timed["costs"] != "measured on a round one":
    failures.append(f"costs are {timed['costs']}")


def waves(blocks, slots, share):
    if blocks == 0:
        return 1
    full, rest = divmod(blocks, slots)
    return (full + (max(rest / slots, share) if rest else 0)) * slots / blocks


total = 0
for entry in timed["launches"]:
    for launch in entry["list"]:
        slots = 132 * launch["resident_blocks"]
        moving = launch["bytes"] / (0.5e12 if launch["kind"] == "library" else 1e12) * waves(launch["blocks"], slots, 0.5)
        computing = launch["flops"] / 0.5e12 * waves(launch["blocks"], slots, 1)
        seconds = 1e-6 + max(moving, computing)
        if launch["kind"] == "library" and not launch["tensor_core"] and abs(launch["seconds"] - seconds) > 1e-12:
            failures.append(f"{launch['op']} by {launch['engine']}: {launch['seconds']} s, expected {seconds}")
        if launch["kind"] != "library" and abs(launch["seconds"] - seconds) > 1e-12:
            failures.append(f"{launch['op']} by {launch['kernel']}: {launch['seconds']} s, expected {seconds}")
        if launch["op"].startswith("conv1") and launch["ops"][0] == "convolution_forward" and launch["blocks"] == 2:
            if abs(launch["seconds"] - 4.2440e-6) > 1e-10:
                failures.append(f"conv1 forward: {launch['seconds']} s")
        total += launch["seconds"] * (entry["entry"] in ("stage_u8", "forward_backward", "update"))
if abs(timed["step"]["seconds"] - total) > 1e-12:
    failures.append(f"a step takes {timed['step']['seconds']} s, its launches {total}")

# What no fusion saves of it, by hand: staging reads 4 * 192 bytes of pixels and writes 3072; the five calls above; the
# linear layer, 8 to 10 features: 4 x 8, 10 x 8 and 4 x 10 numbers forward, as many for each gradient, and 10 of the bias
# forward; updates:
convolutions = sum(sum(bytes_) for bytes_ in counted.values())
linear = 3 * (4 * 8 + 10 * 8 + 4 * 10) * float32 + 10 * float32
staged = sum(launch["bytes"] for entry in result["launches"] if entry["entry"] == "stage_u8" for launch in entry["list"])
# A launch of an update may do other work too, so it is counted by hand: of each number the parameter, its gradient and velocity
# are read, and two are written; each of four updates reads rate, momentum and decay.
updates = 5 * (3 * 16 + 16 * 8 * 9 + 8 * 10 + 10) * float32 + 4 * 3 * float32
if result["step"]["lower_bound"]["bytes"] != convolutions + linear + staged + updates:
    failures.append(f"lower bound {result['step']['lower_bound']}: {convolutions}, {linear}, {staged}, {updates}")
if not result["step"]["bytes"] <= result["step"]["unfused"]["bytes"]:
    failures.append(f"{result['step']}")
entries = {entry["entry"]: entry for entry in result["launches"]}
parts = [entries[name] for name in ("stage_u8", "forward_backward", "update")]
for key in "count", "library", "bytes", "flops":
    if result["step"][key] != sum(part[key] for part in parts):
        failures.append(f"the step's {key}: {result['step'][key]}, of its parts {[part[key] for part in parts]}")

for failure in failures:
    print("FAILED", failure)
sys.exit(1 if failures else 0)
