// RUN: incept-opt %s --incept-place-concats | FileCheck %s

module attributes {incept.target = #incept.target<fake>} {
// Both operands come from generated kernels and go nowhere else: the concat is a view, nothing is copied.
// CHECK-LABEL: func.func @kernels_write_slices
//  CHECK-SAME:   (%[[A:.+]]: tensor<2x4x3x3xf32>, %[[B:.+]]: tensor<2x8x3x3xf32>)
//       CHECK:   %[[R:.+]] = incept.relu %[[A]]
//       CHECK:   %[[S:.+]] = incept.relu %[[B]]
//   CHECK-NOT:   incept.copy
//       CHECK:   incept.concat_view %[[R]], %[[S]]
func.func @kernels_write_slices(%a: tensor<2x4x3x3xf32>, %b: tensor<2x8x3x3xf32>) -> tensor<2x12x3x3xf32> {
  %r = incept.relu %a : (tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  %s = incept.relu %b : (tensor<2x8x3x3xf32>) -> tensor<2x8x3x3xf32>
  %c = incept.concat %r, %s : (tensor<2x4x3x3xf32>, tensor<2x8x3x3xf32>) -> tensor<2x12x3x3xf32>
  return %c : tensor<2x12x3x3xf32>
}

// A 3x3 convolution of this target cannot write a slice: a copy stands between.
// CHECK-LABEL: func.func @library_needs_a_copy
//       CHECK:   %[[CONV:.+]] = incept.conv2d
//       CHECK:   %[[COPY:.+]] = incept.copy %[[CONV]]
//       CHECK:   incept.concat_view %[[COPY]], %{{.+}}
func.func @library_needs_a_copy(%a: tensor<2x4x3x3xf32>, %w: tensor<4x4x3x3xf32>) -> tensor<2x8x3x3xf32> {
  %y = incept.conv2d %a, %w pad [1, 1] pad_end [1, 1] : (tensor<2x4x3x3xf32>, tensor<4x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  %r = incept.relu %a : (tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  %c = incept.concat %y, %r : (tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>) -> tensor<2x8x3x3xf32>
  return %c : tensor<2x8x3x3xf32>
}

// A 1x1 convolution writes its slice, and another reads one.
// CHECK-LABEL: func.func @library_takes_slices
//   CHECK-NOT:   incept.copy
//       CHECK:   %[[CONV:.+]] = incept.conv2d
//       CHECK:   incept.conv2d %[[CONV]]
//       CHECK:   incept.concat_view %[[CONV]], %{{.+}}
//       CHECK:   %[[VIEW:.+]] = incept.slice_view
//       CHECK:   incept.conv2d %[[VIEW]]
func.func @library_takes_slices(%a: tensor<2x4x3x3xf32>, %w: tensor<4x4x1x1xf32>) -> (tensor<2x8x3x3xf32>, tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>) {
  %y = incept.conv2d %a, %w : (tensor<2x4x3x3xf32>, tensor<4x4x1x1xf32>) -> tensor<2x4x3x3xf32>
  %z = incept.conv2d %y, %w : (tensor<2x4x3x3xf32>, tensor<4x4x1x1xf32>) -> tensor<2x4x3x3xf32>
  %r = incept.relu %a : (tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  %c = incept.concat %y, %r : (tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>) -> tensor<2x8x3x3xf32>
  %s = incept.slice %c at 4 : (tensor<2x8x3x3xf32>) -> tensor<2x4x3x3xf32>
  %t = incept.conv2d %s, %w : (tensor<2x4x3x3xf32>, tensor<4x4x1x1xf32>) -> tensor<2x4x3x3xf32>
  return %c, %z, %t : tensor<2x8x3x3xf32>, tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>
}

// The convolution reads the value too, and needs it dense: the slice is a copy, the value stays where it is.
// CHECK-LABEL: func.func @library_reads_the_operand
//       CHECK:   %[[R:.+]] = incept.relu
//       CHECK:   incept.conv2d %[[R]]
//       CHECK:   %[[COPY:.+]] = incept.copy %[[R]]
//       CHECK:   incept.concat_view %{{.+}}, %[[COPY]]
func.func @library_reads_the_operand(%a: tensor<2x4x3x3xf32>, %w: tensor<4x4x3x3xf32>) -> (tensor<2x8x3x3xf32>, tensor<2x4x3x3xf32>) {
  %p = incept.avg_pool %a kernel [1, 1] : (tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  %r = incept.relu %a : (tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  %y = incept.conv2d %r, %w pad [1, 1] pad_end [1, 1] : (tensor<2x4x3x3xf32>, tensor<4x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  %c = incept.concat %p, %r : (tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>) -> tensor<2x8x3x3xf32>
  return %c, %y : tensor<2x8x3x3xf32>, tensor<2x4x3x3xf32>
}

// One value twice in a concat lies in one slice only; the other is a copy... of both, since neither is special.
// CHECK-LABEL: func.func @same_value_twice
//       CHECK:   %[[R:.+]] = incept.relu
//       CHECK:   %[[X:.+]] = incept.copy %[[R]]
//       CHECK:   %[[Y:.+]] = incept.copy %[[R]]
//       CHECK:   incept.concat_view %[[X]], %[[Y]]
func.func @same_value_twice(%a: tensor<2x4x3x3xf32>) -> tensor<2x8x3x3xf32> {
  %r = incept.relu %a : (tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  %c = incept.concat %r, %r : (tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>) -> tensor<2x8x3x3xf32>
  return %c : tensor<2x8x3x3xf32>
}

// A concat that only feeds a concat becomes part of it, in its place.
// CHECK-LABEL: func.func @nested
//       CHECK:   %[[R:.+]] = incept.relu
//       CHECK:   %[[S:.+]] = incept.scale %{{.+}} by 2.0
//       CHECK:   %[[T:.+]] = incept.scale %{{.+}} by 3.0
//       CHECK:   incept.concat_view %[[S]], %[[T]], %[[R]]
//   CHECK-NOT:   incept.concat_view
func.func @nested(%a: tensor<2x4x3x3xf32>) -> tensor<2x12x3x3xf32> {
  %r = incept.relu %a : (tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  %s = incept.scale %a by 2.0 : (tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  %t = incept.scale %a by 3.0 : (tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  %i = incept.concat %s, %t : (tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>) -> tensor<2x8x3x3xf32>
  %c = incept.concat %i, %r : (tensor<2x8x3x3xf32>, tensor<2x4x3x3xf32>) -> tensor<2x12x3x3xf32>
  return %c : tensor<2x12x3x3xf32>
}

// The first pixel of a slice, and a slice of it, lie where the slice does.
// CHECK-LABEL: func.func @parts_of_slices
//   CHECK-NOT:   incept.copy
//       CHECK:   %[[VIEW:.+]] = incept.slice_view %{{.+}} at 4
//   CHECK-DAG:   incept.channel_sample %[[VIEW]]
//   CHECK-DAG:   %[[PART:.+]] = incept.slice_view %[[VIEW]] at 2
//       CHECK:   incept.relu %[[PART]]
//       CHECK:   return
func.func @parts_of_slices(%g: tensor<2x8x3x3xf32>) -> (tensor<4xf32>, tensor<2x2x3x3xf32>) {
  %s = incept.slice %g at 4 : (tensor<2x8x3x3xf32>) -> tensor<2x4x3x3xf32>
  %k = incept.channel_sample %s : (tensor<2x4x3x3xf32>) -> tensor<4xf32>
  %p = incept.slice %s at 2 : (tensor<2x4x3x3xf32>) -> tensor<2x2x3x3xf32>
  %r = incept.relu %p : (tensor<2x2x3x3xf32>) -> tensor<2x2x3x3xf32>
  return %k, %r : tensor<4xf32>, tensor<2x2x3x3xf32>
}

// A kernel reads the slice where it lies; the convolution's gradient gets a dense copy of it.
// CHECK-LABEL: func.func @slice_consumers
//       CHECK:   %[[VIEW:.+]] = incept.slice_view %{{.+}} at 4
//       CHECK:   %[[DENSE:.+]] = incept.copy %[[VIEW]]
//       CHECK:   incept.relu_backward %[[VIEW]]
//       CHECK:   incept.conv2d_backward_data %[[DENSE]]
func.func @slice_consumers(%g: tensor<2x8x3x3xf32>, %y: tensor<2x4x3x3xf32>, %w: tensor<4x4x1x1xf32>) -> (tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>) {
  %s = incept.slice %g at 4 : (tensor<2x8x3x3xf32>) -> tensor<2x4x3x3xf32>
  %r = incept.relu_backward %s, %y : (tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  %d = incept.conv2d_backward_data %s, %w : (tensor<2x4x3x3xf32>, tensor<4x4x1x1xf32>) -> tensor<2x4x3x3xf32>
  return %r, %d : tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>
}
}
