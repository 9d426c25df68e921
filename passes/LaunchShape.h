// SPDX-License-Identifier: Apache-2.0
//
// How launches cut their work and lay out their memory: what passes count and kernels assume. Cuts depend on shapes
// alone, so that sums have the same bits whatever the number of threads.
#pragma once

#include "dialect/Kernels.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace incept {

/// Offsets of values in the arena and of variables in their regions are multiples of this many bytes.
inline constexpr int64_t kAlignment = 64;
/// What belongs to parameters (gradients, copies) is aligned as f32 would be, counted in elements, so that an update
/// that works on several types can be joined with its neighbours'.
inline constexpr int64_t parameterAlignment(int64_t elementBytes) { return kAlignment / 4 * elementBytes; }

/// Parts of a launch, at most.
inline constexpr int64_t kMostParts = 8;
/// Addresses, extents and sizes that the parts of a launch may have together: every GPU takes 4 KiB of parameters.
inline constexpr size_t kMostNumbers = 512;
/// Sizes that say how a part runs: blocks and threads, two of each.
inline constexpr size_t kPartSizes = 4;

struct Reduction {
  int64_t chunk;    ///< rows per partial sum
  int64_t partials; ///< number of partial sums
};

/// At most 64 partial sums (enough for any CPU's load balance, few enough to combine in no time), of at least 32 rows.
inline Reduction cutReduction(int64_t rows) {
  int64_t chunk = std::max<int64_t>((rows + 63) / 64, std::min<int64_t>(rows, 32));
  return {chunk, (rows + chunk - 1) / chunk};
}

/// Elements that one unit of a `count_nonfinite` or `sum_squares` kernel adds up where all tensors together have
/// `elements`: at most kMostCounts units, and one more per tensor that is no neighbour of another. Whole vectors of any
/// type.
inline constexpr int64_t kMostCounts = 1024;
inline int64_t cutCount(int64_t elements) {
  int64_t chunk = std::max<int64_t>((elements + kMostCounts - 1) / kMostCounts, 4 * kFlatUnit);
  return (chunk + kAlignment - 1) / kAlignment * kAlignment;
}

/// How the loss of `rows` rows of `classes` logits is cut on targets where units can run side by side only: at most 64
/// parts, of whole vectors of rows and no less than 2^16 logits, below which one thread is done before others begin.
inline Reduction cutLoss(int64_t rows, int64_t classes) {
  constexpr int64_t kLogits = int64_t(1) << 16;
  int64_t chunk = std::max((rows + 63) / 64, (kLogits + classes - 1) / classes);
  chunk = std::min((chunk + 15) / 16 * 16, rows);
  return {chunk, (rows + chunk - 1) / chunk};
}

} // namespace incept
