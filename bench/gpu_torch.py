# SPDX-License-Identifier: Apache-2.0
"""PyTorch's step of a CUDA program's network on this machine's GPU, eager and by torch.compile, in the program's type, as
rows of scripts/gpu-check.sh: gpu_torch.py PROGRAM STEPS. Prints nothing where timm has no such network."""
import json
import os
import subprocess
import sys

from compare import HERE, NETWORKS, SIDES


def training(info):
    """The optimizer as a spec's training section has it, of what a program says can be set."""
    value = info["settable"].get
    kind = {"kind": "rmsprop", "decay": value("rms_decay"), "momentum": value("momentum", 0), "epsilon":
            value("rms_epsilon")} if "rms_decay" in info["settable"] else {"kind": "sgd", "momentum": value("momentum", 0)}
    return {"optimizer": kind, "weight_decay": value("weight_decay", 0), "label_smoothing": 0.1,
            "learning_rate": {"base": value("learning_rate", 0.1)}}


def main():
    program, steps = os.path.abspath(sys.argv[1]), int(sys.argv[2])
    done = subprocess.run([program, "info", "--json"], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"gpu-check.sh: error: {program} info: {done.stderr.strip()}")
    info = json.loads(done.stdout)
    models = {spec: model for spec, model, _ in NETWORKS.values()}
    if info["network"] not in models:
        return
    task = {"model": models[info["network"]], "size": info["image"][1], "batch": info["batch_size"], "threads": 4,
            "drop_rate": 0.2, "training": training(info), "device": "cuda", "precision": info["precision"],
            "steps": steps}
    for side in "eager", "compile":
        done = subprocess.run([sys.executable, os.path.join(HERE, "torch_worker.py"),
                               json.dumps({**task, "compile": side == "compile"})], capture_output=True, text=True)
        if done.returncode != 0:
            last = (done.stderr.strip().splitlines() or ["it printed nothing"])[-1]
            print(f"{SIDES[side]} of {task['model']}: {last}", flush=True)
            continue
        first, timing, summary = (json.loads(line) for line in done.stdout.splitlines())
        if summary["parameters"] != info["parameters"]:
            print(f"{SIDES[side]}: {task['model']} has {summary['parameters']} parameters, ours {info['parameters']}: "
                  "not compared")
            return
        print(f"{SIDES[side]} {summary['pytorch']}, {task['model']}, {info['precision']}, batch {task['batch']}: "
              f"{timing['step_ms']:.3f} ms/step, {1e3 * task['batch'] / timing['step_ms']:.1f} images/s, first step "
              f"{1e-3 * first['step_ms']:.1f} s, {1e-9 * summary['peak_resident_bytes']:.2f} GB", flush=True)


if __name__ == "__main__":
    main()
