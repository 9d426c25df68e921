# SPDX-License-Identifier: Apache-2.0
"""Checks all maps of names in specs/maps without their libraries: the names that the tensors of each network get are those of
NAMES, each once, with as many values, and each rule is for some tensor.

usage: map_names.py INCEPT MAPS NAMES.json [--update PARITY], where PARITY is test/parity: NAMES.json is then written anew from
the networks that mapped.py there compares, with torchvision.

NAMES.json has for each map how many tensors the library's network has and a digest of their names and numbers of values.
"""
import hashlib
import json
import math
import pathlib
import re
import subprocess
import sys
import tempfile

incept, maps, names = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
CLASSES = 10


def digest(tensors):
    """Of pairs of name and number of values."""
    lines = "".join(f"{name} {count}\n" for name, count in sorted(tensors))
    return [len(tensors), hashlib.sha256(lines.encode()).hexdigest()[:16]]


def update(parity):
    sys.path.insert(0, parity)
    import mapped
    import references
    known = {}
    for network, (build, _, _) in mapped.NETWORKS.items():
        model = build()
        library = "timm" if type(model).__module__ == references.__name__ else "torchvision"
        known[f"{library}_{network}"] = digest([(name, tensor.numel()) for name, tensor in model.state_dict().items()
                                                if not name.endswith("num_batches_tracked")])
    names.write_text("{\n" + ",\n".join(f'"{name}": {json.dumps(known[name])}' for name in sorted(known)) + "\n}\n")


def patterns(rules):
    for ours, _, *inner in rules:
        yield ours
        yield from patterns(inner[0] if inner else [])


def check(path, empty, known):
    # What is missing in a file without tensors is all that the network has.
    result = subprocess.run([incept, "weights", f"--map={path}", "--set", f"classes={CLASSES}", "--", empty, empty + ".out"],
                            capture_output=True, text=True)
    found = re.findall(r"error: '.*': missing tensor '(.*)', expected F32 (\S+) for '(.*)'$", result.stderr, re.M)
    if result.returncode != 1 or not found or len(found) != result.stderr.count("error:"):
        return [f"status {result.returncode}: {result.stderr[:2000]}"]
    problems = []
    tensors = [(theirs, math.prod(map(int, shape.split("x")))) for theirs, shape, _ in found]
    if path.stem in known and digest(tensors) != known[path.stem]:
        problems.append(f"other names than the library's: {digest(tensors)} instead of {known[path.stem]}")
    ours = [name for _, _, name in found]
    for pattern in patterns(json.loads(path.read_text())["rules"]):
        parts = r"\d+".join(re.escape(text) for text in re.split(r"\{\w+\}", pattern))
        if not any(re.search(rf"(^|\.){parts}(\.|$)", name) for name in ours):
            problems.append(f"the rule for '{pattern}' is for no tensor")
    return problems


if sys.argv[4:5] == ["--update"]:
    update(sys.argv[5])
known = json.loads(names.read_text())
# weights.test has the whole names of these.
ELSEWHERE = {"timm_inception_v3", "timm_inception_v4", "timm_inception_resnet_v2", "torchvision_inception_v3", "torchvision_resnet50"}
failures = []
paths = sorted(maps.glob("*.json"))
with tempfile.TemporaryDirectory() as directory:
    empty = str(pathlib.Path(directory, "empty.safetensors"))
    pathlib.Path(empty).write_bytes((8).to_bytes(8, "little") + b"{}      ")
    for path in paths:
        if path.stem not in ELSEWHERE | set(known):
            failures.append(f"{path.name}: no names in {names.name}; write them with --update")
        failures += [f"{path.name}: {problem}" for problem in check(path, empty, known)]
failures += [f"{name}.json: no such map" for name in sorted(set(known) - {path.stem for path in paths})]
print("\n".join(failures) or f"{len(paths)} maps")
sys.exit(bool(failures))
