// RUN: incept-translate %s --incept-to-ptx | FileCheck %s
// RUN: incept-translate %s --incept-to-gpu | FileCheck %s --check-prefix=GPU
// RUN: incept-translate %s --incept-to-usage | FileCheck %s --check-prefix=USAGE

// One function with the code of two kernels: inputs of both, outputs of both, extents of both, then blocks and threads of
// each part. A block runs the code of the kernel that it belongs to by its number.
// GPU:      gpu.func @scale_shift_v4__whole_v4(
// GPU-SAME:   %[[X:[^:]+]]: !llvm.ptr<1>, %{{[^:]+}}: !llvm.ptr<1>, %{{[^:]+}}: !llvm.ptr<1>, %{{[^:]+}}: !llvm.ptr<1>, %[[U:[^:]+]]: !llvm.ptr<1>, %[[Y:[^:]+]]: !llvm.ptr<1>, %[[P:[^:]+]]: !llvm.ptr<1>, %{{[^:]+}}: !llvm.ptr<1>,
// GPU-SAME:   %[[ROWS:[^:]+]]: i64, %{{[^:]+}}: i64, %{{[^:]+}}: i64, %{{[^:]+}}: i64,
// GPU:        scf.if
// GPU:          scf.if
// GPU:            llvm.getelementptr inbounds %[[X]][
// GPU:            llvm.getelementptr inbounds %[[Y]][
// GPU:        {{^ *}}} else {
// GPU:          scf.if
// GPU:            llvm.getelementptr inbounds %[[U]][
// GPU:        gpu.return

// CHECK-LABEL: .entry scale_shift_v4__whole_v4(
// CHECK:         .maxntid 256
// CHECK:         .minnctapersm 2
// CHECK:         ld.global.nc.v4.b32
// CHECK:         st.global.v4.b32
// CHECK:         bar{{.*}}.sync
// CHECK:         atom.global.inc.u32
// CHECK:         ret;

// Registers as the kernel that leaves fewest may have, and no spills.
// USAGE: scale_shift_v4__whole_v4 registers {{[0-9]+}} of 128 spilled 0 stack 0
incept.exec.region @arena 16777216
incept.exec.kernel_def @scale_shift map {
^bb0(%x: tensor<?x?x?x?xf32>, %m: tensor<?xf32>, %s: tensor<?xf32>, %b: tensor<?xf32>):
  %y = incept.scale_shift %x, %m, %s, %b : (tensor<?x?x?x?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>) -> tensor<?x?x?x?xf32>
  incept.yield %y : tensor<?x?x?x?xf32>
}
incept.exec.kernel_def @whole reduce_combine {
^bb0(%x: tensor<?x?x?x?xf32>):
  %s = incept.channel_sum %x : (tensor<?x?x?x?xf32>) -> tensor<?xf32>
  incept.yield %s, %s : tensor<?xf32>, tensor<?xf32>
}
func.func @forward_backward() attributes {incept.entry = #incept.entry<forward_backward>} {
  %x = incept.exec.slice @arena at 0 : memref<1x96x35x35xf32, strided<[117600, 1, 3360, 96]>>
  %y = incept.exec.slice @arena at 1048576 : memref<1x96x35x35xf32, strided<[117600, 1, 3360, 96]>>
  %m = incept.exec.slice @arena at 4194304 : memref<96xf32>
  %v = incept.exec.slice @arena at 3145728 : memref<1x48x35x35xf32, strided<[58800, 1, 1680, 48]>>
  %q = incept.exec.slice @arena at 6291456 : memref<39x48xf32>
  %t = incept.exec.slice @arena at 7341056 : memref<48xf32>
  incept.exec.kernel @scale_shift ins(%x, %m, %m, %m : memref<1x96x35x35xf32, strided<[117600, 1, 3360, 96]>>, memref<96xf32>, memref<96xf32>, memref<96xf32>) outs(%y : memref<1x96x35x35xf32, strided<[117600, 1, 3360, 96]>>) extents [1225, 96, 96, 96] units 1225 width 4 grid [31, 1, 1] block [24, 10, 1] with_next
  incept.exec.kernel @whole ins(%v : memref<1x48x35x35xf32, strided<[58800, 1, 1680, 48]>>) outs(%q, %t : memref<39x48xf32>, memref<48xf32>) extents [1225, 48, 32, 1, 48] units 39 width 4 grid [39, 1, 1] block [12, 21, 1]
  return
}
