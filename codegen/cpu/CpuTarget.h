// SPDX-License-Identifier: Apache-2.0
//
// The CPU as passes see it: oneDNN plans for library groups, or convolutions by tiles.
#pragma once

#include "codegen/cpu/TileChoice.h"
#include "passes/Target.h"

namespace incept::cpu {

/// How a target chooses between ways to compute a convolution.
struct ConvolutionModel {
  ConvolutionChoice choice;
  int64_t lanes = 8; ///< of a vector of the processor
  ConvolutionCosts costs = ConvolutionCosts::shipped(8);
};

/// `threads` is what the program will run with: scratchpads and implementations depend on it, so oneDNN is asked with
/// as many OpenMP threads. With `sameBits` results do not depend on it: what would, runs on one. `backend` is what the
/// target calls its own; it must outlive the target.
std::shared_ptr<const Target> createCpuTarget(int64_t threads, bool sameBits = false, const Backend *backend = nullptr,
                                              const ConvolutionModel &model = {});

} // namespace incept::cpu
