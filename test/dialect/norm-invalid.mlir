// RUN: incept-opt %s -split-input-file -verify-diagnostics
// One violation per constraint; functions are named after it.

func.func @batch_norm_c1(%x: tensor<2x4x9x9xf32>, %b: tensor<4xf32>, %m: tensor<5xf32>) {
  // expected-error @+1 {{expected channel vectors of 4 values, but got 5}}
  %0 = incept.batch_norm %x beta %b mean %m variance %b {epsilon = 1.0e-3, decay = 0.9}
      : (tensor<2x4x9x9xf32>, tensor<4xf32>, tensor<5xf32>, tensor<4xf32>) -> tensor<2x4x9x9xf32>
  return
}

// -----

func.func @batch_norm_c1_shape(%x: tensor<2x4x9x9xf32>, %b: tensor<4xf32>) {
  // expected-error @+1 {{expected dst to be 2x4x9x9, but got 2x4x9x8}}
  %0 = incept.batch_norm %x beta %b mean %b variance %b {epsilon = 1.0e-3, decay = 0.9}
      : (tensor<2x4x9x9xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<2x4x9x8xf32>
  return
}

// -----

func.func @batch_norm_c2_epsilon(%x: tensor<2x4x9x9xf32>, %b: tensor<4xf32>) {
  // expected-error @+1 {{expected a positive epsilon, but got 0}}
  %0 = incept.batch_norm %x beta %b mean %b variance %b {epsilon = 0.0, decay = 0.9}
      : (tensor<2x4x9x9xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<2x4x9x9xf32>
  return
}

// -----

// NaN is in no range.
func.func @batch_norm_c2_nan(%x: tensor<2x4x9x9xf32>, %b: tensor<4xf32>) {
  // expected-error @+1 {{expected a positive epsilon, but got nan}}
  %0 = incept.batch_norm %x beta %b mean %b variance %b {epsilon = 0x7FF8000000000000 : f64, decay = 0.9}
      : (tensor<2x4x9x9xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<2x4x9x9xf32>
  return
}

// -----

func.func @batch_norm_training_c1(%x: tensor<2x4x9x9xf32>, %b: tensor<4xf32>) {
  // expected-error @+1 {{expected channel vectors of 4 values, but got 3}}
  %0:5 = incept.batch_norm_training %x beta %b running %b, %b {epsilon = 1.0e-3, decay = 0.9}
      : (tensor<2x4x9x9xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
      -> (tensor<2x4x9x9xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<3xf32>)
  return
}

// -----

func.func @batch_norm_training_c2(%x: tensor<2x4x9x9xf32>, %b: tensor<4xf32>) {
  // expected-error @+1 {{expected a decay in [0, 1], but got 1.5}}
  %0:5 = incept.batch_norm_training %x beta %b running %b, %b {epsilon = 1.0e-3, decay = 1.5}
      : (tensor<2x4x9x9xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
      -> (tensor<2x4x9x9xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  return
}

// -----

func.func @batch_norm_backward_c1(%x: tensor<2x4x9x9xf32>, %d: tensor<2x4x9x8xf32>, %b: tensor<4xf32>) {
  // expected-error @+1 {{expected diff_dst to be 2x4x9x9, but got 2x4x9x8}}
  %0:3 = incept.batch_norm_backward %d, %x mean %b inv_std %b
      : (tensor<2x4x9x8xf32>, tensor<2x4x9x9xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<2x4x9x9xf32>, tensor<4xf32>, tensor<4xf32>)
  return
}

// -----

func.func @channel_sample_c1(%x: tensor<2x4x9x9xf32>) {
  // expected-error @+1 {{expected channel vectors of 4 values, but got 9}}
  %0 = incept.channel_sample %x : (tensor<2x4x9x9xf32>) -> tensor<9xf32>
  return
}

// -----

func.func @channel_stats_c1(%x: tensor<2x4x9x9xf32>, %k: tensor<9xf32>) {
  // expected-error @+1 {{expected channel vectors of 4 values, but got 9}}
  %0:2 = incept.channel_stats %x shift %k : (tensor<2x4x9x9xf32>, tensor<9xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return
}

// -----

func.func @batch_norm_finalize_c1(%s: tensor<4xf32>, %q: tensor<5xf32>) {
  // expected-error @+1 {{expected channel vectors of 4 values, but got 5}}
  %0:5 = incept.batch_norm_finalize %s, %q running %s, %s {epsilon = 1.0e-3, decay = 0.9, count = 8 : i64}
      : (tensor<4xf32>, tensor<5xf32>, tensor<4xf32>, tensor<4xf32>)
      -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  return
}

// -----

func.func @batch_norm_finalize_c2(%s: tensor<4xf32>) {
  // expected-error @+1 {{expected a positive count, but got -1}}
  %0:5 = incept.batch_norm_finalize %s, %s running %s, %s {epsilon = 1.0e-3, decay = 0.9, count = -1 : i64}
      : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
      -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  return
}

// -----

func.func @scale_shift_c1(%x: tensor<2x4x9x9xf32>, %v: tensor<9xf32>) {
  // expected-error @+1 {{expected channel vectors of 4 values, but got 9}}
  %0 = incept.scale_shift %x, %v, %v, %v : (tensor<2x4x9x9xf32>, tensor<9xf32>, tensor<9xf32>, tensor<9xf32>) -> tensor<2x4x9x9xf32>
  return
}

// -----

func.func @scale_shift_c1_rank(%x: tensor<4xf32>, %v: tensor<4xf32>) {
  // expected-error @+1 {{expected src with a batch and a channel dimension, but got 4}}
  %0 = incept.scale_shift %x, %v, %v, %v : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @batch_norm_backward_stats_c1(%x: tensor<2x4x9x9xf32>, %d: tensor<1x4x9x9xf32>, %m: tensor<4xf32>) {
  // expected-error @+1 {{expected diff_dst to be 2x4x9x9, but got 1x4x9x9}}
  %0:2 = incept.batch_norm_backward_stats %d, %x, %m : (tensor<1x4x9x9xf32>, tensor<2x4x9x9xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return
}

// -----

// 0 stands for an extent in kernel definitions, and nowhere else.
func.func @batch_norm_finalize_c2_zero(%s: tensor<4xf32>) {
  // expected-error @+1 {{expected a positive count, but got 0}}
  %0:5 = incept.batch_norm_finalize %s, %s running %s, %s {epsilon = 1.0e-3, decay = 0.9, count = 0 : i64}
      : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
      -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  return
}

// -----

func.func @batch_norm_backward_finalize_c1(%s: tensor<4xf32>, %i: tensor<3xf32>) {
  // expected-error @+1 {{expected channel vectors of 4 values, but got 3}}
  %0:5 = incept.batch_norm_backward_finalize %s, %s inv_std %i {count = 8 : i64}
      : (tensor<4xf32>, tensor<4xf32>, tensor<3xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  return
}

// -----

func.func @batch_norm_backward_finalize_c2(%s: tensor<4xf32>) {
  // expected-error @+1 {{expected a positive count, but got -8}}
  %0:5 = incept.batch_norm_backward_finalize %s, %s inv_std %s {count = -8 : i64}
      : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  return
}

// -----

func.func @batch_norm_backward_apply_c1(%x: tensor<2x4x9x9xf32>, %v: tensor<4xf32>) {
  // expected-error @+1 {{expected diff_src to be 2x4x9x9, but got 2x4x8x9}}
  %0 = incept.batch_norm_backward_apply %x, %x mean %v, %v, %v, %v
      : (tensor<2x4x9x9xf32>, tensor<2x4x9x9xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<2x4x8x9xf32>
  return
}

// -----

func.func @fold_batch_norm_c1(%b: tensor<4xf32>, %c: tensor<5xf32>) {
  // expected-error @+1 {{expected channel vectors of 4 values, but got 5}}
  %0:2 = incept.fold_batch_norm beta %b mean %b variance %b bias %c {epsilon = 1.0e-3}
      : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<5xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return
}

// -----

func.func @channel_sample_c2(%x: tensor<2x4x9x9xbf16>) {
  // expected-error @+1 {{expected tensors of 'bf16', but got 'f32'}}
  %0 = incept.channel_sample %x : (tensor<2x4x9x9xbf16>) -> tensor<4xf32>
  return
}

// -----

func.func @channel_stats_c1_sums(%x: tensor<2x4x9x9xbf16>) {
  // expected-error @+1 {{expected sums of f32, but got 'bf16'}}
  %0:2 = incept.channel_stats %x : (tensor<2x4x9x9xbf16>) -> (tensor<4xf32>, tensor<4xbf16>)
  return
}

// -----

func.func @batch_norm_backward_stats_c1_sums(%x: tensor<2x4x9x9xf16>, %v: tensor<4xf32>) {
  // expected-error @+1 {{expected sums of f32, but got 'f16'}}
  %0:2 = incept.batch_norm_backward_stats %x, %x, %v : (tensor<2x4x9x9xf16>, tensor<2x4x9x9xf16>, tensor<4xf32>) -> (tensor<4xf16>, tensor<4xf32>)
  return
}

// -----

func.func @normalize_pixels_c1(%x: tensor<2x4x9x9xf32>) {
  // expected-error @+1 {{expected an operand to be 2x4x9x8, but got 2x4x9x9}}
  %0 = incept.normalize_pixels %x epsilon 1.0e-3 : (tensor<2x4x9x9xf32>) -> tensor<2x4x9x8xf32>
  return
}

// -----

func.func @normalize_pixels_c2(%x: tensor<2x4x9x9xf32>) {
  // expected-error @+1 {{expected a positive epsilon, but got 0}}
  %0 = incept.normalize_pixels %x epsilon 0.0 : (tensor<2x4x9x9xf32>) -> tensor<2x4x9x9xf32>
  return
}

// -----

func.func @normalize_pixels_backward_c1(%d: tensor<2x4x9x9xbf16>, %x: tensor<2x4x9x9xf32>) {
  // expected-error @+1 {{expected tensors of 'bf16', but got 'f32'}}
  %0 = incept.normalize_pixels_backward %d, %x epsilon 1.0e-3 : (tensor<2x4x9x9xbf16>, tensor<2x4x9x9xf32>) -> tensor<2x4x9x9xf32>
  return
}

// -----

func.func @normalize_pixels_backward_c2(%x: tensor<2x4x9x9xf32>) {
  // expected-error @+1 {{expected a positive epsilon, but got -1}}
  %0 = incept.normalize_pixels_backward %x, %x epsilon -1.0 : (tensor<2x4x9x9xf32>, tensor<2x4x9x9xf32>) -> tensor<2x4x9x9xf32>
  return
}

// -----

func.func @normalize_groups_c1(%x: tensor<2x4x9x9xf32>) {
  // expected-error @+1 {{expected tensors of 'f32', but got 'bf16'}}
  %0 = incept.normalize_groups %x groups 2 epsilon 1.0e-3 : (tensor<2x4x9x9xf32>) -> tensor<2x4x9x9xbf16>
  return
}

// -----

func.func @normalize_groups_c2(%x: tensor<2x4x9x9xf32>) {
  // expected-error @+1 {{expected groups that divide the 4 channels, but got 3}}
  %0 = incept.normalize_groups %x groups 3 epsilon 1.0e-3 : (tensor<2x4x9x9xf32>) -> tensor<2x4x9x9xf32>
  return
}

// -----

func.func @normalize_groups_c2_none(%x: tensor<2x4x9x9xf32>) {
  // expected-error @+1 {{expected groups that divide the 4 channels, but got 0}}
  %0 = incept.normalize_groups %x groups 0 epsilon 1.0e-3 : (tensor<2x4x9x9xf32>) -> tensor<2x4x9x9xf32>
  return
}

// -----

func.func @normalize_groups_c2_epsilon(%x: tensor<2x4x9x9xf32>) {
  // expected-error @+1 {{expected a positive epsilon, but got 0}}
  %0 = incept.normalize_groups %x groups 2 epsilon 0.0 : (tensor<2x4x9x9xf32>) -> tensor<2x4x9x9xf32>
  return
}

// -----

func.func @normalize_groups_backward_c1(%x: tensor<2x4x9x9xf32>, %d: tensor<2x4x9x8xf32>) {
  // expected-error @+1 {{expected an operand to be 2x4x9x9, but got 2x4x9x8}}
  %0 = incept.normalize_groups_backward %x, %d groups 2 epsilon 1.0e-3 : (tensor<2x4x9x9xf32>, tensor<2x4x9x8xf32>) -> tensor<2x4x9x9xf32>
  return
}

// -----

func.func @normalize_groups_backward_c2(%x: tensor<2x4x9x9xf32>) {
  // expected-error @+1 {{expected groups that divide the 4 channels, but got -2}}
  %0 = incept.normalize_groups_backward %x, %x groups -2 epsilon 1.0e-3 : (tensor<2x4x9x9xf32>, tensor<2x4x9x9xf32>) -> tensor<2x4x9x9xf32>
  return
}

// -----

func.func @softmax_c1(%x: tensor<2x4x9x9xf32>) {
  // expected-error @+1 {{expected an operand to be 2x4x9x8, but got 2x4x9x9}}
  %0 = incept.softmax %x : (tensor<2x4x9x9xf32>) -> tensor<2x4x9x8xf32>
  return
}

// -----

func.func @softmax_c1_rank(%v: tensor<4xf32>) {
  // expected-error @+1 {{expected (N,C,H,W) or (N,C), but got 4}}
  %0 = incept.softmax %v : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @softmax_backward_c1(%d: tensor<2x4x9x9xf16>, %x: tensor<2x4x9x9xf32>) {
  // expected-error @+1 {{expected tensors of 'f16', but got 'f32'}}
  %0 = incept.softmax_backward %d, %x : (tensor<2x4x9x9xf16>, tensor<2x4x9x9xf32>) -> tensor<2x4x9x9xf32>
  return
}

// -----

func.func @local_response_norm_c1(%x: tensor<2x4x9x9xf32>) {
  // expected-error @+1 {{expected an operand to be 2x5x9x9, but got 2x4x9x9}}
  %0 = incept.local_response_norm %x size 5 alpha 1.0 beta 0.75 k 1.0 : (tensor<2x4x9x9xf32>) -> tensor<2x5x9x9xf32>
  return
}

// -----

func.func @local_response_norm_c2(%x: tensor<2x4x9x9xf32>) {
  // expected-error @+1 {{expected a size of 1 to 255, but got 0}}
  %0 = incept.local_response_norm %x size 0 alpha 1.0 beta 0.75 k 1.0 : (tensor<2x4x9x9xf32>) -> tensor<2x4x9x9xf32>
  return
}

// -----

func.func @local_response_norm_c2_large(%x: tensor<2x4x9x9xf32>) {
  // expected-error @+1 {{expected a size of 1 to 255, but got 256}}
  %0 = incept.local_response_norm %x size 256 alpha 1.0 beta 0.75 k 1.0 : (tensor<2x4x9x9xf32>) -> tensor<2x4x9x9xf32>
  return
}

// -----

func.func @local_response_norm_c2_k(%x: tensor<2x4x9x9xf32>) {
  // expected-error @+1 {{expected a positive k, but got 0}}
  %0 = incept.local_response_norm %x size 5 alpha 1.0 beta 0.75 k 0.0 : (tensor<2x4x9x9xf32>) -> tensor<2x4x9x9xf32>
  return
}

// -----

func.func @local_response_norm_c2_beta(%x: tensor<2x4x9x9xf32>) {
  // expected-error @+1 {{expected alpha and beta that are not negative, but got -7.500000e-01}}
  %0 = incept.local_response_norm %x size 5 alpha 1.0 beta -0.75 k 1.0 : (tensor<2x4x9x9xf32>) -> tensor<2x4x9x9xf32>
  return
}

// -----

func.func @local_response_norm_backward_c1(%x: tensor<2x4x9x9xf32>) {
  // expected-error @+1 {{expected tensors of 'f32', but got 'f16'}}
  %0 = incept.local_response_norm_backward %x, %x size 5 alpha 1.0 beta 0.75 k 1.0 : (tensor<2x4x9x9xf32>, tensor<2x4x9x9xf32>) -> tensor<2x4x9x9xf16>
  return
}

// -----

func.func @local_response_norm_backward_c2(%x: tensor<2x4x9x9xf32>) {
  // expected-error @+1 {{expected alpha and beta that are not negative, but got -1}}
  %0 = incept.local_response_norm_backward %x, %x size 5 alpha -1.0 beta 0.75 k 1.0 : (tensor<2x4x9x9xf32>, tensor<2x4x9x9xf32>) -> tensor<2x4x9x9xf32>
  return
}

// -----

func.func @batch_norm_finalize_c3(%x: tensor<2x4x3x3xf32>, %s: tensor<4xf32>) {
  // expected-error @+1 {{expected sums of 4 channels with 17 values each, but they are of 2x4x3x3}}
  %0:5 = incept.batch_norm_finalize %s, %s of %x running %s, %s {epsilon = 1.0e-3, decay = 0.9, count = 17 : i64} : (tensor<4xf32>, tensor<4xf32>, tensor<2x4x3x3xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  return
}

// -----

func.func @batch_norm_finalize_c4(%s: tensor<4xf32>) {
  // expected-error @+1 {{expected two factors of one type with beta and none without, but got 0}}
  %0:5 = incept.batch_norm_finalize %s, %s beta %s running %s, %s {epsilon = 1.0e-3, decay = 0.9, count = 17 : i64} : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  return
}

// -----

func.func @batch_norm_finalize_c4_without_beta(%s: tensor<4xf32>) {
  // expected-error @+1 {{expected two factors of one type with beta and none without, but got 2}}
  %0:7 = incept.batch_norm_finalize %s, %s running %s, %s {epsilon = 1.0e-3, decay = 0.9, count = 17 : i64} : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf16>, tensor<4xf16>)
  return
}

// -----

func.func @batch_norm_finalize_c4_type(%s: tensor<4xf32>) {
  // expected-error @+1 {{expected two factors of one type with beta and none without, but got 2}}
  %0:7 = incept.batch_norm_finalize %s, %s beta %s running %s, %s {epsilon = 1.0e-3, decay = 0.9, count = 17 : i64} : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf16>, tensor<4xf32>)
  return
}

// -----

func.func @batch_norm_finalize_c3_channels(%x: tensor<2x5x3x3xf32>, %s: tensor<4xf32>) {
  // expected-error @+1 {{expected sums of 4 channels with 18 values each, but they are of 2x5x3x3}}
  %0:5 = incept.batch_norm_finalize %s, %s of %x running %s, %s {epsilon = 1.0e-3, decay = 0.9, count = 18 : i64} : (tensor<4xf32>, tensor<4xf32>, tensor<2x5x3x3xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  return
}

// -----

func.func @batch_norm_finalize_c3_shift(%x: tensor<2x4x3x3xf32>, %s: tensor<4xf32>) {
  // expected-error @+1 {{expected no shift beside what the sums are of: they are of it as it is}}
  %0:5 = incept.batch_norm_finalize %s, %s shift %s of %x running %s, %s {epsilon = 1.0e-3, decay = 0.9, count = 18 : i64} : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<2x4x3x3xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  return
}
