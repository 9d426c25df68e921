# SPDX-License-Identifier: Apache-2.0
"""Inception-v4 in PyTorch, written from the paper's Figures 3-9 and Table 1 (Szegedy et al., 2016), not from our specs,
and its released form (TensorFlow's slim, timm): other orders of branches, and in three places of 1x7 and 7x1."""
from torch import nn

from layers import REDUCE, VALID, Classifier, Concat, Split, Unit, avg_pool, chain, check_count

WIDE, TALL = (1, 7), (7, 1)


def pool_branch(cin, filters):
    return nn.Sequential(avg_pool(), Unit(cin, filters, 1))


def stem():  # Figure 3, with stride 2 in the last convolution
    return nn.Sequential(
        chain(3, (32, 3, REDUCE), (32, 3, VALID), (64, 3)),
        Concat(nn.MaxPool2d(3, 2), chain(64, (96, 3, REDUCE))),
        Concat(chain(160, (64, 1), (96, 3, VALID)), chain(160, (64, 1), (64, TALL), (64, WIDE), (96, 3, VALID))),
        Concat(chain(192, (192, 3, REDUCE)), nn.MaxPool2d(3, 2)))


def inception_a():  # Figure 4
    return Concat(pool_branch(384, 96), chain(384, (96, 1)), chain(384, (64, 1), (96, 3)),
                  chain(384, (64, 1), (96, 3), (96, 3)))


def reduction_a(cin, k, l, m, n):  # Figure 7
    return Concat(nn.MaxPool2d(3, 2), chain(cin, (n, 3, REDUCE)), chain(cin, (k, 1), (l, 3), (m, 3, REDUCE)))


def inception_b():  # Figure 5, the middle branch's second filter being 7x1
    return Concat(pool_branch(1024, 128), chain(1024, (384, 1)), chain(1024, (192, 1), (224, WIDE), (256, TALL)),
                  chain(1024, (192, 1), (192, WIDE), (224, TALL), (224, WIDE), (256, TALL)))


def reduction_b():  # Figure 8
    return Concat(nn.MaxPool2d(3, 2), chain(1024, (192, 1), (192, 3, REDUCE)),
                  chain(1024, (256, 1), (256, WIDE), (320, TALL), (320, 3, REDUCE)))


def inception_c():  # Figure 6
    return Concat(pool_branch(1536, 256), chain(1536, (256, 1)),
                  Split(chain(1536, (384, 1)), Unit(384, 256, (1, 3)), Unit(384, 256, (3, 1))),
                  Split(chain(1536, (384, 1), (448, (1, 3)), (512, (3, 1))), Unit(512, 256, (3, 1)),
                        Unit(512, 256, (1, 3))))


def paper(classes=1000):
    return Classifier(nn.Sequential(
        stem(), *[inception_a() for _ in range(4)], reduction_a(384, 192, 224, 256, 384),
        *[inception_b() for _ in range(7)], reduction_b(), *[inception_c() for _ in range(3)]), 1536, classes)


def released_stem():
    return nn.Sequential(
        chain(3, (32, 3, REDUCE), (32, 3, VALID), (64, 3)),
        Concat(nn.MaxPool2d(3, 2), chain(64, (96, 3, REDUCE))),
        Concat(chain(160, (64, 1), (96, 3, VALID)), chain(160, (64, 1), (64, WIDE), (64, TALL), (96, 3, VALID))),
        Concat(chain(192, (192, 3, REDUCE)), nn.MaxPool2d(3, 2)))


def released_a():
    return Concat(chain(384, (96, 1)), chain(384, (64, 1), (96, 3)), chain(384, (64, 1), (96, 3), (96, 3)),
                  pool_branch(384, 96))


def released_b():
    return Concat(chain(1024, (384, 1)), chain(1024, (192, 1), (224, WIDE), (256, TALL)),
                  chain(1024, (192, 1), (192, TALL), (224, WIDE), (224, TALL), (256, WIDE)), pool_branch(1024, 128))


def released_c():
    return Concat(chain(1536, (256, 1)), Split(chain(1536, (384, 1)), Unit(384, 256, (1, 3)), Unit(384, 256, (3, 1))),
                  Split(chain(1536, (384, 1), (448, (3, 1)), (512, (1, 3))), Unit(512, 256, (1, 3)),
                        Unit(512, 256, (3, 1))), pool_branch(1536, 256))


def released(classes=1000):
    first = Concat(chain(384, (384, 3, REDUCE)), chain(384, (192, 1), (224, 3), (256, 3, REDUCE)), nn.MaxPool2d(3, 2))
    second = Concat(chain(1024, (192, 1), (192, 3, REDUCE)),
                    chain(1024, (256, 1), (256, WIDE), (320, TALL), (320, 3, REDUCE)), nn.MaxPool2d(3, 2))
    return Classifier(nn.Sequential(
        released_stem(), *[released_a() for _ in range(4)], first, *[released_b() for _ in range(7)], second,
        *[released_c() for _ in range(3)]), 1536, classes)


def self_check():
    check_count(paper(), 42_679_816)
    check_count(released(), 42_679_816)
