// RUN: incept-opt %s -pass-pipeline='builtin.module(func.func(incept-place-concats,incept-form-groups),incept-assign-layouts,incept-plan-memory)' | FileCheck %s

// Values of 60 bytes, which take 64; a library call's scratchpad is there for the call alone. The operands of the concat
// are one buffer of 120 bytes, which takes 128, from the first one's group to the last use. Placed in this order, as the
// larger come first and of equals values before scratchpads:
//   the concat   128 bytes, groups 2 to 4, at 0
//   scratchpad   128 bytes, group 1, at 0, since the concat is not there yet
//   scratchpad   128 bytes, group 2, at 128, beside the concat
//   the scale     64 bytes, groups 0 and 1, at 128, beside the first scratchpad
//   the first     64 bytes, groups 1 and 2, at 256, beside all of these
// Most is alive in group 2: 128 + 128 + 64 bytes.
module attributes {incept.target = #incept.target<fake>} {
incept.variable @w kind parameter : tensor<5x5x1x1xf32>
incept.variable @"io/x" kind io role "f32_input" : tensor<1x5x1x3xf32>
incept.variable @"io/y" kind io role "logits" : tensor<1x10x1x3xf32>
// CHECK-LABEL: func.func @scratchpads_and_views
//  CHECK-SAME:   incept.arena_bytes = 320 : i64, incept.arena_lower_bound = 320 : i64
//       CHECK:   incept.group kernel(%{{.+}}) attributes {offsets = array<i64: 128>}
//       CHECK:     incept.scale
//       CHECK:   incept.group library plan @{{.+}} attributes {offsets = array<i64: 256>, scratchpad = 128 : i64, scratchpad_offset = 0 : i64}
//       CHECK:   incept.group library plan @{{.+}} attributes {offsets = array<i64: 0>, scratchpad = 128 : i64, scratchpad_offset = 128 : i64}
// The second operand begins five channels later.
//       CHECK:   incept.group kernel(%{{.+}}) attributes {offsets = array<i64: 20>}
//       CHECK:     incept.relu
//       CHECK:   incept.concat_view
//       CHECK:   incept.group kernel(%{{.+}}) attributes {offsets = array<i64: -1>}
func.func @scratchpads_and_views() {
  %x = incept.read @"io/x" : tensor<1x5x1x3xf32>
  %w = incept.read @w : tensor<5x5x1x1xf32>
  %a = incept.scale %x by 2.0 : (tensor<1x5x1x3xf32>) -> tensor<1x5x1x3xf32>
  %c = incept.conv2d %a, %w : (tensor<1x5x1x3xf32>, tensor<5x5x1x1xf32>) -> tensor<1x5x1x3xf32>
  %d = incept.conv2d %c, %w : (tensor<1x5x1x3xf32>, tensor<5x5x1x1xf32>) -> tensor<1x5x1x3xf32>
  %r = incept.relu %d : (tensor<1x5x1x3xf32>) -> tensor<1x5x1x3xf32>
  %v = incept.concat %d, %r : (tensor<1x5x1x3xf32>, tensor<1x5x1x3xf32>) -> tensor<1x10x1x3xf32>
  %s = incept.scale %v by 3.0 : (tensor<1x10x1x3xf32>) -> tensor<1x10x1x3xf32>
  incept.write @"io/y", %s : tensor<1x10x1x3xf32>
  return
}
}
