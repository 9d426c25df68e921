// RUN: incept-opt %s --incept-form-groups --incept-assign-layouts --split-input-file | FileCheck %s

// The fake target computes windows 7 high and 1 wide by tiles: weights are transformed by a kernel before each use, the
// gradient of data's with the window turned, and slices are read and written where they lie. Inference transforms what
// it reads once.
module attributes {incept.target = #incept.target<fake>} {
// CHECK-DAG: incept.variable @"tiles/{{.*}}.weight" kind derived : tensor<1024xf32
// CHECK-DAG: incept.variable @c.weight kind parameter : tensor<16x8x7x1xf32, #incept.layout<rows>>
incept.variable @c.weight kind parameter : tensor<16x8x7x1xf32>
incept.variable @"grad/c.weight" kind gradient of @c.weight : tensor<16x8x7x1xf32>
incept.variable @"io/f32_input" kind io role "f32_input" : tensor<2x8x9x5xf32>

// CHECK-LABEL: func.func @forward_backward
//       CHECK:   %[[W:.+]] = incept.read @c.weight
//       CHECK:   %[[U:.+]] = incept.group kernel(%[[W]])
//       CHECK:     incept.transform_weights %{{.+}} kernel [7, 1] tile [2, 1] lanes 8 :
//       CHECK:   incept.group kernel(%{{.+}}, %[[U]])
//       CHECK:     incept.convolve_tiles {{.+}} kernel [7, 1] pad [3, 0] tile [2, 1] lanes 8 units 1 block 6
//       CHECK:     incept.transform_weights {{.+}} transposed
//       CHECK:     incept.convolve_tiles {{.+}} pad [3, 0]
//       CHECK:     incept.correlate_tiles {{.+}} grid [1, 1] block 6
//   CHECK-NOT:   incept.group library
func.func @forward_backward() attributes {incept.entry = #incept.entry<forward_backward>} {
  %x = incept.read @"io/f32_input" : tensor<2x8x9x5xf32>
  %w = incept.read @c.weight : tensor<16x8x7x1xf32>
  %y = incept.conv2d %x, %w pad [3, 0] pad_end [3, 0] : (tensor<2x8x9x5xf32>, tensor<16x8x7x1xf32>) -> tensor<2x16x9x5xf32>
  %b = incept.conv2d_backward_data %y, %w pad [3, 0] pad_end [3, 0] : (tensor<2x16x9x5xf32>, tensor<16x8x7x1xf32>) -> tensor<2x8x9x5xf32>
  %d = incept.conv2d_backward_weights %x, %y pad [3, 0] pad_end [3, 0] : (tensor<2x8x9x5xf32>, tensor<2x16x9x5xf32>) -> tensor<16x8x7x1xf32>
  incept.write @"grad/c.weight", %d : tensor<16x8x7x1xf32>
  incept.write @"io/f32_input", %b : tensor<2x8x9x5xf32>
  return
}

// CHECK-LABEL: func.func @prepare_inference
//       CHECK:     incept.transform_weights
//       CHECK:   incept.write @"tiles/{{.*}}.weight"
func.func @prepare_inference() attributes {incept.entry = #incept.entry<prepare_inference>} {
  return
}

// CHECK-LABEL: func.func @infer
//   CHECK-NOT:   incept.transform_weights
//       CHECK:   incept.read @"tiles/{{.*}}.weight"
//       CHECK:   incept.convolve_tiles
//  CHECK-SAME:   #incept.layout<nhwc, stride = 24, offset = 8>
func.func @infer() attributes {incept.entry = #incept.entry<infer>} {
  %x = incept.read @"io/f32_input" : tensor<2x8x9x5xf32>
  %w = incept.read @c.weight : tensor<16x8x7x1xf32>
  %r = incept.relu %x : (tensor<2x8x9x5xf32>) -> tensor<2x8x9x5xf32>
  %y = incept.conv2d %x, %w pad [3, 0] pad_end [3, 0] : (tensor<2x8x9x5xf32>, tensor<16x8x7x1xf32>) -> tensor<2x16x9x5xf32>
  %c = incept.concat_view %r, %y : (tensor<2x8x9x5xf32>, tensor<2x16x9x5xf32>) -> tensor<2x24x9x5xf32>
  %p = incept.global_avg_pool %c : (tensor<2x24x9x5xf32>) -> tensor<2x24x1x1xf32>
  return
}
}

// -----

// Training's convolution has a stride, so the weights are kept as its library wants them. Inference's has none: its
// weights are brought into the order of tiles and transformed once, not in every call.
module attributes {incept.target = #incept.target<fake>} {
// CHECK-DAG: incept.variable @"tiles/{{.*}}.weight" kind derived : tensor<1024xf32
// CHECK-DAG: incept.variable @c.weight kind parameter : tensor<16x8x7x1xf32, #incept.layout<blocked>>
incept.variable @c.weight kind parameter : tensor<16x8x7x1xf32>
incept.variable @"io/f32_input" kind io role "f32_input" : tensor<2x8x9x5xf32>
incept.variable @"io/output" kind io role "output" : tensor<2x16x5x5xf32>

// CHECK-LABEL: func.func @forward_backward
//       CHECK:   incept.conv2d
//   CHECK-NOT:   incept.transform_weights
func.func @forward_backward() attributes {incept.entry = #incept.entry<forward_backward>} {
  %x = incept.read @"io/f32_input" : tensor<2x8x9x5xf32>
  %w = incept.read @c.weight : tensor<16x8x7x1xf32>
  %y = incept.conv2d %x, %w stride [2, 1] pad [3, 0] pad_end [3, 0] : (tensor<2x8x9x5xf32>, tensor<16x8x7x1xf32>) -> tensor<2x16x5x5xf32>
  incept.write @"io/output", %y : tensor<2x16x5x5xf32>
  return
}

// CHECK-LABEL: func.func @prepare_inference
//       CHECK:   %[[W:.+]] = incept.read @c.weight
//       CHECK:   %[[R:.+]] = incept.group library {{.+}}(%[[W]])
//       CHECK:     incept.reorder
//       CHECK:   incept.group kernel(%[[R]])
//       CHECK:     incept.transform_weights
//       CHECK:   incept.write @"tiles/{{.*}}.weight"
func.func @prepare_inference() attributes {incept.entry = #incept.entry<prepare_inference>} {
  return
}

// CHECK-LABEL: func.func @infer
//   CHECK-NOT:   incept.reorder
//   CHECK-NOT:   incept.transform_weights
//   CHECK-NOT:   incept.read @c.weight
//       CHECK:   incept.convolve_tiles
func.func @infer() attributes {incept.entry = #incept.entry<infer>} {
  %x = incept.read @"io/f32_input" : tensor<2x8x9x5xf32>
  %w = incept.read @c.weight : tensor<16x8x7x1xf32>
  %y = incept.conv2d %x, %w pad [3, 0] pad_end [3, 0] : (tensor<2x8x9x5xf32>, tensor<16x8x7x1xf32>) -> tensor<2x16x9x5xf32>
  %p = incept.global_avg_pool %y : (tensor<2x16x9x5xf32>) -> tensor<2x16x1x1xf32>
  return
}
}

// -----

// Windows with a stride: the gradient of data is a convolution of its own, with the padding of the forward one.
module attributes {incept.target = #incept.target<fake, strides>} {
incept.variable @c.weight kind parameter : tensor<16x8x3x3xf32>
incept.variable @"grad/c.weight" kind gradient of @c.weight : tensor<16x8x3x3xf32>
incept.variable @"io/f32_input" kind io role "f32_input" : tensor<2x8x9x9xf32>

// CHECK-LABEL: func.func @forward_backward
//       CHECK:     incept.transform_weights %{{.+}} kernel [3, 3] tile [2, 2] lanes 8 stride 2 : {{.+}} -> tensor<3200xf32
//       CHECK:     incept.convolve_tiles {{.+}} pad [0, 0] tile [2, 2] lanes 8 stride 2 units 1 block 6 : {{.+}}tensor<4472xf32
//       CHECK:     incept.transform_weights {{.+}} stride 2 transposed : {{.+}} -> tensor<6400xf32
//       CHECK:     incept.convolve_tiles {{.+}} pad [0, 0] tile [2, 2] lanes 8 stride 2 transposed units 1 block 6 : {{.+}}tensor<5824xf32
//       CHECK:     incept.correlate_tiles {{.+}} lanes 8 stride 2 grid [1, 1] block 6
//   CHECK-NOT:   incept.group library
func.func @forward_backward() attributes {incept.entry = #incept.entry<forward_backward>} {
  %x = incept.read @"io/f32_input" : tensor<2x8x9x9xf32>
  %w = incept.read @c.weight : tensor<16x8x3x3xf32>
  %y = incept.conv2d %x, %w stride [2, 2] : (tensor<2x8x9x9xf32>, tensor<16x8x3x3xf32>) -> tensor<2x16x4x4xf32>
  %b = incept.conv2d_backward_data %y, %w stride [2, 2] : (tensor<2x16x4x4xf32>, tensor<16x8x3x3xf32>) -> tensor<2x8x9x9xf32>
  %d = incept.conv2d_backward_weights %x, %y stride [2, 2] : (tensor<2x8x9x9xf32>, tensor<2x16x4x4xf32>) -> tensor<16x8x3x3xf32>
  incept.write @"grad/c.weight", %d : tensor<16x8x3x3xf32>
  incept.write @"io/f32_input", %b : tensor<2x8x9x9xf32>
  return
}
}

// -----

// Where the window begins before the image, its gradient of data has that padding too: it is not turned.
module attributes {incept.target = #incept.target<fake, strides>} {
incept.variable @c.weight kind parameter : tensor<16x8x3x3xf32>
incept.variable @"grad/c.weight" kind gradient of @c.weight : tensor<16x8x3x3xf32>
incept.variable @"io/f32_input" kind io role "f32_input" : tensor<2x8x9x9xf32>

// CHECK-LABEL: func.func @forward_backward
//       CHECK:     incept.convolve_tiles {{.+}} pad [1, 0] tile [2, 2] lanes 8 stride 2 units
//       CHECK:     incept.convolve_tiles {{.+}} pad [1, 0] tile [2, 2] lanes 8 stride 2 transposed units
//       CHECK:     incept.correlate_tiles {{.+}} pad [1, 0] tile [2, 2] lanes 8 stride 2 grid
//   CHECK-NOT:   incept.group library
func.func @forward_backward() attributes {incept.entry = #incept.entry<forward_backward>} {
  %x = incept.read @"io/f32_input" : tensor<2x8x9x9xf32>
  %w = incept.read @c.weight : tensor<16x8x3x3xf32>
  %y = incept.conv2d %x, %w stride [2, 2] pad [1, 0] : (tensor<2x8x9x9xf32>, tensor<16x8x3x3xf32>) -> tensor<2x16x4x4xf32>
  %b = incept.conv2d_backward_data %y, %w stride [2, 2] pad [1, 0] : (tensor<2x16x4x4xf32>, tensor<16x8x3x3xf32>) -> tensor<2x8x9x9xf32>
  %d = incept.conv2d_backward_weights %x, %y stride [2, 2] pad [1, 0] : (tensor<2x8x9x9xf32>, tensor<2x16x4x4xf32>) -> tensor<16x8x3x3xf32>
  incept.write @"grad/c.weight", %d : tensor<16x8x3x3xf32>
  incept.write @"io/f32_input", %b : tensor<2x8x9x9xf32>
  return
}
}
