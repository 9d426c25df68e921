// RUN: incept-opt %s -pass-pipeline='builtin.module(func.func(incept-fuse-conv-stats))' | FileCheck %s
// RUN: sed 's/<fake, statistics>/<fake>/' %s | incept-opt -pass-pipeline='builtin.module(func.func(incept-fuse-conv-stats))' | FileCheck %s --check-prefix=APART

!x = tensor<2x8x5x5xf16>
!y = tensor<2x32x5x5xf16>
!half = tensor<2x16x5x5xf16>
!w = tensor<32x8x3x3xf16>
!k = tensor<32xf16>
!v = tensor<32xf32>

module attributes {incept.target = #incept.target<fake, statistics>} {
// The convolution gives the sums, which are of its values as they are; what finalises them looks at the tensor where
// they lose a variance.
// CHECK-LABEL: func.func @fuses
//  CHECK-SAME: (%[[X:.+]]: tensor<2x8x5x5xf16>, %[[W:.+]]: tensor<32x8x3x3xf16>, %[[M:.+]]: tensor<32xf32>, %[[R:.+]]: tensor<32xf32>)
//  CHECK-NEXT:   %[[Y:.+]], %[[S:.+]], %[[Q:.+]] = incept.conv2d_stats %[[X]], %[[W]] pad [1, 1] pad_end [1, 1] {incept.path = "conv"}
//  CHECK-NEXT:   incept.batch_norm_finalize %[[S]], %[[Q]] of %[[Y]] running %[[M]], %[[R]]
//   CHECK-NOT:   incept.channel_s
// APART-LABEL: func.func @fuses
//       APART:   incept.conv2d %{{.+}} {incept.path = "conv"}
//       APART:   incept.channel_stats
func.func @fuses(%x: !x, %w: !w, %m: !v, %r: !v) -> (!y, !v) {
  %y = incept.conv2d %x, %w pad [1, 1] pad_end [1, 1] {incept.path = "conv"} : (!x, !w) -> !y
  %k = incept.channel_sample %y : (!y) -> !k
  %s, %q = incept.channel_stats %y shift %k : (!y, !k) -> (!v, !v)
  %f:5 = incept.batch_norm_finalize %s, %q shift %k running %m, %r {epsilon = 1.0e-3, decay = 0.9, count = 50 : i64} : (!v, !v, !k, !v, !v) -> (!v, !v, !v, !v, !v)
  return %y, %f#0 : !y, !v
}

// Siblings that are one convolution: each batch norm takes its rows of the sums.
// CHECK-LABEL: func.func @siblings
//       CHECK:   %[[Y:.+]], %[[S:.+]], %[[Q:.+]] = incept.conv2d_stats
//       CHECK:   %[[B:.+]] = incept.slice_view %[[Y]] at 16
//       CHECK:   %[[BS:.+]] = incept.slice_rows %[[S]] at 16
//       CHECK:   %[[BQ:.+]] = incept.slice_rows %[[Q]] at 16
//       CHECK:   incept.batch_norm_finalize %[[BS]], %[[BQ]] of %[[B]] running
func.func @siblings(%x: !x, %w: !w, %m: tensor<16xf32>) -> (!half, tensor<16xf32>) {
  %y = incept.conv2d %x, %w pad [1, 1] pad_end [1, 1] : (!x, !w) -> !y
  %a = incept.slice_view %y at 0 : (!y) -> !half
  %b = incept.slice_view %y at 16 : (!y) -> !half
  %k = incept.channel_sample %b : (!half) -> tensor<16xf16>
  %s, %q = incept.channel_stats %b shift %k : (!half, tensor<16xf16>) -> (tensor<16xf32>, tensor<16xf32>)
  %f:5 = incept.batch_norm_finalize %s, %q shift %k running %m, %m {epsilon = 1.0e-3, decay = 0.9, count = 50 : i64} : (tensor<16xf32>, tensor<16xf32>, tensor<16xf16>, tensor<16xf32>, tensor<16xf32>) -> (tensor<16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>)
  return %a, %f#0 : !half, tensor<16xf32>
}

// The target has a reason, which stays with the convolution.
// CHECK-LABEL: func.func @declined
//       CHECK:   incept.conv2d %{{.+}} {incept.statistics = "the window is not 3 wide"}
//       CHECK:   incept.channel_stats
func.func @declined(%x: !x, %w: tensor<32x8x1x1xf16>, %m: !v, %r: !v) -> !v {
  %y = incept.conv2d %x, %w : (!x, tensor<32x8x1x1xf16>) -> !y
  %k = incept.channel_sample %y : (!y) -> !k
  %s, %q = incept.channel_stats %y shift %k : (!y, !k) -> (!v, !v)
  %f:5 = incept.batch_norm_finalize %s, %q shift %k running %m, %r {epsilon = 1.0e-3, decay = 0.9, count = 50 : i64} : (!v, !v, !k, !v, !v) -> (!v, !v, !v, !v, !v)
  return %f#0 : !v
}

// Somebody else needs the sums of differences.
// CHECK-LABEL: func.func @sums_have_another_use
//   CHECK-NOT:   incept.conv2d_stats
//       CHECK:   return
func.func @sums_have_another_use(%x: !x, %w: !w, %m: !v, %r: !v) -> (!v, !v) {
  %y = incept.conv2d %x, %w pad [1, 1] pad_end [1, 1] : (!x, !w) -> !y
  %k = incept.channel_sample %y : (!y) -> !k
  %s, %q = incept.channel_stats %y shift %k : (!y, !k) -> (!v, !v)
  %f:5 = incept.batch_norm_finalize %s, %q shift %k running %m, %r {epsilon = 1.0e-3, decay = 0.9, count = 50 : i64} : (!v, !v, !k, !v, !v) -> (!v, !v, !v, !v, !v)
  return %f#0, %s : !v, !v
}

// The shift is not the tensor's own sample.
// CHECK-LABEL: func.func @other_shift
//   CHECK-NOT:   incept.conv2d_stats
//       CHECK:   return
func.func @other_shift(%x: !x, %w: !w, %m: !v, %r: !v) -> !v {
  %y = incept.conv2d %x, %w pad [1, 1] pad_end [1, 1] : (!x, !w) -> !y
  %s, %q = incept.channel_stats %y shift %m : (!y, !v) -> (!v, !v)
  %f:5 = incept.batch_norm_finalize %s, %q shift %m running %m, %r {epsilon = 1.0e-3, decay = 0.9, count = 50 : i64} : (!v, !v, !v, !v, !v) -> (!v, !v, !v, !v, !v)
  return %f#0 : !v
}

// What is added up is the ReLU's result, not the convolution's.
// CHECK-LABEL: func.func @relu_between
//   CHECK-NOT:   incept.conv2d_stats
//       CHECK:   return
func.func @relu_between(%x: !x, %w: !w, %m: !v, %r: !v) -> !v {
  %c = incept.conv2d %x, %w pad [1, 1] pad_end [1, 1] : (!x, !w) -> !y
  %y = incept.relu %c : (!y) -> !y
  %k = incept.channel_sample %y : (!y) -> !k
  %s, %q = incept.channel_stats %y shift %k : (!y, !k) -> (!v, !v)
  %f:5 = incept.batch_norm_finalize %s, %q shift %k running %m, %r {epsilon = 1.0e-3, decay = 0.9, count = 50 : i64} : (!v, !v, !k, !v, !v) -> (!v, !v, !v, !v, !v)
  return %f#0 : !v
}

// A bias is no part of what the library adds up.
// CHECK-LABEL: func.func @bias
//   CHECK-NOT:   incept.conv2d_stats
//       CHECK:   return
func.func @bias(%x: !x, %w: !w, %m: !v, %r: !v) -> !v {
  %y = incept.conv2d %x, %w bias %m pad [1, 1] pad_end [1, 1] : (!x, !w, !v) -> !y
  %s, %q = incept.channel_stats %y : (!y) -> (!v, !v)
  %f:5 = incept.batch_norm_finalize %s, %q running %m, %r {epsilon = 1.0e-3, decay = 0.9, count = 50 : i64} : (!v, !v, !v, !v) -> (!v, !v, !v, !v, !v)
  return %f#0 : !v
}
}
