# SPDX-License-Identifier: Apache-2.0
"""The parameter counts of this folder's networks against the published ones: guards the networks themselves."""
import cifar
import inception_resnet
import inception_v4
import library
import references

for module in (inception_v4, inception_resnet, cifar, library, references):
    module.self_check()
print("ok")
