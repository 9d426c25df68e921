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

func.func @exec.kernel_c1(%x: memref<8xf32>) {
  // expected-error @+1 {{expected a kernel named 'k', but there is none}}
  incept.exec.kernel @k(%x) extents [8] units 1 : memref<8xf32>
  return
}

// -----

incept.exec.kernel_def @k map {
  incept.yield
}
func.func @exec.kernel_c1_units(%x: memref<8xf32>) {
  // expected-error @+1 {{expected at least 1 unit, but got 0}}
  incept.exec.kernel @k(%x) extents [8] units 0 : memref<8xf32>
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

func.func @exec.library_c1(%x: memref<8xf32>) {
  // expected-error @+1 {{expected a plan named 'p', but there is none}}
  incept.exec.library @p(%x) : memref<8xf32>
  return
}
