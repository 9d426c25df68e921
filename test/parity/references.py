# SPDX-License-Identifier: Apache-2.0
"""Networks that torchvision has not, written from their papers, with the modules' names of timm."""
from torch import nn


class DepthwiseSeparable(nn.Module):
    """Howard et al. 2017, Figure 3, right."""

    def __init__(self, cin, cout, stride):
        super().__init__()
        self.conv_dw = nn.Conv2d(cin, cin, 3, stride, 1, groups=cin, bias=False)
        self.bn1 = nn.BatchNorm2d(cin)
        self.conv_pw = nn.Conv2d(cin, cout, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(cout)
        self.relu = nn.ReLU6()

    def forward(self, x):
        return self.relu(self.bn2(self.conv_pw(self.relu(self.bn1(self.conv_dw(x))))))


class MobileNetV1(nn.Module):
    """Howard et al. 2017, Table 1: (filters, stride, how many); ReLU6 as in TensorFlow and timm, not the paper's ReLU."""

    STAGES = [(64, 1, 1), (128, 2, 2), (256, 2, 2), (512, 2, 6), (1024, 2, 2)]

    def __init__(self, classes):
        super().__init__()
        self.conv_stem = nn.Conv2d(3, 32, 3, 2, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(32)
        self.relu = nn.ReLU6()
        stages, cin = [], 32
        for filters, stride, count in self.STAGES:
            units = [DepthwiseSeparable(cin if i == 0 else filters, filters, stride if i == 0 else 1) for i in range(count)]
            stages.append(nn.Sequential(*units))
            cin = filters
        self.blocks = nn.Sequential(*stages)
        self.classifier = nn.Linear(1024, classes)

    def forward(self, x):
        x = self.blocks(self.relu(self.bn1(self.conv_stem(x))))
        return self.classifier(x.mean((2, 3)))


class Separable(nn.Module):
    """Nothing between the two convolutions (Chollet 2017, section 4.7)."""

    def __init__(self, cin, cout):
        super().__init__()
        self.conv1 = nn.Conv2d(cin, cin, 3, 1, 1, groups=cin, bias=False)
        self.pointwise = nn.Conv2d(cin, cout, 1, bias=False)

    def forward(self, x):
        return self.pointwise(self.conv1(x))


class Block(nn.Module):
    """Separable convolutions from one width to the next, each behind a ReLU; where the image is halved, a convolution halves
    the shortcut too."""

    def __init__(self, widths, stride, relu_first=True):
        super().__init__()
        if stride != 1:
            self.skip = nn.Conv2d(widths[0], widths[-1], 1, stride, bias=False)
            self.skipbn = nn.BatchNorm2d(widths[-1])
        layers = []
        for cin, cout in zip(widths, widths[1:]):
            layers += [nn.ReLU(), Separable(cin, cout), nn.BatchNorm2d(cout)]
        if not relu_first:
            layers = layers[1:]
        if stride != 1:
            layers.append(nn.MaxPool2d(3, stride, 1))
        self.rep = nn.Sequential(*layers)

    def forward(self, x):
        return self.rep(x) + (self.skipbn(self.skip(x)) if hasattr(self, "skip") else x)


class Xception(nn.Module):
    """Chollet 2017, Figure 5."""

    def __init__(self, classes):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 32, 3, 2, bias=False), nn.BatchNorm2d(32)
        self.conv2, self.bn2 = nn.Conv2d(32, 64, 3, bias=False), nn.BatchNorm2d(64)
        self.block1 = Block([64, 128, 128], 2, relu_first=False)
        self.block2 = Block([128, 256, 256], 2)
        self.block3 = Block([256, 728, 728], 2)
        for i in range(4, 12):
            setattr(self, f"block{i}", Block([728] * 4, 1))
        self.block12 = Block([728, 728, 1024], 2)
        self.conv3, self.bn3 = Separable(1024, 1536), nn.BatchNorm2d(1536)
        self.conv4, self.bn4 = Separable(1536, 2048), nn.BatchNorm2d(2048)
        self.relu = nn.ReLU()
        self.fc = nn.Linear(2048, classes)

    def forward(self, x):
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.relu(self.bn2(self.conv2(x)))
        for i in range(1, 13):
            x = getattr(self, f"block{i}")(x)
        x = self.relu(self.bn3(self.conv3(x)))
        x = self.relu(self.bn4(self.conv4(x)))
        return self.fc(x.mean((2, 3)))


def self_check():
    for network, published in ((MobileNetV1, 4231976), (Xception, 22855952)):
        count = sum(parameter.numel() for parameter in network(1000).parameters())
        assert count == published, (network.__name__, count)
