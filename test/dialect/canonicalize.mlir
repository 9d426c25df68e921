// RUN: incept-opt %s --canonicalize | FileCheck %s
// RUN: incept-opt %s --cse | FileCheck %s --check-prefix=CSE

// What is the identity goes.
// CHECK-LABEL: func.func @identities
//  CHECK-SAME:   (%[[X:.*]]: tensor<2x4x3x3xf32>)
//  CHECK-NEXT:   return %[[X]], %[[X]], %[[X]], %[[X]]
func.func @identities(%x: tensor<2x4x3x3xf32>) -> (tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>) {
  %0 = incept.scale %x by 1.0 : (tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  %1 = incept.cast %x : (tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  %2 = incept.concat %x : (tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  %3 = incept.slice %x at 0 : (tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  return %0, %1, %2, %3 : tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>
}

// A ReLU of a ReLU is one.
// CHECK-LABEL: func.func @relu_twice
//       CHECK:   %[[R:.*]] = incept.relu
//  CHECK-NEXT:   return %[[R]]
func.func @relu_twice(%x: tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32> {
  %0 = incept.relu %x : (tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  %1 = incept.relu %0 : (tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  return %1 : tensor<2x4x3x3xf32>
}

// These are not: a factor, another type, a part.
// CHECK-LABEL: func.func @no_identities
//       CHECK:   incept.scale
//       CHECK:   incept.cast
//       CHECK:   incept.slice
func.func @no_identities(%x: tensor<2x4x3x3xf32>) -> (tensor<2x4x3x3xf32>, tensor<2x4x3x3xbf16>, tensor<2x2x3x3xf32>) {
  %0 = incept.scale %x by 0.5 : (tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  %1 = incept.cast %x : (tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xbf16>
  %2 = incept.slice %x at 0 : (tensor<2x4x3x3xf32>) -> tensor<2x2x3x3xf32>
  return %0, %1, %2 : tensor<2x4x3x3xf32>, tensor<2x4x3x3xbf16>, tensor<2x2x3x3xf32>
}

// Two ops that compute the same are one, unless their results are two places.
// CSE-LABEL: func.func @places
//       CSE:   incept.scale
//   CSE-NOT:   incept.scale
//       CSE:   incept.copy
//       CSE:   incept.copy
//       CSE:   incept.concat_view
func.func @places(%x: tensor<2x4x3x3xf32>) -> (tensor<2x8x3x3xf32>, tensor<2x4x3x3xf32>) {
  %s = incept.scale %x by 0.5 : (tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  %t = incept.scale %x by 0.5 : (tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  %a = incept.copy %s : (tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  %b = incept.copy %t : (tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  %c = incept.concat_view %a, %b : (tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>) -> tensor<2x8x3x3xf32>
  %sum = incept.add %s, %t : (tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  return %c, %sum : tensor<2x8x3x3xf32>, tensor<2x4x3x3xf32>
}

// CSE-LABEL: func.func @groups
// CSE-COUNT-2: incept.group
func.func @groups(%x: tensor<2x4x3x3xf32>) -> (tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>) {
  %0 = incept.group kernel(%x) : (tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32> {
  ^bb0(%a: tensor<2x4x3x3xf32>):
    %r = incept.relu %a : (tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
    incept.yield %r : tensor<2x4x3x3xf32>
  }
  %1 = incept.group kernel(%x) : (tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32> {
  ^bb0(%a: tensor<2x4x3x3xf32>):
    %r = incept.relu %a : (tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
    incept.yield %r : tensor<2x4x3x3xf32>
  }
  return %0, %1 : tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>
}
