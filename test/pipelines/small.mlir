// One small network through every phase with the fake target: what each phase leaves parses and verifies again, and
// has the marks of its phase.
// RUN: incept-opt %s --incept-verify-phase="phase=graph" | incept-opt | FileCheck %s --check-prefix=GRAPH
// RUN: incept-opt %s --incept-to-training -o %t.training && incept-opt %t.training | FileCheck %s --check-prefix=TRAINING
// RUN: incept-opt %t.training --incept-to-fused -o %t.fused && incept-opt %t.fused | FileCheck %s --check-prefix=FUSED
// RUN: incept-opt %t.fused --incept-to-layout -o %t.layout && incept-opt %t.layout | FileCheck %s --check-prefix=LAYOUT
// RUN: incept-opt %t.layout --incept-to-planned -o %t.planned && incept-opt %t.planned | FileCheck %s --check-prefix=PLANNED
// RUN: incept-opt %t.planned --incept-to-exec -o %t.exec && incept-opt %t.exec | FileCheck %s --check-prefix=EXEC

// GRAPH: incept.phase = "graph"
// GRAPH: incept.block "stem" of "stem"
// GRAPH: incept.random_drop

// TRAINING: incept.phase = "training"
// TRAINING-NOT: incept.block
// TRAINING-LABEL: func.func @stage_u8
// TRAINING-LABEL: func.func @stage_f32
// TRAINING-LABEL: func.func @forward_backward
// TRAINING: incept.batch_norm_finalize
// TRAINING: incept.conv2d_backward_weights
// TRAINING-LABEL: func.func @prepare_inference
// TRAINING: incept.fold_batch_norm
// TRAINING-LABEL: func.func @infer
// The stem's batch norm and ReLU have become part of its convolution.
// TRAINING: incept.conv2d {{.*}} bias {{.*}} relu {incept.path = "conv"}
// TRAINING-LABEL: func.func @update
// TRAINING: incept.rmsprop_update

// FUSED: incept.phase = "fused"
// FUSED-LABEL: func.func @forward_backward
// FUSED: incept.group library
// FUSED-NEXT: ^bb0
// FUSED-NEXT: incept.conv2d
// FUSED: incept.concat_view

// LAYOUT: incept.phase = "layout"
// LAYOUT: incept.exec.plan
// LAYOUT-LABEL: func.func @forward_backward
// LAYOUT: incept.group library plan @
// LAYOUT: #incept.layout<nhwc, stride = 48, offset = 16>

// PLANNED: incept.phase = "planned"
// PLANNED-LABEL: func.func @forward_backward
// PLANNED-SAME: incept.arena_bytes
// PLANNED: incept.group {{.*}} attributes {offsets = array<i64:

// EXEC: incept.memory = {arena_bytes
// EXEC-SAME: incept.phase = "exec"
// EXEC: incept.exec.region @arena
// EXEC-LABEL: func.func @forward_backward
// EXEC-NOT: incept.group
// EXEC: incept.exec.library @plan_
// EXEC: incept.exec.kernel @
module attributes {incept.target = #incept.target<fake>, incept.network = "small", incept.mode = "train",
                   incept.training = {label_smoothing = 1.000000e-01 : f64, optimizer = {kind = "rmsprop"}}} {
  incept.variable @conv.weight kind parameter decay : tensor<16x3x3x3xf32>
  incept.variable @bn.weight kind parameter : tensor<16xf32>
  incept.variable @bn.bias kind parameter : tensor<16xf32>
  incept.variable @bn.running_mean kind state : tensor<16xf32>
  incept.variable @bn.running_var kind state : tensor<16xf32>
  incept.variable @b.weight kind parameter decay : tensor<16x16x1x1xf32>
  incept.variable @fc.weight kind parameter decay : tensor<10x48xf32>
  incept.variable @fc.bias kind parameter : tensor<10xf32>
  func.func @network(%images: tensor<4x3x9x9xf32>) -> tensor<4x10xf32> {
    %0 = incept.block "stem" of "stem" (%images) : (tensor<4x3x9x9xf32>) -> tensor<4x16x4x4xf32> {
    ^bb0(%x: tensor<4x3x9x9xf32>):
      %w = incept.read @conv.weight : tensor<16x3x3x3xf32>
      %y = incept.conv2d %x, %w stride [2, 2] {incept.path = "conv"} : (tensor<4x3x9x9xf32>, tensor<16x3x3x3xf32>) -> tensor<4x16x4x4xf32>
      %g = incept.read @bn.weight : tensor<16xf32>
      %b = incept.read @bn.bias : tensor<16xf32>
      %m = incept.read @bn.running_mean : tensor<16xf32>
      %v = incept.read @bn.running_var : tensor<16xf32>
      %n = incept.batch_norm %y gamma %g beta %b mean %m variance %v {epsilon = 1.0e-3 : f64, decay = 0.9 : f64, incept.path = "bn"} : (tensor<4x16x4x4xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<4x16x4x4xf32>
      %r = incept.relu %n : (tensor<4x16x4x4xf32>) -> tensor<4x16x4x4xf32>
      incept.yield %r : tensor<4x16x4x4xf32>
    }
    %p = incept.avg_pool %0 kernel [3, 3] pad [1, 1] pad_end [1, 1] : (tensor<4x16x4x4xf32>) -> tensor<4x16x4x4xf32>
    %mp = incept.max_pool %0 kernel [3, 3] pad [1, 1] pad_end [1, 1] : (tensor<4x16x4x4xf32>) -> tensor<4x16x4x4xf32>
    %bw = incept.read @b.weight : tensor<16x16x1x1xf32>
    %bc = incept.conv2d %0, %bw : (tensor<4x16x4x4xf32>, tensor<16x16x1x1xf32>) -> tensor<4x16x4x4xf32>
    %c = incept.concat %p, %mp, %bc : (tensor<4x16x4x4xf32>, tensor<4x16x4x4xf32>, tensor<4x16x4x4xf32>) -> tensor<4x48x4x4xf32>
    %gap = incept.global_avg_pool %c : (tensor<4x48x4x4xf32>) -> tensor<4x48x1x1xf32>
    %d = incept.random_drop %gap keep 8.000000e-01 {incept.path = "dropout"} : (tensor<4x48x1x1xf32>) -> tensor<4x48x1x1xf32>
    %f = incept.flatten %d : (tensor<4x48x1x1xf32>) -> tensor<4x48xf32>
    %fw = incept.read @fc.weight : tensor<10x48xf32>
    %fb = incept.read @fc.bias : tensor<10xf32>
    %l = incept.linear %f, %fw bias %fb : (tensor<4x48xf32>, tensor<10x48xf32>, tensor<10xf32>) -> tensor<4x10xf32>
    return %l : tensor<4x10xf32>
  }
}
