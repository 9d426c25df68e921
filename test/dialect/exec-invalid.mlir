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

incept.exec.kernel_def @k "map" {
  incept.yield
}
func.func @exec.kernel_c1_units(%x: memref<8xf32>) {
  // expected-error @+1 {{expected at least 1 unit, but got 0}}
  incept.exec.kernel @k outs(%x : memref<8xf32>) extents [8] units 0
  return
}

// -----

func.func @exec.library_c1(%x: memref<8xf32>) {
  // expected-error @+1 {{expected a plan named 'p', but there is none}}
  incept.exec.library @p ins(%x : memref<8xf32>) scratchpad(%x : memref<8xf32>)
  return
}
