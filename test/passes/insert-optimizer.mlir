// RUN: split-file %s %t
// RUN: incept-opt %t/sgd.mlir -incept-insert-optimizer | FileCheck %s --check-prefix=SGD
// RUN: incept-opt %t/rmsprop.mlir -incept-insert-optimizer | FileCheck %s --check-prefix=RMS
// RUN: incept-opt %t/infer.mlir -incept-insert-optimizer | FileCheck %s --check-prefix=INFER

//--- sgd.mlir
module attributes {incept.training = {optimizer = {kind = "sgd", momentum = 0.9}}} {
  incept.variable @w kind parameter decay : tensor<3x4xf32>
  incept.variable @b kind parameter : tensor<3xf32>
  incept.variable @m kind state : tensor<3xf32>
  incept.variable @"grad/w" kind gradient of @w : tensor<3x4xf32>
  incept.variable @"grad/b" kind gradient of @b : tensor<3xf32>
  func.func @forward_backward() attributes {incept.entry = #incept.entry<forward_backward>} {
    return
  }
  // SGD-DAG: incept.variable @"momentum/w" kind slot of @w role "momentum" init {kind = "constant", value = 0.000000e+00 : f64} : tensor<3x4xf32>
  // SGD-DAG: incept.variable @"momentum/b" kind slot of @b role "momentum" init {kind = "constant", value = 0.000000e+00 : f64} : tensor<3xf32>
  // SGD-NOT: mean_square
  // SGD-NOT: momentum/m
  // SGD-LABEL: func.func @update()
  // SGD-DAG: %[[LR:.*]] = incept.step_value @learning_rate : tensor<f32>
  // SGD-DAG: %[[MOM:.*]] = incept.step_value @momentum : tensor<f32>
  // SGD-DAG: %[[WD:.*]] = incept.step_value @weight_decay : tensor<f32>
  // SGD: %[[W:.*]] = incept.read @w
  // SGD: %[[G:.*]] = incept.read @"grad/w"
  // SGD: %[[V:.*]] = incept.read @"momentum/w"
  // SGD: %[[NEW:.*]], %[[NEWV:.*]] = incept.sgd_update %[[W]], %[[G]], %[[V]] rate %[[LR]] momentum %[[MOM]] weight_decay %[[WD]] decay
  // SGD: incept.write @w, %[[NEW]]
  // SGD: incept.write @"momentum/w", %[[NEWV]]
  // A parameter that is not marked has no decay.
  // SGD: incept.sgd_update {{.*}} weight_decay %[[WD]] {incept.path = "b"}
  // SGD-NOT: sgd_update
}

//--- rmsprop.mlir
module attributes {incept.training = {optimizer = {kind = "rmsprop", momentum = 0.9, decay = 0.9, epsilon = 1.0}}} {
  incept.variable @w kind parameter decay : tensor<3x4xf32>
  incept.variable @"grad/w" kind gradient of @w : tensor<3x4xf32>
  func.func @forward_backward() attributes {incept.entry = #incept.entry<forward_backward>} {
    return
  }
  // RMS-DAG: incept.variable @"momentum/w" kind slot of @w role "momentum" init {kind = "constant", value = 0.000000e+00 : f64}
  // RMS-DAG: incept.variable @"mean_square/w" kind slot of @w role "mean_square" init {kind = "constant", value = 1.000000e+00 : f64}
  // RMS-LABEL: func.func @update()
  // RMS-DAG: %[[LR:.*]] = incept.step_value @learning_rate
  // RMS-DAG: %[[MOM:.*]] = incept.step_value @momentum
  // RMS-DAG: %[[WD:.*]] = incept.step_value @weight_decay
  // RMS-DAG: %[[RD:.*]] = incept.step_value @rms_decay
  // RMS-DAG: %[[EPS:.*]] = incept.step_value @rms_epsilon
  // RMS: %[[P:.*]] = incept.read @w
  // RMS: %[[G:.*]] = incept.read @"grad/w"
  // RMS: %[[S:.*]] = incept.read @"mean_square/w"
  // RMS: %[[V:.*]] = incept.read @"momentum/w"
  // RMS: %[[NP:.*]], %[[NS:.*]], %[[NV:.*]] = incept.rmsprop_update %[[P]], %[[G]], %[[S]], %[[V]] rate %[[LR]] momentum %[[MOM]] rms_decay %[[RD]] epsilon %[[EPS]] weight_decay %[[WD]] decay
  // RMS: incept.write @w, %[[NP]]
  // RMS: incept.write @"mean_square/w", %[[NS]]
  // RMS: incept.write @"momentum/w", %[[NV]]
}

//--- infer.mlir
// Nothing is trained without @forward_backward.
module {
  incept.variable @w kind parameter decay : tensor<3x4xf32>
  // INFER-NOT: @update
}
