# SPDX-License-Identifier: Apache-2.0
"""Prints two launches of kernels that take INPUTS tensors each.

usage: pair-launches-many.py INPUTS
"""
import sys

inputs = int(sys.argv[1])
print("module attributes {incept.target = #incept.target<fake, joins, pairs>} {\nincept.exec.region @arena 65536")
for name, op in (("relu", "incept.relu %x0"), ("scale", "incept.scale %x0 by 2.0")):
    arguments = ", ".join(f"%x{i}: tensor<?x?xf32>" for i in range(inputs))
    print(f"incept.exec.kernel_def @{name} map {{\n^bb0({arguments}):\n  %y = {op} : (tensor<?x?xf32>) -> tensor<?x?xf32>\n"
          "  incept.yield %y : tensor<?x?xf32>\n}")
print("func.func @many() {")
memory = "memref<8x8xf32>"
for name, offset in (("x", 0), ("y", 1024), ("z", 2048)):
    print(f"  %{name} = incept.exec.slice @arena at {offset} : {memory}")
for name, out in (("relu", "y"), ("scale", "z")):
    print(f"  incept.exec.kernel @{name} ins({', '.join(['%x'] * inputs)} : {', '.join([memory] * inputs)}) outs(%{out} : {memory}) "
          f"extents [{', '.join(['8'] * (inputs + 3))}] units 8")
print("  return\n}\n}")
