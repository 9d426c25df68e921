// RUN: split-file %s %t
// RUN: not incept-translate %t/family.mlir --incept-to-ptx 2>&1 | FileCheck %s --check-prefix=FAMILY
// RUN: not incept-translate %t/body.mlir --incept-to-ptx 2>&1 | FileCheck %s --check-prefix=BODY
// RUN: not incept-translate %t/large.mlir --incept-to-ptx 2>&1 | FileCheck %s --check-prefix=LARGE
// RUN: not incept-translate %t/width.mlir --incept-to-ptx 2>&1 | FileCheck %s --check-prefix=WIDTH
// RUN: not incept-translate %t/grid.mlir --incept-to-ptx 2>&1 | FileCheck %s --check-prefix=LAUNCH-GRID
// RUN: not incept-translate %t/unshaped.mlir --incept-to-ptx 2>&1 | FileCheck %s --check-prefix=UNSHAPED

//--- family.mlir
// FAMILY: error: custom op 'incept.exec.kernel_def' expected ::incept::KernelFamily to be one of: flat, map, reduce, combine, opaque, reduce_combine
incept.exec.region @arena 4096
incept.exec.kernel_def @k spiral {
^bb0(%x: tensor<?xf32>):
  incept.yield %x : tensor<?xf32>
}
func.func @infer() attributes {incept.entry = #incept.entry<infer>} {
  %x = incept.exec.slice @arena at 0 : memref<8xf32>
  incept.exec.kernel @k ins(%x : memref<8xf32>) outs(%x : memref<8xf32>) extents [8] units 1
  return
}
//--- body.mlir
// BODY: error: 'incept.exec.kernel_def' op 'incept.relu' has no kernel rule
incept.exec.region @arena 4096
incept.exec.kernel_def @k opaque {
^bb0(%x: tensor<?x?x?x?xf32>):
  %y = incept.relu %x : (tensor<?x?x?x?xf32>) -> tensor<?x?x?x?xf32>
  incept.yield %y : tensor<?x?x?x?xf32>
}
func.func @infer() attributes {incept.entry = #incept.entry<infer>} {
  %x = incept.exec.slice @arena at 0 : memref<1x8x1x1xf32>
  incept.exec.kernel @k ins(%x : memref<1x8x1x1xf32>) outs(%x : memref<1x8x1x1xf32>) extents [1, 1, 1, 8, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 8, 8] units 1
  return
}
//--- large.mlir
// LARGE: error: 'incept.exec.kernel' op is too large for a GPU's grid: use a smaller --batch-size
incept.exec.region @arena 274877906944
incept.exec.kernel_def @k map {
^bb0(%x: tensor<?x?xf32>):
  %y = incept.relu %x : (tensor<?x?xf32>) -> tensor<?x?xf32>
  incept.yield %y : tensor<?x?xf32>
}
func.func @infer() attributes {incept.entry = #incept.entry<infer>} {
  %x = incept.exec.slice @arena at 0 : memref<4294967296x8xf32>
  incept.exec.kernel @k ins(%x : memref<4294967296x8xf32>) outs(%x : memref<4294967296x8xf32>) extents [4294967296, 8, 8, 8] units 4294967296
  return
}
//--- width.mlir
// Four values that begin at byte 4 are no 16 bytes that one access can read.
// WIDTH: error: 'incept.exec.kernel' op has a shape that does not fit it: expected width 1, grid 1 x 1 and block 8 x 32
incept.exec.region @arena 4096
incept.exec.kernel_def @k map {
^bb0(%x: tensor<?x?xf32>):
  %y = incept.relu %x : (tensor<?x?xf32>) -> tensor<?x?xf32>
  incept.yield %y : tensor<?x?xf32>
}
func.func @infer() attributes {incept.entry = #incept.entry<infer>} {
  %x = incept.exec.slice @arena at 4 : memref<2x8xf32>
  %y = incept.exec.slice @arena at 64 : memref<2x8xf32>
  incept.exec.kernel @k ins(%x : memref<2x8xf32>) outs(%x : memref<2x8xf32>) extents [2, 8, 8, 8] units 2 width 4 grid [1, 1, 1] block [2, 128, 1]
  return
}
//--- grid.mlir
// LAUNCH-GRID: error: 'incept.exec.kernel' op has a shape that does not fit it: expected width 4, grid 1 x 1 and block 2 x 128
incept.exec.region @arena 4096
incept.exec.kernel_def @k map {
^bb0(%x: tensor<?x?xf32>):
  %y = incept.relu %x : (tensor<?x?xf32>) -> tensor<?x?xf32>
  incept.yield %y : tensor<?x?xf32>
}
func.func @infer() attributes {incept.entry = #incept.entry<infer>} {
  %x = incept.exec.slice @arena at 4 : memref<2x8xf32>
  %y = incept.exec.slice @arena at 64 : memref<2x8xf32>
  incept.exec.kernel @k ins(%y : memref<2x8xf32>) outs(%y : memref<2x8xf32>) extents [2, 8, 8, 8] units 2 width 4 grid [2, 1, 1] block [2, 128, 1]
  return
}
//--- unshaped.mlir
// UNSHAPED: error: 'incept.exec.kernel' op has no shape: expected incept-shape-launches for this target before
incept.exec.region @arena 4096
incept.exec.kernel_def @k map {
^bb0(%x: tensor<?x?xf32>):
  %y = incept.relu %x : (tensor<?x?xf32>) -> tensor<?x?xf32>
  incept.yield %y : tensor<?x?xf32>
}
func.func @infer() attributes {incept.entry = #incept.entry<infer>} {
  %x = incept.exec.slice @arena at 4 : memref<2x8xf32>
  %y = incept.exec.slice @arena at 64 : memref<2x8xf32>
  incept.exec.kernel @k ins(%y : memref<2x8xf32>) outs(%y : memref<2x8xf32>) extents [2, 8, 8, 8] units 2 width 4 grid [1, 1, 1] block [2, 128, 1]
  incept.exec.kernel @k ins(%y : memref<2x8xf32>) outs(%y : memref<2x8xf32>) extents [2, 8, 8, 8] units 2
  return
}
