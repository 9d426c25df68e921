# SPDX-License-Identifier: Apache-2.0
"""Runs a hand-made CUDA program: usage cuda.py STUB DIRECTORY fake LIBRARIES | sim. `fake` is a lazy driver that can be
made to fail, `sim` the simulator, which runs the PTX."""
import filecmp
import json
import math
import os
import struct
import subprocess
import sys

import cuda_program

stub, directory, kind, *libraries = sys.argv[1:]
os.makedirs(directory, exist_ok=True)
failures = []


def check(what, good, seen=""):
    if not good:
        failures.append(f"{what}: {str(seen)[:600]}")


def place(name):
    return os.path.join(directory, name)


def run(program, *arguments, **environment):
    paths = {"LD_LIBRARY_PATH": libraries[0]} if kind == "fake" else {}
    prefix = ["incept-sim"] if kind == "sim" else []
    return subprocess.run([*prefix, program, *arguments], capture_output=True, text=True, timeout=120,
                          env={**os.environ, **paths, **environment})


def expect(what, result, status, words):
    lines = result.stderr.strip().splitlines()
    check(what, result.returncode == status and len(lines) == 1 and words in lines[0],
          f"expected {status} and '{words}', got {result.returncode}: {result.stderr}")


def tensors(path):
    with open(path, "rb") as file:
        data = file.read()
    (length,) = struct.unpack_from("<Q", data)
    entries = json.loads(data[8:8 + length])
    entries.pop("__metadata__", None)
    return {name: (entry["dtype"], data[8 + length + entry["data_offsets"][0]:8 + length + entry["data_offsets"][1]])
            for name, entry in entries.items()}


def floats(entry):
    return list(struct.unpack(f"<{len(entry[1]) // 4}f", entry[1]))


def good(what, *arguments, **environment):
    result = run(program, *arguments, **environment)
    check(what, result.returncode == 0, result.stderr)
    return result


def safetensors(path, entries):
    header, data = {}, b""
    for name, (dtype, shape, values) in entries.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(values)]}
        data += values
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def step_is_right():
    """Four images of one lit pixel, of classes 0, 1, 2, 0: from zero weights the loss is log 3 and the gradient known."""
    pixels = [float(row == pixel) for row in range(4) for pixel in range(4)]
    safetensors(place("batch.safetensors"), {"images": ("F32", [4, 1, 2, 2], struct.pack("<16f", *pixels)),
                                             "labels": ("I64", [4], struct.pack("<4q", 0, 1, 2, 0))})
    good("init", "init", "--seed=1", "--output=" + place("w"))
    for name, environment in ("graph", ""), ("direct", "direct"), ("sync", "sync"):
        good("step", "step", "--weights=" + place("w"), "--batch=" + place("batch.safetensors"), "--steps=3",
             "--output=" + place(name), INCEPT_CUDA=environment)
    good("one step", "step", "--weights=" + place("w"), "--batch=" + place("batch.safetensors"),
         "--output=" + place("one"))
    one = tensors(place("one"))
    check("loss", abs(floats(one["loss"])[0] - math.log(3)) < 1e-6, floats(one["loss"]))
    for k in range(3):
        for p in range(4):
            wanted = (1 / 3 - (p % 3 == k)) / 4
            check("gradient", abs(floats(one["grad/linear.weight"])[k * 4 + p] - wanted) < 1e-6, (k, p))
            check("weight", abs(floats(one["linear.weight"])[k * 4 + p] + 0.5 * wanted) < 1e-6, (k, p))
    losses = floats(tensors(place("graph"))["losses"])
    check("losses fall", losses[0] > losses[1] > losses[2], losses)
    check("graphs repeat what launches do", filecmp.cmp(place("graph"), place("direct"), False))
    check("waiting changes nothing", filecmp.cmp(place("graph"), place("sync"), False))
    check("types", one["half"][0] == "BF16" and one["conv.weight"] == tensors(place("w"))["conv.weight"], one["half"])


def training_is_exact(steps):
    """The same weights and log with graphs and without, with the next batch copied ahead and without, and resumed."""
    arguments = ["train", "--data=synthetic:", f"--steps={steps}", "--seed=5"]
    for name, words in ("a", ""), ("b", "direct"), ("c", "alone"), ("d", "direct,alone"):
        good("train", *arguments, "--save=" + place("weights-" + name), "--log=" + place("log-" + name), INCEPT_CUDA=words)
        check("same weights " + words, filecmp.cmp(place("weights-a"), place("weights-" + name), False))
        check("same log " + words, filecmp.cmp(place("log-a"), place("log-" + name), False))
    check("a line a step", len(open(place("log-a")).readlines()) >= steps)
    good("half", *arguments[:2], f"--steps={steps // 2}", "--seed=5", "--checkpoint-dir=" + place("run"))
    good("resume", *arguments, "--resume", "--checkpoint-dir=" + place("run"), "--save=" + place("weights-e"))
    check("resumed", filecmp.cmp(place("weights-a"), place("weights-e"), False))


def inference_is_right():
    images = struct.pack("<20f", *[float(i % 7) for i in range(20)])
    safetensors(place("images"), {"images": ("F32", [5, 1, 2, 2], images)})
    good("predict", "predict", "--weights=" + place("weights-a"), "--input=" + place("images"),
         "--output=" + place("logits"))
    weights, logits = floats(tensors(place("weights-a"))["linear.weight"]), floats(tensors(place("logits"))["logits"])
    for row in range(5):
        for k in range(3):
            wanted = sum((row * 4 + p) % 7 * weights[k * 4 + p] for p in range(4))
            check("logits", abs(logits[row * 3 + k] - wanted) < 1e-5, (row, k))
    result = good("eval", "eval", "--data=synthetic:", "--weights=" + place("weights-a"), "--json")
    check("every image once", json.loads(result.stdout)["images"] == 256, result.stdout)
    alone = good("eval", "eval", "--data=synthetic:", "--weights=" + place("weights-a"), "--json", INCEPT_CUDA="alone")
    check("eval ahead or alone", alone.stdout == result.stdout, alone.stdout)
    timing = json.loads(good("bench", "bench", "--steps=4", "--json").stdout)
    check("bench", timing["step_ms"] > 0, timing)


def driver_is_checked():
    """What the fake driver can be made to do; each is one sentence and status 3."""
    train = ["train", "--data=synthetic:", "--steps=9"]
    for words, expected in (("no-init", "the CUDA driver cannot start: a fake reason (CUDA_ERROR_FAKE)"), ("no-device", "the driver sees none"),
                            ("old", "compiled for sm_80, but this machine's device (Fake 1) is sm_70"),
                            ("full", "but only 1000 of 1073741824 are free on Fake 1"),
                            ("no-memory", "cannot allocate 128 bytes for region 'arena'")):
        expect(words, run(program, *train, FAKE_CUDA=words), 3, expected)
    # Without waiting for steps losses are not there yet and batches are overwritten: the checks above can fail.
    good("deaf", *train[:2], "--steps=150", "--seed=5", "--save=" + place("deaf"), "--log=" + place("log-deaf"),
         FAKE_CUDA="deaf")
    check("a missing wait is seen", not filecmp.cmp(place("log-a"), place("log-deaf"), False) and
          not filecmp.cmp(place("weights-a"), place("deaf"), False))
    lost = run(program, *train, FAKE_CUDA="fail=tiny_loss")
    expect("a fault", lost, 3, "a step failed: an illegal memory access was encountered (CUDA_ERROR_ILLEGAL_ADDRESS): set")
    named = run(program, *train, FAKE_CUDA="fail=tiny_loss", INCEPT_CUDA="sync")
    expect("a fault's launch", named, 3, "'tiny' (tiny.json:1:1) failed: an illegal memory access")
    expect("unknown option", run(program, *train, INCEPT_CUDA="fast"), 2, "direct, sync, alone, but got 'fast'")
    # The first step is launched, each of the others is one graph.
    counted = run(program, "bench", "--steps=7", "--json", FAKE_CUDA="count").stderr
    check("one graph a step", "fake: 4 launches, 7 graphs" in counted, counted)
    profile = json.loads(good("profile", "bench", "--steps=3", "--profile", "--json").stdout)["profile"]
    check("profile", len(profile["launches"]) == 4 and abs(profile["total"]["ms"] - 2) < 1e-6, profile["total"])
    # A program with a plan where there is no cuDNN, and without one, which does not ask for it.
    description = cuda_program.header()
    description["plans"].append(cuda_program.plan())
    description["regions"][0]["bytes"] = 1 << 16
    description["entries"]["infer"] = [{"plan": 0, "operands": [[0, 0], [0, 16384], [0, 32768], [0, 0]], "op": "conv",
                                        "loc": "a:1:1", "flops": 0, "bytes": 0}, *description["entries"]["infer"]]
    planned = cuda_program.write(stub, place("planned"), cuda_program.image(description))
    result = run(planned, *train, INCEPT_CUDNN_DIR=place("nothing"))
    expect("no cuDNN", result, 3, "install cuDNN 9.8.0 or newer, or say where it is with INCEPT_CUDNN_DIR")
    expect("room for cuDNN", run(planned, *train, INCEPT_CUDNN_DIR=place("nothing"), FAKE_CUDA="nearly-full"), 3,
           "and up to 268435456 for cuDNN's kernels, but only 268435456 of 1073741824 are free")
    # Only what a command runs is made ready: here, plans of inference.
    for command in ["bench", "--steps=1"], ["init", "--output=" + place("planned-weights")]:
        result = run(planned, *command, INCEPT_CUDNN_DIR=place("nothing"))
        check("plans of inference", result.returncode == 0, result.stderr)
    check("no cuDNN asked for", run(program, *train, INCEPT_CUDNN_DIR=place("nothing")).returncode == 0)
    # Machine code that is for another device: the PTX is compiled, and this is said. For want of memory it is not.
    description = cuda_program.header()
    at = (len(cuda_program.PTX) + 63) // 64 * 64
    description["blobs"]["cubin"] = {"offset": at, "bytes": 8}
    coded = cuda_program.write(stub, place("coded"),
                               cuda_program.image(description, cuda_program.PTX.ljust(at) + b"\x7fELF cub"))
    result = run(coded, *train)
    check("machine code", result.returncode == 0 and
          "note: the driver has compiled the program's kernels from PTX" in result.stderr, result.stderr)
    expect("no memory for kernels", run(coded, *train, FAKE_CUDA="full-at-load"), 3,
           "the program's kernels cannot be loaded: a fake reason")
    # Which of several devices.
    expect("no such device", run(program, *train, "--device=1"), 2, "there is no device 1: the driver sees 1, the first is 0")
    second = run(program, *train, "--device=1", FAKE_CUDA="two")
    check("second device", second.returncode == 0 and "runs on Fake 2 MIG 1g" in second.stderr, second.stderr)
    listed = run(program, "info", "--devices", "--json", FAKE_CUDA="two")
    devices = json.loads(listed.stdout)
    check("devices", [device["uuid"] for device in devices] == ["GPU-00102030-4050-6070-8090-a0b0c0d0e0f0",
                                                                "MIG-01112131-4151-6171-8191-a1b1c1d1e1f1"] and
          devices[1] == {"device": 1, "name": "Fake 2 MIG 1g", "uuid": devices[1]["uuid"], "arch": "sm_90",
                         "multiprocessors": 1000, "memory_bytes": 1 << 30, "runs": True}, listed.stdout)
    listed = run(program, "info", "--devices", FAKE_CUDA="old")
    check("devices as text", "device 0, name Fake 1" in listed.stdout and "arch sm_70" in listed.stdout and
          "runs false" in listed.stdout, listed.stdout)
    # A driver that cannot be opened.
    with open(place("libcuda.so.1"), "w") as file:
        file.write("no library")
    expect("no driver", run(program, *train, LD_LIBRARY_PATH=directory), 3, "there is no driver (libcuda.so.1)")
    check("info without a driver", run(program, "info", LD_LIBRARY_PATH=directory).returncode == 0)


def damage_is_refused():
    """Each damaged image: status 1 and one line, from `info` already, so without a device."""
    def damaged(what, edit, words="the program image is damaged", arguments=("info",), ptx=cuda_program.PTX, status=1):
        description = cuda_program.header()
        edit(description)
        path = cuda_program.write(stub, place("damaged"), cuda_program.image(description, ptx))
        expect(what, run(path, *arguments), status, words)

    def put(*path):
        *keys, last, value = path

        def edit(description):
            for key in keys:
                description = description[key]
            description[last] = value
        return edit

    step = ("entries", "update", 0)
    damaged("no kernel", put("kernels", 0, "name", "tiny_other"), "kernel 'tiny_other' is missing")
    damaged("grid 0", put(*step, "grid", [0, 1, 1]), "'grid' is not an integer in range")
    damaged("grid too wide", put(*step, "grid", [1, 65536, 1]), "'grid'")
    damaged("two sizes", put(*step, "grid", [1, 1]), "'grid' is not [x, y, z]")
    damaged("no grid", lambda d: d["entries"]["update"][0].pop("grid"), "lacks 'grid'")
    damaged("large block", put(*step, "block", [1024, 2, 1]), "more than 1024 threads")
    damaged("operand outside", put(*step, "operands", 0, [2, 1025]), "operand lies outside")
    damaged("operand missing", lambda d: d["entries"]["update"][0]["operands"].pop(),
            "'tiny' (tiny.json:1:1) has 2 operands, but expected 3")
    damaged("extent missing", put(*step, "extents", [4, 4]), "compiled for other extents")
    damaged("a kernel with more parameters", lambda d: None, "gives 6 parameters to a kernel that takes 7",
            ptx=cuda_program.PTX.replace(b"tiny_update(", b"tiny_update(.param .u64 more, "))
    damaged("operand at its region's end", put(*step, "operands", 0, [cuda_program.PARAMS, 1024 - 44]),
            "operand 0 of 'tiny' (tiny.json:1:1) has 48 bytes at 980 of region 'params', which has 1024")
    damaged("no PTX", put("blobs", {}), "lacks 'ptx'")
    damaged("PTX outside", put("blobs", "ptx", "bytes", 1 << 40), "blob 'ptx' lies outside")
    damaged("cubin outside", lambda d: d["blobs"].update(cubin={"offset": 1 << 40, "bytes": 1}), "blob 'cubin' lies")
    damaged("narrow parameter", lambda d: None, "has a parameter that is not of 64 bits",
            ptx=cuda_program.PTX.replace(b".param .u64 src", b".param .u32 src"))
    damaged("architecture", put("target", "arch", "sm90"), "architecture 'sm90'")
    damaged("other target", put("target", "kind", "tpu"), "'tpu'")  # the simulator says it too
    damaged("tf32", put("tf32", "yes"), "'tf32' is neither")
    damaged("precision", put("precision", "f8"), "precision 'f8'")
    damaged("format", put("tensors", 5, "format", "ohwi"), "format 'ohwi' does not fit tensor 'linear.weight'")
    damaged("type", put("tensors", 7, "type", "f8"), "tensor 'half'")

    def planned(**changes):
        return lambda d: d["plans"].append({**cuda_program.plan(), **changes})
    damaged("plan outside", planned(serialized={"offset": 0, "bytes": 1}), "a serialized plan lies outside")
    damaged("engine", planned(engine="-1"), "engine '-1'")
    damaged("no engine", planned(engine=7), "'engine' is not a string")
    damaged("plan with a bad number", planned(mb="x"), "plan 0")

    def launched(operands):
        def edit(description):
            description["plans"].append(cuda_program.plan())
            description["entries"]["prepare_inference"].append(
                {"plan": 0, "operands": [[0, 0]] * operands, "op": "conv", "loc": "a:1:1", "flops": 0, "bytes": 0})
        return edit
    damaged("plan operand missing", launched(3), "'conv' (a:1:1) has 3 operands, but expected 4")
    damaged("plan operand outside", launched(4), "operand 0 of 'conv' (a:1:1) has 10368 bytes at 0 of region 'arena'")
    with open(program, "rb") as file:
        whole = file.read()
    at = whole.rindex(b"tiny_update")
    with open(place("flipped"), "wb") as file:
        file.write(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:])
    os.chmod(place("flipped"), 0o755)
    expect("a flipped bit", run(place("flipped"), "info"), 1, "its checksum does not match")
    if kind == "fake":
        damaged("PTX the driver refuses", lambda d: None, "cannot be loaded: line 1: no version",
                ("init", "--output=" + place("none")), cuda_program.PTX.replace(b".version", b"//ersion"))
    cpu = os.path.join(os.path.dirname(stub), "incept-stub-cpu")
    if os.path.exists(cpu):
        path = cuda_program.write(cpu, place("cpu"), cuda_program.image(cuda_program.header()))
        expect("the other stub", run(path, "info"), 1, "compiled for cuda, but this executable's runtime is for cpu")


program = cuda_program.write(stub, place("tiny"), cuda_program.image(cuda_program.header()))
info = json.loads(good("info", "info", "--json").stdout or "{}")
wanted = {"target": "cuda", "device": "a100", "arch": "sm_80", "precision": "bf16", "launches": 4, "kernels": 5, "plans": 0}
check("info", all(info.get(key) == value for key, value in wanted.items()), info)
step_is_right()
training_is_exact(20 if kind == "sim" else 150)
inference_is_right()
if kind == "fake":
    driver_is_checked()
    description = cuda_program.header()
    description["target"]["multiprocessors"] = 108
    path = cuda_program.write(stub, place("another"), cuda_program.image(description))
    result = run(path, "train", "--data=synthetic:", "--steps=1")
    words = "note: compiled for Fake 1 (108 multiprocessors), runs on Fake 1 (1000 multiprocessors)"
    check("another card", result.returncode == 0 and words in result.stderr, result.stderr)
else:
    # A kernel that writes far beyond its operand: the report names kernel, what it computes for, and where.
    wild = cuda_program.PTX.replace(b"shl.b64 %rd8, %rd5, 2;", b"shl.b64 %rd8, %rd5, 24;", 1)
    path = cuda_program.write(stub, place("wild"), cuda_program.image(cuda_program.header(), wild))
    result = run(path, "train", "--data=synthetic:", "--steps=1")
    words = ["tiny_stage_u8", "'tiny' (tiny.json:1:1)", "out of bounds", "thread"]
    check("wild write", result.returncode == 3 and all(word in result.stderr for word in words), result.stderr)
    # Images read from where in the arena no launch wrote: the program does not clear it, so that this shows.
    description = cuda_program.header()
    description["entries"]["forward_backward"][0]["operands"][0] = [cuda_program.ARENA, 64]
    path = cuda_program.write(stub, place("unwritten"), cuda_program.image(description))
    result = run(path, "train", "--data=synthetic:", "--steps=1")
    words = ["tiny_linear", "'tiny' (tiny.json:1:1)", "never written", "of 128 bytes"]
    check("unwritten read", result.returncode == 3 and all(word in result.stderr for word in words), result.stderr)
damage_is_refused()

for failure in failures:
    print("FAILED", failure)
sys.exit(1 if failures else 0)
