// RUN: incept-opt %s -split-input-file -verify-diagnostics -incept-insert-optimizer

// expected-error @+1 {{expected incept.training with an optimizer of a kind that is registered}}
module {
  func.func @forward_backward() attributes {incept.entry = #incept.entry<forward_backward>} {
    return
  }
}

// -----

// expected-error @+1 {{expected incept.training with an optimizer of a kind that is registered, but got 'adam'}}
module attributes {incept.training = {optimizer = {kind = "adam"}}} {
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
