// RUN: incept-opt %s --incept-form-groups --incept-assign-layouts --incept-fuse-tile-normalization | FileCheck %s

!x = tensor<2x8x9x5xf32>
!y = tensor<2x16x9x5xf32>
!w = tensor<16x8x7x1xf32>
!v = tensor<8xf32>

module attributes {incept.target = #incept.target<fake>} {
incept.variable @c.weight kind parameter : !w
incept.variable @"grad/c.weight" kind gradient of @c.weight : !w
incept.variable @beta kind parameter : !v
incept.variable @x kind state : !x
incept.variable @pooled kind state : tensor<2x8x1x1xf32>

// The fake target computes windows 7 high by tiles. The convolution and the gradient of its weights are all who read the
// normalised image, so both read the image itself, and no kernel normalises it.
// CHECK-LABEL: func.func @both
//       CHECK:   %[[X:.+]] = incept.read @x
//   CHECK-NOT:   incept.scale_shift
//       CHECK:   incept.group kernel(%[[X]], %{{.+}}, %[[B:.+]], %[[B]], %[[B]])
//       CHECK:     incept.convolve_tiles %{{.+}}, %{{.+}} normalized %{{.+}}, %{{.+}}, %{{.+}} kernel [7, 1]
//   CHECK-NOT:   incept.scale_shift
//       CHECK:   incept.group kernel(%[[X]], %{{.+}}, %[[B]], %[[B]], %[[B]])
//       CHECK:     incept.correlate_tiles %{{.+}}, %{{.+}} normalized %{{.+}}, %{{.+}}, %{{.+}} kernel [7, 1]
//       CHECK:   return
func.func @both() {
  %x = incept.read @x : !x
  %w = incept.read @c.weight : !w
  %b = incept.read @beta : !v
  %s = incept.scale_shift %x, %b, %b, %b : (!x, !v, !v, !v) -> !x
  %a = incept.relu %s : (!x) -> !x
  %y = incept.conv2d %a, %w pad [3, 0] pad_end [3, 0] : (!x, !w) -> !y
  %d = incept.conv2d_backward_weights %a, %y pad [3, 0] pad_end [3, 0] : (!x, !y) -> !w
  incept.write @"grad/c.weight", %d : !w
  return
}

// A pool reads it too: it has to be in memory, where the convolution may as well read it.
// CHECK-LABEL: func.func @also_pooled
//       CHECK:   incept.scale_shift
//   CHECK-NOT:   normalized
//       CHECK:   return
func.func @also_pooled() {
  %x = incept.read @x : !x
  %w = incept.read @c.weight : !w
  %b = incept.read @beta : !v
  %s = incept.scale_shift %x, %b, %b, %b : (!x, !v, !v, !v) -> !x
  %a = incept.relu %s : (!x) -> !x
  %y = incept.conv2d %a, %w pad [3, 0] pad_end [3, 0] : (!x, !w) -> !y
  %d = incept.conv2d_backward_weights %x, %y pad [3, 0] pad_end [3, 0] : (!x, !y) -> !w
  %p = incept.global_avg_pool %a : (!x) -> tensor<2x8x1x1xf32>
  incept.write @"grad/c.weight", %d : !w
  incept.write @pooled, %p : tensor<2x8x1x1xf32>
  return
}

// Only a batch norm with its ReLU is taken in.
// CHECK-LABEL: func.func @without_relu
//       CHECK:   incept.scale_shift
//   CHECK-NOT:   normalized
//       CHECK:   return
func.func @without_relu() {
  %x = incept.read @x : !x
  %w = incept.read @c.weight : !w
  %b = incept.read @beta : !v
  %s = incept.scale_shift %x, %b, %b, %b : (!x, !v, !v, !v) -> !x
  %y = incept.conv2d %s, %w pad [3, 0] pad_end [3, 0] : (!x, !w) -> !y
  %d = incept.conv2d_backward_weights %s, %y pad [3, 0] pad_end [3, 0] : (!x, !y) -> !w
  incept.write @"grad/c.weight", %d : !w
  return
}

// The gradient of weights comes behind the update of what it would normalise with.
// CHECK-LABEL: func.func @updated
//       CHECK:   incept.scale_shift
//   CHECK-NOT:   normalized
//       CHECK:   return
func.func @updated() {
  %x = incept.read @x : !x
  %w = incept.read @c.weight : !w
  %b = incept.read @beta : !v
  %s = incept.scale_shift %x, %b, %b, %b : (!x, !v, !v, !v) -> !x
  %a = incept.relu %s : (!x) -> !x
  %y = incept.conv2d %a, %w pad [3, 0] pad_end [3, 0] : (!x, !w) -> !y
  %n = incept.relu %b : (!v) -> !v
  incept.write @beta, %n : !v
  %d = incept.conv2d_backward_weights %a, %y pad [3, 0] pad_end [3, 0] : (!x, !y) -> !w
  incept.write @"grad/c.weight", %d : !w
  return
}
}
