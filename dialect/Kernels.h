// SPDX-License-Identifier: Apache-2.0
//
// What the one who launches a kernel has to know of it.
#pragma once

#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/MathExtras.h"

#include <cstdint>
#include <initializer_list>

namespace incept {

/// What a launch passes besides addresses.
using KernelExtents = llvm::SmallVector<int64_t, 16>;

/// Who processes one unit, where there are many threads.
enum class UnitSize {
  Thread, ///< one thread
  Block,  ///< threads that meet, in an order that the kernel knows
  Row,    ///< a thread per vector of the unit's one row
  Tile,   ///< a thread per vector, of the unit's rows some at a time
};

/// The loops of a kernel.
struct KernelLoops {
  unsigned extents = 0; ///< how many a launch passes
  UnitSize unit = UnitSize::Block;
  int channels = -1;             ///< index of the extent that vectors run along, -1: elements, or no vectors
  int firstStride = -1;          ///< index of the first distance of rows, the last extents are; -1: there is none
  unsigned vectorOperands = ~0u; ///< this many of the operands, from the first, are read in vectors
};

/// Elements that one unit of a `flat` kernel processes, and channels that one of a `combine` kernel does.
inline constexpr int64_t kFlatUnit = 1024, kCombineUnit = 64;
/// Height and width of an image that is resized, at most: positions are products of two sizes, in 32 bits.
inline constexpr int64_t kMostResized = (int64_t(1) << 15) - 1;
/// Rows that one unit of a kernel has whose threads add up a row together.
inline constexpr int64_t kRowsUnit = 8;

/// Rows of `width` elements, `stride` elements apart, that a launch reads or writes of an operand.
struct KernelRows {
  int64_t rows = 1, width = 1, stride = 1;

  static KernelRows dense(int64_t elements) { return {1, elements, elements}; }
};

/// What the extents of a launch make of it.
struct KernelReach {
  int64_t units = 0; ///< the kernel processes parts of [0, units); none where the extents make no sense
  llvm::SmallVector<KernelRows> operands; ///< of those that it reads, then of those that it writes
};

/// The product of factors that are not negative, INT64_MAX where it would be more.
inline int64_t saturatingProduct(std::initializer_list<int64_t> factors) {
  int64_t product = 1;
  for (int64_t factor : factors)
    if (llvm::MulOverflow(product, factor, product))
      return INT64_MAX;
  return product;
}

} // namespace incept
