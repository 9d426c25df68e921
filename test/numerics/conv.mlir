// RUN: incept-run %s --print | FileCheck %s
// Convolutions and linear layers of the reference interpreter against values worked out by hand.

// Diagonal window: 1+5, 2+6, 4+8, 5+9.
// CHECK-LABEL: @window
// CHECK-NEXT: result0 1x1x2x2 = 6 8 12 14{{$}}
func.func @window() -> tensor<1x1x2x2xf32> {
  %x = arith.constant dense<[[[[1., 2., 3.], [4., 5., 6.], [7., 8., 9.]]]]> : tensor<1x1x3x3xf32>
  %w = arith.constant dense<[[[[1., 0.], [0., 1.]]]]> : tensor<1x1x2x2xf32>
  %y = incept.conv2d %x, %w : (tensor<1x1x3x3xf32>, tensor<1x1x2x2xf32>) -> tensor<1x1x2x2xf32>
  return %y : tensor<1x1x2x2xf32>
}

// One row of zeros above, one column of zeros to the right: 1+2, 2, 1+2+3+4, 2+4. The kernel is not flipped.
// CHECK-LABEL: @asymmetric_padding
// CHECK-NEXT: result0 1x1x2x2 = 3 2 10 6{{$}}
// CHECK-NEXT: result1 1x1x2x2 = 2100 200 4321 402{{$}}
func.func @asymmetric_padding() -> (tensor<1x1x2x2xf32>, tensor<1x1x2x2xf32>) {
  %x = arith.constant dense<[[[[1., 2.], [3., 4.]]]]> : tensor<1x1x2x2xf32>
  %ones = arith.constant dense<1.> : tensor<1x1x2x2xf32>
  %y = incept.conv2d %x, %ones pad [1, 0] pad_end [0, 1]
      : (tensor<1x1x2x2xf32>, tensor<1x1x2x2xf32>) -> tensor<1x1x2x2xf32>
  %w = arith.constant dense<[[[[1., 10.], [100., 1000.]]]]> : tensor<1x1x2x2xf32>
  %z = incept.conv2d %x, %w pad [1, 0] pad_end [0, 1]
      : (tensor<1x1x2x2xf32>, tensor<1x1x2x2xf32>) -> tensor<1x1x2x2xf32>
  return %y, %z : tensor<1x1x2x2xf32>, tensor<1x1x2x2xf32>
}

// Output o of group g sees channels 2g and 2g+1 only: 1*1 + 10*2, 100*3 + 1000*4.
// CHECK-LABEL: @groups
// CHECK-NEXT: result0 1x2x1x1 = 21 4300{{$}}
func.func @groups() -> tensor<1x2x1x1xf32> {
  %x = arith.constant dense<[[[[1.]], [[2.]], [[3.]], [[4.]]]]> : tensor<1x4x1x1xf32>
  %w = arith.constant dense<[[[[1.]], [[10.]]], [[[100.]], [[1000.]]]]> : tensor<2x2x1x1xf32>
  %y = incept.conv2d %x, %w groups 2 : (tensor<1x4x1x1xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x1x1xf32>
  return %y : tensor<1x2x1x1xf32>
}

// Taps two columns apart: x[i] + 10 x[i+2]; with stride 2 every other of them.
// CHECK-LABEL: @dilation
// CHECK-NEXT: result0 1x1x1x3 = 31 42 53{{$}}
// CHECK-NEXT: result1 1x1x1x2 = 31 53{{$}}
func.func @dilation() -> (tensor<1x1x1x3xf32>, tensor<1x1x1x2xf32>) {
  %x = arith.constant dense<[[[[1., 2., 3., 4., 5.]]]]> : tensor<1x1x1x5xf32>
  %w = arith.constant dense<[[[[1., 10.]]]]> : tensor<1x1x1x2xf32>
  %y = incept.conv2d %x, %w dilation [1, 2] : (tensor<1x1x1x5xf32>, tensor<1x1x1x2xf32>) -> tensor<1x1x1x3xf32>
  %z = incept.conv2d %x, %w stride [1, 2] dilation [1, 2]
      : (tensor<1x1x1x5xf32>, tensor<1x1x1x2xf32>) -> tensor<1x1x1x2xf32>
  return %y, %z : tensor<1x1x1x3xf32>, tensor<1x1x1x2xf32>
}

// Bias per output channel, then the maximum with 0.
// CHECK-LABEL: @bias_and_relu
// CHECK-NEXT: result0 2x2x1x1 = 1.5 -2 3.5 -6{{$}}
// CHECK-NEXT: result1 2x2x1x1 = 1.5 0 3.5 0{{$}}
func.func @bias_and_relu() -> (tensor<2x2x1x1xf32>, tensor<2x2x1x1xf32>) {
  %x = arith.constant dense<[[[[1.]]], [[[3.]]]]> : tensor<2x1x1x1xf32>
  %w = arith.constant dense<[[[[1.]]], [[[-2.]]]]> : tensor<2x1x1x1xf32>
  %b = arith.constant dense<[0.5, 0.]> : tensor<2xf32>
  %y = incept.conv2d %x, %w bias %b : (tensor<2x1x1x1xf32>, tensor<2x1x1x1xf32>, tensor<2xf32>) -> tensor<2x2x1x1xf32>
  %z = incept.conv2d %x, %w bias %b relu : (tensor<2x1x1x1xf32>, tensor<2x1x1x1xf32>, tensor<2xf32>) -> tensor<2x2x1x1xf32>
  return %y, %z : tensor<2x2x1x1xf32>, tensor<2x2x1x1xf32>
}

// Forward: y0 = w0 x0 + w1 x1, y1 = w0 x2 + w1 x3 (x4 is not used). With dy = (1, 2) and w = (3, 5):
// dx = (3, 5, 6, 10, 0); with x = (1, 2, 3, 4, 9): dw = (1*1 + 2*3, 1*2 + 2*4).
// CHECK-LABEL: @gradients
// CHECK-NEXT: result0 1x1x1x5 = 3 5 6 10 0{{$}}
// CHECK-NEXT: result1 1x1x1x2 = 7 10{{$}}
func.func @gradients() -> (tensor<1x1x1x5xf32>, tensor<1x1x1x2xf32>) {
  %dy = arith.constant dense<[[[[1., 2.]]]]> : tensor<1x1x1x2xf32>
  %w = arith.constant dense<[[[[3., 5.]]]]> : tensor<1x1x1x2xf32>
  %x = arith.constant dense<[[[[1., 2., 3., 4., 9.]]]]> : tensor<1x1x1x5xf32>
  %dx = incept.conv2d_backward_data %dy, %w stride [1, 2]
      : (tensor<1x1x1x2xf32>, tensor<1x1x1x2xf32>) -> tensor<1x1x1x5xf32>
  %dw = incept.conv2d_backward_weights %x, %dy stride [1, 2]
      : (tensor<1x1x1x5xf32>, tensor<1x1x1x2xf32>) -> tensor<1x1x1x2xf32>
  return %dx, %dw : tensor<1x1x1x5xf32>, tensor<1x1x1x2xf32>
}

// y = x W^T + b with W = [[1, 2], [3, 4], [5, 6]].
// CHECK-LABEL: @linear
// CHECK-NEXT: result0 1x3 = 51 111 171{{$}}
// CHECK-NEXT: result1 1x2 = 531 642{{$}}
// CHECK-NEXT: result2 3x2 = 10 20 100 200 1000 2000{{$}}
func.func @linear() -> (tensor<1x3xf32>, tensor<1x2xf32>, tensor<3x2xf32>) {
  %x = arith.constant dense<[[10., 20.]]> : tensor<1x2xf32>
  %w = arith.constant dense<[[1., 2.], [3., 4.], [5., 6.]]> : tensor<3x2xf32>
  %b = arith.constant dense<1.> : tensor<3xf32>
  %y = incept.linear %x, %w bias %b : (tensor<1x2xf32>, tensor<3x2xf32>, tensor<3xf32>) -> tensor<1x3xf32>
  %dy = arith.constant dense<[[1., 10., 100.]]> : tensor<1x3xf32>
  %dx = incept.linear_backward_data %dy, %w : (tensor<1x3xf32>, tensor<3x2xf32>) -> tensor<1x2xf32>
  %dw = incept.linear_backward_weights %x, %dy : (tensor<1x2xf32>, tensor<1x3xf32>) -> tensor<3x2xf32>
  return %y, %dx, %dw : tensor<1x3xf32>, tensor<1x2xf32>, tensor<3x2xf32>
}

// Each output channel of the weights times its factor.
// CHECK-LABEL: @reorder
// CHECK-NEXT: result0 2x2x1x1 = 1 2 3 4{{$}}
// CHECK-NEXT: result1 2x2x1x1 = 10 20 300 400{{$}}
func.func @reorder() -> (tensor<2x2x1x1xf32>, tensor<2x2x1x1xf32>) {
  %w = arith.constant dense<[[[[1.]], [[2.]]], [[[3.]], [[4.]]]]> : tensor<2x2x1x1xf32>
  %s = arith.constant dense<[10., 100.]> : tensor<2xf32>
  %y = incept.reorder %w : (tensor<2x2x1x1xf32>) -> tensor<2x2x1x1xf32>
  %z = incept.reorder %w scales %s : (tensor<2x2x1x1xf32>, tensor<2xf32>) -> tensor<2x2x1x1xf32>
  return %y, %z : tensor<2x2x1x1xf32>, tensor<2x2x1x1xf32>
}

// A convolution and a gradient of weights that normalise what they read give what they give of the ReLU of the batch norm,
// with padding, whose pixels are 0 whatever the channel's factors are. Channel 1 has no deviation that 16 bits could hold.
// CHECK-LABEL: @normalized_equals_pieces
// CHECK-NEXT: result0 2x1x1x4 = {{(-?([0-9.]+e-1[0-9]|0) ?){8}$}}
// CHECK-NEXT: result1 1x2x1x1 = {{(-?([0-9.]+e-1[0-9]|0) ?){2}$}}
// CHECK-NEXT: result2 2 = 0.894{{[0-9]+}} 0{{$}}
func.func @normalized_equals_pieces() -> (tensor<2x1x1x4xf32>, tensor<1x2x1x1xf32>, tensor<2xf32>) {
  %x = arith.constant dense<[[[[1., 3.]], [[8000., 8000.]]], [[[5., 7.]], [[8000., 8000.]]]]> : tensor<2x2x1x2xf32>
  %w = arith.constant dense<[[[[2.]], [[-1.]]]]> : tensor<1x2x1x1xf32>
  %gamma = arith.constant dense<[2., -1.5]> : tensor<2xf32>
  %beta = arith.constant dense<[0.5, 0.25]> : tensor<2xf32>
  %k = incept.channel_sample %x : (tensor<2x2x1x2xf32>) -> tensor<2xf32>
  %s:2 = incept.channel_stats %x shift %k : (tensor<2x2x1x2xf32>, tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>)
  %f:7 = incept.batch_norm_finalize %s#0, %s#1 shift %k gamma %gamma beta %beta running %beta, %gamma
      {epsilon = 1.0e-3, decay = 0.9, count = 4 : i64}
      : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>)
  %n = incept.scale_shift %x, %f#0, %f#2, %beta : (tensor<2x2x1x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<2x2x1x2xf32>
  %r = incept.relu %n : (tensor<2x2x1x2xf32>) -> tensor<2x2x1x2xf32>
  %y:3 = incept.conv2d_stats %r, %w pad [0, 1] pad_end [0, 1] : (tensor<2x2x1x2xf32>, tensor<1x2x1x1xf32>) -> (tensor<2x1x1x4xf32>, tensor<1xf32>, tensor<1xf32>)
  %z:3 = incept.conv2d_stats %x, %w normalized %f#5, %f#6 pad [0, 1] pad_end [0, 1] : (tensor<2x2x1x2xf32>, tensor<1x2x1x1xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<2x1x1x4xf32>, tensor<1xf32>, tensor<1xf32>)
  %dw = incept.conv2d_backward_weights %r, %y#0 pad [0, 1] pad_end [0, 1] : (tensor<2x2x1x2xf32>, tensor<2x1x1x4xf32>) -> tensor<1x2x1x1xf32>
  %dz = incept.conv2d_backward_weights %x, %y#0 normalized %f#5, %f#6 pad [0, 1] pad_end [0, 1] : (tensor<2x2x1x2xf32>, tensor<2x1x1x4xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2x1x1xf32>
  %m0 = incept.scale %y#0 by -1.0 : (tensor<2x1x1x4xf32>) -> tensor<2x1x1x4xf32>
  %m1 = incept.scale %dw by -1.0 : (tensor<1x2x1x1xf32>) -> tensor<1x2x1x1xf32>
  %d0 = incept.add %z#0, %m0 : (tensor<2x1x1x4xf32>, tensor<2x1x1x4xf32>) -> tensor<2x1x1x4xf32>
  %d1 = incept.add %dz, %m1 : (tensor<1x2x1x1xf32>, tensor<1x2x1x1xf32>) -> tensor<1x2x1x1xf32>
  return %d0, %d1, %f#5 : tensor<2x1x1x4xf32>, tensor<1x2x1x1xf32>, tensor<2xf32>
}

// A gradient of data that goes on with that of a batch norm gives what the ops apart do: every difference is rounding,
// although channel 1 has mean 1000.
// CHECK-LABEL: @norm_gradient_equals_pieces
// CHECK-NEXT: result0 2x2x1x2 = 0 0 0 0 -6 10 0 -5{{$}}
// CHECK-NEXT: result1 2x2x1x2 = {{(-?([0-9.]+e-1[0-9]|0) ?){8}$}}
// CHECK-NEXT: result2 2x2x1x2 = {{(-?([0-9.]+e-1[0-9]|0) ?){8}$}}
// CHECK-NEXT: result3 2 = {{(-?([0-9.]+e-1[0-9]|0) ?){2}$}}
// CHECK-NEXT: result4 2 = {{(-?([0-9.]+e-1[0-9]|0) ?){2}$}}
func.func @norm_gradient_equals_pieces() -> (tensor<2x2x1x2xf32>, tensor<2x2x1x2xf32>, tensor<2x2x1x2xf32>, tensor<2xf32>, tensor<2xf32>) {
  %x = arith.constant dense<[[[[1., 3.]], [[1000., 1001.]]], [[[5., 7.]], [[1002., 997.]]]]> : tensor<2x2x1x2xf32>
  %d = arith.constant dense<[[[[1., 2.]]], [[[-3., 5.]]]]> : tensor<2x1x1x2xf32>
  %w = arith.constant dense<[[[[2.]], [[-1.]]]]> : tensor<1x2x1x1xf32>
  %gamma = arith.constant dense<[2., -1.5]> : tensor<2xf32>
  %beta = arith.constant dense<[0.5, -0.25]> : tensor<2xf32>
  %k = incept.channel_sample %x : (tensor<2x2x1x2xf32>) -> tensor<2xf32>
  %s:2 = incept.channel_stats %x shift %k : (tensor<2x2x1x2xf32>, tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>)
  %f:5 = incept.batch_norm_finalize %s#0, %s#1 shift %k gamma %gamma running %beta, %gamma
      {epsilon = 1.0e-3, decay = 0.9, count = 4 : i64}
      : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>)
  %dy = incept.conv2d_backward_data %d, %w : (tensor<2x1x1x2xf32>, tensor<1x2x1x1xf32>) -> tensor<2x2x1x2xf32>
  %n = incept.scale_shift %x, %f#0, %f#2, %beta : (tensor<2x2x1x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<2x2x1x2xf32>
  %r = incept.relu %n : (tensor<2x2x1x2xf32>) -> tensor<2x2x1x2xf32>
  %dz = incept.relu_backward %dy, %r : (tensor<2x2x1x2xf32>, tensor<2x2x1x2xf32>) -> tensor<2x2x1x2xf32>
  %t:2 = incept.batch_norm_backward_stats %dz, %x, %f#0 : (tensor<2x2x1x2xf32>, tensor<2x2x1x2xf32>, tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>)
  %b:5 = incept.batch_norm_backward_finalize %t#0, %t#1 inv_std %f#1 gamma %gamma {count = 4 : i64}
      : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>)
  %dx = incept.batch_norm_backward_apply %dz, %x mean %f#0, %b#2, %b#3, %b#4
      : (tensor<2x2x1x2xf32>, tensor<2x2x1x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<2x2x1x2xf32>

  %z:6 = incept.conv2d_backward_norm %d, %w of %x, %f#0, %f#1 gamma %gamma beta %beta
      : (tensor<2x1x1x2xf32>, tensor<1x2x1x1xf32>, tensor<2x2x1x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>)
      -> (tensor<2x2x1x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>)
  %zx = incept.batch_norm_backward_apply %z#0, %x, %z#3, %z#4, %z#5
      : (tensor<2x2x1x2xf32>, tensor<2x2x1x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<2x2x1x2xf32>

  %m0 = incept.scale %dz by -1.0 : (tensor<2x2x1x2xf32>) -> tensor<2x2x1x2xf32>
  %m1 = incept.scale %dx by -1.0 : (tensor<2x2x1x2xf32>) -> tensor<2x2x1x2xf32>
  %m2 = incept.scale %b#0 by -1.0 : (tensor<2xf32>) -> tensor<2xf32>
  %m3 = incept.scale %b#1 by -1.0 : (tensor<2xf32>) -> tensor<2xf32>
  %d0 = incept.add %z#0, %m0 : (tensor<2x2x1x2xf32>, tensor<2x2x1x2xf32>) -> tensor<2x2x1x2xf32>
  %d1 = incept.add %zx, %m1 : (tensor<2x2x1x2xf32>, tensor<2x2x1x2xf32>) -> tensor<2x2x1x2xf32>
  %d2 = incept.add %z#1, %m2 : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %d3 = incept.add %z#2, %m3 : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return %z#0, %d0, %d1, %d2, %d3 : tensor<2x2x1x2xf32>, tensor<2x2x1x2xf32>, tensor<2x2x1x2xf32>, tensor<2xf32>, tensor<2xf32>
}
