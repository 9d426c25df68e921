# SPDX-License-Identifier: Apache-2.0
"""Costs of launches from what scripts/gpu-check.sh has measured: gpu_costs.py PROFILES RESULTS [UNDER].

Of each device in RESULTS/*.json, takes its profile PROFILES/DEVICE.json and writes it to RESULTS/devices/DEVICE.json with a
table "measured" in the place of "assumed". The model is codegen/cuda/plans/LaunchCosts.h: a launch takes a floor, and its
operations or bytes at a share of the device's peaks. What too few launches tell stays as assumed, and is named. Where UNDER
ran the programs in the place of a device nothing was measured on a card: it is called "simulated"."""
import json
import os
import statistics
import sys

# Launches below this at the peaks take what a launch takes, and no more.
EMPTY_SECONDS = 2e-7
# A launch says something of a share where it takes this many times as long as one that does nothing,
LONG = 3
# and where its bytes or its operations are so many times as long as the other.
CLEAR = 2
# So many launches at least.
ENOUGH = 3
LEAST_FLOOR = 1e-7
KINDS = {"library": "library", "flat": "map", "map": "map", "reduce": "reduction", "combine": "reduction",
         "reduce_combine": "reduction", "mixed": "mixed"}


def kind_of(launch):
    """What share a launch tells of. One of several kernels is the sum of their bytes where all are of one kind, as the
    compiler counts it; those of different kinds run at the same time, so its time says of none how much is whose. Older
    results do not name the kernels."""
    kinds = {KINDS.get(family, "other") for family in launch.get("members", [launch["family"]])}
    return kinds.pop() if len(kinds) == 1 else "mixed"


def is_older(launch, architecture):
    """True where the engine's name says an earlier architecture, as sm80 does on an H100."""
    for word in launch["kind"].replace(" ", "_").split("_"):
        if word.startswith("sm") and word[2:].isdigit():
            return int(word[2:]) // 10 < architecture // 10
    return False


def collect(results, own, architecture):
    """The launches of training steps with their times at the peaks, and the step's own time."""
    peaks = own["peak_flops"]
    for result in results:
        precision = result["info"]["precision"]
        tensor_core = "tf32" if precision == "f32" else precision
        launches = []
        for launch in result["profile"]["launches"]:
            if launch["entry"] == "infer":
                continue
            peak = peaks[tensor_core if launch.get("tensor_core") else "f32"]
            launches.append({"seconds": 1e-3 * launch["ms"], "moving": launch["bytes"] / own["memory_bytes_per_second"],
                             "computing": launch["flops"] / peak, "kind": kind_of(launch),
                             "older": is_older(launch, architecture), "tensor_core": launch.get("tensor_core", False)})
        yield launches, 1e-3 * result["timing"]["step_ms"]


def fit(profile, results):
    """The table of costs, and of those in it that could not be measured the names."""
    own = profile["incept"]
    costs = dict(own.get("measured") or own["assumed"])
    steps = list(collect(results, own, profile["deviceVer"] // 10))
    launches = [launch for step, _ in steps for launch in step]
    if not launches:
        sys.exit("gpu-check.sh: error: expected launches of training steps")
    # Two events around a launch that does next to nothing.
    empty = [launch["seconds"] for launch in launches if max(launch["moving"], launch["computing"]) < EMPTY_SECONDS]
    around = statistics.median(empty) if empty else min(launch["seconds"] for launch in launches)
    for launch in launches:
        launch["work"] = max(launch["seconds"] - around, 0)
    left = []

    def share(name, chosen, peak):
        of = [launch for launch in chosen if launch["work"] > LONG * around and launch["work"] > 0]
        if len(of) < ENOUGH:
            left.append(name)
            return
        costs[name] = min(sum(launch[peak] for launch in of) / sum(launch["work"] for launch in of), 1.0)

    moving = [launch for launch in launches if launch["moving"] > CLEAR * launch["computing"]]
    for kind in "library", "map", "reduction", "other":
        share(kind + "_bytes_share", [launch for launch in moving if launch["kind"] == kind], "moving")
    computing = [launch for launch in launches
                 if launch["kind"] == "library" and launch["tensor_core"] and launch["computing"] > CLEAR * launch["moving"]]
    share("own_kernels_share", [launch for launch in computing if not launch["older"]], "computing")
    share("older_kernels_share", [launch for launch in computing if launch["older"]], "computing")
    # In a graph a launch costs less than between two events: what is left of a step without the work, for each.
    rest = sum(seconds - sum(launch["work"] for launch in step) for step, seconds in steps)
    costs["launch_seconds"] = min(max(rest / len(launches), LEAST_FLOOR), 1.0)
    left.append("fill_share")
    return costs, left


def main():
    profiles, folder, *under = sys.argv[1:]
    devices = {}
    for name in sorted(os.listdir(folder)):
        if not name.endswith(".json"):
            continue
        with open(os.path.join(folder, name)) as file:
            result = json.load(file)
        if "profile" in result and "device" in result.get("info", {}):
            devices.setdefault(result["info"]["device"], []).append((name[:-len(".json")], result))
    for device, measured in devices.items():
        path = os.path.join(profiles, device + ".json")
        if not os.path.exists(path):
            print(f"costs: no profile of '{device}' here, left out")
            continue
        with open(path) as file:
            profile = json.load(file)
        costs, left = fit(profile, [result for _, result in measured])
        card = measured[0][1]["profile"]["peaks_of"].removesuffix(" by its clock rates") if not any(under) else "simulated"
        costs.update({"card": card, "programs": [name for name, _ in measured], "not_measured": left})
        profile["incept"].pop("assumed", None)
        profile["incept"]["measured"] = costs
        os.makedirs(os.path.join(folder, "devices"), exist_ok=True)
        output = os.path.join(folder, "devices", device + ".json")
        with open(output, "w") as file:
            json.dump(profile, file, indent=2)
            file.write("\n")
        numbers = ", ".join(f"{key} {value:.3g}" for key, value in costs.items() if isinstance(value, float))
        print(f"costs of {card}: {numbers}; not measured: {', '.join(left)}; written to {output}")


if __name__ == "__main__":
    main()
