// RUN: incept-opt %s -pass-pipeline='builtin.module(func.func(incept-recompute-activations{memory-budget=3572}))' | FileCheck %s --check-prefixes=CHECK,PLENTY
// RUN: incept-opt %s -pass-pipeline='builtin.module(func.func(incept-recompute-activations{memory-budget=3571}))' | FileCheck %s --check-prefixes=CHECK,LARGEST
// RUN: incept-opt %s -pass-pipeline='builtin.module(func.func(incept-recompute-activations{memory-budget=1}))' | FileCheck %s --check-prefixes=CHECK,NONE
// RUN: incept-opt %s -pass-pipeline='builtin.module(func.func(incept-recompute-activations))' | FileCheck %s --check-prefixes=CHECK,NONE

!x = tensor<2x4x6x6xf32>
!y = tensor<2x4x3x3xf32>
!w = tensor<4x4x1x1xf32>
!v = tensor<4xf32>

// Two activations that gradients of weights read, one of 1,152 bytes and one of 288. Most is alive at %sa: %a, %ya and %ra
// of 1,152 bytes each, and 116 bytes of vectors, weights and the loss. With a budget for all of it the library reads what
// was kept; with one byte less, the larger is computed again, with less still both are. The mask of the ReLU costs nothing:
// its kernel takes the computation in all the same.
// CHECK-LABEL: func.func @two
//       CHECK:   %[[A:.+]] = incept.conv2d
//       CHECK:   %[[YA:.+]] = incept.relu %[[A]]
//       CHECK:   %[[B:.+]] = incept.conv2d
//       CHECK:   %[[YB:.+]] = incept.relu %[[B]]
//       CHECK:   incept.softmax_cross_entropy
//       CHECK:   %[[MB:.+]] = incept.relu %[[B]]
//       CHECK:   incept.relu_backward %{{.+}}, %[[MB]]
//      PLENTY:   incept.conv2d_backward_weights %[[YB]]
//     LARGEST:   incept.conv2d_backward_weights %[[YB]]
//        NONE:   %[[RB:.+]] = incept.relu %[[B]]
//        NONE:   incept.conv2d_backward_weights %[[RB]]
//       CHECK:   %[[MA:.+]] = incept.relu %[[A]]
//       CHECK:   incept.relu_backward %{{.+}}, %[[MA]]
//      PLENTY:   incept.conv2d_backward_weights %[[YA]]
//     LARGEST:   %[[RA:.+]] = incept.relu %[[A]]
//     LARGEST:   incept.conv2d_backward_weights %[[RA]]
//        NONE:   %[[RA:.+]] = incept.relu %[[A]]
//        NONE:   incept.conv2d_backward_weights %[[RA]]
func.func @two(%x: !x, %w: !w, %v: !v, %labels: tensor<2xi64>, %da: !x) -> (tensor<f32>, !v, !v, !w, !w) {
  %a = incept.conv2d %x, %w : (!x, !w) -> !x
  %ya = incept.relu %a : (!x) -> !x
  %p = incept.avg_pool %ya kernel [2, 2] stride [2, 2] : (!x) -> !y
  %b = incept.conv2d %p, %w : (!y, !w) -> !y
  %yb = incept.relu %b : (!y) -> !y
  %g = incept.global_avg_pool %yb : (!y) -> tensor<2x4x1x1xf32>
  %f = incept.flatten %g : (tensor<2x4x1x1xf32>) -> tensor<2x4xf32>
  %loss = incept.softmax_cross_entropy %f, %labels {label_smoothing = 0.0} : (tensor<2x4xf32>, tensor<2xi64>) -> tensor<f32>
  %dg = incept.global_avg_pool_backward %g : (tensor<2x4x1x1xf32>) -> !y
  %rb = incept.relu_backward %dg, %yb : (!y, !y) -> !y
  %sb:2 = incept.batch_norm_backward_stats %rb, %b, %v : (!y, !y, !v) -> (!v, !v)
  %dwb = incept.conv2d_backward_weights %yb, %rb : (!y, !y) -> !w
  %ra = incept.relu_backward %da, %ya : (!x, !x) -> !x
  %sa:2 = incept.batch_norm_backward_stats %ra, %a, %v : (!x, !x, !v) -> (!v, !v)
  %dwa = incept.conv2d_backward_weights %ya, %ra : (!x, !x) -> !w
  return %loss, %sa#0, %sb#0, %dwb, %dwa : tensor<f32>, !v, !v, !w, !w
}
