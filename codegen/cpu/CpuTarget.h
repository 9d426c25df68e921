// SPDX-License-Identifier: Apache-2.0
//
// The CPU as passes see it: oneDNN plans for library groups, or convolutions by tiles.
#pragma once

#include "codegen/cpu/TileChoice.h"
#include "passes/Target.h"

namespace incept::cpu {

/// `threads` is what the program will run with: scratchpads and implementations depend on it, so oneDNN is asked with
/// as many OpenMP threads. With `sameBits` results do not depend on it: what would, runs on one. `backend` is what the
/// target calls its own; it must outlive the target. `lanes` is what a vector of the processor has.
std::shared_ptr<const Target> createCpuTarget(int64_t threads, bool sameBits = false, const Backend *backend = nullptr,
                                              ConvolutionChoice convolutions = {}, int64_t lanes = 8);

} // namespace incept::cpu
