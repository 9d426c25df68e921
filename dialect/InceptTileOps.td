// SPDX-License-Identifier: Apache-2.0
//
// Convolutions tile by tile with fewer multiplications than taps: what a target may make of a convolution in the layout
// phase.
#ifndef INCEPT_TILE_OPS_TD
#define INCEPT_TILE_OPS_TD

include "dialect/InceptBase.td"

/// Common constraints are checked by verifyTiles; positions are those of `kernel` and `tile`, vertical value first.
def Incept_TransformWeightsOp : Incept_OpaqueOp<"transform_weights"> {
  let summary = "weights as convolve_tiles reads them";
  let description = [{
    A tile of m outputs of a correlation with r taps is a bilinear form of the taps and of the m + r - 1 inputs under it, with
    as many products: the values of polynomials at m + r - 1 points (Toom, Cook, Winograd). `tile` is m in each direction
    (1 where the window is 1 wide), `kernel` the window. The result has, for each panel of 2 * `lanes` output channels, each
    point and each input channel, the transformed weights of the panel; input channels are filled up with zeros to a
    multiple of `lanes`, output channels with any numbers to whole panels. With `transposed` input and output channels change
    places and the window is turned: the convolution is then the gradient of data.

    A window of r taps that moves on by `stride` pixels is a window of ceil(r / stride) or fewer taps on each of the images of
    every `stride`-th pixel. Points are those of each of them, one image behind the other; a single tap has a point for each
    place and no transform. `tile` counts places of the window: m of them have stride * (m - 1) + r points.

    `weights` lie in memory with output channels innermost: kh, kw, I, O.

    - (C1) the window is one row or one column of 3 or 7 taps, 3x3 or 5x5, and there are points for it and the tile: of 2, 4
      or 6 outputs in each direction, for 5x5 of 2 or 4. With `stride` 2 the window is 3x3 and a tile has 2x2 places; there
      are no other strides.
    - (C2) `lanes` is 8 or 16.
    - (C3) `dst` has ceil(O/(2*lanes)) * points * ceil(I/lanes) * 2*lanes*lanes elements; all is f32.

    Example: `%u = incept.transform_weights %w kernel [1, 7] tile [1, 6] lanes 16 : (tensor<64x64x1x7xf32>) -> tensor<98304xf32>`
  }];
  let arguments = (ins Incept_Weights:$weights, DenseI64ArrayAttr:$kernel, DenseI64ArrayAttr:$tile, I64Attr:$lanes,
                       DefaultValuedAttr<I64Attr, "1">:$stride, UnitAttr:$transposed);
  let results = (outs Incept_ChannelVector:$dst);
  let assemblyFormat = [{
    $weights `kernel` $kernel `tile` $tile `lanes` $lanes (`stride` $stride^)? (`transposed` $transposed^)? attr-dict `:`
    functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Incept_ConvolveTilesOp : Incept_OpaqueOp<"convolve_tiles", [AttrSizedOperandSegments]> {
  let summary = "convolution by transforms of tiles";
  let description = [{
    What conv2d computes of `src` and the weights that `weights` are the transform of, plus `bias`, with `relu` the maximum of it
    and 0. The image begins `pad_begin` pixels before `src`; what lies outside is 0. Up to rounding: tests hold the error
    (test/codegen/TileConvolutionTest.cpp). A NaN or an infinity reaches every output that reads it, and may reach others of
    the same tile.

    Where it is `transposed` it is the gradient of data of a convolution with a stride, whose `pad_begin` it has: what
    conv2d_backward_data computes of `src`, the gradient of that convolution's result. A tile then reads a pixel for each place
    of the window and writes stride * stride.

    With `center`, `scale` and `shift` it is the convolution of max((src - center) * scale + shift, 0), channel by channel,
    which is computed as tiles are read: a normalised activation need not be in memory.

    A launch has `units` units; each takes an equal share of the tiles, `block` at a time, and one of `parts` parts of the
    output channels, in pairs of vectors. It has a part of `scratchpad` for itself, whose contents mean nothing afterwards.
    What is computed does not depend on these numbers.

    - (C1) `kernel`, `tile`, `lanes` and `stride` are those that transform_weights accepts, and `weights` has the size it gives.
      `transposed` needs a stride: with 1 the gradient of data is a convolution with the window turned.
    - (C2) `pad_begin` is 0 up to the window's size less 1, images have N in common; `bias` has a value per channel of `dst`;
      all is f32.
    - (C3) `parts` is positive and at most the pairs of vectors of `dst`, `units` a positive multiple of it, of at most the
      number of tiles, `block` a positive multiple of the rows of a product: 12 for 16 lanes, 6 for 8.
    - (C4) `scratchpad` has the size that these numbers need.
    - (C5) `center`, `scale` and `shift` are there together, and have a value per channel of `src`.
  }];
  let arguments = (ins Incept_Image:$src, Incept_ChannelVector:$weights, Optional<Incept_ChannelVector>:$center,
                       Optional<Incept_ChannelVector>:$scale, Optional<Incept_ChannelVector>:$shift,
                       Optional<Incept_ChannelVector>:$bias, DenseI64ArrayAttr:$kernel, DenseI64ArrayAttr:$pad_begin,
                       DenseI64ArrayAttr:$tile, I64Attr:$lanes, DefaultValuedAttr<I64Attr, "1">:$stride,
                       UnitAttr:$transposed, I64Attr:$units, DefaultValuedAttr<I64Attr, "1">:$parts, I64Attr:$block,
                       UnitAttr:$relu);
  let results = (outs Incept_Image:$dst, Incept_ChannelVector:$scratchpad);
  let assemblyFormat = [{
    $src `,` $weights (`normalized` $center^ `,` $scale `,` $shift)? (`bias` $bias^)? `kernel` $kernel `pad` $pad_begin
    `tile` $tile `lanes` $lanes (`stride` $stride^)? (`transposed` $transposed^)? `units` $units (`parts` $parts^)? `block`
    $block (`relu` $relu^)? attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Incept_CorrelateTilesOp : Incept_OpaqueOp<"correlate_tiles", [AttrSizedOperandSegments]> {
  let summary = "gradient of a convolution's weights by transforms of tiles";
  let description = [{
    What conv2d_backward_weights computes, up to rounding. `diff_weights` lie in memory with output channels
    innermost. Tiles are transformed `block` at a time, and products added up over all of them before one transform
    back, in an order that the shapes give. Unit (k, o) of the `grid` takes an equal share of the input channels (in
    vectors) and of the output channels (in pairs of vectors), and has a part of `scratchpad` for itself. `center`, `scale`
    and `shift` are those of convolve_tiles.

    - (C1) `kernel`, `tile`, `lanes` and `stride` are those that transform_weights accepts.
    - (C2) `pad_begin` is 0 up to the window's size less 1, images have N in common, `diff_weights` has the channels of `diff_dst` and
      `src`, and the window; all is f32.
    - (C3) the grid is positive and not larger than there are shares, `block` is positive.
    - (C4) `scratchpad` has the size that these numbers need.
    - (C5) `center`, `scale` and `shift` are there together, and have a value per channel of `src`.
  }];
  let arguments = (ins Incept_Image:$src, Incept_Image:$diff_dst, Optional<Incept_ChannelVector>:$center,
                       Optional<Incept_ChannelVector>:$scale, Optional<Incept_ChannelVector>:$shift,
                       DenseI64ArrayAttr:$kernel, DenseI64ArrayAttr:$pad_begin, DenseI64ArrayAttr:$tile, I64Attr:$lanes,
                       DefaultValuedAttr<I64Attr, "1">:$stride, DenseI64ArrayAttr:$grid, I64Attr:$block);
  let results = (outs Incept_Weights:$diff_weights, Incept_ChannelVector:$scratchpad);
  let assemblyFormat = [{
    $src `,` $diff_dst (`normalized` $center^ `,` $scale `,` $shift)? `kernel` $kernel `pad` $pad_begin `tile` $tile `lanes`
    $lanes (`stride` $stride^)? `grid` $grid `block` $block attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

#endif // INCEPT_TILE_OPS_TD
