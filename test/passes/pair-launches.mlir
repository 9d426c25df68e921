// RUN: incept-opt %s --incept-shape-launches --incept-pair-launches | FileCheck %s
// RUN: incept-opt %s --incept-shape-launches --incept-pair-launches -o %t.once
// RUN: incept-opt %t.once --incept-pair-launches | diff %t.once -
// RUN: sed 's/joins, pairs/joins/' %s | incept-opt --incept-shape-launches --incept-pair-launches | FileCheck %s --check-prefix=APART
// RUN: incept-opt %s --incept-pair-launches | FileCheck %s --check-prefix=APART

module attributes {incept.target = #incept.target<fake, joins, pairs>} {
incept.exec.region @arena 65536
incept.exec.region @wide 4194304
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
incept.exec.kernel_def @triple map {
^bb0(%x: tensor<?x?xf32>):
  %0 = incept.scale %x by 3.0 : (tensor<?x?xf32>) -> tensor<?x?xf32>
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

// The second reads what the first writes; the third writes what the second reads. There was no choice, and so no reason.
// CHECK-LABEL: func.func @dependent
//   CHECK-NOT:   with_next
//   CHECK-NOT:   incept.apart
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

// A third kernel's code has no place beside two: the third launch is paired with the fourth. Neither is the same code there
// twice: the fifth stays alone.
// CHECK-LABEL: func.func @third
//       CHECK:   incept.exec.kernel @relu {{.+}} with_next
//  CHECK-NEXT:   incept.exec.kernel @scale
//   CHECK-NOT:   with_next
//       CHECK:   incept.exec.kernel @triple {{.+}} with_next
//  CHECK-NEXT:   incept.exec.kernel @relu
//   CHECK-NOT:   with_next
//   CHECK-NOT:   incept.apart
//       CHECK:   incept.exec.kernel @triple {{.+}} {incept.apart = "relu: it has 2 kernels already"}
//   CHECK-NOT:   with_next
//       CHECK:   return
func.func @third() {
  %x = incept.exec.slice @wide at 0 : memref<8x8xf32>
  %y0 = incept.exec.slice @wide at 8192 : memref<8x8xf32>
  %y1 = incept.exec.slice @wide at 9216 : memref<8x8xf32>
  %y2 = incept.exec.slice @wide at 10240 : memref<8x8xf32>
  %y3 = incept.exec.slice @wide at 11264 : memref<8x8xf32>
  %y4 = incept.exec.slice @wide at 12288 : memref<8x8xf32>
  incept.exec.kernel @relu ins(%x : memref<8x8xf32>) outs(%y0 : memref<8x8xf32>) extents [8, 8, 8, 8] units 8
  incept.exec.kernel @scale ins(%x : memref<8x8xf32>) outs(%y1 : memref<8x8xf32>) extents [8, 8, 8, 8] units 8
  incept.exec.kernel @triple ins(%x : memref<8x8xf32>) outs(%y2 : memref<8x8xf32>) extents [8, 8, 8, 8] units 8
  incept.exec.kernel @relu ins(%x : memref<8x8xf32>) outs(%y3 : memref<8x8xf32>) extents [8, 8, 8, 8] units 8
  incept.exec.kernel @triple ins(%x : memref<8x8xf32>) outs(%y4 : memref<8x8xf32>) extents [8, 8, 8, 8] units 8
  return
}

// Seven parts and one are as many as a launch may have.
// CHECK-LABEL: func.func @eighth
//       CHECK:   incept.exec.kernel @relu {{.+}} units 56 {{.+}} with_next
//  CHECK-NEXT:   incept.exec.kernel @triple
//       CHECK:   return
func.func @eighth() {
  %x = incept.exec.slice @wide at 0 : memref<8x8xf32>
  %y0 = incept.exec.slice @wide at 8192 : memref<8x8xf32>
  %y1 = incept.exec.slice @wide at 9216 : memref<8x8xf32>
  %y2 = incept.exec.slice @wide at 10240 : memref<8x8xf32>
  %y3 = incept.exec.slice @wide at 11264 : memref<8x8xf32>
  %y4 = incept.exec.slice @wide at 12288 : memref<8x8xf32>
  %y5 = incept.exec.slice @wide at 13312 : memref<8x8xf32>
  %y6 = incept.exec.slice @wide at 14336 : memref<8x8xf32>
  %u = incept.exec.slice @wide at 131072 : memref<8x8xf32>
  incept.exec.kernel @relu ins(%x, %x, %x, %x, %x, %x, %x : memref<8x8xf32>, memref<8x8xf32>, memref<8x8xf32>, memref<8x8xf32>, memref<8x8xf32>, memref<8x8xf32>, memref<8x8xf32>) outs(%y0, %y1, %y2, %y3, %y4, %y5, %y6 : memref<8x8xf32>, memref<8x8xf32>, memref<8x8xf32>, memref<8x8xf32>, memref<8x8xf32>, memref<8x8xf32>, memref<8x8xf32>) extents [8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8] units 56
  incept.exec.kernel @triple ins(%x : memref<8x8xf32>) outs(%u : memref<8x8xf32>) extents [8, 8, 8, 8] units 8
  return
}

// Seven and two are more.
// CHECK-LABEL: func.func @ninth
//   CHECK-NOT:   with_next
//       CHECK:   incept.exec.kernel @scale {{.+}} {incept.apart = "relu: 9 parts, but at most 8 are possible"}
//  CHECK-NEXT:   return
func.func @ninth() {
  %x = incept.exec.slice @wide at 0 : memref<8x8xf32>
  %y0 = incept.exec.slice @wide at 8192 : memref<8x8xf32>
  %y1 = incept.exec.slice @wide at 9216 : memref<8x8xf32>
  %y2 = incept.exec.slice @wide at 10240 : memref<8x8xf32>
  %y3 = incept.exec.slice @wide at 11264 : memref<8x8xf32>
  %y4 = incept.exec.slice @wide at 12288 : memref<8x8xf32>
  %y5 = incept.exec.slice @wide at 13312 : memref<8x8xf32>
  %y6 = incept.exec.slice @wide at 14336 : memref<8x8xf32>
  %z0 = incept.exec.slice @wide at 65536 : memref<8x8xf32>
  %z1 = incept.exec.slice @wide at 66560 : memref<8x8xf32>
  incept.exec.kernel @relu ins(%x, %x, %x, %x, %x, %x, %x : memref<8x8xf32>, memref<8x8xf32>, memref<8x8xf32>, memref<8x8xf32>, memref<8x8xf32>, memref<8x8xf32>, memref<8x8xf32>) outs(%y0, %y1, %y2, %y3, %y4, %y5, %y6 : memref<8x8xf32>, memref<8x8xf32>, memref<8x8xf32>, memref<8x8xf32>, memref<8x8xf32>, memref<8x8xf32>, memref<8x8xf32>) extents [8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8] units 56
  incept.exec.kernel @scale ins(%x, %x : memref<8x8xf32>, memref<8x8xf32>) outs(%z0, %z1 : memref<8x8xf32>, memref<8x8xf32>) extents [8, 8, 8, 8, 8, 8, 8, 8] units 16
  return
}

// By the costs of the two, flops in square, one after the other takes less: 1 + 1 and not 4.
// CHECK-LABEL: func.func @costly
//   CHECK-NOT:   with_next
//       CHECK:   incept.exec.kernel @scale {{.+}} {incept.apart = "relu of a: 4000000.0000 us in one launch, 2000000.0000 us apart"
func.func @costly() {
  %x = incept.exec.slice @wide at 0 : memref<8x8xf32>
  %y0 = incept.exec.slice @wide at 8192 : memref<8x8xf32>
  %y1 = incept.exec.slice @wide at 9216 : memref<8x8xf32>
  incept.exec.kernel @relu ins(%x : memref<8x8xf32>) outs(%y0 : memref<8x8xf32>) extents [8, 8, 8, 8] units 8 {incept.path = "a", incept.flops = 1 : i64, incept.bytes = 0 : i64}
  incept.exec.kernel @scale ins(%x : memref<8x8xf32>) outs(%y1 : memref<8x8xf32>) extents [8, 8, 8, 8] units 8 {incept.flops = 1 : i64, incept.bytes = 0 : i64}
  return
}

// The same, but the second has a reason of its kernel's already, which stays.
// CHECK-LABEL: func.func @explained
//   CHECK-NOT:   with_next
//       CHECK:   incept.exec.kernel @scale {{.+}} {incept.apart = "scale: said before"
func.func @explained() {
  %x = incept.exec.slice @wide at 0 : memref<8x8xf32>
  %y0 = incept.exec.slice @wide at 8192 : memref<8x8xf32>
  %y1 = incept.exec.slice @wide at 9216 : memref<8x8xf32>
  incept.exec.kernel @relu ins(%x : memref<8x8xf32>) outs(%y0 : memref<8x8xf32>) extents [8, 8, 8, 8] units 8 {incept.path = "a", incept.flops = 1 : i64, incept.bytes = 0 : i64}
  incept.exec.kernel @scale ins(%x : memref<8x8xf32>) outs(%y1 : memref<8x8xf32>) extents [8, 8, 8, 8] units 8 {incept.apart = "scale: said before", incept.flops = 1 : i64, incept.bytes = 0 : i64}
  return
}

// What a launch is apart from is called by the path of all that is in it.
// CHECK-LABEL: func.func @named
//       CHECK:   incept.exec.kernel @relu {{.+}} with_next
//  CHECK-NEXT:   incept.exec.kernel @scale
//       CHECK:   incept.exec.kernel @triple {{.+}} {incept.apart = "relu of mixed: it has 2 kernels already"}
//       CHECK:   return
func.func @named() {
  %x = incept.exec.slice @wide at 0 : memref<8x8xf32>
  %y0 = incept.exec.slice @wide at 8192 : memref<8x8xf32>
  %y1 = incept.exec.slice @wide at 9216 : memref<8x8xf32>
  %y2 = incept.exec.slice @wide at 10240 : memref<8x8xf32>
  incept.exec.kernel @relu ins(%x : memref<8x8xf32>) outs(%y0 : memref<8x8xf32>) extents [8, 8, 8, 8] units 8 {incept.path = "mixed.a"}
  incept.exec.kernel @scale ins(%x : memref<8x8xf32>) outs(%y1 : memref<8x8xf32>) extents [8, 8, 8, 8] units 8 {incept.path = "mixed.b"}
  incept.exec.kernel @triple ins(%x : memref<8x8xf32>) outs(%y2 : memref<8x8xf32>) extents [8, 8, 8, 8] units 8
  return
}
}
