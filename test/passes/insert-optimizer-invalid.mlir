// RUN: incept-opt %s -split-input-file -verify-diagnostics -incept-insert-optimizer

// expected-error @+1 {{expected incept.training with an optimizer of kind sgd or rmsprop}}
module {
  func.func @forward_backward() {
    return
  }
}

// -----

// expected-error @+1 {{expected incept.training with an optimizer of kind sgd or rmsprop}}
module attributes {incept.training = {optimizer = {kind = "adam"}}} {
  func.func @forward_backward() {
    return
  }
}

// -----

// A parameter without a gradient: the read that the update needs names a variable that does not exist.
module attributes {incept.training = {optimizer = {kind = "sgd"}}} {
  // expected-error @+1 {{expected a variable named 'grad/w', but there is none}}
  incept.variable @w kind "parameter" : tensor<3x4xf32>
  func.func @forward_backward() {
    return
  }
}
