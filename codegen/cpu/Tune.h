// SPDX-License-Identifier: Apache-2.0
//
// `incept tune`: what the operations that convolutions are counted in take on this machine. Some convolutions are run
// in all ways, on one thread, by its processor time, and costs are fitted to what they took.
#pragma once

#include "codegen/cpu/ConvolutionCosts.h"
#include "codegen/cpu/Processor.h"

#include <vector>

namespace incept::cpu {

/// One convolution in one way.
struct TuneSample {
  std::string name; ///< "forward 3x3 64x96 35x35, tiles 4x4"
  WorkCounts work;
  double microseconds; ///< measured
};

/// Measures on this machine with code for `processor`. A sentence in `error` where that cannot be.
mlir::FailureOr<std::vector<TuneSample>> measureConvolutions(const Processor &processor, std::string &error);

/// The costs, none of them negative, whose predictions are the nearest to `samples`, by the square of the relative
/// difference.
ConvolutionCosts fitCosts(const std::vector<TuneSample> &samples);

/// Where what was measured is kept: the key of an entry of the cache `costs`.
std::string costsKey(const Processor &processor);

} // namespace incept::cpu
