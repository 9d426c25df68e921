// RUN: incept-opt %s -pass-pipeline='builtin.module(func.func(incept-fuse-conv-backward-norm))' | FileCheck %s
// RUN: sed 's/<fake, norms>/<fake, norms, pairs>/' %s | incept-opt -pass-pipeline='builtin.module(func.func(incept-fuse-conv-backward-norm))' | FileCheck %s --check-prefix=SLOW
// RUN: sed 's/<fake, norms>/<fake>/' %s | incept-opt -pass-pipeline='builtin.module(func.func(incept-fuse-conv-backward-norm))' | FileCheck %s --check-prefix=APART

!x = tensor<2x32x5x5xf16>
!y = tensor<2x8x5x5xf16>
!w = tensor<8x32x3x3xf16>
!v = tensor<32xf32>

module attributes {incept.target = #incept.target<fake, norms>} {
// The gradient of data is masked by the ReLU of the batch norm before the convolution, and gives the gradients of its
// parameters and the factors of what it reads.
// CHECK-LABEL: func.func @fuses
//  CHECK-SAME: (%[[D:.+]]: tensor<2x8x5x5xf16>, %[[W:.+]]: tensor<8x32x3x3xf16>, %[[X:.+]]: tensor<2x32x5x5xf16>, %[[S:.+]]: tensor<32xf32>, %[[G:.+]]: tensor<32xf32>, %[[E:.+]]: tensor<32xf32>)
//       CHECK:   %[[M:.+]], %[[I:.+]], %{{.+}}, %{{.+}}, %{{.+}} = incept.batch_norm_finalize
//       CHECK:   %[[DZ:.+]], %[[DG:.+]], %[[DB:.+]], %[[A:.+]], %[[B:.+]], %[[C:.+]] = incept.conv2d_backward_norm %[[D]], %[[W]] of %[[X]], %[[M]], %[[I]] gamma %[[G]] beta %[[E]] pad [1, 1] pad_end [1, 1] {incept.path = "conv"}
//   CHECK-NOT:   incept.relu_backward
//       CHECK:   %[[DX:.+]] = incept.batch_norm_backward_apply %[[DZ]], %[[X]], %[[A]], %[[B]], %[[C]]
//  CHECK-NEXT:   return %[[DX]], %[[DG]], %[[DB]]
// APART-LABEL: func.func @fuses
//       APART:   incept.conv2d_backward_data %{{.+}} {incept.path = "conv"}
//       APART:   incept.batch_norm_backward_stats
// Where costs grow with the square of the operations, two launches are cheaper than one.
//  SLOW-LABEL: func.func @fuses
//        SLOW:   incept.conv2d_backward_data %{{.+}} {incept.norm_gradient = "it would take {{[0-9.]+}} us and 128 bytes of workspace, against {{[0-9.]+}} us for both", incept.path = "conv"}
//        SLOW:   incept.batch_norm_backward_stats
func.func @fuses(%d: !y, %w: !w, %x: !x, %s: !v, %g: !v, %e: !v) -> (!x, !v, !v) {
  %f:5 = incept.batch_norm_finalize %s, %s gamma %g running %s, %s {epsilon = 1.0e-3, decay = 0.9, count = 50 : i64} : (!v, !v, !v, !v, !v) -> (!v, !v, !v, !v, !v)
  %dy = incept.conv2d_backward_data %d, %w pad [1, 1] pad_end [1, 1] {incept.path = "conv"} : (!y, !w) -> !x
  %n = incept.scale_shift %x, %f#0, %f#2, %e : (!x, !v, !v, !v) -> !x
  %r = incept.relu %n : (!x) -> !x
  %dz = incept.relu_backward %dy, %r : (!x, !x) -> !x
  %t:2 = incept.batch_norm_backward_stats %dz, %x, %f#0 : (!x, !x, !v) -> (!v, !v)
  %k:5 = incept.batch_norm_backward_finalize %t#0, %t#1 inv_std %f#1 gamma %g {count = 50 : i64} : (!v, !v, !v, !v) -> (!v, !v, !v, !v, !v)
  %dx = incept.batch_norm_backward_apply %dz, %x mean %f#0, %k#2, %k#3, %k#4 : (!x, !x, !v, !v, !v, !v) -> !x
  return %dx, %k#0, %k#1 : !x, !v, !v
}

// The target has a reason, which stays with the gradient.
// CHECK-LABEL: func.func @declined
//       CHECK:   incept.conv2d_backward_data %{{.+}} {incept.norm_gradient = "the window is not 3 wide"}
//       CHECK:   incept.batch_norm_backward_stats
func.func @declined(%d: !y, %w: tensor<8x32x1x1xf16>, %x: !x, %s: !v, %g: !v, %e: !v) -> !x {
  %f:5 = incept.batch_norm_finalize %s, %s gamma %g running %s, %s {epsilon = 1.0e-3, decay = 0.9, count = 50 : i64} : (!v, !v, !v, !v, !v) -> (!v, !v, !v, !v, !v)
  %dy = incept.conv2d_backward_data %d, %w : (!y, tensor<8x32x1x1xf16>) -> !x
  %n = incept.scale_shift %x, %f#0, %f#2, %e : (!x, !v, !v, !v) -> !x
  %r = incept.relu %n : (!x) -> !x
  %dz = incept.relu_backward %dy, %r : (!x, !x) -> !x
  %t:2 = incept.batch_norm_backward_stats %dz, %x, %f#0 : (!x, !x, !v) -> (!v, !v)
  %k:5 = incept.batch_norm_backward_finalize %t#0, %t#1 inv_std %f#1 gamma %g {count = 50 : i64} : (!v, !v, !v, !v) -> (!v, !v, !v, !v, !v)
  %dx = incept.batch_norm_backward_apply %dz, %x mean %f#0, %k#2, %k#3, %k#4 : (!x, !x, !v, !v, !v, !v) -> !x
  return %dx : !x
}

// Batch norm reads a part of what siblings give, which this target's library does not.
// CHECK-LABEL: func.func @slice
//       CHECK:   incept.conv2d_backward_data %{{.+}} {incept.norm_gradient = "the library does not read the channel slice that batch norm does"}
func.func @slice(%d: !y, %w: !w, %whole: tensor<2x64x5x5xf16>, %s: !v, %g: !v, %e: !v) -> !x {
  %x = incept.slice_view %whole at 32 : (tensor<2x64x5x5xf16>) -> !x
  %f:5 = incept.batch_norm_finalize %s, %s gamma %g running %s, %s {epsilon = 1.0e-3, decay = 0.9, count = 50 : i64} : (!v, !v, !v, !v, !v) -> (!v, !v, !v, !v, !v)
  %dy = incept.conv2d_backward_data %d, %w pad [1, 1] pad_end [1, 1] : (!y, !w) -> !x
  %n = incept.scale_shift %x, %f#0, %f#2, %e : (!x, !v, !v, !v) -> !x
  %r = incept.relu %n : (!x) -> !x
  %dz = incept.relu_backward %dy, %r : (!x, !x) -> !x
  %t:2 = incept.batch_norm_backward_stats %dz, %x, %f#0 : (!x, !x, !v) -> (!v, !v)
  %k:5 = incept.batch_norm_backward_finalize %t#0, %t#1 inv_std %f#1 gamma %g {count = 50 : i64} : (!v, !v, !v, !v) -> (!v, !v, !v, !v, !v)
  %dx = incept.batch_norm_backward_apply %dz, %x mean %f#0, %k#2, %k#3, %k#4 : (!x, !x, !v, !v, !v, !v) -> !x
  return %dx : !x
}

// The library needs the factor.
// CHECK-LABEL: func.func @no_gamma
//       CHECK:   incept.conv2d_backward_data %{{.+}} {incept.norm_gradient = "the batch norm before it has no factor gamma"}
func.func @no_gamma(%d: !y, %w: !w, %x: !x, %s: !v, %e: !v) -> !x {
  %f:5 = incept.batch_norm_finalize %s, %s running %s, %s {epsilon = 1.0e-3, decay = 0.9, count = 50 : i64} : (!v, !v, !v, !v) -> (!v, !v, !v, !v, !v)
  %dy = incept.conv2d_backward_data %d, %w pad [1, 1] pad_end [1, 1] : (!y, !w) -> !x
  %n = incept.scale_shift %x, %f#0, %f#2, %e : (!x, !v, !v, !v) -> !x
  %r = incept.relu %n : (!x) -> !x
  %dz = incept.relu_backward %dy, %r : (!x, !x) -> !x
  %t:2 = incept.batch_norm_backward_stats %dz, %x, %f#0 : (!x, !x, !v) -> (!v, !v)
  %k:5 = incept.batch_norm_backward_finalize %t#0, %t#1 inv_std %f#1 {count = 50 : i64} : (!v, !v, !v) -> (!v, !v, !v, !v, !v)
  %dx = incept.batch_norm_backward_apply %dz, %x mean %f#0, %k#2, %k#3, %k#4 : (!x, !x, !v, !v, !v, !v) -> !x
  return %dx : !x
}

// Another convolution's gradient is added.
// CHECK-LABEL: func.func @other_use
// CHECK-COUNT-2: incept.conv2d_backward_data %{{.+}} {incept.norm_gradient = "what is convolved has other uses"}
//   CHECK-NOT:   incept.conv2d_backward_norm
//       CHECK:   return
func.func @other_use(%d: !y, %w: !w, %x: !x, %s: !v, %g: !v, %e: !v) -> !x {
  %f:5 = incept.batch_norm_finalize %s, %s gamma %g running %s, %s {epsilon = 1.0e-3, decay = 0.9, count = 50 : i64} : (!v, !v, !v, !v, !v) -> (!v, !v, !v, !v, !v)
  %da = incept.conv2d_backward_data %d, %w pad [1, 1] pad_end [1, 1] : (!y, !w) -> !x
  %db = incept.conv2d_backward_data %d, %w pad [1, 1] pad_end [1, 1] dilation [1, 1] : (!y, !w) -> !x
  %dy = incept.add_n %da, %db : (!x, !x) -> !x
  %n = incept.scale_shift %x, %f#0, %f#2, %e : (!x, !v, !v, !v) -> !x
  %r = incept.relu %n : (!x) -> !x
  %dz = incept.relu_backward %dy, %r : (!x, !x) -> !x
  %t:2 = incept.batch_norm_backward_stats %dz, %x, %f#0 : (!x, !x, !v) -> (!v, !v)
  %k:5 = incept.batch_norm_backward_finalize %t#0, %t#1 inv_std %f#1 gamma %g {count = 50 : i64} : (!v, !v, !v, !v) -> (!v, !v, !v, !v, !v)
  %dx = incept.batch_norm_backward_apply %dz, %x mean %f#0, %k#2, %k#3, %k#4 : (!x, !x, !v, !v, !v, !v) -> !x
  return %dx : !x
}

// A residual is added before the ReLU.
// CHECK-LABEL: func.func @residual
//       CHECK:   incept.conv2d_backward_data %{{.+}} {incept.norm_gradient = "what is convolved is not a ReLU of a batch norm"}
func.func @residual(%d: !y, %w: !w, %x: !x, %o: !x, %s: !v, %g: !v, %e: !v) -> !x {
  %f:5 = incept.batch_norm_finalize %s, %s gamma %g running %s, %s {epsilon = 1.0e-3, decay = 0.9, count = 50 : i64} : (!v, !v, !v, !v, !v) -> (!v, !v, !v, !v, !v)
  %dy = incept.conv2d_backward_data %d, %w pad [1, 1] pad_end [1, 1] : (!y, !w) -> !x
  %n = incept.scale_shift %x, %f#0, %f#2, %e : (!x, !v, !v, !v) -> !x
  %p = incept.add %n, %o : (!x, !x) -> !x
  %r = incept.relu %p : (!x) -> !x
  %dz = incept.relu_backward %dy, %r : (!x, !x) -> !x
  %t:2 = incept.batch_norm_backward_stats %dz, %x, %f#0 : (!x, !x, !v) -> (!v, !v)
  %k:5 = incept.batch_norm_backward_finalize %t#0, %t#1 inv_std %f#1 gamma %g {count = 50 : i64} : (!v, !v, !v, !v) -> (!v, !v, !v, !v, !v)
  %dx = incept.batch_norm_backward_apply %dz, %x mean %f#0, %k#2, %k#3, %k#4 : (!x, !x, !v, !v, !v, !v) -> !x
  return %dx : !x
}

// The masked gradient goes elsewhere too.
// CHECK-LABEL: func.func @masked_has_another_use
//       CHECK:   incept.conv2d_backward_data %{{.+}} {incept.norm_gradient = "the masked gradient has other uses"}
func.func @masked_has_another_use(%d: !y, %w: !w, %x: !x, %s: !v, %g: !v, %e: !v) -> (!x, !x) {
  %f:5 = incept.batch_norm_finalize %s, %s gamma %g running %s, %s {epsilon = 1.0e-3, decay = 0.9, count = 50 : i64} : (!v, !v, !v, !v, !v) -> (!v, !v, !v, !v, !v)
  %dy = incept.conv2d_backward_data %d, %w pad [1, 1] pad_end [1, 1] : (!y, !w) -> !x
  %n = incept.scale_shift %x, %f#0, %f#2, %e : (!x, !v, !v, !v) -> !x
  %r = incept.relu %n : (!x) -> !x
  %dz = incept.relu_backward %dy, %r : (!x, !x) -> !x
  %t:2 = incept.batch_norm_backward_stats %dz, %x, %f#0 : (!x, !x, !v) -> (!v, !v)
  %k:5 = incept.batch_norm_backward_finalize %t#0, %t#1 inv_std %f#1 gamma %g {count = 50 : i64} : (!v, !v, !v, !v) -> (!v, !v, !v, !v, !v)
  %dx = incept.batch_norm_backward_apply %dz, %x mean %f#0, %k#2, %k#3, %k#4 : (!x, !x, !v, !v, !v, !v) -> !x
  return %dx, %dz : !x, !x
}

// Sums that somebody else needs.
// CHECK-LABEL: func.func @sums_have_another_use
//       CHECK:   incept.conv2d_backward_data %{{.+}} {incept.norm_gradient = "the sums have other uses"}
func.func @sums_have_another_use(%d: !y, %w: !w, %x: !x, %s: !v, %g: !v, %e: !v) -> (!x, !v) {
  %f:5 = incept.batch_norm_finalize %s, %s gamma %g running %s, %s {epsilon = 1.0e-3, decay = 0.9, count = 50 : i64} : (!v, !v, !v, !v, !v) -> (!v, !v, !v, !v, !v)
  %dy = incept.conv2d_backward_data %d, %w pad [1, 1] pad_end [1, 1] : (!y, !w) -> !x
  %n = incept.scale_shift %x, %f#0, %f#2, %e : (!x, !v, !v, !v) -> !x
  %r = incept.relu %n : (!x) -> !x
  %dz = incept.relu_backward %dy, %r : (!x, !x) -> !x
  %t:2 = incept.batch_norm_backward_stats %dz, %x, %f#0 : (!x, !x, !v) -> (!v, !v)
  %k:5 = incept.batch_norm_backward_finalize %t#0, %t#1 inv_std %f#1 gamma %g {count = 50 : i64} : (!v, !v, !v, !v) -> (!v, !v, !v, !v, !v)
  %dx = incept.batch_norm_backward_apply %dz, %x mean %f#0, %k#2, %k#3, %k#4 : (!x, !x, !v, !v, !v, !v) -> !x
  return %dx, %t#1 : !x, !v
}

// The mask is of another batch norm's result than the one whose gradient follows.
// CHECK-LABEL: func.func @other_norm
//       CHECK:   incept.conv2d_backward_data %{{.+}} {incept.norm_gradient = "the mask is of another batch norm than the gradient behind it"}
func.func @other_norm(%d: !y, %w: !w, %x: !x, %o: !x, %s: !v, %g: !v, %e: !v) -> !x {
  %f:5 = incept.batch_norm_finalize %s, %s gamma %g running %s, %s {epsilon = 1.0e-3, decay = 0.9, count = 50 : i64} : (!v, !v, !v, !v, !v) -> (!v, !v, !v, !v, !v)
  %dy = incept.conv2d_backward_data %d, %w pad [1, 1] pad_end [1, 1] : (!y, !w) -> !x
  %n = incept.scale_shift %o, %f#0, %f#2, %e : (!x, !v, !v, !v) -> !x
  %r = incept.relu %n : (!x) -> !x
  %dz = incept.relu_backward %dy, %r : (!x, !x) -> !x
  %t:2 = incept.batch_norm_backward_stats %dz, %x, %f#0 : (!x, !x, !v) -> (!v, !v)
  %k:5 = incept.batch_norm_backward_finalize %t#0, %t#1 inv_std %f#1 gamma %g {count = 50 : i64} : (!v, !v, !v, !v) -> (!v, !v, !v, !v, !v)
  %dx = incept.batch_norm_backward_apply %dz, %x mean %f#0, %k#2, %k#3, %k#4 : (!x, !x, !v, !v, !v, !v) -> !x
  return %dx : !x
}

// Factors that somebody else needs.
// CHECK-LABEL: func.func @factors_have_another_use
//       CHECK:   incept.conv2d_backward_data %{{.+}} {incept.norm_gradient = "the factors have other uses"}
func.func @factors_have_another_use(%d: !y, %w: !w, %x: !x, %s: !v, %g: !v, %e: !v) -> (!x, !v) {
  %f:5 = incept.batch_norm_finalize %s, %s gamma %g running %s, %s {epsilon = 1.0e-3, decay = 0.9, count = 50 : i64} : (!v, !v, !v, !v, !v) -> (!v, !v, !v, !v, !v)
  %dy = incept.conv2d_backward_data %d, %w pad [1, 1] pad_end [1, 1] : (!y, !w) -> !x
  %n = incept.scale_shift %x, %f#0, %f#2, %e : (!x, !v, !v, !v) -> !x
  %r = incept.relu %n : (!x) -> !x
  %dz = incept.relu_backward %dy, %r : (!x, !x) -> !x
  %t:2 = incept.batch_norm_backward_stats %dz, %x, %f#0 : (!x, !x, !v) -> (!v, !v)
  %k:5 = incept.batch_norm_backward_finalize %t#0, %t#1 inv_std %f#1 gamma %g {count = 50 : i64} : (!v, !v, !v, !v) -> (!v, !v, !v, !v, !v)
  %dx = incept.batch_norm_backward_apply %dz, %x mean %f#0, %k#2, %k#3, %k#4 : (!x, !x, !v, !v, !v, !v) -> !x
  return %dx, %k#3 : !x, !v
}

// The gradient is masked twice.
// CHECK-LABEL: func.func @two_masks
//       CHECK:   incept.conv2d_backward_data %{{.+}} {incept.norm_gradient = "several read the gradient, as where a concat is convolved"}
func.func @two_masks(%d: !y, %w: !w, %x: !x, %s: !v, %g: !v, %e: !v) -> (!x, !x) {
  %f:5 = incept.batch_norm_finalize %s, %s gamma %g running %s, %s {epsilon = 1.0e-3, decay = 0.9, count = 50 : i64} : (!v, !v, !v, !v, !v) -> (!v, !v, !v, !v, !v)
  %dy = incept.conv2d_backward_data %d, %w pad [1, 1] pad_end [1, 1] : (!y, !w) -> !x
  %n = incept.scale_shift %x, %f#0, %f#2, %e : (!x, !v, !v, !v) -> !x
  %r = incept.relu %n : (!x) -> !x
  %other = incept.relu_backward %dy, %x : (!x, !x) -> !x
  %dz = incept.relu_backward %dy, %r : (!x, !x) -> !x
  %t:2 = incept.batch_norm_backward_stats %dz, %x, %f#0 : (!x, !x, !v) -> (!v, !v)
  %k:5 = incept.batch_norm_backward_finalize %t#0, %t#1 inv_std %f#1 gamma %g {count = 50 : i64} : (!v, !v, !v, !v) -> (!v, !v, !v, !v, !v)
  %dx = incept.batch_norm_backward_apply %dz, %x mean %f#0, %k#2, %k#3, %k#4 : (!x, !x, !v, !v, !v, !v) -> !x
  return %dx, %other : !x, !x
}

// What was masked is no batch norm's.
// CHECK-LABEL: func.func @no_gradient
//       CHECK:   incept.conv2d_backward_data %{{.+}} {incept.norm_gradient = "no gradient of a batch norm follows the mask"}
func.func @no_gradient(%d: !y, %w: !w, %x: !x, %s: !v, %g: !v, %e: !v) -> !x {
  %f:5 = incept.batch_norm_finalize %s, %s gamma %g running %s, %s {epsilon = 1.0e-3, decay = 0.9, count = 50 : i64} : (!v, !v, !v, !v, !v) -> (!v, !v, !v, !v, !v)
  %dy = incept.conv2d_backward_data %d, %w pad [1, 1] pad_end [1, 1] : (!y, !w) -> !x
  %n = incept.scale_shift %x, %f#0, %f#2, %e : (!x, !v, !v, !v) -> !x
  %r = incept.relu %n : (!x) -> !x
  %dz = incept.relu_backward %dy, %r : (!x, !x) -> !x
  return %dz : !x
}

// The op is made where the convolution is.
// CHECK-LABEL: func.func @later
//       CHECK:   incept.conv2d_backward_data %{{.+}} {incept.norm_gradient = "what the batch norm reads or gives comes later"}
func.func @later(%d: !y, %w: !w, %x: !x, %s: !v, %g: !v, %e: !v) -> (!x, !v, !v) {
  %dy = incept.conv2d_backward_data %d, %w pad [1, 1] pad_end [1, 1] : (!y, !w) -> !x
  %f:5 = incept.batch_norm_finalize %s, %s gamma %g running %s, %s {epsilon = 1.0e-3, decay = 0.9, count = 50 : i64} : (!v, !v, !v, !v, !v) -> (!v, !v, !v, !v, !v)
  %n = incept.scale_shift %x, %f#0, %f#2, %e : (!x, !v, !v, !v) -> !x
  %r = incept.relu %n : (!x) -> !x
  %dz = incept.relu_backward %dy, %r : (!x, !x) -> !x
  %t:2 = incept.batch_norm_backward_stats %dz, %x, %f#0 : (!x, !x, !v) -> (!v, !v)
  %k:5 = incept.batch_norm_backward_finalize %t#0, %t#1 inv_std %f#1 gamma %g {count = 50 : i64} : (!v, !v, !v, !v) -> (!v, !v, !v, !v, !v)
  %dx = incept.batch_norm_backward_apply %dz, %x mean %f#0, %k#2, %k#3, %k#4 : (!x, !x, !v, !v, !v, !v) -> !x
  return %dx, %k#0, %k#1 : !x, !v, !v
}

// Factors of half the width, which the op does not have.
// CHECK-LABEL: func.func @narrow
//       CHECK:   incept.conv2d_backward_data %{{.+}} {incept.norm_gradient = "the batch norm before it has vectors that are not f32"}
func.func @narrow(%d: !y, %w: !w, %x: !x, %s: !v, %g: tensor<32xf16>, %e: !v) -> (!x, !v, !v) {
  %f:5 = incept.batch_norm_finalize %s, %s gamma %g running %s, %s {epsilon = 1.0e-3, decay = 0.9, count = 50 : i64} : (!v, !v, tensor<32xf16>, !v, !v) -> (!v, !v, !v, !v, !v)
  %dy = incept.conv2d_backward_data %d, %w pad [1, 1] pad_end [1, 1] : (!y, !w) -> !x
  %n = incept.scale_shift %x, %f#0, %f#2, %e : (!x, !v, !v, !v) -> !x
  %r = incept.relu %n : (!x) -> !x
  %dz = incept.relu_backward %dy, %r : (!x, !x) -> !x
  %t:2 = incept.batch_norm_backward_stats %dz, %x, %f#0 : (!x, !x, !v) -> (!v, !v)
  %k:5 = incept.batch_norm_backward_finalize %t#0, %t#1 inv_std %f#1 gamma %g {count = 50 : i64} : (!v, !v, !v, tensor<32xf16>) -> (!v, !v, !v, !v, !v)
  %dx = incept.batch_norm_backward_apply %dz, %x mean %f#0, %k#2, %k#3, %k#4 : (!x, !x, !v, !v, !v, !v) -> !x
  return %dx, %k#0, %k#1 : !x, !v, !v
}

// A transposed convolution of the forward pass, before the loss, is no gradient, and inference has none.
// CHECK-LABEL: func.func @transposed
//       CHECK:   incept.conv2d_backward_data %{{.+}} pad_end [1, 1] :
//       CHECK:   incept.batch_norm_backward_stats
func.func @transposed(%d: !y, %w: !w, %x: !x, %s: !v, %g: !v, %e: !v, %l: tensor<2x4xf32>, %y: tensor<2xi64>) -> (!x, !v, !v, tensor<f32>) {
  %f:5 = incept.batch_norm_finalize %s, %s gamma %g running %s, %s {epsilon = 1.0e-3, decay = 0.9, count = 50 : i64} : (!v, !v, !v, !v, !v) -> (!v, !v, !v, !v, !v)
  %dy = incept.conv2d_backward_data %d, %w pad [1, 1] pad_end [1, 1] : (!y, !w) -> !x
  %n = incept.scale_shift %x, %f#0, %f#2, %e : (!x, !v, !v, !v) -> !x
  %r = incept.relu %n : (!x) -> !x
  %dz = incept.relu_backward %dy, %r : (!x, !x) -> !x
  %t:2 = incept.batch_norm_backward_stats %dz, %x, %f#0 : (!x, !x, !v) -> (!v, !v)
  %k:5 = incept.batch_norm_backward_finalize %t#0, %t#1 inv_std %f#1 gamma %g {count = 50 : i64} : (!v, !v, !v, !v) -> (!v, !v, !v, !v, !v)
  %dx = incept.batch_norm_backward_apply %dz, %x mean %f#0, %k#2, %k#3, %k#4 : (!x, !x, !v, !v, !v, !v) -> !x
  %loss = incept.softmax_cross_entropy %l, %y {label_smoothing = 0.1} : (tensor<2x4xf32>, tensor<2xi64>) -> tensor<f32>
  return %dx, %k#0, %k#1, %loss : !x, !v, !v, tensor<f32>
}

// CHECK-LABEL: func.func @infer
//       CHECK:   incept.conv2d_backward_data %{{.+}} pad_end [1, 1] :
//       CHECK:   incept.batch_norm_backward_stats
func.func @infer(%d: !y, %w: !w, %x: !x, %s: !v, %g: !v, %e: !v) -> (!x, !v, !v) attributes {incept.entry = #incept.entry<infer>} {
  %f:5 = incept.batch_norm_finalize %s, %s gamma %g running %s, %s {epsilon = 1.0e-3, decay = 0.9, count = 50 : i64} : (!v, !v, !v, !v, !v) -> (!v, !v, !v, !v, !v)
  %dy = incept.conv2d_backward_data %d, %w pad [1, 1] pad_end [1, 1] : (!y, !w) -> !x
  %n = incept.scale_shift %x, %f#0, %f#2, %e : (!x, !v, !v, !v) -> !x
  %r = incept.relu %n : (!x) -> !x
  %dz = incept.relu_backward %dy, %r : (!x, !x) -> !x
  %t:2 = incept.batch_norm_backward_stats %dz, %x, %f#0 : (!x, !x, !v) -> (!v, !v)
  %k:5 = incept.batch_norm_backward_finalize %t#0, %t#1 inv_std %f#1 gamma %g {count = 50 : i64} : (!v, !v, !v, !v) -> (!v, !v, !v, !v, !v)
  %dx = incept.batch_norm_backward_apply %dz, %x mean %f#0, %k#2, %k#3, %k#4 : (!x, !x, !v, !v, !v, !v) -> !x
  return %dx, %k#0, %k#1 : !x, !v, !v
}
}
