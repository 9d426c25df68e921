# SPDX-License-Identifier: Apache-2.0
"""Checks that a picture made by Graphviz has the ops, blocks and edges of a description in its language.

usage: picture.py PICTURE.svg NETWORK.dot
"""
import collections
import pathlib
import re
import sys
import xml.etree.ElementTree

svg = xml.etree.ElementTree.parse(sys.argv[1]).getroot()
text = pathlib.Path(sys.argv[2]).read_text()
NAMESPACE = "{http://www.w3.org/2000/svg}"
titles = collections.defaultdict(list)
for group in svg.iter(NAMESPACE + "g"):
    title = group.find(NAMESPACE + "title")
    if title is not None:
        titles[group.attrib.get("class")].append(title.text)
expected = {
    "node": re.findall(r'^ *"([^"]*)" \[label=', text, re.M),
    "edge": ["->".join(pair) for pair in re.findall(r'^ *"([^"]*)" -> "([^"]*)" ', text, re.M)],
    "cluster": re.findall(r'^ *subgraph "([^"]*)"', text, re.M),
}
for kind, names in expected.items():
    if not names or sorted(titles[kind]) != sorted(names):
        sys.exit(f"{sys.argv[1]}: other {kind}s: {set(titles[kind]) ^ set(names)}; draw it again: "
                 "incept draw specs/inception_v4.incept -o docs/inception_v4.svg")
