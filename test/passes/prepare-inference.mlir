// RUN: incept-opt %s -split-input-file -incept-prepare-inference | FileCheck %s

// A convolution takes in the batch norm that follows it: scaled weights and a bias, computed once.
module {
  incept.variable @c.conv.weight kind parameter : tensor<4x1x1x1xf32>
  incept.variable @c.conv.bias kind parameter : tensor<4xf32>
  incept.variable @c.bn.weight kind parameter : tensor<4xf32>
  incept.variable @c.bn.bias kind parameter : tensor<4xf32>
  incept.variable @c.bn.running_mean kind state : tensor<4xf32>
  incept.variable @c.bn.running_var kind state : tensor<4xf32>
  incept.variable @"io/f32_input" kind io role "f32_input" : tensor<2x1x2x2xf32>
  incept.variable @out kind io role "out" : tensor<2x4x2x2xf32>
  // CHECK: incept.variable @"folded/c.conv.weight" kind derived : tensor<4x1x1x1xf32>
  // CHECK: incept.variable @"folded/c.conv.bias" kind derived : tensor<4xf32>
  // CHECK-LABEL: func.func @prepare_inference()
  // CHECK-DAG: %[[G:.*]] = incept.read @c.bn.weight
  // CHECK-DAG: %[[B:.*]] = incept.read @c.bn.bias
  // CHECK-DAG: %[[M:.*]] = incept.read @c.bn.running_mean
  // CHECK-DAG: %[[V:.*]] = incept.read @c.bn.running_var
  // CHECK-DAG: %[[CB:.*]] = incept.read @c.conv.bias
  // CHECK: %[[SCALE:.*]], %[[SHIFT:.*]] = incept.fold_batch_norm gamma %[[G]] beta %[[B]] mean %[[M]] variance %[[V]] bias %[[CB]] {epsilon = 1.000000e-03 : f64, incept.path = "c.bn"}
  // CHECK: %[[W:.*]] = incept.read @c.conv.weight
  // CHECK: %[[SW:.*]] = incept.reorder %[[W]] scales %[[SCALE]]
  // CHECK-DAG: incept.write @"folded/c.conv.weight", %[[SW]]
  // CHECK-DAG: incept.write @"folded/c.conv.bias", %[[SHIFT]]
  // CHECK-LABEL: func.func @infer()
  // CHECK-NOT: @c.
  // CHECK: %[[X:.*]] = incept.read @"io/f32_input"
  // CHECK-NOT: @c.
  // CHECK: %[[FW:.*]] = incept.read @"folded/c.conv.weight"
  // CHECK: %[[FB:.*]] = incept.read @"folded/c.conv.bias"
  // CHECK: %[[Y:.*]] = incept.conv2d %[[X]], %[[FW]] bias %[[FB]] {incept.path = "c.conv"}
  // CHECK-NOT: batch_norm
  // CHECK: incept.write @out, %[[Y]]
  func.func @infer() attributes {incept.entry = #incept.entry<infer>} {
    %x = incept.read @"io/f32_input" : tensor<2x1x2x2xf32>
    %w = incept.read @c.conv.weight : tensor<4x1x1x1xf32>
    %cb = incept.read @c.conv.bias : tensor<4xf32>
    %c = incept.conv2d %x, %w bias %cb {incept.path = "c.conv"} : (tensor<2x1x2x2xf32>, tensor<4x1x1x1xf32>, tensor<4xf32>) -> tensor<2x4x2x2xf32>
    %g = incept.read @c.bn.weight : tensor<4xf32>
    %b = incept.read @c.bn.bias : tensor<4xf32>
    %m = incept.read @c.bn.running_mean : tensor<4xf32>
    %v = incept.read @c.bn.running_var : tensor<4xf32>
    %y = incept.batch_norm %c gamma %g beta %b mean %m variance %v {epsilon = 1.0e-3, decay = 0.9, incept.path = "c.bn"}
        : (tensor<2x4x2x2xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<2x4x2x2xf32>
    incept.write @out, %y : tensor<2x4x2x2xf32>
    return
  }
}

// -----

// The convolution's result is needed as it is: batch norm stays an op of its own, with a prepared factor.
module {
  incept.variable @c.conv.weight kind parameter : tensor<4x1x1x1xf32>
  incept.variable @c.bn.bias kind parameter : tensor<4xf32>
  incept.variable @c.bn.running_mean kind state : tensor<4xf32>
  incept.variable @c.bn.running_var kind state : tensor<4xf32>
  incept.variable @"io/f32_input" kind io role "f32_input" : tensor<2x1x2x2xf32>
  incept.variable @out kind io role "out" : tensor<2x4x2x2xf32>
  // CHECK: incept.variable @"folded/c.bn.scale" kind derived : tensor<4xf32>
  // CHECK-LABEL: func.func @prepare_inference()
  // CHECK: %[[SCALE:.*]], %{{.*}} = incept.fold_batch_norm beta %{{.*}} mean %{{.*}} variance %{{[a-z0-9]+}} {epsilon
  // CHECK: incept.write @"folded/c.bn.scale", %[[SCALE]]
  // CHECK-LABEL: func.func @infer()
  // CHECK-DAG: %[[C:.*]] = incept.conv2d
  // CHECK-DAG: %[[B:.*]] = incept.read @c.bn.bias
  // CHECK-DAG: %[[M:.*]] = incept.read @c.bn.running_mean
  // CHECK-DAG: %[[S:.*]] = incept.read @"folded/c.bn.scale"
  // CHECK: %[[Y:.*]] = incept.scale_shift %[[C]], %[[M]], %[[S]], %[[B]] {incept.path = "c.bn"}
  // CHECK: incept.add %[[Y]], %[[C]]
  func.func @infer() attributes {incept.entry = #incept.entry<infer>} {
    %x = incept.read @"io/f32_input" : tensor<2x1x2x2xf32>
    %w = incept.read @c.conv.weight : tensor<4x1x1x1xf32>
    %c = incept.conv2d %x, %w {incept.path = "c.conv"} : (tensor<2x1x2x2xf32>, tensor<4x1x1x1xf32>) -> tensor<2x4x2x2xf32>
    %b = incept.read @c.bn.bias : tensor<4xf32>
    %m = incept.read @c.bn.running_mean : tensor<4xf32>
    %v = incept.read @c.bn.running_var : tensor<4xf32>
    %y = incept.batch_norm %c beta %b mean %m variance %v {epsilon = 1.0e-3, decay = 0.9, incept.path = "c.bn"}
        : (tensor<2x4x2x2xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<2x4x2x2xf32>
    %z = incept.add %y, %c : (tensor<2x4x2x2xf32>, tensor<2x4x2x2xf32>) -> tensor<2x4x2x2xf32>
    incept.write @out, %z : tensor<2x4x2x2xf32>
    return
  }
}

// -----

// A convolution that applies a ReLU is not linear in its weights, so nothing is folded into it.
module {
  incept.variable @w kind parameter : tensor<4x1x1x1xf32>
  incept.variable @v kind parameter : tensor<4xf32>
  incept.variable @"io/f32_input" kind io role "f32_input" : tensor<2x1x2x2xf32>
  incept.variable @out kind io role "out" : tensor<2x4x2x2xf32>
  // CHECK-LABEL: func.func @infer()
  // CHECK: incept.conv2d {{.*}} relu
  // CHECK: incept.scale_shift
  func.func @infer() attributes {incept.entry = #incept.entry<infer>} {
    %x = incept.read @"io/f32_input" : tensor<2x1x2x2xf32>
    %w = incept.read @w : tensor<4x1x1x1xf32>
    %c = incept.conv2d %x, %w relu {incept.path = "conv"} : (tensor<2x1x2x2xf32>, tensor<4x1x1x1xf32>) -> tensor<2x4x2x2xf32>
    %v = incept.read @v : tensor<4xf32>
    %y = incept.batch_norm %c beta %v mean %v variance %v {epsilon = 1.0e-3, decay = 0.9, incept.path = "bn"}
        : (tensor<2x4x2x2xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<2x4x2x2xf32>
    incept.write @out, %y : tensor<2x4x2x2xf32>
    return
  }
}

// -----

// A convolution takes one batch norm. The one after it, whose operand is that convolution again, stays an op of its own.
module {
  incept.variable @c.conv.weight kind parameter : tensor<4x1x1x1xf32>
  incept.variable @c.a.bias kind parameter : tensor<4xf32>
  incept.variable @c.a.running_mean kind state : tensor<4xf32>
  incept.variable @c.a.running_var kind state : tensor<4xf32>
  incept.variable @c.b.bias kind parameter : tensor<4xf32>
  incept.variable @c.b.running_mean kind state : tensor<4xf32>
  incept.variable @c.b.running_var kind state : tensor<4xf32>
  incept.variable @"io/f32_input" kind io role "f32_input" : tensor<2x1x2x2xf32>
  incept.variable @out kind io role "out" : tensor<2x4x2x2xf32>
  // CHECK-DAG: incept.variable @"folded/c.conv.weight" kind derived
  // CHECK-DAG: incept.variable @"folded/c.conv.bias" kind derived
  // CHECK-DAG: incept.variable @"folded/c.b.scale" kind derived
  // CHECK-LABEL: func.func @infer()
  // CHECK: %[[Y:.*]] = incept.conv2d %{{.*}} bias %{{.*}} {incept.path = "c.conv"}
  // CHECK-DAG: %[[M:.*]] = incept.read @c.b.running_mean
  // CHECK-DAG: %[[S:.*]] = incept.read @"folded/c.b.scale"
  // CHECK-DAG: %[[B:.*]] = incept.read @c.b.bias
  // CHECK: %[[Z:.*]] = incept.scale_shift %[[Y]], %[[M]], %[[S]], %[[B]] {incept.path = "c.b"}
  // CHECK: incept.write @out, %[[Z]]
  func.func @infer() attributes {incept.entry = #incept.entry<infer>} {
    %x = incept.read @"io/f32_input" : tensor<2x1x2x2xf32>
    %w = incept.read @c.conv.weight : tensor<4x1x1x1xf32>
    %c = incept.conv2d %x, %w {incept.path = "c.conv"} : (tensor<2x1x2x2xf32>, tensor<4x1x1x1xf32>) -> tensor<2x4x2x2xf32>
    %b1 = incept.read @c.a.bias : tensor<4xf32>
    %m1 = incept.read @c.a.running_mean : tensor<4xf32>
    %v1 = incept.read @c.a.running_var : tensor<4xf32>
    %y = incept.batch_norm %c beta %b1 mean %m1 variance %v1 {epsilon = 1.0e-3, decay = 0.9, incept.path = "c.a"}
        : (tensor<2x4x2x2xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<2x4x2x2xf32>
    %b2 = incept.read @c.b.bias : tensor<4xf32>
    %m2 = incept.read @c.b.running_mean : tensor<4xf32>
    %v2 = incept.read @c.b.running_var : tensor<4xf32>
    %z = incept.batch_norm %y beta %b2 mean %m2 variance %v2 {epsilon = 1.0e-3, decay = 0.9, incept.path = "c.b"}
        : (tensor<2x4x2x2xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<2x4x2x2xf32>
    incept.write @out, %z : tensor<2x4x2x2xf32>
    return
  }
}
