// RUN: incept-opt %s -split-input-file -verify-diagnostics
// One violation per constraint; functions are named after it.

func.func @transform_weights_c1_window(%w: tensor<16x8x1x5xf32>) {
  // expected-error @+1 {{expected a window of 3 or 7 in one direction, 3x3 or 5x5, and tiles of 2, 4 or 6 outputs, but got 1x5 and 1x2}}
  %u = incept.transform_weights %w kernel [1, 5] tile [1, 2] lanes 8 : (tensor<16x8x1x5xf32>) -> tensor<1024xf32>
  return
}

// -----

func.func @transform_weights_c1_tile(%w: tensor<16x8x3x3xf32>) {
  // expected-error @+1 {{tiles of 2, 4 or 6 outputs, but got 3x3 and 2x4}}
  %u = incept.transform_weights %w kernel [3, 3] tile [2, 4] lanes 8 : (tensor<16x8x3x3xf32>) -> tensor<1024xf32>
  return
}

// -----

func.func @transform_weights_c1_five(%w: tensor<16x8x5x5xf32>) {
  // expected-error @+1 {{tiles of 2, 4 or 6 outputs, but got 5x5 and 6x6}}
  %u = incept.transform_weights %w kernel [5, 5] tile [6, 6] lanes 8 : (tensor<16x8x5x5xf32>) -> tensor<1024xf32>
  return
}

// -----

func.func @transform_weights_c1_stride(%w: tensor<16x8x3x3xf32>) {
  // expected-error @+1 {{expected stride 1, or 2 with a window of 3x3 and tiles of 2x2, but got stride 3 with 3x3 and 2x2}}
  %u = incept.transform_weights %w kernel [3, 3] tile [2, 2] lanes 8 stride 3 : (tensor<16x8x3x3xf32>) -> tensor<1024xf32>
  return
}

// -----

func.func @transform_weights_c1_strided(%w: tensor<16x8x1x7xf32>) {
  // expected-error @+1 {{expected stride 1, or 2 with a window of 3x3 and tiles of 2x2, but got stride 2 with 1x7 and 1x2}}
  %u = incept.transform_weights %w kernel [1, 7] tile [1, 2] lanes 8 stride 2 : (tensor<16x8x1x7xf32>) -> tensor<1024xf32>
  return
}

// -----

func.func @transform_weights_c1_weights(%w: tensor<16x8x7x1xf32>) {
  // expected-error @+1 {{expected weights of 1x7 taps, but got 16x8x7x1}}
  %u = incept.transform_weights %w kernel [1, 7] tile [1, 2] lanes 8 : (tensor<16x8x7x1xf32>) -> tensor<1024xf32>
  return
}

// -----

func.func @transform_weights_c2(%w: tensor<16x8x1x7xf32>) {
  // expected-error @+1 {{expected 8 or 16 lanes, but got 4}}
  %u = incept.transform_weights %w kernel [1, 7] tile [1, 2] lanes 4 : (tensor<16x8x1x7xf32>) -> tensor<1024xf32>
  return
}

// -----

func.func @transform_weights_c3_size(%w: tensor<16x8x1x7xf32>) {
  // expected-error @+1 {{expected dst to be 1024, but got 896}}
  %u = incept.transform_weights %w kernel [1, 7] tile [1, 2] lanes 8 : (tensor<16x8x1x7xf32>) -> tensor<896xf32>
  return
}

// -----

func.func @transform_weights_c3_type(%w: tensor<16x8x1x7xbf16>) {
  // expected-error @+1 {{expected tensors of f32, but got 'tensor<16x8x1x7xbf16>'}}
  %u = incept.transform_weights %w kernel [1, 7] tile [1, 2] lanes 8 : (tensor<16x8x1x7xbf16>) -> tensor<1024xf32>
  return
}

// -----

func.func @convolve_tiles_c1(%x: tensor<2x8x5x9xf32>, %u: tensor<1000xf32>) {
  // expected-error @+1 {{expected weights to be 1024, but got 1000}}
  %0:2 = incept.convolve_tiles %x, %u kernel [1, 7] pad [0, 3] tile [1, 2] lanes 8 units 2 block 6 : (tensor<2x8x5x9xf32>, tensor<1000xf32>) -> (tensor<2x16x5x9xf32>, tensor<2928xf32>)
  return
}

// -----

func.func @convolve_tiles_c1_transposed(%x: tensor<2x8x5x9xf32>, %u: tensor<1024xf32>) {
  // expected-error @+1 {{expected a stride of 2 where it is transposed: with 1 it is a convolution with the window turned}}
  %0:2 = incept.convolve_tiles %x, %u kernel [1, 7] pad [0, 3] tile [1, 2] lanes 8 transposed units 2 block 6 : (tensor<2x8x5x9xf32>, tensor<1024xf32>) -> (tensor<2x16x5x9xf32>, tensor<2928xf32>)
  return
}

// -----

// A tile of 2x2 places writes 4x4 pixels: 3x3 tiles for 9x9, of two images.
func.func @convolve_tiles_c3_transposed(%d: tensor<2x16x4x4xf32>, %t: tensor<6400xf32>) {
  // expected-error @+1 {{expected at most 18 units in each part and blocks of a multiple of 6 tiles, but got 19 and 6}}
  %1:2 = incept.convolve_tiles %d, %t kernel [3, 3] pad [0, 0] tile [2, 2] lanes 8 stride 2 transposed units 19 block 6 : (tensor<2x16x4x4xf32>, tensor<6400xf32>) -> (tensor<2x8x9x9xf32>, tensor<5824xf32>)
  return
}

// -----

func.func @convolve_tiles_c2_pad(%x: tensor<2x8x5x9xf32>, %u: tensor<1024xf32>) {
  // expected-error @+1 {{expected paddings of 0 up to the window's size less 1}}
  %0:2 = incept.convolve_tiles %x, %u kernel [1, 7] pad [1, 3] tile [1, 2] lanes 8 units 2 block 6 : (tensor<2x8x5x9xf32>, tensor<1024xf32>) -> (tensor<2x16x5x9xf32>, tensor<2928xf32>)
  return
}

// -----

func.func @convolve_tiles_c2_images(%x: tensor<3x8x5x9xf32>, %u: tensor<1024xf32>) {
  // expected-error @+1 {{expected as many images in 3x8x5x9 as in 2x16x5x9}}
  %0:2 = incept.convolve_tiles %x, %u kernel [1, 7] pad [0, 3] tile [1, 2] lanes 8 units 2 block 6 : (tensor<3x8x5x9xf32>, tensor<1024xf32>) -> (tensor<2x16x5x9xf32>, tensor<2928xf32>)
  return
}

// -----

func.func @convolve_tiles_c3_units(%x: tensor<2x8x5x9xf32>, %u: tensor<1024xf32>) {
  // expected-error @+1 {{expected at most 50 units in each part and blocks of a multiple of 6 tiles, but got 51 and 6}}
  %0:2 = incept.convolve_tiles %x, %u kernel [1, 7] pad [0, 3] tile [1, 2] lanes 8 units 51 block 6 : (tensor<2x8x5x9xf32>, tensor<1024xf32>) -> (tensor<2x16x5x9xf32>, tensor<2928xf32>)
  return
}

// -----

func.func @convolve_tiles_c3_block(%x: tensor<2x8x5x9xf32>, %u: tensor<1024xf32>) {
  // expected-error @+1 {{expected at most 50 units in each part and blocks of a multiple of 6 tiles, but got 2 and 8}}
  %0:2 = incept.convolve_tiles %x, %u kernel [1, 7] pad [0, 3] tile [1, 2] lanes 8 units 2 block 8 : (tensor<2x8x5x9xf32>, tensor<1024xf32>) -> (tensor<2x16x5x9xf32>, tensor<2928xf32>)
  return
}

// -----

func.func @convolve_tiles_c3_parts(%x: tensor<2x8x5x9xf32>, %u: tensor<1024xf32>) {
  // expected-error @+1 {{expected at most 1 parts and a multiple of units, but got 2 and 2}}
  %0:2 = incept.convolve_tiles %x, %u kernel [1, 7] pad [0, 3] tile [1, 2] lanes 8 units 2 parts 2 block 6 : (tensor<2x8x5x9xf32>, tensor<1024xf32>) -> (tensor<2x16x5x9xf32>, tensor<2928xf32>)
  return
}

// -----

func.func @convolve_tiles_c3_none(%x: tensor<2x8x5x9xf32>, %u: tensor<1024xf32>) {
  // expected-error @+1 {{expected a positive number of units, of parts and of tiles in a block}}
  %0:2 = incept.convolve_tiles %x, %u kernel [1, 7] pad [0, 3] tile [1, 2] lanes 8 units 0 block 6 : (tensor<2x8x5x9xf32>, tensor<1024xf32>) -> (tensor<2x16x5x9xf32>, tensor<2928xf32>)
  return
}

// -----

func.func @convolve_tiles_c4(%x: tensor<2x8x5x9xf32>, %u: tensor<1024xf32>) {
  // expected-error @+1 {{expected scratchpad to be 2928, but got 1464}}
  %0:2 = incept.convolve_tiles %x, %u kernel [1, 7] pad [0, 3] tile [1, 2] lanes 8 units 2 block 6 : (tensor<2x8x5x9xf32>, tensor<1024xf32>) -> (tensor<2x16x5x9xf32>, tensor<1464xf32>)
  return
}

// -----

func.func @convolve_tiles_c5_channels(%x: tensor<2x8x5x9xf32>, %u: tensor<1024xf32>, %v: tensor<16xf32>) {
  // expected-error @+1 {{expected channel vectors of 8 values, but got 16}}
  %0:2 = incept.convolve_tiles %x, %u normalized %v, %v, %v kernel [1, 7] pad [0, 3] tile [1, 2] lanes 8 units 2 block 6 : (tensor<2x8x5x9xf32>, tensor<1024xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>) -> (tensor<2x16x5x9xf32>, tensor<2928xf32>)
  return
}

// -----

func.func @convolve_tiles_c5_together(%x: tensor<2x8x5x9xf32>, %u: tensor<1024xf32>, %v: tensor<8xf32>) {
  // expected-error @+1 {{expected center, scale and shift together}}
  %0:2 = "incept.convolve_tiles"(%x, %u, %v) <{operandSegmentSizes = array<i32: 1, 1, 0, 1, 0, 0>, kernel = array<i64: 1, 7>, pad_begin = array<i64: 0, 3>, tile = array<i64: 1, 2>, lanes = 8 : i64, units = 2 : i64, block = 6 : i64}> : (tensor<2x8x5x9xf32>, tensor<1024xf32>, tensor<8xf32>) -> (tensor<2x16x5x9xf32>, tensor<2928xf32>)
  return
}

// -----

func.func @correlate_tiles_c1(%x: tensor<2x8x5x9xf32>, %d: tensor<2x16x5x9xf32>) {
  // expected-error @+1 {{expected two numbers each as kernel and tile}}
  %0:2 = incept.correlate_tiles %x, %d kernel [7] pad [0, 3] tile [1, 2] lanes 8 grid [1, 1] block 5 : (tensor<2x8x5x9xf32>, tensor<2x16x5x9xf32>) -> (tensor<16x8x1x7xf32>, tensor<2256xf32>)
  return
}

// -----

func.func @correlate_tiles_c2(%x: tensor<2x8x5x9xf32>, %d: tensor<2x16x5x9xf32>) {
  // expected-error @+1 {{expected diff_weights to be 16x8x1x7, but got 8x16x1x7}}
  %0:2 = incept.correlate_tiles %x, %d kernel [1, 7] pad [0, 3] tile [1, 2] lanes 8 grid [1, 1] block 5 : (tensor<2x8x5x9xf32>, tensor<2x16x5x9xf32>) -> (tensor<8x16x1x7xf32>, tensor<2256xf32>)
  return
}

// -----

func.func @correlate_tiles_c3(%x: tensor<2x8x5x9xf32>, %d: tensor<2x16x5x9xf32>) {
  // expected-error @+1 {{expected a grid of at most 1x1, but got 2x1}}
  %0:2 = incept.correlate_tiles %x, %d kernel [1, 7] pad [0, 3] tile [1, 2] lanes 8 grid [2, 1] block 5 : (tensor<2x8x5x9xf32>, tensor<2x16x5x9xf32>) -> (tensor<16x8x1x7xf32>, tensor<2256xf32>)
  return
}

// -----

func.func @correlate_tiles_c3_none(%x: tensor<2x8x5x9xf32>, %d: tensor<2x16x5x9xf32>) {
  // expected-error @+1 {{expected a grid of two positive numbers and a positive number of tiles in a block}}
  %0:2 = incept.correlate_tiles %x, %d kernel [1, 7] pad [0, 3] tile [1, 2] lanes 8 grid [0, 1] block 5 : (tensor<2x8x5x9xf32>, tensor<2x16x5x9xf32>) -> (tensor<16x8x1x7xf32>, tensor<2256xf32>)
  return
}

// -----

func.func @correlate_tiles_c4(%x: tensor<2x8x5x9xf32>, %d: tensor<2x16x5x9xf32>) {
  // expected-error @+1 {{expected scratchpad to be 2256, but got 1}}
  %0:2 = incept.correlate_tiles %x, %d kernel [1, 7] pad [0, 3] tile [1, 2] lanes 8 grid [1, 1] block 5 : (tensor<2x8x5x9xf32>, tensor<2x16x5x9xf32>) -> (tensor<16x8x1x7xf32>, tensor<1xf32>)
  return
}

// -----

func.func @correlate_tiles_c5(%x: tensor<2x8x5x9xf32>, %d: tensor<2x16x5x9xf32>, %v: tensor<16xf32>) {
  // expected-error @+1 {{expected channel vectors of 8 values, but got 16}}
  %0:2 = incept.correlate_tiles %x, %d normalized %v, %v, %v kernel [1, 7] pad [0, 3] tile [1, 2] lanes 8 grid [1, 1] block 5 : (tensor<2x8x5x9xf32>, tensor<2x16x5x9xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>) -> (tensor<16x8x1x7xf32>, tensor<2256xf32>)
  return
}
