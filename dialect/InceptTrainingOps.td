// SPDX-License-Identifier: Apache-2.0
//
// Input staging, loss and optimizer ops.
#ifndef INCEPT_TRAINING_OPS_TD
#define INCEPT_TRAINING_OPS_TD

include "dialect/InceptInterfaces.td"

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
    - (C1) both have one shape.
  }];
  let arguments = (ins Incept_Image:$src);
  let results = (outs Incept_Image:$dst);
  let assemblyFormat = "$src attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Incept_SoftmaxCrossEntropyOp : Incept_OpaqueOp<"softmax_cross_entropy", [
    DeclareOpInterfaceMethods<LossOpInterface, ["reverseLabels"]>]> {
  let summary = "mean cross entropy of a batch";
  let description = [{
    loss = -1/N sum_n sum_k q[n,k] log softmax(logits)[n,k] with q = (1 - s) * onehot(label) + s/K, s = `label_smoothing`.
    The label is labels[n] or, with `reversed`, labels[N-1-n]: that of the image which image n is mixed with.

    With `ignore_label` rows of that label add nothing, whatever their logits are, and N is the number of the others,
    `count` (exact up to 2^24), or 1 where there are none: the loss is 0 then.
    - (C1) one label per row of `logits`; `label_smoothing` is in [0, 1).
    - (C2) `logits` and `loss` are not narrower than f32.
    - (C3) `count` is there where `ignore_label` is, and is an f32.

    Example: `%l, %n = incept.softmax_cross_entropy %x, %t ignore 255 {label_smoothing = 0.0} : (tensor<8x4xf32>, tensor<8xi64>) -> (tensor<f32>, tensor<f32>)`
  }];
  let arguments = (ins Incept_Matrix:$logits, Incept_Labels:$labels, F64Attr:$label_smoothing, UnitAttr:$reversed,
                       OptionalAttr<I64Attr>:$ignore_label);
  let results = (outs Incept_Scalar:$loss, Optional<Incept_Scalar>:$count);
  let assemblyFormat = [{
    $logits `,` $labels (`reversed` $reversed^)? (`ignore` $ignore_label^)? attr-dict `:`
    functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Incept_SoftmaxCrossEntropyBackwardOp : Incept_OpaqueOp<"softmax_cross_entropy_backward", [
    AttrSizedOperandSegments, DeclareOpInterfaceMethods<LossGradientOpInterface>]> {
  let summary = "gradient of softmax_cross_entropy with respect to logits";
  let description = [{
    diff_logits = weight * (softmax(logits) - q) / N, times `scale` where it is given; q as in the forward op. With
    `ignore_label` rows of that label are 0, and N is `count`, the forward op's.
    - (C1) as the forward op; `diff_logits` has the shape of `logits`.
    - (C2) `logits` is not narrower than f32.
    - (C3) `count` is there where `ignore_label` is, and is an f32.
  }];
  let arguments = (ins Incept_Matrix:$logits, Incept_Labels:$labels, Optional<Incept_Scalar>:$count,
                       Optional<Incept_Scalar>:$scale, F64Attr:$label_smoothing, F64Attr:$weight, UnitAttr:$reversed,
                       OptionalAttr<I64Attr>:$ignore_label);
  let results = (outs Incept_Matrix:$diff_logits);
  let assemblyFormat = [{
    $logits `,` $labels (`reversed` $reversed^)? (`ignore` $ignore_label^)? (`count` $count^)? (`scale` $scale^)?
    attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Incept_MeanLossOp : Incept_MapOp<"mean_loss", [SameOperandsAndResultShape, SameOperandsAndResultElementType]> {
  let summary = "the sum of the losses of rows over their number";
  let description = [{
    mean = sum / max(count, 1): 0 where no row counts. Kernels end so which add a loss up in parts.

    Example: `%m = incept.mean_loss %sum, %count : (tensor<1xf32>, tensor<1xf32>) -> tensor<1xf32>`
  }];
  let arguments = (ins Incept_Activation:$sum, Incept_Activation:$count);
  let results = (outs Incept_Activation:$mean);
  let assemblyFormat = "$sum `,` $count attr-dict `:` functional-type(operands, results)";
}

class Incept_MomentumUpdateOp<string mnemonic>
    : Incept_MapOp<mnemonic, [DeclareOpInterfaceMethods<UpdateOpInterface>]> {
  let arguments = (ins Incept_Activation:$parameter, Incept_Activation:$gradient, Incept_Activation:$velocity,
                       Incept_Scalar:$learning_rate, Incept_Scalar:$momentum, Incept_Scalar:$weight_decay,
                       Optional<Incept_Scalar>:$unscale, UnitAttr:$decay);
  let results = (outs Incept_Activation:$new_parameter, Incept_Activation:$new_velocity,
                      Optional<Incept_Activation>:$copy);
  let assemblyFormat = [{
    $parameter `,` $gradient `,` $velocity `rate` $learning_rate `momentum` $momentum `weight_decay` $weight_decay
    (`unscale` $unscale^)? (`decay` $decay^)? attr-dict `:` functional-type(operands, results)
  }];
}

def Incept_SgdUpdateOp : Incept_MomentumUpdateOp<"sgd_update"> {
  let summary = "one step of SGD with momentum";
  let description = [{
    g = gradient + weight_decay * parameter (the second term only with `decay`);
    v' = momentum * v + g; parameter' = parameter - learning_rate * v' (the form of torch.optim.SGD).

    `gradient` is multiplied by `unscale` where that is given; where it is 0 parameter' and v' are the old values.
    `copy` is parameter' in the type of its own.
    - (C1) the tensors have one shape.
    - (C2) all but `gradient` and `copy` have one element type.
  }];
}

def Incept_NesterovUpdateOp : Incept_MomentumUpdateOp<"nesterov_update"> {
  let summary = "one step of SGD with Nesterov's momentum";
  let description = [{
    g and v' as in `sgd_update`; parameter' = parameter - learning_rate * (g + momentum * v') (the form of
    torch.optim.SGD). `unscale` and `copy` as in `sgd_update`.
    - (C1) the tensors have one shape.
    - (C2) all but `gradient` and `copy` have one element type.
  }];
}

def Incept_LarsUpdateOp : Incept_MapOp<"lars_update", [DeclareOpInterfaceMethods<UpdateOpInterface>]> {
  let summary = "one step of SGD whose rate follows the norms of a layer";
  let description = [{
    You, Gitman and Ginsburg 2017. With |w| and |g| the roots of `parameter_squares` and `gradient_squares`, the sums of
    the squares of the whole tensors, and weight_decay taken as 0 without `decay`,
    ratio = trust * |w| / (|g| + weight_decay * |w|), or 1 where one of the norms is 0;
    v' = momentum * v + learning_rate * ratio * (gradient + weight_decay * parameter); parameter' = parameter - v'.
    `unscale`, which |g| is multiplied by too, and `copy` as in `sgd_update`.
    - (C1) the tensors have one shape.
    - (C2) all but `gradient` and `copy` have one element type.
  }];
  let arguments = (ins Incept_Activation:$parameter, Incept_Activation:$gradient, Incept_Activation:$velocity,
                       Incept_Scalar:$learning_rate, Incept_Scalar:$momentum, Incept_Scalar:$trust,
                       Incept_Scalar:$weight_decay, Incept_Scalar:$parameter_squares, Incept_Scalar:$gradient_squares,
                       Optional<Incept_Scalar>:$unscale, UnitAttr:$decay);
  let results = (outs Incept_Activation:$new_parameter, Incept_Activation:$new_velocity,
                      Optional<Incept_Activation>:$copy);
  let assemblyFormat = [{
    $parameter `,` $gradient `,` $velocity `rate` $learning_rate `momentum` $momentum `trust` $trust
    `weight_decay` $weight_decay `squares` $parameter_squares `,` $gradient_squares (`unscale` $unscale^)?
    (`decay` $decay^)? attr-dict `:` functional-type(operands, results)
  }];
}

def Incept_LambDirectionOp : Incept_MapOp<"lamb_direction", [DeclareOpInterfaceMethods<UnscalingOpInterface>]> {
  let summary = "where a step of LAMB goes";
  let description = [{
    direction = m' / (1 - beta1^t) / (sqrt(v' / (1 - beta2^t)) + epsilon) + weight_decay * parameter, with m', v' and t as in
    `adamw_update`: `lamb_update` takes the sum of its squares.
    - (C1) the tensors have one shape.
    - (C2) all but `gradient` have one element type.
  }];
  let arguments = (ins Incept_Activation:$parameter, Incept_Activation:$gradient, Incept_Activation:$first_moment,
                       Incept_Activation:$second_moment, Incept_Scalar:$beta1, Incept_Scalar:$beta2,
                       Incept_Scalar:$epsilon, Incept_Scalar:$weight_decay, Incept_IntScalar:$step,
                       Optional<Incept_Scalar>:$unscale);
  let results = (outs Incept_Activation:$direction);
  let assemblyFormat = [{
    $parameter `,` $gradient `,` $first_moment `,` $second_moment `betas` $beta1 `,` $beta2 `epsilon` $epsilon
    `weight_decay` $weight_decay `step` $step (`unscale` $unscale^)? attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Incept_LambUpdateOp
    : Incept_MapOp<"lamb_update", [DeclareOpInterfaceMethods<UpdateOpInterface, ["buildDirection"]>]> {
  let summary = "one step of Adam whose rate follows the norms of a layer";
  let description = [{
    You and others 2020. With m' and v' as in `adamw_update`, d the direction of `lamb_direction` (without its second term
    where there is no `decay`), and |w| and |d| the roots of `parameter_squares` and `direction_squares`, the sums of the
    squares of the whole tensors, ratio = |w| / |d|, or 1 where one of the norms is 0;
    parameter' = parameter - learning_rate * ratio * d. `unscale` and `copy` as in `sgd_update`.
    - (C1) the tensors have one shape.
    - (C2) all but `gradient` and `copy` have one element type.
  }];
  let arguments = (ins Incept_Activation:$parameter, Incept_Activation:$gradient, Incept_Activation:$first_moment,
                       Incept_Activation:$second_moment, Incept_Scalar:$learning_rate, Incept_Scalar:$beta1,
                       Incept_Scalar:$beta2, Incept_Scalar:$epsilon, Incept_Scalar:$weight_decay,
                       Incept_IntScalar:$step, Incept_Scalar:$parameter_squares, Incept_Scalar:$direction_squares,
                       Optional<Incept_Scalar>:$unscale, UnitAttr:$decay);
  let results = (outs Incept_Activation:$new_parameter, Incept_Activation:$new_first_moment,
                      Incept_Activation:$new_second_moment, Optional<Incept_Activation>:$copy);
  let assemblyFormat = [{
    $parameter `,` $gradient `,` $first_moment `,` $second_moment `rate` $learning_rate `betas` $beta1 `,` $beta2
    `epsilon` $epsilon `weight_decay` $weight_decay `step` $step `squares` $parameter_squares `,` $direction_squares
    (`unscale` $unscale^)? (`decay` $decay^)? attr-dict `:` functional-type(operands, results)
  }];
}

class Incept_AdaptiveUpdateOp<string mnemonic>
    : Incept_MapOp<mnemonic, [DeclareOpInterfaceMethods<UpdateOpInterface>]> {
  let arguments = (ins Incept_Activation:$parameter, Incept_Activation:$gradient, Incept_Activation:$first_moment,
                       Incept_Activation:$second_moment, Incept_Scalar:$learning_rate, Incept_Scalar:$beta1,
                       Incept_Scalar:$beta2, Incept_Scalar:$epsilon, Incept_Scalar:$weight_decay,
                       Incept_IntScalar:$step, Optional<Incept_Scalar>:$unscale, UnitAttr:$decay);
  let results = (outs Incept_Activation:$new_parameter, Incept_Activation:$new_first_moment,
                      Incept_Activation:$new_second_moment, Optional<Incept_Activation>:$copy);
  let assemblyFormat = [{
    $parameter `,` $gradient `,` $first_moment `,` $second_moment `rate` $learning_rate `betas` $beta1 `,` $beta2
    `epsilon` $epsilon `weight_decay` $weight_decay `step` $step (`unscale` $unscale^)? (`decay` $decay^)?
    attr-dict `:` functional-type(operands, results)
  }];
}

def Incept_AdamUpdateOp : Incept_AdaptiveUpdateOp<"adam_update"> {
  let summary = "one step of Adam";
  let description = [{
    Kingma and Ba 2015, with L2 decay as torch.optim.Adam has it. With t = step + 1, the steps up to this one whether they
    were made or not, and g = gradient + weight_decay * parameter (the second term only with `decay`):
    m' = beta1 * m + (1 - beta1) * g; v' = beta2 * v + (1 - beta2) * g^2;
    parameter' = parameter - learning_rate * m' / (1 - beta1^t) / (sqrt(v' / (1 - beta2^t)) + epsilon).
    `unscale` and `copy` as in `sgd_update`.
    - (C1) the tensors have one shape.
    - (C2) all but `gradient` and `copy` have one element type.
  }];
}

def Incept_AdamwUpdateOp : Incept_AdaptiveUpdateOp<"adamw_update"> {
  let summary = "one step of Adam with decoupled weight decay";
  let description = [{
    Loshchilov and Hutter 2019: as `adam_update` with g = gradient, and parameter' is less by
    learning_rate * weight_decay * parameter (only with `decay`).
    - (C1) the tensors have one shape.
    - (C2) all but `gradient` and `copy` have one element type.
  }];
}

def Incept_RmspropUpdateOp : Incept_MapOp<"rmsprop_update", [DeclareOpInterfaceMethods<UpdateOpInterface>]> {
  let summary = "one step of RMSProp with momentum, in TensorFlow's form";
  let description = [{
    g = gradient + weight_decay * parameter (the second term only with `decay`);
    ms' = rms_decay * ms + (1 - rms_decay) * g^2; v' = momentum * v + learning_rate * g / sqrt(ms' + epsilon);
    parameter' = parameter - v'. ms starts at 1. `unscale` and `copy` as in `sgd_update`.
    - (C1) the tensors have one shape.
    - (C2) all but `gradient` and `copy` have one element type.
  }];
  let arguments = (ins Incept_Activation:$parameter, Incept_Activation:$gradient, Incept_Activation:$mean_square,
                       Incept_Activation:$velocity, Incept_Scalar:$learning_rate, Incept_Scalar:$momentum,
                       Incept_Scalar:$rms_decay, Incept_Scalar:$epsilon, Incept_Scalar:$weight_decay,
                       Optional<Incept_Scalar>:$unscale, UnitAttr:$decay);
  let results = (outs Incept_Activation:$new_parameter, Incept_Activation:$new_mean_square,
                      Incept_Activation:$new_velocity, Optional<Incept_Activation>:$copy);
  let assemblyFormat = [{
    $parameter `,` $gradient `,` $mean_square `,` $velocity `rate` $learning_rate `momentum` $momentum
    `rms_decay` $rms_decay `epsilon` $epsilon `weight_decay` $weight_decay (`unscale` $unscale^)? (`decay` $decay^)?
    attr-dict `:` functional-type(operands, results)
  }];
}

def Incept_CountNonfiniteOp : Incept_OpaqueOp<"count_nonfinite"> {
  let summary = "how many elements are infinite or NaN";
  let description = [{
    The number of such elements in all operands together, as an f32: exact up to 2^24, and 0 only where there are none.
    Neighbours in memory are counted as one tensor, in parts whose number depends on sizes alone.
    - (C1) there is at least one operand.

    Example: `%bad = incept.count_nonfinite %g0, %g1 : (tensor<32x3x3x3xf32>, tensor<32xf32>) -> tensor<f32>`
  }];
  let arguments = (ins Variadic<Incept_Activation>:$srcs);
  let results = (outs 0DTensorOf<[F32]>:$count);
  let assemblyFormat = "$srcs attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Incept_SumSquaresOp : Incept_OpaqueOp<"sum_squares"> {
  let summary = "the sum of the squares of all elements";
  let description = [{
    Of all operands together, as an f32: the square of their norm. Neighbours in memory are summed as one tensor, in parts
    whose number depends on sizes alone.
    - (C1) there is at least one operand.

    Example: `%s = incept.sum_squares %g0, %g1 : (tensor<32x3x3x3xf32>, tensor<32xf32>) -> tensor<f32>`
  }];
  let arguments = (ins Variadic<Incept_Activation>:$srcs);
  let results = (outs 0DTensorOf<[F32]>:$sum);
  let assemblyFormat = "$srcs attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Incept_ClipFactorOp : Incept_MapOp<"clip_factor", [DeclareOpInterfaceMethods<UnscalingOpInterface>]> {
  let summary = "what gradients are multiplied by so that their norm has a limit";
  let description = [{
    With n = sqrt(squares) * unscale (1 where it is absent), factor = unscale * min(1, limit / (n + 1e-6)), as
    torch.nn.utils.clip_grad_norm_ has it. It is the `unscale` of updates: where the norm is infinite it is 0, and the step
    is not made; NaN stays NaN.

    Example: `%f = incept.clip_factor %squares limit %max : (tensor<f32>, tensor<f32>) -> tensor<f32>`
  }];
  let arguments = (ins Incept_Scalar:$squares, Incept_Scalar:$limit, Optional<Incept_Scalar>:$unscale);
  let results = (outs Incept_Scalar:$factor);
  let assemblyFormat = [{
    $squares `limit` $limit (`unscale` $unscale^)? attr-dict `:` functional-type(operands, results)
  }];
}

def Incept_ClipOp : Incept_MapOp<"clip", [DeclareOpInterfaceMethods<UnscalingOpInterface>]> {
  let summary = "elements between two limits";
  let description = [{
    dst = min(max(src, -l), l) with l = limit / unscale (1 where it is absent): src times unscale, which comes later, is
    between -limit and limit. NaN stays NaN.
    - (C1) `dst` has the type of `src` but for the layout.
  }];
  let arguments = (ins Incept_Activation:$src, Incept_Scalar:$limit, Optional<Incept_Scalar>:$unscale);
  let results = (outs Incept_Activation:$dst);
  let assemblyFormat = [{
    $src `limit` $limit (`unscale` $unscale^)? attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Incept_MixOp : Incept_MapOp<"mix"> {
  let summary = "a weighted mean of two tensors";
  let description = [{
    dst = share * lhs + (1 - share) * rhs: losses of images that are mixed of two, and their gradients.
    - (C1) the tensors have one type but for the layout.

    Example: `%l = incept.mix %a, %b share %s : (tensor<f32>, tensor<f32>, tensor<f32>) -> tensor<f32>`
  }];
  let arguments = (ins Incept_Activation:$lhs, Incept_Activation:$rhs, Incept_Scalar:$share);
  let results = (outs Incept_Activation:$dst);
  let assemblyFormat = "$lhs `,` $rhs `share` $share attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Incept_AverageUpdateOp : Incept_MapOp<"average_update"> {
  let summary = "one step of an exponential moving average";
  let description = [{
    average' = average + (1 - d) * (value - average) with d = min(decay, (1 + step) / (10 + step)), as TensorFlow's
    ExponentialMovingAverage has it: in the first steps the average follows faster.
    - (C1) the tensors have one type but for the layout.
  }];
  let arguments = (ins Incept_Activation:$average, Incept_Activation:$value, Incept_Scalar:$decay,
                       Incept_IntScalar:$step);
  let results = (outs Incept_Activation:$new_average);
  let assemblyFormat = [{
    $average `,` $value `decay` $decay `step` $step attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Incept_LossScaleUpdateOp : Incept_MapOp<"loss_scale_update"> {
  let summary = "one step of dynamic loss scaling";
  let description = [{
    `bad` is the number of elements of gradients that are not finite, `good_steps` the number of steps without such since
    the scale last changed. With bad = 0: unscale = 1/scale and good' = good_steps + 1; if that is `growth_interval`, good'
    is 0 and scale' = min(2 * scale, 2^24), otherwise scale' = scale. With bad > 0: unscale = 0 (the step is not made),
    scale' = max(scale / 2, 1), good' = 0.
    - (C1) `growth_interval` is positive.
  }];
  let arguments = (ins Incept_Scalar:$bad, Incept_Scalar:$scale, Incept_Scalar:$good_steps, I64Attr:$growth_interval);
  let results = (outs Incept_Scalar:$unscale, Incept_Scalar:$new_scale, Incept_Scalar:$new_good_steps);
  let assemblyFormat = [{
    $bad `,` $scale `,` $good_steps `every` $growth_interval attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

#endif // INCEPT_TRAINING_OPS_TD
