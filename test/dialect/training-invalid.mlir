// RUN: incept-opt %s -split-input-file -verify-diagnostics
// One violation per constraint; functions are named after it.

func.func @normalize_image_c1_shape(%u: tensor<2x5x6x3xui8>) {
  // expected-error @+1 {{expected dst to be 2x3x5x6, but got 2x5x6x3}}
  %0 = incept.normalize_image %u {mean = array<f64: 0.0, 0.0, 0.0>, std = array<f64: 1.0, 1.0, 1.0>} : (tensor<2x5x6x3xui8>) -> tensor<2x5x6x3xf32>
  return
}

// -----

func.func @normalize_image_c1_mean(%u: tensor<2x5x6x3xui8>) {
  // expected-error @+1 {{expected mean and std of 3 values, but got 1}}
  %0 = incept.normalize_image %u {mean = array<f64: 0.0>, std = array<f64: 1.0, 1.0, 1.0>} : (tensor<2x5x6x3xui8>) -> tensor<2x3x5x6xf32>
  return
}

// -----

func.func @normalize_image_c1_std(%u: tensor<2x5x6x1xui8>) {
  // expected-error @+1 {{expected positive std values}}
  %0 = incept.normalize_image %u {mean = array<f64: 0.0>, std = array<f64: 0.0>} : (tensor<2x5x6x1xui8>) -> tensor<2x1x5x6xf32>
  return
}

// -----

func.func @import_image_c1(%f: tensor<2x3x5x6xf32>) {
  // expected-error @+1 {{expected dst to be 2x3x5x6, but got 2x5x6x3}}
  %0 = incept.import_image %f : (tensor<2x3x5x6xf32>) -> tensor<2x5x6x3xf32>
  return
}

// -----

func.func @softmax_cross_entropy_c1_labels(%x: tensor<2x10xf32>, %t: tensor<3xi64>) {
  // expected-error @+1 {{expected labels to be 2, but got 3}}
  %0 = incept.softmax_cross_entropy %x, %t {label_smoothing = 0.1} : (tensor<2x10xf32>, tensor<3xi64>) -> tensor<f32>
  return
}

// -----

func.func @softmax_cross_entropy_c1_smoothing(%x: tensor<2x10xf32>, %t: tensor<2xi64>) {
  // expected-error @+1 {{expected label_smoothing in [0, 1), but got 1}}
  %0 = incept.softmax_cross_entropy %x, %t {label_smoothing = 1.0} : (tensor<2x10xf32>, tensor<2xi64>) -> tensor<f32>
  return
}

// -----

func.func @softmax_cross_entropy_backward_c1(%x: tensor<2x10xf32>, %t: tensor<2xi64>) {
  // expected-error @+1 {{expected diff_logits to be 2x10, but got 2x9}}
  %0 = incept.softmax_cross_entropy_backward %x, %t {label_smoothing = 0.1, weight = 1.0} : (tensor<2x10xf32>, tensor<2xi64>) -> tensor<2x9xf32>
  return
}

// -----

func.func @softmax_cross_entropy_c3_count(%x: tensor<2x10xf32>, %t: tensor<2xi64>) {
  // expected-error @+1 {{expected count with ignore_label, but got only ignore_label}}
  %0 = incept.softmax_cross_entropy %x, %t ignore 255 {label_smoothing = 0.0} : (tensor<2x10xf32>, tensor<2xi64>) -> tensor<f32>
  return
}

// -----

func.func @softmax_cross_entropy_c3_type(%x: tensor<2x10xf32>, %t: tensor<2xi64>) {
  // expected-error @+1 {{expected count of type f32, but got 'f16'}}
  %0, %1 = incept.softmax_cross_entropy %x, %t ignore 255 {label_smoothing = 0.0} : (tensor<2x10xf32>, tensor<2xi64>) -> (tensor<f32>, tensor<f16>)
  return
}

// -----

func.func @softmax_cross_entropy_backward_c3(%x: tensor<2x10xf32>, %t: tensor<2xi64>, %n: tensor<f32>) {
  // expected-error @+1 {{expected count with ignore_label, but got only count}}
  %0 = incept.softmax_cross_entropy_backward %x, %t count %n {label_smoothing = 0.0, weight = 1.0} : (tensor<2x10xf32>, tensor<2xi64>, tensor<f32>) -> tensor<2x10xf32>
  return
}

// -----

func.func @sgd_update_c1(%p: tensor<4x3xf32>, %g: tensor<3x4xf32>, %s: tensor<f32>) {
  // expected-error @+1 {{expected a tensor of the update to be 4x3, but got 3x4}}
  %0:2 = incept.sgd_update %p, %g, %p rate %s momentum %s weight_decay %s
      : (tensor<4x3xf32>, tensor<3x4xf32>, tensor<4x3xf32>, tensor<f32>, tensor<f32>, tensor<f32>) -> (tensor<4x3xf32>, tensor<4x3xf32>)
  return
}

// -----

func.func @rmsprop_update_c1(%p: tensor<4x3xf32>, %s: tensor<f32>) {
  // expected-error @+1 {{expected a tensor of the update to be 4x3, but got 4}}
  %0:3 = incept.rmsprop_update %p, %p, %p, %p rate %s momentum %s rms_decay %s epsilon %s weight_decay %s
      : (tensor<4x3xf32>, tensor<4x3xf32>, tensor<4x3xf32>, tensor<4x3xf32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>)
      -> (tensor<4x3xf32>, tensor<4x3xf32>, tensor<4xf32>)
  return
}

// -----

func.func @softmax_cross_entropy_c2_logits(%x: tensor<2x10xbf16>, %t: tensor<2xi64>) {
  // expected-error @+1 {{expected logits of f32, but got 'bf16'}}
  %0 = incept.softmax_cross_entropy %x, %t {label_smoothing = 0.1} : (tensor<2x10xbf16>, tensor<2xi64>) -> tensor<f32>
  return
}

// -----

func.func @softmax_cross_entropy_c2_loss(%x: tensor<2x10xf32>, %t: tensor<2xi64>) {
  // expected-error @+1 {{expected loss of f32, but got 'f16'}}
  %0 = incept.softmax_cross_entropy %x, %t {label_smoothing = 0.1} : (tensor<2x10xf32>, tensor<2xi64>) -> tensor<f16>
  return
}

// -----

func.func @softmax_cross_entropy_backward_c2(%x: tensor<2x10xf16>, %t: tensor<2xi64>) {
  // expected-error @+1 {{expected logits of f32, but got 'f16'}}
  %0 = incept.softmax_cross_entropy_backward %x, %t {label_smoothing = 0.1, weight = 1.0} : (tensor<2x10xf16>, tensor<2xi64>) -> tensor<2x10xf16>
  return
}

// -----

func.func @sgd_update_c2(%p: tensor<4xf32>, %v: tensor<4xbf16>, %s: tensor<f32>) {
  // expected-error @+1 {{expected tensors of 'f32', but got 'bf16'}}
  %0:2 = incept.sgd_update %p, %p, %v rate %s momentum %s weight_decay %s
      : (tensor<4xf32>, tensor<4xf32>, tensor<4xbf16>, tensor<f32>, tensor<f32>, tensor<f32>) -> (tensor<4xf32>, tensor<4xf32>)
  return
}

// -----

func.func @rmsprop_update_c2(%p: tensor<4xf32>, %s: tensor<f32>) {
  // expected-error @+1 {{expected tensors of 'f32', but got 'bf16'}}
  %0:3 = incept.rmsprop_update %p, %p, %p, %p rate %s momentum %s rms_decay %s epsilon %s weight_decay %s
      : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>)
      -> (tensor<4xf32>, tensor<4xf32>, tensor<4xbf16>)
  return
}

// -----

func.func @count_nonfinite_c1() {
  // expected-error @+1 {{expected at least 1 operand, but got 0}}
  %0 = "incept.count_nonfinite"() : () -> tensor<f32>
  return
}

// -----

func.func @loss_scale_update_c1(%s: tensor<f32>) {
  // expected-error @+1 {{expected a positive growth_interval, but got 0}}
  %0:3 = incept.loss_scale_update %s, %s, %s every 0 : (tensor<f32>, tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>, tensor<f32>)
  return
}

// -----

func.func @nesterov_update_c1(%p: tensor<4xf32>, %v: tensor<4x3xf32>, %s: tensor<f32>) {
  // expected-error @+1 {{expected a tensor of the update to be 4, but got 4x3}}
  %0:2 = incept.nesterov_update %p, %p, %v rate %s momentum %s weight_decay %s
      : (tensor<4xf32>, tensor<4xf32>, tensor<4x3xf32>, tensor<f32>, tensor<f32>, tensor<f32>) -> (tensor<4xf32>, tensor<4xf32>)
  return
}

// -----

func.func @lars_update_c1(%p: tensor<4xf32>, %v: tensor<4x3xf32>, %s: tensor<f32>) {
  // expected-error @+1 {{expected a tensor of the update to be 4, but got 4x3}}
  %0:2 = incept.lars_update %p, %p, %v rate %s momentum %s trust %s weight_decay %s squares %s, %s
      : (tensor<4xf32>, tensor<4xf32>, tensor<4x3xf32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>) -> (tensor<4xf32>, tensor<4xf32>)
  return
}

// -----

func.func @adam_update_c1(%p: tensor<4xf32>, %v: tensor<4x3xf32>, %s: tensor<f32>, %t: tensor<i64>) {
  // expected-error @+1 {{expected a tensor of the update to be 4, but got 4x3}}
  %0:3 = incept.adam_update %p, %p, %p, %v rate %s betas %s, %s epsilon %s weight_decay %s step %t
      : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4x3xf32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<i64>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  return
}

// -----

func.func @adamw_update_c1(%p: tensor<4xf32>, %v: tensor<4x3xf32>, %s: tensor<f32>, %t: tensor<i64>) {
  // expected-error @+1 {{expected a tensor of the update to be 4, but got 4x3}}
  %0:3 = incept.adamw_update %p, %p, %p, %v rate %s betas %s, %s epsilon %s weight_decay %s step %t
      : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4x3xf32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<i64>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  return
}

// -----

func.func @nesterov_update_c2(%p: tensor<4xf32>, %v: tensor<4xbf16>, %s: tensor<f32>) {
  // expected-error @+1 {{expected tensors of 'f32', but got 'bf16'}}
  %0:2 = incept.nesterov_update %p, %p, %v rate %s momentum %s weight_decay %s
      : (tensor<4xf32>, tensor<4xf32>, tensor<4xbf16>, tensor<f32>, tensor<f32>, tensor<f32>) -> (tensor<4xf32>, tensor<4xf32>)
  return
}

// -----

func.func @lamb_update_c1(%p: tensor<4xf32>, %v: tensor<4x3xf32>, %s: tensor<f32>, %t: tensor<i64>) {
  // expected-error @+1 {{expected a tensor of the update to be 4, but got 4x3}}
  %0:3 = incept.lamb_update %p, %p, %p, %v rate %s betas %s, %s epsilon %s weight_decay %s step %t squares %s, %s
      : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4x3xf32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<i64>, tensor<f32>, tensor<f32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  return
}

// -----

func.func @lamb_update_c2(%p: tensor<4xf32>, %v: tensor<4xbf16>, %s: tensor<f32>, %t: tensor<i64>) {
  // expected-error @+1 {{expected tensors of 'f32', but got 'bf16'}}
  %0:3 = incept.lamb_update %p, %p, %p, %v rate %s betas %s, %s epsilon %s weight_decay %s step %t squares %s, %s
      : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xbf16>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<i64>, tensor<f32>, tensor<f32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  return
}

// -----

func.func @lamb_direction_c1(%p: tensor<4xf32>, %v: tensor<4x3xf32>, %s: tensor<f32>, %t: tensor<i64>) {
  // expected-error @+1 {{expected a tensor of the direction to be 4, but got 4x3}}
  %0 = incept.lamb_direction %p, %p, %p, %v betas %s, %s epsilon %s weight_decay %s step %t
      : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4x3xf32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<i64>) -> tensor<4xf32>
  return
}

// -----

func.func @lamb_direction_c2(%p: tensor<4xf32>, %v: tensor<4xbf16>, %s: tensor<f32>, %t: tensor<i64>) {
  // expected-error @+1 {{expected tensors of 'f32', but got 'bf16'}}
  %0 = incept.lamb_direction %p, %p, %p, %v betas %s, %s epsilon %s weight_decay %s step %t
      : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xbf16>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<i64>) -> tensor<4xf32>
  return
}

// -----

func.func @lars_update_c2(%p: tensor<4xf32>, %v: tensor<4xbf16>, %s: tensor<f32>) {
  // expected-error @+1 {{expected tensors of 'f32', but got 'bf16'}}
  %0:2 = incept.lars_update %p, %p, %v rate %s momentum %s trust %s weight_decay %s squares %s, %s
      : (tensor<4xf32>, tensor<4xf32>, tensor<4xbf16>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>) -> (tensor<4xf32>, tensor<4xf32>)
  return
}

// -----

func.func @adam_update_c2(%p: tensor<4xf32>, %v: tensor<4xbf16>, %s: tensor<f32>, %t: tensor<i64>) {
  // expected-error @+1 {{expected tensors of 'f32', but got 'bf16'}}
  %0:3 = incept.adam_update %p, %p, %p, %v rate %s betas %s, %s epsilon %s weight_decay %s step %t
      : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xbf16>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<i64>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  return
}

// -----

func.func @adamw_update_c2(%p: tensor<4xf32>, %v: tensor<4xbf16>, %s: tensor<f32>, %t: tensor<i64>) {
  // expected-error @+1 {{expected tensors of 'f32', but got 'bf16'}}
  %0:3 = incept.adamw_update %p, %p, %p, %v rate %s betas %s, %s epsilon %s weight_decay %s step %t
      : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xbf16>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<i64>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  return
}

// -----

func.func @sum_squares_c1() {
  // expected-error @+1 {{expected at least 1 operand, but got 0}}
  %0 = "incept.sum_squares"() : () -> tensor<f32>
  return
}

// -----

func.func @clip_c1_shape(%p: tensor<4xf32>, %s: tensor<f32>) {
  // expected-error @+1 {{expected dst to be 4, but got 4x3}}
  %0 = incept.clip %p limit %s : (tensor<4xf32>, tensor<f32>) -> tensor<4x3xf32>
  return
}

// -----

func.func @clip_c1_type(%p: tensor<4xf32>, %s: tensor<f32>) {
  // expected-error @+1 {{expected tensors of 'f32', but got 'bf16'}}
  %0 = incept.clip %p limit %s : (tensor<4xf32>, tensor<f32>) -> tensor<4xbf16>
  return
}

// -----

func.func @average_update_c1_value(%p: tensor<4xf32>, %v: tensor<4x3xf32>, %s: tensor<f32>, %t: tensor<i64>) {
  // expected-error @+1 {{expected value to be 4, but got 4x3}}
  %0 = incept.average_update %p, %v decay %s step %t : (tensor<4xf32>, tensor<4x3xf32>, tensor<f32>, tensor<i64>) -> tensor<4xf32>
  return
}

// -----

func.func @average_update_c1_type(%p: tensor<4xf32>, %v: tensor<4xbf16>, %s: tensor<f32>, %t: tensor<i64>) {
  // expected-error @+1 {{expected tensors of 'f32', but got 'bf16'}}
  %0 = incept.average_update %p, %v decay %s step %t : (tensor<4xf32>, tensor<4xbf16>, tensor<f32>, tensor<i64>) -> tensor<4xf32>
  return
}

// -----

func.func @mix_c1_shape(%p: tensor<4xf32>, %v: tensor<4x3xf32>, %s: tensor<f32>) {
  // expected-error @+1 {{expected rhs to be 4, but got 4x3}}
  %0 = incept.mix %p, %v share %s : (tensor<4xf32>, tensor<4x3xf32>, tensor<f32>) -> tensor<4xf32>
  return
}

// -----

func.func @mix_c1_type(%p: tensor<4xf32>, %s: tensor<f32>) {
  // expected-error @+1 {{expected tensors of 'f32', but got 'bf16'}}
  %0 = incept.mix %p, %p share %s : (tensor<4xf32>, tensor<4xf32>, tensor<f32>) -> tensor<4xbf16>
  return
}
