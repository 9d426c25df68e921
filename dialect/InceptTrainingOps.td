// SPDX-License-Identifier: Apache-2.0
//
// Input staging, loss and optimizer ops.
#ifndef INCEPT_TRAINING_OPS_TD
#define INCEPT_TRAINING_OPS_TD

include "dialect/InceptBase.td"

def Incept_NormalizeImageOp : Incept_OpaqueOp<"normalize_image"> {
  let summary = "bytes of images to normalised values";
  let description = [{
    dst[n,c,h,w] = (src[n,h,w,c]/255 - mean[c]) / std[c].
    - (C1) `src` is (N,H,W,C) for `dst` (N,C,H,W); `mean` and `std` have C values, `std` positive.
  }];
  let arguments = (ins 4DTensorOf<[UI8]>:$src, DenseF64ArrayAttr:$mean, DenseF64ArrayAttr:$std);
  let results = (outs Incept_Image:$dst);
  let assemblyFormat = "$src attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Incept_ImportImageOp : Incept_OpaqueOp<"import_image"> {
  let summary = "images stored in logical order, in the program's own layout";
  let description = [{
    The values of `src`, which lies in memory as (N,C,H,W) whatever the layout phase chooses for other tensors.
    - (C1) both types are the same but for the layout.
  }];
  let arguments = (ins Incept_Image:$src);
  let results = (outs Incept_Image:$dst);
  let assemblyFormat = "$src attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Incept_SoftmaxCrossEntropyOp : Incept_OpaqueOp<"softmax_cross_entropy"> {
  let summary = "mean cross entropy of a batch";
  let description = [{
    loss = -1/N sum_n sum_k q[n,k] log softmax(logits)[n,k] with q = (1 - s) * onehot(label) + s/K, s = `label_smoothing`.
    - (C1) one label per row of `logits`; `label_smoothing` is in [0, 1).
  }];
  let arguments = (ins Incept_Matrix:$logits, Incept_Labels:$labels, F64Attr:$label_smoothing);
  let results = (outs Incept_Scalar:$loss);
  let assemblyFormat = "$logits `,` $labels attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Incept_SoftmaxCrossEntropyBackwardOp : Incept_OpaqueOp<"softmax_cross_entropy_backward"> {
  let summary = "gradient of softmax_cross_entropy with respect to logits";
  let description = [{
    diff_logits = weight * (softmax(logits) - q) / N.
    - (C1) as the forward op; `diff_logits` has the shape of `logits`.
  }];
  let arguments = (ins Incept_Matrix:$logits, Incept_Labels:$labels, F64Attr:$label_smoothing, F64Attr:$weight);
  let results = (outs Incept_Matrix:$diff_logits);
  let assemblyFormat = "$logits `,` $labels attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Incept_SgdUpdateOp : Incept_MapOp<"sgd_update"> {
  let summary = "one step of SGD with momentum";
  let description = [{
    g = gradient + weight_decay * parameter (the second term only with `decay`);
    v' = momentum * v + g; parameter' = parameter - learning_rate * v' (the form of torch.optim.SGD).
    - (C1) the tensors have one shape.
  }];
  let arguments = (ins Incept_Activation:$parameter, Incept_Activation:$gradient, Incept_Activation:$velocity,
                       Incept_Scalar:$learning_rate, Incept_Scalar:$momentum, Incept_Scalar:$weight_decay, UnitAttr:$decay);
  let results = (outs Incept_Activation:$new_parameter, Incept_Activation:$new_velocity);
  let assemblyFormat = [{
    $parameter `,` $gradient `,` $velocity `rate` $learning_rate `momentum` $momentum `weight_decay` $weight_decay
    (`decay` $decay^)? attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Incept_RmspropUpdateOp : Incept_MapOp<"rmsprop_update"> {
  let summary = "one step of RMSProp with momentum, in TensorFlow's form";
  let description = [{
    g = gradient + weight_decay * parameter (the second term only with `decay`);
    ms' = rms_decay * ms + (1 - rms_decay) * g^2; v' = momentum * v + learning_rate * g / sqrt(ms' + epsilon);
    parameter' = parameter - v'. ms starts at 1.
    - (C1) the tensors have one shape.
  }];
  let arguments = (ins Incept_Activation:$parameter, Incept_Activation:$gradient, Incept_Activation:$mean_square,
                       Incept_Activation:$velocity, Incept_Scalar:$learning_rate, Incept_Scalar:$momentum,
                       Incept_Scalar:$rms_decay, Incept_Scalar:$epsilon, Incept_Scalar:$weight_decay, UnitAttr:$decay);
  let results = (outs Incept_Activation:$new_parameter, Incept_Activation:$new_mean_square,
                      Incept_Activation:$new_velocity);
  let assemblyFormat = [{
    $parameter `,` $gradient `,` $mean_square `,` $velocity `rate` $learning_rate `momentum` $momentum
    `rms_decay` $rms_decay `epsilon` $epsilon `weight_decay` $weight_decay (`decay` $decay^)? attr-dict `:`
    functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

#endif // INCEPT_TRAINING_OPS_TD
