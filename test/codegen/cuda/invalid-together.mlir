// RUN: split-file %s %t
// RUN: not incept-translate %t/loss.mlir --incept-to-ptx 2>&1 | FileCheck %s --check-prefix=LOSS
// RUN: not incept-translate %t/parts.mlir --incept-to-ptx 2>&1 | FileCheck %s --check-prefix=PARTS
// RUN: not incept-translate %t/blocks.mlir --incept-to-ptx 2>&1 | FileCheck %s --check-prefix=BLOCKS
// What incept-pair-launches does not put together, an edited module may.

//--- loss.mlir
// Its blocks take tickets, which those of a sum over rows take too.
// LOSS: error: 'incept.exec.kernel' op runs in one launch with another kernel's, but 'loss' takes a launch of its own
incept.exec.region @arena 4096
incept.exec.kernel_def @relu map {
^bb0(%x: tensor<?x?xf32>):
  %y = incept.relu %x : (tensor<?x?xf32>) -> tensor<?x?xf32>
  incept.yield %y : tensor<?x?xf32>
}
incept.exec.kernel_def @loss opaque {
^bb0(%x: tensor<?x?xf32>, %l: tensor<?xi64>):
  %y = incept.softmax_cross_entropy %x, %l {label_smoothing = 1.0e-01 : f64} : (tensor<?x?xf32>, tensor<?xi64>) -> tensor<f32>
  incept.yield %y : tensor<f32>
}
func.func @infer() attributes {incept.entry = #incept.entry<infer>} {
  %x = incept.exec.slice @arena at 0 : memref<2x8xf32>
  %l = incept.exec.slice @arena at 64 : memref<2xi64>
  %y = incept.exec.slice @arena at 128 : memref<f32>
  %u = incept.exec.slice @arena at 192 : memref<2x8xf32>
  incept.exec.kernel @relu ins(%u : memref<2x8xf32>) outs(%u : memref<2x8xf32>) extents [2, 8, 8, 8] units 2 width 4 grid [1, 1, 1] block [2, 128, 1] with_next
  incept.exec.kernel @loss ins(%x, %l : memref<2x8xf32>, memref<2xi64>) outs(%y : memref<f32>) extents [2, 8, 2, 8] units 1 width 4 grid [1, 1, 1] block [256, 1, 1]
  return
}
//--- parts.mlir
// PARTS: error: 'incept.exec.kernel' op does not fit into one launch with the next: 9 parts, but at most 8 are possible
incept.exec.region @arena 4096
incept.exec.kernel_def @relu map {
^bb0(%x: tensor<?x?xf32>):
  %y = incept.relu %x : (tensor<?x?xf32>) -> tensor<?x?xf32>
  incept.yield %y : tensor<?x?xf32>
}
incept.exec.kernel_def @scale map {
^bb0(%x: tensor<?x?xf32>):
  %y = incept.scale %x by 2.0 : (tensor<?x?xf32>) -> tensor<?x?xf32>
  incept.yield %y : tensor<?x?xf32>
}
func.func @infer() attributes {incept.entry = #incept.entry<infer>} {
  %relu0 = incept.exec.slice @arena at 0 : memref<2x8xf32>
  %relu1 = incept.exec.slice @arena at 64 : memref<2x8xf32>
  %relu2 = incept.exec.slice @arena at 128 : memref<2x8xf32>
  %relu3 = incept.exec.slice @arena at 192 : memref<2x8xf32>
  %relu4 = incept.exec.slice @arena at 256 : memref<2x8xf32>
  %scale0 = incept.exec.slice @arena at 1024 : memref<2x8xf32>
  %scale1 = incept.exec.slice @arena at 1088 : memref<2x8xf32>
  %scale2 = incept.exec.slice @arena at 1152 : memref<2x8xf32>
  %scale3 = incept.exec.slice @arena at 1216 : memref<2x8xf32>
  incept.exec.kernel @relu ins(%relu0, %relu1, %relu2, %relu3, %relu4 : memref<2x8xf32>, memref<2x8xf32>, memref<2x8xf32>, memref<2x8xf32>, memref<2x8xf32>) outs(%relu0, %relu1, %relu2, %relu3, %relu4 : memref<2x8xf32>, memref<2x8xf32>, memref<2x8xf32>, memref<2x8xf32>, memref<2x8xf32>)
      extents [2, 8, 8, 8, 2, 8, 8, 8, 2, 8, 8, 8, 2, 8, 8, 8, 2, 8, 8, 8] units 10 width 4 grid [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1] block [2, 128, 1, 2, 128, 1, 2, 128, 1, 2, 128, 1, 2, 128, 1] with_next
  incept.exec.kernel @scale ins(%scale0, %scale1, %scale2, %scale3 : memref<2x8xf32>, memref<2x8xf32>, memref<2x8xf32>, memref<2x8xf32>) outs(%scale0, %scale1, %scale2, %scale3 : memref<2x8xf32>, memref<2x8xf32>, memref<2x8xf32>, memref<2x8xf32>)
      extents [2, 8, 8, 8, 2, 8, 8, 8, 2, 8, 8, 8, 2, 8, 8, 8] units 8 width 4 grid [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1] block [2, 128, 1, 2, 128, 1, 2, 128, 1, 2, 128, 1]
  return
}
//--- blocks.mlir
// Each has 2^30 blocks.
// BLOCKS: error: 'incept.exec.kernel' op does not fit into one launch with the next: 2147483648 blocks, but at most 2147483647 are possible
incept.exec.region @arena 35184372088832
incept.exec.kernel_def @relu map {
^bb0(%x: tensor<?x?xf32>):
  %y = incept.relu %x : (tensor<?x?xf32>) -> tensor<?x?xf32>
  incept.yield %y : tensor<?x?xf32>
}
incept.exec.kernel_def @scale map {
^bb0(%x: tensor<?x?xf32>):
  %y = incept.scale %x by 2.0 : (tensor<?x?xf32>) -> tensor<?x?xf32>
  incept.yield %y : tensor<?x?xf32>
}
func.func @infer() attributes {incept.entry = #incept.entry<infer>} {
  %x = incept.exec.slice @arena at 0 : memref<262144x16777216xf32>
  %y = incept.exec.slice @arena at 17592186044416 : memref<262144x16777216xf32>
  incept.exec.kernel @relu ins(%x : memref<262144x16777216xf32>) outs(%x : memref<262144x16777216xf32>) extents [262144, 16777216, 16777216, 16777216] units 262144 width 4 grid [32768, 32768, 1] block [128, 2, 1] with_next
  incept.exec.kernel @scale ins(%y : memref<262144x16777216xf32>) outs(%y : memref<262144x16777216xf32>) extents [262144, 16777216, 16777216, 16777216] units 262144 width 4 grid [32768, 32768, 1] block [128, 2, 1]
  return
}
