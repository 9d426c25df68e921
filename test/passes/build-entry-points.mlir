// RUN: split-file %s %t
// RUN: incept-opt %t/train.mlir -incept-build-entry-points | FileCheck %s --check-prefix=TRAIN
// RUN: incept-opt %t/infer.mlir -incept-build-entry-points | FileCheck %s --check-prefix=INFER
// RUN: incept-opt %t/auxiliary.mlir -incept-build-entry-points | FileCheck %s --check-prefix=AUX
// RUN: sed 's/"train"/"infer"/' %t/auxiliary.mlir | incept-opt -incept-build-entry-points | FileCheck %s --check-prefix=AUX-INFER
// RUN: incept-opt %t/pixels.mlir -incept-build-entry-points | FileCheck %t/pixels.mlir --check-prefix=PIXELS
// RUN: incept-opt %t/outputs.mlir -incept-build-entry-points | FileCheck %t/outputs.mlir --check-prefix=OUTPUTS
// RUN: sed 's/"coarse"]/"coarse", "more"]/' %t/outputs.mlir | not incept-opt -incept-build-entry-points 2>&1 | FileCheck %t/outputs.mlir --check-prefix=MANY

//--- train.mlir
// Every function has its copy of the network; dropout is random in training and absent in inference.
module attributes {incept.mode = "train", incept.normalization = {mean = array<f64: 0.5>, std = array<f64: 0.25>}} {
  incept.variable @fc.weight kind parameter : tensor<3x4xf32>
  // TRAIN: incept.variable @fc.weight
  // TRAIN: incept.variable @"io/u8_images" kind io role "u8_images" : tensor<2x2x2x1xui8>
  // TRAIN: incept.variable @"io/f32_images" kind io role "f32_images" : tensor<2x1x2x2xf32>
  // TRAIN: incept.variable @"io/f32_input" kind io role "f32_input" : tensor<2x1x2x2xf32>
  // TRAIN: incept.variable @"io/labels" kind io role "labels" : tensor<2xi64>
  // TRAIN: incept.variable @"io/loss" kind io role "loss" : tensor<f32>
  // TRAIN: incept.variable @"io/logits" kind io role "logits" : tensor<2x1xf32>

  // TRAIN-LABEL: func.func @stage_u8()
  // TRAIN: %[[U:.*]] = incept.read @"io/u8_images"
  // TRAIN: %[[N:.*]] = incept.normalize_image %[[U]] {mean = array<f64: 5.000000e-01>, std = array<f64: 2.500000e-01>} : (tensor<2x2x2x1xui8>) -> tensor<2x1x2x2xf32>
  // TRAIN: incept.write @"io/f32_input", %[[N]]

  // TRAIN-LABEL: func.func @stage_f32()
  // TRAIN: %[[F:.*]] = incept.read @"io/f32_images"
  // TRAIN: %[[I:.*]] = incept.import_image %[[F]]
  // TRAIN: incept.write @"io/f32_input", %[[I]]

  // TRAIN-LABEL: func.func @forward_backward()
  // TRAIN-DAG: %[[SEED:.*]] = incept.step_value @seed : tensor<i64>
  // TRAIN-DAG: %[[STEP:.*]] = incept.step_value @step : tensor<i64>
  // TRAIN-DAG: %[[BASE:.*]] = incept.step_value @sample_base : tensor<i64>
  // TRAIN-DAG: %[[X:.*]] = incept.read @"io/f32_input"
  // TRAIN: %[[P:.*]] = incept.global_avg_pool %[[X]]
  // TRAIN: %[[L:.*]] = incept.flatten %[[P]]
  // The streams of two dropouts differ, and are those of all compilations: XXH3-64 of "drop1" and "drop2".
  // TRAIN: %[[D:.*]] = incept.dropout %[[L]], %[[SEED]], %[[STEP]], %[[BASE]] {incept.path = "drop1", keep = 8.000000e-01 : f64, stream = [[A:-?[0-9]+]] : i64}
  // TRAIN-NOT: stream = [[A]] : i64
  // TRAIN: %[[E:.*]] = incept.dropout %[[D]], %[[SEED]], %[[STEP]], %[[BASE]] {incept.path = "drop2", keep = 5.000000e-01 : f64, stream =
  // TRAIN: incept.write @"io/logits", %[[E]]

  // TRAIN-LABEL: func.func @infer()
  // TRAIN: %[[X:.*]] = incept.read @"io/f32_input"
  // TRAIN: %[[P:.*]] = incept.global_avg_pool %[[X]]
  // TRAIN: %[[L:.*]] = incept.flatten %[[P]]
  // TRAIN-NOT: drop
  // TRAIN: incept.write @"io/logits", %[[L]]
  // TRAIN-NOT: @network
  func.func @network(%x: tensor<2x1x2x2xf32>) -> tensor<2x1xf32> {
    %0 = incept.global_avg_pool %x : (tensor<2x1x2x2xf32>) -> tensor<2x1x1x1xf32>
    %1 = incept.flatten %0 : (tensor<2x1x1x1xf32>) -> tensor<2x1xf32>
    %2 = incept.random_drop %1 keep 0.8 {incept.path = "drop1"} : (tensor<2x1xf32>) -> tensor<2x1xf32>
    %3 = incept.random_drop %2 keep 0.5 {incept.path = "drop2"} : (tensor<2x1xf32>) -> tensor<2x1xf32>
    return %3 : tensor<2x1xf32>
  }
}

//--- infer.mlir
// Without a given normalisation, pixel values are scaled to [0, 1] only.
module attributes {incept.mode = "infer"} {
  // INFER-LABEL: func.func @stage_u8()
  // INFER: incept.normalize_image {{.*}} {mean = array<f64: 0.000000e+00>, std = array<f64: 1.000000e+00>}
  // INFER-NOT: @forward_backward
  // INFER-LABEL: func.func @infer()
  func.func @network(%x: tensor<2x1x2x2xf32>) -> tensor<2x1xf32> {
    %0 = incept.global_avg_pool %x : (tensor<2x1x2x2xf32>) -> tensor<2x1x1x1xf32>
    %1 = incept.flatten %0 : (tensor<2x1x1x1xf32>) -> tensor<2x1xf32>
    return %1 : tensor<2x1xf32>
  }
}

//--- auxiliary.mlir
// Training writes the logits of auxiliary heads too; inference has nothing of the heads, and a program that only infers
// not even their parameters.
// AUX-INFER: module attributes {incept.mode = "infer", incept.training_only = ["aux.weight", "aux.bn.bias", "aux.bn.mean", "aux.bn.var"]}
module attributes {incept.mode = "train"} {
  incept.variable @fc.weight kind parameter : tensor<3x4xf32>
  incept.variable @aux.weight kind parameter : tensor<3x4xf32>
  incept.variable @aux.bn.bias kind parameter : tensor<4xf32>
  incept.variable @aux.bn.mean kind state : tensor<4xf32>
  incept.variable @aux.bn.var kind state : tensor<4xf32>
  // AUX: incept.variable @aux.weight
  // AUX: incept.variable @"io/logits" kind io role "logits" : tensor<2x3xf32>
  // AUX: incept.variable @"io/auxiliary_logits1" kind io role "auxiliary_logits1" : tensor<2x3xf32>

  // AUX: func.func @forward_backward() attributes {incept.entry = #incept.entry<forward_backward>, incept.loss_weights = array<f64: 1.000000e+00, 4.000000e-01>}
  // AUX: %[[P:.*]] = incept.global_avg_pool
  // AUX: %[[B:.*]] = incept.batch_norm %[[P]]
  // AUX: %[[F:.*]] = incept.flatten %[[B]]
  // AUX: %[[AL:.*]] = incept.linear %[[F]]
  // AUX: %[[FM:.*]] = incept.flatten %[[P]]
  // AUX: %[[ML:.*]] = incept.linear %[[FM]]
  // AUX: incept.write @"io/logits", %[[ML]]
  // AUX: incept.write @"io/auxiliary_logits1", %[[AL]]

  // AUX: func.func @infer() attributes {incept.entry = #incept.entry<infer>} {
  // AUX-NOT: aux
  // AUX-NOT: batch_norm
  // AUX: incept.read @fc.weight
  // AUX: incept.write @"io/logits"
  // AUX-NEXT: return

  // AUX-INFER: incept.variable @fc.weight
  // AUX-INFER-NOT: aux
  func.func @network(%x: tensor<2x4x2x2xf32>) -> (tensor<2x3xf32>, tensor<2x3xf32>) attributes {incept.loss_weights = array<f64: 1.0, 0.4>} {
    %p = incept.global_avg_pool %x : (tensor<2x4x2x2xf32>) -> tensor<2x4x1x1xf32>
    %beta = incept.read @aux.bn.bias : tensor<4xf32>
    %mean = incept.read @aux.bn.mean : tensor<4xf32>
    %var = incept.read @aux.bn.var : tensor<4xf32>
    %b = incept.batch_norm %p beta %beta mean %mean variance %var {epsilon = 1.0e-3, decay = 0.9}
        : (tensor<2x4x1x1xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<2x4x1x1xf32>
    %f = incept.flatten %b : (tensor<2x4x1x1xf32>) -> tensor<2x4xf32>
    %aw = incept.read @aux.weight : tensor<3x4xf32>
    %a = incept.linear %f, %aw : (tensor<2x4xf32>, tensor<3x4xf32>) -> tensor<2x3xf32>
    %fm = incept.flatten %p : (tensor<2x4x1x1xf32>) -> tensor<2x4xf32>
    %w = incept.read @fc.weight : tensor<3x4xf32>
    %l = incept.linear %fm, %w : (tensor<2x4xf32>, tensor<3x4xf32>) -> tensor<2x3xf32>
    return %l, %a : tensor<2x3xf32>, tensor<2x3xf32>
  }
}

//--- pixels.mlir
// Scores of pixels: a label for each of their rows, and the module says of how many.
// PIXELS: module attributes {incept.label_map = {height = 2 : i64, ignore = 255 : i64, width = 3 : i64}, incept.training = {ignore_label = 255 : i64}}
// PIXELS: incept.variable @"io/labels" kind io role "labels" : tensor<12xi64>
// PIXELS: incept.variable @"io/logits" kind io role "logits" : tensor<12x4xf32>
module attributes {incept.training = {ignore_label = 255 : i64}} {
  func.func @network(%x: tensor<2x4x2x3xf32>) -> tensor<12x4xf32> {
    %0 = incept.pixel_rows %x : (tensor<2x4x2x3xf32>) -> tensor<12x4xf32>
    return %0 : tensor<12x4xf32>
  }
}

//--- outputs.mlir
// Outputs have names and stay in inference; the loss of each has a variable.
// MANY: error: expected incept.outputs with 1 to 2 names, but got 3
module attributes {incept.outputs = ["fine", "coarse"]} {
  // OUTPUTS: incept.variable @"io/logits" kind io role "logits" : tensor<2x4xf32>
  // OUTPUTS: incept.variable @"io/logits/coarse" kind io role "logits/coarse" : tensor<2x4xf32>
  // OUTPUTS: incept.variable @"io/loss/fine" kind io role "loss/fine" : tensor<f32>
  // OUTPUTS: incept.variable @"io/loss/coarse" kind io role "loss/coarse" : tensor<f32>
  // OUTPUTS: func.func @forward_backward
  // OUTPUTS: incept.write @"io/logits/coarse",
  // OUTPUTS: func.func @infer
  // OUTPUTS: %[[X:.*]] = incept.global_avg_pool
  // OUTPUTS: %[[COARSE:.*]] = incept.flatten %[[X]]
  // OUTPUTS: %[[FINE:.*]] = incept.softmax %[[COARSE]]
  // OUTPUTS: incept.write @"io/logits", %[[FINE]]
  // OUTPUTS: incept.write @"io/logits/coarse", %[[COARSE]]
  func.func @network(%x: tensor<2x4x2x3xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>) attributes {incept.loss_weights = array<f64: 1.0, 0.5>} {
    %0 = incept.global_avg_pool %x : (tensor<2x4x2x3xf32>) -> tensor<2x4x1x1xf32>
    %1 = incept.flatten %0 : (tensor<2x4x1x1xf32>) -> tensor<2x4xf32>
    %2 = incept.softmax %1 : (tensor<2x4xf32>) -> tensor<2x4xf32>
    return %2, %1 : tensor<2x4xf32>, tensor<2x4xf32>
  }
}
