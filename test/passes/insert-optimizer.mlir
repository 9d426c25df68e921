// RUN: split-file %s %t
// RUN: incept-opt %t/sgd.mlir -incept-insert-optimizer | FileCheck %s --check-prefix=SGD
// RUN: incept-opt %t/rmsprop.mlir -incept-insert-optimizer | FileCheck %s --check-prefix=RMS
// RUN: incept-opt %t/steps.mlir -incept-insert-optimizer | FileCheck %s --check-prefix=STEPS
// RUN: incept-opt %t/value.mlir -incept-insert-optimizer | FileCheck %s --check-prefix=VALUE
// RUN: incept-opt %t/lamb.mlir -incept-insert-optimizer | FileCheck %s --check-prefix=LAMB
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

//--- steps.mlir
// Two batches of a step, the norm of all gradients, averages, a parameter that is not trained, and a rate of its own.
module attributes {incept.training = {optimizer = {kind = "lars"}, clip_norm = 1.0, ema = 0.9, accumulate = 2 : i64}} {
  incept.variable @w kind parameter decay : tensor<3x4xf32>
  incept.variable @b kind parameter rate 10.0 : tensor<3xf32>
  incept.variable @fixed kind parameter frozen : tensor<3xf32>
  incept.variable @m kind state : tensor<3xf32>
  incept.variable @never kind state : tensor<3xf32>
  incept.variable @"grad/w" kind gradient of @w : tensor<3x4xf32>
  incept.variable @"grad/b" kind gradient of @b : tensor<3xf32>
  // STEPS-LABEL: func.func @forward_backward()
  // STEPS: %[[PART:.*]] = incept.step_value @part : tensor<i64>
  func.func @forward_backward() attributes {incept.entry = #incept.entry<forward_backward>} {
    // STEPS: %[[DW:.*]] = incept.zeros {{.*}} : tensor<3x4xf32>
    %dw = incept.zeros {incept.path = "w"} : tensor<3x4xf32>
    %db = incept.zeros {incept.path = "b"} : tensor<3xf32>
    // STEPS: %[[OLD:.*]] = incept.read @"grad/w"
    // STEPS: %[[SUM:.*]] = incept.add %[[DW]], %[[OLD]] {incept.path = "w"}
    // STEPS: %[[WHOLE:.*]] = incept.select %[[PART]], %[[SUM]], %[[DW]] {incept.path = "w"}
    // STEPS: incept.write @"grad/w", %[[WHOLE]]
    incept.write @"grad/w", %dw : tensor<3x4xf32>
    incept.write @"grad/b", %db : tensor<3xf32>
    incept.write @m, %db : tensor<3xf32>
    return
  }
  // STEPS-NOT: fixed
  // STEPS-DAG: incept.variable @"ema/w" kind slot of @w role "ema" init {kind = "copy"} : tensor<3x4xf32>
  // STEPS-DAG: incept.variable @"ema/m" kind slot of @m role "ema" init {kind = "copy"} : tensor<3xf32>
  // STEPS-LABEL: func.func @update()
  // STEPS-DAG: %[[LR:.*]] = incept.step_value @learning_rate
  // STEPS-DAG: %[[SLOWER:.*]] = incept.scale %[[LR]] by 1.000000e+01
  // STEPS-DAG: %[[ZERO:.*]] = incept.zeros {incept.path = "lars"} : tensor<f32>
  // STEPS-DAG: %[[EMA:.*]] = incept.step_value @ema
  // STEPS-DAG: %[[STEP:.*]] = incept.step_value @step : tensor<i64>
  // STEPS: %[[GW:.*]] = incept.read @"grad/w"
  // STEPS: %[[GB:.*]] = incept.read @"grad/b"
  // STEPS: %[[ALL:.*]] = incept.sum_squares %[[GW]], %[[GB]]
  // STEPS: %[[MOST:.*]] = incept.step_value @clip_norm
  // STEPS: %[[FACTOR:.*]] = incept.clip_factor %[[ALL]] limit %[[MOST]]
  // STEPS: %[[W:.*]] = incept.read @w
  // STEPS: %[[WS:.*]] = incept.sum_squares %[[W]] {incept.path = "w"}
  // STEPS: %[[GS:.*]] = incept.sum_squares %[[GW]] {incept.path = "w"}
  // STEPS: %[[NEW:.*]], %{{.*}} = incept.lars_update %[[W]], %[[GW]], {{.*}} rate %[[LR]] {{.*}} squares %[[WS]], %[[GS]] unscale %[[FACTOR]] decay
  // STEPS: %[[MEAN:.*]] = incept.read @"ema/w"
  // STEPS: %[[NEXT:.*]] = incept.average_update %[[MEAN]], %[[NEW]] decay %[[EMA]] step %[[STEP]]
  // STEPS: incept.write @"ema/w", %[[NEXT]]
  // STEPS: incept.lars_update {{.*}}, %[[GB]], {{.*}} rate %[[SLOWER]] {{.*}} squares %[[ZERO]], %[[ZERO]] unscale %[[FACTOR]] {
  // STEPS-NOT: lars_update
  // STEPS: %[[M:.*]] = incept.read @m
  // STEPS: incept.average_update %{{.*}}, %[[M]]
  // STEPS-NOT: average_update
}

//--- value.mlir
// Each element of the gradients.
module attributes {incept.training = {optimizer = {kind = "sgd"}, clip_value = 0.5}} {
  incept.variable @w kind parameter decay : tensor<3x4xf32>
  incept.variable @"grad/w" kind gradient of @w : tensor<3x4xf32>
  func.func @forward_backward() attributes {incept.entry = #incept.entry<forward_backward>} {
    return
  }
  // VALUE-LABEL: func.func @update()
  // VALUE: %[[MOST:.*]] = incept.step_value @clip_value
  // VALUE: %[[G:.*]] = incept.read @"grad/w"
  // VALUE: %[[CLIPPED:.*]] = incept.clip %[[G]] limit %[[MOST]] {incept.path = "w"}
  // VALUE: incept.sgd_update %{{.*}}, %[[CLIPPED]],
}

//--- lamb.mlir
// The norm of the direction, where there is decay: it knows the clipped gradient, and neither norms nor the rate.
module attributes {incept.training = {optimizer = {kind = "lamb"}, clip_norm = 1.0}} {
  incept.variable @w kind parameter decay rate 10.0 : tensor<3x4xf32>
  incept.variable @b kind parameter : tensor<3xf32>
  incept.variable @"grad/w" kind gradient of @w : tensor<3x4xf32>
  incept.variable @"grad/b" kind gradient of @b : tensor<3xf32>
  func.func @forward_backward() attributes {incept.entry = #incept.entry<forward_backward>} {
    return
  }
  // LAMB-LABEL: func.func @update()
  // LAMB: %[[LR:.*]] = incept.step_value @learning_rate
  // LAMB: %[[SCALED:.*]] = incept.scale %[[LR]] by 1.000000e+01
  // LAMB: %[[B1:.*]] = incept.step_value @beta1
  // LAMB: %[[B2:.*]] = incept.step_value @beta2
  // LAMB: %[[EPS:.*]] = incept.step_value @epsilon
  // LAMB: %[[WD:.*]] = incept.step_value @weight_decay
  // LAMB: %[[T:.*]] = incept.step_value @step
  // LAMB: %[[FACTOR:.*]] = incept.clip_factor
  // LAMB: %[[W:.*]] = incept.read @w
  // LAMB: %[[M:.*]] = incept.read @"first_moment/w"
  // LAMB: %[[V:.*]] = incept.read @"second_moment/w"
  // LAMB: %[[D:.*]] = incept.lamb_direction %[[W]], %[[G:.*]], %[[M]], %[[V]] betas %[[B1]], %[[B2]] epsilon %[[EPS]] weight_decay %[[WD]] step %[[T]] unscale %[[FACTOR]] {incept.path = "w"}
  // LAMB: %[[SIZE:.*]] = incept.sum_squares %[[W]]
  // LAMB: %[[LENGTH:.*]] = incept.sum_squares %[[D]]
  // LAMB: incept.lamb_update %[[W]], %[[G]], %[[M]], %[[V]] rate %[[SCALED]] betas %[[B1]], %[[B2]] epsilon %[[EPS]] weight_decay %[[WD]] step %[[T]] squares %[[SIZE]], %[[LENGTH]] unscale %[[FACTOR]] decay
  // LAMB-NOT: lamb_direction
  // LAMB: incept.lamb_update {{.*}} rate %[[LR]] {{.*}} squares %[[ZERO:.*]], %[[ZERO]] unscale %[[FACTOR]] {incept.path = "b"}
}

//--- infer.mlir
// Nothing is trained without @forward_backward.
module {
  incept.variable @w kind parameter decay : tensor<3x4xf32>
  // INFER-NOT: @update
}
