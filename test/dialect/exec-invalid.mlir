// RUN: incept-opt %s -split-input-file -verify-diagnostics
// One violation per constraint; functions are named after it.

// exec.region_c1
// expected-error @+1 {{expected a size that is not negative, but got -1}}
incept.exec.region @arena -1

// -----

func.func @exec.slice_c1_missing() {
  // expected-error @+1 {{expected a region named 'arena', but there is none}}
  %0 = incept.exec.slice @arena at 0 : memref<8xf32>
  return
}

// -----

incept.exec.region @arena 4096
func.func @exec.slice_c1_end() {
  // expected-error @+1 {{expected bytes 4068 to 4100 to lie inside region 'arena' of 4096 bytes}}
  %0 = incept.exec.slice @arena at 4068 : memref<8xf32>
  return
}

// -----

incept.exec.region @arena 4096
func.func @exec.slice_c1_begin() {
  // expected-error @+1 {{to lie inside region 'arena' of 4096 bytes}}
  %0 = incept.exec.slice @arena at -4 : memref<8xf32>
  return
}

// -----

incept.exec.region @arena 4096
func.func @exec.slice_c1_overflow() {
  // expected-error @+1 {{expected a size below 2^63 bytes}}
  %0 = incept.exec.slice @arena at 0 : memref<4294967296x4294967296xf32>
  return
}

// -----

// The last of 64 rows begins at byte 2064 + 63 * 32 and is 16 long.
incept.exec.region @arena 4095
func.func @exec.slice_c1_strided() {
  // expected-error @+1 {{expected bytes 2064 to 4096 to lie inside region 'arena' of 4095 bytes}}
  %0 = incept.exec.slice @arena at 2064 : memref<1x4x8x8xf32, strided<[512, 1, 64, 8]>>
  return
}

// -----

// Rows of pixels with nothing between them, rows of images with something.
incept.exec.region @arena 8192
func.func @exec.slice_c2() {
  // expected-error @+1 {{expected rows of one length that are equally far apart}}
  %0 = incept.exec.slice @arena at 0 : memref<1x4x8x8xf32, strided<[600, 1, 66, 8]>>
  return
}

// -----

incept.exec.region @arena 8192
func.func @exec.slice_c2_one_place() {
  // expected-error @+1 {{expected rows of one length that are equally far apart}}
  %0 = incept.exec.slice @arena at 0 : memref<8x8xf32, strided<[0, 1]>>
  return
}

// -----

incept.exec.region @arena 8192
func.func @exec.slice_c2_dynamic() {
  // expected-error @+1 {{expected static strides and no offset}}
  %0 = incept.exec.slice @arena at 0 : memref<8x8xf32, strided<[8, 1], offset: 4>>
  return
}

// -----

func.func @exec.kernel_c1(%x: memref<8xf32>) {
  // expected-error @+1 {{expected a kernel named 'k', but there is none}}
  incept.exec.kernel @k outs(%x : memref<8xf32>) extents [8] units 1
  return
}

// -----

incept.exec.kernel_def @k map {
  incept.yield
}
func.func @exec.kernel_c1_units() {
  // expected-error @+1 {{expected at least 1 unit, but got 0}}
  incept.exec.kernel @k extents [8] units 0
  return
}

// -----

// exec.kernel_def_c1: the second result would have no operand.
// expected-error @+1 {{expected one op that takes all arguments and whose results are all yielded, in order}}
incept.exec.kernel_def @k opaque {
^bb0(%x: tensor<?x?x?x?xf32>):
  %y, %i = incept.max_pool_with_index %x kernel [1, 1] : (tensor<?x?x?x?xf32>) -> (tensor<?x?x?x?xf32>, tensor<?x?x?x?xui8>)
  incept.yield %y : tensor<?x?x?x?xf32>
}

// -----

// exec.kernel_def_c1: operands in another order than the addresses.
// expected-error @+1 {{expected one op that takes all arguments and whose results are all yielded, in order}}
incept.exec.kernel_def @k opaque {
^bb0(%i: tensor<?x?x?x?xui8>, %d: tensor<?x?x?x?xf32>):
  %y = incept.max_pool_backward %d, %i kernel [1, 1] : (tensor<?x?x?x?xf32>, tensor<?x?x?x?xui8>) -> tensor<?x?x?x?xf32>
  incept.yield %y : tensor<?x?x?x?xf32>
}

// -----

// exec.kernel_def_c1: two ops.
// expected-error @+1 {{expected one op that takes all arguments and whose results are all yielded, in order}}
incept.exec.kernel_def @k opaque {
^bb0(%x: tensor<?x?x?x?xf32>):
  %y = incept.max_pool %x kernel [1, 1] : (tensor<?x?x?x?xf32>) -> tensor<?x?x?x?xf32>
  %z = incept.relu %y : (tensor<?x?x?x?xf32>) -> tensor<?x?x?x?xf32>
  incept.yield %z : tensor<?x?x?x?xf32>
}

// -----

incept.exec.kernel_def @k map {
^bb0(%x: tensor<?x?xf32>):
  incept.yield %x : tensor<?x?xf32>
}
func.func @exec.kernel_c2_number(%x: memref<8x8xf32>) {
  // expected-error @+1 {{expected 1 ins and 1 outs as kernel 'k' has them, but got 2 and 0}}
  incept.exec.kernel @k ins(%x, %x : memref<8x8xf32>, memref<8x8xf32>) extents [8, 8, 8, 8] units 8
  return
}

// -----

incept.exec.kernel_def @k map {
^bb0(%x: tensor<?x?xf32>):
  incept.yield %x : tensor<?x?xf32>
}
func.func @exec.kernel_c2_element(%x: memref<8x8xf32>, %y: memref<8x8xbf16>) {
  // expected-error @+1 {{expected operand 1 to be like 'tensor<?x?xf32>' of kernel 'k', but got 'memref<8x8xbf16>'}}
  incept.exec.kernel @k ins(%x : memref<8x8xf32>) outs(%y : memref<8x8xbf16>) extents [8, 8, 8, 8] units 8
  return
}

// -----

incept.exec.kernel_def @k flat {
^bb0(%c: tensor<f32>, %x: tensor<?xf32>):
  %0 = incept.select %c, %x, %x : (tensor<f32>, tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  incept.yield %0 : tensor<?xf32>
}
func.func @exec.kernel_c2_scalar(%x: memref<8xf32>) {
  // expected-error @+1 {{expected operand 0 to be like 'tensor<f32>' of kernel 'k', but got 'memref<8xf32>'}}
  incept.exec.kernel @k ins(%x, %x : memref<8xf32>, memref<8xf32>) outs(%x : memref<8xf32>) extents [8] units 1
  return
}

// -----

incept.exec.kernel_def @k map {
  incept.yield
}
func.func @exec.kernel_c3_grid() {
  // expected-error @+1 {{expected a width, a grid of three positive sizes and a block of three with at most 1024 threads}}
  incept.exec.kernel @k extents [8] units 1 width 1 grid [1, 0, 1] block [32, 1, 1]
  return
}

// -----

incept.exec.kernel_def @k map {
  incept.yield
}
func.func @exec.kernel_c3_block() {
  // expected-error @+1 {{and a block of three with at most 1024 threads}}
  incept.exec.kernel @k extents [8] units 1 width 1 grid [1, 1, 1] block [32, 33, 1]
  return
}

// -----

incept.exec.kernel_def @k map {
  incept.yield
}
func.func @exec.kernel_c3_width() {
  // expected-error @+1 {{attribute 'width' failed to satisfy constraint}}
  incept.exec.kernel @k extents [8] units 1 width 0 grid [1, 1, 1] block [32, 1, 1]
  return
}

// -----

// Two parts, and the shape of one.
incept.exec.region @arena 4096
incept.exec.kernel_def @k flat {
^bb0(%a: tensor<?xf32>):
  %0 = incept.relu %a : (tensor<?xf32>) -> tensor<?xf32>
  incept.yield %0 : tensor<?xf32>
}
func.func @exec.kernel_c3_parts() {
  %x = incept.exec.slice @arena at 0 : memref<8xf32>
  %y = incept.exec.slice @arena at 1024 : memref<8xf32>
  %z = incept.exec.slice @arena at 2048 : memref<8xf32>
  // expected-error @+1 {{expected a grid and a block for each of 2 parts}}
  incept.exec.kernel @k ins(%x, %x : memref<8xf32>, memref<8xf32>) outs(%y, %z : memref<8xf32>, memref<8xf32>) extents [8, 8] units 2 width 1 grid [1, 1, 1] block [32, 1, 1]
  return
}

// -----

// The inputs of two parts, and the result of one.
incept.exec.region @arena 4096
incept.exec.kernel_def @k flat {
^bb0(%a: tensor<?xf32>):
  %0 = incept.relu %a : (tensor<?xf32>) -> tensor<?xf32>
  incept.yield %0 : tensor<?xf32>
}
func.func @exec.kernel_c2_parts() {
  %x = incept.exec.slice @arena at 0 : memref<8xf32>
  %y = incept.exec.slice @arena at 1024 : memref<8xf32>
  // expected-error @+1 {{expected 1 ins and 1 outs as kernel 'k' has them, but got 2 and 1}}
  incept.exec.kernel @k ins(%x, %x : memref<8xf32>, memref<8xf32>) outs(%y : memref<8xf32>) extents [8, 8] units 2
  return
}

// -----

// A part may write element by element on what it reads, but not on what another reads.
incept.exec.region @arena 4096
incept.exec.kernel_def @k flat {
^bb0(%a: tensor<?xf32>):
  %0 = incept.relu %a : (tensor<?xf32>) -> tensor<?xf32>
  incept.yield %0 : tensor<?xf32>
}
func.func @exec.kernel_c6_parts() {
  %x = incept.exec.slice @arena at 0 : memref<8xf32>
  %y = incept.exec.slice @arena at 1024 : memref<8xf32>
  incept.exec.kernel @k ins(%x, %y : memref<8xf32>, memref<8xf32>) outs(%x, %y : memref<8xf32>, memref<8xf32>) extents [8, 8] units 2
  // expected-error @+1 {{expected what it writes to lie apart from what else it works on, but operands 1 and 2 have bytes in common}}
  incept.exec.kernel @k ins(%x, %y : memref<8xf32>, memref<8xf32>) outs(%y, %x : memref<8xf32>, memref<8xf32>) extents [8, 8] units 2
  return
}

// -----

// A loop over eight elements, with a number too many.
incept.exec.kernel_def @k flat {
^bb0(%a: tensor<?xf32>, %b: tensor<?xf32>):
  %0 = incept.add %a, %b : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  incept.yield %0 : tensor<?xf32>
}
func.func @exec.kernel_c4_extents(%x: memref<8xf32>) {
  // expected-error @+1 {{expected 1 extents that are not negative, but got array<i64: 8, 8>}}
  incept.exec.kernel @k ins(%x, %x : memref<8xf32>, memref<8xf32>) outs(%x : memref<8xf32>) extents [8, 8] units 1
  return
}

// -----

incept.exec.kernel_def @k map {
^bb0(%x: tensor<?x?xf32>):
  incept.yield %x : tensor<?x?xf32>
}
func.func @exec.kernel_c4_negative(%x: memref<8x8xf32>) {
  // expected-error @+1 {{expected 4 extents that are not negative, but got array<i64: 8, 8, -8, 8>}}
  incept.exec.kernel @k ins(%x : memref<8x8xf32>) outs(%x : memref<8x8xf32>) extents [8, 8, -8, 8] units 8
  return
}

// -----

// 76 chunks of 64 rows, and the rest.
incept.exec.kernel_def @k reduce {
^bb0(%x: tensor<?x?xf32>):
  %0 = incept.channel_sum %x : (tensor<?x?xf32>) -> tensor<?xf32>
  incept.yield %0 : tensor<?xf32>
}
func.func @exec.kernel_c4_units(%x: memref<4900x8xf32>, %p: memref<77x8xf32>) {
  // expected-error @+1 {{expected 77 units with these extents, but got 76}}
  incept.exec.kernel @k ins(%x : memref<4900x8xf32>) outs(%p : memref<77x8xf32>) extents [4900, 8, 64, 8] units 76
  return
}

// -----

// A row of partial sums too few.
incept.exec.kernel_def @k reduce {
^bb0(%x: tensor<?x?xf32>):
  %0 = incept.channel_sum %x : (tensor<?x?xf32>) -> tensor<?xf32>
  incept.yield %0 : tensor<?xf32>
}
func.func @exec.kernel_c5_sums(%x: memref<4900x8xf32>, %p: memref<76x8xf32>) {
  // expected-error @+1 {{expected operand 1 to be 77 rows of 8 elements at a distance of 8, but got 'memref<76x8xf32>'}}
  incept.exec.kernel @k ins(%x : memref<4900x8xf32>) outs(%p : memref<76x8xf32>) extents [4900, 8, 64, 8] units 77
  return
}

// -----

incept.exec.kernel_def @k flat {
^bb0(%c: tensor<f32>, %x: tensor<?xf32>):
  %0 = incept.select %c, %x, %x : (tensor<f32>, tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  incept.yield %0 : tensor<?xf32>
}
func.func @exec.kernel_c5_flat(%c: memref<f32>, %x: memref<8xf32>, %y: memref<9xf32>) {
  // expected-error @+1 {{expected operand 2 to be 1 rows of 9 elements at a distance of 9, but got 'memref<8xf32>'}}
  incept.exec.kernel @k ins(%c, %y : memref<f32>, memref<9xf32>) outs(%x : memref<8xf32>) extents [9] units 1
  return
}

// -----

// One value would not be computed, and still be read.
incept.exec.kernel_def @k flat {
^bb0(%x: tensor<?xf32>):
  %0 = incept.relu %x : (tensor<?xf32>) -> tensor<?xf32>
  incept.yield %0 : tensor<?xf32>
}
func.func @exec.kernel_c5_fewer(%x: memref<9xf32>) {
  // expected-error @+1 {{expected operand 0 to be 1 rows of 8 elements at a distance of 8, but got 'memref<9xf32>'}}
  incept.exec.kernel @k ins(%x : memref<9xf32>) outs(%x : memref<9xf32>) extents [8] units 1
  return
}

// -----

// The rows are there, but 12 elements apart: the kernel would read what lies between them.
incept.exec.kernel_def @k map {
^bb0(%x: tensor<?x?xf32>):
  incept.yield %x : tensor<?x?xf32>
}
func.func @exec.kernel_c5_distance(%x: memref<8x8xf32, strided<[12, 1]>>, %y: memref<8x8xf32>) {
  // expected-error @+1 {{expected operand 0 to be 8 rows of 8 elements at a distance of 8, but got 'memref<8x8xf32, strided<[12, 1]>>'}}
  incept.exec.kernel @k ins(%x : memref<8x8xf32, strided<[12, 1]>>) outs(%y : memref<8x8xf32>) extents [8, 8, 8, 8] units 8
  return
}

// -----

// Sizes whose product is no i64.
incept.exec.kernel_def @k map {
^bb0(%x: tensor<?x?xf32>):
  incept.yield %x : tensor<?x?xf32>
}
func.func @exec.kernel_c5_overflow(%x: memref<8x8xf32>) {
  // expected-error @+1 {{expected operand 0 to be 9223372036854775807 rows of 8 elements}}
  incept.exec.kernel @k ins(%x : memref<8x8xf32>) outs(%x : memref<8x8xf32>) extents [9223372036854775807, 8, 8, 8] units 9223372036854775807
  return
}

// -----

// A row of the written image is a unit: 2 * 4.
incept.exec.kernel_def @k opaque {
^bb0(%x: tensor<?x?x?x?xf32>):
  %y = incept.max_pool %x kernel [1, 1] : (tensor<?x?x?x?xf32>) -> tensor<?x?x?x?xf32>
  incept.yield %y : tensor<?x?x?x?xf32>
}
func.func @exec.kernel_c4_pool(%x: memref<2x8x8x3xf32>, %y: memref<2x4x4x3xf32>) {
  // expected-error @+1 {{expected 8 units with these extents, but got 16}}
  incept.exec.kernel @k ins(%x : memref<2x8x8x3xf32>) outs(%y : memref<2x4x4x3xf32>) extents [2, 8, 8, 3, 4, 4, 2, 2, 2, 2, 0, 0, 0, 0, 3, 3] units 16
  return
}

// -----

incept.exec.kernel_def @k opaque {
^bb0(%x: tensor<?x?x?x?xf32>):
  %y = incept.max_pool %x kernel [1, 1] : (tensor<?x?x?x?xf32>) -> tensor<?x?x?x?xf32>
  incept.yield %y : tensor<?x?x?x?xf32>
}
func.func @exec.kernel_c5_pool(%x: memref<2x8x8x3xf32>, %y: memref<2x4x4x3xf32>) {
  // expected-error @+1 {{expected 0 units with these extents, but got 8}}
  incept.exec.kernel @k ins(%x : memref<2x8x8x3xf32>) outs(%y : memref<2x4x4x3xf32>) extents [2, 8, 8, 3, 4, 5, 2, 2, 2, 2, 0, 0, 0, 0, 3, 3] units 8
  return
}

// -----

// expected-error @+1 {{expected a signature from memrefs to memrefs, but got '(memref<8xf32>) -> tensor<8xf32>'}}
incept.exec.plan @exec.plan_c1 reorder {} : (memref<8xf32>) -> tensor<8xf32>

// -----

func.func @exec.library_c1(%x: memref<8xf32>) {
  // expected-error @+1 {{expected a plan named 'p', but there is none}}
  incept.exec.library @p ins(%x : memref<8xf32>) scratchpad(%x : memref<8xf32>)
  return
}

// -----

incept.exec.plan @p reorder {} : (memref<8x3xf32>) -> memref<24xf32>
func.func @exec.library_c2(%x: memref<3x8xf32>, %y: memref<24xf32>, %s: memref<0xi8>) {
  // expected-error @+1 {{expected memory as plan 'p' has it, '(memref<8x3xf32>) -> memref<24xf32>', but got '(memref<3x8xf32>) -> memref<24xf32>'}}
  incept.exec.library @p ins(%x : memref<3x8xf32>) outs(%y : memref<24xf32>) scratchpad(%s : memref<0xi8>)
  return
}

// -----

incept.exec.plan @p reorder {scratchpad_bytes = 65 : i64} : (memref<24xf32>) -> memref<24xf32>
func.func @exec.library_c3(%x: memref<24xf32>, %s: memref<64xi8>) {
  // expected-error @+1 {{expected a scratchpad of 65 bytes or more, but got 'memref<64xi8>'}}
  incept.exec.library @p ins(%x : memref<24xf32>) outs(%x : memref<24xf32>) scratchpad(%s : memref<64xi8>)
  return
}

// -----

// expected-error @+1 {{expected a region named 'step', but there is none}}
incept.exec.field "exec.field_c1" of @step at 0 : f32

// -----

// exec.field_c1
incept.exec.region @step 64
// expected-error @+1 {{expected a multiple of 4 inside region 'step' of 64 bytes, but got offset 64}}
incept.exec.field "outside" of @step at 64 : f32

// -----

// exec.field_c1
incept.exec.region @step 64
// expected-error @+1 {{expected a multiple of 8 inside region 'step' of 64 bytes, but got offset 4}}
incept.exec.field "not_aligned" of @step at 4 : i64

// -----

// exec.field_c2
incept.exec.region @step 64
// expected-error @+1 {{expected a name and bytes of its own, but field 'momentum' at 12 has them}}
incept.exec.field "seed" of @step at 8 : ui64
incept.exec.field "momentum" of @step at 12 : f32

// -----

// exec.field_c2
incept.exec.region @step 64
// expected-error @+1 {{expected a name and bytes of its own, but field 'momentum' at 12 has them}}
incept.exec.field "momentum" of @step at 8 : f32
incept.exec.field "momentum" of @step at 12 : f32

// -----

incept.exec.region @arena 8192
func.func @exec.slice_c3() {
  // expected-error @+1 {{expected a multiple of 4 bytes, the size of an element, but got offset 6}}
  %0 = incept.exec.slice @arena at 6 : memref<8xf32>
  return
}

// -----

// Row by row on what it reads is fine, a row further is not.
incept.exec.region @arena 8192
incept.exec.kernel_def @k map {
^bb0(%x: tensor<?x?xf32>):
  %0 = incept.relu %x : (tensor<?x?xf32>) -> tensor<?x?xf32>
  incept.yield %0 : tensor<?x?xf32>
}
func.func @exec.kernel_c6() {
  %x = incept.exec.slice @arena at 0 : memref<8x8xf32>
  %y = incept.exec.slice @arena at 32 : memref<8x8xf32>
  incept.exec.kernel @k ins(%x : memref<8x8xf32>) outs(%x : memref<8x8xf32>) extents [8, 8, 8, 8] units 8
  // expected-error @+1 {{expected what it writes to lie apart from what else it works on, but operands 0 and 1 have bytes in common}}
  incept.exec.kernel @k ins(%x : memref<8x8xf32>) outs(%y : memref<8x8xf32>) extents [8, 8, 8, 8] units 8
  return
}

// -----

incept.exec.region @arena 8192
incept.exec.kernel_def @k opaque {
^bb0(%x: tensor<?x?x?x?xf32>):
  %0 = incept.global_avg_pool %x : (tensor<?x?x?x?xf32>) -> tensor<?x?x?x?xf32>
  incept.yield %0 : tensor<?x?x?x?xf32>
}
func.func @exec.kernel_c6_opaque() {
  %x = incept.exec.slice @arena at 0 : memref<1x8x2x2xf32, strided<[32, 1, 16, 8]>>
  %y = incept.exec.slice @arena at 0 : memref<1x8x1x1xf32>
  // expected-error @+1 {{expected what it writes to lie apart from what else it works on, but operands 0 and 1 have bytes in common}}
  incept.exec.kernel @k ins(%x : memref<1x8x2x2xf32, strided<[32, 1, 16, 8]>>) outs(%y : memref<1x8x1x1xf32>)
      extents [1, 4, 8, 8, 8] units 1
  return
}

// -----

// All units read the sums, and the first one writes the statistics: on running ones, which it alone reads, but not on sums.
incept.exec.region @arena 8192
incept.exec.kernel_def @k map {
^bb0(%x: tensor<?x?x?x?xf32>, %s: tensor<?xf32>, %q: tensor<?xf32>, %b: tensor<?xf32>, %m: tensor<?xf32>, %v: tensor<?xf32>):
  %f:5 = incept.batch_norm_finalize %s, %q of %x running %m, %v {epsilon = 1.0e-3, decay = 0.9, count = 0 : i64}
      : (tensor<?xf32>, tensor<?xf32>, tensor<?x?x?x?xf32>, tensor<?xf32>, tensor<?xf32>) -> (tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>)
  %y = incept.scale_shift %x, %f#0, %f#2, %b : (tensor<?x?x?x?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>) -> tensor<?x?x?x?xf32>
  incept.yield %y, %f#0, %f#3 : tensor<?x?x?x?xf32>, tensor<?xf32>, tensor<?xf32>
}
func.func @exec.kernel_c6_statistics() {
  %x = incept.exec.slice @arena at 0 : memref<8x8xf32>
  %y = incept.exec.slice @arena at 1024 : memref<8x8xf32>
  %s = incept.exec.slice @arena at 2048 : memref<8xf32>
  %q = incept.exec.slice @arena at 2112 : memref<8xf32>
  %b = incept.exec.slice @arena at 2176 : memref<8xf32>
  %m = incept.exec.slice @arena at 2240 : memref<8xf32>
  %v = incept.exec.slice @arena at 2304 : memref<8xf32>
  %a = incept.exec.slice @arena at 2368 : memref<8xf32>
  incept.exec.kernel @k ins(%x, %s, %q, %b, %m, %v : memref<8x8xf32>, memref<8xf32>, memref<8xf32>, memref<8xf32>, memref<8xf32>, memref<8xf32>)
      outs(%y, %a, %m : memref<8x8xf32>, memref<8xf32>, memref<8xf32>) extents [8, 8, 8, 8] units 8
  // expected-error @+1 {{expected what it writes to lie apart from what else it works on, but operands 1 and 7 have bytes in common}}
  incept.exec.kernel @k ins(%x, %s, %q, %b, %m, %v : memref<8x8xf32>, memref<8xf32>, memref<8xf32>, memref<8xf32>, memref<8xf32>, memref<8xf32>)
      outs(%y, %s, %m : memref<8x8xf32>, memref<8xf32>, memref<8xf32>) extents [8, 8, 8, 8] units 8
  return
}

// -----

incept.exec.region @arena 8192
incept.exec.plan @p reorder {scratchpad_bytes = 64 : i64} : (memref<8xf32>) -> memref<8xf32>
func.func @exec.library_c4() {
  %x = incept.exec.slice @arena at 0 : memref<8xf32>
  %y = incept.exec.slice @arena at 64 : memref<8xf32>
  %s = incept.exec.slice @arena at 92 : memref<64xi8>
  // expected-error @+1 {{expected what it writes to lie apart from what else it works on, but operands 1 and 2 have bytes in common}}
  incept.exec.library @p ins(%x : memref<8xf32>) outs(%y : memref<8xf32>) scratchpad(%s : memref<64xi8>)
  return
}

// -----

// One window of 4 rows fits into 4, not two.
incept.exec.kernel_def @k opaque {
^bb0(%x: tensor<?x?x?x?xf32>):
  %0 = incept.max_pool %x kernel [1, 1] : (tensor<?x?x?x?xf32>) -> tensor<?x?x?x?xf32>
  incept.yield %0 : tensor<?x?x?x?xf32>
}
func.func @exec.kernel_c4_window(%x: memref<1x8x4x4xf32, strided<[128, 1, 32, 8]>>, %y: memref<1x8x2x2xf32, strided<[32, 1, 16, 8]>>) {
  // expected-error @+1 {{expected 0 units with these extents, but got 2}}
  incept.exec.kernel @k ins(%x : memref<1x8x4x4xf32, strided<[128, 1, 32, 8]>>) outs(%y : memref<1x8x2x2xf32, strided<[32, 1, 16, 8]>>)
      extents [1, 4, 4, 8, 2, 2, 4, 2, 2, 2, 0, 0, 0, 0, 8, 8] units 2
  return
}

// -----

// The sums of gradients in a grid of more cells than there are blocks of channels.
incept.exec.kernel_def @k opaque {
^bb0(%x: tensor<?x?x?x?xf32>, %d: tensor<?x?x?x?xf32>):
  %w, %s = incept.correlate_tiles %x, %d kernel [3, 3] pad [0, 0] tile [4, 4] lanes 16 grid [1, 1] block 12 : (tensor<?x?x?x?xf32>, tensor<?x?x?x?xf32>) -> (tensor<?x?x?x?xf32>, tensor<?xf32>)
  incept.yield %w, %s : tensor<?x?x?x?xf32>, tensor<?xf32>
}
func.func @exec.kernel_c4_grid(%x: memref<2x16x5x5xf32, strided<[400, 1, 80, 16]>>, %w: memref<2304xf32>, %s: memref<37000xf32>) {
  // expected-error @+1 {{expected 0 units with these extents, but got 1}}
  incept.exec.kernel @k ins(%x, %x : memref<2x16x5x5xf32, strided<[400, 1, 80, 16]>>, memref<2x16x5x5xf32, strided<[400, 1, 80, 16]>>) outs(%w, %s : memref<2304xf32>, memref<37000xf32>) extents [2, 5, 5, 16, 5, 5, 16, 1, 1, 0, 2, 1, 12, 16, 16] units 1
  return
}
