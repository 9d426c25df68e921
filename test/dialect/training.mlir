// RUN: incept-opt %s | incept-opt | FileCheck %s
// Round trip of staging, loss and optimizer ops.

// CHECK-LABEL: func.func @staging
func.func @staging(%u: tensor<2x5x6x3xui8>, %f: tensor<2x3x5x6xf32>) {
  // CHECK: incept.normalize_image %{{.*}} {mean = array<f64: 5.000000e-01, 2.500000e-01, 0.000000e+00>, std = array<f64: 1.000000e+00, 2.000000e+00, 5.000000e-01>} : (tensor<2x5x6x3xui8>) -> tensor<2x3x5x6xf32>
  %0 = incept.normalize_image %u {mean = array<f64: 0.5, 0.25, 0.0>, std = array<f64: 1.0, 2.0, 0.5>} : (tensor<2x5x6x3xui8>) -> tensor<2x3x5x6xf32>
  // CHECK: incept.import_image %{{.*}} : (tensor<2x3x5x6xf32>) -> tensor<2x3x5x6xf32>
  %1 = incept.import_image %f : (tensor<2x3x5x6xf32>) -> tensor<2x3x5x6xf32>
  return
}

// CHECK-LABEL: func.func @loss
func.func @loss(%x: tensor<2x10xf32>, %t: tensor<2xi64>) {
  // CHECK: incept.softmax_cross_entropy %{{.*}}, %{{.*}} {label_smoothing = 1.000000e-01 : f64} : (tensor<2x10xf32>, tensor<2xi64>) -> tensor<f32>
  %0 = incept.softmax_cross_entropy %x, %t {label_smoothing = 0.1} : (tensor<2x10xf32>, tensor<2xi64>) -> tensor<f32>
  // CHECK: incept.softmax_cross_entropy_backward %{{.*}}, %{{.*}} {label_smoothing = 1.000000e-01 : f64, weight = 3.000000e-01 : f64} :
  %1 = incept.softmax_cross_entropy_backward %x, %t {label_smoothing = 0.1, weight = 0.3} : (tensor<2x10xf32>, tensor<2xi64>) -> tensor<2x10xf32>
  // CHECK: %[[LOSS:.*]], %[[N:.*]] = incept.softmax_cross_entropy %{{.*}}, %{{.*}} ignore 255 {label_smoothing = 0.000000e+00 : f64} : (tensor<2x10xf32>, tensor<2xi64>) -> (tensor<f32>, tensor<f32>)
  %2, %n = incept.softmax_cross_entropy %x, %t ignore 255 {label_smoothing = 0.0} : (tensor<2x10xf32>, tensor<2xi64>) -> (tensor<f32>, tensor<f32>)
  // CHECK: incept.softmax_cross_entropy_backward %{{.*}}, %{{.*}} ignore -1 count %[[N]] scale %[[LOSS]] {label_smoothing
  %3 = incept.softmax_cross_entropy_backward %x, %t ignore -1 count %n scale %2 {label_smoothing = 0.0, weight = 1.0} : (tensor<2x10xf32>, tensor<2xi64>, tensor<f32>, tensor<f32>) -> tensor<2x10xf32>
  return
}

// CHECK-LABEL: func.func @updates
func.func @updates(%p: tensor<4x3xf32>, %s: tensor<f32>) {
  // CHECK: incept.sgd_update %{{.*}}, %{{.*}}, %{{.*}} rate %{{.*}} momentum %{{.*}} weight_decay %{{.*}} decay :
  %0:2 = incept.sgd_update %p, %p, %p rate %s momentum %s weight_decay %s decay
      : (tensor<4x3xf32>, tensor<4x3xf32>, tensor<4x3xf32>, tensor<f32>, tensor<f32>, tensor<f32>) -> (tensor<4x3xf32>, tensor<4x3xf32>)
  // CHECK: incept.rmsprop_update %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} rate %{{.*}} momentum %{{.*}} rms_decay %{{.*}} epsilon %{{.*}} weight_decay %{{[a-z0-9]+}} :
  %1:3 = incept.rmsprop_update %p, %p, %p, %p rate %s momentum %s rms_decay %s epsilon %s weight_decay %s
      : (tensor<4x3xf32>, tensor<4x3xf32>, tensor<4x3xf32>, tensor<4x3xf32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>)
      -> (tensor<4x3xf32>, tensor<4x3xf32>, tensor<4x3xf32>)
  return
}

// CHECK-LABEL: func.func @other_updates
func.func @other_updates(%p: tensor<4x3xf32>, %s: tensor<f32>, %t: tensor<i64>) {
  // CHECK: incept.nesterov_update %{{.*}}, %{{.*}}, %{{.*}} rate %{{.*}} momentum %{{.*}} weight_decay %{{[a-z0-9]+}} :
  %0:2 = incept.nesterov_update %p, %p, %p rate %s momentum %s weight_decay %s
      : (tensor<4x3xf32>, tensor<4x3xf32>, tensor<4x3xf32>, tensor<f32>, tensor<f32>, tensor<f32>) -> (tensor<4x3xf32>, tensor<4x3xf32>)
  // CHECK: incept.adam_update %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} rate %{{.*}} betas %{{.*}}, %{{.*}} epsilon %{{.*}} weight_decay %{{.*}} step %{{.*}} decay :
  %1:3 = incept.adam_update %p, %p, %p, %p rate %s betas %s, %s epsilon %s weight_decay %s step %t decay
      : (tensor<4x3xf32>, tensor<4x3xf32>, tensor<4x3xf32>, tensor<4x3xf32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<i64>)
      -> (tensor<4x3xf32>, tensor<4x3xf32>, tensor<4x3xf32>)
  // CHECK: %[[SUM:.+]] = incept.sum_squares %{{.*}}, %{{.*}} : (tensor<4x3xf32>, tensor<4x3xf32>) -> tensor<f32>
  %sum = incept.sum_squares %p, %p : (tensor<4x3xf32>, tensor<4x3xf32>) -> tensor<f32>
  // CHECK: incept.clip_factor %[[SUM]] limit %{{.*}} :
  %2 = incept.clip_factor %sum limit %s : (tensor<f32>, tensor<f32>) -> tensor<f32>
  // CHECK: incept.mean_loss %[[SUM]], %{{.*}} : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %mean = incept.mean_loss %sum, %s : (tensor<f32>, tensor<f32>) -> tensor<f32>
  // CHECK: %[[FACTOR:.+]] = incept.clip_factor %[[SUM]] limit %{{.*}} unscale %{{.*}} :
  %factor = incept.clip_factor %sum limit %s unscale %s : (tensor<f32>, tensor<f32>, tensor<f32>) -> tensor<f32>
  // CHECK: incept.adamw_update {{.*}} unscale %[[FACTOR]] :
  %3:3 = incept.adamw_update %p, %p, %p, %p rate %s betas %s, %s epsilon %s weight_decay %s step %t unscale %factor
      : (tensor<4x3xf32>, tensor<4x3xf32>, tensor<4x3xf32>, tensor<4x3xf32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<i64>, tensor<f32>)
      -> (tensor<4x3xf32>, tensor<4x3xf32>, tensor<4x3xf32>)
  // CHECK: incept.lars_update {{.*}} trust %{{.*}} weight_decay %{{.*}} squares %[[SUM]], %{{.*}} decay :
  %4:2 = incept.lars_update %p, %p, %p rate %s momentum %s trust %s weight_decay %s squares %sum, %s decay
      : (tensor<4x3xf32>, tensor<4x3xf32>, tensor<4x3xf32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>) -> (tensor<4x3xf32>, tensor<4x3xf32>)
  // CHECK: %[[D:.+]] = incept.lamb_direction {{.*}} betas %{{.*}}, %{{.*}} epsilon %{{.*}} weight_decay %{{.*}} step %{{.*}} :
  %d = incept.lamb_direction %p, %p, %p, %p betas %s, %s epsilon %s weight_decay %s step %t
      : (tensor<4x3xf32>, tensor<4x3xf32>, tensor<4x3xf32>, tensor<4x3xf32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<i64>) -> tensor<4x3xf32>
  // CHECK: %[[LENGTH:.+]] = incept.sum_squares %[[D]]
  %length = incept.sum_squares %d : (tensor<4x3xf32>) -> tensor<f32>
  // CHECK: incept.lamb_update {{.*}} step %{{.*}} squares %[[SUM]], %[[LENGTH]] unscale %[[FACTOR]] decay :
  %7:3 = incept.lamb_update %p, %p, %p, %p rate %s betas %s, %s epsilon %s weight_decay %s step %t squares %sum, %length unscale %factor decay
      : (tensor<4x3xf32>, tensor<4x3xf32>, tensor<4x3xf32>, tensor<4x3xf32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<i64>, tensor<f32>, tensor<f32>, tensor<f32>)
      -> (tensor<4x3xf32>, tensor<4x3xf32>, tensor<4x3xf32>)
  // CHECK: incept.clip %{{.*}} limit %{{.*}} : (tensor<4x3xf32>, tensor<f32>) -> tensor<4x3xf32>
  %5 = incept.clip %p limit %s : (tensor<4x3xf32>, tensor<f32>) -> tensor<4x3xf32>
  // CHECK: incept.average_update %{{.*}}, %{{.*}} decay %{{.*}} step %{{.*}} :
  %6 = incept.average_update %p, %p decay %s step %t : (tensor<4x3xf32>, tensor<4x3xf32>, tensor<f32>, tensor<i64>) -> tensor<4x3xf32>
  return
}

// CHECK-LABEL: func.func @loss_scaling
func.func @loss_scaling(%x: tensor<2x10xf32>, %t: tensor<2xi64>, %p: tensor<4x3xf32>, %g: tensor<4x3xf16>, %s: tensor<f32>) {
  // CHECK: incept.softmax_cross_entropy_backward %{{.*}}, %{{.*}} scale %{{.*}} {label_smoothing = {{.*}}} : (tensor<2x10xf32>, tensor<2xi64>, tensor<f32>) -> tensor<2x10xf16>
  %0 = incept.softmax_cross_entropy_backward %x, %t scale %s {label_smoothing = 0.1, weight = 1.0} : (tensor<2x10xf32>, tensor<2xi64>, tensor<f32>) -> tensor<2x10xf16>
  // CHECK: %[[BAD:.+]] = incept.count_nonfinite %{{.*}}, %{{.*}} : (tensor<4x3xf16>, tensor<4x3xf32>) -> tensor<f32>
  %bad = incept.count_nonfinite %g, %p : (tensor<4x3xf16>, tensor<4x3xf32>) -> tensor<f32>
  // CHECK: %[[UNSCALE:.+]], %{{.*}}, %{{.*}} = incept.loss_scale_update %[[BAD]], %{{.*}}, %{{.*}} every 2000 : (tensor<f32>, tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>, tensor<f32>)
  %1:3 = incept.loss_scale_update %bad, %s, %s every 2000 : (tensor<f32>, tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>, tensor<f32>)
  // CHECK: incept.sgd_update {{.*}} weight_decay %{{.*}} unscale %[[UNSCALE]] decay : {{.*}} -> (tensor<4x3xf32>, tensor<4x3xf32>, tensor<4x3xf16>)
  %2:3 = incept.sgd_update %p, %g, %p rate %s momentum %s weight_decay %s unscale %1#0 decay
      : (tensor<4x3xf32>, tensor<4x3xf16>, tensor<4x3xf32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>) -> (tensor<4x3xf32>, tensor<4x3xf32>, tensor<4x3xf16>)
  // CHECK: incept.rmsprop_update {{.*}} unscale %[[UNSCALE]] : {{.*}} -> (tensor<4x3xf32>, tensor<4x3xf32>, tensor<4x3xf32>, tensor<4x3xf16>)
  %3:4 = incept.rmsprop_update %p, %g, %p, %p rate %s momentum %s rms_decay %s epsilon %s weight_decay %s unscale %1#0
      : (tensor<4x3xf32>, tensor<4x3xf16>, tensor<4x3xf32>, tensor<4x3xf32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>)
      -> (tensor<4x3xf32>, tensor<4x3xf32>, tensor<4x3xf32>, tensor<4x3xf16>)
  return
}
