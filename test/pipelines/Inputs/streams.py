# SPDX-License-Identifier: Apache-2.0
"""Streams of random numbers in the IR of the training phase, on standard input: each dropout has one of its own, and its
gradient has the same. Usage: streams.py PATH..."""
import re
import sys

found = {}
for line in sys.stdin:
    if "incept.dropout" in line:
        path = re.search(r'incept\.path = "([^"]*)"', line).group(1)
        found.setdefault(path, []).append(int(re.search(r"stream = (-?\d+)", line).group(1)))
assert sorted(found) == sorted(sys.argv[1:]), found
for path, streams in found.items():
    assert len(streams) == 2 and streams[0] == streams[1], (path, streams)
assert len({streams[0] for streams in found.values()}) == len(found), found
# XXH3 of the path's bytes: with another one the same network would train to other bits.
assert found["dropout1"][0] == -3156127693461163998, found
