// RUN: incept-opt %s -incept-differentiate -o %t.mlir
// RUN: incept-run %t.mlir --check-gradients=8 --step seed=7 | FileCheck %s
// The gradient of a split whose first part no one uses, against central differences: the second part's comes back.

// CHECK: gradient of w: 4 of 4 checked, largest 0.
incept.variable @w kind parameter : tensor<4x1x1x1xf32>
incept.variable @"io/f32_input" kind io role "f32_input" : tensor<2x1x1x1xf32>
incept.variable @"io/labels" kind io role "labels" : tensor<2xi64>
incept.variable @"io/loss" kind io role "loss" : tensor<f32>
incept.variable @"io/logits" kind io role "logits" : tensor<2x3xf32>

func.func @forward_backward() attributes {incept.entry = #incept.entry<forward_backward>} {
  %x = incept.read @"io/f32_input" : tensor<2x1x1x1xf32>
  %w = incept.read @w : tensor<4x1x1x1xf32>
  %c = incept.conv2d %x, %w : (tensor<2x1x1x1xf32>, tensor<4x1x1x1xf32>) -> tensor<2x4x1x1xf32>
  %s:2 = incept.split %c : (tensor<2x4x1x1xf32>) -> (tensor<2x1x1x1xf32>, tensor<2x3x1x1xf32>)
  %f = incept.flatten %s#1 : (tensor<2x3x1x1xf32>) -> tensor<2x3xf32>
  incept.write @"io/logits", %f : tensor<2x3xf32>
  return
}
