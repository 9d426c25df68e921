// RUN: incept-opt %s -split-input-file -verify-diagnostics
// One violation per constraint; functions are named after it.

func.func @relu_shape(%x: tensor<2x4x3x3xf32>) {
  // expected-error @+1 {{requires the same shape for all operands and results}}
  %0 = incept.relu %x : (tensor<2x4x3x3xf32>) -> tensor<2x4x3x4xf32>
  return
}

// -----

func.func @add_shape(%x: tensor<2x4x3x3xf32>, %y: tensor<2x5x3x3xf32>) {
  // expected-error @+1 {{requires the same shape for all operands and results}}
  %0 = incept.add %x, %y : (tensor<2x4x3x3xf32>, tensor<2x5x3x3xf32>) -> tensor<2x4x3x3xf32>
  return
}

// -----

func.func @add_n_c1(%x: tensor<2x4x3x3xf32>) {
  // expected-error @+1 {{expected at least 2 operands, but got 1}}
  %0 = incept.add_n %x : (tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  return
}

// -----

func.func @channel_sum_c1(%x: tensor<2x4x3x3xf32>) {
  // expected-error @+1 {{expected channel vectors of 4 values, but got 2}}
  %0 = incept.channel_sum %x : (tensor<2x4x3x3xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @dropout_c1(%x: tensor<2x4xf32>, %s: tensor<i64>) {
  // expected-error @+1 {{expected keep in (0, 1], but got 0}}
  %0 = incept.dropout %x, %s, %s, %s {keep = 0.0, stream = 0 : i64} : (tensor<2x4xf32>, tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<2x4xf32>
  return
}

// -----

func.func @random_drop_c1(%x: tensor<2x4xf32>) {
  // expected-error @+1 {{expected keep in (0, 1], but got 1.2}}
  %0 = incept.random_drop %x keep 1.2 : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

func.func @concat_c1(%x: tensor<2x4x3x3xf32>, %y: tensor<2x6x3x4xf32>) {
  // expected-error @+1 {{expected operands of equal batch, height and width, but got 2x4x3x3 and 2x6x3x4}}
  %0 = incept.concat %x, %y : (tensor<2x4x3x3xf32>, tensor<2x6x3x4xf32>) -> tensor<2x10x3x3xf32>
  return
}

// -----

func.func @concat_c1_empty() {
  // expected-error @+1 {{expected at least one operand}}
  %0 = "incept.concat"() : () -> tensor<2x10x3x3xf32>
  return
}

// -----

func.func @concat_c2(%x: tensor<2x4x3x3xf32>) {
  // expected-error @+1 {{expected dst to be 2x8x3x3, but got 2x9x3x3}}
  %0 = incept.concat %x, %x : (tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>) -> tensor<2x9x3x3xf32>
  return
}

// -----

func.func @concat_view_c1(%x: tensor<2x4x3x3xf32>, %y: tensor<1x6x3x3xf32>) {
  // expected-error @+1 {{expected operands of equal batch, height and width, but got 2x4x3x3 and 1x6x3x3}}
  %0 = incept.concat_view %x, %y : (tensor<2x4x3x3xf32>, tensor<1x6x3x3xf32>) -> tensor<2x10x3x3xf32>
  return
}

// -----

func.func @concat_view_c2(%x: tensor<2x4x3x3xf32>) {
  // expected-error @+1 {{expected dst to be 2x8x3x3, but got 2x4x3x3}}
  %0 = incept.concat_view %x, %x : (tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  return
}

// -----

func.func @slice_c1(%x: tensor<2x10x3x3xf32>) {
  // expected-error @+1 {{expected channels 5 to 11 to lie inside 2x10x3x3}}
  %0 = incept.slice %x at 5 : (tensor<2x10x3x3xf32>) -> tensor<2x6x3x3xf32>
  return
}

// -----

func.func @slice_view_c1(%x: tensor<2x10x3x3xf32>) {
  // expected-error @+1 {{expected channels -1 to 5 to lie inside 2x10x3x3}}
  %0 = incept.slice_view %x at -1 : (tensor<2x10x3x3xf32>) -> tensor<2x6x3x3xf32>
  return
}

// -----

func.func @flatten_c1(%x: tensor<2x4x3x3xf32>) {
  // expected-error @+1 {{expected (N,C,1,1) and (N,C), but got 2x4x3x3 and 2x36}}
  %0 = incept.flatten %x : (tensor<2x4x3x3xf32>) -> tensor<2x36xf32>
  return
}

// -----

func.func @split_c1(%x: tensor<2x10x3x3xf32>) {
  // expected-error @+1 {{expected src to be 2x9x3x3, but got 2x10x3x3}}
  %0:2 = incept.split %x : (tensor<2x10x3x3xf32>) -> (tensor<2x4x3x3xf32>, tensor<2x5x3x3xf32>)
  return
}

// -----

func.func @join_rows_c1(%a: tensor<4x3xf32>, %b: tensor<2x2xf32>) {
  // expected-error @+1 {{expected operands that differ from dst, 6x3, in the first dimension only, but got 2x2}}
  %0 = incept.join_rows %a, %b : (tensor<4x3xf32>, tensor<2x2xf32>) -> tensor<6x3xf32>
  return
}

// -----

func.func @join_rows_c1_sum(%a: tensor<4x3xf32>, %b: tensor<2x3xf32>) {
  // expected-error @+1 {{expected dst with the operands' 6 rows, but got 7}}
  %0 = incept.join_rows %a, %b : (tensor<4x3xf32>, tensor<2x3xf32>) -> tensor<7x3xf32>
  return
}

// -----

incept.variable @a kind parameter : tensor<4x3xf32>
func.func @join_rows_c2(%b: tensor<2x3xf32>) {
  %a = incept.read @a : tensor<4x3xf32>
  // expected-error @+1 {{expected reads of variables, but operand 1 is computed}}
  %0 = incept.join_rows %a, %b : (tensor<4x3xf32>, tensor<2x3xf32>) -> tensor<6x3xf32>
  return
}

// -----

func.func @slice_rows_c1(%a: tensor<4x3xf32>) {
  // expected-error @+1 {{expected a range inside the 4 rows of src, but got 2 rows at 3}}
  %0 = incept.slice_rows %a at 3 : (tensor<4x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @channel_sum_c1_type(%x: tensor<2x4x9x9xbf16>) {
  // expected-error @+1 {{expected dst of f32, but got 'bf16'}}
  %0 = incept.channel_sum %x : (tensor<2x4x9x9xbf16>) -> tensor<4xbf16>
  return
}

// -----

func.func @select_c1_shape(%c: tensor<f32>, %x: tensor<4x3xf32>, %y: tensor<3x4xf32>) {
  // expected-error @+1 {{expected on_false to be 4x3, but got 3x4}}
  %0 = incept.select %c, %x, %y : (tensor<f32>, tensor<4x3xf32>, tensor<3x4xf32>) -> tensor<4x3xf32>
  return
}

// -----

func.func @select_c1_type(%c: tensor<f32>, %x: tensor<4x3xf32>) {
  // expected-error @+1 {{expected tensors of 'f32', but got 'bf16'}}
  %0 = incept.select %c, %x, %x : (tensor<f32>, tensor<4x3xf32>, tensor<4x3xf32>) -> tensor<4x3xbf16>
  return
}

// -----

func.func @cast_shape(%x: tensor<4x3xf32>) {
  // expected-error @+1 {{requires the same shape for all operands and results}}
  %0 = incept.cast %x : (tensor<4x3xf32>) -> tensor<3x4xbf16>
  return
}

// -----

func.func @concat_view_c3_twice(%x: tensor<2x4x3x3xf32>) {
  // expected-error @+1 {{expected operand 0 to be placed once, but it is in two slices}}
  %0 = incept.concat_view %x, %x : (tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>) -> tensor<2x8x3x3xf32>
  return
}

// -----

func.func @concat_view_c3_part(%x: tensor<2x8x3x3xf32>, %y: tensor<2x4x3x3xf32>) {
  %0 = incept.slice_view %x at 4 : (tensor<2x8x3x3xf32>) -> tensor<2x4x3x3xf32>
  // expected-error @+1 {{expected operand 1 to have no place yet, but it is a part of another value or a variable's}}
  %1 = incept.concat_view %y, %0 : (tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>) -> tensor<2x8x3x3xf32>
  return
}

// -----

func.func @concat_view_c3_two_concats(%x: tensor<2x4x3x3xf32>, %y: tensor<2x4x3x3xf32>, %z: tensor<2x4x3x3xf32>) {
  // expected-error @+1 {{expected operand 1 to be placed once, but it is in two slices}}
  %0 = incept.concat_view %x, %y : (tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>) -> tensor<2x8x3x3xf32>
  %1 = incept.concat_view %y, %z : (tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>) -> tensor<2x8x3x3xf32>
  return
}

// -----

func.func @activate_shape(%x: tensor<2x4x3x3xf32>) {
  // expected-error @+1 {{requires the same shape for all operands and results}}
  %0 = incept.activate silu %x : (tensor<2x4x3x3xf32>) -> tensor<2x4x3x4xf32>
  return
}

// -----

func.func @multiply_shape(%x: tensor<2x4x3x3xf32>, %y: tensor<2x4x1x1xf32>) {
  // expected-error @+1 {{requires the same shape for all operands and results}}
  %0 = incept.multiply %x, %y : (tensor<2x4x3x3xf32>, tensor<2x4x1x1xf32>) -> tensor<2x4x3x3xf32>
  return
}

// -----

func.func @channel_affine_c1(%x: tensor<2x4x3x3xf32>, %v: tensor<3xf32>) {
  // expected-error @+1 {{expected channel vectors of 4 values, but got 3}}
  %0 = incept.channel_affine %x, %v : (tensor<2x4x3x3xf32>, tensor<3xf32>) -> tensor<2x4x3x3xf32>
  return
}

// -----

func.func @channel_affine_c1_rank(%x: tensor<4xf32>, %v: tensor<4xf32>) {
  // expected-error @+1 {{expected src with a batch and a channel dimension, but got 4}}
  %0 = incept.channel_affine %x, %v : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @add_bias_c1(%x: tensor<2x4x3x3xf32>, %v: tensor<3xf32>) {
  // expected-error @+1 {{expected channel vectors of 4 values, but got 3}}
  %0 = incept.add_bias %x, %v : (tensor<2x4x3x3xf32>, tensor<3xf32>) -> tensor<2x4x3x3xf32>
  return
}

// -----

func.func @add_bias_c1_rank(%x: tensor<4xf32>, %v: tensor<4xf32>) {
  // expected-error @+1 {{expected src with a batch and a channel dimension, but got 4}}
  %0 = incept.add_bias %x, %v : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @pixel_rows_c1(%x: tensor<2x4x3x3xf32>) {
  // expected-error @+1 {{expected (N,C,H,W) and (N*H*W,C), but got 2x4x3x3 and 2x36}}
  %0 = incept.pixel_rows %x : (tensor<2x4x3x3xf32>) -> tensor<2x36xf32>
  return
}

// -----

func.func @pixel_rows_c1_back(%x: tensor<17x4xf32>) {
  // expected-error @+1 {{expected (N,C,H,W) and (N*H*W,C), but got 17x4 and 2x4x3x3}}
  %0 = incept.pixel_rows %x : (tensor<17x4xf32>) -> tensor<2x4x3x3xf32>
  return
}

// -----

func.func @pixel_rows_c1_element(%x: tensor<2x4x3x3xf32>) {
  // expected-error @+1 {{expected tensors of 'f32', but got 'bf16'}}
  %0 = incept.pixel_rows %x : (tensor<2x4x3x3xf32>) -> tensor<18x4xbf16>
  return
}

// -----

func.func @gate_c1(%x: tensor<2x4x3x3xf32>, %f: tensor<2x3x1x1xf32>) {
  // expected-error @+1 {{expected factor to be 2x4x1x1, but got 2x3x1x1}}
  %0 = incept.gate %x by %f : (tensor<2x4x3x3xf32>, tensor<2x3x1x1xf32>) -> tensor<2x4x3x3xf32>
  return
}

// -----

func.func @gate_c1_element(%x: tensor<2x4x3x3xf32>, %f: tensor<2x4x1x1xbf16>) {
  // expected-error @+1 {{expected tensors of 'f32', but got 'bf16'}}
  %0 = incept.gate %x by %f : (tensor<2x4x3x3xf32>, tensor<2x4x1x1xbf16>) -> tensor<2x4x3x3xf32>
  return
}

// -----

func.func @gate_backward_c1(%x: tensor<2x4x3x3xf32>, %d: tensor<2x4x3x2xf32>) {
  // expected-error @+1 {{expected images of one shape, but got 2x4x3x3 and 2x4x3x2}}
  %0 = incept.gate_backward %d, %x : (tensor<2x4x3x2xf32>, tensor<2x4x3x3xf32>) -> tensor<2x4x1x1xf32>
  return
}

// -----

func.func @channel_shuffle_c1(%x: tensor<2x4x3x3xf32>) {
  // expected-error @+1 {{expected groups that divide the 4 channels, but got 3}}
  %0 = incept.channel_shuffle %x groups 3 : (tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  return
}

// -----

func.func @flatten_pixels_c1(%x: tensor<2x4x3x3xf32>) {
  // expected-error @+1 {{expected dst to be 2x36, but got 2x35}}
  %0 = incept.flatten_pixels %x : (tensor<2x4x3x3xf32>) -> tensor<2x35xf32>
  return
}

// -----

func.func @unflatten_pixels_c1(%x: tensor<3x36xf32>) {
  // expected-error @+1 {{expected src to be 2x36, but got 3x36}}
  %0 = incept.unflatten_pixels %x : (tensor<3x36xf32>) -> tensor<2x4x3x3xf32>
  return
}
