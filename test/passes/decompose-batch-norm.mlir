// RUN: incept-opt %s -pass-pipeline='builtin.module(func.func(incept-decompose-batch-norm))' | FileCheck %s

!image = tensor<2x4x3x5xf32>
!vector = tensor<4xf32>

// CHECK-LABEL: func.func @forward
// CHECK-SAME: (%[[X:.*]]: tensor<2x4x3x5xf32>, %[[G:.*]]: tensor<4xf32>, %[[B:.*]]: tensor<4xf32>, %[[M:.*]]: tensor<4xf32>, %[[V:.*]]: tensor<4xf32>)
func.func @forward(%x: !image, %g: !vector, %b: !vector, %m: !vector, %v: !vector) -> (!image, !vector, !vector, !vector, !vector) {
  // CHECK: %[[K:.*]] = incept.channel_sample %[[X]] {incept.path = "bn"}
  // CHECK: %[[S:.*]], %[[Q:.*]] = incept.channel_stats %[[X]] shift %[[K]] {incept.path = "bn"}
  // 30 = 2 images of 3x5 pixels.
  // CHECK: %[[MEAN:.*]], %[[STD:.*]], %[[SCALE:.*]], %[[NM:.*]], %[[NV:.*]] = incept.batch_norm_finalize %[[S]], %[[Q]] shift %[[K]] gamma %[[G]] running %[[M]], %[[V]] {count = 30 : i64, decay = 9.000000e-01 : f64, epsilon = 1.000000e-03 : f64, incept.path = "bn"}
  // CHECK: %[[Y:.*]] = incept.scale_shift %[[X]], %[[MEAN]], %[[SCALE]], %[[B]] {incept.path = "bn"}
  // CHECK: return %[[Y]], %[[MEAN]], %[[STD]], %[[NM]], %[[NV]]
  %0:5 = incept.batch_norm_training %x gamma %g beta %b running %m, %v {epsilon = 1.0e-3, decay = 0.9, incept.path = "bn"}
      : (!image, !vector, !vector, !vector, !vector) -> (!image, !vector, !vector, !vector, !vector)
  return %0#0, %0#1, %0#2, %0#3, %0#4 : !image, !vector, !vector, !vector, !vector
}

// CHECK-LABEL: func.func @backward
// CHECK-SAME: (%[[D:.*]]: tensor<2x4x3x5xf32>, %[[X:.*]]: tensor<2x4x3x5xf32>, %[[M:.*]]: tensor<4xf32>, %[[STD:.*]]: tensor<4xf32>)
func.func @backward(%d: !image, %x: !image, %m: !vector, %std: !vector) -> (!image, !vector) {
  // CHECK: %[[S:.*]], %[[P:.*]] = incept.batch_norm_backward_stats %[[D]], %[[X]], %[[M]] {incept.path = "bn"}
  // CHECK: %{{.*}}, %[[DB:.*]], %[[A:.*]], %[[B:.*]], %[[C:.*]] = incept.batch_norm_backward_finalize %[[S]], %[[P]] inv_std %[[STD]] {count = 30 : i64, incept.path = "bn"}
  // CHECK: %[[DX:.*]] = incept.batch_norm_backward_apply %[[D]], %[[X]] mean %[[M]], %[[A]], %[[B]], %[[C]] {incept.path = "bn"}
  // CHECK: return %[[DX]], %[[DB]]
  %0:3 = incept.batch_norm_backward %d, %x mean %m inv_std %std {incept.path = "bn"}
      : (!image, !image, !vector, !vector) -> (!image, !vector, !vector)
  return %0#0, %0#2 : !image, !vector
}
