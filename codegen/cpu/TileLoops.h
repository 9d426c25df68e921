// SPDX-License-Identifier: Apache-2.0
//
// The parts of which convolutions by transforms of tiles are made, each a function that kernels share: transforms of a
// block of tiles, products, and transforms back. Most are the same for forward convolutions, gradients of data and
// gradients of weights; products are the same for all windows.
#pragma once

#include "codegen/cpu/CpuEmitter.h"
#include "codegen/kernels/TileTransform.h"
#include "dialect/TileOps.h"

namespace incept::cpu {

/// Pixels in memory; `stride` elements from one to the next. What lies under the first place of the window begins
/// `padTop` and `padLeft` pixels before them.
struct TileImage {
  mlir::Value base, height, width, stride, padTop, padLeft;
};

/// Places of the window that are cut into tiles, and 1 where a window in a row lies in a column.
struct TileGrid {
  mlir::Value height, width, vertical;
};

/// `count` tiles from `first` on.
struct TileRange {
  mlir::Value first, count;
};

/// Batch norm and ReLU of what tiles are read of: addresses of a value per channel.
struct TileNormalization {
  mlir::Value center, scale, shift;
};

/// Transformed tiles or products: elements from one point to the next, and the tiles that there is room for.
struct TileBuffer {
  mlir::Value base, pitch, room;
};

/// Channels [from, to).
struct TileChannels {
  mlir::Value from, to;
};

/// Tiles of `images` images of such outputs.
mlir::Value countTiles(CpuEmitter &e, const TileShape &shape, mlir::Value images, const TileGrid &grid);

/// Writes to `addresses` where the outputs of each tile are, and `outside` for those that are not in `image`.
void emitFindOutputs(CpuEmitter &e, const TileShape &shape, const TileImage &image, const TileGrid &grid,
                     mlir::Value outside, const TileRange &tiles, mlir::Value addresses);

/// Transforms what lies under tiles, normalised where `how` is not null: [point][channels / lanes][tile][lane]. What is
/// outside of the image is read from `zeros`.
void emitTransformInputs(CpuEmitter &e, const TileShape &shape, const TileNormalization *how, const TileImage &image,
                         const TileGrid &grid, mlir::Value zeros, const TileRange &tiles, const TileChannels &channels,
                         const TileBuffer &dst);

/// The same of gradients of tiles' outputs, by the transpose of the transform back: [point][channels / panel][tile][in
/// panel].
void emitTransformGradients(CpuEmitter &e, const TileShape &shape, const TileImage &image, const TileGrid &grid,
                            mlir::Value zeros, const TileRange &tiles, const TileChannels &channels,
                            const TileBuffer &dst);

/// For each point, the products of `count` tiles and a panel of `weights`: [point][tile][in panel]. `blocks` vectors of
/// input channels are summed over. What lies behind the last tile may be written.
void emitTileProducts(CpuEmitter &e, const TileShape &shape, const TileBuffer &tiles, mlir::Value weights,
                      mlir::Value weightsPitch, mlir::Value blocks, mlir::Value count, const TileBuffer &dst);

/// Transforms products of the panel of output channels from `channels.from` on back, adds `bias` where it is not null,
/// and writes the maximum of that and `least` to `addresses`.
void emitTransformOutputs(CpuEmitter &e, const TileShape &shape, const TileBuffer &products, mlir::Value addresses,
                          mlir::Value count, const TileChannels &channels, mlir::Value least, mlir::Value bias);

/// Sums of products of gradients: of `blocks` vectors of input channels and `panels` panels of output channels, in
/// [point][half a vector of input channels][panel][input channel][in panel]. There is room for `room` panels, and
/// what `count` tiles give is added to what is there, or takes its place where `first` is 0.
struct TileSums {
  mlir::Value base, pitch, blocks, panels, room;
};
void emitSumProducts(CpuEmitter &e, const TileShape &shape, const TileBuffer &sources, const TileBuffer &gradients,
                     const TileRange &tiles, const TileSums &sums);

/// Transforms sums back to gradients of the taps: those of these input and output channels, of `k` and `o`.
void emitTransformTaps(CpuEmitter &e, const TileShape &shape, const TileSums &sums, const TileChannels &inputs,
                       const TileChannels &outputs, mlir::Value k, mlir::Value o, mlir::Value diffWeights);

/// The matrices of one direction of a tile.
TileTransform tileTransform(const TileShape &shape);

/// Memory of a function, outside of all loops.
mlir::Value allocate(CpuEmitter &e, int64_t floats);

// Loops of opaque kernels.
void emitTransformWeights(TransformWeightsOp op, CpuEmitter &emitter);

} // namespace incept::cpu
