// RUN: incept-opt %s --verify-roundtrip | FileCheck %s
// Every form of the ops that compute convolutions by transforms of tiles.

// CHECK-LABEL: func.func @forward
func.func @forward(%x: tensor<2x8x5x9xf32>, %w: tensor<16x8x1x7xf32>, %b: tensor<16xf32>) {
  // CHECK: incept.transform_weights %{{.+}} kernel [1, 7] tile [1, 2] lanes 8 :
  %u = incept.transform_weights %w kernel [1, 7] tile [1, 2] lanes 8 : (tensor<16x8x1x7xf32>) -> tensor<1024xf32>
  // CHECK: incept.convolve_tiles %{{.+}}, %{{.+}} kernel [1, 7] pad [0, 3] tile [1, 2] lanes 8 units 2 block 6 :
  %0:2 = incept.convolve_tiles %x, %u kernel [1, 7] pad [0, 3] tile [1, 2] lanes 8 units 2 block 6 : (tensor<2x8x5x9xf32>, tensor<1024xf32>) -> (tensor<2x16x5x9xf32>, tensor<2928xf32>)
  // CHECK: incept.convolve_tiles %{{.+}}, %{{.+}} bias %{{.+}} kernel [1, 7] {{.+}} block 6 relu :
  %1:2 = incept.convolve_tiles %x, %u bias %b kernel [1, 7] pad [0, 3] tile [1, 2] lanes 8 units 2 block 6 relu : (tensor<2x8x5x9xf32>, tensor<1024xf32>, tensor<16xf32>) -> (tensor<2x16x5x9xf32>, tensor<2928xf32>)
  return
}

// CHECK-LABEL: func.func @normalized
func.func @normalized(%x: tensor<2x8x5x9xf32>, %u: tensor<1024xf32>, %v: tensor<8xf32>, %b: tensor<16xf32>, %d: tensor<2x16x5x9xf32>) {
  // CHECK: incept.convolve_tiles %{{.+}}, %{{.+}} normalized %{{.+}}, %{{.+}}, %{{.+}} kernel [1, 7]
  %0:2 = incept.convolve_tiles %x, %u normalized %v, %v, %v kernel [1, 7] pad [0, 3] tile [1, 2] lanes 8 units 2 block 6 : (tensor<2x8x5x9xf32>, tensor<1024xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<2x16x5x9xf32>, tensor<2928xf32>)
  // CHECK: incept.convolve_tiles %{{.+}}, %{{.+}} normalized %{{.+}}, %{{.+}}, %{{.+}} bias %{{.+}} kernel [1, 7]
  %1:2 = incept.convolve_tiles %x, %u normalized %v, %v, %v bias %b kernel [1, 7] pad [0, 3] tile [1, 2] lanes 8 units 2 block 6 : (tensor<2x8x5x9xf32>, tensor<1024xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<16xf32>) -> (tensor<2x16x5x9xf32>, tensor<2928xf32>)
  // CHECK: incept.correlate_tiles %{{.+}}, %{{.+}} normalized %{{.+}}, %{{.+}}, %{{.+}} kernel [1, 7]
  %2:2 = incept.correlate_tiles %x, %d normalized %v, %v, %v kernel [1, 7] pad [0, 3] tile [1, 2] lanes 8 grid [1, 1] block 5 : (tensor<2x8x5x9xf32>, tensor<2x16x5x9xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<16x8x1x7xf32>, tensor<2256xf32>)
  return
}

// CHECK-LABEL: func.func @gradients
func.func @gradients(%x: tensor<2x8x5x9xf32>, %d: tensor<2x16x5x9xf32>, %w: tensor<16x8x1x7xf32>) {
  // CHECK: incept.transform_weights %{{.+}} kernel [1, 7] tile [1, 2] lanes 8 transposed :
  %u = incept.transform_weights %w kernel [1, 7] tile [1, 2] lanes 8 transposed : (tensor<16x8x1x7xf32>) -> tensor<2048xf32>
  // CHECK: incept.correlate_tiles %{{.+}}, %{{.+}} kernel [1, 7] pad [0, 3] tile [1, 2] lanes 8 grid [1, 1] block 5 :
  %0:2 = incept.correlate_tiles %x, %d kernel [1, 7] pad [0, 3] tile [1, 2] lanes 8 grid [1, 1] block 5 : (tensor<2x8x5x9xf32>, tensor<2x16x5x9xf32>) -> (tensor<16x8x1x7xf32>, tensor<2256xf32>)
  return
}

// CHECK-LABEL: func.func @strided
func.func @strided(%x: tensor<2x8x9x9xf32>, %d: tensor<2x16x4x4xf32>, %w: tensor<16x8x3x3xf32>) {
  // CHECK: incept.transform_weights %{{.+}} kernel [3, 3] tile [2, 2] lanes 8 stride 2 :
  %u = incept.transform_weights %w kernel [3, 3] tile [2, 2] lanes 8 stride 2 : (tensor<16x8x3x3xf32>) -> tensor<3200xf32>
  // CHECK: incept.convolve_tiles %{{.+}}, %{{.+}} kernel [3, 3] pad [0, 0] tile [2, 2] lanes 8 stride 2 units 1 block 6 :
  %0:2 = incept.convolve_tiles %x, %u kernel [3, 3] pad [0, 0] tile [2, 2] lanes 8 stride 2 units 1 block 6 : (tensor<2x8x9x9xf32>, tensor<3200xf32>) -> (tensor<2x16x4x4xf32>, tensor<4472xf32>)
  // CHECK: incept.transform_weights %{{.+}} lanes 8 stride 2 transposed :
  %t = incept.transform_weights %w kernel [3, 3] tile [2, 2] lanes 8 stride 2 transposed : (tensor<16x8x3x3xf32>) -> tensor<6400xf32>
  // CHECK: incept.convolve_tiles %{{.+}}, %{{.+}} lanes 8 stride 2 transposed units 1 block 6 :
  %1:2 = incept.convolve_tiles %d, %t kernel [3, 3] pad [0, 0] tile [2, 2] lanes 8 stride 2 transposed units 1 block 6 : (tensor<2x16x4x4xf32>, tensor<6400xf32>) -> (tensor<2x8x9x9xf32>, tensor<5824xf32>)
  // CHECK: incept.correlate_tiles %{{.+}}, %{{.+}} lanes 8 stride 2 grid [1, 1] block 5 :
  %2:2 = incept.correlate_tiles %x, %d kernel [3, 3] pad [0, 0] tile [2, 2] lanes 8 stride 2 grid [1, 1] block 5 : (tensor<2x8x9x9xf32>, tensor<2x16x4x4xf32>) -> (tensor<16x8x3x3xf32>, tensor<7016xf32>)
  return
}
