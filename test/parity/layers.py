# SPDX-License-Identifier: Apache-2.0
"""What the networks of this folder are made of in PyTorch. A convolution is followed by batch norm and ReLU
and padded so that it keeps the grid, unless VALID."""
import torch
from torch import nn


class Unit(nn.Module):
    """Convolution without bias, batch norm, ReLU. A kernel is a number or (height, width)."""

    def __init__(self, cin, cout, kernel, stride=1, padding=None):
        super().__init__()
        kh, kw = (kernel, kernel) if isinstance(kernel, int) else kernel
        padding = (kh // 2, kw // 2) if padding is None else padding
        self.conv = nn.Conv2d(cin, cout, (kh, kw), stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(cout, eps=1e-3, momentum=0.1)

    def forward(self, x):
        return torch.relu(self.bn(self.conv(x)))


VALID = dict(padding=0)
REDUCE = dict(stride=2, padding=0)


def chain(cin, *layers):
    """A sequence of units from (filters, kernel[, options])."""
    units = []
    for filters, kernel, *options in layers:
        units.append(Unit(cin, filters, kernel, **(options[0] if options else {})))
        cin = filters
    return nn.Sequential(*units)


def avg_pool(include_pad=False):
    return nn.AvgPool2d(3, 1, 1, count_include_pad=include_pad)


class Concat(nn.Module):
    """Branches side by side; each gets the same input."""

    def __init__(self, *branches):
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x):
        return torch.cat([branch(x) for branch in self.branches], 1)


class Split(nn.Module):
    """A stem of units, then two units side by side."""

    def __init__(self, stem, left, right):
        super().__init__()
        self.stem, self.left, self.right = stem, left, right

    def forward(self, x):
        y = self.stem(x)
        return torch.cat([self.left(y), self.right(y)], 1)


class Classifier(nn.Module):
    """Features, the mean of each channel, a linear layer. Dropout is left out: its random numbers could not agree."""

    def __init__(self, features, width, classes):
        super().__init__()
        self.features = features
        self.classifier = nn.Linear(width, classes)

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3)))


def check_count(model, expected):
    """Compares the number of trainable scalars with the published one."""
    count = sum(parameter.numel() for parameter in model.parameters())
    assert count == expected, f"{type(model).__name__}: expected {expected} parameters, but got {count}"
