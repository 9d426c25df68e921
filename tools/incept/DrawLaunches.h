// SPDX-License-Identifier: Apache-2.0
//
// The picture of what a compiled network launches (`incept draw --launches`).
#pragma once

#include "frontend/Summary.h"
#include "tools/incept/Svg.h"

namespace incept {

/// The launches of each entry point from left to right, library calls above kernels, as wide as the time that they take
/// by the target's costs, or at the device's peaks, or, where neither is known, as the bytes that they move. Those that
/// do several ops are coloured by block, others grey. Data: `flops`, `bytes`, `ops`.
Svg drawLaunches(llvm::ArrayRef<LaunchReport> launches);

/// HTML to go below it: for each entry point a list of blocks that open into their ops and launches, with bytes and
/// time on each, and fused launches coloured by what kind of code they are. Blocks and launches have the data `bytes`,
/// launches also `ops` and `kind`.
std::string listLaunches(llvm::ArrayRef<LaunchReport> launches);

} // namespace incept
