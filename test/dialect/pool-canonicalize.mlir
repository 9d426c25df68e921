// RUN: incept-opt %s --canonicalize | FileCheck %s

// Nobody asks where the maximum was.
// CHECK-LABEL: func.func @unused_index
func.func @unused_index(%x: tensor<2x4x9x9xf32>) -> tensor<2x4x4x4xf32> {
  // CHECK: %[[Y:.*]] = incept.max_pool %{{.*}} kernel [3, 3] stride [2, 2] {incept.path = "pool"}
  // CHECK: return %[[Y]]
  %y, %ws = incept.max_pool_with_index %x kernel [3, 3] stride [2, 2] {incept.path = "pool"} : (tensor<2x4x9x9xf32>) -> (tensor<2x4x4x4xf32>, tensor<2x4x4x4xui8>)
  return %y : tensor<2x4x4x4xf32>
}

// CHECK-LABEL: func.func @used_index
func.func @used_index(%x: tensor<2x4x9x9xf32>) -> tensor<2x4x4x4xui8> {
  // CHECK: incept.max_pool_with_index
  %y, %ws = incept.max_pool_with_index %x kernel [3, 3] stride [2, 2] : (tensor<2x4x9x9xf32>) -> (tensor<2x4x4x4xf32>, tensor<2x4x4x4xui8>)
  return %ws : tensor<2x4x4x4xui8>
}
