// A convolution that ends a residual block gives what its parts give.
// RUN: incept-opt %s -pass-pipeline='builtin.module(func.func(incept-fuse-conv-residual,incept-fuse-conv-relu))' -o %t.mlir
// RUN: FileCheck %s --input-file=%t.mlir
// RUN: incept-run %s --compare=%t.mlir

module attributes {incept.target = #incept.target<fake>} {
// CHECK: incept.conv2d %{{.*}} bias %{{.*}} residual %{{.*}} scale 1.700000e-01 relu
func.func @block(%x: tensor<2x4x3x3xf32>, %w: tensor<4x4x1x1xf32>, %b: tensor<4xf32>) -> tensor<2x4x3x3xf32> {
  %y = incept.conv2d %x, %w bias %b : (tensor<2x4x3x3xf32>, tensor<4x4x1x1xf32>, tensor<4xf32>) -> tensor<2x4x3x3xf32>
  %s = incept.scale %y by 0.17 : (tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  %a = incept.add %x, %s : (tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  %z = incept.relu %a : (tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  return %z : tensor<2x4x3x3xf32>
}
}
