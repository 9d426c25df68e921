// RUN: incept-opt %s -split-input-file -verify-diagnostics --incept-shape-launches | FileCheck %s

module attributes {incept.target = #incept.target<fake>} {
incept.exec.region @arena 8192
incept.exec.kernel_def @k map {
^bb0(%x: tensor<?x?xf32>):
  %0 = incept.relu %x : (tensor<?x?xf32>) -> tensor<?x?xf32>
  incept.yield %0 : tensor<?x?xf32>
}
incept.exec.plan @p reorder {} : (memref<65x8xf32>) -> memref<65x8xf32>

// The fake target has blocks of 32 units: three for 65. A library's call has no shape.
// CHECK-LABEL: func.func @blocks
//       CHECK:   incept.exec.kernel @k {{.+}} extents [65, 8, 8, 8] units 65 width 1 grid [3, 1, 1] block [32, 1, 1] {incept.path = "a"}
//       CHECK:   incept.exec.library @p ins(%{{.+}} : memref<65x8xf32>) outs(%{{.+}} : memref<65x8xf32>) scratchpad(%{{.+}} : memref<0xi8>){{$}}
func.func @blocks() {
  %x = incept.exec.slice @arena at 0 : memref<65x8xf32>
  %y = incept.exec.slice @arena at 4096 : memref<65x8xf32>
  %s = incept.exec.slice @arena at 0 : memref<0xi8>
  incept.exec.kernel @k ins(%x : memref<65x8xf32>) outs(%x : memref<65x8xf32>) extents [65, 8, 8, 8] units 65 {incept.path = "a"}
  incept.exec.library @p ins(%x : memref<65x8xf32>) outs(%y : memref<65x8xf32>) scratchpad(%s : memref<0xi8>)
  return
}
}

// -----

module attributes {incept.target = #incept.target<fake>} {
incept.exec.region @arena 1073741824
incept.exec.kernel_def @k map {
^bb0(%x: tensor<?x?xf32>):
  %0 = incept.relu %x : (tensor<?x?xf32>) -> tensor<?x?xf32>
  incept.yield %0 : tensor<?x?xf32>
}
func.func @too_large() {
  %x = incept.exec.slice @arena at 0 : memref<33554432x8xf32>
  // expected-error @+1 {{needs 1048576 blocks: expected at most 65535}}
  incept.exec.kernel @k ins(%x : memref<33554432x8xf32>) outs(%x : memref<33554432x8xf32>) extents [33554432, 8, 8, 8] units 33554432
  return
}
}
