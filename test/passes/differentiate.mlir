// RUN: incept-opt %s -split-input-file -incept-differentiate | FileCheck %s

// Forward, loss, backward, in this order; every gradient is written to its variable.
// CHECK: incept.training = {label_smoothing = 1.000000e-01 : f64}
module attributes {incept.training = {label_smoothing = 0.1}} {
  incept.variable @c.weight kind parameter : tensor<2x1x2x2xf32>
  incept.variable @c.bias kind parameter : tensor<2xf32>
  incept.variable @fc.weight kind parameter : tensor<3x2xf32>
  incept.variable @"io/f32_input" kind io role "f32_input" : tensor<2x1x4x4xf32>
  incept.variable @"io/labels" kind io role "labels" : tensor<2xi64>
  incept.variable @"io/loss" kind io role "loss" : tensor<f32>
  incept.variable @"io/logits" kind io role "logits" : tensor<2x3xf32>
  // CHECK: incept.variable @"grad/c.weight" kind gradient of @c.weight : tensor<2x1x2x2xf32>
  // CHECK: incept.variable @"grad/c.bias" kind gradient of @c.bias : tensor<2xf32>
  // CHECK: incept.variable @"grad/fc.weight" kind gradient of @fc.weight : tensor<3x2xf32>
  // CHECK-LABEL: func.func @forward_backward()
  func.func @forward_backward() attributes {incept.entry = #incept.entry<forward_backward>} {
    // CHECK: %[[X:.*]] = incept.read @"io/f32_input"
    %x = incept.read @"io/f32_input" : tensor<2x1x4x4xf32>
    %w = incept.read @c.weight : tensor<2x1x2x2xf32>
    %b = incept.read @c.bias : tensor<2xf32>
    // CHECK: %[[C:.*]] = incept.conv2d %[[X]]
    %c = incept.conv2d %x, %w bias %b stride [2, 2] {incept.path = "c"} : (tensor<2x1x4x4xf32>, tensor<2x1x2x2xf32>, tensor<2xf32>) -> tensor<2x2x2x2xf32>
    // CHECK: %[[R:.*]] = incept.relu %[[C]]
    %r = incept.relu %c {incept.path = "relu"} : (tensor<2x2x2x2xf32>) -> tensor<2x2x2x2xf32>
    // CHECK: %[[P:.*]], %[[WS:.*]] = incept.max_pool_with_index %[[R]] kernel [2, 2] {incept.path = "pool"}
    %p = incept.max_pool %r kernel [2, 2] {incept.path = "pool"} : (tensor<2x2x2x2xf32>) -> tensor<2x2x1x1xf32>
    // CHECK: %[[F:.*]] = incept.flatten %[[P]]
    %f = incept.flatten %p : (tensor<2x2x1x1xf32>) -> tensor<2x2xf32>
    // CHECK: %[[FW:.*]] = incept.read @fc.weight
    %fw = incept.read @fc.weight : tensor<3x2xf32>
    // CHECK: %[[L:.*]] = incept.linear %[[F]], %[[FW]]
    %l = incept.linear %f, %fw {incept.path = "fc"} : (tensor<2x2xf32>, tensor<3x2xf32>) -> tensor<2x3xf32>
    // CHECK: incept.write @"io/logits", %[[L]]
    incept.write @"io/logits", %l : tensor<2x3xf32>
    // CHECK: %[[T:.*]] = incept.read @"io/labels" : tensor<2xi64>
    // CHECK: %[[LOSS:.*]] = incept.softmax_cross_entropy %[[L]], %[[T]] {{.*}}label_smoothing = 1.000000e-01
    // CHECK: incept.write @"io/loss", %[[LOSS]]
    // CHECK: %[[DL:.*]] = incept.softmax_cross_entropy_backward %[[L]], %[[T]] {{.*}}label_smoothing = 1.000000e-01 : f64, weight = 1.000000e+00
    // CHECK: %[[DF:.*]] = incept.linear_backward_data %[[DL]], %[[FW]] {incept.path = "fc"}
    // CHECK: %[[DFW:.*]] = incept.linear_backward_weights %[[F]], %[[DL]] {incept.path = "fc"}
    // CHECK: incept.write @"grad/fc.weight", %[[DFW]]
    // CHECK: %[[DP:.*]] = incept.flatten %[[DF]] : (tensor<2x2xf32>) -> tensor<2x2x1x1xf32>
    // CHECK: %[[DR:.*]] = incept.max_pool_backward %[[DP]], %[[WS]] kernel [2, 2] {incept.path = "pool"}
    // CHECK: %[[DC:.*]] = incept.relu_backward %[[DR]], %[[R]] {incept.path = "relu"}
    // No gradient of the images is computed.
    // CHECK-NOT: conv2d_backward_data
    // CHECK: %[[DW:.*]] = incept.conv2d_backward_weights %[[X]], %[[DC]] stride [2, 2] {incept.path = "c"}
    // CHECK: incept.write @"grad/c.weight", %[[DW]]
    // CHECK: %[[DB:.*]] = incept.channel_sum %[[DC]] {incept.path = "c"}
    // CHECK: incept.write @"grad/c.bias", %[[DB]]
    // CHECK: return
    return
  }
}

// -----

// Batch norm takes the batch's statistics and moves the running ones; without gamma its gradient is unused.
module {
  incept.variable @w kind parameter : tensor<2x1x1x1xf32>
  incept.variable @beta kind parameter : tensor<2xf32>
  incept.variable @running_mean kind state : tensor<2xf32>
  incept.variable @running_var kind state : tensor<2xf32>
  incept.variable @"io/f32_input" kind io role "f32_input" : tensor<2x1x1x1xf32>
  incept.variable @"io/labels" kind io role "labels" : tensor<2xi64>
  incept.variable @"io/loss" kind io role "loss" : tensor<f32>
  incept.variable @"io/logits" kind io role "logits" : tensor<2x2xf32>
  // CHECK-LABEL: func.func @forward_backward()
  func.func @forward_backward() attributes {incept.entry = #incept.entry<forward_backward>} {
    %x = incept.read @"io/f32_input" : tensor<2x1x1x1xf32>
    %w = incept.read @w : tensor<2x1x1x1xf32>
    // CHECK: %[[C:.*]] = incept.conv2d
    %c = incept.conv2d %x, %w : (tensor<2x1x1x1xf32>, tensor<2x1x1x1xf32>) -> tensor<2x2x1x1xf32>
    %b = incept.read @beta : tensor<2xf32>
    // CHECK: %[[RM:.*]] = incept.read @running_mean
    %m = incept.read @running_mean : tensor<2xf32>
    // CHECK: %[[RV:.*]] = incept.read @running_var
    %v = incept.read @running_var : tensor<2xf32>
    // CHECK: %[[Y:.*]], %[[M:.*]], %[[S:.*]], %[[NM:.*]], %[[NV:.*]] = incept.batch_norm_training %[[C]] beta %{{.*}} running %[[RM]], %[[RV]] {decay = 9.000000e-01 : f64, epsilon = 1.000000e-03 : f64, incept.path = "bn"}
    // CHECK: incept.write @running_mean, %[[NM]]
    // CHECK: incept.write @running_var, %[[NV]]
    %y = incept.batch_norm %c beta %b mean %m variance %v {epsilon = 1.0e-3, decay = 0.9, incept.path = "bn"}
        : (tensor<2x2x1x1xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<2x2x1x1xf32>
    // CHECK: incept.flatten %[[Y]]
    %f = incept.flatten %y : (tensor<2x2x1x1xf32>) -> tensor<2x2xf32>
    // CHECK: incept.write @"io/logits"
    incept.write @"io/logits", %f : tensor<2x2xf32>
    // CHECK: %[[D:.*]] = incept.flatten %{{.*}} : (tensor<2x2xf32>) -> tensor<2x2x1x1xf32>
    // CHECK: %[[DX:.*]], %[[DG:.*]], %[[DB:.*]] = incept.batch_norm_backward %[[D]], %[[C]] mean %[[M]] inv_std %[[S]] {incept.path = "bn"}
    // CHECK: incept.write @"grad/beta", %[[DB]]
    // CHECK: incept.conv2d_backward_weights %{{.*}}, %[[DX]]
    return
  }
}

// -----

// Three consumers: one sum, in the order of the consumers. A concat's gradient is slices, an add's is shared.
module {
  incept.variable @w kind parameter : tensor<2x1x1x1xf32>
  incept.variable @"io/f32_input" kind io role "f32_input" : tensor<2x1x1x1xf32>
  incept.variable @"io/labels" kind io role "labels" : tensor<2xi64>
  incept.variable @"io/loss" kind io role "loss" : tensor<f32>
  incept.variable @"io/logits" kind io role "logits" : tensor<2x7xf32>
  // CHECK-LABEL: func.func @forward_backward()
  func.func @forward_backward() attributes {incept.entry = #incept.entry<forward_backward>} {
    %x = incept.read @"io/f32_input" : tensor<2x1x1x1xf32>
    %w = incept.read @w : tensor<2x1x1x1xf32>
    %c = incept.conv2d %x, %w {incept.path = "c"} : (tensor<2x1x1x1xf32>, tensor<2x1x1x1xf32>) -> tensor<2x2x1x1xf32>
    %s = incept.scale %c by 0.5 {incept.path = "s"} : (tensor<2x2x1x1xf32>) -> tensor<2x2x1x1xf32>
    %t = incept.scale %c by 3.0 {incept.path = "t"} : (tensor<2x2x1x1xf32>) -> tensor<2x2x1x1xf32>
    %a = incept.add %s, %t {incept.path = "a"} : (tensor<2x2x1x1xf32>, tensor<2x2x1x1xf32>) -> tensor<2x2x1x1xf32>
    // The images themselves are part of the concat, and get no gradient.
    %k = incept.concat %c, %x, %a, %s {incept.path = "k"} : (tensor<2x2x1x1xf32>, tensor<2x1x1x1xf32>, tensor<2x2x1x1xf32>, tensor<2x2x1x1xf32>) -> tensor<2x7x1x1xf32>
    %f = incept.flatten %k : (tensor<2x7x1x1xf32>) -> tensor<2x7xf32>
    incept.write @"io/logits", %f : tensor<2x7xf32>
    // CHECK: %[[D:.*]] = incept.flatten %{{.*}} : (tensor<2x7xf32>) -> tensor<2x7x1x1xf32>
    // CHECK-DAG: %[[D0:.*]] = incept.slice %[[D]] at 0 {incept.path = "k"} : (tensor<2x7x1x1xf32>) -> tensor<2x2x1x1xf32>
    // CHECK-DAG: %[[DA:.*]] = incept.slice %[[D]] at 3 {incept.path = "k"} : (tensor<2x7x1x1xf32>) -> tensor<2x2x1x1xf32>
    // CHECK-DAG: %[[DS:.*]] = incept.slice %[[D]] at 5 {incept.path = "k"} : (tensor<2x7x1x1xf32>) -> tensor<2x2x1x1xf32>
    // CHECK-NOT: incept.slice
    // CHECK: %[[DT:.*]] = incept.scale %[[DA]] by 3.000000e+00 {incept.path = "t"}
    // CHECK: %[[SUM:.*]] = incept.add_n %[[DA]], %[[DS]] {incept.path = "s"}
    // CHECK: %[[SC:.*]] = incept.scale %[[SUM]] by 5.000000e-01 {incept.path = "s"}
    // CHECK: %[[DC:.*]] = incept.add_n %[[SC]], %[[DT]], %[[D0]] {incept.path = "c"}
    // CHECK: incept.conv2d_backward_weights %{{.*}}, %[[DC]]
    return
  }
}

// -----

// A parameter that two ops read gets the sum of both gradients, and one write.
module {
  incept.variable @w kind parameter : tensor<2x2xf32>
  incept.variable @"io/f32_input" kind io role "f32_input" : tensor<2x2x1x1xf32>
  incept.variable @"io/labels" kind io role "labels" : tensor<2xi64>
  incept.variable @"io/loss" kind io role "loss" : tensor<f32>
  incept.variable @"io/logits" kind io role "logits" : tensor<2x2xf32>
  // CHECK-LABEL: func.func @forward_backward()
  func.func @forward_backward() attributes {incept.entry = #incept.entry<forward_backward>} {
    %x = incept.read @"io/f32_input" : tensor<2x2x1x1xf32>
    %f = incept.flatten %x : (tensor<2x2x1x1xf32>) -> tensor<2x2xf32>
    %w = incept.read @w : tensor<2x2xf32>
    %a = incept.linear %f, %w {incept.path = "first"} : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
    %v = incept.read @w : tensor<2x2xf32>
    %b = incept.linear %a, %v {incept.path = "second"} : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
    incept.write @"io/logits", %b : tensor<2x2xf32>
    // CHECK: %[[SECOND:.*]] = incept.linear_backward_weights %{{.*}}, %{{.*}} {incept.path = "second"}
    // CHECK: %[[FIRST:.*]] = incept.linear_backward_weights %{{.*}}, %{{.*}} {incept.path = "first"}
    // CHECK: %[[SUM:.*]] = incept.add_n %[[FIRST]], %[[SECOND]]
    // CHECK: incept.write @"grad/w", %[[SUM]]
    // CHECK-NOT: incept.write
    return
  }
}

// -----

// The gradient of dropout is dropout with the same random numbers. A pool that no parameter influences stays as it is.
module {
  incept.step_field @seed : ui64
  incept.step_field @step : i64
  incept.step_field @sample_base : i64
  incept.variable @w kind parameter : tensor<2x1xf32>
  incept.variable @"io/f32_input" kind io role "f32_input" : tensor<2x1x2x2xf32>
  incept.variable @"io/labels" kind io role "labels" : tensor<2xi64>
  incept.variable @"io/loss" kind io role "loss" : tensor<f32>
  incept.variable @"io/logits" kind io role "logits" : tensor<2x2xf32>
  // CHECK-LABEL: func.func @forward_backward()
  func.func @forward_backward() attributes {incept.entry = #incept.entry<forward_backward>} {
    // CHECK-DAG: %[[SEED:.*]] = incept.step_value @seed
    %seed = incept.step_value @seed : tensor<i64>
    // CHECK-DAG: %[[STEP:.*]] = incept.step_value @step
    %step = incept.step_value @step : tensor<i64>
    // CHECK-DAG: %[[BASE:.*]] = incept.step_value @sample_base
    %base = incept.step_value @sample_base : tensor<i64>
    %x = incept.read @"io/f32_input" : tensor<2x1x2x2xf32>
    // CHECK: incept.max_pool %{{.*}} kernel [2, 2] :
    %p = incept.max_pool %x kernel [2, 2] : (tensor<2x1x2x2xf32>) -> tensor<2x1x1x1xf32>
    %f = incept.flatten %p : (tensor<2x1x1x1xf32>) -> tensor<2x1xf32>
    %w = incept.read @w : tensor<2x1xf32>
    %l = incept.linear %f, %w : (tensor<2x1xf32>, tensor<2x1xf32>) -> tensor<2x2xf32>
    %d = incept.dropout %l, %seed, %step, %base {keep = 0.5, stream = 7 : i64} : (tensor<2x2xf32>, tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<2x2xf32>
    incept.write @"io/logits", %d : tensor<2x2xf32>
    // CHECK: %[[DD:.*]] = incept.softmax_cross_entropy_backward
    // CHECK: %[[DL:.*]] = incept.dropout %[[DD]], %[[SEED]], %[[STEP]], %[[BASE]] {keep = 5.000000e-01 : f64, stream = 7 : i64}
    // CHECK: incept.linear_backward_weights %{{.*}}, %[[DL]]
    // CHECK-NOT: max_pool_backward
    return
  }
}

// -----

// An auxiliary head: the loss is the weighted sum, and what both heads use gets both gradients.
module attributes {incept.training = {label_smoothing = 0.1}} {
  incept.variable @w kind parameter : tensor<4x2xf32>
  incept.variable @main kind parameter : tensor<3x4xf32>
  incept.variable @aux kind parameter : tensor<3x4xf32>
  incept.variable @"io/f32_input" kind io role "f32_input" : tensor<2x2x1x1xf32>
  incept.variable @"io/labels" kind io role "labels" : tensor<2xi64>
  incept.variable @"io/loss" kind io role "loss" : tensor<f32>
  incept.variable @"io/logits" kind io role "logits" : tensor<2x3xf32>
  incept.variable @"io/auxiliary_logits1" kind io role "auxiliary_logits1" : tensor<2x3xf32>
  // CHECK-LABEL: func.func @forward_backward()
  func.func @forward_backward() attributes {incept.entry = #incept.entry<forward_backward>, incept.loss_weights = array<f64: 1.0, 0.4>} {
    %x = incept.read @"io/f32_input" : tensor<2x2x1x1xf32>
    %f = incept.flatten %x : (tensor<2x2x1x1xf32>) -> tensor<2x2xf32>
    %w = incept.read @w : tensor<4x2xf32>
    %h = incept.linear %f, %w {incept.path = "h"} : (tensor<2x2xf32>, tensor<4x2xf32>) -> tensor<2x4xf32>
    %aw = incept.read @aux : tensor<3x4xf32>
    // CHECK: %[[A:.*]] = incept.linear %{{.*}} {incept.path = "aux"}
    %a = incept.linear %h, %aw {incept.path = "aux"} : (tensor<2x4xf32>, tensor<3x4xf32>) -> tensor<2x3xf32>
    %mw = incept.read @main : tensor<3x4xf32>
    // CHECK: %[[M:.*]] = incept.linear %{{.*}} {incept.path = "main"}
    %m = incept.linear %h, %mw {incept.path = "main"} : (tensor<2x4xf32>, tensor<3x4xf32>) -> tensor<2x3xf32>
    incept.write @"io/logits", %m : tensor<2x3xf32>
    incept.write @"io/auxiliary_logits1", %a : tensor<2x3xf32>
    // CHECK: %[[LM:.*]] = incept.softmax_cross_entropy %[[M]], %[[T:.*]] {incept.path = "loss", label_smoothing = 1.000000e-01 : f64}
    // CHECK: %[[LA:.*]] = incept.softmax_cross_entropy %[[A]], %[[T]] {incept.path = "loss", label_smoothing = 1.000000e-01 : f64}
    // CHECK: %[[WA:.*]] = incept.scale %[[LA]] by 4.000000e-01
    // CHECK: %[[SUM:.*]] = incept.add_n %[[LM]], %[[WA]]
    // CHECK: incept.write @"io/loss", %[[SUM]]
    // CHECK: %[[DM:.*]] = incept.softmax_cross_entropy_backward %[[M]], %[[T]] {{.*}}weight = 1.000000e+00
    // CHECK: %[[DA:.*]] = incept.softmax_cross_entropy_backward %[[A]], %[[T]] {{.*}}weight = 4.000000e-01
    // CHECK: %[[HM:.*]] = incept.linear_backward_data %[[DM]], %{{.*}} {incept.path = "main"}
    // CHECK: %[[HA:.*]] = incept.linear_backward_data %[[DA]], %{{.*}} {incept.path = "aux"}
    // CHECK: %[[H:.*]] = incept.add_n %[[HA]], %[[HM]] {incept.path = "h"}
    // CHECK: incept.linear_backward_weights %{{.*}}, %[[H]] {incept.path = "h"}
    return
  }
}

// -----

// Nothing comes back through a factor of 0: the slice has no gradient, and needs no rule for one.
module {
  incept.variable @w kind parameter : tensor<2x1x1x1xf32>
  incept.variable @"io/f32_input" kind io role "f32_input" : tensor<2x1x1x1xf32>
  incept.variable @"io/labels" kind io role "labels" : tensor<2xi64>
  incept.variable @"io/loss" kind io role "loss" : tensor<f32>
  incept.variable @"io/logits" kind io role "logits" : tensor<2x3xf32>
  // CHECK-LABEL: func.func @forward_backward()
  func.func @forward_backward() attributes {incept.entry = #incept.entry<forward_backward>} {
    %x = incept.read @"io/f32_input" : tensor<2x1x1x1xf32>
    %w = incept.read @w : tensor<2x1x1x1xf32>
    %c = incept.conv2d %x, %w : (tensor<2x1x1x1xf32>, tensor<2x1x1x1xf32>) -> tensor<2x2x1x1xf32>
    %s = incept.slice %c at 0 : (tensor<2x2x1x1xf32>) -> tensor<2x1x1x1xf32>
    %z = incept.scale %s by 0.0 : (tensor<2x1x1x1xf32>) -> tensor<2x1x1x1xf32>
    %k = incept.concat %c, %z : (tensor<2x2x1x1xf32>, tensor<2x1x1x1xf32>) -> tensor<2x3x1x1xf32>
    %f = incept.flatten %k : (tensor<2x3x1x1xf32>) -> tensor<2x3xf32>
    incept.write @"io/logits", %f : tensor<2x3xf32>
    // CHECK: %[[D:.*]] = incept.flatten %{{.*}} : (tensor<2x3xf32>) -> tensor<2x3x1x1xf32>
    // CHECK: %[[DC:.*]] = incept.slice %[[D]] at 0 : (tensor<2x3x1x1xf32>) -> tensor<2x2x1x1xf32>
    // CHECK-NOT: incept.scale
    // CHECK: incept.conv2d_backward_weights %{{.*}}, %[[DC]]
    return
  }
}

// -----

// Nothing uses the first part of the split: its gradient is zero, and that of the second part still comes back.
module {
  incept.variable @w kind parameter : tensor<4x1x1x1xf32>
  incept.variable @"io/f32_input" kind io role "f32_input" : tensor<2x1x1x1xf32>
  incept.variable @"io/labels" kind io role "labels" : tensor<2xi64>
  incept.variable @"io/loss" kind io role "loss" : tensor<f32>
  incept.variable @"io/logits" kind io role "logits" : tensor<2x3xf32>
  // CHECK-LABEL: func.func @forward_backward()
  func.func @forward_backward() attributes {incept.entry = #incept.entry<forward_backward>} {
    %x = incept.read @"io/f32_input" : tensor<2x1x1x1xf32>
    %w = incept.read @w : tensor<4x1x1x1xf32>
    %c = incept.conv2d %x, %w : (tensor<2x1x1x1xf32>, tensor<4x1x1x1xf32>) -> tensor<2x4x1x1xf32>
    // CHECK: incept.split
    %s:2 = incept.split %c : (tensor<2x4x1x1xf32>) -> (tensor<2x1x1x1xf32>, tensor<2x3x1x1xf32>)
    %f = incept.flatten %s#1 : (tensor<2x3x1x1xf32>) -> tensor<2x3xf32>
    incept.write @"io/logits", %f : tensor<2x3xf32>
    // CHECK: %[[D:.*]] = incept.flatten %{{.*}} : (tensor<2x3xf32>) -> tensor<2x3x1x1xf32>
    // CHECK: %[[Z:.*]] = incept.zeros : tensor<2x1x1x1xf32>
    // CHECK: %[[DC:.*]] = incept.concat %[[Z]], %[[D]]
    // CHECK: %[[DW:.*]] = incept.conv2d_backward_weights %{{.*}}, %[[DC]]
    // CHECK: incept.write @"grad/w", %[[DW]]
    return
  }
}

// -----

// Nothing of the gradient comes back through a factor of 0: no position of a maximum is kept for it, be it behind the
// pool or before it.
module {
  incept.variable @a kind parameter : tensor<2x1x1x1xf32>
  incept.variable @w kind parameter : tensor<2x2xf32>
  incept.variable @"io/f32_input" kind io role "f32_input" : tensor<2x1x2x2xf32>
  incept.variable @"io/labels" kind io role "labels" : tensor<2xi64>
  incept.variable @"io/loss" kind io role "loss" : tensor<f32>
  incept.variable @"io/logits" kind io role "logits" : tensor<2x2xf32>
  // CHECK-LABEL: func.func @forward_backward
  func.func @forward_backward() attributes {incept.entry = #incept.entry<forward_backward>} {
    %x = incept.read @"io/f32_input" : tensor<2x1x2x2xf32>
    %a = incept.read @a : tensor<2x1x1x1xf32>
    %c = incept.conv2d %x, %a : (tensor<2x1x2x2xf32>, tensor<2x1x1x1xf32>) -> tensor<2x2x2x2xf32>
    // CHECK: %[[G:.*]] = incept.max_pool %{{.*}} kernel [2, 2] {incept.path = "zeroed"}
    %g = incept.max_pool %c kernel [2, 2] {incept.path = "zeroed"} : (tensor<2x2x2x2xf32>) -> tensor<2x2x1x1xf32>
    // CHECK: incept.scale %[[G]] by 0.0
    %z = incept.scale %g by 0.0 : (tensor<2x2x1x1xf32>) -> tensor<2x2x1x1xf32>
    // CHECK: %[[H:.*]] = incept.scale %{{.*}} by 0.0
    %h = incept.scale %c by 0.0 : (tensor<2x2x2x2xf32>) -> tensor<2x2x2x2xf32>
    // CHECK: incept.max_pool %[[H]] kernel [2, 2] {incept.path = "of_zeros"}
    %o = incept.max_pool %h kernel [2, 2] {incept.path = "of_zeros"} : (tensor<2x2x2x2xf32>) -> tensor<2x2x1x1xf32>
    // CHECK: incept.max_pool_with_index %{{.*}} kernel [2, 2] {incept.path = "kept"}
    %k = incept.max_pool %c kernel [2, 2] {incept.path = "kept"} : (tensor<2x2x2x2xf32>) -> tensor<2x2x1x1xf32>
    %t = incept.add %z, %o : (tensor<2x2x1x1xf32>, tensor<2x2x1x1xf32>) -> tensor<2x2x1x1xf32>
    %s = incept.add %t, %k : (tensor<2x2x1x1xf32>, tensor<2x2x1x1xf32>) -> tensor<2x2x1x1xf32>
    %f = incept.flatten %s : (tensor<2x2x1x1xf32>) -> tensor<2x2xf32>
    %w = incept.read @w : tensor<2x2xf32>
    %l = incept.linear %f, %w : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
    incept.write @"io/logits", %l : tensor<2x2xf32>
    // CHECK-COUNT-1: incept.max_pool_backward
    // CHECK-NOT: incept.max_pool_backward
    return
  }
}

// -----

// What is frozen has no gradient, and nothing before it has one; a batch norm of which nothing is trained keeps its
// running statistics and scales the gradient. Images that are mixed of two: both losses and both gradients.
module attributes {incept.training = {augmentation = {kind = "none", mixup = 0.2}, accumulate = 2 : i64}} {
  incept.variable @c.weight kind parameter frozen : tensor<2x1x2x2xf32>
  incept.variable @d.weight kind parameter : tensor<2x2x1x1xf32>
  incept.variable @bn.weight kind parameter frozen : tensor<2xf32>
  incept.variable @bn.bias kind parameter frozen : tensor<2xf32>
  incept.variable @bn.running_mean kind state : tensor<2xf32>
  incept.variable @bn.running_var kind state : tensor<2xf32>
  incept.variable @"io/f32_input" kind io role "f32_input" : tensor<2x1x2x2xf32>
  incept.variable @"io/labels" kind io role "labels" : tensor<2xi64>
  incept.variable @"io/loss" kind io role "loss" : tensor<f32>
  incept.variable @"io/logits" kind io role "logits" : tensor<2x2xf32>
  // CHECK-NOT: grad/c.weight
  // CHECK-NOT: grad/bn
  // CHECK: incept.variable @"grad/d.weight" kind gradient of @d.weight
  // CHECK-LABEL: func.func @forward_backward()
  func.func @forward_backward() attributes {incept.entry = #incept.entry<forward_backward>} {
    %x = incept.read @"io/f32_input" : tensor<2x1x2x2xf32>
    %w = incept.read @c.weight : tensor<2x1x2x2xf32>
    %d = incept.read @d.weight : tensor<2x2x1x1xf32>
    %g = incept.read @bn.weight : tensor<2xf32>
    %b = incept.read @bn.bias : tensor<2xf32>
    %m = incept.read @bn.running_mean : tensor<2xf32>
    %v = incept.read @bn.running_var : tensor<2xf32>
    // CHECK: %[[C:.*]] = incept.conv2d
    %c = incept.conv2d %x, %w {incept.path = "c"} : (tensor<2x1x2x2xf32>, tensor<2x1x2x2xf32>) -> tensor<2x2x1x1xf32>
    // CHECK: %[[D:.*]] = incept.conv2d %[[C]]
    %e = incept.conv2d %c, %d {incept.path = "d"} : (tensor<2x2x1x1xf32>, tensor<2x2x1x1xf32>) -> tensor<2x2x1x1xf32>
    // CHECK: %[[SCALE:.*]], %{{.*}} = incept.fold_batch_norm
    // CHECK: %[[N:.*]] = incept.scale_shift %[[D]], %{{.*}}, %[[SCALE]], %{{.*}} {incept.path = "bn"}
    %n = incept.batch_norm %e gamma %g beta %b mean %m variance %v {epsilon = 0.001 : f64, decay = 0.9 : f64, incept.path = "bn"} : (tensor<2x2x1x1xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<2x2x1x1xf32>
    // CHECK: %[[L:.*]] = incept.flatten %[[N]]
    %l = incept.flatten %n : (tensor<2x2x1x1xf32>) -> tensor<2x2xf32>
    incept.write @"io/logits", %l : tensor<2x2xf32>
    // CHECK-NOT: incept.write @bn.running
    // CHECK: %[[SHARE:.*]] = incept.step_value @share : tensor<f32>
    // CHECK: %[[OWN:.*]] = incept.softmax_cross_entropy %[[L]], %[[T:[a-z0-9]+]] {
    // CHECK: %[[OTHER:.*]] = incept.softmax_cross_entropy %[[L]], %[[T]] reversed {
    // CHECK: %[[LOSS:.*]] = incept.mix %[[OWN]], %[[OTHER]] share %[[SHARE]]
    // CHECK: incept.write @"io/loss", %[[LOSS]]
    // Each batch has half of the gradient of a step of two.
    // CHECK: %[[DA:.*]] = incept.softmax_cross_entropy_backward %[[L]], %[[T]] {{.*}}weight = 5.000000e-01
    // CHECK: %[[DB:.*]] = incept.softmax_cross_entropy_backward %[[L]], %[[T]] reversed {{.*}}weight = 5.000000e-01
    // CHECK: %[[DL:.*]] = incept.mix %[[DA]], %[[DB]] share %[[SHARE]]
    // CHECK: %[[DN:.*]] = incept.flatten %[[DL]]
    // CHECK: %[[ZERO:.*]] = incept.zeros {{.*}}: tensor<2xf32>
    // CHECK: %[[DD:.*]] = incept.scale_shift %[[DN]], %[[ZERO]], %[[SCALE]], %[[ZERO]]
    // CHECK-NOT: conv2d_backward_data
    // CHECK: %[[DW:.*]] = incept.conv2d_backward_weights %[[C]], %[[DD]]
    // CHECK: incept.write @"grad/d.weight", %[[DW]]
    // CHECK-NOT: conv2d_backward
    return
  }
}

// -----

// Squeeze and excitation: the gated value gets a gradient by the gate, the factors the sum of products over pixels, and
// the layer scale its own. An activation's gradient takes its operand.
module {
  incept.variable @scale.weight kind parameter : tensor<2xf32>
  incept.variable @c.weight kind parameter : tensor<2x1x1x1xf32>
  incept.variable @"io/f32_input" kind io role "f32_input" : tensor<2x1x4x4xf32>
  incept.variable @"io/labels" kind io role "labels" : tensor<2xi64>
  incept.variable @"io/loss" kind io role "loss" : tensor<f32>
  incept.variable @"io/logits" kind io role "logits" : tensor<2x32xf32>
  // CHECK-LABEL: func.func @forward_backward()
  func.func @forward_backward() attributes {incept.entry = #incept.entry<forward_backward>} {
    %x = incept.read @"io/f32_input" : tensor<2x1x4x4xf32>
    %w = incept.read @c.weight : tensor<2x1x1x1xf32>
    // CHECK: %[[C:.*]] = incept.conv2d
    %c = incept.conv2d %x, %w : (tensor<2x1x4x4xf32>, tensor<2x1x1x1xf32>) -> tensor<2x2x4x4xf32>
    // CHECK: %[[A:.*]] = incept.activate silu %[[C]]
    %a = incept.activate silu %c : (tensor<2x2x4x4xf32>) -> tensor<2x2x4x4xf32>
    // CHECK: %[[G:.*]] = incept.global_avg_pool %[[A]]
    %g = incept.global_avg_pool %a : (tensor<2x2x4x4xf32>) -> tensor<2x2x1x1xf32>
    // CHECK: %[[Y:.*]] = incept.gate %[[A]] by %[[G]]
    %y = incept.gate %a by %g : (tensor<2x2x4x4xf32>, tensor<2x2x1x1xf32>) -> tensor<2x2x4x4xf32>
    // CHECK: %[[V:.*]] = incept.read @scale.weight
    %v = incept.read @scale.weight : tensor<2xf32>
    // CHECK: %[[S:.*]] = incept.channel_affine %[[Y]], %[[V]] :
    %s = incept.channel_affine %y, %v : (tensor<2x2x4x4xf32>, tensor<2xf32>) -> tensor<2x2x4x4xf32>
    // CHECK: incept.flatten_pixels %[[S]]
    %l = incept.flatten_pixels %s : (tensor<2x2x4x4xf32>) -> tensor<2x32xf32>
    incept.write @"io/logits", %l : tensor<2x32xf32>
    // CHECK: %[[DS:.*]] = incept.unflatten_pixels
    // CHECK: %[[DY:.*]] = incept.channel_affine %[[DS]], %[[V]] :
    // CHECK: %[[P:.*]] = incept.multiply %[[DS]], %[[Y]]
    // CHECK: %[[DV:.*]] = incept.channel_sum %[[P]]
    // CHECK: incept.write @"grad/scale.weight", %[[DV]]
    // CHECK: %[[D1:.*]] = incept.gate %[[DY]] by %[[G]]
    // CHECK: %[[DG:.*]] = incept.gate_backward %[[DY]], %[[A]]
    // CHECK: %[[D2:.*]] = incept.global_avg_pool_backward %[[DG]]
    // CHECK: %[[DA:.*]] = incept.add_n %[[D2]], %[[D1]]
    // CHECK: incept.activate_backward silu %[[DA]], %[[C]]
    return
  }
}

// -----

// Normalisations by an image's own values: a softmax's gradient takes its result, the others' their operands.
module {
  incept.variable @c.weight kind parameter : tensor<4x1x1x1xf32>
  incept.variable @"io/f32_input" kind io role "f32_input" : tensor<2x1x2x2xf32>
  incept.variable @"io/labels" kind io role "labels" : tensor<2xi64>
  incept.variable @"io/loss" kind io role "loss" : tensor<f32>
  incept.variable @"io/logits" kind io role "logits" : tensor<2x16xf32>
  // CHECK-LABEL: func.func @forward_backward()
  func.func @forward_backward() attributes {incept.entry = #incept.entry<forward_backward>} {
    %x = incept.read @"io/f32_input" : tensor<2x1x2x2xf32>
    %w = incept.read @c.weight : tensor<4x1x1x1xf32>
    // CHECK: %[[C:.*]] = incept.conv2d
    %c = incept.conv2d %x, %w : (tensor<2x1x2x2xf32>, tensor<4x1x1x1xf32>) -> tensor<2x4x2x2xf32>
    // CHECK: %[[G:.*]] = incept.normalize_groups %[[C]] groups 2
    %g = incept.normalize_groups %c groups 2 epsilon 1.0e-3 : (tensor<2x4x2x2xf32>) -> tensor<2x4x2x2xf32>
    // CHECK: %[[L:.*]] = incept.local_response_norm %[[G]]
    %l = incept.local_response_norm %g size 3 alpha 0.5 beta 0.75 k 2.0 : (tensor<2x4x2x2xf32>) -> tensor<2x4x2x2xf32>
    // CHECK: %[[S:.*]] = incept.softmax %[[L]]
    %s = incept.softmax %l : (tensor<2x4x2x2xf32>) -> tensor<2x4x2x2xf32>
    %f = incept.flatten_pixels %s : (tensor<2x4x2x2xf32>) -> tensor<2x16xf32>
    incept.write @"io/logits", %f : tensor<2x16xf32>
    // CHECK: %[[DS:.*]] = incept.unflatten_pixels
    // CHECK: %[[DL:.*]] = incept.softmax_backward %[[DS]], %[[S]]
    // CHECK: %[[DG:.*]] = incept.local_response_norm_backward %[[DL]], %[[G]] size 3 alpha 5.000000e-01 beta 7.500000e-01 k 2.000000e+00
    // CHECK: incept.normalize_groups_backward %[[DG]], %[[C]] groups 2 epsilon 1.000000e-03
    return
  }
}

// -----

// A transposed convolution: its gradients are the convolution, and the gradient of weights with the roles exchanged. A
// resized image's comes back by the same mode, that of rows of pixels is the view back.
module {
  incept.variable @t.weight kind parameter : tensor<2x3x2x2xf32>
  incept.variable @t.bias kind parameter : tensor<3xf32>
  incept.variable @c.weight kind parameter : tensor<2x1x1x1xf32>
  incept.variable @"io/f32_input" kind io role "f32_input" : tensor<2x1x4x4xf32>
  incept.variable @"io/labels" kind io role "labels" : tensor<512xi64>
  incept.variable @"io/loss" kind io role "loss" : tensor<f32>
  incept.variable @"io/logits" kind io role "logits" : tensor<512x3xf32>
  // CHECK-LABEL: func.func @forward_backward()
  func.func @forward_backward() attributes {incept.entry = #incept.entry<forward_backward>} {
    %x = incept.read @"io/f32_input" : tensor<2x1x4x4xf32>
    %cw = incept.read @c.weight : tensor<2x1x1x1xf32>
    // CHECK: %[[C:.*]] = incept.conv2d
    %c = incept.conv2d %x, %cw : (tensor<2x1x4x4xf32>, tensor<2x1x1x1xf32>) -> tensor<2x2x4x4xf32>
    // CHECK: %[[W:.*]] = incept.read @t.weight
    %w = incept.read @t.weight : tensor<2x3x2x2xf32>
    %b = incept.read @t.bias : tensor<3xf32>
    // CHECK: %[[T:.*]] = incept.conv2d_backward_data %[[C]], %[[W]] stride [2, 2] :
    %t = incept.conv2d_backward_data %c, %w stride [2, 2] : (tensor<2x2x4x4xf32>, tensor<2x3x2x2xf32>) -> tensor<2x3x8x8xf32>
    // CHECK: incept.add_bias %[[T]]
    %a = incept.add_bias %t, %b : (tensor<2x3x8x8xf32>, tensor<3xf32>) -> tensor<2x3x8x8xf32>
    %r = incept.resize bilinear %a : (tensor<2x3x8x8xf32>) -> tensor<2x3x16x16xf32>
    %l = incept.pixel_rows %r : (tensor<2x3x16x16xf32>) -> tensor<512x3xf32>
    incept.write @"io/logits", %l : tensor<512x3xf32>
    // CHECK: %[[DL:.*]] = incept.softmax_cross_entropy_backward
    // CHECK: %[[DR:.*]] = incept.pixel_rows %[[DL]] : (tensor<512x3xf32>) -> tensor<2x3x16x16xf32>
    // CHECK: %[[DT:.*]] = incept.resize_backward bilinear %[[DR]]
    // CHECK: %[[DB:.*]] = incept.channel_sum %[[DT]]
    // CHECK: incept.write @"grad/t.bias", %[[DB]]
    // CHECK: %[[DC:.*]] = incept.conv2d %[[DT]], %[[W]] stride [2, 2] :
    // CHECK: %[[DW:.*]] = incept.conv2d_backward_weights %[[DT]], %[[C]] stride [2, 2] : {{.*}} -> tensor<2x3x2x2xf32>
    // CHECK: incept.write @"grad/t.weight", %[[DW]]
    // CHECK: incept.conv2d_backward_weights %{{.*}}, %[[DC]]
    return
  }
}

// -----

// Each of several outputs writes its own loss, before its weight; a label that is ignored goes to loss and gradient, and
// the loss says how many rows count.
module attributes {incept.outputs = ["fine", "coarse"], incept.training = {ignore_label = -1 : i64}} {
  incept.variable @w kind parameter : tensor<3x2xf32>
  incept.variable @v kind parameter : tensor<3x2xf32>
  incept.variable @"io/f32_input" kind io role "f32_input" : tensor<2x2x1x1xf32>
  incept.variable @"io/labels" kind io role "labels" : tensor<2xi64>
  incept.variable @"io/loss" kind io role "loss" : tensor<f32>
  incept.variable @"io/logits" kind io role "logits" : tensor<2x3xf32>
  incept.variable @"io/logits/coarse" kind io role "logits/coarse" : tensor<2x3xf32>
  incept.variable @"io/loss/fine" kind io role "loss/fine" : tensor<f32>
  incept.variable @"io/loss/coarse" kind io role "loss/coarse" : tensor<f32>
  // CHECK-LABEL: func.func @forward_backward()
  func.func @forward_backward() attributes {incept.entry = #incept.entry<forward_backward>, incept.loss_weights = array<f64: 1.0, 0.4>} {
    %x = incept.read @"io/f32_input" : tensor<2x2x1x1xf32>
    %f = incept.flatten %x : (tensor<2x2x1x1xf32>) -> tensor<2x2xf32>
    %w = incept.read @w : tensor<3x2xf32>
    %a = incept.linear %f, %w {incept.path = "fine"} : (tensor<2x2xf32>, tensor<3x2xf32>) -> tensor<2x3xf32>
    %v = incept.read @v : tensor<3x2xf32>
    %b = incept.linear %f, %v {incept.path = "coarse"} : (tensor<2x2xf32>, tensor<3x2xf32>) -> tensor<2x3xf32>
    incept.write @"io/logits", %a : tensor<2x3xf32>
    incept.write @"io/logits/coarse", %b : tensor<2x3xf32>
    // CHECK: %[[FINE:.*]], %[[N:.*]] = incept.softmax_cross_entropy %{{.*}}, %[[T:.*]] ignore -1 {{{.*}}} : {{.*}} -> (tensor<f32>, tensor<f32>)
    // CHECK: incept.write @"io/loss/fine", %[[FINE]]
    // CHECK: %[[COARSE:.*]], %[[M:.*]] = incept.softmax_cross_entropy %{{.*}}, %[[T]] ignore -1
    // CHECK: incept.write @"io/loss/coarse", %[[COARSE]]
    // CHECK: %[[PART:.*]] = incept.scale %[[COARSE]] by 4.000000e-01
    // CHECK: %[[SUM:.*]] = incept.add_n %[[FINE]], %[[PART]]
    // CHECK: incept.write @"io/loss", %[[SUM]]
    // CHECK: incept.softmax_cross_entropy_backward %{{.*}}, %[[T]] ignore -1 count %[[N]] {{.*}}weight = 1.000000e+00
    // CHECK: incept.softmax_cross_entropy_backward %{{.*}}, %[[T]] ignore -1 count %[[M]] {{.*}}weight = 4.000000e-01
    return
  }
}
