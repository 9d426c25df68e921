// RUN: incept-opt %s -pass-pipeline='builtin.module(func.func(incept-fuse-conv-relu))' | FileCheck %s

!x = tensor<2x4x2x2xf32>
!w = tensor<4x4x1x1xf32>

module attributes {incept.target = #incept.target<fake>} {
// CHECK-LABEL: func.func @fuses
func.func @fuses(%x: !x, %w: !w) -> !x {
  // CHECK: %[[Y:.*]] = incept.conv2d %{{.*}}, %{{.*}} relu {incept.path = "conv"}
  // CHECK-NOT: incept.relu
  // CHECK: return %[[Y]]
  %y = incept.conv2d %x, %w {incept.path = "conv"} : (!x, !w) -> !x
  %z = incept.relu %y : (!x) -> !x
  return %z : !x
}

// CHECK-LABEL: func.func @conv_has_another_use
func.func @conv_has_another_use(%x: !x, %w: !w) -> (!x, !x) {
  // CHECK: incept.conv2d %{{[a-z0-9]+}}, %{{[a-z0-9]+}} :
  // CHECK: incept.relu
  %y = incept.conv2d %x, %w : (!x, !w) -> !x
  %z = incept.relu %y : (!x) -> !x
  return %y, %z : !x, !x
}

// This target's 1x1 convolutions write channel slices.
// CHECK-LABEL: func.func @writes_a_slice
func.func @writes_a_slice(%x: !x, %w: !w) -> tensor<2x8x2x2xf32> {
  // CHECK: incept.conv2d %{{[a-z0-9]+}}, %{{[a-z0-9]+}} relu :
  // CHECK-NOT: incept.relu
  // CHECK: return
  %y = incept.conv2d %x, %w : (!x, !w) -> !x
  %z = incept.relu %y : (!x) -> !x
  %c = incept.concat %x, %z : (!x, !x) -> tensor<2x8x2x2xf32>
  return %c : tensor<2x8x2x2xf32>
}

// Others do not: the kernel of the ReLU writes the slice.
// CHECK-LABEL: func.func @feeds_a_concat
func.func @feeds_a_concat(%x: !x, %w: tensor<4x4x3x3xf32>) -> tensor<2x8x2x2xf32> {
  // CHECK: incept.conv2d %{{[a-z0-9]+}}, %{{[a-z0-9]+}} pad [1, 1] pad_end [1, 1] :
  // CHECK: incept.relu
  %y = incept.conv2d %x, %w pad [1, 1] pad_end [1, 1] : (!x, tensor<4x4x3x3xf32>) -> !x
  %z = incept.relu %y : (!x) -> !x
  %c = incept.concat %x, %z : (!x, !x) -> tensor<2x8x2x2xf32>
  return %c : tensor<2x8x2x2xf32>
}

// Libraries know no other activations.
// CHECK-LABEL: func.func @another_activation
func.func @another_activation(%x: !x, %w: !w) -> !x {
  // CHECK: incept.conv2d %{{[a-z0-9]+}}, %{{[a-z0-9]+}} :
  // CHECK: incept.activate relu6
  %y = incept.conv2d %x, %w : (!x, !w) -> !x
  %z = incept.activate relu6 %y : (!x) -> !x
  return %z : !x
}

// CHECK-LABEL: func.func @src_is_no_convolution
func.func @src_is_no_convolution(%x: !x) -> !x {
  // CHECK: incept.relu
  %z = incept.relu %x : (!x) -> !x
  return %z : !x
}

// Gradients are taken of both ops.
// CHECK-LABEL: func.func @forward_backward
func.func @forward_backward(%x: !x, %w: !w) -> !x attributes {incept.entry = #incept.entry<forward_backward>} {
  // CHECK: incept.relu
  %y = incept.conv2d %x, %w : (!x, !w) -> !x
  %z = incept.relu %y : (!x) -> !x
  return %z : !x
}
}
