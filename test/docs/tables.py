# SPDX-License-Identifier: Apache-2.0
"""How commands.py runs documents: what is smaller than they say, what has to be there before, and what is not run."""

# Of a document, what stands for something else, in this order: the reader has more data, more time, and other machines.
SMALLER = {
    "README.md": [("--batch-size=8", "--batch-size=2 --threads=2 --set size=75 --set width=0.25 --set classes=2"),
                  ("DIR", "photos"), ("--epochs=3", "--steps=3")],
    "docs/Cuda.md": [("inception_v4.incept", "inception_mini.incept"), ("--batch-size=64", "--batch-size=2"), ("DIR", "digits"),
                     ("--steps=30", "--steps=2")],
    "docs/Program.md": [("DIR", "digits"), ("--epochs=90", "--steps=4"),
                        ("--batch-size=1", "--batch-size=1 --threads=2 --set size=75 --set width=0.25")],
    "docs/Testing.md": [("inception_b3", "inception_b1")],
    "test/README.md": [("REGEX", "':: dialect/target'")],
}

# Of a document, commands that make what it begins with.
BEFORE = {
    "docs/Cuda.md": ["incept compile specs/inception_mini.incept --target=cuda:h100 --batch-size=2 --precision=f16 -o inception_mini"],
    "docs/Program.md": [
        "incept compile specs/inception_mini.incept --batch-size=4 --threads=2 -o net",
        "incept compile specs/inception_v4.incept --batch-size=1 --threads=2 --set size=75 --set width=0.25 -o inception_v4",
        "./inception_v4 init --seed=1 --output=w.safetensors",
    ],
    "docs/Testing.md": ["sed 's@import \"@&specs/@' specs/inception_mini.incept > net.incept"],
}

# Documents whose numbers are of trained networks, or of a machine.
ANY_NUMBER = {"docs/Program.md"}

# (document, a block's first command): why it is not run.
NOT_RUN = {
    ("README.md", "scripts/demo.sh"): "it installs, builds and trains for minutes; and what runs this test is scripts/test.sh",
    ("README.md", "scripts/setup.sh"): "it installs and builds; test/tools/install.test installs and packages what was built",
    ("bench/README.md", "ninja -C build/release incept-bench-input"): "it builds what no test needs",
    ("bench/README.md", "bench/setup.sh"): "it loads PyTorch from PyPI; test/tools/bench-compare.test has compare.py's parts",
}
