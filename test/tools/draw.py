# SPDX-License-Identifier: Apache-2.0
"""Checks the pictures of `incept draw` against what `incept summary` says of the same network.

usage: draw.py INCEPT SPEC DIRECTORY
"""
import collections
import html.parser
import json
import pathlib
import re
import subprocess
import sys
import xml.etree.ElementTree

incept, spec, directory = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
directory.mkdir(parents=True, exist_ok=True)
SVG = "{http://www.w3.org/2000/svg}"
OPTIONS = [spec, "--batch-size=4"]


def run(*command):
    return subprocess.run([incept, *map(str, command)], check=True, capture_output=True, text=True).stdout


def check(condition, text):
    if not condition:
        sys.exit(f"{pathlib.Path(spec).name}: {text}")


def read_dot(path):
    """Nodes with their labels, and edges with theirs."""
    text = path.read_text()
    string = r'"((?:[^"\\]|\\.)*)"'
    edges = re.findall(rf"^ *{string} -> {string} \[label={string}\]", text, re.M)
    nodes = dict(re.findall(rf"^ *{string} \[label={string}", text, re.M))
    return nodes, edges, text


def check_network(*options):
    path = directory / "network.dot"
    run("draw", *OPTIONS, "-o", path, *options)
    nodes, edges, text = read_dot(path)
    check(text.count("{") == text.count("}"), "braces do not match")
    after, before = collections.defaultdict(set), collections.defaultdict(set)
    for source, target, label in edges:
        check(source in nodes and target in nodes, f"an edge of no node: {source} -> {target}")
        check(re.fullmatch(r" \d+(x\d+x\d+)?", label), f"an edge without a shape: '{label}'")
        after[source].add(target)
        before[target].add(source)

    def reach(start, following):
        seen, todo = set(start), list(start)
        while todo:
            for other in following[todo.pop()] - seen:
                seen.add(other)
                todo.append(other)
        return seen

    outputs = [name for name in nodes if name.startswith("<output")]
    check(reach(["<input>"], after) == set(nodes), "not every op is behind the images")
    check(reach(outputs, before) == set(nodes), "not every op leads to scores")
    return nodes, edges


summary = json.loads(run("summary", *OPTIONS, "--json", "--memory"))
nodes, edges = check_network("--all")
# Convolutions, linear layers and pools are boxes of their own; each is one of the summary's layers.
for op, label in {"conv2d": r"conv \d", "linear": r"linear$", "max_pool": r"max pool", "concat": r"concat$"}.items():
    layers = sum(layer["op"] == op for layer in summary["layers"])
    drawn = sum(re.match(label, text) is not None for text in nodes.values())
    check(drawn == layers, f"{layers} of {op}, but {drawn} in the picture")
concats = [layer for layer in summary["layers"] if layer["op"] == "concat"]
into = sum(re.match("concat", nodes[target]) is not None for _, target, _ in edges)
check(into >= 2 * len(concats) or not concats, "concats of one branch")
folded, _ = check_network()
closed, _ = check_network("--depth=0")
check(len(closed) < len(folded) <= len(nodes), f"{len(closed)} closed, {len(folded)} folded, {len(nodes)} open")


def rectangles(path):
    """The rectangles with data of each group of an SVG picture, or of one in a page."""
    text = path.read_text()
    text = text[text.index("<svg"):text.index("</svg>") + 6]
    for group in xml.etree.ElementTree.fromstring(text).iter(SVG + "g"):
        found = []
        for rect in group.iter(SVG + "rect"):
            data = {key[5:]: int(value) for key, value in rect.attrib.items() if key.startswith("data-")}
            if data:
                check(rect.find(SVG + "title") is not None, "a rectangle that does not say what it is")
                found.append(data)
        yield group.attrib["id"], found


peaks = {peak["function"]: peak for peak in summary["peaks"]}
run("draw", *OPTIONS, "--memory", "-o", directory / "memory.html")
functions = 0
for function, rects in rectangles(directory / "memory.html"):
    peak = peaks.get(function)
    check(peak, f"no peak of {function}")
    functions += 1
    top = max(rect["offset"] + rect["bytes"] for rect in rects)
    check(top == peak["arena_bytes"], f"{function} ends at {top}, but has {peak['arena_bytes']} bytes")
    alive = sum(rect["bytes"] for rect in rects if rect["first"] <= peak["group"] <= rect["last"])
    check(alive == sum(entry["bytes"] for entry in peak["alive"]), f"{function}: {alive} bytes at the peak")
    for index, a in enumerate(rects):
        for b in rects[:index]:
            together = a["first"] <= b["last"] and b["first"] <= a["last"]
            overlap = a["offset"] < b["offset"] + b["bytes"] and b["offset"] < a["offset"] + a["bytes"]
            check(not (together and overlap), f"{function}: {a} and {b} lie on each other")
check(functions == len(peaks), f"{functions} functions, but {len(peaks)} have peaks")



class Opened(html.parser.HTMLParser):
    """The tree of blocks and launches of a page: [tag, attributes, children]."""

    def __init__(self):
        super().__init__()
        self.open, self.roots, self.addresses = [], [], []

    def handle_starttag(self, tag, attributes):
        data = dict(attributes)
        self.addresses += [value for key, value in attributes if key in ("src", "href")] + [tag] * (tag in ("link", "script"))
        if tag == "details" or data.get("class") == "launch":
            node = (tag, data, [])
            (self.open[-1][2] if self.open else self.roots).append(node)
            self.open.append(node)

    def handle_endtag(self, tag):
        if tag in ("details", "div"):
            self.open.pop()


def check_list(path, entries):
    """Blocks open into blocks and launches, whose bytes add up; launches that do several ops have another colour."""
    page = Opened()
    page.feed(path.read_text())
    check(not page.addresses, f"the page needs {page.addresses}")
    check(not page.open, "blocks that do not end")
    check(len(page.roots) == len(entries), f"{len(page.roots)} entry points in the list")

    def leaves(node):
        tag, data, children = node
        if tag != "details":
            return [data]
        found = [leaf for child in children for leaf in leaves(child)]
        check(int(data["data-bytes"]) == sum(int(leaf["data-bytes"]) for leaf in found), "bytes of a block do not add up")
        return found

    for root, entry in zip(page.roots, entries):
        found = leaves(root)
        expected = sorted((launch["bytes"], len(launch["ops"]), launch["kind"]) for launch in entry["list"])
        check(sorted((int(leaf["data-bytes"]), int(leaf["data-ops"]), leaf["data-kind"]) for leaf in found) == expected,
              f"{entry['entry']}: other launches in the list")
        for leaf in found:
            grey = "#eeeeee" in leaf["style"]
            check(grey == (leaf["data-ops"] == "1"), f"a launch of {leaf['data-ops']} ops with {leaf['style']}")
            check(all(op in leaf["title"] for op in ("operations", "bytes")), "a launch that does not say what it costs")


for name in ("launches.svg", "launches.html"):
    run("draw", *OPTIONS, "--launches", "-o", directory / name)
    launches = dict(rectangles(directory / name))
    check(set(launches) == {entry["entry"] for entry in summary["launches"]}, f"entries {set(launches)}")
    for entry in summary["launches"]:
        rects = launches[entry["entry"]]
        check(len(rects) == entry["count"], f"{entry['entry']}: {len(rects)} launches, but {entry['count']}")
        for key in ("flops", "bytes"):
            check(sum(rect[key] for rect in rects) == entry[key], f"{entry['entry']}: {key} do not add up")
check_list(directory / "launches.html", summary["launches"])
print(f"{pathlib.Path(spec).name}: {len(nodes)} ops, {len(edges)} edges, {functions} functions")
