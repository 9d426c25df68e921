// RUN: incept-opt %s -split-input-file -verify-diagnostics
// Launches of kernels that are to run in one; functions are named after the constraint that they violate.

incept.exec.region @arena 8192
incept.exec.kernel_def @k map {
^bb0(%x: tensor<?x?xf32>):
  %0 = incept.relu %x : (tensor<?x?xf32>) -> tensor<?x?xf32>
  incept.yield %0 : tensor<?x?xf32>
}
func.func @exec.kernel_c7() {
  %x = incept.exec.slice @arena at 0 : memref<8x8xf32>
  %y = incept.exec.slice @arena at 1024 : memref<8x8xf32>
  %z = incept.exec.slice @arena at 2048 : memref<8x8xf32>
  // expected-error @+1 {{expected not to work on what launches write that it runs in one with, nor they on what it writes}}
  incept.exec.kernel @k ins(%x : memref<8x8xf32>) outs(%y : memref<8x8xf32>) extents [8, 8, 8, 8] units 8 width 1 grid [1, 1, 1] block [8, 8, 1] with_next
  incept.exec.kernel @k ins(%x : memref<8x8xf32>) outs(%z : memref<8x8xf32>) extents [8, 8, 8, 8] units 8 width 1 grid [1, 1, 1] block [8, 8, 1] with_next
  incept.exec.kernel @k ins(%y : memref<8x8xf32>) outs(%y : memref<8x8xf32>) extents [8, 8, 8, 8] units 8 width 1 grid [1, 1, 1] block [8, 8, 1]
  return
}

// -----

incept.exec.region @arena 8192
incept.exec.kernel_def @k map {
^bb0(%x: tensor<?x?xf32>):
  %0 = incept.relu %x : (tensor<?x?xf32>) -> tensor<?x?xf32>
  incept.yield %0 : tensor<?x?xf32>
}
func.func @exec.kernel_c7_alone() {
  %x = incept.exec.slice @arena at 0 : memref<8x8xf32>
  %y = incept.exec.slice @arena at 1024 : memref<8x8xf32>
  // expected-error @+1 {{expected a launch of a kernel behind it that it runs in one with, both with a grid}}
  incept.exec.kernel @k ins(%x : memref<8x8xf32>) outs(%y : memref<8x8xf32>) extents [8, 8, 8, 8] units 8 width 1 grid [1, 1, 1] block [8, 8, 1] with_next
  return
}

// -----

incept.exec.region @arena 8192
incept.exec.kernel_def @k map {
^bb0(%x: tensor<?x?xf32>):
  %0 = incept.relu %x : (tensor<?x?xf32>) -> tensor<?x?xf32>
  incept.yield %0 : tensor<?x?xf32>
}
func.func @exec.kernel_c7_shapeless() {
  %x = incept.exec.slice @arena at 0 : memref<8x8xf32>
  %y = incept.exec.slice @arena at 1024 : memref<8x8xf32>
  %z = incept.exec.slice @arena at 2048 : memref<8x8xf32>
  // expected-error @+1 {{expected a launch of a kernel behind it that it runs in one with, both with a grid}}
  incept.exec.kernel @k ins(%x : memref<8x8xf32>) outs(%y : memref<8x8xf32>) extents [8, 8, 8, 8] units 8 with_next
  incept.exec.kernel @k ins(%x : memref<8x8xf32>) outs(%z : memref<8x8xf32>) extents [8, 8, 8, 8] units 8
  return
}

// -----

// A library call is no launch of a kernel, whatever comes behind it.
incept.exec.region @arena 8192
incept.exec.kernel_def @k map {
^bb0(%x: tensor<?x?xf32>):
  %0 = incept.relu %x : (tensor<?x?xf32>) -> tensor<?x?xf32>
  incept.yield %0 : tensor<?x?xf32>
}
incept.exec.plan @p reorder {} : (memref<8x8xf32>) -> memref<8x8xf32>
func.func @exec.kernel_c7_library() {
  %x = incept.exec.slice @arena at 0 : memref<8x8xf32>
  %y = incept.exec.slice @arena at 1024 : memref<8x8xf32>
  %z = incept.exec.slice @arena at 2048 : memref<8x8xf32>
  %u = incept.exec.slice @arena at 3072 : memref<8x8xf32>
  %s = incept.exec.slice @arena at 4096 : memref<0xi8>
  // expected-error @+1 {{expected a launch of a kernel behind it that it runs in one with, both with a grid}}
  incept.exec.kernel @k ins(%x : memref<8x8xf32>) outs(%y : memref<8x8xf32>) extents [8, 8, 8, 8] units 8 width 1 grid [1, 1, 1] block [8, 8, 1] with_next
  incept.exec.library @p ins(%x : memref<8x8xf32>) outs(%u : memref<8x8xf32>) scratchpad(%s : memref<0xi8>)
  incept.exec.kernel @k ins(%x : memref<8x8xf32>) outs(%z : memref<8x8xf32>) extents [8, 8, 8, 8] units 8 width 1 grid [1, 1, 1] block [8, 8, 1]
  return
}

// -----

// Without `with_next` the second ends the first launch: the third, which works on what the first writes, comes later.
// The fourth, which has no grid, is the next of the third.
incept.exec.region @arena 8192
incept.exec.kernel_def @k map {
^bb0(%x: tensor<?x?xf32>):
  %0 = incept.relu %x : (tensor<?x?xf32>) -> tensor<?x?xf32>
  incept.yield %0 : tensor<?x?xf32>
}
func.func @exec.kernel_c7_middle() {
  %x = incept.exec.slice @arena at 0 : memref<8x8xf32>
  %y = incept.exec.slice @arena at 1024 : memref<8x8xf32>
  %z = incept.exec.slice @arena at 2048 : memref<8x8xf32>
  incept.exec.kernel @k ins(%x : memref<8x8xf32>) outs(%y : memref<8x8xf32>) extents [8, 8, 8, 8] units 8 width 1 grid [1, 1, 1] block [8, 8, 1] with_next
  incept.exec.kernel @k ins(%x : memref<8x8xf32>) outs(%z : memref<8x8xf32>) extents [8, 8, 8, 8] units 8 width 1 grid [1, 1, 1] block [8, 8, 1]
  // expected-error @+1 {{expected a launch of a kernel behind it that it runs in one with, both with a grid}}
  incept.exec.kernel @k ins(%x : memref<8x8xf32>) outs(%y : memref<8x8xf32>) extents [8, 8, 8, 8] units 8 width 1 grid [1, 1, 1] block [8, 8, 1] with_next
  incept.exec.kernel @k ins(%x : memref<8x8xf32>) outs(%z : memref<8x8xf32>) extents [8, 8, 8, 8] units 8
  return
}
