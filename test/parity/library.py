# SPDX-License-Identifier: Apache-2.0
"""Networks of torchvision: code that is not of this project at all."""
import types

import torchvision
from torch.nn import functional
from torchvision.models import inception

from layers import check_count


def avg_pool2d_without_padding(*arguments, **options):
    return functional.avg_pool2d(*arguments, count_include_pad=False, **options)


def inception_v3(classes=1000, aux=False, include_pad=False):
    """torchvision counts padding in the mean of average pools; the paper's code leaves it out."""
    avg_pool2d = functional.avg_pool2d if include_pad else avg_pool2d_without_padding
    inception.F = types.SimpleNamespace(**{**vars(functional), "avg_pool2d": avg_pool2d})
    return inception.Inception3(num_classes=classes, aux_logits=aux, init_weights=False, dropout=0.0)


def resnet50(classes=1000):
    return torchvision.models.resnet50(num_classes=classes)


def self_check():
    check_count(inception_v3(), 23_834_568)
    check_count(inception_v3(aux=True), 27_161_264)
    check_count(resnet50(), 25_557_032)
