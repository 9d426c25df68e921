// SPDX-License-Identifier: Apache-2.0
//
// Pooling and resizing, and their gradients.
#ifndef INCEPT_POOL_OPS_TD
#define INCEPT_POOL_OPS_TD

include "dialect/InceptAttrs.td"
include "dialect/InceptBase.td"

defvar Incept_WindowFormat = [{
    `kernel` $kernel (`stride` $stride^)? (`pad` $pad_begin^)? (`pad_end` $pad_end^)?
}];

def Incept_MaxPoolOp : Incept_OpaqueOp<"max_pool"> {
  let summary = "maximum over a window";
  let description = [{
    Padding never wins. Ceil mode is a larger `pad_end`.
    - (C1) the window and strides are positive, the padding is smaller than the window, and the window fits the image.
    - (C2) the shape of `dst` is (N, C, floor((H + pads - kh)/stride) + 1, ...), its element type that of `src`.

    Example: `%y = incept.max_pool %x kernel [3, 3] stride [2, 2] : (tensor<8x64x147x147xf32>) -> tensor<8x64x73x73xf32>`
  }];
  let arguments = !con((ins Incept_Image:$src), Incept_WindowArguments);
  let results = (outs Incept_Image:$dst);
  let assemblyFormat = !strconcat("$src", Incept_WindowFormat, "attr-dict `:` functional-type(operands, results)");
  let hasVerifier = 1;
}

def Incept_MaxPoolWithIndexOp : Incept_OpaqueOp<"max_pool_with_index"> {
  let summary = "maximum over a window, and where it was";
  let description = [{
    `workspace` holds the position kh*KW + kw of the first maximum in its window, for the gradient. Where nothing uses it,
    the op is a `max_pool`.
    - (C1) as `max_pool`, and the window has at most 255 elements.
    - (C2) `workspace` has the shape of `dst`.
  }];
  let arguments = !con((ins Incept_Image:$src), Incept_WindowArguments);
  let results = (outs Incept_Image:$dst, Incept_Index:$workspace);
  let hasCanonicalizeMethod = 1;
  let assemblyFormat = !strconcat("$src", Incept_WindowFormat, "attr-dict `:` functional-type(operands, results)");
  let hasVerifier = 1;
}

def Incept_MaxPoolBackwardOp : Incept_OpaqueOp<"max_pool_backward"> {
  let summary = "gradient of max_pool, in gather form";
  let description = [{
    Each element of `diff_src` is the sum of `diff_dst` over the windows whose maximum it was.
    - (C1) `diff_dst` and `workspace` have the shape that max_pool of `diff_src` has; gradients have one element type.
  }];
  let arguments = !con((ins Incept_Image:$diff_dst, Incept_Index:$workspace), Incept_WindowArguments);
  let results = (outs Incept_Image:$diff_src);
  let assemblyFormat = !strconcat("$diff_dst `,` $workspace", Incept_WindowFormat, "attr-dict `:` functional-type(operands, results)");
  let hasVerifier = 1;
}

def Incept_AvgPoolOp : Incept_OpaqueOp<"avg_pool"> {
  let summary = "mean over a window";
  let description = [{
    Divides by the number of image elements in the window, or with `include_pad` by the number of elements of the
    window inside the padded image (PyTorch's count_include_pad).
    - (C1) as `max_pool`.
  }];
  let arguments = !con((ins Incept_Image:$src), Incept_WindowArguments, (ins UnitAttr:$include_pad));
  let results = (outs Incept_Image:$dst);
  let assemblyFormat = !strconcat("$src", Incept_WindowFormat, "(`include_pad` $include_pad^)? attr-dict `:` functional-type(operands, results)");
  let hasVerifier = 1;
}

def Incept_AvgPoolBackwardOp : Incept_OpaqueOp<"avg_pool_backward"> {
  let summary = "gradient of avg_pool, in gather form";
  let description = [{
    - (C1) `diff_dst` has the shape that avg_pool of `diff_src` has, and its element type.
  }];
  let arguments = !con((ins Incept_Image:$diff_dst), Incept_WindowArguments, (ins UnitAttr:$include_pad));
  let results = (outs Incept_Image:$diff_src);
  let assemblyFormat = !strconcat("$diff_dst", Incept_WindowFormat, "(`include_pad` $include_pad^)? attr-dict `:` functional-type(operands, results)");
  let hasVerifier = 1;
}

def Incept_GlobalAvgPoolOp : Incept_OpaqueOp<"global_avg_pool"> {
  let summary = "mean over each channel's image";
  let description = [{
    - (C1) `dst` is (N, C, 1, 1), of the element type of `src`.
  }];
  let arguments = (ins Incept_Image:$src);
  let results = (outs Incept_Image:$dst);
  let assemblyFormat = "$src attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Incept_GlobalAvgPoolBackwardOp : Incept_OpaqueOp<"global_avg_pool_backward"> {
  let summary = "gradient of global_avg_pool";
  let description = [{
    diff_src[n,c,h,w] = diff_dst[n,c] / (H*W).
    - (C1) `diff_dst` is (N, C, 1, 1) for `diff_src` (N, C, H, W), of its element type.
  }];
  let arguments = (ins Incept_Image:$diff_dst);
  let results = (outs Incept_Image:$diff_src);
  let assemblyFormat = "$diff_dst attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Incept_ResizeOp : Incept_OpaqueOp<"resize"> {
  let summary = "an image of another size";
  let description = [{
    As torch.nn.functional.interpolate of a size, without antialiasing. Along an axis with I inputs and O outputs:
    `nearest` output o is input floor(o*I/O); `bilinear` output o lies at p = max((o + 1/2)*I/O - 1/2, 0), half-pixel
    centres (align_corners=False), and is input floor(p) times 1 - (p - floor(p)) plus the next one, or the last, times
    p - floor(p). Positions are computed in integers.
    - (C1) `dst` is (N,C,OH,OW) for `src` (N,C,H,W), of its element type.
    - (C2) heights and widths are below 2^15.

    Example: `%y = incept.resize bilinear %x : (tensor<8x64x28x28xf32>) -> tensor<8x64x56x56xf32>`
  }];
  let arguments = (ins Incept_Image:$src, Incept_ResizeModeAttr:$mode);
  let results = (outs Incept_Image:$dst);
  let assemblyFormat = "$mode $src attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Incept_ResizeBackwardOp : Incept_OpaqueOp<"resize_backward"> {
  let summary = "gradient of resize, in gather form";
  let description = [{
    Each element of `diff_src` is the sum of `diff_dst` over the outputs that read it, times what they took of it.
    - (C1) `diff_dst` is (N,C,OH,OW) for `diff_src` (N,C,H,W), of its element type.
    - (C2) heights and widths are below 2^15.
  }];
  let arguments = (ins Incept_Image:$diff_dst, Incept_ResizeModeAttr:$mode);
  let results = (outs Incept_Image:$diff_src);
  let assemblyFormat = "$mode $diff_dst attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Incept_AdaptiveAvgPoolOp : Incept_OpaqueOp<"adaptive_avg_pool"> {
  let summary = "mean over windows that divide the image into a given number of parts";
  let description = [{
    PyTorch's windows: along an axis with I inputs and O outputs, window o is [floor(o*I/O), ceil((o+1)*I/O)). Where O
    does not divide I, neighbours overlap.
    - (C1) `dst` is (N,C,OH,OW) for `src` (N,C,H,W), of its element type.
  }];
  let arguments = (ins Incept_Image:$src);
  let results = (outs Incept_Image:$dst);
  let assemblyFormat = "$src attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Incept_AdaptiveAvgPoolBackwardOp : Incept_OpaqueOp<"adaptive_avg_pool_backward"> {
  let summary = "gradient of adaptive_avg_pool, in gather form";
  let description = [{
    - (C1) `diff_dst` is (N,C,OH,OW) for `diff_src` (N,C,H,W), of its element type.
  }];
  let arguments = (ins Incept_Image:$diff_dst);
  let results = (outs Incept_Image:$diff_src);
  let assemblyFormat = "$diff_dst attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

#endif // INCEPT_POOL_OPS_TD
