# SPDX-License-Identifier: Apache-2.0
"""bench/compare.py without PyTorch: a stand-in for a side, the table, and what it says of where incept is behind."""
import sys

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
          "step_of_bound_ms": 100.0, "sides": {"incept": side(100.0, 2e9, 9.0), "eager": side(110.0, 3e9, 6.0),
                                               "compile": side(90.0, 3e9, 150.0)}}
lines = "\n".join(compare.table("net", result))
assert "| PyTorch eager | 110 | 72.73 | 3,000 | 6.0 | 1.100 |" in lines, lines
assert "alone: 80 ms; the steps around them took 1.250 times as long" in lines, lines
assert compare.losses({"net": result}) == ["- net: time to first step is 1.500 times that of PyTorch eager",
                                           "- net: step is 1.111 times that of torch.compile"]

# A side that dies is an error that names it.
try:
    compare.Worker("torch.compile", [sys.executable, "-c", "raise SystemExit('no such model')"])
except SystemExit as error:
    assert error.code == 3
else:
    raise AssertionError("expected an error")
