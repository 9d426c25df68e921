// RUN: incept-opt %s | incept-opt | FileCheck %s
// Round trip of pools.

// CHECK-LABEL: func.func @max_pool
func.func @max_pool(%x: tensor<2x4x9x9xf32>) {
  // CHECK: incept.max_pool %{{.*}} kernel [3, 2] stride [2, 2] pad [1, 0] pad_end [0, 1] : (tensor<2x4x9x9xf32>) -> tensor<2x4x4x5xf32>
  %0 = incept.max_pool %x kernel [3, 2] stride [2, 2] pad [1, 0] pad_end [0, 1] : (tensor<2x4x9x9xf32>) -> tensor<2x4x4x5xf32>
  // CHECK: %[[DST:.*]], %[[WS:.*]] = incept.max_pool_with_index %{{.*}} kernel [3, 3] stride [2, 2] : (tensor<2x4x9x9xf32>) -> (tensor<2x4x4x4xf32>, tensor<2x4x4x4xui8>)
  %1, %ws = incept.max_pool_with_index %x kernel [3, 3] stride [2, 2] : (tensor<2x4x9x9xf32>) -> (tensor<2x4x4x4xf32>, tensor<2x4x4x4xui8>)
  // CHECK: incept.max_pool_backward %[[DST]], %[[WS]] kernel [3, 3] stride [2, 2] : (tensor<2x4x4x4xf32>, tensor<2x4x4x4xui8>) -> tensor<2x4x9x9xf32>
  %2 = incept.max_pool_backward %1, %ws kernel [3, 3] stride [2, 2] : (tensor<2x4x4x4xf32>, tensor<2x4x4x4xui8>) -> tensor<2x4x9x9xf32>
  return
}

// Ceil mode: the last window of each row ends one column outside the image.
// CHECK-LABEL: func.func @ceil_mode
func.func @ceil_mode(%x: tensor<2x4x8x8xf32>) {
  // CHECK: pad_end [1, 1] : (tensor<2x4x8x8xf32>) -> tensor<2x4x4x4xf32>
  %0 = incept.max_pool %x kernel [3, 3] stride [2, 2] pad_end [1, 1] : (tensor<2x4x8x8xf32>) -> tensor<2x4x4x4xf32>
  return
}

// CHECK-LABEL: func.func @avg_pool
func.func @avg_pool(%x: tensor<2x4x9x9xf32>) {
  // CHECK: incept.avg_pool %{{.*}} kernel [3, 3] pad [1, 1] pad_end [1, 1] : (tensor<2x4x9x9xf32>) -> tensor<2x4x9x9xf32>
  %0 = incept.avg_pool %x kernel [3, 3] pad [1, 1] pad_end [1, 1] : (tensor<2x4x9x9xf32>) -> tensor<2x4x9x9xf32>
  // CHECK: incept.avg_pool %{{.*}} kernel [3, 3] pad [1, 1] pad_end [1, 1] include_pad :
  %1 = incept.avg_pool %x kernel [3, 3] pad [1, 1] pad_end [1, 1] include_pad : (tensor<2x4x9x9xf32>) -> tensor<2x4x9x9xf32>
  // CHECK: incept.avg_pool_backward %{{.*}} kernel [3, 3] pad [1, 1] pad_end [1, 1] include_pad :
  %2 = incept.avg_pool_backward %1 kernel [3, 3] pad [1, 1] pad_end [1, 1] include_pad : (tensor<2x4x9x9xf32>) -> tensor<2x4x9x9xf32>
  return
}

// CHECK-LABEL: func.func @global_avg_pool
func.func @global_avg_pool(%x: tensor<2x4x9x9xf32>) {
  // CHECK: incept.global_avg_pool %{{.*}} : (tensor<2x4x9x9xf32>) -> tensor<2x4x1x1xf32>
  %0 = incept.global_avg_pool %x : (tensor<2x4x9x9xf32>) -> tensor<2x4x1x1xf32>
  // CHECK: incept.global_avg_pool_backward %{{.*}} : (tensor<2x4x1x1xf32>) -> tensor<2x4x9x9xf32>
  %1 = incept.global_avg_pool_backward %0 : (tensor<2x4x1x1xf32>) -> tensor<2x4x9x9xf32>
  return
}

// CHECK-LABEL: func.func @adaptive_avg_pool
func.func @adaptive_avg_pool(%x: tensor<2x4x9x9xf32>) {
  // CHECK: incept.adaptive_avg_pool %{{.*}} : (tensor<2x4x9x9xf32>) -> tensor<2x4x4x2xf32>
  %0 = incept.adaptive_avg_pool %x : (tensor<2x4x9x9xf32>) -> tensor<2x4x4x2xf32>
  // CHECK: incept.adaptive_avg_pool_backward %{{.*}} : (tensor<2x4x4x2xf32>) -> tensor<2x4x9x9xf32>
  %1 = incept.adaptive_avg_pool_backward %0 : (tensor<2x4x4x2xf32>) -> tensor<2x4x9x9xf32>
  return
}

// CHECK-LABEL: func.func @resize
func.func @resize(%x: tensor<2x4x9x9xf32>) {
  // CHECK: incept.resize nearest %{{.*}} : (tensor<2x4x9x9xf32>) -> tensor<2x4x18x27xf32>
  %0 = incept.resize nearest %x : (tensor<2x4x9x9xf32>) -> tensor<2x4x18x27xf32>
  // CHECK: incept.resize bilinear %{{.*}} : (tensor<2x4x9x9xf32>) -> tensor<2x4x4x2xf32>
  %1 = incept.resize bilinear %x : (tensor<2x4x9x9xf32>) -> tensor<2x4x4x2xf32>
  // CHECK: incept.resize_backward bilinear %{{.*}} : (tensor<2x4x4x2xf32>) -> tensor<2x4x9x9xf32>
  %2 = incept.resize_backward bilinear %1 : (tensor<2x4x4x2xf32>) -> tensor<2x4x9x9xf32>
  return
}
