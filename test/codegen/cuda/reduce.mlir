// RUN: incept-translate %s --incept-to-ptx | FileCheck %s
// RUN: incept-translate %s --incept-to-grids | FileCheck %s --check-prefix=GRID

// A block for each chunk of rows and each range of channels: 600 channels are 150 vectors, in 15 ranges of 10, which leaves
// no thread of a row without work.
// GRID:      stats_v4 grid 77 x 15 block 10 x 25
// GRID-NEXT: combine_v1 grid 19 x 1 block 32 x 8

// Rows into registers, threads through shared memory, one barrier; no atomics.
// CHECK:       .global .align 16 .b8 tickets[32768];
// CHECK-LABEL: .entry stats_v4(
// CHECK:         .shared .align 16 .b8 stats_v4_shared[8192];
// CHECK:         ld.global.nc.v4.b32
// CHECK-NOT:     atom
// CHECK-NOT:     red.
// CHECK:         st.shared.v4.b32
// CHECK:         bar{{.*}}.sync
// CHECK-NOT:     bar
// CHECK-DAG:     ld.shared.b32
// CHECK-DAG:     st.global.b32
// CHECK-LABEL: .entry combine_v1(
// CHECK-COUNT-8: ld.global.nc.b32
// CHECK:         bar{{.*}}.sync
// CHECK-NOT:     atom
incept.exec.region @arena 16777216
incept.exec.kernel_def @stats reduce {
^bb0(%x: tensor<?x?x?x?xf32>, %k: tensor<?xf32>):
  %s, %q = incept.channel_stats %x shift %k : (tensor<?x?x?x?xf32>, tensor<?xf32>) -> (tensor<?xf32>, tensor<?xf32>)
  incept.yield %s, %q : tensor<?xf32>, tensor<?xf32>
}
incept.exec.kernel_def @combine combine {
^bb0(%p: tensor<?x?xf32>, %r: tensor<?x?xf32>):
  %s = incept.channel_sum %p : (tensor<?x?xf32>) -> tensor<?xf32>
  %q = incept.channel_sum %r : (tensor<?x?xf32>) -> tensor<?xf32>
  incept.yield %s, %q : tensor<?xf32>, tensor<?xf32>
}
func.func @forward_backward() attributes {incept.entry = #incept.entry<forward_backward>} {
  %x = incept.exec.slice @arena at 0 : memref<4x600x35x35xf32>
  %k = incept.exec.slice @arena at 12000000 : memref<600xf32>
  %l = incept.exec.slice @arena at 12004096 : memref<600xf32>
  %p = incept.exec.slice @arena at 12010240 : memref<77x600xf32>
  %q = incept.exec.slice @arena at 12200000 : memref<77x600xf32>
  incept.exec.kernel @stats ins(%x, %k : memref<4x600x35x35xf32>, memref<600xf32>) outs(%p, %q : memref<77x600xf32>, memref<77x600xf32>) extents [4900, 600, 64, 600] units 77
  incept.exec.kernel @combine ins(%p, %q : memref<77x600xf32>, memref<77x600xf32>) outs(%k, %l : memref<600xf32>, memref<600xf32>) extents [77, 600] units 10
  return
}

// Both in one launch. A block that has written its partial sums counts itself; the count begins again behind the last one,
// which reads all partial sums.
// GRID:      whole_v4 grid 77 x 15 block 10 x 25
// CHECK-LABEL: .entry whole_v4(
// CHECK-COUNT-5: ld.global.nc.v4.b32
// CHECK:         st.global.b32
// CHECK:         bar{{.*}}.sync
// CHECK:         fence.acq_rel.gpu
// CHECK:         atom.global.inc.u32
// CHECK-NEXT:    fence.acq_rel.gpu
// CHECK-NOT:     atom
// CHECK:         bar{{.*}}.sync
// CHECK-COUNT-16: ld.global.b32
// CHECK:         bar{{.*}}.sync
// CHECK:         st.global.b32
// CHECK-NOT:     atom
// CHECK:         ret;
incept.exec.kernel_def @whole reduce_combine {
^bb0(%x: tensor<?x?x?x?xf32>, %k: tensor<?xf32>, %i: tensor<?xf32>):
  %s, %q = incept.batch_norm_backward_stats %x, %x, %k : (tensor<?x?x?x?xf32>, tensor<?x?x?x?xf32>, tensor<?xf32>) -> (tensor<?xf32>, tensor<?xf32>)
  %a, %b, %c, %e, %f = incept.batch_norm_backward_finalize %s, %q inv_std %i {count = 0 : i64} : (tensor<?xf32>, tensor<?xf32>, tensor<?xf32>) -> (tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>)
  incept.yield %s, %q, %a, %s : tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>
}
func.func @infer() attributes {incept.entry = #incept.entry<infer>} {
  %x = incept.exec.slice @arena at 0 : memref<4x600x35x35xf32>
  %k = incept.exec.slice @arena at 12000000 : memref<600xf32>
  %a = incept.exec.slice @arena at 12004096 : memref<600xf32>
  %s = incept.exec.slice @arena at 12007168 : memref<600xf32>
  %p = incept.exec.slice @arena at 12010240 : memref<77x600xf32>
  %q = incept.exec.slice @arena at 12200000 : memref<77x600xf32>
  incept.exec.kernel @whole ins(%x, %k, %k : memref<4x600x35x35xf32>, memref<600xf32>, memref<600xf32>) outs(%p, %q, %a, %s : memref<77x600xf32>, memref<77x600xf32>, memref<600xf32>, memref<600xf32>) extents [4900, 600, 64, 2, 600] units 77
  return
}

// Counting reads 16 bytes at a time, eight halves here, and adds in the warp before it meets others.
// CHECK-LABEL: .entry count_v8(
// CHECK-COUNT-4: ld.global.nc.v4.b32
// CHECK:         shfl.sync.bfly.b32
// CHECK:         bar{{.*}}.sync
// CHECK-NOT:     atom
incept.exec.kernel_def @count opaque {
^bb0(%x: tensor<?xf16>):
  %n = incept.count_nonfinite %x : (tensor<?xf16>) -> tensor<f32>
  incept.yield %n : tensor<f32>
}
func.func @update() attributes {incept.entry = #incept.entry<update>} {
  %x = incept.exec.slice @arena at 0 : memref<50000xf16>
  %n = incept.exec.slice @arena at 200004 : memref<13xf32>
  incept.exec.kernel @count ins(%x : memref<50000xf16>) outs(%n : memref<13xf32>) extents [50000, 4096] units 13
  return
}
