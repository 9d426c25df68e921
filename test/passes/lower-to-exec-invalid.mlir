// RUN: incept-opt %s -split-input-file -verify-diagnostics --incept-form-groups --incept-assign-layouts --incept-plan-memory --incept-lower-to-exec

module attributes {incept.target = #incept.target<fake>} {
// Each join is laid side by side, but @b cannot lie behind both @a and @c.
incept.variable @a kind parameter : tensor<16x16x1x1xf32>
incept.variable @b kind parameter : tensor<16x16x1x1xf32>
incept.variable @c kind parameter : tensor<16x16x1x1xf32>
func.func @variable_in_two_joins() {
  %a = incept.read @a : tensor<16x16x1x1xf32>
  %b = incept.read @b : tensor<16x16x1x1xf32>
  %c = incept.read @c : tensor<16x16x1x1xf32>
  // expected-error @+1 {{expected 'b' right behind 'a' in memory, but it has another place: a parameter can be in one join only}}
  %0 = incept.join_rows %a, %b : (tensor<16x16x1x1xf32>, tensor<16x16x1x1xf32>) -> tensor<32x16x1x1xf32>
  %1 = incept.join_rows %c, %b : (tensor<16x16x1x1xf32>, tensor<16x16x1x1xf32>) -> tensor<32x16x1x1xf32>
  return
}
}

// -----

module attributes {incept.target = #incept.target<fake>} {
// A variable cannot lie behind itself.
incept.variable @a kind parameter : tensor<16x16x1x1xf32>
func.func @variable_twice() {
  %a = incept.read @a : tensor<16x16x1x1xf32>
  // expected-error @+1 {{expected 'a' right behind 'a' in memory}}
  %0 = incept.join_rows %a, %a : (tensor<16x16x1x1xf32>, tensor<16x16x1x1xf32>) -> tensor<32x16x1x1xf32>
  return
}
}

// -----

module attributes {incept.target = #incept.target<fake>} {
// Only parameters are laid side by side: a state lies in another region.
incept.variable @a kind parameter : tensor<16x16x1x1xf32>
incept.variable @s kind state : tensor<16x16x1x1xf32>
func.func @other_region() {
  %a = incept.read @a : tensor<16x16x1x1xf32>
  %s = incept.read @s : tensor<16x16x1x1xf32>
  // expected-error @+1 {{expected 's' right behind 'a' in memory}}
  %0 = incept.join_rows %a, %s : (tensor<16x16x1x1xf32>, tensor<16x16x1x1xf32>) -> tensor<32x16x1x1xf32>
  return
}
}

// -----

module attributes {incept.target = #incept.target<fake>} {
// Offsets of variables are multiples of 64 bytes: the second would not begin where the first ends.
// expected-error @+1 {{is joined with others, but its size is no multiple of 64 bytes}}
incept.variable @a kind parameter : tensor<3x1x1x1xf32>
incept.variable @b kind parameter : tensor<16x1x1x1xf32>
func.func @odd_size() {
  %a = incept.read @a : tensor<3x1x1x1xf32>
  %b = incept.read @b : tensor<16x1x1x1xf32>
  %0 = incept.join_rows %a, %b : (tensor<3x1x1x1xf32>, tensor<16x1x1x1xf32>) -> tensor<19x1x1x1xf32>
  return
}
}

// -----

module attributes {incept.target = #incept.target<fake>} {
// The loops of a kernel run over one shape.
incept.variable @x kind parameter : tensor<1x8x4x4xf32>
incept.variable @y kind parameter : tensor<1x8x2x2xf32>
incept.variable @a kind parameter : tensor<1x8x4x4xf32>
incept.variable @b kind parameter : tensor<1x8x2x2xf32>
func.func @two_shapes() {
  %x = incept.read @x : tensor<1x8x4x4xf32>
  %y = incept.read @y : tensor<1x8x2x2xf32>
  // expected-error @+1 {{expected tensors of shape 1x8x4x4 and vectors of 8 in one kernel, but got 1x8x2x2}}
  %a, %b = incept.group kernel(%x, %y) : (tensor<1x8x4x4xf32>, tensor<1x8x2x2xf32>) -> (tensor<1x8x4x4xf32>, tensor<1x8x2x2xf32>) {
  ^bb0(%c: tensor<1x8x4x4xf32>, %d: tensor<1x8x2x2xf32>):
    %r = incept.relu %c : (tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32>
    %s = incept.relu %d : (tensor<1x8x2x2xf32>) -> tensor<1x8x2x2xf32>
    incept.yield %r, %s : tensor<1x8x4x4xf32>, tensor<1x8x2x2xf32>
  }
  incept.write @a, %a : tensor<1x8x4x4xf32>
  incept.write @b, %b : tensor<1x8x2x2xf32>
  return
}
}

// -----

module attributes {incept.target = #incept.target<fake>} {
incept.variable @x kind parameter : tensor<8xf32>
incept.variable @y kind parameter : tensor<4xf32>
incept.variable @a kind parameter : tensor<8xf32>
incept.variable @b kind parameter : tensor<4xf32>
func.func @two_vectors() {
  %x = incept.read @x : tensor<8xf32>
  %y = incept.read @y : tensor<4xf32>
  // expected-error @+1 {{expected vectors of one size in a kernel without full tensors}}
  %a, %b = incept.group kernel(%x, %y) : (tensor<8xf32>, tensor<4xf32>) -> (tensor<8xf32>, tensor<4xf32>) {
  ^bb0(%c: tensor<8xf32>, %d: tensor<4xf32>):
    %r = incept.relu %c : (tensor<8xf32>) -> tensor<8xf32>
    %s = incept.relu %d : (tensor<4xf32>) -> tensor<4xf32>
    incept.yield %r, %s : tensor<8xf32>, tensor<4xf32>
  }
  incept.write @a, %a : tensor<8xf32>
  incept.write @b, %b : tensor<4xf32>
  return
}
}

// -----

module attributes {incept.target = #incept.target<fake>} {
// The runtime writes the learning rate as f32.
// expected-error @+1 {{expected the type of this field, 'f32', but got 'i64'}}
incept.step_field @learning_rate : i64
}
