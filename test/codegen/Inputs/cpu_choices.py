# SPDX-License-Identifier: Apache-2.0
"""Counts how library calls of the layout phase on stdin are computed, and the kernels by tiles: kind, implementation, format of
activations, and how often."""
import collections
import re
import sys

ir = sys.stdin.read()
plans = {}
for name, kind, config in re.findall(r"exec\.plan @(\w+) (\w+) .*?\{(.*?)\} : ", ir):
    text = dict(re.findall(r'(\w+) = "([^"]*)"', config))
    plans[name] = f"{kind} {text['impl']} {text.get('activations', '')}".strip()
found = collections.Counter(plans[name] for name in re.findall(r"library plan @(\w+)", ir))
found.update(re.findall(r"incept\.(convolve_tiles|correlate_tiles|transform_weights)", ir))
for what, count in sorted(found.items()):
    print(count, what)
