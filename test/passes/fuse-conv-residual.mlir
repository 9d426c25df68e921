// RUN: incept-opt %s -pass-pipeline='builtin.module(func.func(incept-fuse-conv-residual))' | FileCheck %s

!x = tensor<2x4x2x2xf32>
!w = tensor<4x4x1x1xf32>

module attributes {incept.target = #incept.target<fake>} {
// CHECK-LABEL: func.func @fuses_scale_and_add
//  CHECK-SAME: (%[[X:.+]]: tensor<2x4x2x2xf32>, %[[W:.+]]: tensor<4x4x1x1xf32>, %[[B:.+]]: tensor<4xf32>)
func.func @fuses_scale_and_add(%x: !x, %w: !w, %b: tensor<4xf32>) -> !x {
  // CHECK: %[[R:.*]] = incept.relu %[[X]]
  // CHECK: %[[Y:.*]] = incept.conv2d %[[X]], %[[W]] bias %[[B]] residual %[[R]] scale 1.700000e-01 {incept.path = "conv"}
  // CHECK: return %[[Y]]
  %y = incept.conv2d %x, %w bias %b {incept.path = "conv"} : (!x, !w, tensor<4xf32>) -> !x
  %s = incept.scale %y by 0.17 : (!x) -> !x
  %r = incept.relu %x : (!x) -> !x
  %z = incept.add %r, %s : (!x, !x) -> !x
  return %z : !x
}

// CHECK-LABEL: func.func @fuses_add_alone
func.func @fuses_add_alone(%x: !x, %w: !w) -> !x {
  // CHECK: incept.conv2d %{{.*}}, %{{.*}} residual %{{.*}} :
  // CHECK-NOT: incept.add
  %y = incept.conv2d %x, %w : (!x, !w) -> !x
  %z = incept.add %y, %x : (!x, !x) -> !x
  return %z : !x
}

// Of two convolutions that meet, one takes the other's result as its residual.
// CHECK-LABEL: func.func @two_convolutions
func.func @two_convolutions(%x: !x, %w: !w) -> !x {
  // CHECK: %[[Y:.*]] = incept.conv2d %{{[a-z0-9]+}}, %{{[a-z0-9]+}} :
  // CHECK: incept.conv2d %{{[a-z0-9]+}}, %{{[a-z0-9]+}} residual %[[Y]] :
  %y = incept.conv2d %x, %w : (!x, !w) -> !x
  %z = incept.conv2d %x, %w : (!x, !w) -> !x
  %a = incept.add %y, %z : (!x, !x) -> !x
  return %a : !x
}

// CHECK-LABEL: func.func @scaled_result_has_another_use
func.func @scaled_result_has_another_use(%x: !x, %w: !w) -> (!x, !x) {
  // CHECK-NOT: residual
  // CHECK: return
  %y = incept.conv2d %x, %w : (!x, !w) -> !x
  %s = incept.scale %y by 0.17 : (!x) -> !x
  %z = incept.add %x, %s : (!x, !x) -> !x
  return %z, %s : !x, !x
}

// The convolution's own result is needed too, with the scale between or without.
// CHECK-LABEL: func.func @result_has_another_use
func.func @result_has_another_use(%x: !x, %w: !w) -> (!x, !x, !x, !x) {
  // CHECK-NOT: residual
  // CHECK: return
  %y = incept.conv2d %x, %w : (!x, !w) -> !x
  %s = incept.scale %y by 0.17 : (!x) -> !x
  %z = incept.add %x, %s : (!x, !x) -> !x
  %v = incept.conv2d %x, %w {incept.path = "other"} : (!x, !w) -> !x
  %u = incept.add %x, %v : (!x, !x) -> !x
  return %z, %y, %u, %v : !x, !x, !x, !x
}

// A value added to itself has two uses.
// CHECK-LABEL: func.func @both_sides
func.func @both_sides(%x: !x, %w: !w) -> !x {
  // CHECK-NOT: residual
  // CHECK: return
  %y = incept.conv2d %x, %w : (!x, !w) -> !x
  %z = incept.add %y, %y : (!x, !x) -> !x
  return %z : !x
}

// One residual is all that a convolution has; its window, stride and groups stay.
// CHECK-LABEL: func.func @has_a_residual
func.func @has_a_residual(%x: !x, %w: !w, %v: tensor<4x2x1x1xf32>, %r: tensor<2x4x1x2xf32>) -> (!x, tensor<2x4x1x2xf32>) {
  // CHECK: incept.conv2d %{{.*}}, %{{.*}} residual %{{.*}} :
  // CHECK-NEXT: incept.add
  // CHECK: incept.conv2d %arg0, %arg2 residual %arg3 stride [2, 1] groups 2
  %y = incept.conv2d %x, %w residual %x : (!x, !w, !x) -> !x
  %z = incept.add %x, %y : (!x, !x) -> !x
  %c = incept.conv2d %x, %v stride [2, 1] groups 2 : (!x, tensor<4x2x1x1xf32>) -> tensor<2x4x1x2xf32>
  %d = incept.add %c, %r : (tensor<2x4x1x2xf32>, tensor<2x4x1x2xf32>) -> tensor<2x4x1x2xf32>
  return %z, %d : !x, tensor<2x4x1x2xf32>
}

// CHECK-LABEL: func.func @has_a_relu
func.func @has_a_relu(%x: !x, %w: !w) -> !x {
  // CHECK-NOT: residual
  // CHECK: return
  %y = incept.conv2d %x, %w relu : (!x, !w) -> !x
  %z = incept.add %x, %y : (!x, !x) -> !x
  return %z : !x
}

// The target's library cannot.
// CHECK-LABEL: func.func @window_is_wider
func.func @window_is_wider(%x: !x, %w: tensor<4x4x3x3xf32>) -> !x {
  // CHECK-NOT: residual
  // CHECK: return
  %y = incept.conv2d %x, %w pad [1, 1] pad_end [1, 1] : (!x, tensor<4x4x3x3xf32>) -> !x
  %z = incept.add %x, %y : (!x, !x) -> !x
  return %z : !x
}

// It would have no gradient.
// CHECK-LABEL: func.func @forward_backward
func.func @forward_backward(%x: !x, %w: !w) -> !x attributes {incept.entry = #incept.entry<forward_backward>} {
  // CHECK-NOT: residual
  // CHECK: return
  %y = incept.conv2d %x, %w : (!x, !w) -> !x
  %z = incept.add %x, %y : (!x, !x) -> !x
  return %z : !x
}
}
