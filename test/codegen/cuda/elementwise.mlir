// RUN: incept-translate %s --incept-to-ptx | FileCheck %s
// RUN: incept-translate %s --incept-to-grids | FileCheck %s --check-prefix=GRID
// RUN: incept-translate %s --incept-to-gpu | FileCheck %s --check-prefix=GPU

// Rows of 96 channels: 24 threads of 16 bytes across, 10 rows at a time, 4 of them in flight in a thread. The second
// launch reads a slice that begins at an odd channel: single elements.
// GRID:      scale_shift_v4 grid 31 x 1 block 24 x 10
// GRID-NEXT: scale_shift_v1 grid 154 x 1 block 96 x 2
// GRID-NEXT: half_v8 grid 15 x 1 block 12 x 21
// GRID-NEXT: sgd_v4 grid 13 x 1 block 256 x 1

// GPU: gpu.func @scale_shift_v4(%{{.*}}: !llvm.ptr<1>, %{{.*}}: !llvm.ptr<1>, %{{.*}}: !llvm.ptr<1>, %{{.*}}: !llvm.ptr<1>, %{{.*}}: !llvm.ptr<1>, %{{.*}}: i64, %{{.*}}: i64, %{{.*}}: i64, %{{.*}}: i64) kernel

// Channel vectors once, then the rows: all loads before the first store. What no launch writes is read as constant: not
// the rows here, which the first launch writes in place.
// CHECK-LABEL: .entry scale_shift_v4(
// CHECK:         .maxntid 256
// CHECK:         .minnctapersm 2
// CHECK-COUNT-3: ld.global.nc.v4.b32
// CHECK:         setp.lt.s64
// CHECK:         ld.global.v4.b32
// CHECK-NOT:     st.global
// CHECK:         ld.global.v4.b32
// CHECK-NOT:     st.global
// CHECK:         ld.global.v4.b32
// CHECK-NOT:     st.global
// CHECK:         ld.global.v4.b32
// CHECK-NOT:     ld.global
// CHECK:         fma.rn.f32
// CHECK:         st.global.v4.b32
// CHECK-NOT:     .local
// CHECK-LABEL: .entry scale_shift_v1(
// CHECK-NOT:     .v4
// CHECK:         ld.global.nc.b32
incept.exec.region @arena 1048576
incept.exec.region @step 64
incept.exec.kernel_def @scale_shift map {
^bb0(%x: tensor<?x?x?x?xf32>, %m: tensor<?xf32>, %s: tensor<?xf32>, %b: tensor<?xf32>):
  %y = incept.scale_shift %x, %m, %s, %b : (tensor<?x?x?x?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>) -> tensor<?x?x?x?xf32>
  incept.yield %y : tensor<?x?x?x?xf32>
}

// 8 lanes of 2 bytes; arithmetic is f32, rounded when it is stored.
// CHECK-LABEL: .entry half_v8(
// CHECK:         ld.global.v4.b32
// CHECK:         cvt.f32.f16
// CHECK:         cvt.rn.f16{{(x2)?}}.f32
// CHECK:         st.global.v4.b32
incept.exec.kernel_def @half map {
^bb0(%x: tensor<?x?x?x?xf16>):
  %y = incept.scale %x by 0.17 : (tensor<?x?x?x?xf16>) -> tensor<?x?x?x?xf16>
  incept.yield %y : tensor<?x?x?x?xf16>
}

// The last block goes element by element.
// CHECK-LABEL: .entry sgd_v4(
// CHECK-DAG:     ld.global.v4.b32
// CHECK-DAG:     st.global.v4.b32
// CHECK-DAG:     st.global.b32
// CHECK:         ret;
incept.exec.kernel_def @sgd flat {
^bb0(%p: tensor<?xf32>, %g: tensor<?xf32>, %v: tensor<?xf32>, %rate: tensor<f32>, %momentum: tensor<f32>, %decay: tensor<f32>):
  %q, %u = incept.sgd_update %p, %g, %v rate %rate momentum %momentum weight_decay %decay decay : (tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<f32>, tensor<f32>, tensor<f32>) -> (tensor<?xf32>, tensor<?xf32>)
  incept.yield %q, %u : tensor<?xf32>, tensor<?xf32>
}

func.func @forward_backward() attributes {incept.entry = #incept.entry<forward_backward>} {
  %x = incept.exec.slice @arena at 0 : memref<1x96x35x35xf32>
  %odd = incept.exec.slice @arena at 540004 : memref<1x96x35x35xf32>
  %h = incept.exec.slice @arena at 0 : memref<1x96x35x35xf16>
  %c = incept.exec.slice @arena at 640000 : memref<96xf32>
  incept.exec.kernel @scale_shift ins(%x, %c, %c, %c : memref<1x96x35x35xf32>, memref<96xf32>, memref<96xf32>, memref<96xf32>) outs(%x : memref<1x96x35x35xf32>) extents [1225, 96, 96, 96] units 1225
  incept.exec.kernel @scale_shift ins(%odd, %c, %c, %c : memref<1x96x35x35xf32>, memref<96xf32>, memref<96xf32>, memref<96xf32>) outs(%x : memref<1x96x35x35xf32>) extents [1225, 96, 96, 96] units 1225
  incept.exec.kernel @half ins(%h : memref<1x96x35x35xf16>) outs(%h : memref<1x96x35x35xf16>) extents [1225, 96, 96, 96] units 1225
  %w = incept.exec.slice @arena at 64 : memref<50001xf32>
  %v = incept.exec.slice @arena at 264128 : memref<50001xf32>
  %rate = incept.exec.slice @step at 24 : memref<f32>
  incept.exec.kernel @sgd ins(%w, %w, %w, %rate, %rate, %rate : memref<50001xf32>, memref<50001xf32>, memref<50001xf32>, memref<f32>, memref<f32>, memref<f32>) outs(%w, %v : memref<50001xf32>, memref<50001xf32>) extents [50001] units 49
  return
}
