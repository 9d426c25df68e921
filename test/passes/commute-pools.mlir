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

// Another pool size than the convolution's: the pool would work on more pixels.
// CHECK-LABEL: func.func @pool_with_stride
//       CHECK:   %[[P:.+]] = incept.avg_pool %arg0
//       CHECK:   incept.conv2d %[[P]]
func.func @pool_with_stride(%x: !x, %w: !w) -> tensor<2x4x3x6xf32> {
  %p = incept.avg_pool %x kernel [3, 3] stride [2, 1] pad [1, 1] pad_end [1, 1] : (!x) -> tensor<2x8x3x6xf32>
  %c = incept.conv2d %p, %w : (tensor<2x8x3x6xf32>, !w) -> tensor<2x4x3x6xf32>
  return %c : tensor<2x4x3x6xf32>
}

// The convolution leaves out pixels, which the pool would have needed.
// CHECK-LABEL: func.func @convolution_with_stride
//       CHECK:   %[[P:.+]] = incept.avg_pool %arg0
//       CHECK:   incept.conv2d %[[P]]
func.func @convolution_with_stride(%x: !x, %w: !w) -> tensor<2x4x6x3xf32> {
  %p = incept.avg_pool %x kernel [3, 3] pad [1, 1] pad_end [1, 1] : (!x) -> !x
  %c = incept.conv2d %p, %w stride [1, 2] : (!x, !w) -> tensor<2x4x6x3xf32>
  return %c : tensor<2x4x6x3xf32>
}

// Its border of zeros, before or behind, is none of the pool's.
// CHECK-LABEL: func.func @convolution_with_padding
//       CHECK:   %[[P:.+]] = incept.avg_pool %arg0
//       CHECK:   incept.conv2d %[[P]]
//       CHECK:   %[[Q:.+]] = incept.avg_pool %arg0
//       CHECK:   incept.conv2d %[[Q]]
func.func @convolution_with_padding(%x: !x, %w: !w) -> (tensor<2x4x7x6xf32>, tensor<2x4x6x7xf32>) {
  %p = incept.avg_pool %x kernel [3, 3] pad [1, 1] pad_end [1, 1] : (!x) -> !x
  %c = incept.conv2d %p, %w pad [1, 0] pad_end [0, 0] : (!x, !w) -> tensor<2x4x7x6xf32>
  %q = incept.avg_pool %x kernel [5, 5] pad [2, 2] pad_end [2, 2] : (!x) -> !x
  %d = incept.conv2d %q, %w pad [0, 0] pad_end [0, 1] : (!x, !w) -> tensor<2x4x6x7xf32>
  return %c, %d : tensor<2x4x7x6xf32>, tensor<2x4x6x7xf32>
}

// A convolution in groups is left alone, and one that adds a residual.
// CHECK-LABEL: func.func @groups_and_residual
//       CHECK:   %[[P:.+]] = incept.avg_pool %arg0
//       CHECK:   incept.conv2d %[[P]]
//       CHECK:   %[[Q:.+]] = incept.avg_pool %arg0
//       CHECK:   incept.conv2d %[[Q]]
func.func @groups_and_residual(%x: !x, %w: tensor<4x4x1x1xf32>, %v: !w, %r: !y) -> (!y, !y) {
  %p = incept.avg_pool %x kernel [3, 3] pad [1, 1] pad_end [1, 1] : (!x) -> !x
  %c = incept.conv2d %p, %w groups 2 : (!x, tensor<4x4x1x1xf32>) -> !y
  %q = incept.avg_pool %x kernel [5, 5] pad [2, 2] pad_end [2, 2] : (!x) -> !x
  %d = incept.conv2d %q, %v residual %r : (!x, !w, !y) -> !y
  return %c, %d : !y, !y
}

// As many filters as channels are no more work. Padding that counts stays so, and so do window and borders; a pool
// that makes the image smaller is moved with the convolution's result as large as the image.
// CHECK-LABEL: func.func @as_many_filters
//       CHECK:   %[[C:.+]] = incept.conv2d %arg0, %arg1 : {{.*}} -> tensor<2x8x6x6xf32>
//       CHECK:   %[[P:.+]] = incept.avg_pool %[[C]] kernel [3, 2] pad [0, 1] pad_end [1, 0] include_pad : {{.*}} -> tensor<2x8x5x6xf32>
//       CHECK:   return %[[P]]
func.func @as_many_filters(%x: !x, %w: tensor<8x8x1x1xf32>) -> tensor<2x8x5x6xf32> {
  %p = incept.avg_pool %x kernel [3, 2] pad [0, 1] pad_end [1, 0] include_pad : (!x) -> tensor<2x8x5x6xf32>
  %c = incept.conv2d %p, %w : (tensor<2x8x5x6xf32>, tensor<8x8x1x1xf32>) -> tensor<2x8x5x6xf32>
  return %c : tensor<2x8x5x6xf32>
}
