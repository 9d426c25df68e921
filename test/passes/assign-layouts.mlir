// RUN: incept-opt %s -split-input-file --incept-form-groups --incept-assign-layouts | FileCheck %s

module attributes {incept.target = #incept.target<fake>} {
// The fake target keeps convolution weights "blocked", wants "transposed" ones for data gradients, and gradients of
// weights "blocked": the parameter and its gradient share a format, and one reorder stands before the data gradient.
// CHECK-DAG: incept.exec.plan @plan_0 convolution_forward
// CHECK-DAG: incept.exec.plan @{{.+}} reorder {{.*}}to = "transposed"
// CHECK-DAG: incept.variable @c.weight kind parameter : tensor<4x4x3x3xf32, #incept.layout<blocked>>
// CHECK-DAG: incept.variable @"grad/c.weight" kind gradient of @c.weight : tensor<4x4x3x3xf32, #incept.layout<blocked>>
incept.variable @c.weight kind parameter : tensor<4x4x3x3xf32>
incept.variable @"grad/c.weight" kind gradient of @c.weight : tensor<4x4x3x3xf32>
incept.variable @"io/f32_input" kind io role "f32_input" : tensor<2x4x5x5xf32>

// CHECK-LABEL: func.func @forward_backward
//       CHECK:   %[[X:.+]] = incept.read @"io/f32_input" : tensor<2x4x5x5xf32, #incept.layout<nhwc>>
//       CHECK:   %[[W:.+]] = incept.read @c.weight : tensor<4x4x3x3xf32, #incept.layout<blocked>>
//       CHECK:   %[[Y:.+]] = incept.group library plan @plan_0(%[[X]], %[[W]])
//       CHECK:   %[[R:.+]] = incept.group library plan @{{.+}}(%[[W]]) {{.+}} -> tensor<4x4x3x3xf32, #incept.layout<transposed>>
//       CHECK:   incept.group library plan @{{.+}}(%[[Y]], %[[R]])
//       CHECK:   %[[D:.+]] = incept.group library plan @{{.+}}(%[[X]], %[[Y]]) {{.+}} -> tensor<4x4x3x3xf32, #incept.layout<blocked>>
//       CHECK:   incept.write @"grad/c.weight", %[[D]]
func.func @forward_backward() attributes {incept.entry = #incept.entry<forward_backward>} {
  %x = incept.read @"io/f32_input" : tensor<2x4x5x5xf32>
  %w = incept.read @c.weight : tensor<4x4x3x3xf32>
  %y = incept.conv2d %x, %w pad [1, 1] pad_end [1, 1] : (tensor<2x4x5x5xf32>, tensor<4x4x3x3xf32>) -> tensor<2x4x5x5xf32>
  %b = incept.conv2d_backward_data %y, %w pad [1, 1] pad_end [1, 1] : (tensor<2x4x5x5xf32>, tensor<4x4x3x3xf32>) -> tensor<2x4x5x5xf32>
  %d = incept.conv2d_backward_weights %x, %y pad [1, 1] pad_end [1, 1] : (tensor<2x4x5x5xf32>, tensor<2x4x5x5xf32>) -> tensor<4x4x3x3xf32>
  incept.write @"grad/c.weight", %d : tensor<4x4x3x3xf32>
  incept.write @"io/f32_input", %b : tensor<2x4x5x5xf32>
  return
}

// A kernel writes its half of the concat: pixel stride 8, and the second half begins at channel 4.
// CHECK-LABEL: func.func @slices
//       CHECK:   -> tensor<2x4x5x5xf32, #incept.layout<nhwc, stride = 8, offset = 0>>
//       CHECK:   -> tensor<2x4x5x5xf32, #incept.layout<nhwc, stride = 8, offset = 4>>
//       CHECK:   incept.concat_view {{.+}} -> tensor<2x8x5x5xf32, #incept.layout<nhwc>>
func.func @slices() {
  %x = incept.read @"io/f32_input" : tensor<2x4x5x5xf32>
  %r = incept.relu %x : (tensor<2x4x5x5xf32>) -> tensor<2x4x5x5xf32>
  %s = incept.scale %x by 2.0 : (tensor<2x4x5x5xf32>) -> tensor<2x4x5x5xf32>
  %c = incept.concat_view %r, %s : (tensor<2x4x5x5xf32>, tensor<2x4x5x5xf32>) -> tensor<2x8x5x5xf32>
  %p = incept.global_avg_pool %c : (tensor<2x8x5x5xf32>) -> tensor<2x8x1x1xf32>
  return
}
}

// -----

module attributes {incept.target = #incept.target<fake>} {
// A target that wants blocks of channels gets them: both sides of the forward convolution are reordered, kernels go on
// with NHWC. The gradient of the weights takes the copy of %x again.
// CHECK-LABEL: func.func @blocks
//       CHECK:   %[[XB:.+]] = incept.group library plan @{{.+}}(%[[X:.+]]) {{.*}}: (tensor<2x16x8x8xf32, #incept.layout<nhwc>>) -> tensor<2x16x8x8xf32, #incept.layout<nchw8c>>
//       CHECK:   %[[YB:.+]] = incept.group library plan @{{.+}}(%[[XB]], %{{.+}} -> tensor<2x16x8x8xf32, #incept.layout<nchw8c>>
//       CHECK:   %[[Y:.+]] = incept.group library plan @{{.+}}(%[[YB]]) {{.*}}-> tensor<2x16x8x8xf32, #incept.layout<nhwc>>
//       CHECK:   incept.group kernel(%[[Y]])
//       CHECK:   incept.group library plan @{{.+}}(%[[XB]], %{{.+}}) {{.*}}-> tensor<16x16x5x5xf32, #incept.layout<blocked>>
incept.variable @"io/f32_input" kind io role "f32_input" : tensor<2x16x8x8xf32>
incept.variable @w kind parameter : tensor<16x16x5x5xf32>
incept.variable @"grad/w" kind gradient of @w : tensor<16x16x5x5xf32>
incept.variable @y kind io role "y" : tensor<16xf32>
func.func @blocks() {
  %x = incept.read @"io/f32_input" : tensor<2x16x8x8xf32>
  %w = incept.read @w : tensor<16x16x5x5xf32>
  %c = incept.conv2d %x, %w pad [2, 2] pad_end [2, 2] : (tensor<2x16x8x8xf32>, tensor<16x16x5x5xf32>) -> tensor<2x16x8x8xf32>
  %r = incept.relu %c : (tensor<2x16x8x8xf32>) -> tensor<2x16x8x8xf32>
  %s = incept.channel_sum %r : (tensor<2x16x8x8xf32>) -> tensor<16xf32>
  %d = incept.conv2d_backward_weights %x, %r pad [2, 2] pad_end [2, 2] : (tensor<2x16x8x8xf32>, tensor<2x16x8x8xf32>) -> tensor<16x16x5x5xf32>
  incept.write @"grad/w", %d : tensor<16x16x5x5xf32>
  incept.write @y, %s : tensor<16xf32>
  return
}
}

// -----

module attributes {incept.target = #incept.target<fake>} {
// Convolutions that want other blocks each have a copy of their own, of one tensor; what wants the same takes the same.
// CHECK-LABEL: func.func @blocks_of_two_sizes
//       CHECK:   %[[B8:.+]] = incept.group library plan @{{.+}}(%[[X:.+]]) {{.*}}: (tensor<2x16x8x8xf32, #incept.layout<nhwc>>) -> tensor<2x16x8x8xf32, #incept.layout<nchw8c>>
//       CHECK:   incept.group library plan @{{.+}}(%[[B8]], %{{.+}} -> tensor<2x16x8x8xf32, #incept.layout<nchw8c>>
//       CHECK:   %[[B16:.+]] = incept.group library plan @{{.+}}(%[[X]]) {{.*}}: (tensor<2x16x8x8xf32, #incept.layout<nhwc>>) -> tensor<2x16x8x8xf32, #incept.layout<nchw16c>>
//       CHECK:   incept.group library plan @{{.+}}(%[[B16]], %{{.+}} -> tensor<2x16x8x8xf32, #incept.layout<nchw16c>>
//       CHECK:   incept.group library plan @{{.+}}(%[[B8]], %{{.+}} -> tensor<2x16x8x8xf32, #incept.layout<nchw8c>>
incept.variable @"io/f32_input" kind io role "f32_input" : tensor<2x16x8x8xf32>
incept.variable @w kind parameter : tensor<16x16x5x5xf32>
incept.variable @v kind parameter : tensor<16x16x5x3xf32>
incept.variable @u kind parameter : tensor<16x16x5x5xf32>
incept.variable @y kind io role "y" : tensor<16xf32>
func.func @blocks_of_two_sizes() {
  %x = incept.read @"io/f32_input" : tensor<2x16x8x8xf32>
  %w = incept.read @w : tensor<16x16x5x5xf32>
  %v = incept.read @v : tensor<16x16x5x3xf32>
  %u = incept.read @u : tensor<16x16x5x5xf32>
  %a = incept.conv2d %x, %w pad [2, 2] pad_end [2, 2] : (tensor<2x16x8x8xf32>, tensor<16x16x5x5xf32>) -> tensor<2x16x8x8xf32>
  %b = incept.conv2d %x, %v pad [2, 1] pad_end [2, 1] : (tensor<2x16x8x8xf32>, tensor<16x16x5x3xf32>) -> tensor<2x16x8x8xf32>
  %c = incept.conv2d %x, %u pad [2, 2] pad_end [2, 2] : (tensor<2x16x8x8xf32>, tensor<16x16x5x5xf32>) -> tensor<2x16x8x8xf32>
  %d = incept.add %a, %b : (tensor<2x16x8x8xf32>, tensor<2x16x8x8xf32>) -> tensor<2x16x8x8xf32>
  %e = incept.add %d, %c : (tensor<2x16x8x8xf32>, tensor<2x16x8x8xf32>) -> tensor<2x16x8x8xf32>
  %s = incept.channel_sum %e : (tensor<2x16x8x8xf32>) -> tensor<16xf32>
  incept.write @y, %s : tensor<16xf32>
  return
}
}
