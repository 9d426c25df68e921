// RUN: incept-opt %s -split-input-file -verify-diagnostics -incept-insert-optimizer

// expected-error @+1 {{expected incept.training with an optimizer of a kind that is registered}}
module {
  func.func @forward_backward() attributes {incept.entry = #incept.entry<forward_backward>} {
    return
  }
}

// -----

// expected-error @+1 {{expected incept.training with an optimizer of a kind that is registered, but got 'adagrad'}}
module attributes {incept.training = {optimizer = {kind = "adagrad"}}} {
  func.func @forward_backward() attributes {incept.entry = #incept.entry<forward_backward>} {
    return
  }
}

// -----

// A parameter without a gradient.
module attributes {incept.training = {optimizer = {kind = "sgd"}}} {
  // expected-error @+1 {{expected a gradient of parameter 'w', but there is none}}
  incept.variable @w kind parameter : tensor<3x4xf32>
  func.func @forward_backward() attributes {incept.entry = #incept.entry<forward_backward>} {
    return
  }
}

// -----

// Two ways of clipping.
// expected-error @+1 {{expected incept.training with clip_norm or clip_value, but got both}}
module attributes {incept.training = {optimizer = {kind = "sgd"}, clip_norm = 1.0, clip_value = 1.0}} {
  func.func @forward_backward() attributes {incept.entry = #incept.entry<forward_backward>} {
    return
  }
}
