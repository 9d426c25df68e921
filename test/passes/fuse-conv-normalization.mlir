// RUN: incept-opt %s -pass-pipeline='builtin.module(func.func(incept-fuse-conv-normalization))' | FileCheck %s
// RUN: sed 's/<fake, prologues>/<fake, prologues, pairs>/' %s | incept-opt -pass-pipeline='builtin.module(func.func(incept-fuse-conv-normalization))' | FileCheck %s --check-prefix=SLOW
// RUN: sed 's/<fake, prologues>/<fake>/' %s | incept-opt -pass-pipeline='builtin.module(func.func(incept-fuse-conv-normalization))' | FileCheck %s --check-prefix=APART

!x = tensor<2x8x5x5xf16>
!y = tensor<2x32x5x5xf16>
!w = tensor<32x8x3x3xf16>
!v = tensor<8xf32>
!u = tensor<32xf32>

module attributes {incept.target = #incept.target<fake, prologues>} {
// All who read the ReLU normalise what the batch norm reads; a mask is computed again by its kernel.
// CHECK-LABEL: func.func @fuses
//  CHECK-SAME: (%[[X:.+]]: tensor<2x8x5x5xf16>, %[[W:.+]]: tensor<32x8x3x3xf16>, %[[D:.+]]: tensor<2x32x5x5xf16>, %[[G:.+]]: tensor<2x8x5x5xf16>, %[[S:.+]]: tensor<8xf32>, %[[B:.+]]: tensor<8xf32>)
//  CHECK-NEXT:   %[[M:.+]], %{{.+}}, %[[A:.+]], %{{.+}}, %[[V:.+]], %[[F:[a-z_0-9]+]]:2 = incept.batch_norm_finalize %[[S]], %[[S]] of %[[X]] gamma %[[S]] beta %[[B]] running %[[S]], %[[S]] {{.*}} -> (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf16>, tensor<8xf16>)
//  CHECK-NEXT:   %[[N:.+]] = incept.scale_shift %[[X]], %[[M]], %[[A]], %[[B]]
//  CHECK-NEXT:   %[[R:.+]] = incept.relu %[[N]]
//  CHECK-NEXT:   %[[Y:.+]], %{{.+}}, %{{.+}} = incept.conv2d_stats %[[X]], %[[W]] normalized %[[F]]#0, %[[F]]#1 pad [1, 1] pad_end [1, 1] {incept.path = "conv"}
//  CHECK-NEXT:   %[[Z:.+]] = incept.relu_backward %[[G]], %[[R]]
//  CHECK-NEXT:   %[[DW:.+]] = incept.conv2d_backward_weights %[[X]], %[[D]] normalized %[[F]]#0, %[[F]]#1 pad [1, 1] pad_end [1, 1]
//  CHECK-NEXT:   return %[[Y]], %[[Z]], %[[DW]], %[[V]]
// APART-LABEL: func.func @fuses
//       APART:   incept.batch_norm_finalize %{{.+}} gamma %{{[a-z0-9]+}} running
//       APART:   incept.conv2d_stats %{{[0-9]+}}, %{{[a-z0-9]+}} pad [1, 1] pad_end [1, 1] {incept.path = "conv"}
// Where costs grow with the square of the operations, what is in a call twice costs more than a launch.
//  SLOW-LABEL: func.func @fuses
//        SLOW:   incept.conv2d_stats %{{[0-9]+}}, %{{[a-z0-9]+}} pad [1, 1] pad_end [1, 1] {incept.normalized = "it would take {{[0-9.]+}} us with all that read it, against {{[0-9.]+}} us", incept.path = "conv"}
//        SLOW:   incept.conv2d_backward_weights %{{[0-9]+}}, %{{.+}} {incept.normalized = "it would take
func.func @fuses(%x: !x, %w: !w, %d: !y, %g: !x, %s: !v, %b: !v) -> (!y, !x, !w, !v) {
  %f:5 = incept.batch_norm_finalize %s, %s of %x gamma %s running %s, %s {epsilon = 1.0e-3, decay = 0.9, count = 50 : i64} : (!v, !v, !x, !v, !v, !v) -> (!v, !v, !v, !v, !v)
  %n = incept.scale_shift %x, %f#0, %f#2, %b : (!x, !v, !v, !v) -> !x
  %r = incept.relu %n : (!x) -> !x
  %y:3 = incept.conv2d_stats %r, %w pad [1, 1] pad_end [1, 1] {incept.path = "conv"} : (!x, !w) -> (!y, !u, !u)
  %z = incept.relu_backward %g, %r : (!x, !x) -> !x
  %dw = incept.conv2d_backward_weights %r, %d pad [1, 1] pad_end [1, 1] : (!x, !y) -> !w
  return %y#0, %z, %dw, %f#4 : !y, !x, !w, !v
}

// Nothing is left of the activation where no mask is; what is computed again for the gradient goes too. One batch norm gives the
// factors of both.
// CHECK-LABEL: func.func @computed_again
//       CHECK:   %[[F:[a-z_0-9]+]]:2 = incept.batch_norm_finalize
//   CHECK-NOT:   incept.batch_norm_finalize
//   CHECK-NOT:   incept.scale_shift
//   CHECK-NOT:   incept.relu
//       CHECK:   incept.conv2d_stats %{{.+}} normalized %[[F]]#0, %[[F]]#1
//       CHECK:   incept.conv2d_backward_weights %{{.+}} normalized %[[F]]#0, %[[F]]#1
func.func @computed_again(%x: !x, %w: !w, %d: !y, %s: !v, %b: !v) -> (!y, !w) {
  %f:5 = incept.batch_norm_finalize %s, %s running %s, %s {epsilon = 1.0e-3, decay = 0.9, count = 50 : i64} : (!v, !v, !v, !v) -> (!v, !v, !v, !v, !v)
  %n = incept.scale_shift %x, %f#0, %f#2, %b : (!x, !v, !v, !v) -> !x
  %r = incept.relu %n : (!x) -> !x
  %y:3 = incept.conv2d_stats %r, %w pad [1, 1] pad_end [1, 1] : (!x, !w) -> (!y, !u, !u)
  %n2 = incept.scale_shift %x, %f#0, %f#2, %b : (!x, !v, !v, !v) -> !x
  %r2 = incept.relu %n2 : (!x) -> !x
  %dw = incept.conv2d_backward_weights %r2, %d pad [1, 1] pad_end [1, 1] : (!x, !y) -> !w
  return %y#0, %dw : !y, !w
}

// A pool reads it from memory, where it then is.
// CHECK-LABEL: func.func @pooled
//       CHECK:   incept.batch_norm_finalize %{{.+}} gamma %{{[a-z0-9]+}} running
//       CHECK:   incept.conv2d_stats %{{[0-9]+}}, %{{[a-z0-9]+}} pad [1, 1] pad_end [1, 1] {incept.normalized = "'incept.max_pool' reads it too, from memory"}
//       CHECK:   incept.conv2d_backward_weights %{{.+}} {incept.normalized = "'incept.max_pool' reads it too, from memory"}
func.func @pooled(%x: !x, %w: !w, %d: !y, %s: !v, %b: !v) -> (!y, !w, tensor<2x8x4x4xf16>) {
  %f:5 = incept.batch_norm_finalize %s, %s of %x gamma %s running %s, %s {epsilon = 1.0e-3, decay = 0.9, count = 50 : i64} : (!v, !v, !x, !v, !v, !v) -> (!v, !v, !v, !v, !v)
  %n = incept.scale_shift %x, %f#0, %f#2, %b : (!x, !v, !v, !v) -> !x
  %r = incept.relu %n : (!x) -> !x
  %y:3 = incept.conv2d_stats %r, %w pad [1, 1] pad_end [1, 1] : (!x, !w) -> (!y, !u, !u)
  %p = incept.max_pool %r kernel [2, 2] : (!x) -> tensor<2x8x4x4xf16>
  %dw = incept.conv2d_backward_weights %r, %d pad [1, 1] pad_end [1, 1] : (!x, !y) -> !w
  return %y#0, %dw, %p : !y, !w, tensor<2x8x4x4xf16>
}

// The target has a reason against one of those that read it, so that all do.
// CHECK-LABEL: func.func @declined
//       CHECK:   incept.batch_norm_finalize %{{.+}} gamma %{{[a-z0-9]+}} running
//       CHECK:   incept.conv2d_stats %{{.+}} pad [1, 1] pad_end [1, 1] {incept.normalized = "the window is not 3 wide"}
//       CHECK:   incept.conv2d_backward_weights %{{.+}} {incept.normalized = "the window is not 3 wide"}
func.func @declined(%x: !x, %w: !w, %d: !y, %s: !v, %b: !v) -> (!y, tensor<32x8x1x1xf16>) {
  %f:5 = incept.batch_norm_finalize %s, %s of %x gamma %s running %s, %s {epsilon = 1.0e-3, decay = 0.9, count = 50 : i64} : (!v, !v, !x, !v, !v, !v) -> (!v, !v, !v, !v, !v)
  %n = incept.scale_shift %x, %f#0, %f#2, %b : (!x, !v, !v, !v) -> !x
  %r = incept.relu %n : (!x) -> !x
  %y:3 = incept.conv2d_stats %r, %w pad [1, 1] pad_end [1, 1] : (!x, !w) -> (!y, !u, !u)
  %dw = incept.conv2d_backward_weights %r, %d : (!x, !y) -> tensor<32x8x1x1xf16>
  return %y#0, %dw : !y, tensor<32x8x1x1xf16>
}

// Batch norm reads a part of what siblings give, which this target's library does not.
// CHECK-LABEL: func.func @slice
//       CHECK:   incept.conv2d_stats %{{.+}} {incept.normalized = "the library does not read the channel slice that batch norm does"}
func.func @slice(%whole: tensor<2x16x5x5xf16>, %w: !w, %s: !v, %b: !v) -> !y {
  %x = incept.slice_view %whole at 8 : (tensor<2x16x5x5xf16>) -> !x
  %f:5 = incept.batch_norm_finalize %s, %s of %x gamma %s running %s, %s {epsilon = 1.0e-3, decay = 0.9, count = 50 : i64} : (!v, !v, !x, !v, !v, !v) -> (!v, !v, !v, !v, !v)
  %n = incept.scale_shift %x, %f#0, %f#2, %b : (!x, !v, !v, !v) -> !x
  %r = incept.relu %n : (!x) -> !x
  %y:3 = incept.conv2d_stats %r, %w pad [1, 1] pad_end [1, 1] : (!x, !w) -> (!y, !u, !u)
  return %y#0 : !y
}

// A convolution that gives no statistics reads it in memory, so the other one does, too.
// CHECK-LABEL: func.func @without_statistics
//       CHECK:   incept.conv2d_stats %{{.+}} {incept.normalized = "a convolution that reads it gives no statistics"}
//       CHECK:   incept.conv2d %{{.+}} {incept.normalized = "a convolution that reads it gives no statistics"}
func.func @without_statistics(%x: !x, %w: !w, %s: !v, %b: !v) -> (!y, !y) {
  %f:5 = incept.batch_norm_finalize %s, %s of %x gamma %s running %s, %s {epsilon = 1.0e-3, decay = 0.9, count = 50 : i64} : (!v, !v, !x, !v, !v, !v) -> (!v, !v, !v, !v, !v)
  %n = incept.scale_shift %x, %f#0, %f#2, %b : (!x, !v, !v, !v) -> !x
  %r = incept.relu %n : (!x) -> !x
  %y:3 = incept.conv2d_stats %r, %w pad [1, 1] pad_end [1, 1] : (!x, !w) -> (!y, !u, !u)
  %k = incept.conv2d %r, %w pad [1, 1] pad_end [1, 1] : (!x, !w) -> !y
  return %y#0, %k : !y, !y
}

// Other things are convolved: an image, the ReLU of something else, a batch norm whose factor is another's, one whose
// mean is not what is subtracted, or one whose beta is read behind it.
// CHECK-LABEL: func.func @no_norm
// CHECK-COUNT-4:   incept.conv2d_stats %{{.+}} {incept.normalized = "what it reads is not the ReLU of a batch norm"}
//       CHECK:   incept.conv2d_stats %{{.+}} {incept.normalized = "the batch norm's beta comes after its statistics"}
func.func @no_norm(%x: !x, %w: !w, %s: !v) -> (!y, !y, !y, !y, !y) {
  %f:5 = incept.batch_norm_finalize %s, %s of %x gamma %s running %s, %s {epsilon = 1.0e-3, decay = 0.9, count = 50 : i64} : (!v, !v, !x, !v, !v, !v) -> (!v, !v, !v, !v, !v)
  %a:3 = incept.conv2d_stats %x, %w pad [1, 1] pad_end [1, 1] : (!x, !w) -> (!y, !u, !u)
  %r = incept.relu %x : (!x) -> !x
  %b:3 = incept.conv2d_stats %r, %w pad [1, 1] pad_end [1, 1] : (!x, !w) -> (!y, !u, !u)
  %n = incept.scale_shift %x, %f#0, %s, %s : (!x, !v, !v, !v) -> !x
  %rn = incept.relu %n : (!x) -> !x
  %c:3 = incept.conv2d_stats %rn, %w pad [1, 1] pad_end [1, 1] : (!x, !w) -> (!y, !u, !u)
  %running = incept.scale_shift %x, %f#3, %f#2, %s : (!x, !v, !v, !v) -> !x
  %rr = incept.relu %running : (!x) -> !x
  %e:3 = incept.conv2d_stats %rr, %w pad [1, 1] pad_end [1, 1] : (!x, !w) -> (!y, !u, !u)
  %late:5 = incept.batch_norm_finalize %s, %s running %s, %s {epsilon = 1.0e-3, decay = 0.9, count = 50 : i64} : (!v, !v, !v, !v) -> (!v, !v, !v, !v, !v)
  %m = incept.scale_shift %x, %f#0, %f#2, %late#0 : (!x, !v, !v, !v) -> !x
  %rm = incept.relu %m : (!x) -> !x
  %d:3 = incept.conv2d_stats %rm, %w pad [1, 1] pad_end [1, 1] : (!x, !w) -> (!y, !u, !u)
  return %a#0, %b#0, %c#0, %d#0, %e#0 : !y, !y, !y, !y, !y
}

// One batch norm has one pair of factors: who reads it with another beta reads the activation.
// CHECK-LABEL: func.func @two_betas
//       CHECK:   %[[F:[a-z_0-9]+]]:2 = incept.batch_norm_finalize {{.+}} beta %arg2
//       CHECK:   incept.conv2d_stats %{{.+}} normalized %[[F]]#0, %[[F]]#1 pad
//       CHECK:   incept.conv2d_stats %{{.+}} {incept.normalized = "the batch norm's statistics have factors with another beta"}
func.func @two_betas(%x: !x, %w: !w, %s: !v, %b: !v) -> (!y, !y) {
  %f:5 = incept.batch_norm_finalize %s, %s of %x gamma %s running %s, %s {epsilon = 1.0e-3, decay = 0.9, count = 50 : i64} : (!v, !v, !x, !v, !v, !v) -> (!v, !v, !v, !v, !v)
  %n = incept.scale_shift %x, %f#0, %f#2, %s : (!x, !v, !v, !v) -> !x
  %r = incept.relu %n : (!x) -> !x
  %y:3 = incept.conv2d_stats %r, %w pad [1, 1] pad_end [1, 1] : (!x, !w) -> (!y, !u, !u)
  %m = incept.scale_shift %x, %f#0, %f#2, %b : (!x, !v, !v, !v) -> !x
  %q = incept.relu %m : (!x) -> !x
  %z:3 = incept.conv2d_stats %q, %w pad [1, 1] pad_end [1, 1] : (!x, !w) -> (!y, !u, !u)
  return %y#0, %z#0 : !y, !y
}

// In inference nothing is fused: batch norms are part of the convolutions there.
// CHECK-LABEL: func.func @infer
//   CHECK-NOT:   normalized
func.func @infer(%x: !x, %w: !w, %s: !v, %b: !v) -> !y attributes {incept.entry = #incept.entry<infer>} {
  %f:5 = incept.batch_norm_finalize %s, %s of %x gamma %s running %s, %s {epsilon = 1.0e-3, decay = 0.9, count = 50 : i64} : (!v, !v, !x, !v, !v, !v) -> (!v, !v, !v, !v, !v)
  %n = incept.scale_shift %x, %f#0, %f#2, %b : (!x, !v, !v, !v) -> !x
  %r = incept.relu %n : (!x) -> !x
  %y:3 = incept.conv2d_stats %r, %w pad [1, 1] pad_end [1, 1] : (!x, !w) -> (!y, !u, !u)
  return %y#0 : !y
}
}
