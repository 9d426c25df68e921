# SPDX-License-Identifier: Apache-2.0
"""Costs that scripts/gpu_costs.py finds in made-up times: gpu_costs.py SCRIPT PROFILES RESULT DIRECTORY SPEC.

RESULT is what scripts/gpu-check.sh has written of a program in the simulator. Its launches are made larger, and get the times
that known costs give; those costs must come out, and be what `incept summary` counts with."""
import json
import os
import subprocess
import sys

script, profiles, result, directory, spec = sys.argv[1:]
os.makedirs(directory, exist_ok=True)
with open(result) as file:
    measured = json.load(file)
with open(os.path.join(profiles, "h100.json")) as file:
    assumed = json.load(file)["incept"]
costs = {"own_kernels_share": 0.6, "older_kernels_share": 0.5, "launch_seconds": 1.5e-6, "library_bytes_share": 0.75,
         "map_bytes_share": 0.9, "reduction_bytes_share": 0.65, "other_bytes_share": 0.55}
EVENTS = 4e-6  # what two events take around a launch that does nothing
GENERATED = {"flat": "map", "map": "map", "reduce": "reduction", "combine": "reduction", "reduce_combine": "reduction"}
precision = measured["info"]["precision"]
assert precision == "f16", precision
# Launches of two kernels of different kinds reach a share that no other has, and must not be counted.
SHARES = {kind: costs[kind + "_bytes_share"] for kind in ("library", "map", "reduction", "other")} | {"mixed": 0.05}

work = sums = 0
launches = [launch for launch in measured["profile"]["launches"] if launch["entry"] != "infer"]
for index, launch in enumerate(launches):
    library, engine, family = launch["family"] == "library", launch["kind"], launch["family"]
    assert (family == "mixed") == ("members" in launch), launch  # of a program of today
    kinds = {GENERATED.get(member, "other") for member in launch.get("members", [family])}
    kind = "library" if library else kinds.pop() if len(kinds) == 1 else "mixed"
    # Every other map is two, which tell of maps; every fourth sum runs beside a map, which tells of nothing.
    if kind == "map" and index % 2:
        launch.update(family="mixed", members=["map", "flat"])
    if kind == "reduction":
        sums += 1
        if sums % 4 == 0:
            launch.update(family="mixed", members=["reduce_combine", "map"])
            kind = "mixed"
    # Older results do not say of what, and tell of nothing either.
    if kind == "mixed" and index % 2:
        del launch["members"]
    # One in ten stays as small as it is: by these the floor is known.
    factor = 1 if index % 10 == 0 else 20000
    if factor == 1:
        launch["bytes"], launch["flops"] = 64, 16
    launch["bytes"] *= factor
    # Every other product has more to compute than to move.
    launch["flops"] *= factor * (100 if library and index % 2 else 1)
    if not library:
        launch["flops"] = 0
    peak = assumed["peak_flops"][precision if launch.get("tensor_core") else "f32"]
    share = costs["older_kernels_share" if "sm80" in engine else "own_kernels_share"]
    seconds = max(launch["flops"] / (peak * share),
                  launch["bytes"] / (assumed["memory_bytes_per_second"] * SHARES[kind]))
    seconds = 0 if factor == 1 else seconds
    launch["ms"] = 1e3 * (seconds + EVENTS)
    work += seconds
measured["timing"]["step_ms"] = 1e3 * (work + len(launches) * costs["launch_seconds"])
with open(os.path.join(directory, "made-up.json"), "w") as file:
    json.dump(measured, file)
done = subprocess.run([sys.executable, script, profiles, directory], capture_output=True, text=True)
print(done.stdout, done.stderr)
if done.returncode != 0:
    sys.exit(1)
path = os.path.join(directory, "devices", "h100.json")
with open(path) as file:
    found = json.load(file)["incept"]
failures = [] if "assumed" not in found else ["what is assumed is still there"]
table = found["measured"]
for name, value in costs.items():
    expected = assumed["assumed"][name] if name in table["not_measured"] else value
    if abs(table[name] - expected) > 1e-3 * expected:
        failures.append(f"{name}: {table[name]}, expected {expected}")
# The network has products, maps and reductions enough to tell.
for name in "own_kernels_share", "library_bytes_share", "map_bytes_share", "reduction_bytes_share":
    if name in table["not_measured"]:
        failures.append(f"{name} was not measured")
if "fill_share" not in table["not_measured"] or table["fill_share"] != assumed["assumed"]["fill_share"]:
    failures.append("fill_share cannot be measured")


# What was measured is measured again: a profile without assumed costs gives the same.
done = subprocess.run([sys.executable, script, os.path.join(directory, "devices"), directory], capture_output=True, text=True)
with open(path) as file:
    repeated = json.load(file)["incept"]["measured"]
if done.returncode != 0 or any(abs(repeated[name] - table[name]) > 1e-9 for name in costs):
    failures.append(f"measured again: {done.stderr}{repeated}")


def summary(target):
    done = subprocess.run(["incept", "summary", spec, "--batch-size=4", "--precision=f16", "--target=" + target, "--json"],
                          capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


by_profile, built_in = summary("cuda:" + path), summary("cuda:h100")
if by_profile["costs"] != "measured on " + table["card"] or built_in["costs"] != "assumed, not measured":
    failures.append(f"costs: {by_profile['costs']}, {built_in['costs']}")
difference = built_in["step"]["seconds"] - by_profile["step"]["seconds"]
if not difference > 0.4e-6 * built_in["step"]["count"]:  # the floor alone went from 2 to 1.5 us
    failures.append(f"a step is {difference} s shorter")
for failure in failures:
    print("FAILED", failure)
sys.exit(1 if failures else 0)
