// RUN: incept-opt %s -split-input-file -verify-diagnostics
// One violation per constraint; functions are named after it.

func.func @conv2d_c1(%x: tensor<2x8x9x9xf32>, %w: tensor<6x4x3x3xf32>) {
  // expected-error @+1 {{'incept.conv2d' op expected weights with 8 / 1 input channels, but got 4}}
  %0 = incept.conv2d %x, %w : (tensor<2x8x9x9xf32>, tensor<6x4x3x3xf32>) -> tensor<2x6x7x7xf32>
  return
}

// -----

func.func @conv2d_c1_groups(%x: tensor<2x8x9x9xf32>, %w: tensor<5x4x3x3xf32>) {
  // expected-error @+1 {{expected output channels divisible by 2 groups, but got 5}}
  %0 = incept.conv2d %x, %w groups 2 : (tensor<2x8x9x9xf32>, tensor<5x4x3x3xf32>) -> tensor<2x5x7x7xf32>
  return
}

// -----

func.func @conv2d_c1_no_groups(%x: tensor<2x8x9x9xf32>, %w: tensor<5x4x3x3xf32>) {
  // expected-error @+1 {{expected a positive number of groups, but got 0}}
  %0 = incept.conv2d %x, %w groups 0 : (tensor<2x8x9x9xf32>, tensor<5x4x3x3xf32>) -> tensor<2x5x7x7xf32>
  return
}

// -----

func.func @conv2d_c2_stride(%x: tensor<2x8x9x9xf32>, %w: tensor<6x8x3x3xf32>) {
  // expected-error @+1 {{expected a positive horizontal stride below 2^31, but got 0}}
  %0 = incept.conv2d %x, %w stride [1, 0] : (tensor<2x8x9x9xf32>, tensor<6x8x3x3xf32>) -> tensor<2x6x7x7xf32>
  return
}

// -----

func.func @conv2d_c2_dilation(%x: tensor<2x8x9x9xf32>, %w: tensor<6x8x3x3xf32>) {
  // expected-error @+1 {{expected a positive vertical dilation below 2^31, but got -1}}
  %0 = incept.conv2d %x, %w dilation [-1, 1] : (tensor<2x8x9x9xf32>, tensor<6x8x3x3xf32>) -> tensor<2x6x7x7xf32>
  return
}

// -----

func.func @conv2d_c2_padding(%x: tensor<2x8x9x9xf32>, %w: tensor<6x8x3x3xf32>) {
  // expected-error @+1 {{expected vertical padding of at least 0 and below 2^31, but got -1}}
  %0 = incept.conv2d %x, %w pad [-1, 0] : (tensor<2x8x9x9xf32>, tensor<6x8x3x3xf32>) -> tensor<2x6x6x7xf32>
  return
}

// -----

// Two dilated windows that cannot be computed in 32 bits.
func.func @conv2d_c2_overflow(%x: tensor<2x8x9x9xf32>, %w: tensor<6x8x3x3xf32>) {
  // expected-error @+1 {{expected the vertical window of 4294967295 to fit the image, but it has 9 with 0 of padding}}
  %0 = incept.conv2d %x, %w dilation [2147483647, 1] : (tensor<2x8x9x9xf32>, tensor<6x8x3x3xf32>) -> tensor<2x6x7x7xf32>
  return
}

// -----

func.func @conv2d_c2_fit(%x: tensor<2x8x2x9xf32>, %w: tensor<6x8x3x3xf32>) {
  // expected-error @+1 {{expected the vertical window of 3 to fit the image, but it has 2 with 0 of padding}}
  %0 = incept.conv2d %x, %w : (tensor<2x8x2x9xf32>, tensor<6x8x3x3xf32>) -> tensor<2x6x1x7xf32>
  return
}

// -----

func.func @conv2d_c2_values(%x: tensor<2x8x9x9xf32>, %w: tensor<6x8x3x3xf32>) {
  // expected-error @+1 {{expected window attributes of 2 values (vertical, horizontal), but got 3}}
  %0 = incept.conv2d %x, %w stride [1, 1, 1] : (tensor<2x8x9x9xf32>, tensor<6x8x3x3xf32>) -> tensor<2x6x7x7xf32>
  return
}

// -----

func.func @conv2d_c3(%x: tensor<2x8x9x9xf32>, %w: tensor<6x8x3x3xf32>, %b: tensor<8xf32>) {
  // expected-error @+1 {{expected channel vectors of 6 values, but got 8}}
  %0 = incept.conv2d %x, %w bias %b : (tensor<2x8x9x9xf32>, tensor<6x8x3x3xf32>, tensor<8xf32>) -> tensor<2x6x7x7xf32>
  return
}

// -----

func.func @conv2d_c4(%x: tensor<2x8x9x9xf32>, %w: tensor<6x8x3x3xf32>) {
  // expected-error @+1 {{expected a convolution of 2x8x9x9 to give 2x6x4x4, but got 2x6x5x5}}
  %0 = incept.conv2d %x, %w stride [2, 2] : (tensor<2x8x9x9xf32>, tensor<6x8x3x3xf32>) -> tensor<2x6x5x5xf32>
  return
}

// -----

func.func @conv2d_backward_data_c1(%d: tensor<2x6x4x4xf32>, %w: tensor<6x8x3x3xf32>) {
  // expected-error @+1 {{expected a convolution of 2x8x8x9 to give 2x6x3x4, but got 2x6x4x4}}
  %0 = incept.conv2d_backward_data %d, %w stride [2, 2] : (tensor<2x6x4x4xf32>, tensor<6x8x3x3xf32>) -> tensor<2x8x8x9xf32>
  return
}

// -----

func.func @conv2d_backward_weights_c1(%x: tensor<2x8x9x9xf32>, %d: tensor<2x6x4x4xf32>) {
  // expected-error @+1 {{expected a convolution of 2x8x9x9 to give 2x6x7x7, but got 2x6x4x4}}
  %0 = incept.conv2d_backward_weights %x, %d : (tensor<2x8x9x9xf32>, tensor<2x6x4x4xf32>) -> tensor<6x8x3x3xf32>
  return
}

// -----

func.func @linear_c1(%x: tensor<2x8xf32>, %w: tensor<3x9xf32>) {
  // expected-error @+1 {{expected weights with a column per column of src, but got src 2x8 and weights 3x9}}
  %0 = incept.linear %x, %w : (tensor<2x8xf32>, tensor<3x9xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @linear_c1_bias(%x: tensor<2x8xf32>, %w: tensor<3x8xf32>, %b: tensor<8xf32>) {
  // expected-error @+1 {{expected channel vectors of 3 values, but got 8}}
  %0 = incept.linear %x, %w bias %b : (tensor<2x8xf32>, tensor<3x8xf32>, tensor<8xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @linear_c2(%x: tensor<2x8xf32>, %w: tensor<3x8xf32>) {
  // expected-error @+1 {{expected dst to be 2x3, but got 2x4}}
  %0 = incept.linear %x, %w : (tensor<2x8xf32>, tensor<3x8xf32>) -> tensor<2x4xf32>
  return
}

// -----

func.func @linear_backward_data_c1(%d: tensor<2x3xf32>, %w: tensor<4x8xf32>) {
  // expected-error @+1 {{expected dst to be 2x4, but got 2x3}}
  %0 = incept.linear_backward_data %d, %w : (tensor<2x3xf32>, tensor<4x8xf32>) -> tensor<2x8xf32>
  return
}

// -----

func.func @linear_backward_weights_c1(%x: tensor<2x8xf32>, %d: tensor<2x3xf32>) {
  // expected-error @+1 {{expected weights with a column per column of src, but got src 2x8 and weights 3x7}}
  %0 = incept.linear_backward_weights %x, %d : (tensor<2x8xf32>, tensor<2x3xf32>) -> tensor<3x7xf32>
  return
}

// -----

func.func @reorder_c1(%w: tensor<3x8x1x1xf32>) {
  // expected-error @+1 {{expected dst to be 3x8x1x1, but got 8x3x1x1}}
  %0 = incept.reorder %w : (tensor<3x8x1x1xf32>) -> tensor<8x3x1x1xf32>
  return
}

// -----

func.func @reorder_c1_scales(%w: tensor<3x8x1x1xf32>, %s: tensor<8xf32>) {
  // expected-error @+1 {{expected channel vectors of 3 values, but got 8}}
  %0 = incept.reorder %w scales %s : (tensor<3x8x1x1xf32>, tensor<8xf32>) -> tensor<3x8x1x1xf32>
  return
}

// -----

func.func @conv2d_c5(%x: tensor<2x8x9x9xbf16>, %w: tensor<6x8x3x3xf32>) {
  // expected-error @+1 {{expected tensors of 'bf16', but got 'f32'}}
  %0 = incept.conv2d %x, %w : (tensor<2x8x9x9xbf16>, tensor<6x8x3x3xf32>) -> tensor<2x6x7x7xbf16>
  return
}

// -----

func.func @conv2d_c5_bias(%x: tensor<2x8x9x9xbf16>, %w: tensor<6x8x3x3xbf16>, %b: tensor<6xf16>) {
  // expected-error @+1 {{expected bias of 'bf16' or f32, but got 'f16'}}
  %0 = incept.conv2d %x, %w bias %b : (tensor<2x8x9x9xbf16>, tensor<6x8x3x3xbf16>, tensor<6xf16>) -> tensor<2x6x7x7xbf16>
  return
}

// -----

func.func @conv2d_backward_data_c2(%d: tensor<2x6x7x7xbf16>, %w: tensor<6x8x3x3xbf16>) {
  // expected-error @+1 {{expected tensors of 'bf16', but got 'f32'}}
  %0 = incept.conv2d_backward_data %d, %w : (tensor<2x6x7x7xbf16>, tensor<6x8x3x3xbf16>) -> tensor<2x8x9x9xf32>
  return
}

// -----

func.func @conv2d_backward_weights_c2(%x: tensor<2x8x9x9xbf16>, %d: tensor<2x6x7x7xbf16>) {
  // expected-error @+1 {{expected diff_weights of 'bf16' or f32, but got 'f16'}}
  %0 = incept.conv2d_backward_weights %x, %d : (tensor<2x8x9x9xbf16>, tensor<2x6x7x7xbf16>) -> tensor<6x8x3x3xf16>
  return
}

// -----

func.func @linear_c3_operands(%x: tensor<4x3xbf16>, %w: tensor<2x3xf16>) {
  // expected-error @+1 {{expected tensors of 'bf16', but got 'f16'}}
  %0 = incept.linear %x, %w : (tensor<4x3xbf16>, tensor<2x3xf16>) -> tensor<4x2xf32>
  return
}

// -----

func.func @linear_c3_dst(%x: tensor<4x3xbf16>, %w: tensor<2x3xbf16>) {
  // expected-error @+1 {{expected dst of 'bf16' or f32, but got 'f16'}}
  %0 = incept.linear %x, %w : (tensor<4x3xbf16>, tensor<2x3xbf16>) -> tensor<4x2xf16>
  return
}

// -----

func.func @linear_backward_data_c2(%d: tensor<4x2xf32>, %w: tensor<2x3xbf16>) {
  // expected-error @+1 {{expected tensors of 'f32', but got 'bf16'}}
  %0 = incept.linear_backward_data %d, %w : (tensor<4x2xf32>, tensor<2x3xbf16>) -> tensor<4x3xf32>
  return
}

// -----

func.func @linear_backward_weights_c2(%x: tensor<4x3xbf16>, %d: tensor<4x2xf32>) {
  // expected-error @+1 {{expected tensors of 'bf16', but got 'f32'}}
  %0 = incept.linear_backward_weights %x, %d : (tensor<4x3xbf16>, tensor<4x2xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @conv2d_c6_shape(%x: tensor<2x8x9x9xf32>, %w: tensor<6x8x1x1xf32>, %r: tensor<2x6x9x8xf32>) {
  // expected-error @+1 {{expected a residual like dst, 'tensor<2x6x9x9xf32>', and a scale only with one}}
  %0 = incept.conv2d %x, %w residual %r : (tensor<2x8x9x9xf32>, tensor<6x8x1x1xf32>, tensor<2x6x9x8xf32>) -> tensor<2x6x9x9xf32>
  return
}

// -----

func.func @conv2d_c6_scale(%x: tensor<2x8x9x9xf32>, %w: tensor<6x8x1x1xf32>) {
  // expected-error @+1 {{expected a residual like dst, 'tensor<2x6x9x9xf32>', and a scale only with one}}
  %0 = incept.conv2d %x, %w scale 0.5 : (tensor<2x8x9x9xf32>, tensor<6x8x1x1xf32>) -> tensor<2x6x9x9xf32>
  return
}

// -----

func.func @conv2d_stats_c1(%x: tensor<2x8x9x9xf16>, %w: tensor<6x8x3x3xf16>) {
  // expected-error @+1 {{expected a convolution of 2x8x9x9 to give 2x6x7x7, but got 2x6x9x9}}
  %0:3 = incept.conv2d_stats %x, %w : (tensor<2x8x9x9xf16>, tensor<6x8x3x3xf16>) -> (tensor<2x6x9x9xf16>, tensor<6xf32>, tensor<6xf32>)
  return
}

// -----

func.func @conv2d_stats_c2(%x: tensor<2x8x9x9xf16>, %w: tensor<6x8x3x3xf16>) {
  // expected-error @+1 {{op expected}}
  %0:3 = incept.conv2d_stats %x, %w : (tensor<2x8x9x9xf16>, tensor<6x8x3x3xf16>) -> (tensor<2x6x7x7xf32>, tensor<6xf32>, tensor<6xf32>)
  return
}

// -----

func.func @conv2d_stats_c3(%x: tensor<2x8x9x9xf16>, %w: tensor<6x8x3x3xf16>) {
  // expected-error @+1 {{expected channel vectors of 6 values, but got 8}}
  %0:3 = incept.conv2d_stats %x, %w : (tensor<2x8x9x9xf16>, tensor<6x8x3x3xf16>) -> (tensor<2x6x7x7xf16>, tensor<8xf32>, tensor<8xf32>)
  return
}

// -----

func.func @conv2d_stats_c3_type(%x: tensor<2x8x9x9xf16>, %w: tensor<6x8x3x3xf16>) {
  // expected-error @+1 {{sums}}
  %0:3 = incept.conv2d_stats %x, %w : (tensor<2x8x9x9xf16>, tensor<6x8x3x3xf16>) -> (tensor<2x6x7x7xf16>, tensor<6xf16>, tensor<6xf16>)
  return
}

// -----

func.func @conv2d_stats_c4(%x: tensor<2x8x9x9xf16>, %w: tensor<6x8x3x3xf16>, %f: tensor<6xf16>) {
  // expected-error @+1 {{expected channel vectors of 8 values, but got 6}}
  %0:3 = incept.conv2d_stats %x, %w normalized %f, %f : (tensor<2x8x9x9xf16>, tensor<6x8x3x3xf16>, tensor<6xf16>, tensor<6xf16>) -> (tensor<2x6x7x7xf16>, tensor<6xf32>, tensor<6xf32>)
  return
}

// -----

func.func @conv2d_stats_c4_type(%x: tensor<2x8x9x9xf16>, %w: tensor<6x8x3x3xf16>, %f: tensor<8xf32>) {
  // expected-error @+1 {{op expected}}
  %0:3 = incept.conv2d_stats %x, %w normalized %f, %f : (tensor<2x8x9x9xf16>, tensor<6x8x3x3xf16>, tensor<8xf32>, tensor<8xf32>) -> (tensor<2x6x7x7xf16>, tensor<6xf32>, tensor<6xf32>)
  return
}

// -----

func.func @conv2d_stats_c4_alone(%x: tensor<2x8x9x9xf16>, %w: tensor<6x8x3x3xf16>, %f: tensor<8xf16>) {
  // expected-error @+1 {{expected factor and offset together}}
  %0:3 = "incept.conv2d_stats"(%x, %w, %f) {operandSegmentSizes = array<i32: 1, 1, 1, 0>} : (tensor<2x8x9x9xf16>, tensor<6x8x3x3xf16>, tensor<8xf16>) -> (tensor<2x6x7x7xf16>, tensor<6xf32>, tensor<6xf32>)
  return
}

// -----

func.func @conv2d_backward_weights_c3(%x: tensor<2x8x9x9xf16>, %d: tensor<2x6x7x7xf16>, %f: tensor<6xf16>) {
  // expected-error @+1 {{expected channel vectors of 8 values, but got 6}}
  %0 = incept.conv2d_backward_weights %x, %d normalized %f, %f : (tensor<2x8x9x9xf16>, tensor<2x6x7x7xf16>, tensor<6xf16>, tensor<6xf16>) -> tensor<6x8x3x3xf16>
  return
}

// -----

func.func @conv2d_backward_norm_c1(%d: tensor<2x6x9x9xf16>, %w: tensor<6x8x3x3xf16>, %x: tensor<2x8x9x9xf16>, %v: tensor<8xf32>) {
  // expected-error @+1 {{expected a convolution of 2x8x9x9 to give 2x6x7x7, but got 2x6x9x9}}
  %0:6 = incept.conv2d_backward_norm %d, %w of %x, %v, %v gamma %v beta %v
      : (tensor<2x6x9x9xf16>, tensor<6x8x3x3xf16>, tensor<2x8x9x9xf16>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<2x8x9x9xf16>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>)
  return
}

// -----

func.func @conv2d_backward_norm_c2(%d: tensor<2x6x7x7xf16>, %w: tensor<6x8x3x3xf16>, %x: tensor<2x8x9x8xf16>, %v: tensor<8xf32>) {
  // expected-error @+1 {{expected src to be 2x8x9x9, but got 2x8x9x8}}
  %0:6 = incept.conv2d_backward_norm %d, %w of %x, %v, %v gamma %v beta %v
      : (tensor<2x6x7x7xf16>, tensor<6x8x3x3xf16>, tensor<2x8x9x8xf16>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<2x8x9x9xf16>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>)
  return
}

// -----

func.func @conv2d_backward_norm_c2_type(%d: tensor<2x6x7x7xf16>, %w: tensor<6x8x3x3xf16>, %x: tensor<2x8x9x9xf32>, %v: tensor<8xf32>) {
  // expected-error @+1 {{expected tensors of 'f16', but got 'f32'}}
  %0:6 = incept.conv2d_backward_norm %d, %w of %x, %v, %v gamma %v beta %v
      : (tensor<2x6x7x7xf16>, tensor<6x8x3x3xf16>, tensor<2x8x9x9xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<2x8x9x9xf16>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>)
  return
}

// -----

func.func @conv2d_backward_norm_c3(%d: tensor<2x6x7x7xf16>, %w: tensor<6x8x3x3xf16>, %x: tensor<2x8x9x9xf16>, %v: tensor<6xf32>) {
  // expected-error @+1 {{expected channel vectors of 8 values, but got 6}}
  %0:6 = incept.conv2d_backward_norm %d, %w of %x, %v, %v gamma %v beta %v
      : (tensor<2x6x7x7xf16>, tensor<6x8x3x3xf16>, tensor<2x8x9x9xf16>, tensor<6xf32>, tensor<6xf32>, tensor<6xf32>, tensor<6xf32>) -> (tensor<2x8x9x9xf16>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>)
  return
}

// -----

func.func @conv2d_backward_norm_c3_type(%d: tensor<2x6x7x7xf16>, %w: tensor<6x8x3x3xf16>, %x: tensor<2x8x9x9xf16>, %v: tensor<8xf32>) {
  // expected-error @+1 {{expected vectors of f32, but got 'f16'}}
  %0:6 = incept.conv2d_backward_norm %d, %w of %x, %v, %v gamma %v beta %v
      : (tensor<2x6x7x7xf16>, tensor<6x8x3x3xf16>, tensor<2x8x9x9xf16>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<2x8x9x9xf16>, tensor<8xf16>, tensor<8xf16>, tensor<8xf16>, tensor<8xf16>, tensor<8xf16>)
  return
}

// -----

func.func @conv2d_backward_norm_c3_operand(%d: tensor<2x6x7x7xf16>, %w: tensor<6x8x3x3xf16>, %x: tensor<2x8x9x9xf16>, %v: tensor<8xf32>, %g: tensor<8xf16>) {
  // expected-error @+1 {{expected vectors of f32, but got 'f16'}}
  %0:6 = incept.conv2d_backward_norm %d, %w of %x, %v, %v gamma %g beta %v
      : (tensor<2x6x7x7xf16>, tensor<6x8x3x3xf16>, tensor<2x8x9x9xf16>, tensor<8xf32>, tensor<8xf32>, tensor<8xf16>, tensor<8xf32>) -> (tensor<2x8x9x9xf16>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>)
  return
}
