// RUN: incept-opt %s -incept-expand-blocks | FileCheck %s

// Nested blocks are inlined in place; paths stay.
// CHECK-LABEL: func.func @network
// CHECK-SAME: (%[[X:.*]]: tensor<2x4x3x3xf32>)
func.func @network(%x: tensor<2x4x3x3xf32>) -> (tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>) {
  // CHECK-NOT: incept.block
  // CHECK-NEXT: %[[A:.*]] = incept.relu %[[X]] {incept.path = "outer.relu"}
  // CHECK-NEXT: %[[B:.*]] = incept.scale %[[A]] by 5.000000e-01 {incept.path = "outer.inner.scale"}
  // CHECK-NEXT: return %[[B]], %[[A]]
  %0:2 = incept.block "outer" of "a" (%x) : (tensor<2x4x3x3xf32>) -> (tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>) {
  ^bb0(%a: tensor<2x4x3x3xf32>):
    %r = incept.relu %a {incept.path = "outer.relu"} : (tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
    %s = incept.block "inner" of "b" (%r) : (tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32> {
    ^bb0(%b: tensor<2x4x3x3xf32>):
      %t = incept.scale %b by 0.5 {incept.path = "outer.inner.scale"} : (tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
      incept.yield %t : tensor<2x4x3x3xf32>
    }
    incept.yield %s, %r : tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>
  }
  return %0#0, %0#1 : tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>
}

// A block that yields its argument vanishes, one inside another too.
// CHECK-LABEL: func.func @identity
// CHECK-SAME: (%[[X:.*]]: tensor<2x4xf32>)
func.func @identity(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // CHECK-NEXT: return %[[X]]
  %0 = incept.block "outer" of "a" (%x) : (tensor<2x4xf32>) -> tensor<2x4xf32> {
  ^bb0(%a: tensor<2x4xf32>):
    %s = incept.block "inner" of "b" (%a) : (tensor<2x4xf32>) -> tensor<2x4xf32> {
    ^bb0(%b: tensor<2x4xf32>):
      incept.yield %b : tensor<2x4xf32>
    }
    incept.yield %s : tensor<2x4xf32>
  }
  return %0 : tensor<2x4xf32>
}

// Each argument is its own operand, and each result its own value: of two that are alike none stands for the other. A
// result may be an argument beside one that is computed.
// CHECK-LABEL: func.func @arguments
// CHECK-SAME: (%[[X:.*]]: tensor<2x4xf32>, %[[Y:.*]]: tensor<2x4xf32>, %[[Z:.*]]: tensor<2x4xf32>)
func.func @arguments(%x: tensor<2x4xf32>, %y: tensor<2x4xf32>, %z: tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>) {
  // CHECK-NEXT: %[[R:.*]] = incept.relu %[[Y]]
  // CHECK-NEXT: %[[A:.*]] = incept.add %[[Z]], %[[R]]
  // CHECK-NEXT: return %[[A]], %[[X]], %[[R]]
  %0:3 = incept.block "outer" of "a" (%z, %x, %y) : (tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>) {
  ^bb0(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>, %c: tensor<2x4xf32>):
    %s:2 = incept.block "inner" of "b" (%c, %b) : (tensor<2x4xf32>, tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>) {
    ^bb0(%d: tensor<2x4xf32>, %e: tensor<2x4xf32>):
      %r = incept.relu %d : (tensor<2x4xf32>) -> tensor<2x4xf32>
      incept.yield %e, %r : tensor<2x4xf32>, tensor<2x4xf32>
    }
    %t = incept.add %a, %s#1 : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
    incept.yield %s#0, %t, %s#1 : tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>
  }
  return %0#1, %0#0, %0#2 : tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>
}
