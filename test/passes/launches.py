# SPDX-License-Identifier: Apache-2.0
"""Compiles networks for the target that pass tests use, and compares what their functions launch with a record.

launches.py FOLDER SPECS RECORD [--update]

A row of the record has a network, how it was compiled, and what there is in a function: launches, their operations and
bytes, and a checksum of all that is said of them, the places of operands too. Row `module` has the variables, regions and plans.
FOLDER/ROW.txt lists what a row stands for: compare it with that of the commit before, and say --update if the change is meant."""
import hashlib
import pathlib
import re
import subprocess
import sys

ALL = "joins, pairs, statistics, norms"
HERE = pathlib.Path(__file__).parent / "Inputs"
# Description, batch size, more of the command line, settings of the target, precision, bytes of memory that passes may fill: with
# the first number more activations are kept than with one byte less.
CASES = [("branches", 2, "", f"{ALL}, strides", "f32", 0), ("branches", 2, "", "", "f32", 0),
         ("branches", 2, "", "joins", "f32", 11085702), ("branches", 2, "", "joins", "f32", 11085701),
         ("branches", 2, "--mode=infer", "joins", "f32", 0), ("others", 2, "", ALL, "f16", 0),
         ("others", 3, "", "joins, pairs, statistics", "bf16", 0), ("others", 2, "--keep-gradients", "", "f32", 0),
         ("trained", 2, "", "joins, pairs", "f32", 0), ("trained", 4, "", "", "f16", 0),
         ("trained", 1, "--mode=infer", "", "bf16", 0), ("inception_v4", 4, "", ALL, "f32", 0),
         ("unet", 1, "", "joins", "bf16", 0)]


def digest(lines):
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]


def compile_to_exec(spec, batch, options, settings, precision, budget, folder):
    command = ["incept", "compile", spec, f"--batch-size={batch}", *options.split(), "--threads=1", "--stop-after=graph"]
    graph = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    target = f"#incept.target<fake, {settings}>" if settings else "#incept.target<fake>"
    (folder / "graph.mlir").write_text(re.sub(r"#incept\.target<[^>]*>", target, graph))
    command = ["incept-opt", folder / "graph.mlir", f"--incept-to-training=precision={precision}"]
    command += [f"--incept-to-{phase}=memory-budget={budget}" for phase in ("fused", "layout", "planned", "exec")]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def sections(ir):
    """The lines of each function, and of the module. A slice is said where it is used, and a kernel is called by what its
    body is, so that a line says all of its launch and nothing of others."""
    names, slices, found, body = {}, {}, {"module": []}, None
    functions = "module"
    for line in ir.splitlines():
        if match := re.match(r"  incept\.exec\.kernel_def (@k\d+_(\w+))", line):
            kernel, body = match.groups(), []
        if body is not None:
            body.append(line.replace(kernel[0], ""))
            if line == "  }":
                names[kernel[0]] = f"{kernel[1]}.{digest(body)}"
                body = None
            continue
        if match := re.match(r"  func\.func @(\w+)", line):
            functions, slices = match.group(1), {}
            found[functions] = [line.strip()]
        elif match := re.match(r"    (%\d+) = incept\.exec\.slice @(\S+) at (\d+)", line):
            slices[match.group(1)] = f"{match.group(2)}+{match.group(3)}"
        elif line.startswith("    incept.exec."):
            line = re.sub(r"%\d+", lambda match: slices[match.group()], line.strip())
            found[functions].append(re.sub(r"@?k\d+_\w+", lambda match: names.get("@" + match.group().lstrip("@"), "?"), line))
        elif line.startswith(("  incept.variable", "  incept.exec.")):
            found["module"].append(line.strip())
    found["module"].append(f"{ir.count('incept.exec.slice @')} slices")
    for name in ("batch_size", "classes", "image", "keep_gradients", "label_map", "memory", "outputs", "training_only"):
        found["module"] += re.findall(rf"incept\.{name}(?: = (?:\{{[^}}]*\}}|\[[^\]]*\]|\d+))?(?=[, }}])", ir.splitlines()[0])
    return found


def row(case, name, lines):
    total = lambda what: sum(int(number) for line in lines for number in re.findall(rf"incept\.{what} = (\d+)", line))
    settings = "+".join(["fake"] + [setting[0] for setting in case[3].split(", ") if setting])
    return [case[0], str(case[1]), case[2].removeprefix("--") or "-", settings, case[4], str(case[5]), name,
            str(sum(line.startswith("incept.exec.") for line in lines)), str(total("flops")), str(total("bytes")), digest(lines)]


def main():
    folder, specs, record = map(pathlib.Path, sys.argv[1:4])
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for case in CASES:
        spec = HERE / f"{case[0]}.incept"
        ir = compile_to_exec(spec if spec.exists() else specs / spec.name, *case[1:], folder)
        for name, lines in sections(ir).items():
            rows.append(" ".join(row(case, name, lines)))
            (folder / (re.sub(r"\W+", "-", rows[-1].rsplit(" ", 4)[0]) + ".txt")).write_text("\n".join(lines) + "\n")
    if "--update" in sys.argv:
        record.write_text("\n".join(rows) + "\n")
    known = record.read_text().splitlines()
    for new in rows:
        if new not in known:
            print("not in the record:", new)
    print(f"{len(rows)} rows, {len(set(rows) & set(known))} of {len(known)} as recorded")
    return 0 if rows == known else 1


if __name__ == "__main__":
    sys.exit(main())
