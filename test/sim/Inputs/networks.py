# SPDX-License-Identifier: Apache-2.0
"""Networks in the strict simulator: networks.py SPECS DIRECTORY FILE[/NETWORK]:SIZE:PRECISION[:stepped]...

Three training steps and an inference of two small pictures, for an H100. Nothing may be reported, and every loss and logit
must be finite. With the first statistics of batch norms, which no step has seen, some deep networks' values leave f16's range, and
with those of three steps others' leave f32's: a case says which it infers with. What values are right is for the tests that
compare one network with the CPU."""
import array
import json
import math
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "runtime"))
import tensors  # noqa: E402

specs, directory, *cases = sys.argv[1:]
os.makedirs(directory, exist_ok=True)
failures = []


def place(name):
    return os.path.join(directory, name)


def run(*command):
    """False where it failed or reported something; what it said goes to the output."""
    done = subprocess.run(command, capture_output=True, text=True)
    reports = [line for line in done.stderr.splitlines() if line.startswith("incept-sim: ")]
    good = done.returncode == 0 and all(": note: the first value that is not finite" in line for line in reports)
    if not good:
        failures.append(f"{' '.join(command)}: {done.returncode}: {done.stdout}{done.stderr}")
    return good


def check(name, size, precision, statistics=""):
    file, _, network = name.partition("/")
    program = place(network or file)
    options = [f"--set=size={size}"] * (size > 0) + ["--network=" + network] * bool(network)
    if not run("incept", "compile", os.path.join(specs, file + ".incept"), "--target=cuda:h100", "--batch-size=2",
               "--precision=" + precision, "--set=classes=10", *options, "-o", program):
        return
    info = json.loads(subprocess.run([program, "info", "--json"], capture_output=True, check=True).stdout)
    shape = [2, *info["image"]]
    labels = [2, *info.get("label_map", [])]
    images = array.array("f", (math.sin(1.3 * i * i) for i in range(math.prod(shape))))
    tensors.save(place("batch"), {"images": ("F32", shape, images), "labels": ("I64", labels, array.array(
        "q", (i * i % 10 for i in range(3, 3 + math.prod(labels)))))})
    tensors.save(place("images"), {"images": ("F32", shape, images)})
    sim = ["incept-sim", "--strict", program]
    if not (run("incept-sim", program, "init", "--seed=3", "--output=" + place("weights")) and
            run(*sim, "step", "--weights=" + place("weights"), "--batch=" + place("batch"), "--steps=3",
                "--set=learning_rate=0.001", "--output=" + place("stepped"))):
        return
    stepped = tensors.load(place("stepped"))
    if statistics == "stepped":
        tensors.save(place("weights"), {key: value for key, value in stepped.items()
                                        if key.split("/")[0] not in ("loss", "losses", "logits")})
    if run(*sim, "predict", "--weights=" + place("weights"), "--input=" + place("images"), "--output=" + place("logits")):
        values = [*stepped["losses"][2], *tensors.load(place("logits"))["logits"][2]]
        if len(values) != 3 + 10 * math.prod(labels) or not all(map(math.isfinite, values)):
            failures.append(f"{name} {precision}: losses and logits {values}")
    os.remove(program)


for case in cases:
    name, size, *rest = case.split(":")
    check(name, int(size), *rest)
for failure in failures:
    print("FAILED", failure)
sys.exit(1 if failures else 0)
