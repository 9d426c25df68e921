// RUN: incept-opt %s -split-input-file -verify-diagnostics
// One violation per constraint; functions are named after it.

func.func @max_pool_c1_stride(%x: tensor<2x4x9x9xf32>) {
  // expected-error @+1 {{expected a positive vertical stride below 2^31, but got 0}}
  %0 = incept.max_pool %x kernel [3, 3] stride [0, 1] : (tensor<2x4x9x9xf32>) -> tensor<2x4x4x4xf32>
  return
}

// -----

func.func @max_pool_c1_kernel(%x: tensor<2x4x9x9xf32>) {
  // expected-error @+1 {{expected a positive vertical kernel below 2^31, but got -9223372036854775807}}
  %0 = incept.max_pool %x kernel [-9223372036854775807, 3] : (tensor<2x4x9x9xf32>) -> tensor<2x4x4x4xf32>
  return
}

// -----

// A window of nothing but padding has no maximum.
func.func @max_pool_c1_padding(%x: tensor<2x4x9x9xf32>) {
  // expected-error @+1 {{expected padding smaller than the window of 3, but got 3}}
  %0 = incept.max_pool %x kernel [3, 3] pad [3, 0] : (tensor<2x4x9x9xf32>) -> tensor<2x4x10x7xf32>
  return
}

// -----

func.func @max_pool_c1_fit(%x: tensor<2x4x2x2xf32>) {
  // expected-error @+1 {{expected the vertical window of 3 to fit the image, but it has 2 with 0 of padding}}
  %0 = incept.max_pool %x kernel [3, 3] : (tensor<2x4x2x2xf32>) -> tensor<2x4x1x1xf32>
  return
}

// -----

func.func @max_pool_c2(%x: tensor<2x4x9x9xf32>) {
  // expected-error @+1 {{expected the pool's result to be 2x4x4x4, but got 2x4x5x5}}
  %0 = incept.max_pool %x kernel [3, 3] stride [2, 2] : (tensor<2x4x9x9xf32>) -> tensor<2x4x5x5xf32>
  return
}

// -----

func.func @max_pool_with_index_c1(%x: tensor<2x4x32x32xf32>) {
  // expected-error @+1 {{expected a window of at most 255 elements, but got 16x16}}
  %0, %1 = incept.max_pool_with_index %x kernel [16, 16] : (tensor<2x4x32x32xf32>) -> (tensor<2x4x17x17xf32>, tensor<2x4x17x17xui8>)
  return
}

// -----

func.func @max_pool_with_index_c2(%x: tensor<2x4x9x9xf32>) {
  // expected-error @+1 {{expected workspace to be 2x4x4x4, but got 2x4x9x9}}
  %0, %1 = incept.max_pool_with_index %x kernel [3, 3] stride [2, 2] : (tensor<2x4x9x9xf32>) -> (tensor<2x4x4x4xf32>, tensor<2x4x9x9xui8>)
  return
}

// -----

func.func @max_pool_backward_c1(%d: tensor<2x4x4x4xf32>, %ws: tensor<2x4x4x4xui8>) {
  // expected-error @+1 {{expected the pool's result to be 2x4x3x3, but got 2x4x4x4}}
  %0 = incept.max_pool_backward %d, %ws kernel [3, 3] stride [2, 2] : (tensor<2x4x4x4xf32>, tensor<2x4x4x4xui8>) -> tensor<2x4x8x8xf32>
  return
}

// -----

func.func @max_pool_backward_c1_workspace(%d: tensor<2x4x4x4xf32>, %ws: tensor<2x4x3x4xui8>) {
  // expected-error @+1 {{expected workspace to be 2x4x4x4, but got 2x4x3x4}}
  %0 = incept.max_pool_backward %d, %ws kernel [3, 3] stride [2, 2] : (tensor<2x4x4x4xf32>, tensor<2x4x3x4xui8>) -> tensor<2x4x9x9xf32>
  return
}

// -----

func.func @avg_pool_c1(%x: tensor<2x4x9x9xf32>) {
  // expected-error @+1 {{expected padding smaller than the window of 2, but got 2}}
  %0 = incept.avg_pool %x kernel [2, 2] pad [0, 2] : (tensor<2x4x9x9xf32>) -> tensor<2x4x8x10xf32>
  return
}

// -----

func.func @avg_pool_backward_c1(%d: tensor<2x4x9x9xf32>) {
  // expected-error @+1 {{expected the pool's result to be 2x4x7x7, but got 2x4x9x9}}
  %0 = incept.avg_pool_backward %d kernel [3, 3] : (tensor<2x4x9x9xf32>) -> tensor<2x4x9x9xf32>
  return
}

// -----

func.func @global_avg_pool_c1(%x: tensor<2x4x9x9xf32>) {
  // expected-error @+1 {{expected dst to be 2x4x1x1, but got 2x4x1x2}}
  %0 = incept.global_avg_pool %x : (tensor<2x4x9x9xf32>) -> tensor<2x4x1x2xf32>
  return
}

// -----

func.func @global_avg_pool_backward_c1(%d: tensor<2x4x1x1xf32>) {
  // expected-error @+1 {{expected diff_dst to be 2x5x1x1, but got 2x4x1x1}}
  %0 = incept.global_avg_pool_backward %d : (tensor<2x4x1x1xf32>) -> tensor<2x5x9x9xf32>
  return
}

// -----

func.func @avg_pool_backward_c1_element(%d: tensor<2x4x7x7xf32>) {
  // expected-error @+1 {{expected tensors of 'bf16', but got 'f32'}}
  %0 = incept.avg_pool_backward %d kernel [3, 3] : (tensor<2x4x7x7xf32>) -> tensor<2x4x9x9xbf16>
  return
}

// -----

func.func @max_pool_c2_element(%x: tensor<2x4x9x9xf32>) {
  // expected-error @+1 {{expected tensors of 'f32', but got 'bf16'}}
  %0 = incept.max_pool %x kernel [3, 3] : (tensor<2x4x9x9xf32>) -> tensor<2x4x7x7xbf16>
  return
}

// -----

func.func @global_avg_pool_c1_element(%x: tensor<2x4x9x9xf32>) {
  // expected-error @+1 {{expected tensors of 'f32', but got 'f64'}}
  %0 = incept.global_avg_pool %x : (tensor<2x4x9x9xf32>) -> tensor<2x4x1x1xf64>
  return
}

// -----

func.func @global_avg_pool_backward_c1_element(%d: tensor<2x4x1x1xf32>) {
  // expected-error @+1 {{expected tensors of 'f32', but got 'bf16'}}
  %0 = incept.global_avg_pool_backward %d : (tensor<2x4x1x1xf32>) -> tensor<2x4x9x9xbf16>
  return
}

// -----

func.func @adaptive_avg_pool_c1(%x: tensor<2x4x9x9xf32>) {
  // expected-error @+1 {{expected dst to be 2x4x3x3, but got 2x5x3x3}}
  %0 = incept.adaptive_avg_pool %x : (tensor<2x4x9x9xf32>) -> tensor<2x5x3x3xf32>
  return
}

// -----

func.func @adaptive_avg_pool_backward_c1(%d: tensor<2x4x3x3xf32>) {
  // expected-error @+1 {{expected tensors of 'bf16', but got 'f32'}}
  %0 = incept.adaptive_avg_pool_backward %d : (tensor<2x4x3x3xf32>) -> tensor<2x4x9x9xbf16>
  return
}

// -----

func.func @resize_c1(%x: tensor<2x4x9x9xf32>) {
  // expected-error @+1 {{expected dst to be 2x4x3x3, but got 2x5x3x3}}
  %0 = incept.resize nearest %x : (tensor<2x4x9x9xf32>) -> tensor<2x5x3x3xf32>
  return
}

// -----

func.func @resize_c2(%x: tensor<2x4x9x9xf32>) {
  // expected-error @+1 {{expected heights and widths below 2^15, but got 2x4x9x32768}}
  %0 = incept.resize bilinear %x : (tensor<2x4x9x9xf32>) -> tensor<2x4x9x32768xf32>
  return
}

// -----

func.func @resize_mode(%x: tensor<2x4x9x9xf32>) {
  // expected-error @+2 {{expected ::incept::ResizeMode to be one of: nearest, bilinear}}
  // expected-error @+1 {{failed to parse Incept_ResizeModeAttr parameter 'value'}}
  %0 = incept.resize cubic %x : (tensor<2x4x9x9xf32>) -> tensor<2x4x18x18xf32>
  return
}

// -----

func.func @resize_backward_c1(%d: tensor<2x4x3x3xf32>) {
  // expected-error @+1 {{expected tensors of 'bf16', but got 'f32'}}
  %0 = incept.resize_backward nearest %d : (tensor<2x4x3x3xf32>) -> tensor<2x4x9x9xbf16>
  return
}

// -----

func.func @resize_backward_c2(%d: tensor<2x4x40000x3xf32>) {
  // expected-error @+1 {{expected heights and widths below 2^15, but got 2x4x40000x3}}
  %0 = incept.resize_backward nearest %d : (tensor<2x4x40000x3xf32>) -> tensor<2x4x9x9xf32>
  return
}
