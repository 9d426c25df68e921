// RUN: incept-opt %s -split-input-file -verify-diagnostics --incept-form-groups --incept-assign-layouts

module attributes {incept.target = #incept.target<fake>} {
// The fake target's convolutions of 3x3 work on whole tensors; place-concats puts a copy there.
incept.variable @w kind parameter : tensor<4x4x3x3xf32>
incept.variable @"io/f32_input" kind io role "f32_input" : tensor<2x8x5x5xf32>
func.func @reads_a_slice() {
  %x = incept.read @"io/f32_input" : tensor<2x8x5x5xf32>
  %w = incept.read @w : tensor<4x4x3x3xf32>
  %r = incept.relu %x : (tensor<2x8x5x5xf32>) -> tensor<2x8x5x5xf32>
  %s = incept.slice_view %r at 4 : (tensor<2x8x5x5xf32>) -> tensor<2x4x5x5xf32>
  // expected-error @+1 {{reads a channel slice, which its library cannot: expected a copy before it}}
  %y = incept.conv2d %s, %w pad [1, 1] pad_end [1, 1] : (tensor<2x4x5x5xf32>, tensor<4x4x3x3xf32>) -> tensor<2x4x5x5xf32>
  return
}
}

// -----

module attributes {incept.target = #incept.target<fake>} {
incept.variable @w kind parameter : tensor<4x4x3x3xf32>
incept.variable @"io/f32_input" kind io role "f32_input" : tensor<2x4x5x5xf32>
func.func @writes_a_slice() {
  %x = incept.read @"io/f32_input" : tensor<2x4x5x5xf32>
  %w = incept.read @w : tensor<4x4x3x3xf32>
  %r = incept.relu %x : (tensor<2x4x5x5xf32>) -> tensor<2x4x5x5xf32>
  // expected-error @+1 {{writes a channel slice, which its library cannot: expected a copy after it}}
  %y = incept.conv2d %x, %w pad [1, 1] pad_end [1, 1] : (tensor<2x4x5x5xf32>, tensor<4x4x3x3xf32>) -> tensor<2x4x5x5xf32>
  %c = incept.concat_view %r, %y : (tensor<2x4x5x5xf32>, tensor<2x4x5x5xf32>) -> tensor<2x8x5x5xf32>
  return
}
}

// -----

module attributes {incept.target = #incept.target<fake>} {
// The sums of a convolution are taken where its window is 3 wide. The path is what the user wrote.
incept.variable @w kind parameter : tensor<4x4x1x1xf32>
incept.variable @"io/f32_input" kind io role "f32_input" : tensor<2x4x5x5xf32>
func.func @no_plan() {
  %x = incept.read @"io/f32_input" : tensor<2x4x5x5xf32>
  %w = incept.read @w : tensor<4x4x1x1xf32>
  // expected-error @+1 {{'stem.conv' has no implementation on this target: the window is not 3 wide}}
  %y:3 = incept.conv2d_stats %x, %w {incept.path = "stem.conv"} : (tensor<2x4x5x5xf32>, tensor<4x4x1x1xf32>) -> (tensor<2x4x5x5xf32>, tensor<4xf32>, tensor<4xf32>)
  return
}
}

// -----

module attributes {incept.target = #incept.target<fake>} {
// Without a path it is the op.
incept.variable @w kind parameter : tensor<4x4x1x1xf32>
incept.variable @"io/f32_input" kind io role "f32_input" : tensor<2x4x5x5xf32>
func.func @no_plan_without_a_path() {
  %x = incept.read @"io/f32_input" : tensor<2x4x5x5xf32>
  %w = incept.read @w : tensor<4x4x1x1xf32>
  // expected-error @+1 {{'incept.conv2d_stats' has no implementation on this target: the window is not 3 wide}}
  %y:3 = incept.conv2d_stats %x, %w : (tensor<2x4x5x5xf32>, tensor<4x4x1x1xf32>) -> (tensor<2x4x5x5xf32>, tensor<4xf32>, tensor<4xf32>)
  return
}
}
