// RUN: incept-trainer-opt %s --incept-to-training | FileCheck %s --check-prefix=TRAINING
// RUN: incept-trainer-opt %s --incept-to-training=precision=f16 | FileCheck %s --check-prefix=F16
// RUN: incept-trainer-opt %s --incept-to-training --incept-to-fused --incept-to-layout --incept-to-planned --incept-to-exec | FileCheck %s --check-prefix=EXEC

// An optimizer and a loss that the compiler does not know go all the way to launches.
!x = tensor<2x16x6x6xf32>
module attributes {incept.mode = "train", incept.target = #incept.target<fake>, incept.training = {loss = "brier", optimizer = {kind = "adamw_of_tests"}}} {
  incept.variable @first.weight kind parameter decay : tensor<16x3x1x1xf32>
  incept.variable @first.bias kind parameter : tensor<16xf32>
  incept.variable @last.weight kind parameter decay : tensor<3x16x6x6xf32>
  incept.variable @last.bias kind parameter : tensor<3xf32>
  func.func @network(%images: tensor<2x3x6x6xf32>) -> tensor<2x3xf32> {
    %fw = incept.read @first.weight : tensor<16x3x1x1xf32>
    %fb = incept.read @first.bias : tensor<16xf32>
    %x = incept.conv2d %images, %fw bias %fb {incept.path = "first"} : (tensor<2x3x6x6xf32>, tensor<16x3x1x1xf32>, tensor<16xf32>) -> !x
    %h = incept.relu %x {incept.path = "relu"} : (!x) -> !x
    %lw = incept.read @last.weight : tensor<3x16x6x6xf32>
    %lb = incept.read @last.bias : tensor<3xf32>
    %l = incept.conv2d %h, %lw bias %lb {incept.path = "last"} : (!x, tensor<3x16x6x6xf32>, tensor<3xf32>) -> tensor<2x3x1x1xf32>
    %logits = incept.flatten %l : (tensor<2x3x1x1xf32>) -> tensor<2x3xf32>
    return %logits : tensor<2x3xf32>
  }
}

// TRAINING-DAG: incept.step_field @step : i64
// TRAINING-DAG: incept.step_field @beta2 : f32
// TRAINING-LABEL: func.func @forward_backward
// TRAINING: %[[LOSS:.*]] = trainer.brier %[[LOGITS:.*]], %[[LABELS:.*]] {incept.path = "loss"} : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<f32>
// TRAINING: incept.write @"io/loss", %[[LOSS]]
// TRAINING: trainer.brier_backward %[[LOGITS]], %[[LABELS]] {incept.path = "loss", weight = 1.000000e+00 : f64}
// Weights are updated as soon as their gradient is there.
// TRAINING: %[[W:.*]] = incept.conv2d_backward_weights {{.*}}incept.path = "last"
// TRAINING: %[[NEW:.*]], %[[M:.*]], %[[V:.*]] = trainer.adamw_update %{{.*}}, %[[W]], {{.*}} decay {incept.path = "last.weight"}
// TRAINING-DAG: incept.write @last.weight, %[[NEW]]
// TRAINING-DAG: incept.write @"first_moment/last.weight", %[[M]]
// TRAINING-DAG: incept.write @"second_moment/last.weight", %[[V]]
// TRAINING: return
// TRAINING-DAG: incept.variable @"first_moment/first.weight" kind slot of @first.weight role "first_moment" init {kind = "constant", value = 0.000000e+00 : f64} : tensor<16x3x1x1xf32>
// TRAINING-DAG: incept.variable @"second_moment/last.bias" kind slot of @last.bias role "second_moment"
// TRAINING-LABEL: func.func @update
// TRAINING-DAG: %[[STEP:.*]] = incept.step_value @step : tensor<i64>
// TRAINING: trainer.adamw_update {{.*}}, %[[STEP]] {incept.path = "first.bias"}
// TRAINING: trainer.adamw_update {{.*}}, %[[STEP]] {incept.path = "last.bias"}

// The loss is scaled, gradients are unscaled, and an update writes the copy that is read in low precision.
// F16-LABEL: func.func @forward_backward
// F16: trainer.brier %[[LOGITS:.*]], %{{.*}} : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<f32>
// F16: trainer.brier_backward %[[LOGITS]], %{{.*}}, %{{.*}} : (tensor<2x3xf32>, tensor<2xi64>, tensor<f32>) -> tensor<2x3xf16>
// F16-LABEL: func.func @update
// F16: %[[UNSCALE:.*]], %{{.*}}, %{{.*}} = incept.loss_scale_update
// F16: %{{.*}}, %{{.*}}, %{{.*}}, %[[COPY:.*]] = trainer.adamw_update {{.*}}, %[[UNSCALE]] decay {incept.path = "first.weight"}
// F16-SAME: tensor<16x3x1x1xf16>)
// F16: incept.write @"copy/first.weight", %[[COPY]]

// Neighbours in memory are updated by one launch: 16 values, and 3 that begin where these end.
// EXEC-DAG: incept.exec.field "step" of @step at 0 : i64
// EXEC-DAG: incept.exec.field "epsilon" of @step at {{[0-9]+}} : f32
// EXEC-DAG: incept.exec.kernel_def @[[BRIER:k[0-9]+_brier]] opaque
// EXEC-LABEL: func.func @forward_backward
// EXEC: incept.exec.kernel @[[BRIER]] {{.*}} extents [2, 3, 3] units 1
// EXEC: incept.exec.kernel @{{k[0-9]+_brier_backward}} {{.*}} extents [2, 3, 3, 3] units 2
// EXEC-LABEL: func.func @update
// EXEC: incept.exec.kernel @{{k[0-9]+_adamw_update}} {{.*}} memref<i64>) {{.*}} extents [19] units 1
// EXEC-SAME: incept.flops = 304
// EXEC-NOT: incept.exec.kernel
// EXEC: return
