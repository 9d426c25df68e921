// SPDX-License-Identifier: Apache-2.0
//
// Batch normalisation: as the description has it, as training differentiates it, and the pieces it is decomposed into.
// Behind it what is normalised with its own image's values alone.
#ifndef INCEPT_NORM_OPS_TD
#define INCEPT_NORM_OPS_TD

include "dialect/InceptInterfaces.td"

def Incept_BatchNormOp : Incept_PureOp<"batch_norm"> {
  let summary = "batch normalisation with given statistics";
  let description = [{
    dst = gamma * (src - mean) / sqrt(variance + epsilon) + beta, per channel; gamma is 1 where it is absent. In the
    graph phase `mean` and `variance` are reads of the running statistics; differentiation replaces the op by
    `batch_norm_training`, whose running statistics follow decay * running + (1 - decay) * batch.
    - (C1) `src` and `dst` have one shape; the vectors have one value per channel.
    - (C2) `epsilon` is positive, `decay` is in [0, 1].
  }];
  let arguments = (ins Incept_Image:$src, Optional<Incept_ChannelVector>:$gamma, Incept_ChannelVector:$beta,
                       Incept_ChannelVector:$mean, Incept_ChannelVector:$variance, F64Attr:$epsilon, F64Attr:$decay);
  let results = (outs Incept_Image:$dst);
  let assemblyFormat = [{
    $src (`gamma` $gamma^)? `beta` $beta `mean` $mean `variance` $variance attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Incept_BatchNormTrainingOp : Incept_PureOp<"batch_norm_training"> {
  let summary = "batch normalisation with the batch's own statistics";
  let description = [{
    `mean` and `inv_std` = 1/sqrt(variance + epsilon) (population variance) are kept for the gradient.
    new_running = decay * running + (1 - decay) * batch, with the unbiased variance.
    - (C1) `src` and `dst` have one shape; the vectors have one value per channel.
    - (C2) `epsilon` is positive, `decay` is in [0, 1].
  }];
  let arguments = (ins Incept_Image:$src, Optional<Incept_ChannelVector>:$gamma, Incept_ChannelVector:$beta,
                       Incept_ChannelVector:$running_mean, Incept_ChannelVector:$running_var,
                       F64Attr:$epsilon, F64Attr:$decay);
  let results = (outs Incept_Image:$dst, Incept_ChannelVector:$mean, Incept_ChannelVector:$inv_std,
                      Incept_ChannelVector:$new_running_mean, Incept_ChannelVector:$new_running_var);
  let assemblyFormat = [{
    $src (`gamma` $gamma^)? `beta` $beta `running` $running_mean `,` $running_var attr-dict `:`
    functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Incept_BatchNormBackwardOp : Incept_PureOp<"batch_norm_backward"> {
  let summary = "gradients of batch_norm_training";
  let description = [{
    With M values per channel and xhat = (src - mean) * inv_std: diff_beta = sum(diff_dst),
    diff_gamma = sum(diff_dst * xhat), diff_src = gamma * inv_std * (diff_dst - diff_beta/M - xhat * diff_gamma/M).
    - (C1) `diff_dst`, `src` and `diff_src` have one shape; the vectors have one value per channel.
  }];
  let arguments = (ins Incept_Image:$diff_dst, Incept_Image:$src, Incept_ChannelVector:$mean,
                       Incept_ChannelVector:$inv_std, Optional<Incept_ChannelVector>:$gamma);
  let results = (outs Incept_Image:$diff_src, Incept_ChannelVector:$diff_gamma, Incept_ChannelVector:$diff_beta);
  let assemblyFormat = [{
    $diff_dst `,` $src `mean` $mean `inv_std` $inv_std (`gamma` $gamma^)? attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Incept_ChannelSampleOp : Incept_ViewOp<"channel_sample"> {
  let summary = "the first pixel of the first image";
  let description = [{
    One value per channel that is near the channel's other values: the shift that keeps sums of squares exact.
    - (C1) `dst` has one value per channel of `src`.
    - (C2) both have one element type: they are one memory.
  }];
  let arguments = (ins Incept_Image:$src);
  let results = (outs Incept_ChannelVector:$dst);
  let assemblyFormat = "$src attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Incept_ChannelStatsOp : Incept_ReduceOp<"channel_stats"> {
  let summary = "sums of a channel's values and of their squares, shifted";
  let description = [{
    sum = sum(src - shift), sum_squares = sum((src - shift)^2); shift is 0 where it is absent.
    - (C1) the vectors have one value per channel of `src`; the sums are f32 for a `src` of any type.
  }];
  let arguments = (ins Incept_Image:$src, Optional<Incept_ChannelVector>:$shift);
  let results = (outs Incept_ChannelVector:$sum, Incept_ChannelVector:$sum_squares);
  let assemblyFormat = "$src (`shift` $shift^)? attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Incept_BatchNormFinalizeOp : Incept_MapOp<"batch_norm_finalize", [AttrSizedOperandSegments, CountedOpInterface]> {
  let summary = "batch statistics from sums, and the running statistics' next values";
  let description = [{
    With M = `count` values per channel: mean = shift + sum/M, variance = sum_squares/M - (sum/M)^2 (at least 0),
    inv_std = 1/sqrt(variance + epsilon), scale = gamma * inv_std,
    new_running_mean = decay * running_mean + (1 - decay) * mean,
    new_running_var = decay * running_var + (1 - decay) * variance * M/(M - 1) (M/(M-1) is 1 for M = 1).

    Sums without a shift lose the variance of a channel whose mean is large against its deviation. Where they are of
    `src`, a channel with mean^2 > 256 * (variance + epsilon) gets sums of differences to its first pixel, as
    `channel_stats` has them. It then is an op on full tensors, whose results are vectors.

    With `beta` there are two `factors`, in which max(src * factors[0] + factors[1], 0) is the ReLU of the batch norm, for
    libraries that normalise what they read: scale, rounded to their type, and beta - mean * factors[0]. The second is
    rounded by at most half a unit in its last place, as if all values of the channel were moved by as much of mean. A
    channel with mean^2 > 2^22 * (variance + epsilon) has no deviation left in a type of 16 bits: they are 0 and beta.
    - (C1) all operands and results but `src` have one value per channel.
    - (C2) `count` is positive (0 only in a kernel definition, where it is an extent).
    - (C3) `src` has one channel per value and `count` values in each; beside it there is no `shift`.
    - (C4) there are two `factors`, of one type, where there is `beta`, and none where there is not.
  }];
  let arguments = (ins Incept_ChannelVector:$sum, Incept_ChannelVector:$sum_squares, Optional<Incept_ChannelVector>:$shift,
                       Optional<Incept_Image>:$src, Optional<Incept_ChannelVector>:$gamma, Optional<Incept_ChannelVector>:$beta,
                       Incept_ChannelVector:$running_mean, Incept_ChannelVector:$running_var, F64Attr:$epsilon,
                       F64Attr:$decay, I64Attr:$count);
  let results = (outs Incept_ChannelVector:$mean, Incept_ChannelVector:$inv_std, Incept_ChannelVector:$scale,
                      Incept_ChannelVector:$new_running_mean, Incept_ChannelVector:$new_running_var,
                      Variadic<Incept_ChannelVector>:$factors);
  let extraClassDeclaration = [{
    /// Sums lose the variance of a channel with mean^2 above this times variance + epsilon.
    static constexpr double kMostSquare = 256;
    /// A type of 16 bits has no deviation left where mean^2 is above this times variance + epsilon.
    static constexpr double kMostSquareNarrow = 4194304;
  }];
  let assemblyFormat = [{
    $sum `,` $sum_squares (`shift` $shift^)? (`of` $src^)? (`gamma` $gamma^)? (`beta` $beta^)? `running` $running_mean `,`
    $running_var attr-dict `:`
    functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Incept_ScaleShiftOp : Incept_MapOp<"scale_shift"> {
  let summary = "(src - center) * scale + shift, per channel";
  let description = [{
    - (C1) `src` and `dst` have one shape; the vectors have one value per channel.
  }];
  let arguments = (ins Incept_Activation:$src, Incept_ChannelVector:$center, Incept_ChannelVector:$scale,
                       Incept_ChannelVector:$shift);
  let results = (outs Incept_Activation:$dst);
  let assemblyFormat = "$src `,` $center `,` $scale `,` $shift attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Incept_BatchNormBackwardStatsOp : Incept_ReduceOp<"batch_norm_backward_stats"> {
  let summary = "the two sums of a batch norm's gradient";
  let description = [{
    sum = sum(diff_dst), sum_product = sum(diff_dst * (src - mean)), per channel.
    - (C1) `diff_dst` and `src` have one shape; the vectors have one value per channel; the sums are f32 for tensors of
      any type.
  }];
  let arguments = (ins Incept_Image:$diff_dst, Incept_Image:$src, Incept_ChannelVector:$mean);
  let results = (outs Incept_ChannelVector:$sum, Incept_ChannelVector:$sum_product);
  let assemblyFormat = "$diff_dst `,` $src `,` $mean attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Incept_BatchNormBackwardFinalizeOp : Incept_MapOp<"batch_norm_backward_finalize", [CountedOpInterface]> {
  let summary = "parameter gradients and the coefficients of diff_src";
  let description = [{
    With M = `count`: diff_gamma = sum_product * inv_std, diff_beta = sum, a = gamma * inv_std,
    b = -a * inv_std^2 * sum_product / M, c = -a * sum / M; then diff_src = a * diff_dst + b * (src - mean) + c.
    - (C1) all operands and results have one value per channel.
    - (C2) `count` is positive (0 only in a kernel definition, where it is an extent).
  }];
  let arguments = (ins Incept_ChannelVector:$sum, Incept_ChannelVector:$sum_product, Incept_ChannelVector:$inv_std,
                       Optional<Incept_ChannelVector>:$gamma, I64Attr:$count);
  let results = (outs Incept_ChannelVector:$diff_gamma, Incept_ChannelVector:$diff_beta, Incept_ChannelVector:$a,
                      Incept_ChannelVector:$b, Incept_ChannelVector:$c);
  let assemblyFormat = [{
    $sum `,` $sum_product `inv_std` $inv_std (`gamma` $gamma^)? attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Incept_BatchNormBackwardApplyOp : Incept_MapOp<"batch_norm_backward_apply"> {
  let summary = "a * diff_dst + b * (src - mean) + c, per channel";
  let description = [{
    `mean` is 0 where it is absent: `c` then has its part of the sum.
    - (C1) `diff_dst`, `src` and `diff_src` have one shape; the vectors have one value per channel.
  }];
  let arguments = (ins Incept_Image:$diff_dst, Incept_Image:$src, Optional<Incept_ChannelVector>:$mean,
                       Incept_ChannelVector:$a, Incept_ChannelVector:$b, Incept_ChannelVector:$c);
  let results = (outs Incept_Image:$diff_src);
  let assemblyFormat = [{
    $diff_dst `,` $src (`mean` $mean^)? `,` $a `,` $b `,` $c attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Incept_FoldBatchNormOp : Incept_MapOp<"fold_batch_norm", [AttrSizedOperandSegments]> {
  let summary = "the factor and the bias that batch norm amounts to in inference";
  let description = [{
    scale = gamma / sqrt(variance + epsilon), shift = beta + (bias - mean) * scale (bias is 0 where it is absent).
    - (C1) all operands and results have one value per channel.
  }];
  let arguments = (ins Optional<Incept_ChannelVector>:$gamma, Incept_ChannelVector:$beta, Incept_ChannelVector:$mean,
                       Incept_ChannelVector:$variance, Optional<Incept_ChannelVector>:$bias, F64Attr:$epsilon);
  let results = (outs Incept_ChannelVector:$scale, Incept_ChannelVector:$shift);
  let assemblyFormat = [{
    (`gamma` $gamma^)? `beta` $beta `mean` $mean `variance` $variance (`bias` $bias^)? attr-dict `:`
    functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Incept_NormalizePixelsOp : Incept_OpaqueOp<"normalize_pixels"> {
  let summary = "each pixel's channels with mean 0 and variance 1";
  let description = [{
    dst = (src - mean) / sqrt(variance + epsilon), with mean and (population) variance over the channels of each pixel:
    layer normalisation over channels (Ba et al. 2016, as in ConvNeXt), without its factors, which are a `channel_affine`.
    - (C1) `src` and `dst` have one shape and element type.
    - (C2) `epsilon` is positive.
  }];
  let arguments = (ins Incept_Image:$src, F64Attr:$epsilon);
  let results = (outs Incept_Image:$dst);
  let assemblyFormat = "$src `epsilon` $epsilon attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Incept_NormalizePixelsBackwardOp : Incept_OpaqueOp<"normalize_pixels_backward"> {
  let summary = "gradient of normalize_pixels";
  let description = [{
    With x = (src - mean) * r, r = 1/sqrt(variance + epsilon), and means over a pixel's channels:
    diff_src = r * (diff_dst - mean(diff_dst) - x * mean(diff_dst * x)).
    - (C1) `diff_dst`, `src` and `diff_src` have one shape and element type.
    - (C2) `epsilon` is positive.
  }];
  let arguments = (ins Incept_Image:$diff_dst, Incept_Image:$src, F64Attr:$epsilon);
  let results = (outs Incept_Image:$diff_src);
  let assemblyFormat = "$diff_dst `,` $src `epsilon` $epsilon attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Incept_NormalizeGroupsOp : Incept_OpaqueOp<"normalize_groups"> {
  let summary = "each image's groups of channels with mean 0 and variance 1";
  let description = [{
    dst = (src - mean) / sqrt(variance + epsilon), with mean and (population) variance over all pixels of the C/groups
    neighbouring channels of a group, in each image: group normalisation (Wu and He 2018) without its factors, which are a
    `channel_affine`.
    - (C1) `src` and `dst` have one shape and element type.
    - (C2) `epsilon` is positive; `groups` is positive and divides the channels.
  }];
  let arguments = (ins Incept_Image:$src, I64Attr:$groups, F64Attr:$epsilon);
  let results = (outs Incept_Image:$dst);
  let assemblyFormat = "$src `groups` $groups `epsilon` $epsilon attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Incept_NormalizeGroupsBackwardOp : Incept_OpaqueOp<"normalize_groups_backward"> {
  let summary = "gradient of normalize_groups";
  let description = [{
    That of `normalize_pixels_backward`, with means over the pixels and channels of a group.
    - (C1) `diff_dst`, `src` and `diff_src` have one shape and element type.
    - (C2) `epsilon` is positive; `groups` is positive and divides the channels.
  }];
  let arguments = (ins Incept_Image:$diff_dst, Incept_Image:$src, I64Attr:$groups, F64Attr:$epsilon);
  let results = (outs Incept_Image:$diff_src);
  let assemblyFormat = [{
    $diff_dst `,` $src `groups` $groups `epsilon` $epsilon attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Incept_SoftmaxOp : Incept_OpaqueOp<"softmax"> {
  let summary = "each pixel's channels as shares of 1";
  let description = [{
    dst[c] = exp(src[c] - m) / (sum of exp(src[k] - m) over the channels k of the pixel), with m the largest of these:
    nothing overflows. In (N,C) a row is the pixel.
    - (C1) `src` is (N,C,H,W) or (N,C); `src` and `dst` have one shape and element type.
  }];
  let arguments = (ins Incept_Activation:$src);
  let results = (outs Incept_Activation:$dst);
  let assemblyFormat = "$src attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Incept_SoftmaxBackwardOp : Incept_OpaqueOp<"softmax_backward"> {
  let summary = "gradient of softmax";
  let description = [{
    diff_src = dst * (diff_dst - sum of diff_dst * dst over the pixel's channels). Takes the result of `softmax`, not its
    operand.
    - (C1) `diff_dst`, `dst` and `diff_src` have one shape, (N,C,H,W) or (N,C), and element type.
  }];
  let arguments = (ins Incept_Activation:$diff_dst, Incept_Activation:$dst);
  let results = (outs Incept_Activation:$diff_src);
  let assemblyFormat = "$diff_dst `,` $dst attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Incept_LocalResponseNormOp : Incept_OpaqueOp<"local_response_norm"> {
  let summary = "each value over a power of its neighbouring channels' squares";
  let description = [{
    dst[c] = src[c] * s[c]^-beta with s[c] = k + alpha/size * (sum of src[j]^2 over the channels j of the pixel from
    c - size div 2 to c + (size - 1) div 2): the normalisation of AlexNet (Krizhevsky et al. 2012), with PyTorch's alpha,
    which is `size` times the paper's, and PyTorch's window of an even size.
    - (C1) `src` and `dst` have one shape and element type.
    - (C2) `size` is 1 to 255; `k` is positive, `alpha` and `beta` are not negative, and all are finite.
  }];
  let arguments = (ins Incept_Image:$src, I64Attr:$size, F64Attr:$alpha, F64Attr:$beta, F64Attr:$k);
  let results = (outs Incept_Image:$dst);
  let assemblyFormat = [{
    $src `size` $size `alpha` $alpha `beta` $beta `k` $k attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Incept_LocalResponseNormBackwardOp : Incept_OpaqueOp<"local_response_norm_backward"> {
  let summary = "gradient of local_response_norm";
  let description = [{
    With s as there: diff_src[c] = diff_dst[c] * s[c]^-beta - 2 * alpha * beta / size * src[c] *
    (sum of diff_dst[j] * src[j] * s[j]^(-beta - 1) over the channels j whose windows have c in them). Computes s again
    rather than keep it: a pixel's channels are near, a third tensor is not.
    - (C1) `diff_dst`, `src` and `diff_src` have one shape and element type.
    - (C2) as `local_response_norm`.
  }];
  let arguments = (ins Incept_Image:$diff_dst, Incept_Image:$src, I64Attr:$size, F64Attr:$alpha, F64Attr:$beta,
                       F64Attr:$k);
  let results = (outs Incept_Image:$diff_src);
  let assemblyFormat = [{
    $diff_dst `,` $src `size` $size `alpha` $alpha `beta` $beta `k` $k attr-dict `:`
    functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

#endif // INCEPT_NORM_OPS_TD
