// RUN: incept-opt %s --incept-form-groups | FileCheck %s
// RUN: incept-opt %s --incept-form-groups=recompute=false | FileCheck %s --check-prefix=KEEP
// RUN: incept-opt %s --incept-form-groups=fuse=false | FileCheck %s --check-prefix=NOFUSE

// The normalisation has one consumer, the ReLU: one kernel.
// CHECK-LABEL: func.func @chain
//       CHECK:   incept.group kernel
//       CHECK:     incept.scale_shift
//       CHECK:     incept.relu
//   CHECK-NOT:   incept.group
//       CHECK:   return
// NOFUSE-LABEL: func.func @chain
// NOFUSE-COUNT-2: incept.group kernel
func.func @chain(%x: tensor<2x4x3x3xf32>, %v: tensor<4xf32>) -> tensor<2x4x3x3xf32> {
  %y = incept.scale_shift %x, %v, %v, %v : (tensor<2x4x3x3xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<2x4x3x3xf32>
  %r = incept.relu %y : (tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  return %r : tensor<2x4x3x3xf32>
}

// The library call stays alone; the kernel after it does not take it in.
// CHECK-LABEL: func.func @library
//       CHECK:   %[[CONV:.+]] = incept.group library
//       CHECK:     incept.conv2d
//       CHECK:   incept.group kernel(%[[CONV]])
//       CHECK:     incept.relu
func.func @library(%x: tensor<2x4x3x3xf32>, %w: tensor<4x4x1x1xf32>) -> tensor<2x4x3x3xf32> {
  %y = incept.conv2d %x, %w : (tensor<2x4x3x3xf32>, tensor<4x4x1x1xf32>) -> tensor<2x4x3x3xf32>
  %r = incept.relu %y : (tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  return %r : tensor<2x4x3x3xf32>
}

// The masked gradient is cheap (two reads): the sums and the last op each compute it, and nothing is kept.
// CHECK-LABEL: func.func @recompute
//       CHECK:   %[[STATS:.+]]:2 = incept.group kernel
//       CHECK:     incept.relu_backward
//       CHECK:     incept.batch_norm_backward_stats
//       CHECK:   incept.group kernel
//       CHECK:     incept.relu_backward
//       CHECK:     incept.batch_norm_backward_apply
// The sums come first, so their kernel writes the masked gradient for the other.
// KEEP-LABEL: func.func @recompute
//       KEEP:   %[[STATS:.+]]:3 = incept.group kernel
//       KEEP:     incept.relu_backward
//       KEEP:     incept.batch_norm_backward_stats
//       KEEP:   incept.group kernel(%[[STATS]]#0
//   KEEP-NOT:     incept.relu_backward
//       KEEP:     incept.batch_norm_backward_apply
func.func @recompute(%g: tensor<2x4x3x3xf32>, %y: tensor<2x4x3x3xf32>, %x: tensor<2x4x3x3xf32>, %m: tensor<4xf32>) -> tensor<2x4x3x3xf32> {
  %d = incept.relu_backward %g, %y : (tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  %s:2 = incept.batch_norm_backward_stats %d, %x, %m : (tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  %r = incept.batch_norm_backward_apply %d, %x mean %m, %s#0, %s#1, %m : (tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<2x4x3x3xf32>
  return %r : tensor<2x4x3x3xf32>
}

// With a sum of three before it the masked gradient is dear: the first consumer computes it and yields it.
// CHECK-LABEL: func.func @dear_value_is_kept
//       CHECK:   %[[STATS:.+]]:3 = incept.group kernel
//       CHECK:     incept.add_n
//       CHECK:     incept.relu_backward
//       CHECK:     incept.batch_norm_backward_stats
//       CHECK:   incept.group kernel(%[[STATS]]#0
//   CHECK-NOT:     incept.add_n
//       CHECK:     incept.batch_norm_backward_apply
func.func @dear_value_is_kept(%a: tensor<2x4x3x3xf32>, %b: tensor<2x4x3x3xf32>, %y: tensor<2x4x3x3xf32>, %x: tensor<2x4x3x3xf32>, %m: tensor<4xf32>) -> tensor<2x4x3x3xf32> {
  %g = incept.add_n %a, %b, %x : (tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  %d = incept.relu_backward %g, %y : (tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  %s:2 = incept.batch_norm_backward_stats %d, %x, %m : (tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  %r = incept.batch_norm_backward_apply %d, %x mean %m, %s#0, %s#1, %m : (tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<2x4x3x3xf32>
  return %r : tensor<2x4x3x3xf32>
}

// The convolution between the two ReLUs needs the first one's result before the second kernel starts.
// CHECK-LABEL: func.func @other_consumer_between
//       CHECK:   %[[R:.+]] = incept.group kernel
//       CHECK:     incept.relu
//       CHECK:   %[[C:.+]] = incept.group library(%[[R]]
//       CHECK:   incept.group kernel(%{{.+}}, %[[C]])
//       CHECK:     incept.add
func.func @other_consumer_between(%x: tensor<2x4x3x3xf32>, %a: tensor<2x4x3x3xf32>, %b: tensor<2x4x3x3xf32>, %w: tensor<4x4x1x1xf32>) -> tensor<2x4x3x3xf32> {
  %r = incept.add_n %x, %a, %b : (tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  %q = incept.relu %r : (tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  %c = incept.conv2d %q, %w : (tensor<2x4x3x3xf32>, tensor<4x4x1x1xf32>) -> tensor<2x4x3x3xf32>
  %s = incept.add %q, %c : (tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  return %s : tensor<2x4x3x3xf32>
}

// A residual block's end, relu(x + 0.17 * y), is one kernel behind the convolution that gives y.
// CHECK-LABEL: func.func @residual
//       CHECK:   %[[Y:.+]] = incept.group library
//       CHECK:     incept.conv2d
//       CHECK:   %[[R:.+]] = incept.group kernel(%[[Y]], %arg0)
//       CHECK:     incept.scale
//       CHECK:     incept.add
//       CHECK:     incept.relu
//   CHECK-NOT:   incept.group
//       CHECK:   return %[[R]]
func.func @residual(%x: tensor<2x4x3x3xf32>, %w: tensor<4x4x1x1xf32>, %b: tensor<4xf32>) -> tensor<2x4x3x3xf32> {
  %y = incept.conv2d %x, %w bias %b : (tensor<2x4x3x3xf32>, tensor<4x4x1x1xf32>, tensor<4xf32>) -> tensor<2x4x3x3xf32>
  %s = incept.scale %y by 0.17 : (tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  %a = incept.add %x, %s : (tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  %r = incept.relu %a : (tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  return %r : tensor<2x4x3x3xf32>
}

// A convolution reads the first sum from memory, so the second one reads it there too: in inference, where it need not live
// until a gradient, and in training before the loss.
// CHECK-LABEL: func.func @trunk_in_inference
//       CHECK:   %[[A:.+]] = incept.group kernel(%arg0, %arg1)
//       CHECK:   incept.group library(%[[A]], %arg2)
//       CHECK:   incept.group kernel(%[[A]], %{{.+}})
//  CHECK-NEXT:   ^bb0
//  CHECK-NEXT:     incept.add
//  CHECK-NEXT:     incept.yield
func.func @trunk_in_inference(%x: tensor<2x4x3x3xf32>, %b: tensor<2x4x3x3xf32>, %w: tensor<4x4x1x1xf32>) -> tensor<2x4x3x3xf32>
    attributes {incept.entry = #incept.entry<infer>} {
  %x1 = incept.add %x, %b : (tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  %c1 = incept.conv2d %x1, %w : (tensor<2x4x3x3xf32>, tensor<4x4x1x1xf32>) -> tensor<2x4x3x3xf32>
  %x2 = incept.add %x1, %c1 : (tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  return %x2 : tensor<2x4x3x3xf32>
}

// Where nobody reads it from memory it is computed again, in inference too.
// CHECK-LABEL: func.func @sum_for_kernels_in_inference
//       CHECK:   incept.group kernel(%arg0, %arg1, %arg2)
//       CHECK:     incept.add
//       CHECK:     incept.add
//       CHECK:   incept.group library
//       CHECK:   incept.group kernel(%{{[^%]+}}, %{{[^%]+}}, %{{[^%]+}})
//       CHECK:     incept.add
//       CHECK:     incept.relu
//       CHECK:     incept.add
func.func @sum_for_kernels_in_inference(%x: tensor<2x4x3x3xf32>, %b: tensor<2x4x3x3xf32>, %a: tensor<2x4x3x3xf32>, %w: tensor<4x4x1x1xf32>) -> tensor<2x4x3x3xf32>
    attributes {incept.entry = #incept.entry<infer>} {
  %x1 = incept.add %x, %b : (tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  %y = incept.add %x1, %a : (tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  %c = incept.conv2d %y, %w : (tensor<2x4x3x3xf32>, tensor<4x4x1x1xf32>) -> tensor<2x4x3x3xf32>
  %r = incept.relu %x1 : (tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  %x2 = incept.add %r, %c : (tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  return %x2 : tensor<2x4x3x3xf32>
}

// The sum is needed by itself before the ReLU's kernel could give it: it stays outside.
// CHECK-LABEL: func.func @residual_sum_used_before
//       CHECK:     incept.add
//       CHECK:   incept.group library
//       CHECK:     incept.conv2d
//       CHECK:   incept.group kernel
//   CHECK-NOT:     incept.add %
//       CHECK:     incept.relu
func.func @residual_sum_used_before(%x: tensor<2x4x3x3xf32>, %y: tensor<2x4x3x3xf32>, %z: tensor<2x4x3x3xf32>, %w: tensor<4x4x1x1xf32>) -> (tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>) {
  %s = incept.add_n %x, %y, %z : (tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  %c = incept.conv2d %s, %w : (tensor<2x4x3x3xf32>, tensor<4x4x1x1xf32>) -> tensor<2x4x3x3xf32>
  %r = incept.relu %s : (tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  return %c, %r : tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>
}

// Each sum of a residual trunk is cheap by itself, but all ten of them would read eleven tensors. Eight are computed again
// for the mask; the sum before them is read.
// CHECK-LABEL: func.func @trunk
//       CHECK:   incept.group kernel(%{{[^%]+}}, %{{[^%]+}}, %{{[^%]+}}, %{{[^%]+}}, %{{[^%]+}}, %{{[^%]+}}, %{{[^%]+}}, %{{[^%]+}}, %{{[^%]+}}, %arg2)
// CHECK-COUNT-8:   incept.add %
//  CHECK-NEXT:     incept.relu_backward
func.func @trunk(%x0: tensor<2x4x3x3xf32>, %w: tensor<4x4x1x1xf32>, %d: tensor<2x4x3x3xf32>,
                 %b1: tensor<2x4x3x3xf32>, %b2: tensor<2x4x3x3xf32>, %b3: tensor<2x4x3x3xf32>, %b4: tensor<2x4x3x3xf32>, %b5: tensor<2x4x3x3xf32>,
                 %b6: tensor<2x4x3x3xf32>, %b7: tensor<2x4x3x3xf32>, %b8: tensor<2x4x3x3xf32>, %b9: tensor<2x4x3x3xf32>, %b10: tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32> {
  %x1 = incept.add %x0, %b1 : (tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  %c1 = incept.conv2d %x1, %w : (tensor<2x4x3x3xf32>, tensor<4x4x1x1xf32>) -> tensor<2x4x3x3xf32>
  %x2 = incept.add %x1, %b2 : (tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  %c2 = incept.conv2d %x2, %w : (tensor<2x4x3x3xf32>, tensor<4x4x1x1xf32>) -> tensor<2x4x3x3xf32>
  %x3 = incept.add %x2, %b3 : (tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  %c3 = incept.conv2d %x3, %w : (tensor<2x4x3x3xf32>, tensor<4x4x1x1xf32>) -> tensor<2x4x3x3xf32>
  %x4 = incept.add %x3, %b4 : (tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  %c4 = incept.conv2d %x4, %w : (tensor<2x4x3x3xf32>, tensor<4x4x1x1xf32>) -> tensor<2x4x3x3xf32>
  %x5 = incept.add %x4, %b5 : (tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  %c5 = incept.conv2d %x5, %w : (tensor<2x4x3x3xf32>, tensor<4x4x1x1xf32>) -> tensor<2x4x3x3xf32>
  %x6 = incept.add %x5, %b6 : (tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  %c6 = incept.conv2d %x6, %w : (tensor<2x4x3x3xf32>, tensor<4x4x1x1xf32>) -> tensor<2x4x3x3xf32>
  %x7 = incept.add %x6, %b7 : (tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  %c7 = incept.conv2d %x7, %w : (tensor<2x4x3x3xf32>, tensor<4x4x1x1xf32>) -> tensor<2x4x3x3xf32>
  %x8 = incept.add %x7, %b8 : (tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  %c8 = incept.conv2d %x8, %w : (tensor<2x4x3x3xf32>, tensor<4x4x1x1xf32>) -> tensor<2x4x3x3xf32>
  %x9 = incept.add %x8, %b9 : (tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  %c9 = incept.conv2d %x9, %w : (tensor<2x4x3x3xf32>, tensor<4x4x1x1xf32>) -> tensor<2x4x3x3xf32>
  %x10 = incept.add %x9, %b10 : (tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  %c10 = incept.conv2d %x10, %w : (tensor<2x4x3x3xf32>, tensor<4x4x1x1xf32>) -> tensor<2x4x3x3xf32>
  %m = incept.relu_backward %d, %x10 : (tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  return %m : tensor<2x4x3x3xf32>
}

// What is computed of the sums alone is computed where they are added up.
// CHECK-LABEL: func.func @finalize
//       CHECK:   %[[F:.+]]:5 = incept.group kernel(%arg0, %arg1, %arg2, %arg3)
//       CHECK:     incept.channel_stats
//  CHECK-NEXT:     incept.batch_norm_finalize
//       CHECK:   incept.group kernel(%arg0, %[[F]]#0, %[[F]]#2, %arg1)
//       CHECK:     incept.scale_shift
// NOFUSE-LABEL: func.func @finalize
// NOFUSE-COUNT-3: incept.group kernel
func.func @finalize(%x: tensor<2x4x3x3xf32>, %k: tensor<4xf32>, %m: tensor<4xf32>, %v: tensor<4xf32>) -> (tensor<2x4x3x3xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %s:2 = incept.channel_stats %x shift %k : (tensor<2x4x3x3xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  %f:5 = incept.batch_norm_finalize %s#0, %s#1 shift %k running %m, %v {epsilon = 1.0e-3 : f64, decay = 0.9 : f64, count = 18 : i64} : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  %y = incept.scale_shift %x, %f#0, %f#2, %k : (tensor<2x4x3x3xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<2x4x3x3xf32>
  return %y, %f#1, %f#3, %f#4 : tensor<2x4x3x3xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// Not where it needs something that is there only after the reduction, nor where it reads scalars: updates are joined
// with others.
// CHECK-LABEL: func.func @sums_by_themselves
//       CHECK:   %[[S:.+]] = incept.group kernel(%arg0)
//       CHECK:     incept.channel_sum
//       CHECK:   incept.group kernel
//       CHECK:     incept.relu
//       CHECK:     incept.add
//       CHECK:   incept.group kernel
//       CHECK:     incept.sgd_update
func.func @sums_by_themselves(%x: tensor<2x4x3x3xf32>, %k: tensor<4xf32>, %r: tensor<f32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %s = incept.channel_sum %x : (tensor<2x4x3x3xf32>) -> tensor<4xf32>
  %l = incept.relu %k : (tensor<4xf32>) -> tensor<4xf32>
  %a = incept.add %s, %l : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %u:2 = incept.sgd_update %k, %s, %k rate %r momentum %r weight_decay %r : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<f32>, tensor<f32>, tensor<f32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %a, %u#0, %u#1 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// The same in low precision, where the shift is of the image's type.
// CHECK-LABEL: func.func @finalize_f16
//       CHECK:   incept.group kernel(%arg0, %arg1, %arg2)
//       CHECK:     incept.channel_stats
//  CHECK-NEXT:     incept.batch_norm_finalize
func.func @finalize_f16(%x: tensor<2x4x3x3xf16>, %k: tensor<4xf16>, %m: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %s:2 = incept.channel_stats %x shift %k : (tensor<2x4x3x3xf16>, tensor<4xf16>) -> (tensor<4xf32>, tensor<4xf32>)
  %f:5 = incept.batch_norm_finalize %s#0, %s#1 shift %k running %m, %m {epsilon = 1.0e-3 : f64, decay = 0.9 : f64, count = 18 : i64} : (tensor<4xf32>, tensor<4xf32>, tensor<4xf16>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  return %f#0, %f#3 : tensor<4xf32>, tensor<4xf32>
}

// What nobody uses is not computed: no group without results.
// CHECK-LABEL: func.func @dead
//   CHECK-NOT:   incept.group
//       CHECK:   return
func.func @dead(%x: tensor<2x4x3x3xf32>) {
  %r = incept.relu %x : (tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  %s = incept.channel_sum %r : (tensor<2x4x3x3xf32>) -> tensor<4xf32>
  return
}

// Statistics from a convolution's sums join the first kernel that goes on with them; writes follow it.
// CHECK-LABEL: func.func @statistics
//       CHECK:   %[[G:.+]]:4 = incept.group kernel
//       CHECK:     incept.batch_norm_finalize
//       CHECK:     incept.scale_shift
//       CHECK:     incept.relu
//   CHECK-DAG:   incept.write @m, %[[G]]
//   CHECK-DAG:   incept.write @r, %[[G]]
//   CHECK-NOT:   incept.group
//       CHECK:   return
// NOFUSE-LABEL: func.func @statistics
// NOFUSE-COUNT-3: incept.group kernel
incept.variable @m kind state : tensor<4xf32>
incept.variable @r kind state : tensor<4xf32>
func.func @statistics(%x: tensor<2x4x3x3xf32>, %s: tensor<4xf32>, %q: tensor<4xf32>, %b: tensor<4xf32>) -> (tensor<2x4x3x3xf32>, tensor<4xf32>) {
  %m = incept.read @m : tensor<4xf32>
  %r = incept.read @r : tensor<4xf32>
  %f:5 = incept.batch_norm_finalize %s, %q of %x running %m, %r {epsilon = 1.0e-3, decay = 0.9, count = 18 : i64} : (tensor<4xf32>, tensor<4xf32>, tensor<2x4x3x3xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  %y = incept.scale_shift %x, %f#0, %f#2, %b : (tensor<2x4x3x3xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<2x4x3x3xf32>
  incept.write @m, %f#3 : tensor<4xf32>
  incept.write @r, %f#4 : tensor<4xf32>
  %z = incept.relu %y : (tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  return %z, %f#1 : tensor<2x4x3x3xf32>, tensor<4xf32>
}

// A library's call and a reduction go on with them before any kernel over rows does: they stay by themselves.
// CHECK-LABEL: func.func @statistics_of_reduction
//       CHECK:   %[[F:.+]] = incept.group kernel
//       CHECK:     incept.batch_norm_finalize
//       CHECK:   incept.group kernel
//       CHECK:     incept.batch_norm_backward_stats
func.func @statistics_of_reduction(%x: tensor<2x4x3x3xf32>, %s: tensor<4xf32>, %q: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %f:5 = incept.batch_norm_finalize %s, %q of %x running %s, %q {epsilon = 1.0e-3, decay = 0.9, count = 18 : i64} : (tensor<4xf32>, tensor<4xf32>, tensor<2x4x3x3xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  %a, %b = incept.batch_norm_backward_stats %x, %x, %f#0 : (tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %a, %b : tensor<4xf32>, tensor<4xf32>
}
