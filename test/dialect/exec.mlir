// RUN: incept-opt %s | incept-opt | FileCheck %s
// Round trip of the executable tier.

// CHECK: incept.exec.region @arena 4096
incept.exec.region @arena 4096
// CHECK: incept.exec.plan @plan_0 convolution_forward {ic = 3 : i64, mb = 8 : i64}
incept.exec.plan @plan_0 convolution_forward {mb = 8 : i64, ic = 3 : i64}
// CHECK: incept.exec.kernel_def @relu "map" {
incept.exec.kernel_def @relu "map" {
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
  // CHECK: incept.exec.kernel @relu(%[[A]], %[[B]]) extents [8, 8, 8, 8] units 8 {incept.path = "a.relu"} : memref<8x8xf32>, memref<8x8xf32>
  incept.exec.kernel @relu(%a, %b) extents [8, 8, 8, 8] units 8 {incept.path = "a.relu"} : memref<8x8xf32>, memref<8x8xf32>
  // CHECK: incept.exec.library @plan_0(%[[A]], %[[B]]) : memref<8x8xf32>, memref<8x8xf32>
  incept.exec.library @plan_0(%a, %b) : memref<8x8xf32>, memref<8x8xf32>
  return
}
