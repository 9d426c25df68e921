# SPDX-License-Identifier: Apache-2.0
"""Writes a description with COUNT ops of one kind in a row between two convolutions.

usage: long_chains.py residual|relu COUNT
"""
import json
import sys

kind, count = sys.argv[1], int(sys.argv[2])
op = {"residual": []} if kind == "residual" else "relu"
convolution = {"conv": 3, "filters": 16}
print(json.dumps({
    "network": "chain", "input": {"channels": 3, "height": 8, "width": 8},
    "layers": [convolution] + [op] * count + [convolution, "global_avg_pool", {"linear": 10}],
    "training": {"optimizer": {"kind": "sgd"}}}))
