// RUN: incept-opt %s --incept-join-launches --incept-shape-launches | FileCheck %s
// RUN: sed 's/<fake, joins>/<fake>/' %s | incept-opt --incept-join-launches | FileCheck %s --check-prefix=APART

module attributes {incept.target = #incept.target<fake, joins>} {
incept.exec.region @arena 65536
incept.exec.kernel_def @scale map {
^bb0(%x: tensor<?x?xf32>, %k: tensor<?xf32>):
  %0 = incept.channel_affine %x, %k : (tensor<?x?xf32>, tensor<?xf32>) -> tensor<?x?xf32>
  incept.yield %0 : tensor<?x?xf32>
}
incept.exec.kernel_def @relu map {
^bb0(%x: tensor<?x?xf32>):
  %0 = incept.relu %x : (tensor<?x?xf32>) -> tensor<?x?xf32>
  incept.yield %0 : tensor<?x?xf32>
}
incept.exec.plan @p reorder {} : (memref<8x8xf32>) -> memref<8x8xf32>

// Inputs of all parts, then outputs of all, extents and shapes part by part; the costs are added.
// CHECK-LABEL: func.func @parts
//       CHECK:   %[[K:.+]] = incept.exec.slice @arena at 0 : memref<8xf32>
//       CHECK:   %[[X:.+]] = incept.exec.slice @arena at 1024
//       CHECK:   %[[Y:.+]] = incept.exec.slice @arena at 4096
//       CHECK:   %[[U:.+]] = incept.exec.slice @arena at 8192
//       CHECK:   %[[V:.+]] = incept.exec.slice @arena at 16384
//       CHECK:   incept.exec.kernel @scale ins(%[[X]], %[[K]], %[[U]], %[[K]] : {{.+}}) outs(%[[Y]], %[[V]] : {{.+}}) extents [8, 8, 8, 8, 40, 8, 8, 8] units 48 width 1 grid [1, 1, 1, 2, 1, 1] block [32, 1, 1, 32, 1, 1] {incept.bytes = 3136 : i64, incept.flops = 384 : i64, incept.path = "a"}
//   CHECK-NOT:   incept.exec.kernel
//       CHECK:   return
// A target for which launches cost nothing.
// APART-LABEL: func.func @parts
// APART-COUNT-2: incept.exec.kernel
func.func @parts() {
  %k = incept.exec.slice @arena at 0 : memref<8xf32>
  %x = incept.exec.slice @arena at 1024 : memref<8x8xf32>
  %y = incept.exec.slice @arena at 4096 : memref<8x8xf32>
  incept.exec.kernel @scale ins(%x, %k : memref<8x8xf32>, memref<8xf32>) outs(%y : memref<8x8xf32>) extents [8, 8, 8, 8] units 8 {incept.path = "a", incept.flops = 64 : i64, incept.bytes = 544 : i64}
  %u = incept.exec.slice @arena at 8192 : memref<40x8xf32>
  %v = incept.exec.slice @arena at 16384 : memref<40x8xf32>
  incept.exec.kernel @scale ins(%u, %k : memref<40x8xf32>, memref<8xf32>) outs(%v : memref<40x8xf32>) extents [40, 8, 8, 8] units 40 {incept.path = "b", incept.flops = 320 : i64, incept.bytes = 2592 : i64}
  return
}

// Launches of one block are the block's.
// CHECK-LABEL: func.func @path
//       CHECK:   incept.exec.kernel @relu {{.+}} units 24 {{.+}}incept.path = "mixed.b"
func.func @path() {
  %x = incept.exec.slice @arena at 1024 : memref<8x8xf32>
  %y = incept.exec.slice @arena at 4096 : memref<8x8xf32>
  %z = incept.exec.slice @arena at 8192 : memref<8x8xf32>
  %u = incept.exec.slice @arena at 12288 : memref<8x8xf32>
  incept.exec.kernel @relu ins(%x : memref<8x8xf32>) outs(%y : memref<8x8xf32>) extents [8, 8, 8, 8] units 8 {incept.path = "mixed.b.conv1.relu"}
  incept.exec.kernel @relu ins(%x : memref<8x8xf32>) outs(%z : memref<8x8xf32>) extents [8, 8, 8, 8] units 8 {incept.path = "mixed.b.conv2"}
  incept.exec.kernel @relu ins(%x : memref<8x8xf32>) outs(%u : memref<8x8xf32>) extents [8, 8, 8, 8] units 8 {incept.path = "mixed.b"}
  return
}

// The second reads what the first writes.
// CHECK-LABEL: func.func @dependent
// CHECK-COUNT-2: incept.exec.kernel @relu
func.func @dependent() {
  %x = incept.exec.slice @arena at 1024 : memref<8x8xf32>
  %y = incept.exec.slice @arena at 4096 : memref<8x8xf32>
  %z = incept.exec.slice @arena at 8192 : memref<8x8xf32>
  incept.exec.kernel @relu ins(%x : memref<8x8xf32>) outs(%y : memref<8x8xf32>) extents [8, 8, 8, 8] units 8
  incept.exec.kernel @relu ins(%y : memref<8x8xf32>) outs(%z : memref<8x8xf32>) extents [8, 8, 8, 8] units 8
  return
}

// The second writes where the first reads: there is no choice, and so no reason.
// CHECK-LABEL: func.func @overwrites
//   CHECK-NOT:   incept.apart
// CHECK-COUNT-2: incept.exec.kernel @relu
//   CHECK-NOT:   incept.apart
//       CHECK:   return
func.func @overwrites() {
  %x = incept.exec.slice @arena at 1024 : memref<8x8xf32>
  %y = incept.exec.slice @arena at 4096 : memref<8x8xf32>
  %z = incept.exec.slice @arena at 8192 : memref<8x8xf32>
  incept.exec.kernel @relu ins(%x : memref<8x8xf32>) outs(%y : memref<8x8xf32>) extents [8, 8, 8, 8] units 8
  incept.exec.kernel @relu ins(%z : memref<8x8xf32>) outs(%x : memref<8x8xf32>) extents [8, 8, 8, 8] units 8
  return
}

// Over another kernel's launch, which has nothing to do with it; not over one whose result it reads.
// CHECK-LABEL: func.func @between
//       CHECK:   incept.exec.kernel @relu {{.+}} extents [8, 8, 8, 8, 8, 8, 8, 8] units 16
//       CHECK:   incept.exec.kernel @scale
//       CHECK:   incept.exec.kernel @relu {{.+}} extents [8, 8, 8, 8] units 8
//   CHECK-NOT:   incept.exec.kernel
//       CHECK:   return
func.func @between() {
  %k = incept.exec.slice @arena at 0 : memref<8xf32>
  %x = incept.exec.slice @arena at 1024 : memref<8x8xf32>
  %y = incept.exec.slice @arena at 4096 : memref<8x8xf32>
  %z = incept.exec.slice @arena at 8192 : memref<8x8xf32>
  %s = incept.exec.slice @arena at 16384 : memref<8x8xf32>
  %t = incept.exec.slice @arena at 20480 : memref<8x8xf32>
  incept.exec.kernel @relu ins(%x : memref<8x8xf32>) outs(%y : memref<8x8xf32>) extents [8, 8, 8, 8] units 8
  incept.exec.kernel @scale ins(%x, %k : memref<8x8xf32>, memref<8xf32>) outs(%s : memref<8x8xf32>) extents [8, 8, 8, 8] units 8
  incept.exec.kernel @relu ins(%x : memref<8x8xf32>) outs(%z : memref<8x8xf32>) extents [8, 8, 8, 8] units 8
  incept.exec.kernel @relu ins(%s : memref<8x8xf32>) outs(%t : memref<8x8xf32>) extents [8, 8, 8, 8] units 8
  return
}

// With vectors of another length the code is another. What the third is apart from is called as the launch is in the end.
// CHECK-LABEL: func.func @widths
//       CHECK:   incept.exec.kernel @relu {{.+}} units 16 width 1 {{.+}}incept.path = "mixed"
//       CHECK:   incept.exec.kernel @relu {{.+}} units 32 width 2 {{.+}}incept.apart = "relu of mixed: vectors of 1 there, of 2 here"{{.+}}incept.path = "wide"
//   CHECK-NOT:   incept.exec.kernel
//       CHECK:   return
func.func @widths() {
  %x = incept.exec.slice @arena at 1024 : memref<8x8xf32>
  %y = incept.exec.slice @arena at 4096 : memref<8x8xf32>
  %z = incept.exec.slice @arena at 8192 : memref<8x8xf32>
  %u = incept.exec.slice @arena at 12288 : memref<16x16xf32>
  %v = incept.exec.slice @arena at 16384 : memref<16x16xf32>
  %w = incept.exec.slice @arena at 20480 : memref<16x16xf32>
  incept.exec.kernel @relu ins(%x : memref<8x8xf32>) outs(%y : memref<8x8xf32>) extents [8, 8, 8, 8] units 8 {incept.path = "mixed.a"}
  incept.exec.kernel @relu ins(%u : memref<16x16xf32>) outs(%v : memref<16x16xf32>) extents [16, 16, 16, 16] units 16 {incept.path = "wide.a"}
  incept.exec.kernel @relu ins(%x : memref<8x8xf32>) outs(%z : memref<8x8xf32>) extents [8, 8, 8, 8] units 8 {incept.path = "mixed.b"}
  incept.exec.kernel @relu ins(%u : memref<16x16xf32>) outs(%w : memref<16x16xf32>) extents [16, 16, 16, 16] units 16 {incept.path = "wide.b"}
  return
}

// Not over a library's call.
// CHECK-LABEL: func.func @library
// CHECK-COUNT-2: incept.exec.kernel @relu
func.func @library() {
  %x = incept.exec.slice @arena at 1024 : memref<8x8xf32>
  %y = incept.exec.slice @arena at 4096 : memref<8x8xf32>
  %z = incept.exec.slice @arena at 8192 : memref<8x8xf32>
  %t = incept.exec.slice @arena at 20480 : memref<8x8xf32>
  %s = incept.exec.slice @arena at 0 : memref<0xi8>
  incept.exec.kernel @relu ins(%x : memref<8x8xf32>) outs(%y : memref<8x8xf32>) extents [8, 8, 8, 8] units 8
  incept.exec.library @p ins(%x : memref<8x8xf32>) outs(%t : memref<8x8xf32>) scratchpad(%s : memref<0xi8>)
  incept.exec.kernel @relu ins(%x : memref<8x8xf32>) outs(%z : memref<8x8xf32>) extents [8, 8, 8, 8] units 8
  return
}

// A launch has eight parts at most.
// CHECK-LABEL: func.func @nine
//       CHECK:   incept.exec.kernel @relu {{.+}} units 64 width 1
//   CHECK-NOT:   incept.apart
//       CHECK:   incept.exec.kernel @relu {{.+}} units 8 width 1 {{.+}} {incept.apart = "relu: 9 parts, but at most 8 are possible"}
//   CHECK-NOT:   incept.exec.kernel
//       CHECK:   return
func.func @nine() {
  %x = incept.exec.slice @arena at 0 : memref<8x8xf32>
  %0 = incept.exec.slice @arena at 1024 : memref<8x8xf32>
  %1 = incept.exec.slice @arena at 2048 : memref<8x8xf32>
  %2 = incept.exec.slice @arena at 3072 : memref<8x8xf32>
  %3 = incept.exec.slice @arena at 4096 : memref<8x8xf32>
  %4 = incept.exec.slice @arena at 5120 : memref<8x8xf32>
  %5 = incept.exec.slice @arena at 6144 : memref<8x8xf32>
  %6 = incept.exec.slice @arena at 7168 : memref<8x8xf32>
  %7 = incept.exec.slice @arena at 8192 : memref<8x8xf32>
  %8 = incept.exec.slice @arena at 9216 : memref<8x8xf32>
  incept.exec.kernel @relu ins(%x : memref<8x8xf32>) outs(%0 : memref<8x8xf32>) extents [8, 8, 8, 8] units 8
  incept.exec.kernel @relu ins(%x : memref<8x8xf32>) outs(%1 : memref<8x8xf32>) extents [8, 8, 8, 8] units 8
  incept.exec.kernel @relu ins(%x : memref<8x8xf32>) outs(%2 : memref<8x8xf32>) extents [8, 8, 8, 8] units 8
  incept.exec.kernel @relu ins(%x : memref<8x8xf32>) outs(%3 : memref<8x8xf32>) extents [8, 8, 8, 8] units 8
  incept.exec.kernel @relu ins(%x : memref<8x8xf32>) outs(%4 : memref<8x8xf32>) extents [8, 8, 8, 8] units 8
  incept.exec.kernel @relu ins(%x : memref<8x8xf32>) outs(%5 : memref<8x8xf32>) extents [8, 8, 8, 8] units 8
  incept.exec.kernel @relu ins(%x : memref<8x8xf32>) outs(%6 : memref<8x8xf32>) extents [8, 8, 8, 8] units 8
  incept.exec.kernel @relu ins(%x : memref<8x8xf32>) outs(%7 : memref<8x8xf32>) extents [8, 8, 8, 8] units 8
  incept.exec.kernel @relu ins(%x : memref<8x8xf32>) outs(%8 : memref<8x8xf32>) extents [8, 8, 8, 8] units 8
  return
}
}
