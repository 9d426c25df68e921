// SPDX-License-Identifier: Apache-2.0
//
// How launches cut their work and lay out their memory: what passes count and kernels assume. Cuts depend on shapes
// alone, so that sums have the same bits whatever the number of threads.
#pragma once

#include <algorithm>
#include <cstdint>

namespace incept {

/// Elements that one unit of a `flat` kernel processes.
inline constexpr int64_t kFlatUnit = 1024;
/// Channels that one unit of a `combine` kernel processes.
inline constexpr int64_t kCombineUnit = 64;
/// Offsets of values in the arena and of variables in their regions are multiples of this many bytes.
inline constexpr int64_t kAlignment = 64;

struct Reduction {
  int64_t chunk;    ///< rows per partial sum
  int64_t partials; ///< number of partial sums
};

/// At most 64 partial sums (enough for any CPU's load balance, few enough to combine in no time), of at least 32 rows.
inline Reduction cutReduction(int64_t rows) {
  int64_t chunk = std::max<int64_t>((rows + 63) / 64, std::min<int64_t>(rows, 32));
  return {chunk, (rows + chunk - 1) / chunk};
}

} // namespace incept
