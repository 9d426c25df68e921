// RUN: incept-opt %s -verify-diagnostics -incept-prepare-inference

module {
  incept.variable @x kind io role "x" : tensor<2x4x2x2xf32>
  incept.variable @v kind parameter : tensor<4xf32>
  func.func @infer() attributes {incept.entry = #incept.entry<infer>} {
    %x = incept.read @x : tensor<2x4x2x2xf32>
    %v = incept.read @v : tensor<4xf32>
    %s = incept.channel_sum %x : (tensor<2x4x2x2xf32>) -> tensor<4xf32>
    // expected-error @+1 {{expected statistics and parameters that are read from variables}}
    %y = incept.batch_norm %x beta %v mean %s variance %v {epsilon = 1.0e-3, decay = 0.9}
        : (tensor<2x4x2x2xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<2x4x2x2xf32>
    return
  }
}
