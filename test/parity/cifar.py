# SPDX-License-Identifier: Apache-2.0
"""Inception-v4 and Inception-ResNet-v2 as they are trained on CIFAR (a widespread PyTorch form for 32x32 pixels), not
from our specs: no strides before the first reduction, batch norm with PyTorch's epsilon, average pools that count their
padding, and a batch norm and a 1x1 convolution as shortcut in every residual block."""
import torch
from torch import nn

from layers import REDUCE, VALID, Classifier, Concat, Split, Unit, avg_pool, chain, check_count

WIDE, TALL = (1, 7), (7, 1)
PADDED = dict(stride=2, padding=1)


def stem():
    return nn.Sequential(
        chain(3, (32, 3, VALID), (32, 3), (64, 3)),
        Concat(Unit(64, 96, 3), nn.MaxPool2d(3, 1, 1)),
        Concat(chain(160, (64, 1), (64, TALL), (64, WIDE), (96, 3)), chain(160, (64, 1), (96, 3))),
        Concat(nn.MaxPool2d(3, 1, 1), Unit(192, 192, 3)))


def pool_branch(cin, filters):
    return nn.Sequential(avg_pool(include_pad=True), Unit(cin, filters, 1))


def inception_a():
    return Concat(chain(384, (64, 1), (96, 3), (96, 3)), chain(384, (64, 1), (96, 3)), Unit(384, 96, 1),
                  pool_branch(384, 96))


def reduction_a(k, l, m, n):
    return Concat(chain(384, (k, 1), (l, 3), (m, 3, REDUCE)), Unit(384, n, 3, **REDUCE), nn.MaxPool2d(3, 2))


def inception_b():
    return Concat(Unit(1024, 384, 1), chain(1024, (192, 1), (224, WIDE), (256, TALL)),
                  chain(1024, (192, 1), (192, WIDE), (224, TALL), (224, WIDE), (256, TALL)), pool_branch(1024, 128))


def reduction_b():
    return Concat(chain(1024, (192, 1), (192, 3, PADDED)),
                  chain(1024, (256, 1), (256, WIDE), (320, TALL), (320, 3, PADDED)), nn.MaxPool2d(3, 2, 1))


def inception_c():
    return Concat(Unit(1536, 256, 1), Split(chain(1536, (384, 1)), Unit(384, 256, (3, 1)), Unit(384, 256, (1, 3))),
                  Split(chain(1536, (384, 1), (448, (1, 3)), (512, (3, 1))), Unit(512, 256, (1, 3)),
                        Unit(512, 256, (3, 1))), pool_branch(1536, 256))


class Residual(nn.Module):
    """ReLU(batch norm(shortcut(x) + scale * linear(branches(x)))), both 1x1 convolutions with a bias."""

    def __init__(self, branches, width, cin, channels, scale):
        super().__init__()
        self.branches = branches
        self.linear = nn.Conv2d(width, channels, 1)
        self.shortcut = nn.Conv2d(cin, channels, 1)
        self.bn = nn.BatchNorm2d(channels)
        self.scale = scale

    def forward(self, x):
        return torch.relu(self.bn(self.shortcut(x) + self.scale * self.linear(self.branches(x))))


def block_a():
    return Residual(Concat(Unit(384, 32, 1), chain(384, (32, 1), (32, 3)), chain(384, (32, 1), (48, 3), (64, 3))),
                    128, 384, 384, 1.0)


def block_b(cin):
    return Residual(Concat(Unit(cin, 192, 1), chain(cin, (128, 1), (160, WIDE), (192, TALL))), 384, cin, 1154, 0.1)


def residual_reduction_b():
    return Concat(chain(1154, (256, 1), (384, 3, REDUCE)), chain(1154, (256, 1), (288, 3, REDUCE)),
                  chain(1154, (256, 1), (288, 3), (320, 3, REDUCE)), nn.MaxPool2d(3, 2))


def block_c(cin):
    return Residual(Concat(Unit(cin, 192, 1), chain(cin, (192, 1), (224, (1, 3)), (256, (3, 1)))), 448, cin, 2048, 0.1)


def with_defaults(model):
    """PyTorch's own epsilon in every batch norm."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps = 1e-5
    return model


def inception_v4(classes=100):
    return with_defaults(Classifier(nn.Sequential(
        stem(), *[inception_a() for _ in range(4)], reduction_a(192, 224, 256, 384), *[inception_b() for _ in range(7)],
        reduction_b(), *[inception_c() for _ in range(3)]), 1536, classes))


def inception_resnet_v2(classes=100):
    return with_defaults(Classifier(nn.Sequential(
        stem(), *[block_a() for _ in range(5)], reduction_a(256, 256, 384, 384), block_b(1152),
        *[block_b(1154) for _ in range(9)], residual_reduction_b(), block_c(2146), *[block_c(2048) for _ in range(4)]),
                                    2048, classes))


def self_check():
    check_count(inception_v4(), 41_296_516)
    check_count(inception_resnet_v2(), 65_442_072)
