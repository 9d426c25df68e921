// RUN: incept-opt %s -pass-pipeline='builtin.module(func.func(incept-recompute-activations))' | FileCheck %s

!x = tensor<2x4x3x3xf32>
!v = tensor<4xf32>
!w = tensor<4x4x1x1xf32>

// The convolution's result %c is kept for the sums of the gradient, so the activation need not be. The mask's copy stands
// before its user, the one for the library before the library.
// CHECK-LABEL: func.func @activation
//       CHECK:   %[[C:.+]] = incept.conv2d
//       CHECK:   %[[N:.+]] = incept.scale_shift %[[C]]
//       CHECK:   %[[Y:.+]] = incept.relu %[[N]]
//       CHECK:   incept.global_avg_pool %[[Y]]
//       CHECK:   incept.softmax_cross_entropy
//       CHECK:   %[[D:.+]] = incept.global_avg_pool_backward
//       CHECK:   %[[N2:.+]] = incept.scale_shift %[[C]]
//       CHECK:   %[[Y2:.+]] = incept.relu %[[N2]]
//       CHECK:   incept.relu_backward %[[D]], %[[Y2]]
//       CHECK:   %[[N3:.+]] = incept.scale_shift %[[C]]
//       CHECK:   %[[Y3:.+]] = incept.relu %[[N3]]
//       CHECK:   incept.conv2d_backward_weights %[[Y3]]
func.func @activation(%x: !x, %w: !w, %v: !v, %labels: tensor<2xi64>) -> (tensor<f32>, !v, !v, !w) {
  %c = incept.conv2d %x, %w : (!x, !w) -> !x
  %n = incept.scale_shift %c, %v, %v, %v : (!x, !v, !v, !v) -> !x
  %y = incept.relu %n : (!x) -> !x
  %g = incept.global_avg_pool %y : (!x) -> tensor<2x4x1x1xf32>
  %f = incept.flatten %g : (tensor<2x4x1x1xf32>) -> tensor<2x4xf32>
  %loss = incept.softmax_cross_entropy %f, %labels {label_smoothing = 0.0} : (tensor<2x4xf32>, tensor<2xi64>) -> tensor<f32>
  %d = incept.global_avg_pool_backward %g : (tensor<2x4x1x1xf32>) -> !x
  %r = incept.relu_backward %d, %y : (!x, !x) -> !x
  %s:2 = incept.batch_norm_backward_stats %r, %c, %v : (!x, !x, !v) -> (!v, !v)
  %dw = incept.conv2d_backward_weights %y, %r : (!x, !x) -> !w
  return %loss, %s#0, %s#1, %dw : tensor<f32>, !v, !v, !w
}

// Nothing else keeps %c, the result of the convolution: keeping it instead of %y would gain nothing.
// CHECK-LABEL: func.func @nothing_kept
//       CHECK:   %[[Y:.+]] = incept.relu
//       CHECK:   incept.softmax_cross_entropy
//   CHECK-NOT:   incept.relu %
//       CHECK:   incept.relu_backward %{{.+}}, %[[Y]]
func.func @nothing_kept(%x: !x, %w: !w, %labels: tensor<2xi64>) -> (tensor<f32>, !x) {
  %c = incept.conv2d %x, %w : (!x, !w) -> !x
  %y = incept.relu %c : (!x) -> !x
  %g = incept.global_avg_pool %y : (!x) -> tensor<2x4x1x1xf32>
  %f = incept.flatten %g : (tensor<2x4x1x1xf32>) -> tensor<2x4xf32>
  %loss = incept.softmax_cross_entropy %f, %labels {label_smoothing = 0.0} : (tensor<2x4xf32>, tensor<2xi64>) -> tensor<f32>
  %d = incept.global_avg_pool_backward %g : (tensor<2x4x1x1xf32>) -> !x
  %r = incept.relu_backward %d, %y : (!x, !x) -> !x
  return %loss, %r : tensor<f32>, !x
}

// A concat is rebuilt from its parts; each is computed from the kept convolution result of its branch.
// CHECK-LABEL: func.func @concat
//       CHECK:   %[[A:.+]] = incept.conv2d
//       CHECK:   %[[B:.+]] = incept.conv2d
//       CHECK:   incept.softmax_cross_entropy
//       CHECK:   %[[RA:.+]] = incept.relu %[[A]]
//       CHECK:   %[[RB:.+]] = incept.relu %[[B]]
//       CHECK:   %[[Z:.+]] = incept.concat %[[RA]], %[[RB]]
//       CHECK:   incept.conv2d_backward_weights %[[Z]]
func.func @concat(%x: !x, %w: !w, %v: !v, %labels: tensor<2xi64>, %dz: !x) -> (tensor<f32>, tensor<4x8x1x1xf32>, !v, !v) {
  %a = incept.conv2d %x, %w : (!x, !w) -> !x
  %b = incept.conv2d %x, %w : (!x, !w) -> !x
  %ya = incept.relu %a : (!x) -> !x
  %yb = incept.relu %b : (!x) -> !x
  %z = incept.concat %ya, %yb : (!x, !x) -> tensor<2x8x3x3xf32>
  %g = incept.global_avg_pool %z : (tensor<2x8x3x3xf32>) -> tensor<2x8x1x1xf32>
  %f = incept.flatten %g : (tensor<2x8x1x1xf32>) -> tensor<2x8xf32>
  %loss = incept.softmax_cross_entropy %f, %labels {label_smoothing = 0.0} : (tensor<2x8xf32>, tensor<2xi64>) -> tensor<f32>
  %dw = incept.conv2d_backward_weights %z, %dz : (tensor<2x8x3x3xf32>, !x) -> tensor<4x8x1x1xf32>
  %sa:2 = incept.batch_norm_backward_stats %dz, %a, %v : (!x, !x, !v) -> (!v, !v)
  %sb:2 = incept.batch_norm_backward_stats %dz, %b, %v : (!x, !x, !v) -> (!v, !v)
  return %loss, %dw, %sa#0, %sb#1 : tensor<f32>, tensor<4x8x1x1xf32>, !v, !v
}

// Three times its size would be read for this sum: it stays.
// CHECK-LABEL: func.func @reads_too_much
//       CHECK:   %[[S:.+]] = incept.add_n
//       CHECK:   incept.softmax_cross_entropy
//   CHECK-NOT:   incept.add_n
//       CHECK:   incept.conv2d_backward_weights %[[S]]
func.func @reads_too_much(%x: !x, %w: !w, %v: !v, %labels: tensor<2xi64>, %d: !x) -> (tensor<f32>, !w, !v, !v, !v) {
  %a = incept.conv2d %x, %w : (!x, !w) -> !x
  %b = incept.conv2d %a, %w : (!x, !w) -> !x
  %c = incept.conv2d %b, %w : (!x, !w) -> !x
  %y = incept.add_n %a, %b, %c : (!x, !x, !x) -> !x
  %g = incept.global_avg_pool %y : (!x) -> tensor<2x4x1x1xf32>
  %f = incept.flatten %g : (tensor<2x4x1x1xf32>) -> tensor<2x4xf32>
  %loss = incept.softmax_cross_entropy %f, %labels {label_smoothing = 0.0} : (tensor<2x4xf32>, tensor<2xi64>) -> tensor<f32>
  %dw = incept.conv2d_backward_weights %y, %d : (!x, !x) -> !w
  %sa:2 = incept.batch_norm_backward_stats %d, %a, %v : (!x, !x, !v) -> (!v, !v)
  %sb:2 = incept.batch_norm_backward_stats %d, %b, %v : (!x, !x, !v) -> (!v, !v)
  %sc:2 = incept.batch_norm_backward_stats %d, %c, %v : (!x, !x, !v) -> (!v, !v)
  return %loss, %dw, %sa#0, %sb#0, %sc#0 : tensor<f32>, !w, !v, !v, !v
}

// The fifth op from what is kept would be too much work: it stays, and the sixth is computed from it.
// CHECK-LABEL: func.func @long_chain
//       CHECK:   %[[C:.+]] = incept.conv2d
//       CHECK:   %[[Y1:.+]] = incept.relu %[[C]]
//       CHECK:   %[[Y2:.+]] = incept.relu %[[Y1]]
//       CHECK:   %[[Y3:.+]] = incept.relu %[[Y2]]
//       CHECK:   %[[Y4:.+]] = incept.relu %[[Y3]]
//       CHECK:   %[[Y5:.+]] = incept.relu %[[Y4]]
//       CHECK:   incept.softmax_cross_entropy
//       CHECK:   %[[D:.+]] = incept.global_avg_pool_backward
//       CHECK:   %[[R6:.+]] = incept.relu %[[Y5]]
//       CHECK:   %[[D6:.+]] = incept.relu_backward %[[D]], %[[R6]]
//       CHECK:   %[[D5:.+]] = incept.relu_backward %[[D6]], %[[Y5]]
//       CHECK:   %[[R1:.+]] = incept.relu %[[C]]
//  CHECK-NEXT:   %[[R2:.+]] = incept.relu %[[R1]]
//  CHECK-NEXT:   %[[R3:.+]] = incept.relu %[[R2]]
//  CHECK-NEXT:   %[[R4:.+]] = incept.relu %[[R3]]
//  CHECK-NEXT:   incept.relu_backward %[[D5]], %[[R4]]
func.func @long_chain(%x: !x, %w: !w, %v: !v, %labels: tensor<2xi64>) -> (tensor<f32>, !v, !v) {
  %c = incept.conv2d %x, %w : (!x, !w) -> !x
  %y1 = incept.relu %c : (!x) -> !x
  %y2 = incept.relu %y1 : (!x) -> !x
  %y3 = incept.relu %y2 : (!x) -> !x
  %y4 = incept.relu %y3 : (!x) -> !x
  %y5 = incept.relu %y4 : (!x) -> !x
  %y6 = incept.relu %y5 : (!x) -> !x
  %g = incept.global_avg_pool %y6 : (!x) -> tensor<2x4x1x1xf32>
  %f = incept.flatten %g : (tensor<2x4x1x1xf32>) -> tensor<2x4xf32>
  %loss = incept.softmax_cross_entropy %f, %labels {label_smoothing = 0.0} : (tensor<2x4xf32>, tensor<2xi64>) -> tensor<f32>
  %d = incept.global_avg_pool_backward %g : (tensor<2x4x1x1xf32>) -> !x
  %d6 = incept.relu_backward %d, %y6 : (!x, !x) -> !x
  %d5 = incept.relu_backward %d6, %y5 : (!x, !x) -> !x
  %d4 = incept.relu_backward %d5, %y4 : (!x, !x) -> !x
  %s:2 = incept.batch_norm_backward_stats %d4, %c, %v : (!x, !x, !v) -> (!v, !v)
  return %loss, %s#0, %s#1 : tensor<f32>, !v, !v
}
