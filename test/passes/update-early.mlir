// RUN: incept-opt %s -split-input-file --incept-update-early | FileCheck %s

incept.step_field @learning_rate : f32
// The weights are updated behind their gradient and the last use of their old value; the bias stays in @update.
// CHECK-LABEL: module
//   CHECK-NOT:   incept.variable @"grad/w"
//       CHECK:   incept.variable @"grad/b"
// CHECK-LABEL: func.func @forward_backward
//       CHECK:   %[[RATE:.+]] = incept.step_value @learning_rate
//       CHECK:   %[[DW:.+]] = incept.linear_backward_weights
//       CHECK:   incept.linear_backward_data
//       CHECK:   %[[OLD:.+]] = incept.read @w
//       CHECK:   %[[V:.+]] = incept.read @"momentum/w"
//       CHECK:   %[[NEW:.+]], %[[NEWV:.+]] = incept.sgd_update %[[OLD]], %[[DW]], %[[V]] rate %[[RATE]]
//       CHECK:   incept.write @w, %[[NEW]]
//       CHECK:   incept.write @"momentum/w", %[[NEWV]]
// CHECK-LABEL: func.func @update
//   CHECK-NOT:   @w
//       CHECK:   incept.read @"grad/b"
//       CHECK:   incept.write @b
incept.variable @w kind parameter decay : tensor<2x3xf32>
incept.variable @b kind parameter : tensor<2xf32>
incept.variable @x kind io role "x" : tensor<4x3xf32>
incept.variable @dx kind io role "dx" : tensor<4x3xf32>
incept.variable @d kind io role "d" : tensor<4x2xf32>
incept.variable @"grad/w" kind gradient of @w : tensor<2x3xf32>
incept.variable @"grad/b" kind gradient of @b : tensor<2xf32>
incept.variable @"momentum/w" kind slot of @w role "momentum" : tensor<2x3xf32>
incept.variable @"momentum/b" kind slot of @b role "momentum" : tensor<2xf32>
func.func @forward_backward() attributes {incept.entry = #incept.entry<forward_backward>} {
  %w = incept.read @w : tensor<2x3xf32>
  %x = incept.read @x : tensor<4x3xf32>
  %d = incept.read @d : tensor<4x2xf32>
  %dw = incept.linear_backward_weights %x, %d : (tensor<4x3xf32>, tensor<4x2xf32>) -> tensor<2x3xf32>
  incept.write @"grad/w", %dw : tensor<2x3xf32>
  %db = incept.channel_sum %d : (tensor<4x2xf32>) -> tensor<2xf32>
  incept.write @"grad/b", %db : tensor<2xf32>
  %dx = incept.linear_backward_data %d, %w : (tensor<4x2xf32>, tensor<2x3xf32>) -> tensor<4x3xf32>
  incept.write @dx, %dx : tensor<4x3xf32>
  return
}
func.func @update() attributes {incept.entry = #incept.entry<update>} {
  %rate = incept.step_value @learning_rate : tensor<f32>
  %w = incept.read @w : tensor<2x3xf32>
  %dw = incept.read @"grad/w" : tensor<2x3xf32>
  %vw = incept.read @"momentum/w" : tensor<2x3xf32>
  %nw:2 = incept.sgd_update %w, %dw, %vw rate %rate momentum %rate weight_decay %rate decay : (tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<f32>, tensor<f32>, tensor<f32>) -> (tensor<2x3xf32>, tensor<2x3xf32>)
  incept.write @w, %nw#0 : tensor<2x3xf32>
  incept.write @"momentum/w", %nw#1 : tensor<2x3xf32>
  %b = incept.read @b : tensor<2xf32>
  %db = incept.read @"grad/b" : tensor<2xf32>
  %vb = incept.read @"momentum/b" : tensor<2xf32>
  %nb:2 = incept.sgd_update %b, %db, %vb rate %rate momentum %rate weight_decay %rate : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<f32>, tensor<f32>, tensor<f32>) -> (tensor<2xf32>, tensor<2xf32>)
  incept.write @b, %nb#0 : tensor<2xf32>
  incept.write @"momentum/b", %nb#1 : tensor<2xf32>
  return
}

// -----

// Gradients that are results stay.
// CHECK-LABEL: module
//       CHECK: incept.variable @"grad/w"
// CHECK-LABEL: func.func @forward_backward
//       CHECK:   incept.write @"grad/w"
// CHECK-LABEL: func.func @update
//       CHECK:   incept.sgd_update
module attributes {incept.keep_gradients} {
  incept.step_field @learning_rate : f32
  incept.variable @w kind parameter : tensor<2x3xf32>
  incept.variable @x kind io role "x" : tensor<4x3xf32>
  incept.variable @d kind io role "d" : tensor<4x2xf32>
  incept.variable @"grad/w" kind gradient of @w : tensor<2x3xf32>
  incept.variable @"momentum/w" kind slot of @w role "momentum" : tensor<2x3xf32>
  func.func @forward_backward() attributes {incept.entry = #incept.entry<forward_backward>} {
    %x = incept.read @x : tensor<4x3xf32>
    %d = incept.read @d : tensor<4x2xf32>
    %dw = incept.linear_backward_weights %x, %d : (tensor<4x3xf32>, tensor<4x2xf32>) -> tensor<2x3xf32>
    incept.write @"grad/w", %dw : tensor<2x3xf32>
    return
  }
  func.func @update() attributes {incept.entry = #incept.entry<update>} {
    %rate = incept.step_value @learning_rate : tensor<f32>
    %w = incept.read @w : tensor<2x3xf32>
    %dw = incept.read @"grad/w" : tensor<2x3xf32>
    %vw = incept.read @"momentum/w" : tensor<2x3xf32>
    %nw:2 = incept.sgd_update %w, %dw, %vw rate %rate momentum %rate weight_decay %rate : (tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<f32>, tensor<f32>, tensor<f32>) -> (tensor<2x3xf32>, tensor<2x3xf32>)
    incept.write @w, %nw#0 : tensor<2x3xf32>
    incept.write @"momentum/w", %nw#1 : tensor<2x3xf32>
    return
  }
}

// -----

// The copy in low precision is written behind its last reader; an update that waits for all gradients stays.
// CHECK-LABEL: func.func @forward_backward
//       CHECK:   %[[OLD:.+]] = incept.read @"copy/w"
//       CHECK:   %[[DW:.+]] = incept.linear_backward_weights
//   CHECK-NOT:   incept.sgd_update
//       CHECK:   incept.linear_backward_data {{.*}}, %[[OLD]]
//       CHECK:   %[[NEW:.+]], %[[V:.+]], %[[COPY:.+]] = incept.sgd_update {{.*}}, %[[DW]],
//       CHECK:   incept.write @"copy/w", %[[COPY]]
//       CHECK:   incept.write @"grad/u"
//   CHECK-NOT:   incept.sgd_update
// CHECK-LABEL: func.func @update
//       CHECK:   incept.sgd_update {{.*}} unscale
//   CHECK-NOT:   incept.sgd_update
module {
  incept.step_field @learning_rate : f32
  incept.variable @w kind parameter : tensor<2x3xf32>
  incept.variable @u kind parameter : tensor<2x3xf32>
  incept.variable @"copy/w" kind copy of @w : tensor<2x3xbf16>
  incept.variable @x kind io role "x" : tensor<4x3xbf16>
  incept.variable @d kind io role "d" : tensor<4x2xbf16>
  incept.variable @"grad/w" kind gradient of @w : tensor<2x3xbf16>
  incept.variable @"grad/u" kind gradient of @u : tensor<2x3xbf16>
  incept.variable @"momentum/w" kind slot of @w role "momentum" : tensor<2x3xf32>
  incept.variable @"momentum/u" kind slot of @u role "momentum" : tensor<2x3xf32>
  func.func @forward_backward() attributes {incept.entry = #incept.entry<forward_backward>} {
    %w = incept.read @"copy/w" : tensor<2x3xbf16>
    %x = incept.read @x : tensor<4x3xbf16>
    %d = incept.read @d : tensor<4x2xbf16>
    %dw = incept.linear_backward_weights %x, %d : (tensor<4x3xbf16>, tensor<4x2xbf16>) -> tensor<2x3xbf16>
    incept.write @"grad/w", %dw : tensor<2x3xbf16>
    %dx = incept.linear_backward_data %d, %w : (tensor<4x2xbf16>, tensor<2x3xbf16>) -> tensor<4x3xbf16>
    incept.write @x, %dx : tensor<4x3xbf16>
    %du = incept.linear_backward_weights %dx, %d : (tensor<4x3xbf16>, tensor<4x2xbf16>) -> tensor<2x3xbf16>
    incept.write @"grad/u", %du : tensor<2x3xbf16>
    return
  }
  func.func @update() attributes {incept.entry = #incept.entry<update>} {
    %rate = incept.step_value @learning_rate : tensor<f32>
    %w = incept.read @w : tensor<2x3xf32>
    %dw = incept.read @"grad/w" : tensor<2x3xbf16>
    %vw = incept.read @"momentum/w" : tensor<2x3xf32>
    %nw:3 = incept.sgd_update %w, %dw, %vw rate %rate momentum %rate weight_decay %rate : (tensor<2x3xf32>, tensor<2x3xbf16>, tensor<2x3xf32>, tensor<f32>, tensor<f32>, tensor<f32>) -> (tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xbf16>)
    incept.write @w, %nw#0 : tensor<2x3xf32>
    incept.write @"momentum/w", %nw#1 : tensor<2x3xf32>
    incept.write @"copy/w", %nw#2 : tensor<2x3xbf16>
    %du = incept.read @"grad/u" : tensor<2x3xbf16>
    %bad = incept.count_nonfinite %du : (tensor<2x3xbf16>) -> tensor<f32>
    %s:3 = incept.loss_scale_update %bad, %rate, %rate every 2 : (tensor<f32>, tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>, tensor<f32>)
    %u = incept.read @u : tensor<2x3xf32>
    %vu = incept.read @"momentum/u" : tensor<2x3xf32>
    %nu:2 = incept.sgd_update %u, %du, %vu rate %rate momentum %rate weight_decay %rate unscale %s#0 : (tensor<2x3xf32>, tensor<2x3xbf16>, tensor<2x3xf32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>) -> (tensor<2x3xf32>, tensor<2x3xf32>)
    incept.write @u, %nu#0 : tensor<2x3xf32>
    incept.write @"momentum/u", %nu#1 : tensor<2x3xf32>
    return
  }
}
