// RUN: incept-opt %s -split-input-file -verify-diagnostics
// One violation per constraint.

// expected-error @+2 {{expected ::incept::VariableKind to be one of: parameter, state, gradient, slot, io, derived, copy, pending}}
// expected-error @+1 {{failed to parse Incept_VariableKindAttr parameter}}
incept.variable @w kind weight : tensor<4xf32>

// -----

// variable_c1
// expected-error @+1 {{expected a variable of kind gradient to be 'of' another}}
incept.variable @g kind gradient : tensor<4xf32>

// -----

// variable_c1
incept.variable @w kind parameter : tensor<4xf32>
// expected-error @+1 {{expected a variable of kind io to be of no other}}
incept.variable @g kind io of @w role "x" : tensor<4xf32>

// -----

// variable_c3
// expected-error @+1 {{expected a variable of kind slot to have a role}}
incept.variable @s kind slot : tensor<4xf32>

// -----

// variable_c3
// expected-error @+1 {{expected a variable of kind parameter to have no role}}
incept.variable @w kind parameter role "x" : tensor<4xf32>

// -----

// variable_c4
// expected-error @+1 {{expected a variable named 'w', but there is none}}
incept.variable @g kind gradient of @w : tensor<4xf32>

// -----

// variable_c4
// expected-note @+1 {{variable defined here}}
incept.variable @w kind parameter : tensor<4xf32>
// expected-error @+1 {{expected the shape of 'w', 4, but got 5}}
incept.variable @g kind gradient of @w : tensor<5xf32>

// -----

// variable_c4
// expected-note @+1 {{variable defined here}}
incept.variable @w kind parameter : tensor<4xf32>
// expected-error @+1 {{expected to be of a state, but 'w' is of kind parameter}}
incept.variable @p kind pending of @w : tensor<4xf32>

// -----

// variable_c5: what is counted is not trained
// expected-error @+1 {{expected a parameter where something is frozen or has a rate, but got a variable of kind state}}
incept.variable @m kind state frozen : tensor<4xf32>

// -----

// variable_c5: a rate of 0
// expected-error @+1 {{expected a positive rate, but got 0}}
incept.variable @w kind parameter rate 0.0 : tensor<4xf32>

// -----

// variable_c4: a slot is of what is trained or counted
// expected-note @+1 {{variable defined here}}
incept.variable @g kind io role "loss" : tensor<4xf32>
// expected-error @+1 {{expected to be of a parameter, but 'g' is of kind io}}
incept.variable @s kind slot of @g role "ema" : tensor<4xf32>

// -----

// variable_c2
// expected-error @+1 {{expected a static shape, but got 'tensor<?xf32>'}}
incept.variable @w kind parameter : tensor<?xf32>

// -----

func.func @read_c1_missing() {
  // expected-error @+1 {{expected a variable named 'w', but there is none}}
  %0 = incept.read @w : tensor<4xf32>
  return
}

// -----

// expected-note @+1 {{variable defined here}}
incept.variable @w kind parameter : tensor<4xf32>
func.func @read_c1_type() {
  // expected-error @+1 {{expected the variable's type 'tensor<4xf32>', but got 'tensor<5xf32>'}}
  %0 = incept.read @w : tensor<5xf32>
  return
}

// -----

// expected-note @+1 {{variable defined here}}
incept.variable @w kind parameter : tensor<4xf32>
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

func.func @group_c1_empty(%x: tensor<2x4x3x3xf32>) {
  // expected-error @+1 {{expected ops in its region}}
  %0 = incept.group kernel(%x) : (tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32> {
  ^bb0(%a: tensor<2x4x3x3xf32>):
    incept.yield %a : tensor<2x4x3x3xf32>
  }
  return
}

// -----

func.func @group_c1_two_ops(%x: tensor<2x4x5x5xf32>, %w: tensor<4x4x1x1xf32>) {
  // expected-error @+1 {{expected one library op in a library group, but got several ops}}
  %0 = incept.group library(%x, %w) : (tensor<2x4x5x5xf32>, tensor<4x4x1x1xf32>) -> tensor<2x4x5x5xf32> {
  ^bb0(%a: tensor<2x4x5x5xf32>, %b: tensor<4x4x1x1xf32>):
    %y = incept.conv2d %a, %b : (tensor<2x4x5x5xf32>, tensor<4x4x1x1xf32>) -> tensor<2x4x5x5xf32>
    %r = incept.relu %y : (tensor<2x4x5x5xf32>) -> tensor<2x4x5x5xf32>
    incept.yield %r : tensor<2x4x5x5xf32>
  }
  return
}

// -----

func.func @group_c1_library_of_map(%x: tensor<2x4x5x5xf32>) {
  // expected-error @+1 {{expected one library op in a library group, but got incept.relu}}
  %0 = incept.group library(%x) : (tensor<2x4x5x5xf32>) -> tensor<2x4x5x5xf32> {
  ^bb0(%a: tensor<2x4x5x5xf32>):
    %r = incept.relu %a : (tensor<2x4x5x5xf32>) -> tensor<2x4x5x5xf32>
    incept.yield %r : tensor<2x4x5x5xf32>
  }
  return
}

// -----

func.func @group_c1_yield(%x: tensor<2x4x5x5xf32>, %w: tensor<4x4x1x1xf32>) {
  // expected-error @+1 {{expected a library group to yield the results of its op}}
  %0 = incept.group library(%x, %w) : (tensor<2x4x5x5xf32>, tensor<4x4x1x1xf32>) -> tensor<2x4x5x5xf32> {
  ^bb0(%a: tensor<2x4x5x5xf32>, %b: tensor<4x4x1x1xf32>):
    %y = incept.conv2d %a, %b : (tensor<2x4x5x5xf32>, tensor<4x4x1x1xf32>) -> tensor<2x4x5x5xf32>
    incept.yield %a : tensor<2x4x5x5xf32>
  }
  return
}

// -----

func.func @group_c1_kernel_of_library(%x: tensor<2x4x5x5xf32>, %w: tensor<4x4x1x1xf32>) {
  // expected-error @+1 {{expected map and reduce ops, or one op that is a kernel by itself, in a kernel group, but got incept.conv2d}}
  %0 = incept.group kernel(%x, %w) : (tensor<2x4x5x5xf32>, tensor<4x4x1x1xf32>) -> tensor<2x4x5x5xf32> {
  ^bb0(%a: tensor<2x4x5x5xf32>, %b: tensor<4x4x1x1xf32>):
    %y = incept.conv2d %a, %b : (tensor<2x4x5x5xf32>, tensor<4x4x1x1xf32>) -> tensor<2x4x5x5xf32>
    incept.yield %y : tensor<2x4x5x5xf32>
  }
  return
}

// -----

// A kernel that is one op writes all of its results.
func.func @group_c1_results(%x: tensor<1x8x4x4xf32>) {
  // expected-error @+1 {{expected a group to yield the results of the op that is its kernel}}
  %0 = incept.group kernel(%x) : (tensor<1x8x4x4xf32>) -> tensor<1x8x2x2xf32> {
  ^bb0(%a: tensor<1x8x4x4xf32>):
    %p, %i = incept.max_pool_with_index %a kernel [2, 2] stride [2, 2] : (tensor<1x8x4x4xf32>) -> (tensor<1x8x2x2xf32>, tensor<1x8x2x2xui8>)
    incept.yield %p : tensor<1x8x2x2xf32>
  }
  return
}

// -----

func.func @group_c1_not_alone(%x: tensor<1x8x4x4xf32>) {
  // expected-error @+1 {{expected map and reduce ops, or one op that is a kernel by itself, in a kernel group, but got incept.max_pool}}
  %0 = incept.group kernel(%x) : (tensor<1x8x4x4xf32>) -> tensor<1x8x2x2xf32> {
  ^bb0(%a: tensor<1x8x4x4xf32>):
    %r = incept.relu %a : (tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32>
    %p = incept.max_pool %r kernel [2, 2] stride [2, 2] : (tensor<1x8x4x4xf32>) -> tensor<1x8x2x2xf32>
    incept.yield %p : tensor<1x8x2x2xf32>
  }
  return
}

// -----

incept.exec.plan @p matmul {} : () -> ()
func.func @group_c1_plan(%x: tensor<2x4x5x5xf32>) {
  // expected-error @+1 {{expected no plan in a kernel group}}
  %0 = incept.group kernel plan @p(%x) : (tensor<2x4x5x5xf32>) -> tensor<2x4x5x5xf32> {
  ^bb0(%a: tensor<2x4x5x5xf32>):
    %r = incept.relu %a : (tensor<2x4x5x5xf32>) -> tensor<2x4x5x5xf32>
    incept.yield %r : tensor<2x4x5x5xf32>
  }
  return
}

// -----

func.func @group_c3(%x: tensor<2x4x5x5xf32>, %w: tensor<4x4x1x1xf32>) {
  // expected-error @+1 {{expected a plan named 'p', but there is none}}
  %0 = incept.group library plan @p(%x, %w) : (tensor<2x4x5x5xf32>, tensor<4x4x1x1xf32>) -> tensor<2x4x5x5xf32> {
  ^bb0(%a: tensor<2x4x5x5xf32>, %b: tensor<4x4x1x1xf32>):
    %y = incept.conv2d %a, %b : (tensor<2x4x5x5xf32>, tensor<4x4x1x1xf32>) -> tensor<2x4x5x5xf32>
    incept.yield %y : tensor<2x4x5x5xf32>
  }
  return
}

// -----

func.func @group_c2(%x: tensor<2x4x3x3xf32>) {
  // expected-error @+1 {{expected incept.yield with the types of the results}}
  %0 = incept.group kernel(%x) : (tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32> {
  ^bb0(%a: tensor<2x4x3x3xf32>):
    incept.yield
  }
  return
}

// -----

// A group sees its operands only.
func.func @group_isolated(%x: tensor<2x4x3x3xf32>, %y: tensor<2x4x3x3xf32>) {
  // expected-note @+1 {{required by region isolation constraints}}
  %0 = incept.group kernel(%x) : (tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32> {
  ^bb0(%a: tensor<2x4x3x3xf32>):
    // expected-error @+1 {{using value defined outside the region}}
    %s = incept.add %a, %y : (tensor<2x4x3x3xf32>, tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
    incept.yield %s : tensor<2x4x3x3xf32>
  }
  return
}

// -----

// Discardable attributes of the dialect.
// expected-error @+1 {{has an unknown attribute 'incept.presicion'}}
module attributes {incept.presicion = "f16"} {}

// -----

// expected-error @+1 {{expected "f32", "bf16" or "f16" for attribute 'incept.precision', but got "f17"}}
module attributes {incept.precision = "f17"} {}

// -----

// expected-error @+1 {{expected an i64 that is not negative for attribute 'incept.macs', but got 5 : i32}}
module attributes {incept.macs = 5 : i32} {}

// -----

// expected-error @+1 {{has attribute 'incept.mode', which belongs to a module}}
func.func @f() attributes {incept.mode = "train"} { return }

// -----

// expected-error @+1 {{has attribute 'incept.entry', which belongs to a function}}
module attributes {incept.entry = #incept.entry<infer>} {}

// -----

// expected-error @+1 {{expected #incept.entry<...> for attribute 'incept.entry', but got "infer"}}
func.func @f() attributes {incept.entry = "infer"} { return }

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
