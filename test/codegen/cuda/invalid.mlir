// RUN: split-file %s %t
// RUN: not incept-translate %t/family.mlir --incept-to-ptx 2>&1 | FileCheck %s --check-prefix=FAMILY
// RUN: not incept-translate %t/body.mlir --incept-to-ptx 2>&1 | FileCheck %s --check-prefix=BODY
// RUN: not incept-translate %t/large.mlir --incept-to-ptx 2>&1 | FileCheck %s --check-prefix=LARGE

//--- family.mlir
// FAMILY: error: 'incept.exec.kernel_def' op unknown kernel family 'spiral'
incept.exec.region @arena 4096
incept.exec.kernel_def @k "spiral" {
^bb0(%x: tensor<?xf32>):
  incept.yield %x : tensor<?xf32>
}
func.func @infer() attributes {incept.entry = #incept.entry<infer>} {
  %x = incept.exec.slice @arena at 0 : memref<8xf32>
  incept.exec.kernel @k(%x, %x) extents [8] units 1 : memref<8xf32>, memref<8xf32>
  return
}
//--- body.mlir
// BODY: error: 'incept.exec.kernel_def' op expected a body of one 'avg_pool' in a kernel of that family
incept.exec.region @arena 4096
incept.exec.kernel_def @k "avg_pool" {
^bb0(%x: tensor<?x?x?x?xf32>):
  %y = incept.relu %x : (tensor<?x?x?x?xf32>) -> tensor<?x?x?x?xf32>
  incept.yield %y : tensor<?x?x?x?xf32>
}
func.func @infer() attributes {incept.entry = #incept.entry<infer>} {
  %x = incept.exec.slice @arena at 0 : memref<1x8x1x1xf32>
  incept.exec.kernel @k(%x, %x) extents [1, 1, 1, 8, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 8, 8] units 1 : memref<1x8x1x1xf32>, memref<1x8x1x1xf32>
  return
}
//--- large.mlir
// LARGE: error: 'incept.exec.kernel' op is too large for a GPU's grid: use a smaller --batch-size
incept.exec.region @arena 4096
incept.exec.kernel_def @k "map" {
^bb0(%x: tensor<?x?xf32>):
  %y = incept.relu %x : (tensor<?x?xf32>) -> tensor<?x?xf32>
  incept.yield %y : tensor<?x?xf32>
}
func.func @infer() attributes {incept.entry = #incept.entry<infer>} {
  %x = incept.exec.slice @arena at 0 : memref<1x8xf32>
  incept.exec.kernel @k(%x, %x) extents [4294967296, 8, 8, 8] units 4294967296 : memref<1x8xf32>, memref<1x8xf32>
  return
}
