// RUN: incept-opt %s | incept-opt | FileCheck %s
// Round trip of the executable tier.

// CHECK: incept.exec.region @arena 4096
incept.exec.region @arena 4096
// CHECK: incept.exec.field "seed" of @arena at 8 : ui64
incept.exec.field "seed" of @arena at 8 : ui64
// CHECK: incept.exec.plan @plan_0 convolution_forward {ic = 3 : i64, mb = 8 : i64} : (memref<8x8xf32>) -> memref<8x8xf32>
incept.exec.plan @plan_0 convolution_forward {mb = 8 : i64, ic = 3 : i64} : (memref<8x8xf32>) -> memref<8x8xf32>
// CHECK: incept.exec.plan @plan_1 matmul swapped {} : (memref<4x8xf32>, memref<4x2xf32>) -> memref<8x2xf32>
incept.exec.plan @plan_1 matmul swapped {} : (memref<4x8xf32>, memref<4x2xf32>) -> memref<8x2xf32>
// CHECK: incept.exec.kernel_def @relu map {
incept.exec.kernel_def @relu map {
^bb0(%x: tensor<?x?x?x?xf32>):
  // CHECK: incept.relu %{{.*}} : (tensor<?x?x?x?xf32>) -> tensor<?x?x?x?xf32>
  %y = incept.relu %x : (tensor<?x?x?x?xf32>) -> tensor<?x?x?x?xf32>
  incept.yield %y : tensor<?x?x?x?xf32>
}

// CHECK-LABEL: func.func @launches
func.func @launches() {
  // CHECK: %[[A:.*]] = incept.exec.slice @arena at 0 : memref<8x8xf32>
  %a = incept.exec.slice @arena at 0 : memref<8x8xf32>
  // CHECK: %[[B:.*]] = incept.exec.slice @arena at 3840 : memref<8x8xf32>
  %b = incept.exec.slice @arena at 3840 : memref<8x8xf32>
  // CHECK: incept.exec.kernel @relu ins(%[[A]] : memref<8x8xf32>) outs(%[[B]] : memref<8x8xf32>) extents [8, 8, 8, 8] units 8 {incept.path = "a.relu"}
  incept.exec.kernel @relu ins(%a : memref<8x8xf32>) outs(%b : memref<8x8xf32>) extents [8, 8, 8, 8] units 8 {incept.path = "a.relu"}
  // CHECK: extents [8, 8, 8, 8] units 8 width 4 grid [1, 1, 1] block [2, 128, 1] {incept.path = "a.relu"}
  incept.exec.kernel @relu ins(%a : memref<8x8xf32>) outs(%b : memref<8x8xf32>) extents [8, 8, 8, 8] units 8 width 4 grid [1, 1, 1] block [2, 128, 1] {incept.path = "a.relu"}
  // CHECK: block [2, 128, 1] with_next {incept.path = "a.relu"}
  incept.exec.kernel @relu ins(%a : memref<8x8xf32>) outs(%b : memref<8x8xf32>) extents [8, 8, 8, 8] units 8 width 4 grid [1, 1, 1] block [2, 128, 1] with_next {incept.path = "a.relu"}
  %e = incept.exec.slice @arena at 1280 : memref<8x8xf32>
  incept.exec.kernel @relu ins(%a : memref<8x8xf32>) outs(%e : memref<8x8xf32>) extents [8, 8, 8, 8] units 8 width 4 grid [1, 1, 1] block [2, 128, 1]
  // CHECK: incept.exec.library @plan_0 ins(%[[A]] : memref<8x8xf32>) outs(%[[B]] : memref<8x8xf32>) scratchpad(%{{.*}} : memref<64xi8>)
  %s = incept.exec.slice @arena at 1024 : memref<64xi8>
  incept.exec.library @plan_0 ins(%a : memref<8x8xf32>) outs(%b : memref<8x8xf32>) scratchpad(%s : memref<64xi8>)
  // Channels 4 to 7 of 8: the last of 64 rows ends where the wider tensor does.
  // CHECK: incept.exec.slice @arena at 2064 : memref<1x4x8x8xf32, strided<[512, 1, 64, 8]>>
  %c = incept.exec.slice @arena at 2064 : memref<1x4x8x8xf32, strided<[512, 1, 64, 8]>>
  return
}
