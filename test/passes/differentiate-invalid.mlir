// RUN: incept-opt %s -split-input-file -verify-diagnostics -incept-differentiate

module {
  incept.variable @w kind parameter : tensor<2x1xf32>
  // expected-error @+1 {{parameter 'unused' does not influence the loss, so it cannot be trained}}
  incept.variable @unused kind parameter : tensor<2x1xf32>
  incept.variable @"io/f32_input" kind io role "f32_input" : tensor<2x1x1x1xf32>
  incept.variable @"io/labels" kind io role "labels" : tensor<2xi64>
  incept.variable @"io/loss" kind io role "loss" : tensor<f32>
  incept.variable @"io/logits" kind io role "logits" : tensor<2x2xf32>
  func.func @forward_backward() attributes {incept.entry = #incept.entry<forward_backward>} {
    %x = incept.read @"io/f32_input" : tensor<2x1x1x1xf32>
    %f = incept.flatten %x : (tensor<2x1x1x1xf32>) -> tensor<2x1xf32>
    %w = incept.read @w : tensor<2x1xf32>
    %u = incept.read @unused : tensor<2x1xf32>
    %l = incept.linear %f, %w : (tensor<2x1xf32>, tensor<2x1xf32>) -> tensor<2x2xf32>
    incept.write @"io/logits", %l : tensor<2x2xf32>
    return
  }
}

// -----

module {
  incept.variable @w kind parameter : tensor<2x1xf32>
  incept.variable @"io/f32_input" kind io role "f32_input" : tensor<2x1x1x1xf32>
  incept.variable @"io/labels" kind io role "labels" : tensor<2xi64>
  incept.variable @"io/loss" kind io role "loss" : tensor<f32>
  incept.variable @"io/logits" kind io role "logits" : tensor<2x2xf32>
  func.func @forward_backward() attributes {incept.entry = #incept.entry<forward_backward>} {
    %x = incept.read @"io/f32_input" : tensor<2x1x1x1xf32>
    %f = incept.flatten %x : (tensor<2x1x1x1xf32>) -> tensor<2x1xf32>
    %w = incept.read @w : tensor<2x1xf32>
    %l = incept.linear %f, %w : (tensor<2x1xf32>, tensor<2x1xf32>) -> tensor<2x2xf32>
    // expected-error @+1 {{has no gradient rule, but a parameter before it is trained}}
    %d = incept.random_drop %l keep 0.5 : (tensor<2x2xf32>) -> tensor<2x2xf32>
    incept.write @"io/logits", %d : tensor<2x2xf32>
    return
  }
}

// -----

module {
  // expected-error @+1 {{expected io variables of roles logits, labels and loss, and a write of the first: run incept-build-entry-points first}}
  func.func @forward_backward() attributes {incept.entry = #incept.entry<forward_backward>} {
    return
  }
}

// -----

module {
  incept.variable @"io/logits" kind io role "logits" : tensor<2x2xf32>
  incept.variable @"io/labels" kind io role "labels" : tensor<2xi64>
  incept.variable @"io/loss" kind io role "loss" : tensor<f32>
  incept.variable @"io/f32_input" kind io role "f32_input" : tensor<2x2x1x1xf32>
  // expected-error @+1 {{expected incept.loss_weights with 1 values, but got 2}}
  func.func @forward_backward() attributes {incept.entry = #incept.entry<forward_backward>, incept.loss_weights = array<f64: 1.0, 0.4>} {
    %x = incept.read @"io/f32_input" : tensor<2x2x1x1xf32>
    %f = incept.flatten %x : (tensor<2x2x1x1xf32>) -> tensor<2x2xf32>
    incept.write @"io/logits", %f : tensor<2x2xf32>
    return
  }
}

// -----

module attributes {incept.training = {loss = "hinge"}} {
  incept.variable @"io/logits" kind io role "logits" : tensor<2x2xf32>
  incept.variable @"io/labels" kind io role "labels" : tensor<2xi64>
  incept.variable @"io/loss" kind io role "loss" : tensor<f32>
  incept.variable @"io/f32_input" kind io role "f32_input" : tensor<2x2x1x1xf32>
  // expected-error @+1 {{expected incept.training with a loss that is registered, but got 'hinge'}}
  func.func @forward_backward() attributes {incept.entry = #incept.entry<forward_backward>} {
    %x = incept.read @"io/f32_input" : tensor<2x2x1x1xf32>
    %f = incept.flatten %x : (tensor<2x2x1x1xf32>) -> tensor<2x2xf32>
    incept.write @"io/logits", %f : tensor<2x2xf32>
    return
  }
}

// -----

module attributes {incept.label_map = {height = 2 : i64, width = 1 : i64},
                   incept.training = {augmentation = {kind = "none", mixup = 0.4}}} {
  incept.variable @w kind parameter : tensor<2x1x1x1xf32>
  incept.variable @"io/f32_input" kind io role "f32_input" : tensor<2x1x2x1xf32>
  incept.variable @"io/labels" kind io role "labels" : tensor<4xi64>
  incept.variable @"io/loss" kind io role "loss" : tensor<f32>
  incept.variable @"io/logits" kind io role "logits" : tensor<4x2xf32>
  // expected-error @+1 {{expected one label for each image where images are mixed}}
  func.func @forward_backward() attributes {incept.entry = #incept.entry<forward_backward>} {
    %x = incept.read @"io/f32_input" : tensor<2x1x2x1xf32>
    %w = incept.read @w : tensor<2x1x1x1xf32>
    %c = incept.conv2d %x, %w : (tensor<2x1x2x1xf32>, tensor<2x1x1x1xf32>) -> tensor<2x2x2x1xf32>
    %l = incept.pixel_rows %c : (tensor<2x2x2x1xf32>) -> tensor<4x2xf32>
    incept.write @"io/logits", %l : tensor<4x2xf32>
    return
  }
}
