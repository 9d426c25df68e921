// SPDX-License-Identifier: Apache-2.0
//
// Convolution and linear ops with their gradients: the ops that libraries compute.
#ifndef INCEPT_CONV_OPS_TD
#define INCEPT_CONV_OPS_TD

include "dialect/InceptInterfaces.td"

defvar Incept_ConvArguments = (ins
  DefaultValuedAttr<DenseI64ArrayAttr, "{1, 1}">:$stride,
  DefaultValuedAttr<DenseI64ArrayAttr, "{0, 0}">:$pad_begin,
  DefaultValuedAttr<DenseI64ArrayAttr, "{0, 0}">:$pad_end,
  DefaultValuedAttr<DenseI64ArrayAttr, "{1, 1}">:$dilation,
  DefaultValuedAttr<I64Attr, "1">:$groups);

defvar Incept_ConvFormat = [{
    (`stride` $stride^)? (`pad` $pad_begin^)? (`pad_end` $pad_end^)? (`dilation` $dilation^)? (`groups` $groups^)?
}];

def Incept_Conv2DOp : Incept_LibraryOp<"conv2d", [
    AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<WeightsOpInterface, ["getWeightsOperand", "decidesWeightsFormat"]>]> {
  let summary = "2-D convolution, forward";
  let description = [{
    Computes the cross-correlation of `src` (N,C,H,W) with `weights` (O,C/groups,kh,kw), plus `bias` (O) where it is
    given. With `residual`, the result is that times `scale`, plus `residual`; with `relu`, the maximum of it all and 0.
    A convolution with a residual has no gradient: it appears in inference. `pad_begin` is top and left, `pad_end` bottom and
    right, dense convolutions have dilation 1.

    - (C1) channels of `src` = input channels of `weights` * `groups`; `groups` divides the output channels.
    - (C2) the window, its strides and dilations are positive, paddings not negative, and the window fits the image.
    - (C3) `bias` has one value per output channel.
    - (C4) the shape of `dst` is (N, O, floor((H + pads - dilation*(kh-1) - 1)/stride) + 1, ...).
    - (C5) `src`, `weights` and `dst` have one element type, `bias` has theirs or f32.
    - (C6) `residual` has the type of `dst`; without it `scale` is 1.

    Example: `%y = incept.conv2d %x, %w stride [2, 2] : (tensor<8x3x299x299xf32>, tensor<32x3x3x3xf32>) -> tensor<8x32x149x149xf32>`
  }];
  let arguments = !con((ins Incept_Image:$src, Incept_Weights:$weights, Optional<Incept_ChannelVector>:$bias,
                            Optional<Incept_Image>:$residual),
                       Incept_ConvArguments, (ins DefaultValuedAttr<F64Attr, "1.0">:$scale, UnitAttr:$relu));
  let results = (outs Incept_Image:$dst);
  let assemblyFormat = !strconcat("$src `,` $weights (`bias` $bias^)? (`residual` $residual^)?", Incept_ConvFormat, "(`scale` $scale^)? (`relu` $relu^)? attr-dict `:` functional-type(operands, results)");
  let hasVerifier = 1;
}

def Incept_Conv2DStatsOp : Incept_LibraryOp<"conv2d_stats", [
    AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<WeightsOpInterface, ["getWeightsOperand", "decidesWeightsFormat"]>]> {
  let summary = "2-D convolution, forward, and sums of its result for batch norm";
  let description = [{
    `dst` is the `conv2d` of `src` with `weights`; `sum` and `sum_squares` are those of its values and of their squares,
    for each channel (`channel_stats` without a shift). Where the library adds up what it has before it rounds `dst`, they
    differ from `channel_stats` by that rounding.

    With `factor` and `offset` it is the convolution of max(src * factor + offset, 0), channel by channel, which is computed
    as the library reads `src`: a normalised activation need not be in memory. Pixels outside the image are 0.

    - (C1) `dst` has the shape that the convolution has.
    - (C2) `src`, `weights` and `dst` have one element type.
    - (C3) the sums have one value per channel of `dst` and are f32 for tensors of any type.
    - (C4) `factor` and `offset` are there together, and have a value per channel of `src` and its element type.

    Example: `%y, %s, %q = incept.conv2d_stats %x, %w : (tensor<8x64x9x9xf16>, tensor<96x64x1x1xf16>) -> (tensor<8x96x9x9xf16>, tensor<96xf32>, tensor<96xf32>)`
  }];
  let arguments = !con((ins Incept_Image:$src, Incept_Weights:$weights, Optional<Incept_ChannelVector>:$factor,
                            Optional<Incept_ChannelVector>:$offset),
                       Incept_ConvArguments);
  let results = (outs Incept_Image:$dst, Incept_ChannelVector:$sum, Incept_ChannelVector:$sum_squares);
  let assemblyFormat = !strconcat("$src `,` $weights (`normalized` $factor^ `,` $offset)?", Incept_ConvFormat, "attr-dict `:` functional-type(operands, results)");
  let hasVerifier = 1;
}

def Incept_Conv2DBackwardDataOp : Incept_LibraryOp<"conv2d_backward_data", [
    DeclareOpInterfaceMethods<WeightsOpInterface, ["getWeightsOperand", "decidesWeightsFormat"]>]> {
  let summary = "gradient of a convolution with respect to src";
  let description = [{
    The shape of `diff_src` is that of the forward `src`.

    In a network's forward computation it is a transposed convolution (torch.nn.ConvTranspose2d) of `diff_dst` (N,I,h,w)
    to `diff_src` (N,O,H,W), with weights (I,O/groups,kh,kw), as PyTorch has them. Its gradients are the convolution itself
    and `conv2d_backward_weights`; what PyTorch calls output padding is rows and columns that the convolution leaves out.
    - (C1) `diff_dst` has the shape that the forward convolution of `diff_src` with `weights` has.
    - (C2) all tensors have one element type.
  }];
  let arguments = !con((ins Incept_Image:$diff_dst, Incept_Weights:$weights), Incept_ConvArguments);
  let results = (outs Incept_Image:$diff_src);
  let assemblyFormat = !strconcat("$diff_dst `,` $weights", Incept_ConvFormat, "attr-dict `:` functional-type(operands, results)");
  let hasVerifier = 1;
}

def Incept_Conv2DBackwardNormOp : Incept_LibraryOp<"conv2d_backward_norm", [
    DeclareOpInterfaceMethods<WeightsOpInterface, ["getWeightsOperand"]>]> {
  let summary = "gradient of a convolution with respect to src, and of the batch norm and ReLU that gave it";
  let description = [{
    For a convolution of relu(gamma * n + beta), where n = (src - mean) * inv_std: `diff_src` is the
    `conv2d_backward_data` of `diff_dst` with `weights` where gamma * n + beta > 0, and 0 elsewhere. `diff_beta` is the sum
    of each of its channels, `diff_gamma` the sum of diff_src * n. With M values per channel, a = gamma * inv_std,
    b = -a * inv_std * diff_gamma / M and c = -a * diff_beta / M - b * mean, so that a * diff_src + b * src + c is the
    gradient of `src`. Where the library adds up what it has before it rounds `diff_src`, sums differ by that rounding.
    The comparison with 0 is of what is computed here, in f32: a `relu_backward` of a ReLU's result in f16 masks what was
    rounded to 0 too, which is positive here and passes.

    - (C1) `diff_dst` has the shape that the forward convolution of `diff_src` with `weights` has.
    - (C2) `diff_dst`, `weights`, `src` and `diff_src` have one element type, `src` and `diff_src` one shape.
    - (C3) all vectors have one value per channel of `src`, and are f32 for tensors of any type.

    Example: `%dz, %dg, %db, %a, %b, %c = incept.conv2d_backward_norm %dy, %w of %x, %m, %i gamma %g beta %e : (tensor<8x96x9x9xf16>, tensor<96x64x1x1xf16>, tensor<8x64x9x9xf16>, tensor<64xf32>, tensor<64xf32>, tensor<64xf32>, tensor<64xf32>) -> (tensor<8x64x9x9xf16>, tensor<64xf32>, tensor<64xf32>, tensor<64xf32>, tensor<64xf32>, tensor<64xf32>)`
  }];
  let arguments = !con((ins Incept_Image:$diff_dst, Incept_Weights:$weights, Incept_Image:$src,
                            Incept_ChannelVector:$mean, Incept_ChannelVector:$inv_std, Incept_ChannelVector:$gamma,
                            Incept_ChannelVector:$beta),
                       Incept_ConvArguments);
  let results = (outs Incept_Image:$diff_src, Incept_ChannelVector:$diff_gamma, Incept_ChannelVector:$diff_beta,
                      Incept_ChannelVector:$a, Incept_ChannelVector:$b, Incept_ChannelVector:$c);
  let assemblyFormat = !strconcat("$diff_dst `,` $weights `of` $src `,` $mean `,` $inv_std `gamma` $gamma `beta` $beta", Incept_ConvFormat, "attr-dict `:` functional-type(operands, results)");
  let hasVerifier = 1;
}

def Incept_Conv2DBackwardWeightsOp : Incept_LibraryOp<"conv2d_backward_weights", [
    AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<WeightsOpInterface, ["getWeightsResult"]>]> {
  let summary = "gradient of a convolution with respect to weights";
  let description = [{
    The shape of `diff_weights` is that of the forward `weights`. `factor` and `offset` are those of `conv2d_stats`.
    - (C1) `diff_dst` has the shape that the forward convolution of `src` with `diff_weights` has.
    - (C2) `src` and `diff_dst` have one element type, `diff_weights` has theirs or f32.
    - (C3) `factor` and `offset` are there together, and have a value per channel of `src` and its element type.
  }];
  let arguments = !con((ins Incept_Image:$src, Incept_Image:$diff_dst, Optional<Incept_ChannelVector>:$factor,
                            Optional<Incept_ChannelVector>:$offset),
                       Incept_ConvArguments);
  let results = (outs Incept_Weights:$diff_weights);
  let assemblyFormat = !strconcat("$src `,` $diff_dst (`normalized` $factor^ `,` $offset)?", Incept_ConvFormat, "attr-dict `:` functional-type(operands, results)");
  let hasVerifier = 1;
}

def Incept_LinearOp : Incept_LibraryOp<"linear"> {
  let summary = "fully connected layer";
  let description = [{
    dst (N,K) = src (N,C) * transpose(weights (K,C)) + bias (K).
    - (C1) columns of `src` = columns of `weights`; `bias` has one value per row of `weights`.
    - (C2) `dst` has the rows of `src` and a column per row of `weights`.
    - (C3) `src` and `weights` have one element type, `dst` has theirs or f32.
  }];
  let arguments = (ins Incept_Matrix:$src, Incept_Matrix:$weights, Optional<Incept_ChannelVector>:$bias);
  let results = (outs Incept_Matrix:$dst);
  let assemblyFormat = "$src `,` $weights (`bias` $bias^)? attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Incept_LinearBackwardDataOp : Incept_LibraryOp<"linear_backward_data"> {
  let summary = "gradient of a linear layer with respect to src";
  let description = [{
    diff_src (N,C) = diff_dst (N,K) * weights (K,C).
    - (C1) the three shapes agree.
    - (C2) all tensors have one element type.
  }];
  let arguments = (ins Incept_Matrix:$diff_dst, Incept_Matrix:$weights);
  let results = (outs Incept_Matrix:$diff_src);
  let assemblyFormat = "$diff_dst `,` $weights attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Incept_LinearBackwardWeightsOp : Incept_LibraryOp<"linear_backward_weights"> {
  let summary = "gradient of a linear layer with respect to weights";
  let description = [{
    diff_weights (K,C) = transpose(diff_dst (N,K)) * src (N,C).
    - (C1) the three shapes agree.
    - (C2) `src` and `diff_dst` have one element type, `diff_weights` has theirs or f32.
  }];
  let arguments = (ins Incept_Matrix:$src, Incept_Matrix:$diff_dst);
  let results = (outs Incept_Matrix:$diff_weights);
  let assemblyFormat = "$src `,` $diff_dst attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Incept_ReorderOp : Incept_LibraryOp<"reorder"> {
  let summary = "the same tensor in another physical layout";
  let description = [{
    dst = src; with `scales` (O), dst[o, ...] = src[o, ...] * scales[o]. The layouts are those of the types; before
    the layout phase it is a copy (`scales` folds batch norm into weights).
    - (C1) `src` and `dst` have one shape; `scales` has one value per first dimension.
  }];
  let arguments = (ins Incept_Activation:$src, Optional<Incept_ChannelVector>:$scales);
  let results = (outs Incept_Activation:$dst);
  let assemblyFormat = "$src (`scales` $scales^)? attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

#endif // INCEPT_CONV_OPS_TD
