// RUN: incept-translate %s --incept-to-ptx | FileCheck %s
// RUN: incept-translate %s --incept-to-grids | FileCheck %s --check-prefix=GRID
// RUN: incept-translate %s --incept-to-gpu | FileCheck %s --check-prefix=GPU

// Launches with two parts: the shape of each is what a launch of its own would have.
// GRID:      scale_shift_v4_p2 grid 31 x 1 block 24 x 10, grid 15 x 1 block 12 x 21
// GRID-NEXT: whole_v4_p2 grid 39 x 3 block 8 x 32, grid 39 x 1 block 12 x 21

// Inputs of both parts, outputs of both, extents of both, then blocks and threads of each.
// GPU:      gpu.func @scale_shift_v4_p2(%[[X:[^:]+]]: !llvm.ptr<1>, %{{[^:]+}}: !llvm.ptr<1>, %{{[^:]+}}: !llvm.ptr<1>, %{{[^:]+}}: !llvm.ptr<1>, %[[U:[^:]+]]: !llvm.ptr<1>,
// GPU:        %[[BLOCK:.+]] = arith.index_cast
// GPU:        %[[BEFORE:.+]] = arith.cmpi slt, %[[BLOCK]]
// GPU:        arith.select %[[BEFORE]], %[[X]], %[[U]] : !llvm.ptr<1>
// GPU:        scf.if

// A block finds its part before anything else. Threads that its part does not use end.
// CHECK-LABEL: .entry scale_shift_v4_p2(
// CHECK:         .maxntid 256
// CHECK:         selp.b64
// CHECK:         ld.global.nc.v4.b32
// CHECK-NOT:     bar
// CHECK:         ret;

// The second part counts its blocks behind the ranges of the first.
// GPU:      gpu.func @whole_v4_p2(
// GPU:        %[[BLOCKS:.+]] = arith.muli %{{.+}}, %[[RANGES:.+]] : i64
// GPU-NEXT:   arith.addi %{{.+}}, %[[BLOCKS]] : i64
// GPU-NEXT:   %[[BEHIND:.+]] = arith.addi %{{.+}}, %[[RANGES]] : i64
// GPU:        %[[OWN:.+]] = arith.select %{{.+}}, %{{.+}}, %[[BEHIND]] : i64
// GPU:        %[[TICKET:.+]] = arith.addi %[[OWN]], %{{.+}} : i64
// GPU:        %[[PLACE:.+]] = llvm.getelementptr inbounds %{{.+}}[%[[TICKET]]]
// GPU-NEXT:   llvm.atomicrmw uinc_wrap %[[PLACE]]
// CHECK-LABEL: .entry whole_v4_p2(
// CHECK:         selp.b64
// CHECK:         bar{{.*}}.sync
// CHECK:         atom.global.inc.u32
// CHECK:         bar{{.*}}.sync
// CHECK:         ret;
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
  %u = incept.exec.slice @arena at 2097152 : memref<1x48x35x35xf32, strided<[58800, 1, 1680, 48]>>
  %v = incept.exec.slice @arena at 3145728 : memref<1x48x35x35xf32, strided<[58800, 1, 1680, 48]>>
  %m = incept.exec.slice @arena at 4194304 : memref<96xf32>
  %n = incept.exec.slice @arena at 4195328 : memref<48xf32>
  incept.exec.kernel @scale_shift ins(%x, %m, %m, %m, %u, %n, %n, %n : memref<1x96x35x35xf32, strided<[117600, 1, 3360, 96]>>, memref<96xf32>, memref<96xf32>, memref<96xf32>, memref<1x48x35x35xf32, strided<[58800, 1, 1680, 48]>>, memref<48xf32>, memref<48xf32>, memref<48xf32>) outs(%y, %v : memref<1x96x35x35xf32, strided<[117600, 1, 3360, 96]>>, memref<1x48x35x35xf32, strided<[58800, 1, 1680, 48]>>) extents [1225, 96, 96, 96, 1225, 48, 48, 48] units 2450
  %p = incept.exec.slice @arena at 5242880 : memref<39x96xf32>
  %q = incept.exec.slice @arena at 6291456 : memref<39x48xf32>
  %s = incept.exec.slice @arena at 7340032 : memref<96xf32>
  %t = incept.exec.slice @arena at 7341056 : memref<48xf32>
  incept.exec.kernel @whole ins(%y, %v : memref<1x96x35x35xf32, strided<[117600, 1, 3360, 96]>>, memref<1x48x35x35xf32, strided<[58800, 1, 1680, 48]>>) outs(%p, %s, %q, %t : memref<39x96xf32>, memref<96xf32>, memref<39x48xf32>, memref<48xf32>) extents [1225, 96, 32, 1, 96, 1225, 48, 32, 1, 48] units 78
  return
}
