// SPDX-License-Identifier: Apache-2.0
//
// Elementwise ops, dropout, and the ops that join and split channels.
#ifndef INCEPT_ELEMENTWISE_OPS_TD
#define INCEPT_ELEMENTWISE_OPS_TD

include "dialect/InceptAttrs.td"
include "dialect/InceptBase.td"

class Incept_UnaryOp<string mnemonic> : Incept_MapOp<mnemonic, [SameOperandsAndResultShape, SameOperandsAndResultElementType]> {
  let arguments = (ins Incept_Activation:$src);
  let results = (outs Incept_Activation:$dst);
  let assemblyFormat = "$src attr-dict `:` functional-type(operands, results)";
}

def Incept_ZerosOp : Incept_MapOp<"zeros"> {
  let summary = "zeros";
  let description = [{
    The gradient of a value that nothing depends on. Not a product with 0, which is NaN for what is not finite.

    Example: `%z = incept.zeros : tensor<8x32x149x149xf32>`
  }];
  let results = (outs Incept_Activation:$dst);
  let assemblyFormat = "attr-dict `:` type($dst)";
}

def Incept_ReluOp : Incept_UnaryOp<"relu"> {
  let summary = "max(src, 0)";
  let hasFolder = 1;
  let description = [{ Example: `%y = incept.relu %x : (tensor<8x32x149x149xf32>) -> tensor<8x32x149x149xf32>` }];
}

def Incept_ActivateOp : Incept_MapOp<"activate", [SameOperandsAndResultShape, SameOperandsAndResultElementType]> {
  let summary = "an activation other than relu";
  let description = [{
    The functions are those of PyTorch: relu6(x) = min(max(x, 0), 6); leaky_relu(x) = x where x > 0, else slope * x;
    sigmoid(x) = 1/(1 + exp(-x)); silu(x) = x * sigmoid(x); hard_sigmoid(x) = min(max(x + 3, 0), 6)/6;
    hard_swish(x) = x * hard_sigmoid(x); gelu(x) = x * (1 + erf(x/sqrt(2)))/2. Only leaky_relu reads `slope`.

    Example: `%y = incept.activate silu %x : (tensor<8x32x112x112xf32>) -> tensor<8x32x112x112xf32>`
  }];
  let arguments = (ins Incept_Activation:$src, Incept_ActivationKindAttr:$kind, DefaultValuedAttr<F64Attr, "0.01">:$slope);
  let results = (outs Incept_Activation:$dst);
  let assemblyFormat = "$kind $src (`slope` $slope^)? attr-dict `:` functional-type(operands, results)";
}

def Incept_ActivateBackwardOp : Incept_MapOp<"activate_backward", [SameOperandsAndResultShape, SameOperandsAndResultElementType]> {
  let summary = "diff_dst times the derivative of an activation at src";
  let description = [{
    Takes the operand of `activate`, not its result. Where a function has a corner its derivative is that of PyTorch: 0 for
    relu6 and hard_sigmoid, slope for leaky_relu, and hard_swish has that of the middle part.
  }];
  let arguments = (ins Incept_Activation:$diff_dst, Incept_Activation:$src, Incept_ActivationKindAttr:$kind,
                       DefaultValuedAttr<F64Attr, "0.01">:$slope);
  let results = (outs Incept_Activation:$diff_src);
  let assemblyFormat = "$kind $diff_dst `,` $src (`slope` $slope^)? attr-dict `:` functional-type(operands, results)";
}

def Incept_CopyOp : Incept_UnaryOp<"copy"> {
  let summary = "the same values in memory of their own";
  let description = [{ Stands where a consumer needs a dense tensor, or a variable its value. }];
}

def Incept_CastOp : Incept_MapOp<"cast", [SameOperandsAndResultShape]> {
  let summary = "the same values in another floating-point type";
  let description = [{
    Rounds to the nearest value, to even between two. Values too large for the type become infinite.

    Example: `%y = incept.cast %x : (tensor<32x3x3x3xf32>) -> tensor<32x3x3x3xbf16>`
  }];
  let arguments = (ins Incept_Activation:$src);
  let results = (outs Incept_Activation:$dst);
  let assemblyFormat = "$src attr-dict `:` functional-type(operands, results)";
  let hasFolder = 1;
}

def Incept_SelectOp : Incept_MapOp<"select"> {
  let summary = "one of two tensors";
  let description = [{
    dst = `on_true` where the scalar `condition` is not 0, else `on_false`.
    - (C1) `on_true`, `on_false` and `dst` have one type but for the layout.
  }];
  let arguments = (ins AnyTypeOf<[Incept_Scalar, Incept_IntScalar]>:$condition, Incept_Activation:$on_true,
                       Incept_Activation:$on_false);
  let results = (outs Incept_Activation:$dst);
  let assemblyFormat = "$condition `,` $on_true `,` $on_false attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Incept_ReluBackwardOp : Incept_MapOp<"relu_backward", [SameOperandsAndResultShape, SameOperandsAndResultElementType]> {
  let summary = "diff_dst where dst > 0, else 0";
  let description = [{ Takes the result of `relu`, not its operand. }];
  let arguments = (ins Incept_Activation:$diff_dst, Incept_Activation:$dst);
  let results = (outs Incept_Activation:$diff_src);
  let assemblyFormat = "$diff_dst `,` $dst attr-dict `:` functional-type(operands, results)";
}

def Incept_AddOp : Incept_MapOp<"add", [SameOperandsAndResultShape, SameOperandsAndResultElementType]> {
  let summary = "sum of two tensors";
  let description = [{ The sum of a residual connection. }];
  let arguments = (ins Incept_Activation:$lhs, Incept_Activation:$rhs);
  let results = (outs Incept_Activation:$dst);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` functional-type(operands, results)";
}

def Incept_MultiplyOp : Incept_MapOp<"multiply", [SameOperandsAndResultShape, SameOperandsAndResultElementType]> {
  let summary = "product of two tensors of one shape";
  let description = [{ With a factor for each channel of each image it is a `gate`. }];
  let arguments = (ins Incept_Activation:$lhs, Incept_Activation:$rhs);
  let results = (outs Incept_Activation:$dst);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` functional-type(operands, results)";
}

def Incept_ChannelAffineOp : Incept_MapOp<"channel_affine"> {
  let summary = "src * scale + shift, per channel";
  let description = [{
    Of the trained factors of a layer scale, and behind `normalize_pixels`. `shift` is 0 where it is absent.
    - (C1) `src` and `dst` have one shape; the vectors have one value per channel.
  }];
  let arguments = (ins Incept_Activation:$src, Incept_ChannelVector:$scale, Optional<Incept_ChannelVector>:$shift);
  let results = (outs Incept_Activation:$dst);
  let assemblyFormat = "$src `,` $scale (`shift` $shift^)? attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Incept_AddBiasOp : Incept_MapOp<"add_bias"> {
  let summary = "src + bias, per channel";
  let description = [{
    Behind a transposed convolution; a convolution adds its bias itself.
    - (C1) `src` and `dst` have one shape; `bias` has one value per channel.
  }];
  let arguments = (ins Incept_Activation:$src, Incept_ChannelVector:$bias);
  let results = (outs Incept_Activation:$dst);
  let assemblyFormat = "$src `,` $bias attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Incept_GateOp : Incept_OpaqueOp<"gate"> {
  let summary = "each image's channels times a factor of their own";
  let description = [{
    dst[n,c,h,w] = src[n,c,h,w] * factor[n,c]: the gates of squeeze and excitation (Hu et al. 2018). The op is its own
    gradient with respect to `src`.
    - (C1) `factor` is (N,C,1,1) for `src` (N,C,H,W), `dst` has the shape of `src`; all have one element type.
  }];
  let arguments = (ins Incept_Image:$src, Incept_Image:$factor);
  let results = (outs Incept_Image:$dst);
  let assemblyFormat = "$src `by` $factor attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Incept_GateBackwardOp : Incept_OpaqueOp<"gate_backward"> {
  let summary = "gradient of gate with respect to its factors";
  let description = [{
    diff_factor[n,c] is the sum of diff_dst[n,c,h,w] * src[n,c,h,w] over h and w.
    - (C1) `diff_dst` and `src` are (N,C,H,W), `diff_factor` is (N,C,1,1); all have one element type.
  }];
  let arguments = (ins Incept_Image:$diff_dst, Incept_Image:$src);
  let results = (outs Incept_Image:$diff_factor);
  let assemblyFormat = "$diff_dst `,` $src attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Incept_ChannelShuffleOp : Incept_OpaqueOp<"channel_shuffle"> {
  let summary = "channels of the groups in turn";
  let description = [{
    Channel c of `dst` is channel (c mod groups) * (C/groups) + c div groups of `src`: ShuffleNet's (Zhang et al. 2017).
    Its gradient is the shuffle of C/groups groups.
    - (C1) `groups` is positive and divides the channels; `src` and `dst` have one shape and element type.
  }];
  let arguments = (ins Incept_Image:$src, I64Attr:$groups);
  let results = (outs Incept_Image:$dst);
  let assemblyFormat = "$src `groups` $groups attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Incept_FlattenPixelsOp : Incept_OpaqueOp<"flatten_pixels"> {
  let summary = "an image as a row, in the order C, H, W";
  let description = [{
    Moves elements: in memory an image's channels are the innermost. Of one pixel it is `flatten`, a view.
    - (C1) `src` is (N,C,H,W), `dst` (N,C*H*W); both have one element type.
  }];
  let arguments = (ins Incept_Image:$src);
  let results = (outs Incept_Matrix:$dst);
  let assemblyFormat = "$src attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Incept_UnflattenPixelsOp : Incept_OpaqueOp<"unflatten_pixels"> {
  let summary = "the inverse of flatten_pixels, its gradient";
  let description = [{
    - (C1) `src` is (N,C*H*W), `dst` (N,C,H,W); both have one element type.
  }];
  let arguments = (ins Incept_Matrix:$src);
  let results = (outs Incept_Image:$dst);
  let assemblyFormat = "$src attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Incept_AddNOp : Incept_MapOp<"add_n", [SameOperandsAndResultShape, SameOperandsAndResultElementType]> {
  let summary = "sum of tensors, in operand order";
  let description = [{
    The gradient of a value with several consumers, operands in consumer order.
    - (C1) there are at least two operands.
  }];
  let arguments = (ins Variadic<Incept_Activation>:$srcs);
  let results = (outs Incept_Activation:$dst);
  let assemblyFormat = "$srcs attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Incept_ScaleOp : Incept_MapOp<"scale", [SameOperandsAndResultShape, SameOperandsAndResultElementType]> {
  let summary = "src times a constant";
  let description = [{
    The residual scaling of section 3.3 of Szegedy et al. 2016.
    Example: `%y = incept.scale %x by 1.700000e-01 : (tensor<8x384x35x35xf32>) -> tensor<8x384x35x35xf32>`
  }];
  let arguments = (ins Incept_Activation:$src, F64Attr:$factor);
  let results = (outs Incept_Activation:$dst);
  let assemblyFormat = "$src `by` $factor attr-dict `:` functional-type(operands, results)";
  let hasFolder = 1;
}

def Incept_ChannelSumOp : Incept_ReduceOp<"channel_sum"> {
  let summary = "sum of each channel's values: the gradient of a bias";
  let description = [{
    `src` is (N,C,H,W) or (N,C).
    - (C1) `dst` has one value per channel, f32 for a `src` of any type.
  }];
  let arguments = (ins Incept_Activation:$src);
  let results = (outs Incept_ChannelVector:$dst);
  let assemblyFormat = "$src attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Incept_DropoutOp : Incept_OpaqueOp<"dropout"> {
  let summary = "zeroes elements at random and scales the rest by 1/keep";
  let description = [{
    Element (n,c,h,w) is kept where its Philox4x32-10 word is below keep * 2^32. The word depends only on seed, `stream`
    (a hash of the op's path), step, the sample's global index sample_base + n and the logical element index
    e = (c*H + h)*W + w: key = (lo(seed) ^ lo(stream), hi(seed) ^ hi(stream)), counter = (e / 4, lo(sample), hi(sample),
    lo(step)), word e % 4. With `per_sample` all elements of a sample are kept or dropped together, by element 0: the
    stochastic depth of Huang et al. 2016. The op is its own gradient.
    - (C1) `keep` is in (0, 1].
  }];
  let arguments = (ins Incept_Activation:$src, Incept_IntScalar:$seed, Incept_IntScalar:$step,
                       Incept_IntScalar:$sample_base, F64Attr:$keep, I64Attr:$stream, UnitAttr:$per_sample);
  let results = (outs Incept_Activation:$dst);
  let assemblyFormat = "$src `,` $seed `,` $step `,` $sample_base (`per_sample` $per_sample^)? attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Incept_RandomDropOp : Incept_PureOp<"random_drop", [SameOperandsAndResultShape, SameOperandsAndResultElementType]> {
  let summary = "dropout as the description has it";
  let description = [{
    Graph phase only: in inference the identity, in training a `dropout` fed with seed, step and sample index.
    - (C1) `keep` is in (0, 1].
  }];
  let arguments = (ins Incept_Activation:$src, F64Attr:$keep, UnitAttr:$per_sample);
  let results = (outs Incept_Activation:$dst);
  let assemblyFormat = "$src `keep` $keep (`per_sample` $per_sample^)? attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Incept_ConcatOp : Incept_PureOp<"concat"> {
  let hasFolder = 1;
  let summary = "tensors side by side along channels";
  let description = [{
    - (C1) there is at least one operand; all agree in N, H and W.
    - (C2) the channels of `dst` are the sum of those of the operands.
  }];
  let arguments = (ins Variadic<Incept_Image>:$srcs);
  let results = (outs Incept_Image:$dst);
  let assemblyFormat = "$srcs attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Incept_SliceOp : Incept_PureOp<"slice"> {
  let hasFolder = 1;
  let summary = "a range of channels";
  let description = [{
    Channels [offset, offset + channels of dst) of `src`: the gradient of concat.
    - (C1) the range lies inside `src`; N, H and W agree.
  }];
  let arguments = (ins Incept_Image:$src, I64Attr:$offset);
  let results = (outs Incept_Image:$dst);
  let assemblyFormat = "$src `at` $offset attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Incept_SplitOp : Incept_PureOp<"split"> {
  let summary = "all channels, in consecutive ranges";
  let description = [{
    The inverse of concat: the results are the channel ranges of `src`, in order.
    - (C1) there is at least one result; all agree with `src` in N, H and W, and their channels sum to those of `src`.
  }];
  let arguments = (ins Incept_Image:$src);
  let results = (outs Variadic<Incept_Image>:$dsts);
  let assemblyFormat = "$src attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Incept_JoinRowsOp : Incept_ViewOp<"join_rows"> {
  let summary = "parameters one after another along the first dimension";
  let description = [{
    Nothing is copied: the executable phase lays the variables side by side.
    - (C1) there is at least one operand, of rank 1 or more; all agree but for the first dimension, and the first
      dimensions sum to that of `dst`.
    - (C2) each operand is the result of an `incept.read`.
  }];
  let arguments = (ins Variadic<Incept_Activation>:$srcs);
  let results = (outs Incept_Activation:$dst);
  let assemblyFormat = "$srcs attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Incept_SliceRowsOp : Incept_ViewOp<"slice_rows"> {
  let summary = "a range along the first dimension, in the buffer it lies in";
  let description = [{
    Rows [offset, offset + rows of dst) of `src`: the gradient of join_rows.
    - (C1) the range lies inside `src`; the other dimensions agree.
  }];
  let arguments = (ins Incept_Activation:$src, I64Attr:$offset);
  let results = (outs Incept_Activation:$dst);
  let assemblyFormat = "$src `at` $offset attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Incept_ConcatViewOp : Incept_ViewOp<"concat_view"> {
  let summary = "a buffer whose channel slices are the operands";
  let description = [{
    As `concat`, but nothing is copied: each operand's producer writes its slice of the result's buffer. `offset` is the
    buffer's place in the arena, from the planned phase on.
    - (C1), (C2) as `concat`.
    - (C3) a value lies in one place: an operand is no operand of another concat_view, nor twice of this one, and no
      part of another value, nor a variable's.
  }];
  let arguments = (ins Variadic<Incept_Image>:$srcs, OptionalAttr<I64Attr>:$offset);
  let results = (outs Incept_Image:$dst);
  let assemblyFormat = "$srcs attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Incept_SliceViewOp : Incept_ViewOp<"slice_view"> {
  let summary = "a range of channels, in the buffer they lie in";
  let description = [{
    - (C1) as `slice`.
  }];
  let arguments = (ins Incept_Image:$src, I64Attr:$offset);
  let results = (outs Incept_Image:$dst);
  let assemblyFormat = "$src `at` $offset attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Incept_PixelRowsOp : Incept_ViewOp<"pixel_rows"> {
  let summary = "the pixels of images as rows, or back";
  let description = [{
    Row (n*H + h)*W + w of the matrix is the channels of pixel (n,h,w): class scores of each pixel, for a loss that knows
    rows. In memory an image's channels are the innermost, so nothing moves.
    - (C1) one of the types is (N,C,H,W), the other (N*H*W,C); both have one element type.

    Example: `%rows = incept.pixel_rows %x : (tensor<4x21x64x64xf32>) -> tensor<16384x21xf32>`
  }];
  let arguments = (ins Incept_Activation:$src);
  let results = (outs Incept_Activation:$dst);
  let assemblyFormat = "$src attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Incept_FlattenOp : Incept_ViewOp<"flatten"> {
  let summary = "(N,C,1,1) as (N,C), or back";
  let description = [{
    - (C1) one of the types is (N,C,1,1), the other (N,C).
  }];
  let arguments = (ins Incept_Activation:$src);
  let results = (outs Incept_Activation:$dst);
  let assemblyFormat = "$src attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

#endif // INCEPT_ELEMENTWISE_OPS_TD
