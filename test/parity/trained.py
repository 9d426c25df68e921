# SPDX-License-Identifier: Apache-2.0
"""Gradients of a network that has been trained, with direct and with fast convolutions, beside f64: at initialisation values are
harmless, since batch norms have just made them so.

Usage: trained.py MODEL DIRECTORY [options]. MODEL is a name of compare.py's. Its description is compiled twice, the program
with fast convolutions is trained on pictures of Fashion-MNIST, and then both take steps from the weights that this gave, on
pictures that it has not seen; distances.py says how far from PyTorch's gradients in f64 they may be.
"""
import argparse
import gzip
import json
import os
import re
import subprocess

import numpy as np
import torch
from PIL import Image

import safetensors
from compare import MODELS, PARAMETERS, loss_of, pair
from distances import Distances
from specialize import specialize

FASHION = "/usr/share/datasets/fashion-mnist"
CLASSES, BATCHES = 10, 6
# The last losses are below so much of the first: else nothing was learned.
LEARNED = 0.8


def fashion(part, count):
    """The first pictures (count,28,28) of a part of the data, and their classes."""
    with gzip.open(f"{FASHION}/{part}-images-idx3-ubyte.gz") as file:
        pictures = np.frombuffer(file.read(16 + count * 784), np.uint8, offset=16).reshape(count, 28, 28)
    with gzip.open(f"{FASHION}/{part}-labels-idx1-ubyte.gz") as file:
        return pictures, np.frombuffer(file.read(8 + count), np.uint8, offset=8).astype(np.int64)


class Trained:
    def __init__(self, options):
        self.options = options
        description = specialize(os.path.join(options.specs, options.spec + ".incept"), "sgd")
        description["training"]["optimizer"] = {"kind": "adam"}  # which gets somewhere in a few steps
        with open(self.path("spec.json"), "w", encoding="utf-8") as file:
            json.dump(description, file)
        self.direct, _ = self.compile("direct")
        self.fast, self.explained = self.compile("fast")

    def path(self, name):
        return os.path.join(self.options.directory, name)

    def compile(self, convolutions):
        """A program, and what --explain says of its convolutions."""
        program = self.path(convolutions)
        settings = [f"size={self.options.size}", f"classes={CLASSES}", *self.options.set]
        done = subprocess.run(["incept", "compile", self.path("spec.json"), f"--batch-size={self.options.batch}",
                               f"--threads={self.options.threads}", "--keep-gradients", "--explain",
                               f"--convolutions={convolutions}", "-o", program,
                               *(f"--cpu={cpu}" for cpu in self.options.cpu), *(f"--set={word}" for word in settings)],
                              check=True, stderr=subprocess.PIPE, text=True)
        return program, done.stderr

    def train(self):
        """Writes weights; returns the losses on the way there."""
        pictures, labels = fashion("train", 100 * self.options.pictures)
        for label in range(CLASSES):
            os.makedirs(self.path(f"pictures/{label}"))
            for number, picture in enumerate(pictures[labels == label][:self.options.pictures]):
                Image.fromarray(picture).save(self.path(f"pictures/{label}/{number}.png"))
        subprocess.run([self.fast, "train", "--data=folder:" + self.path("pictures"), f"--steps={self.options.steps}", "--seed=1",
                        "--augment=none", f"--set=learning_rate={self.options.rate}",
                        "--save=" + self.path("weights"), "--log=" + self.path("log.jsonl")],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with open(self.path("log.jsonl"), encoding="utf-8") as file:
            rows = [json.loads(line) for line in file]
        return [row["loss"] for row in rows if "step" in row and "loss" in row]

    def step(self, program):
        subprocess.run([program, "step", "--weights=" + self.path("weights"), "--batch=" + self.path("batch"),
                        "--output=" + self.path("step")], check=True)
        return safetensors.load(self.path("step"))

    def exact(self, weights, images, labels):
        """PyTorch's gradients in f64, by our names."""
        model = MODELS[self.options.model](classes=CLASSES).double().train()
        pairs = pair(weights, model)
        for name, (module, attribute) in pairs:
            with torch.no_grad():
                getattr(module, attribute).copy_(torch.from_numpy(np.array(weights[name])))
        loss_of(model, images.double(), labels, aux_weight=0)[0].backward()
        return {"grad/" + name: getattr(module, attribute).grad.numpy() for name, (module, attribute) in pairs
                if attribute in PARAMETERS}

    def compare(self):
        weights, distances, batch = safetensors.load(self.path("weights")), Distances(), self.options.batch
        pictures, labels = (torch.from_numpy(np.array(tensor)) for tensor in fashion("t10k", BATCHES * batch))
        for first in range(0, BATCHES * batch, batch):
            images = pictures[first:first + batch, None].expand(-1, 3, -1, -1) / 127.5 - 1
            images = torch.nn.functional.interpolate(images, size=(self.options.size,) * 2, mode="bilinear").contiguous()
            safetensors.save(self.path("batch"), {"images": images.numpy(), "labels": labels[first:first + batch].numpy()})
            distances.add(self.exact(weights, images, labels[first:first + batch]), self.step(self.direct),
                          self.step(self.fast))
        distances.check()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model", choices=MODELS)
    parser.add_argument("directory")
    parser.add_argument("--specs", required=True, help="folder of descriptions")
    parser.add_argument("--spec", help="the description's name (default: the model's)")
    parser.add_argument("--size", type=int, default=107)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--pictures", type=int, default=3, help="of each class; few are learned in few steps")
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--rate", type=float, default=0.001)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--cpu", action="append", default=[], help="the compiler's")
    parser.add_argument("--set", action="append", default=[], help="the compiler's")
    options = parser.parse_args()
    options.spec = options.spec or options.model
    trained = Trained(options)
    tiles = len(re.findall(r"(?:convolve|correlate)_tiles", trained.explained))
    losses = trained.train()
    quarter = len(losses) // 4
    before, after = np.mean(losses[:quarter]), np.mean(losses[-quarter:])
    print(f"{options.model}: {tiles} ops by tiles; {len(losses)} steps, loss {before:.2f}, then {after:.2f}")
    assert tiles > 0 and after < LEARNED * before, (tiles, before, after)
    trained.compare()


if __name__ == "__main__":
    main()
