// SPDX-License-Identifier: Apache-2.0
//
// The time that a launch takes on a device: a floor, and its operations or its bytes at a share of the device's peaks,
// whichever takes longer, with the last wave of its blocks counted as what it is. The shares are data of the device's
// profile, and assumed until scripts/gpu-check.sh has measured them (codegen/cuda/devices/).
#pragma once

#include "passes/LaunchWork.h"
#include "runtime/device/cuda/Cudnn.h"

#include <string>
#include <string_view>

namespace incept::cuda {

struct LaunchCosts {
  cudnn::EngineCosts engines; ///< peaks, what library code reaches of them, and the floor of a launch
  /// Of the memory's bandwidth: what each kind of launch reaches.
  double libraryShare = 0, mapShare = 0, reductionShare = 0, otherShare = 0;
  double fillShare = 0; ///< of the multiprocessors: so many busy ones use all of the memory's bandwidth
  int64_t multiprocessors = 0;
  std::string measuredOn; ///< a card's name; empty where shares and floor are assumed
};

/// How much longer work takes in `blocks` equal blocks than if it were spread evenly over the device, `slots` blocks at
/// a time. The last wave takes as long as a full one, or, where a share of the slots does as much as all together, as
/// long as that share of one at least.
double waveFactor(int64_t blocks, int64_t slots, double share);

double estimateSeconds(const LaunchWork &work, const LaunchCosts &costs);

/// Rows and columns of the result that a block of a library's kernel computes, by its name: {128, 256} of
/// "..._tilesize128x256x64_...", {128, 128} where it says nothing.
struct BlockTile {
  int64_t rows = 128, columns = 128;
};
BlockTile blockTileOf(std::string_view kernel);

/// What the time of a choice for `problem` depends on, which costs so much.
LaunchWork describeCall(const cudnn::Problem &problem, const cudnn::Choice &choice, LaunchCost cost,
                        int64_t architecture);

} // namespace incept::cuda
