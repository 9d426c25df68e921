// RUN: incept-opt %s -pass-pipeline='builtin.module(func.func(incept-commute-pools))' | FileCheck %s

!x = tensor<2x8x6x6xf32>
!y = tensor<2x4x6x6xf32>
!w = tensor<4x8x1x1xf32>
!b = tensor<4xf32>

// The pool works on 4 channels instead of 8.
// CHECK-LABEL: func.func @commutes
//       CHECK:   %[[C:.+]] = incept.conv2d %arg0, %arg1
//       CHECK:   %[[P:.+]] = incept.avg_pool %[[C]] kernel [3, 3] pad [1, 1] pad_end [1, 1] : (tensor<2x4x6x6xf32>)
//       CHECK:   return %[[P]]
func.func @commutes(%x: !x, %w: !w) -> !y {
  %p = incept.avg_pool %x kernel [3, 3] pad [1, 1] pad_end [1, 1] : (!x) -> !x
  %c = incept.conv2d %p, %w : (!x, !w) -> !y
  return %c : !y
}

// The mean of a constant is the constant where padding does not count.
// CHECK-LABEL: func.func @bias
//       CHECK:   %[[C:.+]] = incept.conv2d %arg0, %arg1 bias
//       CHECK:   incept.avg_pool %[[C]]
func.func @bias(%x: !x, %w: !w, %b: !b) -> !y {
  %p = incept.avg_pool %x kernel [3, 3] pad [1, 1] pad_end [1, 1] : (!x) -> !x
  %c = incept.conv2d %p, %w bias %b : (!x, !w, !b) -> !y
  return %c : !y
}

// CHECK-LABEL: func.func @bias_with_counted_padding
//       CHECK:   %[[P:.+]] = incept.avg_pool %arg0
//       CHECK:   incept.conv2d %[[P]]
func.func @bias_with_counted_padding(%x: !x, %w: !w, %b: !b) -> !y {
  %p = incept.avg_pool %x kernel [3, 3] pad [1, 1] pad_end [1, 1] include_pad : (!x) -> !x
  %c = incept.conv2d %p, %w bias %b : (!x, !w, !b) -> !y
  return %c : !y
}

// A ReLU lies between.
// CHECK-LABEL: func.func @not_linear
//       CHECK:   %[[P:.+]] = incept.avg_pool %arg0
//       CHECK:   incept.conv2d %[[P]]
func.func @not_linear(%x: !x, %w: !w) -> !y {
  %p = incept.avg_pool %x kernel [3, 3] pad [1, 1] pad_end [1, 1] : (!x) -> !x
  %c = incept.conv2d %p, %w relu : (!x, !w) -> !y
  return %c : !y
}

// The pool would work on more channels.
// CHECK-LABEL: func.func @more_filters
//       CHECK:   %[[P:.+]] = incept.avg_pool %arg0
//       CHECK:   incept.conv2d %[[P]]
func.func @more_filters(%x: !y, %w: tensor<8x4x1x1xf32>) -> !x {
  %p = incept.avg_pool %x kernel [3, 3] pad [1, 1] pad_end [1, 1] : (!y) -> !y
  %c = incept.conv2d %p, %w : (!y, tensor<8x4x1x1xf32>) -> !x
  return %c : !x
}

// Pixels are mixed by both.
// CHECK-LABEL: func.func @larger_window
//       CHECK:   %[[P:.+]] = incept.avg_pool %arg0
//       CHECK:   incept.conv2d %[[P]]
func.func @larger_window(%x: !x, %w: tensor<4x8x3x3xf32>) -> !y {
  %p = incept.avg_pool %x kernel [3, 3] pad [1, 1] pad_end [1, 1] : (!x) -> !x
  %c = incept.conv2d %p, %w pad [1, 1] pad_end [1, 1] : (!x, tensor<4x8x3x3xf32>) -> !y
  return %c : !y
}

// Someone else needs the pool.
// CHECK-LABEL: func.func @other_user
//       CHECK:   %[[P:.+]] = incept.avg_pool %arg0
//       CHECK:   incept.conv2d %[[P]]
func.func @other_user(%x: !x, %w: !w) -> (!x, !y) {
  %p = incept.avg_pool %x kernel [3, 3] pad [1, 1] pad_end [1, 1] : (!x) -> !x
  %c = incept.conv2d %p, %w : (!x, !w) -> !y
  return %p, %c : !x, !y
}
