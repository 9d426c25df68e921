// RUN: incept-opt %s -split-input-file -verify-diagnostics -o /dev/null
// Both sides of limits: what ends where its region does, touches its neighbour, or is as large as it
// may be. Functions are named after the constraint.

// exec.field_c1, exec.field_c2: fields beside each other, up to the last byte.
incept.exec.region @none 0
incept.exec.region @step 24
incept.exec.field "a" of @step at 0 : f32
incept.exec.field "b" of @step at 4 : f32
incept.exec.field "c" of @step at 8 : ui64
incept.exec.field "d" of @step at 16 : f32
incept.exec.field "e" of @step at 20 : f32
func.func @exec.slice_c1() {
  %0 = incept.exec.slice @step at 0 : memref<6xf32>
  %1 = incept.exec.slice @step at 20 : memref<f32>
  %2 = incept.exec.slice @step at 23 : memref<1xi8>
  %3 = incept.exec.slice @none at 0 : memref<0xf32>
  return
}

// -----

incept.exec.region @step 24
// expected-error @+1 {{expected a multiple of 8 inside region 'step' of 24 bytes, but got offset 20}}
incept.exec.field "exec.field_c1" of @step at 20 : ui64

// -----

incept.exec.region @step 24
// expected-error @+1 {{expected a multiple of 8 inside region 'step' of 24 bytes, but got offset 24}}
incept.exec.field "exec.field_c1" of @step at 24 : ui64

// -----

incept.exec.region @step 24
// expected-error @+1 {{expected a multiple of 4 inside region 'step' of 24 bytes, but got offset -4}}
incept.exec.field "exec.field_c1" of @step at -4 : f32

// -----

// exec.field_c2: the second half of eight bytes, whichever comes first; the same place in another region is another one.
incept.exec.region @step 24
incept.exec.region @other 24
incept.exec.field "here" of @other at 8 : ui64
// expected-error @+1 {{expected a name and bytes of its own, but field 'long' at 8 has them}}
incept.exec.field "short" of @step at 12 : f32
incept.exec.field "long" of @step at 8 : ui64

// -----

incept.exec.region @step 23
func.func @exec.slice_c1_last() {
  // expected-error @+1 {{expected bytes 0 to 24 to lie inside region 'step' of 23 bytes}}
  %0 = incept.exec.slice @step at 0 : memref<6xf32>
  return
}

// -----

func.func @exec.slice_c1_type() {
  // expected-error @+1 {{expected a static shape of integers or floats, but got 'memref<?xf32>'}}
  %0 = incept.exec.slice @step at 0 : memref<?xf32>
  return
}
incept.exec.region @step 24

// -----

incept.exec.region @step 24
func.func @exec.slice_c1_element() {
  // expected-error @+1 {{expected a static shape of integers or floats, but got 'memref<2xindex>'}}
  %0 = incept.exec.slice @step at 0 : memref<2xindex>
  return
}

// -----

// exec.kernel_c3: 1024 threads at most, in every direction and altogether; a shape for each part.
incept.exec.region @arena 4096
incept.exec.kernel_def @k flat {
^bb0(%a: tensor<?xf32>):
  %0 = incept.relu %a : (tensor<?xf32>) -> tensor<?xf32>
  incept.yield %0 : tensor<?xf32>
}
func.func @exec.kernel_c3() {
  %x = incept.exec.slice @arena at 0 : memref<8xf32>
  %y = incept.exec.slice @arena at 1024 : memref<8xf32>
  %z = incept.exec.slice @arena at 2048 : memref<8xf32>
  incept.exec.kernel @k ins(%x : memref<8xf32>) outs(%y : memref<8xf32>) extents [8] units 1 width 1 grid [1, 1, 1] block [1024, 1, 1]
  incept.exec.kernel @k ins(%x : memref<8xf32>) outs(%y : memref<8xf32>) extents [8] units 1 width 1 grid [9, 8, 7] block [1, 1024, 1]
  incept.exec.kernel @k ins(%x : memref<8xf32>) outs(%y : memref<8xf32>) extents [8] units 1 width 1 grid [1, 1, 1] block [2, 2, 256]
  incept.exec.kernel @k ins(%x, %x : memref<8xf32>, memref<8xf32>) outs(%y, %z : memref<8xf32>, memref<8xf32>) extents [8, 8] units 2 width 1 grid [1, 1, 1, 2, 1, 1] block [32, 1, 1, 1024, 1, 1]
  // expected-error @+1 {{expected a width, a grid of three positive sizes and a block of three with at most 1024 threads, for each part}}
  incept.exec.kernel @k ins(%x : memref<8xf32>) outs(%y : memref<8xf32>) extents [8] units 1 width 1 grid [1, 1, 1] block [1025, 1, 1]
  return
}

// -----

incept.exec.kernel_def @k map {
  incept.yield
}
func.func @exec.kernel_c3_second() {
  // expected-error @+1 {{and a block of three with at most 1024 threads, for each part}}
  incept.exec.kernel @k extents [8, 8] units 2 width 1 grid [1, 1, 1, 1, 1, 1] block [32, 1, 1, 32, 33, 1]
  return
}

// -----

incept.exec.kernel_def @k map {
  incept.yield
}
func.func @exec.kernel_c3_depth() {
  // expected-error @+1 {{and a block of three with at most 1024 threads, for each part}}
  incept.exec.kernel @k extents [8] units 1 width 1 grid [1, 1, 1] block [1, 1, 1025]
  return
}

// -----

incept.exec.kernel_def @k map {
  incept.yield
}
func.func @exec.kernel_c3_sizes() {
  // expected-error @+1 {{expected a width, a grid of three positive sizes}}
  incept.exec.kernel @k extents [8] units 1 width 1 grid [1, 1] block [1, 1]
  return
}

// -----

incept.exec.kernel_def @k map {
  incept.yield
}
func.func @exec.kernel_c3_more_blocks() {
  // expected-error @+1 {{expected a width, a grid of three positive sizes}}
  incept.exec.kernel @k extents [8] units 1 width 1 grid [1, 1, 1] block [1, 1, 1, 1, 1, 1]
  return
}

// -----

// exec.library_c3: a scratchpad of so many bytes is enough, wherever what else there is begins.
incept.exec.region @arena 8192
incept.exec.plan @p reorder {scratchpad_bytes = 64 : i64} : (memref<8xf32>) -> memref<8xf32>
func.func @exec.library_c3() {
  %x = incept.exec.slice @arena at 0 : memref<8xf32>
  %y = incept.exec.slice @arena at 32 : memref<8xf32>
  %s = incept.exec.slice @arena at 64 : memref<64xi8>
  %f = incept.exec.slice @arena at 128 : memref<16xf32>
  incept.exec.library @p ins(%x : memref<8xf32>) outs(%y : memref<8xf32>) scratchpad(%s : memref<64xi8>)
  incept.exec.library @p ins(%x : memref<8xf32>) outs(%y : memref<8xf32>) scratchpad(%f : memref<16xf32>)
  return
}

// -----

// exec.kernel_c5: rows of a wider buffer, one after another, and a row alone; seven of eight rows, of which the last ends
// the buffer.
incept.exec.region @arena 8192
incept.exec.kernel_def @k map {
^bb0(%x: tensor<?x?xf32>):
  %0 = incept.relu %x : (tensor<?x?xf32>) -> tensor<?x?xf32>
  incept.yield %0 : tensor<?x?xf32>
}
func.func @exec.kernel_c5() {
  %x = incept.exec.slice @arena at 0 : memref<7x4xf32, strided<[12, 1]>>
  %y = incept.exec.slice @arena at 4096 : memref<7x4xf32>
  %r = incept.exec.slice @arena at 2048 : memref<1x28xf32, strided<[99, 1]>>
  incept.exec.kernel @k ins(%x : memref<7x4xf32, strided<[12, 1]>>) outs(%y : memref<7x4xf32>) extents [7, 4, 12, 4] units 7
  incept.exec.kernel @k ins(%r : memref<1x28xf32, strided<[99, 1]>>) outs(%y : memref<7x4xf32>) extents [7, 4, 4, 4] units 7
  incept.exec.kernel @k ins(%r : memref<1x28xf32, strided<[99, 1]>>) outs(%y : memref<7x4xf32>) extents [1, 28, 99, 28] units 1
  // expected-error @+1 {{expected operand 0 to be 4 rows of 7 elements at a distance of 12, but got 'memref<7x4xf32, strided<[12, 1]>>'}}
  incept.exec.kernel @k ins(%x : memref<7x4xf32, strided<[12, 1]>>) outs(%y : memref<7x4xf32>) extents [4, 7, 12, 7] units 4
  return
}

// -----

incept.exec.region @arena 8192
incept.exec.kernel_def @k map {
^bb0(%x: tensor<?x?xf32>):
  %0 = incept.relu %x : (tensor<?x?xf32>) -> tensor<?x?xf32>
  incept.yield %0 : tensor<?x?xf32>
}
func.func @exec.kernel_c5_overlap() {
  %x = incept.exec.slice @arena at 0 : memref<28xf32>
  %y = incept.exec.slice @arena at 4096 : memref<7x4xf32>
  // expected-error @+1 {{expected operand 0 to be 7 rows of 4 elements at a distance of 3, but got 'memref<28xf32>'}}
  incept.exec.kernel @k ins(%x : memref<28xf32>) outs(%y : memref<7x4xf32>) extents [7, 4, 3, 4] units 7
  return
}

// -----

incept.exec.region @arena 8192
incept.exec.kernel_def @k map {
^bb0(%x: tensor<?x?xf32>):
  %0 = incept.relu %x : (tensor<?x?xf32>) -> tensor<?x?xf32>
  incept.yield %0 : tensor<?x?xf32>
}
func.func @exec.kernel_c5_end() {
  %x = incept.exec.slice @arena at 0 : memref<28xf32>
  %y = incept.exec.slice @arena at 4096 : memref<7x4xf32>
  // expected-error @+1 {{expected operand 0 to be 7 rows of 4 elements at a distance of 5, but got 'memref<28xf32>'}}
  incept.exec.kernel @k ins(%x : memref<28xf32>) outs(%y : memref<7x4xf32>) extents [7, 4, 5, 4] units 7
  return
}

// -----

// exec.kernel_c6: a launch may write where it reads, row by row; slices beside each other are apart, as are channels of one
// buffer that others lie between.
incept.exec.region @arena 8192
incept.exec.kernel_def @k map {
^bb0(%x: tensor<?x?xf32>):
  %0 = incept.relu %x : (tensor<?x?xf32>) -> tensor<?x?xf32>
  incept.yield %0 : tensor<?x?xf32>
}
func.func @exec.kernel_c6() {
  %x = incept.exec.slice @arena at 0 : memref<8x4xf32, strided<[8, 1]>>
  %y = incept.exec.slice @arena at 16 : memref<8x4xf32, strided<[8, 1]>>
  %z = incept.exec.slice @arena at 240 : memref<8x4xf32>
  incept.exec.kernel @k ins(%x : memref<8x4xf32, strided<[8, 1]>>) outs(%y : memref<8x4xf32, strided<[8, 1]>>) extents [8, 4, 8, 8] units 8
  incept.exec.kernel @k ins(%x : memref<8x4xf32, strided<[8, 1]>>) outs(%x : memref<8x4xf32, strided<[8, 1]>>) extents [8, 4, 8, 8] units 8
  incept.exec.kernel @k ins(%x : memref<8x4xf32, strided<[8, 1]>>) outs(%z : memref<8x4xf32>) extents [8, 4, 8, 4] units 8
  // expected-error @+1 {{but operands 0 and 1 have bytes in common}}
  incept.exec.kernel @k ins(%y : memref<8x4xf32, strided<[8, 1]>>) outs(%z : memref<8x4xf32>) extents [8, 4, 8, 4] units 8
  return
}

// -----

// max_pool_with_index_c1: positions up to 254.
func.func @max_pool_with_index_c1(%x: tensor<1x1x300x300xf32>) {
  %0, %1 = incept.max_pool_with_index %x kernel [255, 1] : (tensor<1x1x300x300xf32>) -> (tensor<1x1x46x300xf32>, tensor<1x1x46x300xui8>)
  %2, %3 = incept.max_pool_with_index %x kernel [15, 17] : (tensor<1x1x300x300xf32>) -> (tensor<1x1x286x284xf32>, tensor<1x1x286x284xui8>)
  // expected-error @+1 {{expected a window of at most 255 elements, but got 1x256}}
  %4, %5 = incept.max_pool_with_index %x kernel [1, 256] : (tensor<1x1x300x300xf32>) -> (tensor<1x1x300x45xf32>, tensor<1x1x300x45xui8>)
  return
}

// -----

func.func @max_pool_with_index_c1_product(%x: tensor<1x1x300x300xf32>) {
  // expected-error @+1 {{expected a window of at most 255 elements, but got 128x2}}
  %0, %1 = incept.max_pool_with_index %x kernel [128, 2] : (tensor<1x1x300x300xf32>) -> (tensor<1x1x173x299xf32>, tensor<1x1x173x299xui8>)
  return
}

// -----

// slice_rows_c1: all rows, the last one, none behind them.
func.func @slice_rows_c1(%a: tensor<4x3xf32>) {
  %0 = incept.slice_rows %a at 0 : (tensor<4x3xf32>) -> tensor<4x3xf32>
  %1 = incept.slice_rows %a at 3 : (tensor<4x3xf32>) -> tensor<1x3xf32>
  // expected-error @+1 {{expected a range inside the 4 rows of src, but got 1 rows at 4}}
  %2 = incept.slice_rows %a at 4 : (tensor<4x3xf32>) -> tensor<1x3xf32>
  return
}

// -----

func.func @slice_rows_c1_negative(%a: tensor<4x3xf32>) {
  // expected-error @+1 {{expected a range inside the 4 rows of src, but got 1 rows at -1}}
  %0 = incept.slice_rows %a at -1 : (tensor<4x3xf32>) -> tensor<1x3xf32>
  return
}

// -----

func.func @slice_rows_c1_shape(%a: tensor<4x3xf32>) {
  // expected-error @+1 {{expected dst to differ from src, 4x3, in the first dimension only, but got 2x2}}
  %0 = incept.slice_rows %a at 0 : (tensor<4x3xf32>) -> tensor<2x2xf32>
  return
}

// -----

// The ends of ranges that belong to them: keep, smoothing, decay, sizes.
func.func @ranges(%x: tensor<2x4x9x9xf32>, %m: tensor<2x4xf32>, %s: tensor<i64>, %l: tensor<2xi64>, %b: tensor<4xf32>) {
  %0 = incept.random_drop %m keep 1.0 : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %1 = incept.random_drop %m keep 1.0e-300 : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %2 = incept.softmax_cross_entropy %m, %l {label_smoothing = 0.0} : (tensor<2x4xf32>, tensor<2xi64>) -> tensor<f32>
  %3 = incept.softmax_cross_entropy %m, %l {label_smoothing = 0.999} : (tensor<2x4xf32>, tensor<2xi64>) -> tensor<f32>
  %4 = incept.batch_norm %x beta %b mean %b variance %b {epsilon = 1.0e-300, decay = 0.0}
      : (tensor<2x4x9x9xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<2x4x9x9xf32>
  %5 = incept.batch_norm %x beta %b mean %b variance %b {epsilon = 1.0, decay = 1.0}
      : (tensor<2x4x9x9xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<2x4x9x9xf32>
  %6 = incept.local_response_norm %x size 1 alpha 0.0 beta 0.0 k 1.0e-300 : (tensor<2x4x9x9xf32>) -> tensor<2x4x9x9xf32>
  %7 = incept.local_response_norm %x size 255 alpha 1.0e300 beta 1.0e300 k 1.0e300 : (tensor<2x4x9x9xf32>) -> tensor<2x4x9x9xf32>
  %8 = incept.normalize_groups %x groups 4 epsilon 1.0e-300 : (tensor<2x4x9x9xf32>) -> tensor<2x4x9x9xf32>
  %9 = incept.channel_shuffle %x groups 1 : (tensor<2x4x9x9xf32>) -> tensor<2x4x9x9xf32>
  %10 = incept.resize nearest %x : (tensor<2x4x9x9xf32>) -> tensor<2x4x32767x32767xf32>
  %11 = incept.slice %x at 3 : (tensor<2x4x9x9xf32>) -> tensor<2x1x9x9xf32>
  // expected-error @+1 {{expected label_smoothing in [0, 1), but got -1.000000e-01}}
  %12 = incept.softmax_cross_entropy %m, %l {label_smoothing = -0.1} : (tensor<2x4xf32>, tensor<2xi64>) -> tensor<f32>
  return
}

// -----

func.func @local_response_norm_c2_alpha(%x: tensor<2x4x9x9xf32>) {
  // expected-error @+1 {{expected alpha and beta that are not negative, but got INF}}
  %0 = incept.local_response_norm %x size 5 alpha 0x7FF0000000000000 beta 0.75 k 1.0 : (tensor<2x4x9x9xf32>) -> tensor<2x4x9x9xf32>
  return
}

// -----

func.func @batch_norm_c2_decay(%x: tensor<2x4x9x9xf32>, %b: tensor<4xf32>) {
  // expected-error @+1 {{expected a decay in [0, 1], but got -1.000000e-01}}
  %0 = incept.batch_norm %x beta %b mean %b variance %b {epsilon = 1.0, decay = -0.1}
      : (tensor<2x4x9x9xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<2x4x9x9xf32>
  return
}

// -----

func.func @convolve_tiles_c2_empty(%x: tensor<2x0x5x9xf32>, %u: tensor<0xf32>) {
  // expected-error @+1 {{expected images that are not empty, but got 2x0x5x9}}
  %0:2 = incept.convolve_tiles %x, %u kernel [1, 7] pad [0, 6] tile [1, 2] lanes 8 units 2 block 6 : (tensor<2x0x5x9xf32>, tensor<0xf32>) -> (tensor<2x16x5x9xf32>, tensor<2928xf32>)
  return
}

// -----

func.func @convolve_tiles_c2_pad(%x: tensor<2x8x5x9xf32>, %u: tensor<1024xf32>) {
  // expected-error @+1 {{expected paddings of 0 up to the window's size less 1}}
  %0:2 = incept.convolve_tiles %x, %u kernel [1, 7] pad [0, 7] tile [1, 2] lanes 8 units 2 block 6 : (tensor<2x8x5x9xf32>, tensor<1024xf32>) -> (tensor<2x16x5x9xf32>, tensor<2928xf32>)
  return
}
