# SPDX-License-Identifier: Apache-2.0
"""Inception-ResNet-v1 and -v2 in PyTorch, written from Figures 3, 7 and 10-20 of the paper (Szegedy et al., 2016), not
from our specs, and v2's released form (TensorFlow's slim, timm), which is another network.

Figures 17 and 19 draw sums of unequal widths (1152 + 1154, 2144 + 2048). Four readings make them equal:
  1  the linear convolutions have the width of their shortcut: 1152 and 2144
  2  Reduction-B is version 1's (Figure 12), whose output is 2048 wide
  3  1154 as drawn, two zero channels appended to the first shortcut; then 2146
  4  1154 and 2048 as drawn, a 1x1 convolution in the shortcut where widths differ
"""
import torch
import torch.nn.functional as F
from torch import nn

from inception_v4 import reduction_a, stem as stem_v4
from layers import REDUCE, VALID, Classifier, Concat, Unit, avg_pool, chain, check_count

WIDE, TALL = (1, 7), (7, 1)
SCALES = (0.17, 0.10, 0.20)  # of the A, B and C blocks; the paper gives a range, these are the released code's


class Pad(nn.Module):
    """Appends channels of zeros."""

    def __init__(self, channels):
        super().__init__()
        self.channels = channels

    def forward(self, x):
        return F.pad(x, (0, 0, 0, 0, 0, self.channels))


class Residual(nn.Module):
    """shortcut(x) + scale * linear(branches(x)), then ReLU; the linear convolution has a bias and no batch norm."""

    def __init__(self, branches, width, channels, scale, relu=True, shortcut=None):
        super().__init__()
        self.branches = branches
        self.linear = nn.Conv2d(width, channels, 1)
        self.shortcut = shortcut if shortcut is not None else nn.Identity()
        self.scale, self.relu = scale, relu

    def forward(self, x):
        y = self.shortcut(x) + self.scale * self.linear(self.branches(x))
        return torch.relu(y) if self.relu else y


def stem_v1():  # Figure 14; without its last unit and with a pool, v3's
    return nn.Sequential(chain(3, (32, 3, REDUCE), (32, 3, VALID), (64, 3)), nn.MaxPool2d(3, 2),
                         chain(64, (80, 1), (192, 3, VALID), (256, 3, REDUCE)))


def block_a_v1(scale):  # Figure 10
    return Residual(Concat(chain(256, (32, 1)), chain(256, (32, 1), (32, 3)), chain(256, (32, 1), (32, 3), (32, 3))),
                    96, 256, scale)


def block_b_v1(scale):  # Figure 11
    return Residual(Concat(chain(896, (128, 1)), chain(896, (128, 1), (128, WIDE), (128, TALL))), 256, 896, scale)


def reduction_b_v1(cin):  # Figure 12
    return Concat(nn.MaxPool2d(3, 2), chain(cin, (256, 1), (384, 3, REDUCE)), chain(cin, (256, 1), (256, 3, REDUCE)),
                  chain(cin, (256, 1), (256, 3), (256, 3, REDUCE)))


def block_c_v1(scale):  # Figure 13
    return Residual(Concat(chain(1792, (192, 1)), chain(1792, (192, 1), (192, (1, 3)), (192, (3, 1)))), 384, 1792,
                    scale)


def v1(classes=1000, scales=SCALES):
    a, b, c = scales
    return Classifier(nn.Sequential(
        stem_v1(), *[block_a_v1(a) for _ in range(5)], reduction_a(256, 192, 192, 256, 384),
        *[block_b_v1(b) for _ in range(10)], reduction_b_v1(896), *[block_c_v1(c) for _ in range(5)]), 1792, classes)


def block_a(cin, scale):  # Figure 16
    return Residual(Concat(chain(cin, (32, 1)), chain(cin, (32, 1), (32, 3)), chain(cin, (32, 1), (48, 3), (64, 3))),
                    128, cin, scale)


def block_b(cin, width, scale, shortcut=None):  # Figure 17
    return Residual(Concat(chain(cin, (192, 1)), chain(cin, (128, 1), (160, WIDE), (192, TALL))), 384, width, scale,
                    shortcut=shortcut)


def reduction_b(cin):  # Figure 18
    return Concat(nn.MaxPool2d(3, 2), chain(cin, (256, 1), (384, 3, REDUCE)), chain(cin, (256, 1), (288, 3, REDUCE)),
                  chain(cin, (256, 1), (288, 3), (320, 3, REDUCE)))


def block_c(cin, width, scale, shortcut=None, relu=True):  # Figure 19
    return Residual(Concat(chain(cin, (192, 1)), chain(cin, (192, 1), (224, (1, 3)), (256, (3, 1)))), 448, width, scale,
                    relu, shortcut)


def v2(classes=1000, reading=1, scales=SCALES):
    a, b, c = scales
    width_b = {1: 1152, 2: 1152, 3: 1154, 4: 1154}[reading]
    width_c = {1: 2144, 2: 2048, 3: 2146, 4: 2048}[reading]
    first_b = {3: Pad(2), 4: nn.Conv2d(1152, 1154, 1)}.get(reading)
    first_c = {4: nn.Conv2d(2146, 2048, 1)}.get(reading)
    width_reduced = 2146 if reading == 4 else width_c
    return Classifier(nn.Sequential(
        stem_v4(), *[block_a(384, a) for _ in range(5)], reduction_a(384, 256, 256, 384, 384),
        block_b(1152, width_b, b, first_b), *[block_b(width_b, width_b, b) for _ in range(9)],
        reduction_b_v1(1152) if reading == 2 else reduction_b(width_b),
        block_c(width_reduced, width_c, c, first_c), *[block_c(width_c, width_c, c) for _ in range(4)]),
                      width_c, classes)


def released(classes=1000):
    """10, 20 and 10 blocks, the last without ReLU and at full scale, on the stem of Inception-v3."""
    a, b, c = SCALES
    first = nn.Sequential(
        chain(3, (32, 3, REDUCE), (32, 3, VALID), (64, 3)), nn.MaxPool2d(3, 2), chain(64, (80, 1), (192, 3, VALID)),
        nn.MaxPool2d(3, 2),
        Concat(chain(192, (96, 1)), chain(192, (48, 1), (64, 5)), chain(192, (64, 1), (96, 3), (96, 3)),
               nn.Sequential(avg_pool(), Unit(192, 64, 1))))
    second = Concat(chain(320, (384, 3, REDUCE)), chain(320, (256, 1), (256, 3), (384, 3, REDUCE)), nn.MaxPool2d(3, 2))
    third = Concat(chain(1088, (256, 1), (384, 3, REDUCE)), chain(1088, (256, 1), (288, 3, REDUCE)),
                   chain(1088, (256, 1), (288, 3), (320, 3, REDUCE)), nn.MaxPool2d(3, 2))
    return Classifier(nn.Sequential(
        first, *[block_a(320, a) for _ in range(10)], second, *[block_b(1088, 1088, b) for _ in range(20)], third,
        *[block_c(2080, 2080, c) for _ in range(9)], block_c(2080, 2080, 1.0, relu=False), Unit(2080, 1536, 1)),
                      1536, classes)


def self_check():
    check_count(v1(), 22_756_328)
    for reading, count in {1: 32_433_928, 2: 31_550_760, 3: 32_459_254, 4: 37_718_334}.items():
        check_count(v2(reading=reading), count)
    check_count(released(), 55_843_464)
