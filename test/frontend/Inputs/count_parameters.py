# SPDX-License-Identifier: Apache-2.0
"""Compares the trainable scalars and the multiply-accumulates of networks with those of other libraries' instances.

usage: count_parameters.py INCEPT SPECS
"""
import re
import subprocess
import sys

incept, specs = sys.argv[1:]
# Parameters: torchvision 0.27, timm for MobileNet and Xception, for U-Net test/parity/segmentation.py. Multiply-accumulates at 224x224 (Xception 299x299,
# U-Net 256x256).
EXPECTED = {
    "alexnet": {"alexnet": (61100840, 714188480)},
    "convnext": {"convnext_t": (28589128, None)},
    "densenet": {"densenet121": (7978856, 2834161664)},
    "efficientnet": {"efficientnet_b0": (5288548, 385814752)},
    "googlenet": {"googlenet": (6624904, 1498376192)},
    "googlenet_aux": {"googlenet_aux": (13004888, 1506748416)},
    "mobilenet_v1": {"mobilenet_v1": (4231976, 568740352)},
    "mobilenet_v2": {"mobilenet_v2": (3504872, 300774272)},
    "mobilenet_v3": {"mobilenet_v3_large": (5483032, None)},
    "regnet": {"regnetx_400mf": (5495976, None), "regnety_400mf": (4344144, None)},
    "resnets": {"resnet18": (11689512, 1814073344), "resnet34": (21797672, None), "resnet101": (44549160, 7801405440),
                "resnext50": (25028904, 4230479872), "wide_resnet50": (68883240, None)},
    "shufflenet_v2": {"shufflenet_v2": (2278604, None)},
    "squeezenet": {"squeezenet": (1235496, 349151936)},
    "unet": {"unet": (31037698, 48171581440)},
    "vgg": {"vgg16_bn": (138365992, 15470264320), "vgg16": (138357544, 15470264320)},
    "xception": {"xception": (22855952, 8357403496)},
}
failures = 0
for file, networks in EXPECTED.items():
    for network, (parameters, macs) in networks.items():
        done = subprocess.run([incept, "compile", f"{specs}/{file}.incept", f"--network={network}", "--batch-size=1",
                               "--stop-after=graph"], capture_output=True, text=True)
        count = 0
        for shape in re.findall(r"incept\.variable @\S+ kind parameter .* : tensor<([0-9x]+)xf32>", done.stdout):
            size = 1
            for dimension in shape.split("x"):
                size *= int(dimension)
            count += size
        found = re.search(r"incept\.macs = (\d+)", done.stdout)
        work = int(found[1]) if found else None
        if count != parameters or macs not in (None, work):
            failures += 1
            print(f"{network}: expected {parameters} parameters and {macs} macs, but got {count} and {work}; {done.stderr}")
sys.exit(failures != 0)
