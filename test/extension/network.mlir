// RUN: incept-extension-opt %s --incept-to-training | FileCheck %s --check-prefix=TRAINING
// RUN: incept-extension-opt %s --incept-to-training --incept-to-fused --incept-to-layout --incept-to-planned --incept-to-exec | FileCheck %s --check-prefix=EXEC

// Ops that the compiler does not know go all the way to launches.
!x = tensor<2x16x6x6xf32>
module attributes {incept.mode = "train", incept.target = #incept.target<fake>, incept.training = {label_smoothing = 0.0, optimizer = {kind = "sgd"}}} {
  incept.variable @first.weight kind parameter : tensor<16x3x3x3xf32>
  incept.variable @last.weight kind parameter : tensor<3x16x6x6xf32>
  func.func @network(%images: tensor<2x3x6x6xf32>) -> tensor<2x3xf32> {
    %fw = incept.read @first.weight : tensor<16x3x3x3xf32>
    %x = incept.conv2d %images, %fw pad [1, 1] pad_end [1, 1] {incept.path = "first"} : (tensor<2x3x6x6xf32>, tensor<16x3x3x3xf32>) -> !x
    %s = extension.softsign %x {incept.path = "sign"} : (!x) -> !x
    %f = extension.flip_columns %s {incept.path = "flip"} : (!x) -> !x
    %y = incept.relu %f {incept.path = "relu"} : (!x) -> !x
    %lw = incept.read @last.weight : tensor<3x16x6x6xf32>
    %l = incept.conv2d %y, %lw {incept.path = "last"} : (!x, tensor<3x16x6x6xf32>) -> tensor<2x3x1x1xf32>
    %logits = incept.flatten %l : (tensor<2x3x1x1xf32>) -> tensor<2x3xf32>
    return %logits : tensor<2x3xf32>
  }
}

// TRAINING-LABEL: func.func @forward_backward
// TRAINING: %[[S:.*]] = extension.softsign %{{.*}} {incept.path = "sign"}
// TRAINING: extension.flip_columns %[[S]] {incept.path = "flip"}
// TRAINING: softmax_cross_entropy_backward
// TRAINING: incept.relu_backward
// TRAINING: %[[D:.*]] = extension.flip_columns %{{.*}} {incept.path = "flip"}
// TRAINING: extension.softsign_backward %[[D]], %[[S]] {incept.path = "sign"}

// A kernel of its own for what is opaque, with the distance of rows where it lies in memory.
// EXEC-DAG: incept.exec.kernel_def @[[FLIP:k[0-9]+_flip_columns]] opaque
// EXEC-DAG: incept.exec.kernel_def @[[SIGN:k[0-9]+_softsign]] flat
// EXEC-LABEL: func.func @forward_backward
// EXEC: incept.exec.kernel @[[SIGN]] ins(
// EXEC-SAME: incept.flops = 3456
// EXEC: incept.exec.kernel @[[FLIP]] ins({{.*}}) outs({{.*}}) extents [12, 6, 16, 16, 16] units 12
