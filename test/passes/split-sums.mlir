// RUN: incept-opt %s -pass-pipeline='builtin.module(func.func(incept-split-sums))' | FileCheck %s
// RUN: sed 's/<fake, joins>/<fake>/' %s | incept-opt -pass-pipeline='builtin.module(func.func(incept-split-sums))' | FileCheck %s --check-prefix=WHOLE

!whole = tensor<2x12x3x3xf32>
!first = tensor<2x4x3x3xf32>
!second = tensor<2x8x3x3xf32>

module attributes {incept.target = #incept.target<fake, joins>} {
// Each branch adds its channels where it masks them. Where launches cost nothing the sum is one.
// CHECK-LABEL: func.func @branches
//  CHECK-SAME:   (%[[A:.+]]: tensor<2x12x3x3xf32>, %[[B:.+]]: tensor<2x12x3x3xf32>, %[[Y:.+]]: tensor<2x4x3x3xf32>, %[[Z:.+]]: tensor<2x8x3x3xf32>)
//       CHECK:   %[[A0:.+]] = incept.slice %[[A]] at 0 {incept.path = "concat"}
//       CHECK:   %[[B0:.+]] = incept.slice %[[B]] at 0 {incept.path = "concat"}
//       CHECK:   %[[S0:.+]] = incept.add_n %[[A0]], %[[B0]] {incept.path = "next"}
//       CHECK:   %[[A1:.+]] = incept.slice %[[A]] at 4
//       CHECK:   %[[B1:.+]] = incept.slice %[[B]] at 4
//       CHECK:   %[[S1:.+]] = incept.add_n %[[A1]], %[[B1]]
//       CHECK:   incept.relu_backward %[[S0]], %[[Y]]
//       CHECK:   incept.relu_backward %[[S1]], %[[Z]]
// WHOLE-LABEL: func.func @branches
//       WHOLE:   %[[SUM:.+]] = incept.add_n %arg0, %arg1
//       WHOLE:   incept.slice %[[SUM]] at 0
func.func @branches(%a: !whole, %b: !whole, %y: !first, %z: !second) -> (!first, !second) {
  %sum = incept.add_n %a, %b {incept.path = "next"} : (!whole, !whole) -> !whole
  %s0 = incept.slice %sum at 0 {incept.path = "concat"} : (!whole) -> !first
  %s1 = incept.slice %sum at 4 {incept.path = "concat"} : (!whole) -> !second
  %d = incept.relu_backward %s0, %y : (!first, !first) -> !first
  %e = incept.relu_backward %s1, %z : (!second, !second) -> !second
  return %d, %e : !first, !second
}

// A convolution reads a slice: the sum would be a launch of its own there.
// CHECK-LABEL: func.func @library_reads_a_slice
//       CHECK:   %[[SUM:.+]] = incept.add_n %arg0, %arg1
//       CHECK:   incept.slice %[[SUM]] at 0
//       CHECK:   incept.slice %[[SUM]] at 4
func.func @library_reads_a_slice(%a: !whole, %b: !whole, %y: !first, %w: tensor<8x8x1x1xf32>) -> (!first, !second) {
  %sum = incept.add_n %a, %b : (!whole, !whole) -> !whole
  %s0 = incept.slice %sum at 0 : (!whole) -> !first
  %s1 = incept.slice %sum at 4 : (!whole) -> !second
  %d = incept.relu_backward %s0, %y : (!first, !first) -> !first
  %e = incept.conv2d %s1, %w : (!second, tensor<8x8x1x1xf32>) -> !second
  return %d, %e : !first, !second
}

// The whole sum is used too.
// CHECK-LABEL: func.func @whole_is_used
//       CHECK:   %[[SUM:.+]] = incept.add_n %arg0, %arg1
//       CHECK:   incept.slice %[[SUM]] at 0
func.func @whole_is_used(%a: !whole, %b: !whole, %y: !first) -> (!first, !whole) {
  %sum = incept.add_n %a, %b : (!whole, !whole) -> !whole
  %s0 = incept.slice %sum at 0 : (!whole) -> !first
  %d = incept.relu_backward %s0, %y : (!first, !first) -> !first
  return %d, %sum : !first, !whole
}

// What is added is computed by the same kernel: apart from it, it would be written.
// CHECK-LABEL: func.func @operand_is_computed
//       CHECK:   %[[R:.+]] = incept.relu %arg0
//       CHECK:   incept.add_n %[[R]], %arg1
func.func @operand_is_computed(%a: !whole, %b: !whole, %y: !first) -> !first {
  %r = incept.relu %a : (!whole) -> !whole
  %sum = incept.add_n %r, %b : (!whole, !whole) -> !whole
  %s0 = incept.slice %sum at 0 : (!whole) -> !first
  %d = incept.relu_backward %s0, %y : (!first, !first) -> !first
  return %d : !first
}

// Two consumers of the same channels: they share the sum.
// CHECK-LABEL: func.func @channels_twice
//       CHECK:   %[[SUM:.+]] = incept.add_n %arg0, %arg1
//       CHECK:   incept.slice %[[SUM]] at 0
func.func @channels_twice(%a: !whole, %b: !whole, %y: !second) -> (!second, !second) {
  %sum = incept.add_n %a, %b : (!whole, !whole) -> !whole
  %s0 = incept.slice %sum at 0 : (!whole) -> !second
  %s1 = incept.slice %sum at 4 : (!whole) -> !second
  %d = incept.relu_backward %s0, %y : (!second, !second) -> !second
  %e = incept.relu_backward %s1, %y : (!second, !second) -> !second
  return %d, %e : !second, !second
}
}
