// SPDX-License-Identifier: Apache-2.0
//
// What this machine's processor can do at most, measured.
#pragma once

#include "runtime/device/Device.h"

namespace incept {

/// A convolution in `precision` (f32 or bf16) whose tensors stay in the cache, and a triad or scaling in place of
/// arrays beyond any cache. Takes about a second on `threads` threads, and 384 MiB while it runs.
Expected<Peaks> measurePeaks(int64_t threads, const std::string &precision);

} // namespace incept
