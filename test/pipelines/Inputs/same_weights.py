# SPDX-License-Identifier: Apache-2.0
"""Compares the tensors of two weights files bit by bit: usage same_weights.py A B."""
import os
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "parity"))
import safetensors  # noqa: E402

first, second = (safetensors.load(path) for path in sys.argv[1:])
assert first.keys() == second.keys(), first.keys() ^ second.keys()
differing = [name for name in first if not np.array_equal(first[name], second[name])]
assert not differing, differing
