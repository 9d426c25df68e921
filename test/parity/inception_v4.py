# SPDX-License-Identifier: Apache-2.0
"""Inception-v4 in PyTorch, written from the paper's Figures 3-9 and Table 1 (Szegedy et al., 2016), not from our specs.

Parameters carry the names of the paper's blocks, so that they can be compared one by one.
"""
import torch
from torch import nn


class Unit(nn.Module):
    """Convolution without bias, batch norm, ReLU."""

    def __init__(self, cin, cout, kernel, stride=1, valid=False, epsilon=1e-3, momentum=0.1):
        super().__init__()
        kh, kw = (kernel, kernel) if isinstance(kernel, int) else kernel
        padding = 0 if valid else (kh // 2, kw // 2)
        self.conv = nn.Conv2d(cin, cout, (kh, kw), stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(cout, eps=epsilon, momentum=momentum)

    def forward(self, x):
        return torch.relu(self.bn(self.conv(x)))


def chain(cin, *layers):
    """A sequence of units from (filters, kernel[, options])."""
    units = []
    for filters, kernel, *options in layers:
        units.append(Unit(cin, filters, kernel, **(options[0] if options else {})))
        cin = filters
    return nn.Sequential(*units)


REDUCE = dict(stride=2, valid=True)
VALID = dict(valid=True)


def avg_pool():
    return nn.AvgPool2d(3, 1, 1, count_include_pad=False)


class Concat(nn.Module):
    """Branches side by side; each gets the same input."""

    def __init__(self, *branches):
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x):
        return torch.cat([branch(x) for branch in self.branches], 1)


class Split(nn.Module):
    """A stem of units, then two units side by side (Inception-C)."""

    def __init__(self, stem, left, right):
        super().__init__()
        self.stem, self.left, self.right = stem, left, right

    def forward(self, x):
        y = self.stem(x)
        return torch.cat([self.left(y), self.right(y)], 1)


def stem():  # Figure 3, with stride 2 in the last convolution
    return nn.Sequential(
        chain(3, (32, 3, REDUCE), (32, 3, VALID), (64, 3)),
        Concat(nn.MaxPool2d(3, 2), chain(64, (96, 3, REDUCE))),
        Concat(chain(160, (64, 1), (96, 3, VALID)),
               chain(160, (64, 1), (64, (7, 1)), (64, (1, 7)), (96, 3, VALID))),
        Concat(chain(192, (192, 3, REDUCE)), nn.MaxPool2d(3, 2)))


def inception_a():  # Figure 4
    return Concat(nn.Sequential(avg_pool(), Unit(384, 96, 1)), chain(384, (96, 1)), chain(384, (64, 1), (96, 3)),
                  chain(384, (64, 1), (96, 3), (96, 3)))


def reduction_a(k, l, m, n):  # Figure 7
    return Concat(nn.MaxPool2d(3, 2), chain(384, (n, 3, REDUCE)), chain(384, (k, 1), (l, 3), (m, 3, REDUCE)))


def inception_b():  # Figure 5, the middle branch's second filter being 7x1
    return Concat(nn.Sequential(avg_pool(), Unit(1024, 128, 1)), chain(1024, (384, 1)),
                  chain(1024, (192, 1), (224, (1, 7)), (256, (7, 1))),
                  chain(1024, (192, 1), (192, (1, 7)), (224, (7, 1)), (224, (1, 7)), (256, (7, 1))))


def reduction_b():  # Figure 8
    return Concat(nn.MaxPool2d(3, 2), chain(1024, (192, 1), (192, 3, REDUCE)),
                  chain(1024, (256, 1), (256, (1, 7)), (320, (7, 1)), (320, 3, REDUCE)))


def inception_c():  # Figure 6
    return Concat(nn.Sequential(avg_pool(), Unit(1536, 256, 1)), chain(1536, (256, 1)),
                  Split(chain(1536, (384, 1)), Unit(384, 256, (1, 3)), Unit(384, 256, (3, 1))),
                  Split(chain(1536, (384, 1), (448, (1, 3)), (512, (3, 1))), Unit(512, 256, (3, 1)),
                        Unit(512, 256, (1, 3))))


class InceptionV4(nn.Module):
    def __init__(self, classes=1000):
        super().__init__()
        self.features = nn.Sequential(
            stem(), *[inception_a() for _ in range(4)], reduction_a(192, 224, 256, 384),
            *[inception_b() for _ in range(7)], reduction_b(), *[inception_c() for _ in range(3)])
        self.classifier = nn.Linear(1536, classes)

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3)))


def self_check():
    """The published count; running it guards the module itself."""
    count = sum(parameter.numel() for parameter in InceptionV4().parameters())
    assert count == 42_679_816, count


if __name__ == "__main__":
    self_check()
    print("ok")
