// RUN: incept-translate %s --incept-to-ptx | FileCheck %s
// RUN: incept-translate %s --incept-to-grids | FileCheck %s --check-prefix=GRID

// A block per row of the written image, its threads over channels and pixels.
// GRID:      max_pool_v4 grid 34 x 1 block 48 x 5
// GRID-NEXT: max_pool_backward_v4 grid 70 x 1 block 48 x 5
// GRID-NEXT: dropout_v4 grid 2 x 1 block 48 x 5
// GRID-NEXT: loss_v1 grid 1 x 1 block 256 x 1
// GRID-NEXT: loss_backward_v1 grid 2 x 1 block 256 x 1
// GRID-NEXT: normalize_v1 grid 10 x 1 block 256 x 1
// GRID-NEXT: normalize_v16 grid 8 x 1 block 256 x 1
// GRID-NEXT: fold_v4 grid 192 x 1 block 16 x 1
incept.exec.region @arena 16777216

// CHECK-LABEL: .entry max_pool_v4(
// CHECK:         ld.global.nc.v4.b32
// CHECK:         setp.nan.f32
incept.exec.kernel_def @max_pool opaque {
^bb0(%x: tensor<?x?x?x?xf32>):
  %y, %i = incept.max_pool_with_index %x kernel [1, 1] : (tensor<?x?x?x?xf32>) -> (tensor<?x?x?x?xf32>, tensor<?x?x?x?xui8>)
  incept.yield %y, %i : tensor<?x?x?x?xf32>, tensor<?x?x?x?xui8>
}

// In gather form: every pixel is written once, without atomics.
// CHECK-LABEL: .entry max_pool_backward_v4(
// CHECK-NOT:     atom
// CHECK-NOT:     red.
// CHECK:         st.global.v4.b32
// CHECK-NOT:     atom
// CHECK-LABEL: .entry dropout_v4(
// CHECK-DAG:     -766435501
// CHECK:         st.global.v4.b32
incept.exec.kernel_def @max_pool_backward opaque {
^bb0(%d: tensor<?x?x?x?xf32>, %i: tensor<?x?x?x?xui8>):
  %y = incept.max_pool_backward %d, %i kernel [1, 1] : (tensor<?x?x?x?xf32>, tensor<?x?x?x?xui8>) -> tensor<?x?x?x?xf32>
  incept.yield %y : tensor<?x?x?x?xf32>
}
incept.exec.kernel_def @dropout opaque {
^bb0(%x: tensor<?x?x?x?xf32>, %seed: tensor<i64>, %step: tensor<i64>, %base: tensor<i64>):
  %y = incept.dropout %x, %seed, %step, %base {keep = 8.0e-01 : f64, stream = 5 : i64} : (tensor<?x?x?x?xf32>, tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<?x?x?x?xf32>
  incept.yield %y : tensor<?x?x?x?xf32>
}

// A warp folds a row.
// CHECK-LABEL: .entry loss_v1(
// CHECK:         shfl.sync.bfly.b32
// CHECK:         bar{{.*}}.sync
// CHECK:         add.rn.f64
// CHECK-LABEL: .entry loss_backward_v1(
// CHECK:         shfl.sync.bfly.b32
// CHECK:         st.global.b32
incept.exec.kernel_def @loss opaque {
^bb0(%x: tensor<?x?xf32>, %l: tensor<?xi64>):
  %y = incept.softmax_cross_entropy %x, %l {label_smoothing = 1.0e-01 : f64} : (tensor<?x?xf32>, tensor<?xi64>) -> tensor<f32>
  incept.yield %y : tensor<f32>
}
incept.exec.kernel_def @loss_backward opaque {
^bb0(%x: tensor<?x?xf32>, %l: tensor<?xi64>):
  %y = incept.softmax_cross_entropy_backward %x, %l {label_smoothing = 1.0e-01 : f64, weight = 1.0 : f64} : (tensor<?x?xf32>, tensor<?xi64>) -> tensor<?x?xf32>
  incept.yield %y : tensor<?x?xf32>
}

// Where pixels come in sixteens, dense and aligned, a thread takes sixteen: a vector of bytes per channel, all read before
// the first is used, and four of f32 for each.
// CHECK-LABEL: .entry normalize_v1(
// CHECK:         ld.global.nc.b8
// CHECK:         fma.rn.f32
// CHECK-LABEL: .entry normalize_v16(
// CHECK-COUNT-3: ld.global.nc.v4.b32
// CHECK-COUNT-12: st.global.v4.b32
incept.exec.kernel_def @normalize opaque {
^bb0(%x: tensor<?x?x?x?xui8>):
  %y = incept.normalize_image %x {mean = array<f64: 0.5, 0.5, 0.5>, std = array<f64: 0.2, 0.2, 0.2>} : (tensor<?x?x?x?xui8>) -> tensor<?x?x?x?xf32>
  incept.yield %y : tensor<?x?x?x?xf32>
}

// Batch norm folded into weights, one output channel a block.
// CHECK-LABEL: .entry fold_v4(
// CHECK:         mul.rn.f32
// CHECK:         st.global.v4.b32
incept.exec.kernel_def @fold opaque {
^bb0(%w: tensor<?x?x?x?xf32>, %s: tensor<?xf32>):
  %y = incept.reorder %w scales %s : (tensor<?x?x?x?xf32>, tensor<?xf32>) -> tensor<?x?x?x?xf32>
  incept.yield %y : tensor<?x?x?x?xf32>
}

func.func @forward_backward() attributes {incept.entry = #incept.entry<forward_backward>} {
  %x = incept.exec.slice @arena at 0 : memref<2x192x35x35xf32>
  %y = incept.exec.slice @arena at 4194304 : memref<2x192x17x17xf32>
  %i = incept.exec.slice @arena at 5242880 : memref<2x192x17x17xui8>
  %scalar = incept.exec.slice @arena at 6291456 : memref<i64>
  %logits = incept.exec.slice @arena at 6300000 : memref<2x1000xf32>
  %labels = incept.exec.slice @arena at 6400000 : memref<2xi64>
  %loss = incept.exec.slice @arena at 6410000 : memref<f32>
  %bytes = incept.exec.slice @arena at 6500000 : memref<2x35x35x3xui8>
  %image = incept.exec.slice @arena at 6600000 : memref<2x3x35x35xf32>
  %many_bytes = incept.exec.slice @arena at 12582912 : memref<2x128x128x3xui8>
  %many = incept.exec.slice @arena at 13631488 : memref<2x3x128x128xf32>
  %w = incept.exec.slice @arena at 7000000 : memref<192x64x1x1xf32>
  %scales = incept.exec.slice @arena at 7100000 : memref<192xf32>
  %dropped = incept.exec.slice @arena at 8388608 : memref<2x192x35x35xf32>
  %gradient = incept.exec.slice @arena at 6320000 : memref<2x1000xf32>
  %folded = incept.exec.slice @arena at 7200000 : memref<192x64x1x1xf32>
  incept.exec.kernel @max_pool ins(%x : memref<2x192x35x35xf32>) outs(%y, %i : memref<2x192x17x17xf32>, memref<2x192x17x17xui8>) extents [2, 35, 35, 192, 17, 17, 3, 3, 2, 2, 0, 0, 0, 0, 192, 192, 192] units 34
  incept.exec.kernel @max_pool_backward ins(%y, %i : memref<2x192x17x17xf32>, memref<2x192x17x17xui8>) outs(%x : memref<2x192x35x35xf32>) extents [2, 35, 35, 192, 17, 17, 3, 3, 2, 2, 0, 0, 0, 0, 192, 192, 192] units 70
  incept.exec.kernel @dropout ins(%x, %scalar, %scalar, %scalar : memref<2x192x35x35xf32>, memref<i64>, memref<i64>, memref<i64>) outs(%dropped : memref<2x192x35x35xf32>) extents [2, 192, 1225, 192, 192] units 2
  incept.exec.kernel @loss ins(%logits, %labels : memref<2x1000xf32>, memref<2xi64>) outs(%loss : memref<f32>) extents [2, 1000, 2, 1000] units 1
  incept.exec.kernel @loss_backward ins(%logits, %labels : memref<2x1000xf32>, memref<2xi64>) outs(%gradient : memref<2x1000xf32>) extents [2, 1000, 1000, 1000] units 2
  incept.exec.kernel @normalize ins(%bytes : memref<2x35x35x3xui8>) outs(%image : memref<2x3x35x35xf32>) extents [2450, 3, 3] units 2450
  incept.exec.kernel @normalize ins(%many_bytes : memref<2x128x128x3xui8>) outs(%many : memref<2x3x128x128xf32>) extents [32768, 3, 3] units 32768
  incept.exec.kernel @fold ins(%w, %scales : memref<192x64x1x1xf32>, memref<192xf32>) outs(%folded : memref<192x64x1x1xf32>) extents [192, 64] units 192
  return
}
