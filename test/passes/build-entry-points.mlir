// RUN: split-file %s %t
// RUN: incept-opt %t/train.mlir -incept-build-entry-points | FileCheck %s --check-prefix=TRAIN
// RUN: incept-opt %t/infer.mlir -incept-build-entry-points | FileCheck %s --check-prefix=INFER

//--- train.mlir
// Every function has its copy of the network; dropout is random in training and absent in inference.
module attributes {incept.mode = "train", incept.normalization = {mean = array<f64: 0.5>, std = array<f64: 0.25>}} {
  incept.variable @fc.weight kind "parameter" : tensor<3x4xf32>
  // TRAIN: incept.variable @fc.weight
  // TRAIN: incept.variable @"io/u8_images" kind "io" : tensor<2x2x2x1xui8>
  // TRAIN: incept.variable @"io/f32_images" kind "io" : tensor<2x1x2x2xf32>
  // TRAIN: incept.variable @"io/f32_input" kind "io" : tensor<2x1x2x2xf32>
  // TRAIN: incept.variable @"io/labels" kind "io" : tensor<2xi64>
  // TRAIN: incept.variable @"io/loss" kind "io" : tensor<f32>
  // TRAIN: incept.variable @"io/logits" kind "io" : tensor<2x1xf32>

  // TRAIN-LABEL: func.func @stage_u8()
  // TRAIN: %[[U:.*]] = incept.read @"io/u8_images"
  // TRAIN: %[[N:.*]] = incept.normalize_image %[[U]] {mean = array<f64: 5.000000e-01>, std = array<f64: 2.500000e-01>} : (tensor<2x2x2x1xui8>) -> tensor<2x1x2x2xf32>
  // TRAIN: incept.write @"io/f32_input", %[[N]]

  // TRAIN-LABEL: func.func @stage_f32()
  // TRAIN: %[[F:.*]] = incept.read @"io/f32_images"
  // TRAIN: %[[I:.*]] = incept.import_image %[[F]]
  // TRAIN: incept.write @"io/f32_input", %[[I]]

  // TRAIN-LABEL: func.func @forward_backward()
  // TRAIN-DAG: %[[SEED:.*]] = incept.step_value "seed" : tensor<i64>
  // TRAIN-DAG: %[[STEP:.*]] = incept.step_value "step" : tensor<i64>
  // TRAIN-DAG: %[[BASE:.*]] = incept.step_value "sample_base" : tensor<i64>
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
