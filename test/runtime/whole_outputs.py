# SPDX-License-Identifier: Apache-2.0
"""Whole outputs of a hand-made CUDA program, worked out here: usage whole_outputs.py STUB DIRECTORY LIBRARIES. The driver
says 0.5 ms of every launch, and clock rates of 1 GHz."""
import json
import math
import os
import re
import struct
import subprocess
import sys
import zlib

import cuda_program

stub, directory, libraries = sys.argv[1:]
os.makedirs(directory, exist_ok=True)
failures = []
place = lambda name: os.path.join(directory, name)


def check(what, good, seen=""):
    if not good:
        failures.append(f"{what}: {str(seen)[:2000]}")


def same(what, seen, wanted):
    if seen != wanted:
        failures.append(f"{what}: expected\n{wanted}\nbut got\n{seen}")


def run(program, *arguments, **environment):
    return subprocess.run([program, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
                          env={**os.environ, "LD_LIBRARY_PATH": libraries, **environment})


def good(*arguments):
    result = run(program, *arguments)
    check(arguments, result.returncode == 0, result.stderr)
    return result.stdout


def description():
    """The tiny program with launches of different work, one of them twice."""
    result = cuda_program.header()
    entries = result["entries"]
    forward, loss = entries["forward_backward"]
    entries["forward_backward"] = [{**forward, "op": "stem.linear", "flops": 6_000_000_000, "bytes": 1000},
                                   {**forward, "op": "stem.again", "flops": 2048, "bytes": 50_000},
                                   {**loss, "op": "loss", "loc": "tiny.json:2:3", "flops": 7, "bytes": 100_000}]
    entries["stage_u8"][0].update(op="", flops=0, bytes=80)
    entries["update"][0].update(op="stem.linear", flops=3_000_000, bytes=250_000)
    return result


def profile_is_whole():
    peaks = {"flops": 4096 * 1000 * 1e3 * 1e6 / 1e3, "bytes": 2e3 * 1000 * 1000 / 8}
    launches = [{"entry": entry, "op": launch["op"], "kind": kind, "family": "fixed", "loc": launch["loc"], "ms": 0.5,
                 "bound_ms": 1e3 * max(launch["flops"] / peaks["flops"], launch["bytes"] / peaks["bytes"]),
                 "flops": launch["flops"], "bytes": launch["bytes"]}
                for entry in ("stage_u8", "forward_backward", "update")
                for launch in description()["entries"][entry]
                for kind in [description()["kernels"][launch["kernel"]]["name"]]]
    sums = ("ms", "bound_ms", "flops", "bytes")

    def rows(name):
        groups = {}
        for launch in launches:
            groups.setdefault(name(launch), []).append(launch)
        table = [{"name": key, "launches": len(own), **{column: sum(one[column] for one in own) for column in sums}}
                 for key, own in sorted(groups.items())]
        return sorted(table, key=lambda row: -row["ms"])

    block = lambda launch: (launch["op"].split(".")[0] if launch["entry"] == "forward_backward" else
                            "(" + launch["entry"] + ")")
    wanted = {"peaks_of": "Fake 1 by its clock rates", "peak_flops_per_second": peaks["flops"],
              "peak_bytes_per_second": peaks["bytes"],
              "total": {column: sum(launch[column] for launch in launches) for column in sums},
              "kinds": rows(lambda launch: launch["kind"]), "blocks": rows(block), "launches": launches}
    seen = json.loads(good("bench", "--steps=3", "--profile", "--json"))
    rounded = lambda value: json.loads(json.dumps(value), parse_float=lambda text: float(f"{float(text):.6g}"),
                                       parse_int=lambda text: float(f"{float(text):.6g}"))
    same("profile", rounded(seen["profile"]), rounded(wanted))
    same("order", [list(seen["profile"]), list(seen["profile"]["launches"][0])], [list(wanted), list(launches[0])])
    check("names come in order", [row["name"] for row in wanted["blocks"]] == ["stem", "(stage_u8)", "(update)", "loss"],
          wanted["blocks"])

    # The same as text.
    def line(row, name):
        return (f"{row['ms']:10.3f} {100 * row['ms'] / wanted['total']['ms']:6.1f}% {100 * row['bound_ms'] / row['ms']:6.1f}%"
                f" {row['ms'] - row['bound_ms']:10.3f} {row.get('launches', 1):8d} {1e-9 * row['flops']:9.2f}"
                f" {1e-6 * row['bytes']:9.1f} {1e-6 * row['flops'] / row['ms']:9.1f}"
                f" {1e-6 * row['bytes'] / row['ms']:8.1f}  {name}\n")

    def heading(name):
        columns = ("   ms/step", "  share", "  bound", "   lost ms", "launches", "    GFLOP", "       MB", "  GFLOP/s",
                   "    GB/s")
        return "\n" + " ".join(columns) + "  " + name + "\n"
    text = ("\npeaks of this machine, Fake 1 by its clock rates: 4096.0 GFLOP/s, 0.2 GB/s\n" +
            heading("kernel or primitive") + "".join(line(row, row["name"]) for row in wanted["kinds"]) +
            heading("block") + "".join(line(row, row["name"]) for row in wanted["blocks"]) +
            line({**wanted["total"], "launches": 5}, "total"))
    listed = heading("launch") + "".join(line(launch, launch["op"] + "  " + launch["kind"]) for launch in launches)
    step = r"step (\d): \d+\.\d ms, loss \d\.\d{6}\n"
    begin = (r"median \d+\.\d ms, \d+\.\d images/s, peak resident 3360 bytes, planned 2304 bytes\n")
    for more, expected in ([], text), (["--launches"], text + listed):
        output = good("bench", "--steps=2", "--profile", *more)
        match = re.match(f"(?:{step}){{2}}{begin}", output)
        check("steps", match and re.findall(step, output) == ["1", "2"], output)
        same(f"profile {more}", output[match.end():] if match else "", expected)


def bench_is_whole():
    result = json.loads(good("bench", "--steps=2", "--bound", "--checkpoint", "--json"))
    same("keys", list(result), ["step_ms", "first_step_ms", "images_per_second", "peak_resident_bytes", "planned_bytes",
                                "convolutions_ms", "step_processor_ms", "checkpoint_bytes", "checkpoint_copy_ms",
                                "checkpoint_copy_processor_ms"])
    check("rate", abs(result["images_per_second"] * result["step_ms"] / 1e3 - 4) < 1e-6, result)
    check("numbers", (result["peak_resident_bytes"], result["planned_bytes"], result["checkpoint_bytes"]) == (3360, 2304, 150),
          result)
    output = good("bench", "--steps=1", "--bound", "--checkpoint")
    number = r"\d+\.\d+"
    check("bench as text", re.fullmatch(
        rf"step 1: {number} ms, convolutions alone {number} ms, loss {number}\n"
        rf"median {number} ms, {number} images/s, peak resident 3360 bytes, planned 2304 bytes\n"
        rf"convolutions alone: median {number} ms; a step takes (?:{number}|inf) times as long\n"
        rf"checkpoint: copy of 150 bytes, median {number} ms, {number} % of a step; by processor time of all threads "
        rf"(?:{number}|-?nan|inf) %\n", output), output)
    result = json.loads(good("bench", "--data=synthetic:", "--batches=3", "--json"))
    rate, memory, index = (result.pop(key) for key in ("images_per_second", "memory_bytes", "index_seconds"))
    same("input", result, {"images": 12, "threads": 1, "bad_images": 0, "warnings": 0})
    check("input's numbers", rate > 0 and memory > 0 and index >= 0, (rate, memory, index))
    output = good("bench", "--data=synthetic:", "--batches=3", "--input-threads=2")
    check("input as text", re.fullmatch(rf"{number} images/s by 2 threads, {number} MB; 256 images indexed in {number} s; "
                                        r"0 damaged, 0 warnings\n", output), output)
    # In evaluation each image comes once: one batch of them is the first, which is not counted.
    result = json.loads(good("bench", "--data=synthetic:", "--batches=100", "--evaluation", "--json"))
    same("input of evaluation", result["images"], 256 - 4)


def inputs_are_refused():
    """Batches, images and a device that do not fit, each with its sentence."""
    pixels, labels = struct.pack("<16f", *range(16)), struct.pack("<4q", 0, 1, 2, 0)
    fit = {"images": ("F32", [4, 1, 2, 2], pixels), "labels": ("I64", [4], labels)}
    good("init", "--output=" + place("drawn"))

    def refused(what, words, *arguments, status=1, **environment):
        result = run(program, *arguments, **environment)
        same(what, (result.returncode, result.stderr), (status, "tiny: error: " + words + "\n"))

    batch = place("batch")
    images = f"'{batch}' has no tensor 'images' of type F32 and shape 4x1x2x2"
    ofLabels = f"'{batch}' has no tensor 'labels' of type I64 and shape 4"
    for entries, words in (
            ({"labels": fit["labels"]}, images), ({**fit, "images": ("F32", [4, 2, 1, 2], pixels)}, images),
            ({**fit, "images": ("I32", [4, 1, 2, 2], pixels)}, images), ({"images": fit["images"]}, ofLabels),
            ({**fit, "labels": ("I64", [2, 2], labels)}, ofLabels), ({**fit, "labels": ("F64", [4], labels)}, ofLabels),
            ({**fit, "labels": ("I64", [4], struct.pack("<4q", 0, 1, 2, 3))},
             f"'{batch}' has label 3, but the network has 3 classes"),
            ({**fit, "labels": ("I64", [4], struct.pack("<4q", -1, 1, 2, 0))},
             f"'{batch}' has label -1, but the network has 3 classes"),
            ({**fit, "share": ("F32", [], struct.pack("<f", 0.5))},
             f"'{batch}' has a tensor 'share', but it is no F32 scalar, or the program mixes no images")):
        safetensors(batch, entries, {})
        refused("step", words, "step", "--weights=" + place("drawn"), "--batch=" + batch, "--output=" + place("stepped"))
    for entries in ({}, {"images": ("I32", [4, 1, 2, 2], pixels)}, {"images": ("F32", [16], pixels)},
                    {"images": ("F32", [4, 2, 1, 2], pixels)}, {"images": ("F32", [4, 1, 1, 4], pixels)},
                    {"images": ("F32", [4, 1, 4, 1], pixels)}):
        safetensors(batch, entries, {})
        refused("predict", f"'{batch}' has no tensor 'images' of type F32 and shape Nx1x2x2", "predict",
                "--weights=" + place("drawn"), "--input=" + batch)
    refused("no images", "expected image files, or --input=FILE.safetensors; run tiny --help", "predict",
            "--weights=" + place("drawn"), status=2)
    refused("evaluation", "unknown data source 'none': expected folder:DIR, webdataset:PATTERN, cifar:DIR, idx:DIR or "
            "synthetic:", "eval", "--data=none", "--weights=" + place("drawn"))
    refused("protocol", "expected one of timm, tf for 'evaluation.kind', but got \"x\"; run tiny --help", "eval",
            "--data=synthetic:", "--weights=" + place("drawn"), "--protocol=x", status=2)
    # Two batches on their way of 256 + 256 + 16 bytes, and five regions, in multiples of 256.
    refused("memory", f"the program needs {2 * 768 + 256 + 256 + 1024 + 256 + 1024} bytes of the device's memory, but only "
            "1000 of 1073741824 are free on Fake 1: compile it again with a smaller --batch-size", "bench", status=3,
            FAKE_CUDA="full")


def info_is_whole():
    changed = description()
    changed["plans"] = [{**cuda_program.plan(), "scratchpad_bytes": 512},
                        {**cuda_program.plan(), "impl": "engine 3", "scratchpad_bytes": 4096, "tensor_core": True},
                        {**cuda_program.plan(), "tensor_core": True}]
    path = cuda_program.write(stub, place("planned"), cuda_program.image(changed))
    settable = {"epochs": 1.0, "every_epochs": 1.0, "final_learning_rate": 0.0, "gamma": 1.0, "learning_rate": 0.5,
                "momentum": 0.0, "rms_decay": 0.9, "rms_epsilon": 1.0, "warmup_epochs": 0.0, "weight_decay": 0.0}
    target = {"device": "a100", "card": "Fake 1", "arch": "sm_80", "cudnn": "9.8.0", "tf32": False,
              "workspace_bytes": 4096, "ptx_bytes": len(cuda_program.PTX), "cubin_bytes": 0,
              "engines": {"engine 3": 1, "engine 47": 2}, "tensor_core_plans": 2}
    wanted = {"network": "tiny", "target": "cuda", **target, "mode": "train", "precision": "bf16", "batch_size": 4,
              "image": [1, 2, 2], "classes": 3, "parameters": 36, "states": 3, "macs": 12, "arena_bytes": 128,
              "persistent_bytes": 2176, "peak_bytes": 2304, "checkpoint_bytes": 48 + 96 + 6, "launches": 5, "kernels": 5,
              "plans": 3, "spec_hash": "0123456789abcdef", "settable": settable,
              "structural": ["optimizer", "loss", "label_smoothing", "ignore_label", "batch_size", "image", "classes"]}
    seen = json.loads(run(path, "info", "--json").stdout)
    same("info", json.dumps(seen, indent=1), json.dumps(wanted, indent=1))
    plain = lambda value: value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
    same("info as text", run(path, "info").stdout,
         "".join(f"{key:<17} {plain(value)}\n" for key, value in wanted.items()))
    version = run(path, "--version", INCEPT_CUDNN_DIR=place("nothing")).stdout.splitlines()
    check("version", len(version) == 4 and
          re.fullmatch(r"a program of incept \d+\.\d+\.\d+, image format 2, checkpoint format 2", version[0]), version)
    same("version's network", version[1:3], ["network tiny, spec 0123456789abcdef", "compiled for cuda" + "".join(
        f", {key} {plain(value)}" for key, value in target.items())])
    check("version's library", version[3].startswith("this machine has no library: "), version)
    regions = [region["name"] for region in changed["regions"]]
    same("memory", run(path, "info", "--memory").stdout,
         f"{'region':<10} {'offset':>12} {'bytes':>12}  {'tensor':<40} shape\n" +
         "".join(f"{regions[one['region']]:<10} {one['offset']:12d} {one['bytes']:12d}  {one['name']:<40} "
                 f"{'x'.join(map(str, one['shape']))}\n" for one in changed["tensors"]) +
         "".join(f"region {one['name']:<10} {one['bytes']} bytes\n" for one in changed["regions"]))


def safetensors(path, entries, metadata):
    header, data = {"__metadata__": metadata}, b""
    for name, (dtype, shape, values) in entries.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(values)]}
        data += values
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def predictions_are_whole():
    weights = [1, 0, 0, 0, 0, 2, 0, 0, 0, 0, 3, 0]
    entries = {"linear.weight": ("F32", [3, 4], struct.pack("<12f", *weights)),
               "conv.weight": ("F32", [2, 3, 2, 2], bytes(96)), "half": ("BF16", [3], bytes(6))}
    names = ["first", "the\nsecond", "third"]
    safetensors(place("w"), entries, {"incept.classes": json.dumps(names)})
    safetensors(place("unnamed"), entries, {"incept.classes": json.dumps(names[:2])})  # not of three classes
    images = [[1, 1, 1, 0], [2, 1, 0, 0], [0, 0, 0, 0], [3e38, 0, 3e38, 0], [0, 0, -1, 9]]
    safetensors(place("images"), {"images": ("F32", [5, 1, 2, 2], struct.pack("<20f", *sum(images, [])))}, {})
    lines, texts = [], []
    for number, image in enumerate(images):
        logits = [sum(weights[4 * k + p] * image[p] for p in range(4)) for k in range(3)]
        if number == 3:  # the third is infinite in f32
            lines.append({"image": "image 3", "top": [], "finite": False})
            texts.append("image 3: scores are not finite\n")
            continue
        shares = [math.exp(logit - max(logits)) for logit in logits]
        order = sorted(range(3), key=lambda k: (-logits[k], k))
        lines.append({"image": f"image {number}", "top": [
            {"class": k, "probability": round(shares[k] / sum(shares), 9), "name": names[k]} for k in order]})
        texts.append(f"image {number}:" + "".join(f" {k} ({100 * shares[k] / sum(shares):.1f} %)" for k in order) + "\n")
    arguments = ["predict", "--input=" + place("images")]
    output = good(*arguments, "--weights=" + place("w"), "--json")
    seen = [json.loads(line) for line in output.splitlines()]
    for line in seen:
        for entry in line["top"]:
            entry["probability"] = round(entry["probability"], 9)
    same("predict --json", seen, lines)
    same("predict", good(*arguments, "--weights=" + place("unnamed")), "".join(texts))
    named = good(*arguments, "--weights=" + place("w"), "--top=1").splitlines()
    check("names", named[0].startswith("image 0: third (") and named[1].startswith("image 1: first (") and
          named[1].count("%") == 1, named)
    check("names are printable", "the\\nsecond" in good(*arguments, "--weights=" + place("w")), named)
    two = good(*arguments, "--weights=" + place("unnamed"), "--top=2").splitlines()
    same("two of them", two[0], texts[0][:texts[0].rindex(" 0 (")])
    result = run(program, *arguments, "--weights=" + place("w"), "--average")
    check("no averages", result.returncode == 1 and "'" + place("w") + "' has no averages of weights: take the weights "
          "themselves" in result.stderr, result.stderr)
    # Evaluation says the same as text and as JSON.
    evaluate = ["eval", "--data=synthetic:", "--weights=" + place("w")]
    own, text = json.loads(good(*evaluate, "--json")), good(*evaluate)
    shares = [100 * value for value in (*own["top1_interval"], *own["top5_interval"])]
    same("eval", text, "top-1 accuracy %.2f %%, top-5 accuracy %.2f %%, loss %.4f on 256 images\n"
         "95 %% intervals: top-1 %.2f to %.2f %%, top-5 %.2f to %.2f %%\n" % (
             100 * own["top1"], 100 * own["top5"], own["loss"], *shares))
    same("all are among five of three", (own["top5"], own["images"]), (1, 256))


def sheets_are_drawn():
    output = good("look", "--data=synthetic:", "--images=5", "--evaluation", "-o", place("sheet.png"))
    same("look", output, "5 images of 'synthetic:' as in evaluation: timm, crop 0.875, bicubic\n")
    with open(place("sheet.png"), "rb") as file:
        data = file.read()
    size = struct.unpack(">II", data[16:24])
    same("size of the sheet", size, (3 * (96 + 6) + 6, 2 * (96 + 18 + 6) + 6))  # pixels of 48, three to a row
    at = data.index(b"IDAT")
    rows = zlib.decompress(data[at + 4:at + 4 + struct.unpack(">I", data[at - 4:at])[0]])

    def pixel(x, y):
        begin = y * (3 * size[0] + 1) + 1 + 3 * x
        return rows[begin:begin + 3]
    white = b"\xff" * 3
    for number in range(6):
        left, top = 6 + number % 3 * 102, 6 + number // 3 * 120
        squares = {(i, j): {pixel(left + 48 * i + x, top + 48 * j + y) for x in range(48) for y in range(48)}
                   for i in range(2) for j in range(2)}
        check(f"image {number} of the sheet", all(len(own) == 1 for own in squares.values()), squares)
        if number == 5:
            check("there is no sixth", set.union(*squares.values()) == {white})
        around = {pixel(left + x, top + y) for x in range(-6, 102) for y in (-6, -1, 96, 99, 112)}
        check(f"around image {number}", around == {white}, around)
        label = {pixel(left + x, top + y) for x in range(6) for y in range(100, 110)}
        check(f"label {number}", (b"\0" * 3 in label) == (number < 5), label)
    check("they differ", len({pixel(6 + 48 * i + 102 * k, 6 + 48 * j) for i in range(2) for j in range(2)
                              for k in range(3)}) > 6)
    output = good("look", "--data=synthetic:", "--images=300", "-o", place("all.png"))
    same("all there are", output, "256 images of 'synthetic:' as in training: none, color none, bilinear, min_area 1, "
         "max_area 1, min_ratio 1, max_ratio 1, flip 0, erase 0, padding 0\n")
    with open(place("all.png"), "rb") as file:
        same("size of all", struct.unpack(">II", file.read(24)[16:]), (16 * 102 + 6, 16 * 120 + 6))


def options_have_their_limits():
    """Refused, with a sentence, on one side of each limit; on the other something else is missing."""
    train, bench, look = ["train", "--data=synthetic:"], ["bench"], ["look", "--data=none", "-o", place("none.png")]
    folder, predict = ["--checkpoint-dir=" + place("none")], ["predict", "--weights=none", "none"]
    step = ["step", "--weights=none", "--batch=none", "--output=" + place("none")]
    evaluate = ["eval", "--data=none", "--weights=none"]
    most = str(2**53)
    numbers = [(train, "--device", "0", "1023"), (train, "--input-threads", "0", "1024"),
               (train, "--max-bad-images", "0", most), (train, "--steps", "1", most), (train, "--max-skipped", "0", most),
               (train + folder, "--checkpoint-steps", "1", most), (train + folder, "--keep", "0", most),
               (evaluate, "--input-threads", "0", "1024"), (evaluate, "--max-bad-images", "0", most),
               (evaluate, "--device", "0", "1023"), (predict, "--top", "1", most), (predict, "--device", "0", "1023"),
               (step, "--steps", "1", "1000000"), (step, "--device", "0", "1023"), (bench, "--steps", "1", "1000000"),
               (bench + ["--data=none"], "--batches", "1", most), (look, "--images", "1", "10000"),
               (look, "--input-threads", "0", "1024"), (["init", "--output=" + place("none")], "--device", "0", "1023")]
    os.makedirs(place("nowhere"))
    with open(place("nowhere/libcuda.so.1"), "w") as file:
        file.write("no driver")
    nowhere = {"LD_LIBRARY_PATH": place("nowhere")}
    for command, option, low, high in numbers:
        for value in str(int(low) - 1), str(int(high) + 1), "x", "1.5":
            result = run(program, *command, f"{option}={value}", **nowhere)
            wanted = (f"tiny: error: {option}: expected a whole number of {low} to {'2^53' if high == most else high}, "
                      f"but got '{value}'; run tiny --help\n")
            same((*command, option, value), (result.returncode, result.stderr), (2, wanted))
        for value in low, high:
            result = run(program, *command, f"{option}={value}", **nowhere)
            check((*command, option, value), result.returncode in (1, 3), (result.returncode, result.stderr))
    for command in train, ["init", "--output=" + place("none")], step, look:
        result = run(program, *command, "--seed=18446744073709551616", **nowhere)
        same((*command, "--seed"), (result.returncode, result.stderr), (
            2, "tiny: error: --seed: expected a whole number of 0 to 2^64-1, but got '18446744073709551616'; "
            "run tiny --help\n"))
        result = run(program, *command, "--seed=18446744073709551615", **nowhere)
        check((*command, "--seed"), result.returncode in (1, 3), result.stderr)
    for option in ["--epochs"], [*folder, "--checkpoint-minutes"]:
        for value in "0", "-1", "nan":
            result = run(program, *train, *option[:-1], f"{option[-1]}={value}", **nowhere)
            same((option, value), (result.returncode, result.stderr), (
                2, f"tiny: error: {option[-1]}: expected a number above 0, but got '{value}'; run tiny --help\n"))
        check(option, run(program, *train, *option[:-1], option[-1] + "=1e-3", **nowhere).returncode == 3)
    # Options that go together, or do not; what is left out; what takes one value.
    lone = [[*train, "--val-fraction=0.5", "--val-data=none"], [*train, "--steps=1", "--epochs=1"],
            [*train, "--allow-changes"], [*train, "--overwrite"], [*train, *folder, "--overwrite", "--resume"],
            [*train, "--checkpoint-steps=1"], [*train, "--checkpoint-minutes=1"], [*train, "--keep=1"],
            [*train, "--val-fraction=0"], [*train, "--val-fraction=0.9991"], [*train, "--on-nonfinite=go"],
            [*train, "--set", "gamma=1", "momentum=1"], [*step, "--set", "gamma=1", "momentum=1"], ["train"],
            ["info", "--memory", "--devices"], ["init"], evaluate[:2], [evaluate[0], evaluate[2]], ["predict", "none"],
            [*predict, "--input=none"], step[:3], [step[0], *step[2:]],
            [step[0], step[1], step[3]], [*bench, "--launches"], look[:2], [look[0], *look[2:]]]
    for arguments in lone:
        result = run(program, *arguments, **nowhere)
        check(arguments, result.returncode == 2 and result.stderr.count("\n") == 1 and
              result.stderr.endswith("; run tiny --help\n"), (result.returncode, result.stderr))
    together = [[*train, "--val-fraction=0.999"], [*train, "--val-data=none"], [*train, "--on-nonfinite=skip"],
                [*train, "--on-nonfinite=stop"], [*train, *folder, "--overwrite", "--keep=0"],
                [*train, *folder, "--resume", "--allow-changes"], [*train, "--set", "gamma=1", "--set", "momentum=1"],
                [*bench, "--profile", "--launches"], [*step, "--set=gamma=1"]]
    for arguments in together:
        result = run(program, *arguments, **nowhere)
        check(arguments, result.returncode == 3 and "there is no driver" in result.stderr,
              (result.returncode, result.stderr))
    for command, option, value in (("train", "--device", 0), ("train", "--max-bad-images", 100), ("train", "--keep", 3),
                                   ("train", "--max-skipped", 10), ("predict", "--top", 5), ("bench", "--steps", 10),
                                   ("look", "--images", 32)):
        helped = good(command, "--help")
        check((command, option, "has a default"), re.search(rf"{option} [^-]*[=[]{value}\b", helped), helped)


program = cuda_program.write(stub, place("tiny"), cuda_program.image(description()))
profile_is_whole()
bench_is_whole()
inputs_are_refused()
info_is_whole()
predictions_are_whole()
sheets_are_drawn()
options_have_their_limits()
for failure in failures:
    print("FAILED", failure)
sys.exit(1 if failures else 0)
