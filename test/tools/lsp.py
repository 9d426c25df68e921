# SPDX-License-Identifier: Apache-2.0
"""An editor in a script: opens a description, types, asks, and compares what `incept lsp` answers.

usage: lsp.py INCEPT GRAMMAR DIRECTORY"""
import json
import os
import pathlib
import re
import subprocess
import sys

incept, grammar, directory = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]).resolve()
directory.mkdir(parents=True, exist_ok=True)

BLOCKS = """// Two convolutions.
block pair(filters: int) {
  conv 3x3, filters -> conv 3x3, filters
}
"""
NETWORK = """import "blocks.incept"

// caf\u00e9 \U0001d11e
network n(classes = 10, width = 8) {
  input 3 x 32 x 32
  let wide = 2 * width
  stem: conv 3x3, width, stride = 2
  2 * pair(filters = wide)
  /*caf\u00e9*/
}
""".replace("  /*caf\u00e9*/\n", "  global_avg_pool -> classifier: linear classes\n")
(directory / "blocks.incept").write_text(BLOCKS)
(directory / "net.incept").write_text(NETWORK)
net, blocks = (directory / "net.incept").as_uri(), (directory / "blocks.incept").as_uri()

server = subprocess.Popen([incept, "lsp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
published, number, failures = {}, 0, []


def send(message):
    text = json.dumps({"jsonrpc": "2.0", **message}).encode()
    server.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(text), text))
    server.stdin.flush()


def receive():
    length = 0
    while (line := server.stdout.readline().strip()):
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    if not length:
        sys.exit("the server ended")
    message = json.loads(server.stdout.read(length))
    if message.get("method") == "textDocument/publishDiagnostics":
        published[message["params"]["uri"]] = message["params"]["diagnostics"]
    return message


def ask(method, **params):
    global number
    number += 1
    send({"id": number, "method": method, "params": params})
    while (message := receive()).get("id") != number:
        pass
    return message.get("result"), message.get("error")


def tell(method, **params):
    send({"method": method, "params": params})


def expect(what, actual, wanted):
    if actual != wanted:
        failures.append(f"{what}: expected {wanted!r}, but got {actual!r}")


def place(text, word, inside=0):
    """Where `word` stands in `text`, as editors count."""
    before = text[:text.index(word)]
    column = before.split("\n")[-1]
    return {"line": before.count("\n"), "character": len(column.encode("utf-16-le")) // 2 + inside}


def at(uri, text, word, inside=0):
    return {"textDocument": {"uri": uri}, "position": place(text, word, inside)}


capabilities = ask("initialize", capabilities={})[0]["capabilities"]
for feature in ("hover", "definition", "references", "completion", "rename", "documentSymbol", "documentFormatting"):
    expect(feature, feature + "Provider" in capabilities, True)
tell("initialized")
tell("textDocument/didOpen", textDocument={"uri": net, "languageId": "incept", "version": 1, "text": NETWORK})

# Nothing is wrong; an op says what it computes, a name what it is.
hover = ask("textDocument/hover", **at(net, NETWORK, "conv 3x3, width"))[0]["contents"]["value"]
expect("hover of an op", "`stem`: conv2d + batch_norm + relu, 3x32x32 -> 8x16x16, 232 parameters, 55296 multiply-accumulates, 8192 bytes"
       in hover, True)
expect("no mistakes", published[net], [])
hover = ask("textDocument/hover", **at(net, NETWORK, "pair"))[0]["contents"]["value"]
expect("hover of a block", "block pair(filters: int)" in hover and "Two convolutions." in hover, True)
location = ask("textDocument/definition", **at(net, NETWORK, "pair", 2))[0]
expect("definition", [(l["uri"], l["range"]["start"]) for l in location], [(blocks, place(BLOCKS, "pair"))])
location = ask("textDocument/definition", **at(net, NETWORK, "wide)"))[0]
expect("definition of a value", [l["range"]["start"] for l in location], [place(NETWORK, "wide =")])
uses = ask("textDocument/references", **at(net, NETWORK, "width = 8"), context={"includeDeclaration": True})[0]
expect("uses", [u["range"]["start"]["line"] for u in uses], [3, 5, 6])
expect("nothing there", ask("textDocument/definition", **at(net, NETWORK, "input"))[0], [])


def labels(word, inside, detail=None):
    items = ask("textDocument/completion", **at(net, NETWORK, word, inside))[0]["items"]
    return {item["label"] for item in items if detail in (None, item["detail"])}


names = labels("global_avg_pool", 3)
expect("ops and blocks at the begin of a statement", {"conv", "max_pool", "pair"} <= names and "stride" not in names, True)
names = labels("stride = 2", 1)
expect("options and numbers behind an op", {"stride", "width", "wide", "classes", "channels"} <= names, True)
expect("no ops there", "max_pool" in names, False)
expect("parameters of a block", "filters" in labels("filters = wide", 1), True)
# The grammar of editors colours every op.
rules = json.loads(pathlib.Path(grammar).read_text())["patterns"]
ops = next(rule["match"] for rule in rules if rule.get("name") == "support.function.incept")
expect("ops without a colour", [name for name in labels("global_avg_pool", 3, "op") if not re.fullmatch(ops, name)], [])
outline = ask("textDocument/documentSymbol", textDocument={"uri": net})[0]
expect("outline", [(s["name"], s["detail"]) for s in outline], [("n", "network n(classes, width)")])

# Another name, in every file that has the old one.
edit, error = ask("textDocument/rename", **at(net, NETWORK, "filters = wide"), newName="outputs")
expect("rename", {uri: sorted((e["range"]["start"]["line"], e["newText"]) for e in edits) for uri, edits in edit["changes"].items()},
       {net: [(7, "outputs")], blocks: [(1, "outputs"), (2, "outputs"), (2, "outputs")]})
# Of two arguments only that of the parameter.
PARAMETERS = "block two(a: int, b: int) {\n  conv 3x3, a -> conv 3x3, b\n}\nnetwork m {\n  input 3 x 8 x 8\n  two(a = 4, b = 5) -> global_avg_pool -> linear 2\n}\n"
(directory / "two.incept").write_text(PARAMETERS)
two = (directory / "two.incept").as_uri()
tell("textDocument/didOpen", textDocument={"uri": two, "languageId": "incept", "version": 1, "text": PARAMETERS})
edit, error = ask("textDocument/rename", **at(two, PARAMETERS, "a = 4"), newName="outputs")
starts = [edit["range"]["start"] for edit in edit["changes"][two]]
expect("rename of one of two", sorted((start["line"], start["character"]) for start in starts), [(0, 10), (1, 12), (5, 6)])
for name, why in (("conv", "cannot be a name"), ("1x", "cannot be a name"), ("pair", None)):
    error = ask("textDocument/rename", **at(net, NETWORK, "pair"), newName=name)[1]
    expect("refused " + name, error and (why or "already defined") in error["message"], True)

# Typing: mistakes come and go, in the file where they are; notes lead to what they are about.
wrong = NETWORK.replace("stride = 2", "strid = 2").replace("linear classes", "linear clases")
tell("textDocument/didChange", textDocument={"uri": net, "version": 2}, contentChanges=[{"text": wrong}])
expect("format of mistakes", ask("textDocument/formatting", textDocument={"uri": net}, options={})[0], [])
expect("mistakes", sorted((d["range"]["start"]["line"], d["severity"], d["message"].split(";")[0]) for d in published[net]),
       [(6, 1, "unknown option 'strid' of op 'conv'"), (8, 1, "unknown name 'clases'")])
loose = NETWORK.replace("width, stride", "width,   stride")
tell("textDocument/didChange", textDocument={"uri": net, "version": 3}, contentChanges=[{"text": loose}])
edits = ask("textDocument/formatting", textDocument={"uri": net}, options={})[0]
expect("format", [e["newText"] for e in edits], [NETWORK])
expect("mended", published[net], [])

# What is typed into another file counts before it is saved.
broken = BLOCKS.replace("conv 3x3, filters\n", "conv 3x3, filters, stride = many\n")
tell("textDocument/didOpen", textDocument={"uri": blocks, "languageId": "incept", "version": 1, "text": broken})
ask("textDocument/documentSymbol", textDocument={"uri": blocks})
expect("mistake in an open import", [d["message"].split(";")[0] for d in published[blocks]], ["unknown name 'many'"])
tell("textDocument/didClose", textDocument={"uri": blocks})
ask("shutdown")
tell("exit")
server.stdin.close()
expect("exit status", server.wait(timeout=20), 0)
print("\n".join(failures) or "all as expected")
sys.exit(1 if failures else 0)
