// RUN: incept-opt %s --incept-to-training -o %t.training.mlir
// RUN: incept-run %t.training.mlir --check-gradients=8 --step seed=7 | FileCheck %s --check-prefix=GRADIENTS
// RUN: incept-opt %t.training.mlir --incept-to-fused -o %t.fused.mlir
// RUN: incept-run %t.training.mlir --compare %t.fused.mlir | FileCheck %s --check-prefix=FUSED
// RUN: incept-opt %t.fused.mlir --incept-to-layout --incept-to-planned -o %t.planned.mlir
// RUN: incept-run %t.training.mlir --compare %t.planned.mlir | FileCheck %s --check-prefix=FUSED
// RUN: incept-opt %s --incept-expand-blocks --incept-build-entry-points --incept-differentiate -o %t.whole.mlir
// RUN: incept-run %t.whole.mlir --compare %t.training.mlir --function=stage_u8,forward_backward | FileCheck %s --check-prefix=WHOLE
// RUN: incept-run %t.whole.mlir --compare %t.training.mlir --function=prepare_inference,infer | FileCheck %s --check-prefix=INFER
// A residual Inception block as the specs have them: its gradients are right, and every phase computes the same.

// GRADIENTS: gradient of stem.conv.weight: 8 of 54 checked, largest 0.
// GRADIENTS: gradient of stem.bn.weight: 2 of 2 checked, largest 0.
// GRADIENTS: gradient of stem.bn.bias: 2 of 2 checked, largest 0.
// GRADIENTS: gradient of pool.weight: 4 of 4 checked, largest 0.
// GRADIENTS: gradient of deep.weight: 8 of 12 checked, largest 0.
// GRADIENTS: gradient of deep.bias: 2 of 2 checked, largest 0.
// GRADIENTS: gradient of out.weight: 8 of 12 checked, largest 0.
// GRADIENTS: gradient of fc.weight: 6 of 6 checked, largest 0.
// GRADIENTS: gradient of fc.bias: 3 of 3 checked, largest 0.

// Grouping, layouts and memory planning change no arithmetic.
// FUSED-DAG: grad/stem.conv.weight: largest difference 0{{$}}
// FUSED-DAG: stem.bn.running_var: largest difference 0{{$}}
// FUSED-DAG: deep.weight: largest difference 0{{$}}
// FUSED-DAG: io/logits: largest difference 0{{$}}
// FUSED-DAG: io/f32_input: largest difference 0{{$}}

// Decomposing batch norm, and folding it for inference, change rounding only.
// WHOLE-DAG: grad/stem.conv.weight: largest difference {{[0-9.]+e-1[4-9]$}}
// WHOLE-DAG: grad/stem.bn.weight: largest difference {{([0-9.]+e-1[4-9]|0)$}}
// WHOLE-DAG: stem.bn.running_mean: largest difference {{([0-9.]+e-1[4-9]|0)$}}
// WHOLE-DAG: stem.bn.running_var: largest difference {{([0-9.]+e-1[4-9]|0)$}}
// INFER: io/logits: largest difference {{([0-9.]+e-1[4-9]|0)$}}

module attributes {incept.target = #incept.target<fake>, incept.network = "block", incept.keep_gradients, incept.mode = "train",
                   incept.training = {label_smoothing = 1.000000e-01 : f64, optimizer = {kind = "rmsprop"}}} {
  incept.variable @stem.conv.weight kind parameter decay : tensor<2x3x3x3xf32>
  incept.variable @stem.bn.weight kind parameter : tensor<2xf32>
  incept.variable @stem.bn.bias kind parameter : tensor<2xf32>
  incept.variable @stem.bn.running_mean kind state : tensor<2xf32>
  incept.variable @stem.bn.running_var kind state : tensor<2xf32>
  incept.variable @pool.weight kind parameter decay : tensor<2x2x1x1xf32>
  incept.variable @deep.weight kind parameter decay : tensor<2x2x1x3xf32>
  incept.variable @deep.bias kind parameter : tensor<2xf32>
  incept.variable @out.weight kind parameter decay : tensor<2x6x1x1xf32>
  incept.variable @fc.weight kind parameter decay : tensor<3x2xf32>
  incept.variable @fc.bias kind parameter : tensor<3xf32>
  func.func @network(%images: tensor<4x3x8x7xf32>) -> tensor<4x3xf32> {
    %stem_w = incept.read @stem.conv.weight : tensor<2x3x3x3xf32>
    %conv = incept.conv2d %images, %stem_w stride [2, 1] pad [0, 1] pad_end [1, 1] {incept.path = "stem.conv"}
        : (tensor<4x3x8x7xf32>, tensor<2x3x3x3xf32>) -> tensor<4x2x4x7xf32>
    %g = incept.read @stem.bn.weight : tensor<2xf32>
    %b = incept.read @stem.bn.bias : tensor<2xf32>
    %m = incept.read @stem.bn.running_mean : tensor<2xf32>
    %v = incept.read @stem.bn.running_var : tensor<2xf32>
    %bn = incept.batch_norm %conv gamma %g beta %b mean %m variance %v
        {epsilon = 1.0e-3 : f64, decay = 0.9 : f64, incept.path = "stem.bn"}
        : (tensor<4x2x4x7xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<4x2x4x7xf32>
    %stem = incept.relu %bn : (tensor<4x2x4x7xf32>) -> tensor<4x2x4x7xf32>
    %block = incept.block "mixed" of "inception_resnet" (%stem) : (tensor<4x2x4x7xf32>) -> tensor<4x2x4x7xf32> {
    ^bb0(%x: tensor<4x2x4x7xf32>):
      %avg = incept.avg_pool %x kernel [3, 3] pad [1, 1] pad_end [1, 1] : (tensor<4x2x4x7xf32>) -> tensor<4x2x4x7xf32>
      %pool_w = incept.read @pool.weight : tensor<2x2x1x1xf32>
      %pool = incept.conv2d %avg, %pool_w {incept.path = "pool"}
          : (tensor<4x2x4x7xf32>, tensor<2x2x1x1xf32>) -> tensor<4x2x4x7xf32>
      %deep_w = incept.read @deep.weight : tensor<2x2x1x3xf32>
      %deep_b = incept.read @deep.bias : tensor<2xf32>
      %deep = incept.conv2d %x, %deep_w bias %deep_b pad [0, 1] pad_end [0, 1] {incept.path = "deep"}
          : (tensor<4x2x4x7xf32>, tensor<2x2x1x3xf32>, tensor<2xf32>) -> tensor<4x2x4x7xf32>
      %deep_r = incept.relu %deep : (tensor<4x2x4x7xf32>) -> tensor<4x2x4x7xf32>
      %max = incept.max_pool %x kernel [3, 3] pad [1, 1] pad_end [1, 1] : (tensor<4x2x4x7xf32>) -> tensor<4x2x4x7xf32>
      %cat = incept.concat %pool, %deep_r, %max
          : (tensor<4x2x4x7xf32>, tensor<4x2x4x7xf32>, tensor<4x2x4x7xf32>) -> tensor<4x6x4x7xf32>
      %out_w = incept.read @out.weight : tensor<2x6x1x1xf32>
      %out = incept.conv2d %cat, %out_w {incept.path = "out"}
          : (tensor<4x6x4x7xf32>, tensor<2x6x1x1xf32>) -> tensor<4x2x4x7xf32>
      %scaled = incept.scale %out by 0.17 : (tensor<4x2x4x7xf32>) -> tensor<4x2x4x7xf32>
      %sum = incept.add %x, %scaled : (tensor<4x2x4x7xf32>, tensor<4x2x4x7xf32>) -> tensor<4x2x4x7xf32>
      %relu = incept.relu %sum : (tensor<4x2x4x7xf32>) -> tensor<4x2x4x7xf32>
      incept.yield %relu : tensor<4x2x4x7xf32>
    }
    %gap = incept.global_avg_pool %block : (tensor<4x2x4x7xf32>) -> tensor<4x2x1x1xf32>
    %drop = incept.random_drop %gap keep 0.8 {incept.path = "dropout"} : (tensor<4x2x1x1xf32>) -> tensor<4x2x1x1xf32>
    %flat = incept.flatten %drop : (tensor<4x2x1x1xf32>) -> tensor<4x2xf32>
    %fc_w = incept.read @fc.weight : tensor<3x2xf32>
    %fc_b = incept.read @fc.bias : tensor<3xf32>
    %logits = incept.linear %flat, %fc_w bias %fc_b : (tensor<4x2xf32>, tensor<3x2xf32>, tensor<3xf32>) -> tensor<4x3xf32>
    return %logits : tensor<4x3xf32>
  }
}
