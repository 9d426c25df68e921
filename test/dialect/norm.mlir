// RUN: incept-opt %s | incept-opt | FileCheck %s
// Round trip of batch normalisation and its pieces.

!image = tensor<2x4x9x9xf32>
!vector = tensor<4xf32>

// CHECK-LABEL: func.func @batch_norm
func.func @batch_norm(%x: !image, %g: !vector, %b: !vector, %m: !vector, %v: !vector) {
  // CHECK: incept.batch_norm %{{.*}} gamma %{{.*}} beta %{{.*}} mean %{{.*}} variance %{{.*}} {decay = 9.997000e-01 : f64, epsilon = 1.000000e-03 : f64} :
  %0 = incept.batch_norm %x gamma %g beta %b mean %m variance %v {epsilon = 1.0e-3, decay = 0.9997}
      : (!image, !vector, !vector, !vector, !vector) -> !image
  // CHECK: incept.batch_norm %{{[a-z_0-9]+}} beta %{{[a-z_0-9]+}} mean
  %1 = incept.batch_norm %x beta %b mean %m variance %v {epsilon = 1.0e-3, decay = 0.9997}
      : (!image, !vector, !vector, !vector) -> !image
  return
}

// CHECK-LABEL: func.func @batch_norm_training
func.func @batch_norm_training(%x: !image, %g: !vector, %b: !vector, %m: !vector, %v: !vector) {
  // CHECK: %[[DST:[a-z_0-9]+]], %[[MEAN:[a-z_0-9]+]], %[[STD:[a-z_0-9]+]], %{{.*}}, %{{.*}} = incept.batch_norm_training %{{.*}} gamma %{{.*}} beta %{{.*}} running %{{.*}}, %{{.*}} {
  %y:5 = incept.batch_norm_training %x gamma %g beta %b running %m, %v {epsilon = 1.0e-3, decay = 0.9997}
      : (!image, !vector, !vector, !vector, !vector) -> (!image, !vector, !vector, !vector, !vector)
  // CHECK: incept.batch_norm_backward %[[DST]], %{{.*}} mean %[[MEAN]] inv_std %[[STD]] gamma %{{.*}} :
  %d:3 = incept.batch_norm_backward %y#0, %x mean %y#1 inv_std %y#2 gamma %g
      : (!image, !image, !vector, !vector, !vector) -> (!image, !vector, !vector)
  // CHECK: incept.batch_norm_backward %[[DST]], %{{.*}} mean %[[MEAN]] inv_std %[[STD]] :
  %e:3 = incept.batch_norm_backward %y#0, %x mean %y#1 inv_std %y#2
      : (!image, !image, !vector, !vector) -> (!image, !vector, !vector)
  return
}

// CHECK-LABEL: func.func @pieces
func.func @pieces(%x: !image, %d: !image, %g: !vector, %b: !vector, %m: !vector, %v: !vector) {
  // CHECK: %[[K:.*]] = incept.channel_sample
  %k = incept.channel_sample %x : (!image) -> !vector
  // CHECK: incept.channel_stats %{{.*}} shift %[[K]] :
  %s:2 = incept.channel_stats %x shift %k : (!image, !vector) -> (!vector, !vector)
  // CHECK: incept.channel_stats %{{[a-z_0-9]+}} :
  %t:2 = incept.channel_stats %x : (!image) -> (!vector, !vector)
  // CHECK: incept.batch_norm_finalize %{{.*}}, %{{.*}} shift %{{.*}} gamma %{{.*}} running %{{.*}}, %{{.*}} {count = 162 : i64
  %f:5 = incept.batch_norm_finalize %s#0, %s#1 shift %k gamma %g running %m, %v {epsilon = 1.0e-3, decay = 0.9, count = 162 : i64}
      : (!vector, !vector, !vector, !vector, !vector, !vector) -> (!vector, !vector, !vector, !vector, !vector)
  // CHECK: incept.batch_norm_finalize %{{[a-z_0-9]+}}, %{{[a-z_0-9]+}} gamma %{{[a-z_0-9]+}} running
  %h:5 = incept.batch_norm_finalize %t#0, %t#1 gamma %g running %m, %v {epsilon = 1.0e-3, decay = 0.9, count = 162 : i64}
      : (!vector, !vector, !vector, !vector, !vector) -> (!vector, !vector, !vector, !vector, !vector)
  // CHECK: incept.scale_shift
  %y = incept.scale_shift %x, %f#0, %f#2, %b : (!image, !vector, !vector, !vector) -> !image
  // CHECK: incept.batch_norm_backward_stats
  %bs:2 = incept.batch_norm_backward_stats %d, %x, %f#0 : (!image, !image, !vector) -> (!vector, !vector)
  // CHECK: incept.batch_norm_backward_finalize %{{.*}}, %{{.*}} inv_std %{{.*}} gamma %{{.*}} {count = 162 : i64}
  %bf:5 = incept.batch_norm_backward_finalize %bs#0, %bs#1 inv_std %f#1 gamma %g {count = 162 : i64}
      : (!vector, !vector, !vector, !vector) -> (!vector, !vector, !vector, !vector, !vector)
  // CHECK: incept.batch_norm_backward_apply %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} : (
  %dz = incept.batch_norm_backward_apply %d, %x, %bf#2, %bf#3, %bf#4
      : (!image, !image, !vector, !vector, !vector) -> !image
  // CHECK: incept.batch_norm_backward_apply %{{.*}}, %{{.*}} mean %{{.*}}, %{{.*}}
  %dx = incept.batch_norm_backward_apply %d, %x mean %f#0, %bf#2, %bf#3, %bf#4
      : (!image, !image, !vector, !vector, !vector, !vector) -> !image
  return
}

// CHECK-LABEL: func.func @fold_batch_norm
func.func @fold_batch_norm(%g: !vector, %b: !vector, %m: !vector, %v: !vector, %c: !vector) {
  // CHECK: incept.fold_batch_norm gamma %{{.*}} beta %{{.*}} mean %{{.*}} variance %{{.*}} bias %{{.*}} {epsilon
  %0:2 = incept.fold_batch_norm gamma %g beta %b mean %m variance %v bias %c {epsilon = 1.0e-3}
      : (!vector, !vector, !vector, !vector, !vector) -> (!vector, !vector)
  // CHECK: incept.fold_batch_norm beta %{{[a-z_0-9]+}} mean %{{[a-z_0-9]+}} variance %{{[a-z_0-9]+}} {epsilon
  %1:2 = incept.fold_batch_norm beta %b mean %m variance %v {epsilon = 1.0e-3}
      : (!vector, !vector, !vector) -> (!vector, !vector)
  return
}

// CHECK-LABEL: func.func @normalize_pixels
func.func @normalize_pixels(%x: !image) {
  // CHECK: incept.normalize_pixels %{{.*}} epsilon 1.000000e-03 :
  %0 = incept.normalize_pixels %x epsilon 1.0e-3 : (!image) -> !image
  // CHECK: incept.normalize_pixels_backward %{{.*}}, %{{.*}} epsilon 1.000000e-03 :
  %1 = incept.normalize_pixels_backward %0, %x epsilon 1.0e-3 : (!image, !image) -> !image
  return
}

// CHECK-LABEL: func.func @normalize_groups
func.func @normalize_groups(%x: !image) {
  // CHECK: incept.normalize_groups %{{.*}} groups 2 epsilon 1.000000e-03 :
  %0 = incept.normalize_groups %x groups 2 epsilon 1.0e-3 : (!image) -> !image
  // CHECK: incept.normalize_groups_backward %{{.*}}, %{{.*}} groups 2 epsilon 1.000000e-03 :
  %1 = incept.normalize_groups_backward %0, %x groups 2 epsilon 1.0e-3 : (!image, !image) -> !image
  return
}

// CHECK-LABEL: func.func @softmax
func.func @softmax(%x: !image, %r: tensor<2x5xf32>) {
  // CHECK: incept.softmax %{{[a-z0-9]+}} :
  %0 = incept.softmax %x : (!image) -> !image
  // CHECK: incept.softmax_backward %{{[a-z0-9]+}}, %{{[a-z0-9]+}} :
  %1 = incept.softmax_backward %x, %0 : (!image, !image) -> !image
  // CHECK: incept.softmax %{{[a-z0-9]+}} : (tensor<2x5xf32>) -> tensor<2x5xf32>
  %2 = incept.softmax %r : (tensor<2x5xf32>) -> tensor<2x5xf32>
  return
}

// CHECK-LABEL: func.func @local_response_norm
func.func @local_response_norm(%x: !image) {
  // CHECK: incept.local_response_norm %{{.*}} size 5 alpha 1.000000e-04 beta 7.500000e-01 k 2.000000e+00 :
  %0 = incept.local_response_norm %x size 5 alpha 1.0e-4 beta 0.75 k 2.0 : (!image) -> !image
  // CHECK: incept.local_response_norm_backward %{{.*}}, %{{.*}} size 5 alpha 1.000000e-04 beta 7.500000e-01 k 2.000000e+00 :
  %1 = incept.local_response_norm_backward %0, %x size 5 alpha 1.0e-4 beta 0.75 k 2.0 : (!image, !image) -> !image
  return
}

// CHECK-LABEL: func.func @batch_norm_finalize_factors
func.func @batch_norm_finalize_factors(%x: !image, %s: !vector, %m: !vector, %v: !vector, %g: !vector, %b: !vector) {
  // CHECK: incept.batch_norm_finalize %{{[a-z_0-9]+}}, %{{[a-z_0-9]+}} of %{{[a-z_0-9]+}} gamma %{{[a-z_0-9]+}} beta %{{[a-z_0-9]+}} running
  %f:7 = incept.batch_norm_finalize %s, %s of %x gamma %g beta %b running %m, %v {epsilon = 1.0e-3, decay = 0.9, count = 162 : i64}
      : (!vector, !vector, !image, !vector, !vector, !vector, !vector) -> (!vector, !vector, !vector, !vector, !vector, !vector, !vector)
  return
}

// CHECK-LABEL: func.func @batch_norm_finalize_of
func.func @batch_norm_finalize_of(%x: !image, %s: !vector, %m: !vector, %v: !vector) {
  // CHECK: incept.batch_norm_finalize %{{[a-z_0-9]+}}, %{{[a-z_0-9]+}} of %{{[a-z_0-9]+}} running
  %f:5 = incept.batch_norm_finalize %s, %s of %x running %m, %v {epsilon = 1.0e-3, decay = 0.9, count = 162 : i64}
      : (!vector, !vector, !image, !vector, !vector) -> (!vector, !vector, !vector, !vector, !vector)
  return
}
