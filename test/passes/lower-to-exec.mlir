// RUN: incept-opt %s --incept-form-groups --incept-assign-layouts --incept-plan-memory --incept-lower-to-exec | FileCheck %s

module attributes {incept.target = #incept.target<fake>} {
// Decayed parameters first: b.weight (16 values, 64 bytes) lies before a.bias; gradients lie in their parameters' order.
// CHECK-DAG: incept.variable @a.bias kind parameter {bytes = 16 : i64, offset = 64 : i64, region = @params}
// CHECK-DAG: incept.variable @b.weight kind parameter decay {bytes = 64 : i64, offset = 0 : i64, region = @params}
// CHECK-DAG: incept.variable @"grad/a.bias" kind gradient of @a.bias {bytes = 16 : i64, offset = 0 : i64, region = @grads}
incept.variable @a.bias kind parameter : tensor<4xf32>
incept.variable @b.weight kind parameter decay : tensor<4x4xf32>
incept.variable @"grad/a.bias" kind gradient of @a.bias : tensor<4xf32>
incept.variable @"io/f32_input" kind io role "f32_input" : tensor<2x4x8x8xf32>

// The fields that every program has, and one of a new optimizer's behind them, which has a launch read it there.
// CHECK-DAG: incept.exec.region @step 64
// CHECK-DAG: incept.exec.field "seed" of @step at 8 : ui64
// CHECK-DAG: incept.exec.field "learning_rate" of @step at 24 : f32
// CHECK-DAG: incept.exec.field "weight_decay" of @step at 40 : f32
// CHECK-DAG: incept.exec.field "beta" of @step at 44 : f32
incept.step_field @learning_rate : f32
incept.step_field @beta : f32

// A sum over 2*8*8 = 128 rows: chunks of 32 rows give 4 rows of partial sums, which a second launch adds into the
// gradient's own memory.
// CHECK-LABEL: func.func @sum
//       CHECK:   %[[X:.+]] = incept.exec.slice @io at 0
//       CHECK:   %[[P:.+]] = incept.exec.slice @arena at 0 : memref<4x4xf32>
//       CHECK:   incept.exec.kernel @{{.+}}channel_sum ins(%[[X]] : memref<2x4x8x8xf32, strided<[256, 1, 32, 4]>>) outs(%[[P]] : memref<4x4xf32>) extents [128, 4, 32, 4] units 4
//  CHECK-SAME:     incept.bytes = 2112 : i64, incept.flops = 512 : i64
//       CHECK:   %[[P2:.+]] = incept.exec.slice @arena at 0 : memref<4x4xf32>
//       CHECK:   %[[G:.+]] = incept.exec.slice @grads at 0
//       CHECK:   incept.exec.kernel @{{.+}}combine ins(%[[P2]] : memref<4x4xf32>) outs(%[[G]] : memref<4xf32>) extents [4, 4] units 1
//  CHECK-SAME:     incept.bytes = 80 : i64, incept.flops = 16 : i64
func.func @sum() {
  %x = incept.read @"io/f32_input" : tensor<2x4x8x8xf32>
  %s = incept.channel_sum %x : (tensor<2x4x8x8xf32>) -> tensor<4xf32>
  incept.write @"grad/a.bias", %s : tensor<4xf32>
  return
}

// What is computed of sums goes into the launch that adds the partial ones; both launches read the shift. The values per
// channel, 128, are an extent.
// CHECK-LABEL: func.func @finalize
//       CHECK:   %[[K:.+]] = incept.exec.slice @params at 64
//       CHECK:   incept.exec.kernel @{{.+}}channel_stats ins(%{{.+}}, %[[K]] : {{.+}}) outs(%[[S:.+]], %[[Q:[^ ]+]] : {{.+}}) extents [128, 4, 32, 4] units 4
//       CHECK:   incept.exec.kernel @{{.+}}combine_batch_norm_finalize ins(%{{.+}}, %{{.+}}, %{{.+}} : memref<4x4xf32>, memref<4x4xf32>, memref<4xf32>) outs(%{{.+}}, %{{.+}} : memref<4xf32>, memref<4xf32>) extents [4, 4, 128] units 1
func.func @finalize() {
  %x = incept.read @"io/f32_input" : tensor<2x4x8x8xf32>
  %k = incept.read @a.bias : tensor<4xf32>
  %s:2 = incept.channel_stats %x shift %k : (tensor<2x4x8x8xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  %f:5 = incept.batch_norm_finalize %s#0, %s#1 shift %k running %k, %k {epsilon = 1.0e-3 : f64, decay = 0.9 : f64, count = 128 : i64} : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  incept.write @"grad/a.bias", %f#0 : tensor<4xf32>
  incept.write @a.bias, %f#3 : tensor<4xf32>
  return
}

// Two ReLUs of different sizes are one kernel: extents make the difference.
// CHECK-LABEL: func.func @one_kernel
//       CHECK:   incept.exec.kernel @[[K:.+]] ins(%{{.+}} : {{.+}}) outs(%{{.+}} : {{.+}}) extents [512] units 1
//       CHECK:   incept.exec.kernel @[[K]] ins(%{{.+}} : memref<4x4xf32>) outs(%{{.+}} : memref<4x4xf32>) extents [16] units 1
func.func @one_kernel() {
  %x = incept.read @"io/f32_input" : tensor<2x4x8x8xf32>
  %r = incept.relu %x : (tensor<2x4x8x8xf32>) -> tensor<2x4x8x8xf32>
  incept.write @"io/f32_input", %r : tensor<2x4x8x8xf32>
  %w = incept.read @b.weight : tensor<4x4xf32>
  %q = incept.relu %w : (tensor<4x4xf32>) -> tensor<4x4xf32>
  incept.write @b.weight, %q : tensor<4x4xf32>
  return
}

// 3x3 on 8x8 with a border of one: of the 24 pairs of an output and a tap in each direction 2 lie outside, so 22 * 22
// multiply-accumulates for each image and pair of channels, two operations each. With stride 2 down the 4 outputs have 12
// taps there, of which one lies outside. A window that reads no padding has them all.
incept.variable @c.weight kind parameter : tensor<16x4x3x3xf32>
incept.variable @"io/a" kind io role "a" : tensor<2x16x8x8xf32>
incept.variable @"io/b" kind io role "b" : tensor<2x16x4x8xf32>
incept.variable @"io/c" kind io role "c" : tensor<2x16x6x6xf32>
// CHECK-LABEL: func.func @convolutions
// Weights in the library's format are a row of what it has: 16 x 16 x 9 values, of which channels 4 to 15 are padding.
//       CHECK:   %[[X:.+]] = incept.exec.slice @io at 0 : memref<2x4x8x8xf32, strided<[256, 1, 32, 4]>>
//       CHECK:   %[[W:.+]] = incept.exec.slice @params at {{[0-9]+}} : memref<2304xf32>
//       CHECK:   incept.exec.library @plan_{{.+}} ins(%[[X]], %[[W]] : {{.+}}) outs(%{{.+}} : memref<2x16x8x8xf32, strided<[1024, 1, 128, 16]>>) scratchpad(%{{.+}} : memref<128xi8>) {incept.bytes = {{[0-9]+}} : i64, incept.flops = 123904 : i64
//       CHECK:   incept.exec.library {{.+}}incept.flops = 61952 : i64
//       CHECK:   incept.exec.library {{.+}}incept.flops = 82944 : i64
func.func @convolutions() {
  %x = incept.read @"io/f32_input" : tensor<2x4x8x8xf32>
  %w = incept.read @c.weight : tensor<16x4x3x3xf32>
  %0 = incept.conv2d %x, %w pad [1, 1] pad_end [1, 1] : (tensor<2x4x8x8xf32>, tensor<16x4x3x3xf32>) -> tensor<2x16x8x8xf32>
  incept.write @"io/a", %0 : tensor<2x16x8x8xf32>
  %1 = incept.conv2d %x, %w stride [2, 1] pad [1, 1] pad_end [0, 1] : (tensor<2x4x8x8xf32>, tensor<16x4x3x3xf32>) -> tensor<2x16x4x8xf32>
  incept.write @"io/b", %1 : tensor<2x16x4x8xf32>
  %2 = incept.conv2d %x, %w : (tensor<2x4x8x8xf32>, tensor<16x4x3x3xf32>) -> tensor<2x16x6x6xf32>
  incept.write @"io/c", %2 : tensor<2x16x6x6xf32>
  return
}

// Halves of a buffer of 8 channels: rows of 4 at a distance of 8, the second 16 bytes behind the first.
incept.variable @"io/means" kind io role "means" : tensor<2x8x1x1xf32>
// CHECK-LABEL: func.func @channel_slices
//       CHECK:   %[[A:.+]] = incept.exec.slice @arena at [[#BEGIN:]] : memref<2x4x8x8xf32, strided<[512, 1, 64, 8]>>
//       CHECK:   incept.exec.kernel @{{.+}}relu ins(%{{.+}} : {{.+}}) outs(%[[A]] : {{.+}}) extents [128, 4, 4, 8] units 128
//       CHECK:   %[[B:.+]] = incept.exec.slice @arena at [[#BEGIN+16]] : memref<2x4x8x8xf32, strided<[512, 1, 64, 8]>>
//       CHECK:   incept.exec.kernel @{{.+}}scale ins(%{{.+}} : {{.+}}) outs(%[[B]] : {{.+}}) extents [128, 4, 4, 8] units 128
func.func @channel_slices() {
  %x = incept.read @"io/f32_input" : tensor<2x4x8x8xf32>
  %0 = incept.relu %x : (tensor<2x4x8x8xf32>) -> tensor<2x4x8x8xf32>
  %1 = incept.scale %x by 2.0 : (tensor<2x4x8x8xf32>) -> tensor<2x4x8x8xf32>
  %2 = incept.concat_view %0, %1 : (tensor<2x4x8x8xf32>, tensor<2x4x8x8xf32>) -> tensor<2x8x8x8xf32>
  %3 = incept.global_avg_pool %2 : (tensor<2x8x8x8xf32>) -> tensor<2x8x1x1xf32>
  incept.write @"io/means", %3 : tensor<2x8x1x1xf32>
  return
}

// CHECK-LABEL: func.func @step_fields
//       CHECK:   %[[R:.+]] = incept.exec.slice @step at 24 : memref<f32>
//       CHECK:   %[[B:.+]] = incept.exec.slice @step at 44 : memref<f32>
//       CHECK:   incept.exec.kernel @{{.+}}select ins(%[[R]], %[[B]], %{{.+}} : memref<f32>, memref<f32>, memref<f32>)
incept.variable @"io/scalar" kind io role "scalar" : tensor<f32>
func.func @step_fields() {
  %r = incept.step_value @learning_rate : tensor<f32>
  %b = incept.step_value @beta : tensor<f32>
  %s = incept.read @"io/scalar" : tensor<f32>
  %0 = incept.select %r, %b, %s : (tensor<f32>, tensor<f32>, tensor<f32>) -> tensor<f32>
  incept.write @"io/scalar", %0 : tensor<f32>
  return
}

// A loss of 2^16 logits or fewer is one unit, which writes the mean. A larger one is cut into parts of 2^16, here 32 rows,
// and of whole vectors of rows; a second launch adds the parts' shares. Where rows are ignored, it adds the sums and the
// numbers of the others, and divides.
incept.variable @"io/l32" kind io role "l32" : tensor<32x2048xf32>
incept.variable @"io/l70" kind io role "l70" : tensor<70x2048xf32>
incept.variable @"io/t32" kind io role "t32" : tensor<32xi64>
incept.variable @"io/t70" kind io role "t70" : tensor<70xi64>
incept.variable @"io/count" kind io role "count" : tensor<f32>
// CHECK-LABEL: func.func @losses
//       CHECK:   incept.exec.kernel @[[L:.+softmax_cross_entropy]] ins(%{{.+}}, %{{.+}} : {{.+}}) outs(%{{.+}} : memref<f32>) extents [32, 2048, 32, 2048] units 1
//   CHECK-NOT:   incept.exec.kernel
//       CHECK:   %[[P:.+]] = incept.exec.slice @arena at {{[0-9]+}} : memref<3xf32>
//       CHECK:   incept.exec.kernel @[[L]] ins(%{{.+}}, %{{.+}} : {{.+}}) outs(%[[P]] : memref<3xf32>) extents [70, 2048, 32, 2048] units 3
//       CHECK:   incept.exec.kernel @{{.+}}combine ins(%{{.+}} : memref<3x1xf32>) outs(%{{.+}} : memref<1xf32>) extents [3, 1] units 1
//       CHECK:   %[[S:.+]] = incept.exec.slice @arena at [[#SUMS:]] : memref<3xf32>
//       CHECK:   %[[N:.+]] = incept.exec.slice @arena at [[#SUMS+64]] : memref<3xf32>
//       CHECK:   incept.exec.kernel @{{.+}}softmax_cross_entropy ins(%{{.+}}, %{{.+}} : {{.+}}) outs(%[[S]], %[[N]] : memref<3xf32>, memref<3xf32>) extents [70, 2048, 32, 2048] units 3
//       CHECK:   incept.exec.kernel @{{.+}}combine_mean_loss ins(%{{.+}}, %{{.+}} : memref<3x1xf32>, memref<3x1xf32>) outs(%{{.+}}, %{{.+}} : memref<1xf32>, memref<1xf32>) extents [3, 1] units 1
func.func @losses() {
  %l32 = incept.read @"io/l32" : tensor<32x2048xf32>
  %t32 = incept.read @"io/t32" : tensor<32xi64>
  %0 = incept.softmax_cross_entropy %l32, %t32 {label_smoothing = 0.0} : (tensor<32x2048xf32>, tensor<32xi64>) -> tensor<f32>
  incept.write @"io/scalar", %0 : tensor<f32>
  %l70 = incept.read @"io/l70" : tensor<70x2048xf32>
  %t70 = incept.read @"io/t70" : tensor<70xi64>
  %1 = incept.softmax_cross_entropy %l70, %t70 {label_smoothing = 0.0} : (tensor<70x2048xf32>, tensor<70xi64>) -> tensor<f32>
  incept.write @"io/scalar", %1 : tensor<f32>
  %2, %3 = incept.softmax_cross_entropy %l70, %t70 ignore 7 {label_smoothing = 0.0} : (tensor<70x2048xf32>, tensor<70xi64>) -> (tensor<f32>, tensor<f32>)
  incept.write @"io/scalar", %2 : tensor<f32>
  incept.write @"io/count", %3 : tensor<f32>
  return
}

// A kernel that is one op writes all of its results, wanted or not.
incept.variable @"io/e" kind io role "e" : tensor<2x4x4x4xf32>
// CHECK-LABEL: func.func @unused_result
//       CHECK:   incept.exec.kernel @k{{[0-9]+}}_max_pool_with_index ins(%{{[0-9]+}} : {{.+}}) outs(%{{[0-9]+}}, %{{[0-9]+}} : {{.+}})
func.func @unused_result() {
  %x = incept.read @"io/f32_input" : tensor<2x4x8x8xf32>
  %y, %i = incept.max_pool_with_index %x kernel [2, 2] stride [2, 2] : (tensor<2x4x8x8xf32>) -> (tensor<2x4x4x4xf32>, tensor<2x4x4x4xui8>)
  incept.write @"io/e", %y : tensor<2x4x4x4xf32>
  return
}

// Windows of 3x3 that move by two reach seven of eight rows and columns, so that 2*4*7*7 values are read, and 2*4*3*3
// written; with a border of one they reach all. Backward, every value is written.
incept.variable @"io/f" kind io role "f" : tensor<2x4x3x3xf32>
// CHECK-LABEL: func.func @pools
//       CHECK:   incept.exec.kernel @{{.+}}max_pool ins({{.+}} {{.*}}incept.bytes = 1856 : i64
//       CHECK:   incept.exec.kernel @{{.+}}max_pool ins({{.+}} {{.*}}incept.bytes = 2560 : i64
func.func @pools() {
  %x = incept.read @"io/f32_input" : tensor<2x4x8x8xf32>
  %y = incept.max_pool %x kernel [3, 3] stride [2, 2] : (tensor<2x4x8x8xf32>) -> tensor<2x4x3x3xf32>
  incept.write @"io/f", %y : tensor<2x4x3x3xf32>
  %z = incept.max_pool %x kernel [3, 3] stride [2, 2] pad [1, 1] pad_end [1, 1] : (tensor<2x4x8x8xf32>) -> tensor<2x4x4x4xf32>
  incept.write @"io/e", %z : tensor<2x4x4x4xf32>
  return
}
}
