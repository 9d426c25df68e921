// RUN: split-file %s %t
// RUN: incept-opt %t/training.mlir --incept-assign-precision="precision=bf16" | FileCheck %t/training.mlir
// RUN: incept-opt %t/training.mlir --incept-assign-precision="precision=f32" -o %t/f32.mlir
// RUN: incept-opt %t/training.mlir -o %t/same.mlir && diff %t/f32.mlir %t/same.mlir
// RUN: incept-opt %t/training.mlir --incept-assign-precision="precision=f16 growth-interval=7" | FileCheck %t/training.mlir --check-prefix=F16
// RUN: incept-opt %t/ops.mlir --incept-assign-precision="precision=bf16" | FileCheck %t/ops.mlir
// RUN: incept-opt %t/infer.mlir --incept-assign-precision="precision=bf16" | FileCheck %t/infer.mlir
// RUN: not incept-opt %t/infer.mlir --incept-assign-precision="precision=f8" 2>&1 | FileCheck %s --check-prefix=WRONG
// RUN: not incept-opt %t/infer.mlir --incept-assign-precision="precision=f16 growth-interval=0" 2>&1 | FileCheck %s --check-prefix=INTERVAL
// WRONG: error: expected precision f32, bf16 or f16 and a positive growth interval, but got 'f8' and 2000
// INTERVAL: error: expected precision f32, bf16 or f16 and a positive growth interval, but got 'f16' and 0

//--- training.mlir
// The classifier with its loss. Weights are read from a copy, logits and loss are f32, the gradient of weights has the
// type that the target names (the fake target's for linear layers: f32), that of the bias is f32.
// CHECK: module attributes {incept.precision = "bf16", {{.+}}}
// CHECK-DAG: incept.variable @w kind parameter decay : tensor<2x3xf32>
// CHECK-DAG: incept.variable @"copy/w" kind copy of @w : tensor<2x3xbf16>
// CHECK-DAG: incept.variable @"grad/w" kind gradient of @w : tensor<2x3xf32>
// CHECK-DAG: incept.variable @"grad/b" kind gradient of @b : tensor<2xf32>
// CHECK-DAG: incept.variable @"momentum/w" kind slot of @w role "momentum" : tensor<2x3xf32>
// CHECK-DAG: incept.variable @"io/f32_input" kind io role "f32_input" : tensor<4x3x1x1xbf16>
// CHECK-DAG: incept.variable @"io/logits" kind io role "logits" : tensor<4x2xf32>
// CHECK-NOT: loss_scale

// CHECK-LABEL: func.func @prepare_training()
// CHECK: %[[MASTER:.+]] = incept.read @w : tensor<2x3xf32>
// CHECK: %[[COPY:.+]] = incept.cast %[[MASTER]] {{.*}}: (tensor<2x3xf32>) -> tensor<2x3xbf16>
// CHECK: incept.write @"copy/w", %[[COPY]]

// CHECK-LABEL: func.func @forward_backward()
// CHECK-NOT: incept.read @w
// CHECK: %[[W:.+]] = incept.read @"copy/w" : tensor<2x3xbf16>
// CHECK-NOT: incept.cast
// CHECK: %[[LOGITS:.+]] = incept.linear {{.*}} : (tensor<4x3xbf16>, tensor<2x3xbf16>, tensor<2xf32>) -> tensor<4x2xf32>
// CHECK: incept.softmax_cross_entropy %[[LOGITS]]
// CHECK: %[[D:.+]] = incept.softmax_cross_entropy_backward %[[LOGITS]], {{.*}} -> tensor<4x2xbf16>
// CHECK: incept.linear_backward_data %[[D]], %[[W]] : {{.*}} -> tensor<4x3xbf16>
// CHECK: incept.linear_backward_weights {{.*}} -> tensor<2x3xf32>
// CHECK: incept.channel_sum %[[D]] : (tensor<4x2xbf16>) -> tensor<2xf32>
// CHECK: incept.write @m, {{.*}} : tensor<2xf32>

// CHECK-LABEL: func.func @update()
// CHECK: %[[GW:.+]] = incept.read @"grad/w" : tensor<2x3xf32>
// CHECK: %[[NEW:.+]], %[[V:.+]], %[[C:.+]] = incept.sgd_update {{%.+}}, %[[GW]], {{.*}} decay : (tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>, {{.*}}) -> (tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xbf16>)
// CHECK-DAG: incept.write @"copy/w", %[[C]]
// CHECK-DAG: incept.write @w, %[[NEW]]
// Vectors have no copy.
// CHECK: incept.sgd_update {{.*}} : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<f32>, tensor<f32>, tensor<f32>) -> (tensor<2xf32>, tensor<2xf32>){{$}}

// F16-DAG: incept.variable @"loss_scale/scale" kind slot role "loss_scale" init {kind = "constant", value = 6.553600e+04 : f64} : tensor<f32>
// F16-DAG: incept.variable @"loss_scale/good_steps" kind slot role "loss_scale" init {kind = "constant", value = 0.000000e+00 : f64} : tensor<f32>
// F16-DAG: incept.variable @"pending/m" kind pending of @m : tensor<2xf32>
// F16-LABEL: func.func @forward_backward()
// F16: %[[SCALE:.+]] = incept.read @"loss_scale/scale"
// F16: incept.softmax_cross_entropy_backward {{.*}} scale %[[SCALE]]
// F16: incept.write @"pending/m"
// F16-LABEL: func.func @update()
// F16-DAG: %[[GW:.+]] = incept.read @"grad/w" : tensor<2x3xf32>
// F16-DAG: %[[GB:.+]] = incept.read @"grad/b" : tensor<2xf32>
// F16: %[[BAD:.+]] = incept.count_nonfinite %[[GW]], %[[GB]]
// F16-DAG: %[[OLD:.+]] = incept.read @"loss_scale/scale"
// F16-DAG: %[[GOOD:.+]] = incept.read @"loss_scale/good_steps"
// F16: %[[UNSCALE:.+]], %[[NEXT:.+]], %[[STEPS:.+]] = incept.loss_scale_update %[[BAD]], %[[OLD]], %[[GOOD]] every 7
// F16-DAG: incept.write @"loss_scale/scale", %[[NEXT]]
// F16-DAG: incept.write @"loss_scale/good_steps", %[[STEPS]]
// F16: incept.sgd_update {{%.+}}, %[[GW]], {{.*}} unscale %[[UNSCALE]] decay
// F16: incept.sgd_update {{%.+}}, %[[GB]], {{.*}} unscale %[[UNSCALE]] :
// F16: %[[PENDING:.+]] = incept.read @"pending/m"
// F16: %[[M:.+]] = incept.read @m
// F16: %[[KEPT:.+]] = incept.select %[[UNSCALE]], %[[PENDING]], %[[M]]
// F16: incept.write @m, %[[KEPT]]
module attributes {incept.target = #incept.target<fake>} {
  incept.step_field @learning_rate : f32
  incept.step_field @seed : ui64
  incept.variable @w kind parameter decay : tensor<2x3xf32>
  incept.variable @b kind parameter : tensor<2xf32>
  incept.variable @m kind state : tensor<2xf32>
  incept.variable @"grad/w" kind gradient of @w : tensor<2x3xf32>
  incept.variable @"grad/b" kind gradient of @b : tensor<2xf32>
  incept.variable @"momentum/w" kind slot of @w role "momentum" : tensor<2x3xf32>
  incept.variable @"momentum/b" kind slot of @b role "momentum" : tensor<2xf32>
  incept.variable @"io/f32_input" kind io role "f32_input" : tensor<4x3x1x1xf32>
  incept.variable @"io/labels" kind io role "labels" : tensor<4xi64>
  incept.variable @"io/logits" kind io role "logits" : tensor<4x2xf32>
  incept.variable @"io/loss" kind io role "loss" : tensor<f32>
  incept.variable @"io/diff" kind io role "diff" : tensor<4x3xf32>
  func.func @forward_backward() attributes {incept.entry = #incept.entry<forward_backward>} {
    %x = incept.read @"io/f32_input" : tensor<4x3x1x1xf32>
    %f = incept.flatten %x : (tensor<4x3x1x1xf32>) -> tensor<4x3xf32>
    %w = incept.read @w : tensor<2x3xf32>
    %b = incept.read @b : tensor<2xf32>
    %l = incept.linear %f, %w bias %b : (tensor<4x3xf32>, tensor<2x3xf32>, tensor<2xf32>) -> tensor<4x2xf32>
    incept.write @"io/logits", %l : tensor<4x2xf32>
    %t = incept.read @"io/labels" : tensor<4xi64>
    %loss = incept.softmax_cross_entropy %l, %t {label_smoothing = 0.1} : (tensor<4x2xf32>, tensor<4xi64>) -> tensor<f32>
    incept.write @"io/loss", %loss : tensor<f32>
    %d = incept.softmax_cross_entropy_backward %l, %t {label_smoothing = 0.1, weight = 1.0} : (tensor<4x2xf32>, tensor<4xi64>) -> tensor<4x2xf32>
    %dx = incept.linear_backward_data %d, %w : (tensor<4x2xf32>, tensor<2x3xf32>) -> tensor<4x3xf32>
    %dw = incept.linear_backward_weights %f, %d : (tensor<4x3xf32>, tensor<4x2xf32>) -> tensor<2x3xf32>
    incept.write @"grad/w", %dw : tensor<2x3xf32>
    %db = incept.channel_sum %d : (tensor<4x2xf32>) -> tensor<2xf32>
    incept.write @"grad/b", %db : tensor<2xf32>
    %m = incept.read @m : tensor<2xf32>
    %next = incept.add %m, %db : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
    incept.write @m, %next : tensor<2xf32>
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
}

//--- ops.mlir
// Each class of ops: what follows its operands, what stays f32, and where a cast stands.
// CHECK-LABEL: func.func @stage_u8
// CHECK: incept.normalize_image {{.*}} -> tensor<2x32x4x4xbf16>
// CHECK-LABEL: func.func @stage_f32
// CHECK: incept.import_image {{.*}} : (tensor<2x32x4x4xf32>) -> tensor<2x32x4x4xbf16>

// CHECK-LABEL: func.func @forward_backward
// Joined weights are read from their copies.
// CHECK-DAG: %[[WA:.+]] = incept.read @"copy/a"
// CHECK-DAG: %[[WB:.+]] = incept.read @"copy/b"
// CHECK: %[[JOINED:.+]] = incept.join_rows %[[WA]], %[[WB]] : (tensor<16x32x1x1xbf16>, tensor<32x32x1x1xbf16>) -> tensor<48x32x1x1xbf16>
// CHECK: incept.conv2d {{.*}} -> tensor<2x48x4x4xbf16>
// CHECK: incept.split {{.*}} -> (tensor<2x16x4x4xbf16>, tensor<2x32x4x4xbf16>)
// A view of the image has the image's type, sums and statistics are f32.
// CHECK: %[[SAMPLE:.+]] = incept.channel_sample {{.*}} -> tensor<16xbf16>
// CHECK: incept.channel_stats {{.*}} shift %[[SAMPLE]] : (tensor<2x16x4x4xbf16>, tensor<16xbf16>) -> (tensor<16xf32>, tensor<16xf32>)
// CHECK: incept.batch_norm_finalize {{.*}} shift %[[SAMPLE]] {{.*}} -> (tensor<16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>)
// CHECK: incept.scale_shift {{.*}} -> tensor<2x16x4x4xbf16>
// CHECK: incept.relu {{.*}} -> tensor<2x16x4x4xbf16>
// CHECK: incept.max_pool_with_index {{.*}} -> (tensor<2x16x4x4xbf16>, tensor<2x16x4x4xui8>)
// CHECK: incept.avg_pool {{.*}} -> tensor<2x16x4x4xbf16>
// CHECK: incept.dropout {{.*}} -> tensor<2x16x4x4xbf16>
// CHECK: incept.concat {{.*}} -> tensor<2x32x4x4xbf16>
// Weights that are computed are cast, once for both of their users.
// CHECK: %[[HALF:.+]] = incept.scale {{.*}} -> tensor<16x32x1x1xf32>
// CHECK: %[[LOW:.+]] = incept.cast %[[HALF]] : (tensor<16x32x1x1xf32>) -> tensor<16x32x1x1xbf16>
// CHECK-NOT: incept.cast
// CHECK: incept.conv2d {{.*}}, %[[LOW]] : {{.*}} -> tensor<2x16x4x4xbf16>
// CHECK: incept.conv2d_backward_data {{.*}}, %[[LOW]] : {{.*}} -> tensor<2x32x4x4xbf16>
// CHECK: incept.max_pool_backward {{.*}} -> tensor<2x16x4x4xbf16>
// CHECK: incept.batch_norm_backward_stats {{.*}} -> (tensor<16xf32>, tensor<16xf32>)
// CHECK: incept.batch_norm_backward_apply {{.*}} -> tensor<2x16x4x4xbf16>
// Gradients of convolutions' weights have the target's type, and so have their rows, their variables and their readers.
// CHECK: %[[DW:.+]] = incept.conv2d_backward_weights {{.*}} -> tensor<48x32x1x1xbf16>
// CHECK: incept.slice_rows %[[DW]] at 0 : (tensor<48x32x1x1xbf16>) -> tensor<16x32x1x1xbf16>
// CHECK: incept.write @"grad/a", {{.*}} : tensor<16x32x1x1xbf16>
// Logits that no linear layer gives are cast for the loss and for their variable.
// CHECK: %[[MATRIX:.+]] = incept.flatten {{.*}} -> tensor<2x32xbf16>
// CHECK: %[[LOGITS:.+]] = incept.cast %[[MATRIX]] : (tensor<2x32xbf16>) -> tensor<2x32xf32>
// CHECK: incept.write @"io/logits", %[[LOGITS]]
// CHECK: incept.softmax_cross_entropy %[[LOGITS]],
// CHECK: incept.softmax_cross_entropy_backward %[[LOGITS]], {{.*}} -> tensor<2x32xbf16>
// CHECK-LABEL: func.func @update
// CHECK: incept.sgd_update {{.*}} : (tensor<16x32x1x1xf32>, tensor<16x32x1x1xbf16>, tensor<16x32x1x1xf32>, {{.*}} -> (tensor<16x32x1x1xf32>, tensor<16x32x1x1xf32>, tensor<16x32x1x1xbf16>)
!x = tensor<2x32x4x4xf32>
!h = tensor<2x16x4x4xf32>
!v = tensor<16xf32>
module attributes {incept.target = #incept.target<fake>} {
incept.step_field @learning_rate : f32
incept.step_field @seed : ui64
incept.variable @a kind parameter : tensor<16x32x1x1xf32>
incept.variable @b kind parameter : tensor<32x32x1x1xf32>
incept.variable @c kind parameter : tensor<16x32x1x1xf32>
incept.variable @m kind state : !v
incept.variable @"grad/a" kind gradient of @a : tensor<16x32x1x1xf32>
incept.variable @"io/u8_images" kind io role "u8_images" : tensor<2x4x4x32xui8>
incept.variable @"io/f32_images" kind io role "f32_images" : !x
incept.variable @"io/f32_input" kind io role "f32_input" : !x
incept.variable @"io/labels" kind io role "labels" : tensor<2xi64>
incept.variable @"io/logits" kind io role "logits" : tensor<2x32xf32>
func.func @stage_u8() attributes {incept.entry = #incept.entry<stage_u8>} {
  %u = incept.read @"io/u8_images" : tensor<2x4x4x32xui8>
  %x = incept.normalize_image %u {mean = array<f64: 0.,0.,0.,0.,0.,0.,0.,0.,0.,0.,0.,0.,0.,0.,0.,0.,0.,0.,0.,0.,0.,0.,0.,0.,0.,0.,0.,0.,0.,0.,0.,0.>, std = array<f64: 1.,1.,1.,1.,1.,1.,1.,1.,1.,1.,1.,1.,1.,1.,1.,1.,1.,1.,1.,1.,1.,1.,1.,1.,1.,1.,1.,1.,1.,1.,1.,1.>} : (tensor<2x4x4x32xui8>) -> !x
  incept.write @"io/f32_input", %x : !x
  return
}
func.func @stage_f32() attributes {incept.entry = #incept.entry<stage_f32>} {
  %f = incept.read @"io/f32_images" : !x
  %x = incept.import_image %f : (!x) -> !x
  incept.write @"io/f32_input", %x : !x
  return
}
func.func @forward_backward() attributes {incept.entry = #incept.entry<forward_backward>} {
  %x = incept.read @"io/f32_input" : !x
  %wa = incept.read @a : tensor<16x32x1x1xf32>
  %wb = incept.read @b : tensor<32x32x1x1xf32>
  %w = incept.join_rows %wa, %wb : (tensor<16x32x1x1xf32>, tensor<32x32x1x1xf32>) -> tensor<48x32x1x1xf32>
  %y = incept.conv2d %x, %w : (!x, tensor<48x32x1x1xf32>) -> tensor<2x48x4x4xf32>
  %p:2 = incept.split %y : (tensor<2x48x4x4xf32>) -> (!h, !x)
  %s = incept.channel_sample %p#0 : (!h) -> !v
  %sums:2 = incept.channel_stats %p#0 shift %s : (!h, !v) -> (!v, !v)
  %m = incept.read @m : !v
  %n:5 = incept.batch_norm_finalize %sums#0, %sums#1 shift %s running %m, %m {epsilon = 1.0e-3, decay = 0.9, count = 32 : i64} : (!v, !v, !v, !v, !v) -> (!v, !v, !v, !v, !v)
  incept.write @m, %n#3 : !v
  %z = incept.scale_shift %p#0, %n#0, %n#2, %m : (!h, !v, !v, !v) -> !h
  %r = incept.relu %z : (!h) -> !h
  %q, %i = incept.max_pool_with_index %r kernel [3, 3] pad [1, 1] pad_end [1, 1] : (!h) -> (!h, tensor<2x16x4x4xui8>)
  %e = incept.avg_pool %q kernel [3, 3] pad [1, 1] pad_end [1, 1] : (!h) -> !h
  %seed = incept.step_value @seed : tensor<i64>
  %o = incept.dropout %e, %seed, %seed, %seed {keep = 0.5, stream = 1 : i64} : (!h, tensor<i64>, tensor<i64>, tensor<i64>) -> !h
  %k = incept.concat %o, %r : (!h, !h) -> !x
  %wc = incept.read @c : tensor<16x32x1x1xf32>
  %half = incept.scale %wc by 0.5 : (tensor<16x32x1x1xf32>) -> tensor<16x32x1x1xf32>
  %g = incept.conv2d %k, %half : (!x, tensor<16x32x1x1xf32>) -> !h
  %dk = incept.conv2d_backward_data %g, %half : (!h, tensor<16x32x1x1xf32>) -> !x
  %dq = incept.max_pool_backward %g, %i kernel [3, 3] pad [1, 1] pad_end [1, 1] : (!h, tensor<2x16x4x4xui8>) -> !h
  %t:2 = incept.batch_norm_backward_stats %dq, %p#0, %n#0 : (!h, !h, !v) -> (!v, !v)
  %dp = incept.batch_norm_backward_apply %dq, %p#0 mean %n#0, %t#0, %t#1, %m : (!h, !h, !v, !v, !v, !v) -> !h
  %dy = incept.concat %dp, %dk : (!h, !x) -> tensor<2x48x4x4xf32>
  %dw = incept.conv2d_backward_weights %x, %dy : (!x, tensor<2x48x4x4xf32>) -> tensor<48x32x1x1xf32>
  %da = incept.slice_rows %dw at 0 : (tensor<48x32x1x1xf32>) -> tensor<16x32x1x1xf32>
  incept.write @"grad/a", %da : tensor<16x32x1x1xf32>
  %pool = incept.global_avg_pool %k : (!x) -> tensor<2x32x1x1xf32>
  %l = incept.flatten %pool : (tensor<2x32x1x1xf32>) -> tensor<2x32xf32>
  incept.write @"io/logits", %l : tensor<2x32xf32>
  %labels = incept.read @"io/labels" : tensor<2xi64>
  %loss = incept.softmax_cross_entropy %l, %labels {label_smoothing = 0.0} : (tensor<2x32xf32>, tensor<2xi64>) -> tensor<f32>
  %dl = incept.softmax_cross_entropy_backward %l, %labels {label_smoothing = 0.0, weight = 1.0} : (tensor<2x32xf32>, tensor<2xi64>) -> tensor<2x32xf32>
  return
}

func.func @update() attributes {incept.entry = #incept.entry<update>} {
  %rate = incept.step_value @learning_rate : tensor<f32>
  %w = incept.read @a : tensor<16x32x1x1xf32>
  %g = incept.read @"grad/a" : tensor<16x32x1x1xf32>
  %n:2 = incept.sgd_update %w, %g, %w rate %rate momentum %rate weight_decay %rate : (tensor<16x32x1x1xf32>, tensor<16x32x1x1xf32>, tensor<16x32x1x1xf32>, tensor<f32>, tensor<f32>, tensor<f32>) -> (tensor<16x32x1x1xf32>, tensor<16x32x1x1xf32>)
  incept.write @a, %n#0 : tensor<16x32x1x1xf32>
  return
}
}

//--- infer.mlir
module attributes {incept.target = #incept.target<fake>} {
// Folded weights are stored in low precision; weights that nothing is folded into get a variable, once for two reads.
// CHECK-DAG: incept.variable @"folded/a" kind derived : tensor<4x4x1x1xbf16>
// CHECK-DAG: incept.variable @"narrow/b" kind derived of @b : tensor<4x4x1x1xbf16>
// CHECK-DAG: incept.variable @"narrow/v" kind derived of @v : tensor<4xbf16>
// CHECK-DAG: incept.variable @a kind parameter : tensor<4x4x1x1xf32>
// CHECK-NOT: kind "copy"
// CHECK-LABEL: func.func @prepare_inference
// CHECK: %[[FOLDED:.+]] = incept.reorder {{.*}} scales {{.*}} -> tensor<4x4x1x1xf32>
// CHECK: %[[A:.+]] = incept.cast %[[FOLDED]]
// CHECK: incept.write @"folded/a", %[[A]] : tensor<4x4x1x1xbf16>
// CHECK: %[[READ:.+]] = incept.read @v
// CHECK: %[[V:.+]] = incept.cast %[[READ]]
// CHECK: incept.write @"narrow/v", %[[V]] : tensor<4xbf16>
// CHECK: %[[READ:.+]] = incept.read @b : tensor<4x4x1x1xf32>
// CHECK: %[[B:.+]] = incept.cast %[[READ]]
// CHECK: incept.write @"narrow/b", %[[B]]
// CHECK-NOT: incept.write
// CHECK-LABEL: func.func @infer
// CHECK: %[[WA:.+]] = incept.read @"folded/a" : tensor<4x4x1x1xbf16>
// CHECK: incept.conv2d {{.*}}, %[[WA]] bias {{.*}} : (tensor<1x4x2x2xbf16>, tensor<4x4x1x1xbf16>, tensor<4xbf16>) -> tensor<1x4x2x2xbf16>
// CHECK: incept.read @"narrow/b"
// CHECK: incept.read @"narrow/b"
// CHECK-NEXT: incept.conv2d {{.*}} residual {{.*}} : (tensor<1x4x2x2xbf16>, tensor<4x4x1x1xbf16>, tensor<1x4x2x2xbf16>) -> tensor<1x4x2x2xbf16>
// CHECK: incept.cast {{.*}} -> tensor<1x4xf32>
// CHECK: incept.write @"io/logits"
incept.variable @a kind parameter : tensor<4x4x1x1xf32>
incept.variable @b kind parameter : tensor<4x4x1x1xf32>
incept.variable @v kind parameter : tensor<4xf32>
incept.variable @"folded/a" kind derived : tensor<4x4x1x1xf32>
incept.variable @"io/f32_input" kind io role "f32_input" : tensor<1x4x2x2xf32>
incept.variable @"io/logits" kind io role "logits" : tensor<1x4xf32>
func.func @prepare_inference() attributes {incept.entry = #incept.entry<prepare_inference>} {
  %a = incept.read @a : tensor<4x4x1x1xf32>
  %v = incept.read @v : tensor<4xf32>
  %f = incept.reorder %a scales %v : (tensor<4x4x1x1xf32>, tensor<4xf32>) -> tensor<4x4x1x1xf32>
  incept.write @"folded/a", %f : tensor<4x4x1x1xf32>
  return
}
func.func @infer() attributes {incept.entry = #incept.entry<infer>} {
  %x = incept.read @"io/f32_input" : tensor<1x4x2x2xf32>
  %a = incept.read @"folded/a" : tensor<4x4x1x1xf32>
  %v = incept.read @v : tensor<4xf32>
  %y = incept.conv2d %x, %a bias %v : (tensor<1x4x2x2xf32>, tensor<4x4x1x1xf32>, tensor<4xf32>) -> tensor<1x4x2x2xf32>
  %b0 = incept.read @b : tensor<4x4x1x1xf32>
  %z = incept.conv2d %y, %b0 : (tensor<1x4x2x2xf32>, tensor<4x4x1x1xf32>) -> tensor<1x4x2x2xf32>
  %b1 = incept.read @b : tensor<4x4x1x1xf32>
  %u = incept.conv2d %z, %b1 residual %y : (tensor<1x4x2x2xf32>, tensor<4x4x1x1xf32>, tensor<1x4x2x2xf32>) -> tensor<1x4x2x2xf32>
  %p = incept.global_avg_pool %u : (tensor<1x4x2x2xf32>) -> tensor<1x4x1x1xf32>
  %l = incept.flatten %p : (tensor<1x4x1x1xf32>) -> tensor<1x4xf32>
  incept.write @"io/logits", %l : tensor<1x4xf32>
  return
}
}
