// RUN: incept-opt %s --incept-plan-memory | FileCheck %s

module attributes {incept.target = #incept.target<fake>} {
incept.variable @"io/f32_input" kind io role "f32_input" : tensor<1x16x1x2xf32, #incept.layout<nhwc>>
incept.variable @"io/logits" kind io role "logits" : tensor<1x16x1x2xf32, #incept.layout<nhwc>>

// Each value has 128 bytes. The first dies when the third is made, so two places serve; the last lives in its variable.
// CHECK-LABEL: func.func @chain
//  CHECK-SAME:   incept.arena_bytes = 256 : i64, incept.arena_lower_bound = 256 : i64
//       CHECK:   incept.group kernel({{.+}}) attributes {offsets = array<i64: 0>}
//       CHECK:   incept.group kernel({{.+}}) attributes {offsets = array<i64: 128>}
//       CHECK:   incept.group kernel({{.+}}) attributes {offsets = array<i64: 0>}
//       CHECK:   incept.group kernel({{.+}}) attributes {offsets = array<i64: -1>}
func.func @chain() {
  %x = incept.read @"io/f32_input" : tensor<1x16x1x2xf32, #incept.layout<nhwc>>
  %0 = incept.group kernel(%x) : (tensor<1x16x1x2xf32, #incept.layout<nhwc>>) -> tensor<1x16x1x2xf32, #incept.layout<nhwc>> {
  ^bb0(%a: tensor<1x16x1x2xf32, #incept.layout<nhwc>>):
    %r = incept.relu %a : (tensor<1x16x1x2xf32, #incept.layout<nhwc>>) -> tensor<1x16x1x2xf32, #incept.layout<nhwc>>
    incept.yield %r : tensor<1x16x1x2xf32, #incept.layout<nhwc>>
  }
  %1 = incept.group kernel(%0) : (tensor<1x16x1x2xf32, #incept.layout<nhwc>>) -> tensor<1x16x1x2xf32, #incept.layout<nhwc>> {
  ^bb0(%a: tensor<1x16x1x2xf32, #incept.layout<nhwc>>):
    %r = incept.relu %a : (tensor<1x16x1x2xf32, #incept.layout<nhwc>>) -> tensor<1x16x1x2xf32, #incept.layout<nhwc>>
    incept.yield %r : tensor<1x16x1x2xf32, #incept.layout<nhwc>>
  }
  %2 = incept.group kernel(%1) : (tensor<1x16x1x2xf32, #incept.layout<nhwc>>) -> tensor<1x16x1x2xf32, #incept.layout<nhwc>> {
  ^bb0(%a: tensor<1x16x1x2xf32, #incept.layout<nhwc>>):
    %r = incept.relu %a : (tensor<1x16x1x2xf32, #incept.layout<nhwc>>) -> tensor<1x16x1x2xf32, #incept.layout<nhwc>>
    incept.yield %r : tensor<1x16x1x2xf32, #incept.layout<nhwc>>
  }
  %3 = incept.group kernel(%2) : (tensor<1x16x1x2xf32, #incept.layout<nhwc>>) -> tensor<1x16x1x2xf32, #incept.layout<nhwc>> {
  ^bb0(%a: tensor<1x16x1x2xf32, #incept.layout<nhwc>>):
    %r = incept.relu %a : (tensor<1x16x1x2xf32, #incept.layout<nhwc>>) -> tensor<1x16x1x2xf32, #incept.layout<nhwc>>
    incept.yield %r : tensor<1x16x1x2xf32, #incept.layout<nhwc>>
  }
  incept.write @"io/logits", %3 : tensor<1x16x1x2xf32, #incept.layout<nhwc>>
  return
}

// The old value of the variable is read after the new one is made: a copy is written at the end instead.
// CHECK-LABEL: func.func @old_value_needed
//       CHECK:   %[[NEW:.+]] = incept.group kernel({{.+}}) attributes {offsets = array<i64: 0>}
//       CHECK:   incept.group kernel({{.+}})
//       CHECK:   %[[COPY:.+]] = incept.group kernel(%[[NEW]]) attributes {offsets = array<i64: -1>}
//       CHECK:     incept.copy
//       CHECK:   incept.write @"io/f32_input", %[[COPY]]
func.func @old_value_needed() {
  %x = incept.read @"io/f32_input" : tensor<1x16x1x2xf32, #incept.layout<nhwc>>
  %0 = incept.group kernel(%x) : (tensor<1x16x1x2xf32, #incept.layout<nhwc>>) -> tensor<1x16x1x2xf32, #incept.layout<nhwc>> {
  ^bb0(%a: tensor<1x16x1x2xf32, #incept.layout<nhwc>>):
    %r = incept.relu %a : (tensor<1x16x1x2xf32, #incept.layout<nhwc>>) -> tensor<1x16x1x2xf32, #incept.layout<nhwc>>
    incept.yield %r : tensor<1x16x1x2xf32, #incept.layout<nhwc>>
  }
  %1 = incept.group kernel(%x) : (tensor<1x16x1x2xf32, #incept.layout<nhwc>>) -> tensor<1x16x1x2xf32, #incept.layout<nhwc>> {
  ^bb0(%a: tensor<1x16x1x2xf32, #incept.layout<nhwc>>):
    %r = incept.scale %a by 2.0 : (tensor<1x16x1x2xf32, #incept.layout<nhwc>>) -> tensor<1x16x1x2xf32, #incept.layout<nhwc>>
    incept.yield %r : tensor<1x16x1x2xf32, #incept.layout<nhwc>>
  }
  incept.write @"io/f32_input", %0 : tensor<1x16x1x2xf32, #incept.layout<nhwc>>
  incept.write @"io/logits", %1 : tensor<1x16x1x2xf32, #incept.layout<nhwc>>
  return
}
}
