// SPDX-License-Identifier: Apache-2.0
//
// What this machine can do at most, measured: the two limits that a launch's time is compared with.
#pragma once

#include "runtime/support/Status.h"

#include <cstdint>

namespace incept {

struct Peaks {
  double flops = 0;     ///< operations per second: a convolution in f32 whose tensors stay in the cache
  double bandwidth = 0; ///< bytes per second: a triad or scaling in place, of arrays beyond any cache

  /// The least time in seconds that so much work can take.
  double bound(double flopCount, double byteCount) const;
};

/// Takes about a second on `threads` threads, and 384 MiB while it runs.
Expected<Peaks> measurePeaks(int64_t threads);

} // namespace incept
