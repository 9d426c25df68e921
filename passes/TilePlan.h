// SPDX-License-Identifier: Apache-2.0
//
// A target's answer that a convolution, or one of its gradients, is computed by transforms of tiles
// (dialect/InceptTileOps.td) rather than by its library.
#pragma once

#include "dialect/TileConvolution.h"
#include "passes/Target.h"

namespace incept {

struct TilePlan {
  TileShape shape;
  int64_t block = 0;            ///< tiles at a time
  int64_t units = 1, parts = 1; ///< of convolve_tiles
  int64_t gridK = 1, gridO = 1; ///< of correlate_tiles
};

/// Says in `plan` that generated kernels do it. What else the plan has (format of weights, name) is the caller's.
void setTiles(LibraryPlan &plan, const TilePlan &tiles);
/// What setTiles has said, none for other plans.
std::optional<TilePlan> tilesOf(const LibraryPlan &plan);

/// For readers: what else an op could have been computed by, and what that would take. An entry of a plan's `config`
/// that is no part of the library's problem.
inline constexpr llvm::StringLiteral kCandidates = "candidates";

} // namespace incept
