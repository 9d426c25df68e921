// SPDX-License-Identifier: Apache-2.0
//
// How a sum over rows is cut into chunks. The cut depends on the shape alone, so that sums have the same bits whatever
// the number of threads.
#pragma once

#include <algorithm>
#include <cstdint>

namespace incept {

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
