# SPDX-License-Identifier: Apache-2.0
"""Makes a folder as docs/Testing.md describes it: its lit.cfg.py and the examples.

usage: own_lit.py ROOT BUILD FOLDER
"""
import pathlib
import re
import shutil
import sys

root, build, folder = map(pathlib.Path, sys.argv[1:])
folder.mkdir(parents=True)
page = (root / "docs/Testing.md").read_text()
text = re.search(r"^```python\n(.*?)^```", page, re.M | re.S)[1]
assert "/path/to/incept/build/release" in text
(folder / "lit.cfg.py").write_text(text.replace("/path/to/incept/build/release", str(build)))
for path in re.findall(r"^```incept (test/specs/\S+)$", page, re.M):
    shutil.copy(root / path, folder)
