# SPDX-License-Identifier: Apache-2.0
"""bench/compare.py without PyTorch: a stand-in for a side, the table, and what it says of where incept is behind."""
import os
import sys
import tempfile
import types

sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
import compare  # noqa: E402

SIDE = """
import json, sys
print(json.dumps({"step": 0, "step_ms": 99.0}), flush=True)
for number, _ in enumerate(sys.stdin, 1):
    print(json.dumps({"step": number, "step_ms": [5.0, 1.0, 3.0][number - 1]}), flush=True)
print(json.dumps({"peak_resident_bytes": 7}))
"""


def side(step, memory, first):
    return {"step_ms": step, "images_per_second": 8e3 / step, "peak_resident_bytes": memory,
            "first_step_seconds": first}


worker = compare.Worker("a side", [sys.executable, "-c", SIDE])
for _ in range(3):
    worker.step()
assert worker.median() == 3.0 and len(worker.steps) == 3, worker.steps
assert worker.finish() == {"peak_resident_bytes": 7}

result = {"spec": "s", "timm_model": "t", "parameters": 12, "batch": 8, "size": 299, "convolutions_ms": 80.0,
          "step_of_bound_ms": 100.0, "versions": {"torch": "2.15", "timm": "1.0"}, "sides": {"incept": side(100.0, 2e9, 9.0), "eager": side(110.0, 3e9, 6.0),
                                               "compile": side(90.0, 3e9, 150.0)}}
lines = "\n".join(compare.table("net", result))
assert "| PyTorch eager | 110 | 72.73 | 3,000 | 6.0 | 1.100 |" in lines, lines
assert "alone: 80 ms; the steps around them took 1.250 times as long" in lines, lines
assert compare.losses({"net": result}) == ["- net: time to first step is 1.500 times that of PyTorch eager",
                                           "- net: step is 1.111 times that of torch.compile"]

facts = {"date": "2026-01-01", "cpu": "c", "isa": "avx2", "cores": 2, "system": "s", "threads": 2, "commit": "abc",
         "python": "3", "repeats": 7, "load_average": 0.1}
for mode, title in (("train", "# Training step: incept and PyTorch"), ("infer", "# Inference: incept and others")):
    text = compare.report({**facts, "mode": mode}, {"net, batch 8": result})
    assert text.startswith(title + "\n") and "incept abc, torch 2.15, timm 1.0, Python 3." in text, text

with tempfile.TemporaryDirectory() as folder:
    # Images of another size have a report of their own.
    for mode, size in (("train", None), ("train", 128), ("infer", 128)):
        compare.write(folder, {**facts, "mode": mode}, {"net, batch 8": result}, size)
    stems = {name.split(".")[0] for name in os.listdir(folder)}
    assert stems == {"2026-01-01", "2026-01-01-size128", "2026-01-01-infer-size128"}, stems
    # The compiler is told of the size.
    path = os.path.join(folder, "incept")
    with open(path, "w", encoding="utf-8") as script:
        script.write('#!/bin/sh\necho "$@" > "$0.words"\nwhile [ "$1" != -o ]; do shift; done\n'
                     'printf "#!/bin/sh\\necho {}\\n" > "$2"\nchmod +x "$2"\n')
    os.chmod(path, 0o755)
    options = types.SimpleNamespace(incept=path, mode="train", threads=2)
    assert compare.compile_program(options, "net", 8, 128, folder)[1] == {}
    with open(path + ".words", encoding="utf-8") as words:
        assert "--set=size=128" in words.read().split()

# A side that dies is an error that names it.
try:
    compare.Worker("torch.compile", [sys.executable, "-c", "raise SystemExit('no such model')"])
except SystemExit as error:
    assert error.code == 3
else:
    raise AssertionError("expected an error")
