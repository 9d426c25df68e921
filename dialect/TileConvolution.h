// SPDX-License-Identifier: Apache-2.0
//
// Sizes of convolutions by transforms of tiles (InceptTileOps.td): what passes plan, launches are checked against, and
// kernels assume.
#pragma once

#include "mlir/Support/LLVM.h"

#include <algorithm>
#include <cstdint>

namespace incept {

/// Elements between the points of transformed tiles, so that they do not meet in one set of the cache.
inline constexpr int64_t kTileSkew = 16;

/// A window and the outputs that are computed together, vertical value first; one of the two is 1 in both or none.
struct TileShape {
  int64_t kh = 1, kw = 1; ///< window
  int64_t mh = 1, mw = 1; ///< outputs of a tile
  int64_t lanes = 16;     ///< of a vector

  bool isSquare() const { return kh > 1 && kw > 1; }
  bool isVertical() const { return kw == 1; }
  int64_t taps() const { return kh * kw; }
  int64_t outputs() const { return mh * mw; }
  int64_t points() const { return (mh + kh - 1) * (mw + kw - 1); }
  int64_t panel() const { return 2 * lanes; }             ///< output channels of a product
  int64_t rows() const { return lanes == 16 ? 12 : 6; }   ///< tiles of a product
  int64_t fewRows() const { return lanes == 16 ? 4 : 3; } ///< tiles of a product where few are left
  /// Of `count` tiles, those that products of `rows` tiles take, the last of which may have a few too many.
  int64_t inWholeProducts(int64_t count) const { return (count + fewRows() - 1) / rows() * rows(); }
  /// Rows that products of `count` tiles compute.
  int64_t productRows(int64_t count) const {
    int64_t whole = inWholeProducts(count), left = count > whole ? count - whole : 0;
    return whole + (left + fewRows() - 1) / fewRows() * fewRows();
  }
  int64_t gradientRows() const { return lanes / 2; } ///< input channels of a product of gradients
  /// The shape with the window in a row: kernels are the same for both directions.
  TileShape flat() const { return isVertical() ? TileShape{1, kh, 1, mh, lanes} : *this; }
  /// True where there are transforms for it.
  bool isKnown() const;
};

/// Points and transforms exist for these: outputs of a tile for windows of `taps` in one direction.
bool hasTileTransform(int64_t outputs, int64_t taps);

inline int64_t ceilDivide(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// Tiles of `n` images of oh x ow outputs.
int64_t countTiles(const TileShape &shape, int64_t n, int64_t oh, int64_t ow);
/// Elements of the transform of weights of k input and o output channels.
int64_t transformedElements(const TileShape &shape, int64_t k, int64_t o);
/// Elements of one unit's part of the scratchpad of convolve_tiles: zeros that stand for padding, a place for what
/// is outside the image, addresses of outputs, transformed tiles, products.
int64_t convolveScratch(const TileShape &shape, int64_t k, int64_t o, int64_t block);
/// The same for correlate_tiles: zeros, transformed tiles of both tensors, sums of products.
int64_t correlateScratch(const TileShape &shape, int64_t k, int64_t o, int64_t gridK, int64_t gridO, int64_t block);

} // namespace incept
