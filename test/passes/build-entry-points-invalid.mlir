// RUN: incept-opt %s -split-input-file -verify-diagnostics -incept-build-entry-points

// expected-error @+1 {{expected one function, the network, from images to logits}}
module {
}

// -----

// expected-error @+1 {{expected one function, the network, from images to logits}}
module {
  func.func @network() {
    return
  }
}

// -----

module {
  // expected-error @+1 {{expected a network from images (N,C,H,W) to logits (N,K)}}
  func.func @network(%x: tensor<2x1x2x2xf32>) -> tensor<2x1x2x2xf32> {
    return %x : tensor<2x1x2x2xf32>
  }
}

// -----

// expected-error @+1 {{expected incept.normalization with mean and std of 1 values}}
module attributes {incept.normalization = {mean = array<f64: 0.5, 0.5>, std = array<f64: 0.5, 0.5>}} {
  func.func @network(%x: tensor<2x1x1x1xf32>) -> tensor<2x1xf32> {
    %0 = incept.flatten %x : (tensor<2x1x1x1xf32>) -> tensor<2x1xf32>
    return %0 : tensor<2x1xf32>
  }
}

// -----

// expected-error @+1 {{expected one function, the network, from images to logits}}
module {
  func.func private @network(%x: tensor<2x1x1x1xf32>) -> tensor<2x1xf32>
}

// -----

module {
  func.func @network(%x: tensor<2x1x1x1xf32>) -> tensor<2x1xf32> {
    %0 = incept.flatten %x : (tensor<2x1x1x1xf32>) -> tensor<2x1xf32>
    // expected-error @+1 {{expected a path (incept.path): it selects the op's random numbers}}
    %1 = incept.random_drop %0 keep 0.5 : (tensor<2x1xf32>) -> tensor<2x1xf32>
    return %1 : tensor<2x1xf32>
  }
}

// -----

module {
  // expected-error @+1 {{expected heads with logits 'tensor<2x1xf32>' and incept.loss_weights with 2 values}}
  func.func @network(%x: tensor<2x1x1x1xf32>) -> (tensor<2x1xf32>, tensor<2x1xf32>) {
    %0 = incept.flatten %x : (tensor<2x1x1x1xf32>) -> tensor<2x1xf32>
    return %0, %0 : tensor<2x1xf32>, tensor<2x1xf32>
  }
}

// -----

module {
  incept.variable @y kind io role "y" : tensor<2x3xf32>
  // expected-error @+1 {{expected heads with logits 'tensor<2x1xf32>' and incept.loss_weights with 2 values}}
  func.func @network(%x: tensor<2x1x1x1xf32>) -> (tensor<2x1xf32>, tensor<2x3xf32>) attributes {incept.loss_weights = array<f64: 1.0, 0.4>} {
    %y = incept.read @y : tensor<2x3xf32>
    %0 = incept.flatten %x : (tensor<2x1x1x1xf32>) -> tensor<2x1xf32>
    return %0, %y : tensor<2x1xf32>, tensor<2x3xf32>
  }
}

// -----

module {
  // expected-error @+1 {{expected logits with a row for each image or, of incept.pixel_rows, for each pixel, but got 'tensor<4x1xf32>'}}
  func.func @network(%x: tensor<2x1x1x1xf32>) -> tensor<4x1xf32> {
    %0 = incept.zeros : tensor<4x1xf32>
    return %0 : tensor<4x1xf32>
  }
}
