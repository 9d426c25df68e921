#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Training steps or inference of incept and of others, measured in turns in one run.

Each side is a process that does one step, or one inference, when it is told to; never two at once. For each network and
batch: PyTorch eager and torch.compile (both channels_last), for inference ONNX Runtime and OpenVINO too, incept, and the
convolutions of incept's own step alone, which is what a step could take at best with these. Medians of the rounds, peak
resident memory, and the time from nothing (architecture file, model source or ONNX file) to the end of the first step.
Writes DATE.md and DATE.json (DATE-infer for inference, DATE-size128 for images of --size=128) after each network.
"""
import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)

# Architecture file, the same network in timm, size of its images.
NETWORKS = {
    "inception_v4": ("inception_v4", "inception_v4", 299),
    "inception_v3": ("inception_v3", "inception_v3", 299),
    "inception_resnet_v2": ("inception_resnet_v2_timm", "inception_resnet_v2", 299),
    "resnet50": ("resnet50", "resnet50", 224),
    "mobilenet_v2": ("mobilenet_v2", "mobilenetv2_100", 224),
}
SIDES = {"incept": "incept", "eager": "PyTorch eager", "compile": "torch.compile", "onnxruntime": "ONNX Runtime",
         "openvino": "OpenVINO"}
ENGINES = {"train": ["eager", "compile"], "infer": ["eager", "compile", "onnxruntime", "openvino"]}
# Of descriptions that say nothing (docs/Spec.md).
DEFAULT_TRAINING = {"optimizer": {"kind": "sgd", "momentum": 0.9}, "learning_rate": {"base": 0.01}}
BATCHES = {"train": "8", "infer": "1,16"}
# Inferences of one turn: some are short beside what a change of processes costs.
IN_A_TURN = {"train": 1, "infer": 5}


def fail(message, status=3):
    """Ends the script, whichever of this folder it is."""
    print(f"{os.path.basename(sys.argv[0])}: error: {message}", file=sys.stderr)
    sys.exit(status)


class Worker:
    """A process that prints a line of JSON after its first step and after each step that a line of input asks for."""

    def __init__(self, name, command, environment=None):
        self.name = name
        self.errors = tempfile.TemporaryFile("w+")
        start = time.perf_counter()
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors,
                                        text=True, env={**os.environ, **(environment or {})})
        self.first = self.read()
        self.start_seconds = time.perf_counter() - start
        self.steps = []

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            self.errors.seek(0)
            last = (self.errors.read().strip().splitlines() or ["it printed nothing"])[-1]
            fail(f"{self.name} ended with status {self.process.returncode}: {last}")
        return json.loads(line)

    def step(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        self.steps.append(self.read())

    def finish(self):
        """What the process says of itself at its end."""
        self.process.stdin.close()
        summary = self.read()
        self.process.wait()
        return summary

    def median(self, key="step_ms"):
        return statistics.median(step[key] for step in self.steps)


def compile_program(options, spec, batch, size, directory):
    """The program, what it says of itself, and the seconds that the compilation took."""
    program = os.path.join(directory, spec)
    source = os.path.join(ROOT, "specs", spec + ".incept")
    start = time.perf_counter()
    done = subprocess.run([options.incept, "compile", source, f"--batch-size={batch}", f"--mode={options.mode}",
                           f"--threads={options.threads}", f"--set=size={size}", "-o", program],
                          capture_output=True, text=True)
    seconds = time.perf_counter() - start
    if done.returncode != 0:
        fail(f"incept compile failed: {done.stderr.strip()}", done.returncode)
    info = subprocess.run([program, "info", "--json"], check=True, capture_output=True, text=True)
    return program, json.loads(info.stdout), seconds


def training_task(options, spec):
    """What torch_worker.py has to know of how the network is trained."""
    source = os.path.join(ROOT, "specs", spec + ".incept")
    done = subprocess.run([options.incept, "convert", source], check=True, capture_output=True, text=True)
    description = json.loads(done.stdout)
    if "networks" in description:  # one, which has defaults of its own
        (description,) = description["networks"].values()
    training = {**DEFAULT_TRAINING, **description.get("training", {})}
    return {"drop_rate": 1 - description["parameters"].get("keep", 1.0), "training": training}


def export_model(options, task):
    """Writes the ONNX file of an inference task, and returns the model's parameters."""
    done = subprocess.run([options.python, os.path.join(HERE, "infer_worker.py"),
                           json.dumps({**task, "engine": "export"})], capture_output=True, text=True)
    if done.returncode != 0:
        fail(f"the export to ONNX failed: {(done.stderr.strip().splitlines() or ['it printed nothing'])[-1]}")
    return json.loads(done.stdout.strip().splitlines()[-1])["parameters"]


def measure(options, name, batch):
    """Every side of one network, as a dictionary of plain numbers."""
    spec, model, size = NETWORKS[name]
    size = options.size or size
    task = {"model": model, "size": size, "batch": batch, "threads": options.threads}
    with tempfile.TemporaryDirectory() as directory:
        program, info, compilation = compile_program(options, spec, batch, size, directory)
        if options.mode == "train":
            task.update(training_task(options, spec))
        else:
            task["onnx"] = os.path.join(directory, "model.onnx")
            exported = export_model(options, task)
            if exported != info["parameters"]:
                fail(f"{name}: PyTorch's model has {exported} parameters, ours {info['parameters']}: they are not one "
                     "network")
        bench = [program, "bench", "--paced", "--json", "--steps=1000000"]
        workers = {"incept": Worker("incept", bench), "bound": Worker("incept --bound", bench + ["--bound"])}
        script = os.path.join(HERE, "torch_worker.py" if options.mode == "train" else "infer_worker.py")
        for side in options.sides:
            # A cache of its own: the first step begins from nothing.
            cache = {"TORCHINDUCTOR_CACHE_DIR": os.path.join(directory, "inductor"),
                     "OMP_NUM_THREADS": str(options.threads)}
            workers[side] = Worker(SIDES[side], [options.python, script, json.dumps(
                {**task, "compile": side == "compile", "engine": side})], cache)
        for done in range(1, options.repeats + 1):
            for worker in workers.values():
                for _ in range(IN_A_TURN[options.mode]):
                    worker.step()
            print(f"{name}, batch {batch}: round {done} of {options.repeats}", file=sys.stderr)
        result = {"spec": spec, "timm_model": model, "size": size, "batch": batch, "versions": {},
                  "parameters": info["parameters"], "compile_seconds": compilation,
                  "convolutions_ms": workers["bound"].median("convolutions_ms"),
                  "step_of_bound_ms": workers["bound"].median(), "planned_bytes": info["peak_bytes"], "sides": {}}
        workers.pop("bound").finish()
        for side, worker in workers.items():
            summary = worker.finish()
            if summary.get("parameters", info["parameters"]) != info["parameters"]:
                fail(f"{name}: PyTorch's model has {summary['parameters']} parameters, ours {info['parameters']}: "
                     "they are not one network")
            result["sides"][side] = {
                "step_ms": worker.median(), "images_per_second": 1e3 * batch / worker.median(),
                "peak_resident_bytes": summary["peak_resident_bytes"],
                "first_step_seconds": worker.start_seconds + (compilation if side == "incept" else 0),
                "samples_ms": [round(step["step_ms"], 3) for step in worker.steps]}
            result["versions"].update(summary.get("versions", {}))
    return result


METRICS = (("step_ms", "step"), ("peak_resident_bytes", "peak memory"), ("first_step_seconds", "time to first step"))


def table(name, result):
    """Lines of Markdown: the sides, then what each is to incept."""
    sides = result["sides"]
    lines = [f"### {name}", "",
             f"`specs/{result['spec']}.incept` and timm's `{result['timm_model']}`, {result['parameters']:,} parameters, "
             f"batch {result['batch']}, {result['size']}x{result['size']}.", "",
             "| | step, ms | images/s | peak resident, MB | from nothing to first step, s | step / incept's |",
             "|---|---|---|---|---|---|"]
    for side, values in sides.items():
        lines.append(f"| {SIDES[side]} | {values['step_ms']:,.0f} | {values['images_per_second']:.2f} | "
                     f"{values['peak_resident_bytes'] / 1e6:,.0f} | {values['first_step_seconds']:.1f} | "
                     f"{values['step_ms'] / sides['incept']['step_ms']:.3f} |")
    ratio = result["step_of_bound_ms"] / result["convolutions_ms"]
    return lines + ["", "The convolutions and matrix products of incept's step alone: "
                    f"{result['convolutions_ms']:,.0f} ms; the steps around them took {ratio:.3f} times as long.", ""]


def losses(results):
    """A line for each number in which incept is behind, without a threshold."""
    lines = []
    for name, result in results.items():
        sides = result["sides"]
        for side in sides:
            for key, words in METRICS:
                ratio = sides["incept"][key] / sides[side][key]
                if ratio > 1:
                    lines.append(f"- {name}: {words} is {ratio:.3f} times that of {SIDES[side]}")
    return lines or ["- nowhere in this run"]


def machine(options):
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        lines = file.read().splitlines()
    cpu = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    flags = next((line.split() for line in lines if line.startswith("flags")), [])
    widest = next((flag for flag in ("avx512f", "avx2") if flag in flags), "")
    commit = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    return {"date": datetime.date.today().isoformat(), "cpu": cpu, "isa": widest, "cores": os.cpu_count(),
            "mode": options.mode, "threads": options.threads, "repeats": options.repeats,
            "load_average": round(os.getloadavg()[0], 2),
            "system": platform.freedesktop_os_release().get("PRETTY_NAME", platform.system()),
            "python": platform.python_version(), "commit": commit.stdout.strip()}


def report(facts, results):
    versions = ", ".join(f"{name} {version}" for name, version in next(iter(results.values()))["versions"].items())
    title, turn = {"train": ("Training step: incept and PyTorch", "does one step"),
                   "infer": ("Inference: incept and others", f"infers {IN_A_TURN['infer']} times")}[facts["mode"]]
    lines = [f"# {title}", "",
             f"{facts['date']}, {facts['cpu']} ({facts['isa']}, {facts['cores']} cores), {facts['system']}, "
             f"{facts['threads']} threads, f32, PyTorch in channels_last. incept {facts['commit']}, {versions}, Python "
             f"{facts['python']}. Medians of {facts['repeats']} rounds in which every side {turn} in turn; load average at "
             f"the start {facts['load_average']}.", ""]
    for name, result in results.items():
        lines += table(name, result)
    return "\n".join(lines + ["### Where incept is behind", "", *losses(results), ""])


def write(directory, facts, results, size=None):
    """`size`: that of the images, where it is not what each network is for."""
    os.makedirs(directory, exist_ok=True)
    stem = facts["date"] + ("-infer" if facts["mode"] == "infer" else "") + (f"-size{size}" if size else "")
    stem = os.path.join(directory, stem)
    with open(stem + ".json", "w", encoding="utf-8") as file:
        json.dump({"machine": facts, "networks": results}, file, indent=1)
        file.write("\n")
    with open(stem + ".md", "w", encoding="utf-8") as file:
        file.write(report(facts, results))


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--networks", default=",".join(NETWORKS), help="names with commas between (all: %(default)s)")
    parser.add_argument("--repeats", type=int, default=7, help="rounds (7)")
    parser.add_argument("--mode", default="train", choices=list(ENGINES), help="training steps or inference (train)")
    parser.add_argument("--batch", help="batch sizes with commas between (8, for inference 1,16)")
    parser.add_argument("--size", type=int, help="height and width of images (what each network is for)")
    parser.add_argument("--threads", type=int, default=2, help="threads of every side (2)")
    parser.add_argument("--sides", help="besides incept, names with commas between (all: eager, compile, and for "
                        "inference onnxruntime, openvino)")
    parser.add_argument("--incept", default=os.path.join(ROOT, "build/release/bin/incept"), help="the compiler")
    parser.add_argument("--python", default=os.path.join(ROOT, "build/bench-venv/bin/python"),
                        help="one with PyTorch and timm")
    parser.add_argument("--output", default=os.path.join(HERE, "results"), help="directory for DATE.md and DATE.json")
    options = parser.parse_args()
    options.networks = options.networks.split(",")
    for name in options.networks:
        if name not in NETWORKS:
            parser.error(f"unknown network '{name}': expected one of {', '.join(NETWORKS)}")
    options.sides = options.sides.split(",") if options.sides else ENGINES[options.mode]
    for side in options.sides:
        if side not in ENGINES[options.mode]:
            parser.error(f"unknown side '{side}': expected some of {', '.join(ENGINES[options.mode])}")
    try:
        options.batches = [int(batch) for batch in (options.batch or BATCHES[options.mode]).split(",")]
    except ValueError:
        parser.error(f"expected --batch to be numbers with commas between, but got '{options.batch}'")
    if min(options.repeats, options.threads, *options.batches, 1 if options.size is None else options.size) < 1:
        parser.error("expected --repeats, --batch, --size and --threads to be positive")
    if not os.path.exists(options.incept):
        fail(f"'{options.incept}' is not there: build it, or name it with --incept")
    if not os.path.exists(options.python):
        fail(f"'{options.python}' is not there: run bench/setup.sh, or name another with --python")
    return options


def main():
    options = parse_arguments()
    facts, results = machine(options), {}
    for name in options.networks:
        for batch in options.batches:
            results[f"{name}, batch {batch}"] = measure(options, name, batch)
            write(options.output, facts, results, options.size)  # so far, should the rest be interrupted
    print(report(facts, results))


if __name__ == "__main__":
    main()
