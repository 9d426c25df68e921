// RUN: incept-run %s --print | FileCheck %s
// Batch normalisation of the reference interpreter against values worked out by hand, and whole against pieces.

!image = tensor<2x2x1x2xf32>
!vector = tensor<2xf32>

// Channel 0: (2*(x - 1)/2 + 10) for x = 1, 3, 5, 7; channel 1: -1*(x - 2)/1 + 0.
// CHECK-LABEL: @given_statistics
// CHECK-NEXT: result0 2x2x1x2 = 10 12 2 1 14 16 0 -1{{$}}
// CHECK-NEXT: result1 2x2x1x2 = 10 11 -2 -1 12 13 0 1{{$}}
func.func @given_statistics() -> (!image, !image) {
  %x = arith.constant dense<[[[[1., 3.]], [[0., 1.]]], [[[5., 7.]], [[2., 3.]]]]> : !image
  %gamma = arith.constant dense<[2., -1.]> : !vector
  %beta = arith.constant dense<[10., 0.]> : !vector
  %mean = arith.constant dense<[1., 2.]> : !vector
  %variance = arith.constant dense<[3., 0.]> : !vector
  %y = incept.batch_norm %x gamma %gamma beta %beta mean %mean variance %variance {epsilon = 1.0, decay = 0.9}
      : (!image, !vector, !vector, !vector, !vector) -> !image
  %z = incept.batch_norm %x beta %beta mean %mean variance %variance {epsilon = 1.0, decay = 0.9}
      : (!image, !vector, !vector, !vector) -> !image
  return %y, %z : !image, !image
}

// Channel 0 is 1, 3, 5, 7: mean 4, variance 5, unbiased 20/3; with epsilon 4, 1/std = 1/3.
// Running values: 0.5*0 + 0.5*4 and 0.5*1 + 0.5*20/3 = 3.83333. Channel 1 is constant: mean 2, variance 0.
// CHECK-LABEL: @batch_statistics
// CHECK-NEXT: result0 2x2x1x2 = -1 -0.333333 7 7 0.333333 1 7 7{{$}}
// CHECK-NEXT: result1 2 = 4 2{{$}}
// CHECK-NEXT: result2 2 = 0.333333 0.5{{$}}
// CHECK-NEXT: result3 2 = 2 1{{$}}
// CHECK-NEXT: result4 2 = 3.83333 0.5{{$}}
func.func @batch_statistics() -> (!image, !vector, !vector, !vector, !vector) {
  %x = arith.constant dense<[[[[1., 3.]], [[2., 2.]]], [[[5., 7.]], [[2., 2.]]]]> : !image
  %beta = arith.constant dense<[0., 7.]> : !vector
  %mean = arith.constant dense<0.> : !vector
  %variance = arith.constant dense<1.> : !vector
  %y:5 = incept.batch_norm_training %x beta %beta running %mean, %variance {epsilon = 4.0, decay = 0.5}
      : (!image, !vector, !vector, !vector) -> (!image, !vector, !vector, !vector, !vector)
  return %y#0, %y#1, %y#2, %y#3, %y#4 : !image, !vector, !vector, !vector, !vector
}

// The pieces give what the whole gives: every difference is rounding, although channel 1 has mean 1002.
// CHECK-LABEL: @pieces_equal_whole
// CHECK-NEXT: result0 2x2x1x2 = {{(-?([0-9.]+e-1[0-9]|0) ?){8}$}}
// CHECK-NEXT: result1 2 = {{(-?([0-9.]+e-1[0-9]|0) ?){2}$}}
// CHECK-NEXT: result2 2 = {{(-?([0-9.]+e-1[0-9]|0) ?){2}$}}
// CHECK-NEXT: result3 2x2x1x2 = {{(-?([0-9.]+e-1[0-9]|0) ?){8}$}}
// CHECK-NEXT: result4 2 = {{(-?([0-9.]+e-1[0-9]|0) ?){2}$}}
// CHECK-NEXT: result5 2 = {{(-?([0-9.]+e-1[0-9]|0) ?){2}$}}
func.func @pieces_equal_whole(%d: !image, %gamma: !vector, %beta: !vector)
    -> (!image, !vector, !vector, !image, !vector, !vector) {
  %x = arith.constant dense<[[[[1., 3.]], [[1000., 1001.]]], [[[5., 7.]], [[1002., 1005.]]]]> : !image
  %mean = arith.constant dense<[0.5, 2.]> : !vector
  %variance = arith.constant dense<[1., 3.]> : !vector
  %w:5 = incept.batch_norm_training %x gamma %gamma beta %beta running %mean, %variance {epsilon = 1.0e-3, decay = 0.9}
      : (!image, !vector, !vector, !vector, !vector) -> (!image, !vector, !vector, !vector, !vector)
  %g:3 = incept.batch_norm_backward %d, %x mean %w#1 inv_std %w#2 gamma %gamma
      : (!image, !image, !vector, !vector, !vector) -> (!image, !vector, !vector)

  %k = incept.channel_sample %x : (!image) -> !vector
  %s:2 = incept.channel_stats %x shift %k : (!image, !vector) -> (!vector, !vector)
  %f:5 = incept.batch_norm_finalize %s#0, %s#1 shift %k gamma %gamma running %mean, %variance
      {epsilon = 1.0e-3, decay = 0.9, count = 4 : i64}
      : (!vector, !vector, !vector, !vector, !vector, !vector) -> (!vector, !vector, !vector, !vector, !vector)
  %y = incept.scale_shift %x, %f#0, %f#2, %beta : (!image, !vector, !vector, !vector) -> !image
  %bs:2 = incept.batch_norm_backward_stats %d, %x, %f#0 : (!image, !image, !vector) -> (!vector, !vector)
  %bf:5 = incept.batch_norm_backward_finalize %bs#0, %bs#1 inv_std %f#1 gamma %gamma {count = 4 : i64}
      : (!vector, !vector, !vector, !vector) -> (!vector, !vector, !vector, !vector, !vector)
  %dx = incept.batch_norm_backward_apply %d, %x mean %f#0, %bf#2, %bf#3, %bf#4
      : (!image, !image, !vector, !vector, !vector, !vector) -> !image

  %r0 = incept.scale %w#0 by -1.0 : (!image) -> !image
  %r1 = incept.scale %w#3 by -1.0 : (!vector) -> !vector
  %r2 = incept.scale %w#4 by -1.0 : (!vector) -> !vector
  %r3 = incept.scale %g#0 by -1.0 : (!image) -> !image
  %r4 = incept.scale %g#1 by -1.0 : (!vector) -> !vector
  %r5 = incept.scale %g#2 by -1.0 : (!vector) -> !vector
  %d0 = incept.add %y, %r0 : (!image, !image) -> !image
  %d1 = incept.add %f#3, %r1 : (!vector, !vector) -> !vector
  %d2 = incept.add %f#4, %r2 : (!vector, !vector) -> !vector
  %d3 = incept.add %dx, %r3 : (!image, !image) -> !image
  %d4 = incept.add %bf#0, %r4 : (!vector, !vector) -> !vector
  %d5 = incept.add %bf#1, %r5 : (!vector, !vector) -> !vector
  return %d0, %d1, %d2, %d3, %d4, %d5 : !image, !vector, !vector, !image, !vector, !vector
}

// Sums of x and x^2 without a shift; the sample is the first pixel of the first image.
// CHECK-LABEL: @sums
// CHECK-NEXT: result0 2 = 16 5{{$}}
// CHECK-NEXT: result1 2 = 84 11{{$}}
// CHECK-NEXT: result2 2 = 16 5{{$}}
// CHECK-NEXT: result3 2 = 1 3{{$}}
func.func @sums() -> (!vector, !vector, !vector, !vector) {
  %x = arith.constant dense<[[[[1., 3.]], [[3., 1.]]], [[[5., 7.]], [[1., 0.]]]]> : !image
  %s:2 = incept.channel_stats %x : (!image) -> (!vector, !vector)
  %c = incept.channel_sum %x : (!image) -> !vector
  %k = incept.channel_sample %x : (!image) -> !vector
  return %s#0, %s#1, %c, %k : !vector, !vector, !vector, !vector
}

// One value per channel: the unbiased variance would divide by 0, so the biased one is used.
// CHECK-LABEL: @one_value_per_channel
// CHECK-NEXT: result0 1 = 0.9{{$}}
func.func @one_value_per_channel() -> tensor<1xf32> {
  %x = arith.constant dense<5.> : tensor<1x1x1x1xf32>
  %one = arith.constant dense<1.> : tensor<1xf32>
  %y:5 = incept.batch_norm_training %x beta %one running %one, %one {epsilon = 1.0e-3, decay = 0.9}
      : (tensor<1x1x1x1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> (tensor<1x1x1x1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>)
  return %y#4 : tensor<1xf32>
}

// scale = 6/sqrt(8 + 1) = 2, shift = 1 + (5 - 3) * 2; without gamma and bias 1/3 and 1 - 3/3.
// CHECK-LABEL: @fold
// CHECK-NEXT: result0 1 = 2{{$}}
// CHECK-NEXT: result1 1 = 5{{$}}
// CHECK-NEXT: result2 1 = 0.333333{{$}}
// CHECK-NEXT: result3 1 = 0{{$}}
func.func @fold() -> (tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) {
  %gamma = arith.constant dense<6.> : tensor<1xf32>
  %beta = arith.constant dense<1.> : tensor<1xf32>
  %mean = arith.constant dense<3.> : tensor<1xf32>
  %variance = arith.constant dense<8.> : tensor<1xf32>
  %bias = arith.constant dense<5.> : tensor<1xf32>
  %f:2 = incept.fold_batch_norm gamma %gamma beta %beta mean %mean variance %variance bias %bias {epsilon = 1.0}
      : (tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> (tensor<1xf32>, tensor<1xf32>)
  %g:2 = incept.fold_batch_norm beta %beta mean %mean variance %variance {epsilon = 1.0}
      : (tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> (tensor<1xf32>, tensor<1xf32>)
  return %f#0, %f#1, %g#0, %g#1 : tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>
}

// The first group has mean 4 and variance 5, so a deviation of 3 with epsilon; the second has none.
// CHECK-LABEL: @normalize_groups
// CHECK-NEXT: result0 1x4x1x2 = -1 -0.333333 0.333333 1 0 0 0 0{{$}}
func.func @normalize_groups() -> tensor<1x4x1x2xf32> {
  %x = arith.constant dense<[[[[1., 3.]], [[5., 7.]], [[2., 2.]], [[2., 2.]]]]> : tensor<1x4x1x2xf32>
  %y = incept.normalize_groups %x groups 2 epsilon 4.0 : (tensor<1x4x1x2xf32>) -> tensor<1x4x1x2xf32>
  return %y : tensor<1x4x1x2xf32>
}

// Of ln 1 and ln 2 beyond what exp can take; then y * (diff - 3/3).
// CHECK-LABEL: @softmax
// CHECK-NEXT: result0 1x2 = 0.333333 0.666667{{$}}
// CHECK-NEXT: result1 1x2 = 0.666667 -0.666667{{$}}
func.func @softmax() -> (tensor<1x2xf64>, tensor<1x2xf64>) {
  %x = arith.constant dense<[[1000., 1000.6931471805599]]> : tensor<1x2xf64>
  %d = arith.constant dense<[[3., 0.]]> : tensor<1x2xf64>
  %y = incept.softmax %x : (tensor<1x2xf64>) -> tensor<1x2xf64>
  %z = incept.softmax_backward %d, %y : (tensor<1x2xf64>, tensor<1x2xf64>) -> tensor<1x2xf64>
  return %y, %z : tensor<1x2xf64>, tensor<1x2xf64>
}

// Over 3 + the squares of a channel, of that before it and, with a size of 3, of that behind it: 4 8 8 and 8 9 8.
// CHECK-LABEL: @local_response_norm
// CHECK-NEXT: result0 1x3x1x1 = 0.25 0.25 0.125{{$}}
// CHECK-NEXT: result1 1x3x1x1 = 0.125 0.222222 0.125{{$}}
func.func @local_response_norm() -> (tensor<1x3x1x1xf32>, tensor<1x3x1x1xf32>) {
  %x = arith.constant dense<[[[[1.]], [[2.]], [[1.]]]]> : tensor<1x3x1x1xf32>
  %y = incept.local_response_norm %x size 2 alpha 2.0 beta 1.0 k 3.0 : (tensor<1x3x1x1xf32>) -> tensor<1x3x1x1xf32>
  %z = incept.local_response_norm %x size 3 alpha 3.0 beta 1.0 k 3.0 : (tensor<1x3x1x1xf32>) -> tensor<1x3x1x1xf32>
  return %y, %z : tensor<1x3x1x1xf32>, tensor<1x3x1x1xf32>
}
