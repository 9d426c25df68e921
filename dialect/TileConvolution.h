// SPDX-License-Identifier: Apache-2.0
//
// Sizes of convolutions by transforms of tiles (InceptTileOps.td): what passes plan, launches are checked against, and
// kernels assume.
#pragma once

#include "mlir/Support/LLVM.h"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace incept {

/// Elements between the points of transformed tiles, so that they do not meet in one set of the cache.
inline constexpr int64_t kTileSkew = 16;

/// A window and the places of it that are computed together, vertical value first; one of the two is 1 in both or none.
struct TileShape {
  int64_t kh = 1, kw = 1; ///< window
  int64_t mh = 1, mw = 1; ///< places of the window in a tile
  int64_t lanes = 16;     ///< of a vector
  int64_t stride = 1;     ///< pixels from one place to the next
  /// The gradient of data of a stride: it writes where the window is, and reads a pixel for each place.
  bool transposed = false;

  bool isSquare() const { return kh > 1 && kw > 1; }
  bool isVertical() const { return kw == 1; }
  int64_t taps() const { return kh * kw; }
  int64_t readStep() const { return transposed ? 1 : stride; }  ///< pixels that are read, from one place to the next
  int64_t writeStep() const { return transposed ? stride : 1; } ///< the same of those that are written
  int64_t outputs() const { return mh * mw * writeStep() * writeStep(); } ///< pixels that a tile writes
  int64_t points() const { return ((mh - 1) * stride + kh) * ((mw - 1) * stride + kw); }
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
  TileShape flat() const { return isVertical() ? turned() : *this; }
  /// The shape with vertical and horizontal direction in each other's place.
  TileShape turned() const {
    TileShape shape = *this;
    std::swap(shape.kh, shape.kw);
    std::swap(shape.mh, shape.mw);
    return shape;
  }
  /// True where there are transforms for it.
  bool isKnown() const;
};

/// Points and transforms exist for these: places in a tile of a window of `taps` in one direction.
bool hasTileTransform(int64_t places, int64_t taps, int64_t stride = 1);

inline int64_t ceilDivide(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// How many pixels before the image that is written the first place of a window begins which begins `pad` pixels before
/// the convolution's image.
inline int64_t writePad(const TileShape &shape, int64_t pad) { return shape.writeStep() > 1 ? pad : 0; }
/// Tiles of `n` images of oh x ow outputs.
int64_t countTiles(const TileShape &shape, int64_t n, int64_t oh, int64_t ow, int64_t padTop, int64_t padLeft);
/// Elements of the transform of weights of k input and o output channels.
int64_t transformedElements(const TileShape &shape, int64_t k, int64_t o);
/// Elements of one unit's part of the scratchpad of convolve_tiles: zeros that stand for padding, a place for what
/// is outside the image, addresses of outputs, transformed tiles, products.
int64_t convolveScratch(const TileShape &shape, int64_t k, int64_t o, int64_t block);
/// The same for correlate_tiles: zeros, transformed tiles of both tensors, sums of products.
int64_t correlateScratch(const TileShape &shape, int64_t k, int64_t o, int64_t gridK, int64_t gridO, int64_t block);

} // namespace incept
