// RUN: incept-opt %s -split-input-file -verify-diagnostics
// One violation per constraint.

// variable_c1
// expected-error @+1 {{expected kind parameter, state, gradient, slot, io, derived, copy or pending, but got 'weight'}}
incept.variable @w kind "weight" : tensor<4xf32>

// -----

// variable_c2
// expected-error @+1 {{expected a static shape, but got 'tensor<?xf32>'}}
incept.variable @w kind "parameter" : tensor<?xf32>

// -----

func.func @read_c1_missing() {
  // expected-error @+1 {{expected a variable named 'w', but there is none}}
  %0 = incept.read @w : tensor<4xf32>
  return
}

// -----

// expected-note @+1 {{variable defined here}}
incept.variable @w kind "parameter" : tensor<4xf32>
func.func @read_c1_type() {
  // expected-error @+1 {{expected the variable's type 'tensor<4xf32>', but got 'tensor<5xf32>'}}
  %0 = incept.read @w : tensor<5xf32>
  return
}

// -----

// expected-note @+1 {{variable defined here}}
incept.variable @w kind "parameter" : tensor<4xf32>
func.func @write_c1_type(%v: tensor<4xf64>) {
  // expected-error @+1 {{expected the variable's type 'tensor<4xf32>', but got 'tensor<4xf64>'}}
  incept.write @w, %v : tensor<4xf64>
  return
}

// -----

func.func @write_c1_missing(%v: tensor<4xf32>) {
  // expected-error @+1 {{expected a variable named 'w', but there is none}}
  incept.write @w, %v : tensor<4xf32>
  return
}

// -----

func.func @block_c1_arguments(%x: tensor<2x4x3x3xf32>) {
  // expected-error @+1 {{expected region arguments with the types of the operands}}
  %0 = incept.block "a" of "b" (%x) : (tensor<2x4x3x3xf32>) -> tensor<2x5x3x3xf32> {
  ^bb0(%a: tensor<2x5x3x3xf32>):
    incept.yield %a : tensor<2x5x3x3xf32>
  }
  return
}

// -----

func.func @block_c1_results(%x: tensor<2x4x3x3xf32>) {
  // expected-error @+1 {{expected incept.yield with the types of the results}}
  %0 = incept.block "a" of "b" (%x) : (tensor<2x4x3x3xf32>) -> tensor<2x5x3x3xf32> {
  ^bb0(%a: tensor<2x4x3x3xf32>):
    incept.yield %a : tensor<2x4x3x3xf32>
  }
  return
}

// -----

func.func @group_c1(%x: tensor<2x4x3x3xf32>) {
  // expected-error @+1 {{expected kind library or kernel, but got 'loop'}}
  %0 = incept.group "loop" (%x) : (tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32> {
  ^bb0(%a: tensor<2x4x3x3xf32>):
    incept.yield %a : tensor<2x4x3x3xf32>
  }
  return
}

// -----

func.func @group_c2(%x: tensor<2x4x3x3xf32>) {
  // expected-error @+1 {{expected incept.yield with the types of the results}}
  %0 = incept.group "kernel" (%x) : (tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32> {
  ^bb0(%a: tensor<2x4x3x3xf32>):
    incept.yield
  }
  return
}

// -----

// A group sees its operands only.
func.func @group_isolated(%x: tensor<2x4x3x3xf32>, %y: tensor<2x4x3x3xf32>) {
  // expected-note @+1 {{required by region isolation constraints}}
  %0 = incept.group "kernel" (%x) : (tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32> {
  ^bb0(%a: tensor<2x4x3x3xf32>):
    // expected-error @+1 {{using value defined outside the region}}
    %s = incept.add %a, %y : (tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
    incept.yield %s : tensor<2x4x3x3xf32>
  }
  return
}

// -----

// A misspelt field is none.
incept.step_field @learning_rate : f32
func.func @step_value_c1() {
  // expected-error @+1 {{expected a step field named 'learnin_rate', but there is none}}
  %lr = incept.step_value @learnin_rate : tensor<f32>
  return
}

// -----

incept.step_field @seed : ui64
func.func @step_value_c1_type() {
  // expected-error @+1 {{expected a scalar of type 'i64', but got 'tensor<f32>'}}
  %seed = incept.step_value @seed : tensor<f32>
  return
}

// -----

// expected-error @+1 {{attribute 'type' failed to satisfy constraint}}
incept.step_field @learning_rate : f64
