// RUN: incept-opt %s --incept-shape-launches --incept-pair-launches | FileCheck %s
// RUN: sed 's/joins, pairs/joins/' %s | incept-opt --incept-shape-launches --incept-pair-launches | FileCheck %s --check-prefix=APART
// RUN: incept-opt %s --incept-pair-launches | FileCheck %s --check-prefix=APART

module attributes {incept.target = #incept.target<fake, joins, pairs>} {
incept.exec.region @arena 65536
incept.exec.kernel_def @relu map {
^bb0(%x: tensor<?x?xf32>):
  %0 = incept.relu %x : (tensor<?x?xf32>) -> tensor<?x?xf32>
  incept.yield %0 : tensor<?x?xf32>
}
incept.exec.kernel_def @scale map {
^bb0(%x: tensor<?x?xf32>):
  %0 = incept.scale %x by 2.0 : (tensor<?x?xf32>) -> tensor<?x?xf32>
  incept.yield %0 : tensor<?x?xf32>
}
incept.exec.kernel_def @global opaque {
^bb0(%x: tensor<?x?x?x?xf32>):
  %0 = incept.global_avg_pool %x : (tensor<?x?x?x?xf32>) -> tensor<?x?x?x?xf32>
  incept.yield %0 : tensor<?x?x?x?xf32>
}
incept.exec.plan @p reorder {} : (memref<8x8xf32>) -> memref<8x8xf32>

// The fourth has nothing to do with the third, and is one launch with it.
// CHECK-LABEL: func.func @apart
//       CHECK:   %[[X:.+]] = incept.exec.slice @arena at 1024
//       CHECK:   %[[Y:.+]] = incept.exec.slice @arena at 4096
//       CHECK:   incept.exec.library @p
//       CHECK:   incept.exec.kernel @relu ins(%[[Y]] : {{.+}}) outs(%[[X]] : {{.+}}) extents
//       CHECK:   %[[Z:.+]] = incept.exec.slice @arena at 2048
//       CHECK:   %[[U:.+]] = incept.exec.slice @arena at 8192
//       CHECK:   %[[V:.+]] = incept.exec.slice @arena at 12288
//       CHECK:   incept.exec.kernel @relu ins(%[[X]] : {{.+}}) outs(%[[Z]] : {{.+}}) extents [8, 8, 8, 8] units 8 width 1 grid [1, 1, 1] block [32, 1, 1] with_next
//  CHECK-NEXT:   incept.exec.kernel @scale ins(%[[U]] : {{.+}}) outs(%[[V]] : {{.+}}) extents
//   CHECK-NOT:   with_next
//       CHECK:   return
// APART-LABEL: func.func @apart
//   APART-NOT:   with_next
//       APART:   return
func.func @apart() {
  %x = incept.exec.slice @arena at 1024 : memref<8x8xf32>
  %y = incept.exec.slice @arena at 4096 : memref<8x8xf32>
  %s = incept.exec.slice @arena at 0 : memref<0xi8>
  incept.exec.kernel @scale ins(%x : memref<8x8xf32>) outs(%y : memref<8x8xf32>) extents [8, 8, 8, 8] units 8
  incept.exec.library @p ins(%y : memref<8x8xf32>) outs(%x : memref<8x8xf32>) scratchpad(%s : memref<0xi8>)
  incept.exec.kernel @relu ins(%y : memref<8x8xf32>) outs(%x : memref<8x8xf32>) extents [8, 8, 8, 8] units 8
  %z = incept.exec.slice @arena at 2048 : memref<8x8xf32>
  incept.exec.kernel @relu ins(%x : memref<8x8xf32>) outs(%z : memref<8x8xf32>) extents [8, 8, 8, 8] units 8
  %u = incept.exec.slice @arena at 8192 : memref<8x8xf32>
  %v = incept.exec.slice @arena at 12288 : memref<8x8xf32>
  incept.exec.kernel @scale ins(%u : memref<8x8xf32>) outs(%v : memref<8x8xf32>) extents [8, 8, 8, 8] units 8
  return
}

// The second reads what the first writes; the third writes what the second reads.
// CHECK-LABEL: func.func @dependent
//   CHECK-NOT:   with_next
//       CHECK:   return
func.func @dependent() {
  %x = incept.exec.slice @arena at 1024 : memref<8x8xf32>
  %y = incept.exec.slice @arena at 4096 : memref<8x8xf32>
  %z = incept.exec.slice @arena at 8192 : memref<8x8xf32>
  %u = incept.exec.slice @arena at 12288 : memref<8x8xf32>
  incept.exec.kernel @relu ins(%x : memref<8x8xf32>) outs(%y : memref<8x8xf32>) extents [8, 8, 8, 8] units 8
  incept.exec.kernel @scale ins(%y : memref<8x8xf32>) outs(%z : memref<8x8xf32>) extents [8, 8, 8, 8] units 8
  incept.exec.kernel @relu ins(%u : memref<8x8xf32>) outs(%y : memref<8x8xf32>) extents [8, 8, 8, 8] units 8
  return
}

// A library call lies between; a kernel that runs beside no other.
// CHECK-LABEL: func.func @never
//   CHECK-NOT:   with_next
//       CHECK:   return
func.func @never() {
  %x = incept.exec.slice @arena at 1024 : memref<8x8xf32>
  %y = incept.exec.slice @arena at 4096 : memref<8x8xf32>
  %u = incept.exec.slice @arena at 8192 : memref<8x8xf32>
  %v = incept.exec.slice @arena at 12288 : memref<8x8xf32>
  %s = incept.exec.slice @arena at 0 : memref<0xi8>
  incept.exec.kernel @relu ins(%x : memref<8x8xf32>) outs(%y : memref<8x8xf32>) extents [8, 8, 8, 8] units 8
  incept.exec.library @p ins(%u : memref<8x8xf32>) outs(%v : memref<8x8xf32>) scratchpad(%s : memref<0xi8>)
  %a = incept.exec.slice @arena at 16384 : memref<1x8x2x2xf32, strided<[32, 1, 16, 8]>>
  %b = incept.exec.slice @arena at 20480 : memref<1x8x1x1xf32>
  incept.exec.kernel @scale ins(%u : memref<8x8xf32>) outs(%v : memref<8x8xf32>) extents [8, 8, 8, 8] units 8
  incept.exec.kernel @global ins(%a : memref<1x8x2x2xf32, strided<[32, 1, 16, 8]>>) outs(%b : memref<1x8x1x1xf32>)
      extents [1, 4, 8, 8, 8] units 1
  return
}
}
