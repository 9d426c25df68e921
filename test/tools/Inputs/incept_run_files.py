# SPDX-License-Identifier: Apache-2.0
"""Writes tensors for incept-run, and looks at what it computes from them."""
import os
import subprocess
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../parity"))
import safetensors  # noqa: E402

tool, module, directory = sys.argv[1:]


def path(name):
    return os.path.join(directory, name + ".safetensors")


def run(*arguments, inputs):
    command = [tool, module, *arguments, "--inputs=" + ",".join(map(path, inputs)), "--output=" + path("out")]
    return subprocess.run(command, capture_output=True, text=True)


x, a = np.array([1, 2, 4], np.float32), np.array([0.5, 1 / 3, -1], np.float64)
rows, labels = np.array([[7, 8, 9]], np.float32), np.array([3, 2**53], np.int64)
safetensors.save(path("all"), {"x": x, "labels": labels, "a": a, "arg1": rows})
safetensors.save(path("variables"), {"x": x, "labels": labels})
safetensors.save(path("arguments"), {"arg0": a, "rows": rows})
safetensors.save(path("again"), {"x": x})
safetensors.save(path("wrong"), {"x": np.zeros(4, np.float32), "labels": np.zeros(2, np.float32),
                                 "a": np.zeros(3, np.int64), "y": x})

# Doubles stay doubles, integers integers; functions run in turn; an argument has two names.
for inputs in (["all"], ["variables", "arguments"]):
    result = run("--function=pair,after", inputs=inputs)
    assert result.returncode == 0, result.stderr
    out = safetensors.load(path("out"))
    expected = {"pair#0": a, "pair#1": rows.astype(np.float64), "x": x + a, "copy": labels, "labels": labels}
    assert out.keys() == expected.keys(), out.keys()
    for name, value in expected.items():
        assert out[name].dtype == value.dtype and np.array_equal(out[name], value), name

# What is written gives the same again when it is read.
safetensors.save(path("written"), {name: out[name] for name in ("x", "labels")})
result = run("--function=pair", inputs=["written", "arguments"])
assert result.returncode == 0, result.stderr
assert np.array_equal(safetensors.load(path("out"))["x"], x + a + a)

# @after alone reads what nothing has written, and the arguments of @pair belong to nothing then.
result = run("--function=after", inputs=["all"])
assert result.returncode == 1, result
assert "error: expected a tensor 'copy', which is read here, in the files of --inputs, but there is none" in result.stderr
assert "but tensor 'arg1' is neither" in result.stderr

safetensors.save(path("large"), {"x": x, "labels": labels * 2})
result = run("--function=pair", inputs=["large", "arguments"])
assert result.returncode == 1 and "expected integers of at most 2^53 in tensor 'labels'" in result.stderr, result.stderr
