// SPDX-License-Identifier: Apache-2.0
//
// Kernel groups that compute convolutions by transforms of tiles, in the place of library groups. Used by the layout
// phase.
#pragma once

#include "dialect/InceptOps.h"
#include "passes/TilePlan.h"

namespace incept {

/// Puts kernel groups in the place of `group`, a convolution or its gradient of data, whose result has its layout.
/// `weights`, which lie as the plan says, are transformed right before; those that inference reads of variables once,
/// at the end of prepare_inference, where layouts are assigned already.
void convolveByTiles(GroupOp group, const LibraryPlan &plan, mlir::Value weights, mlir::SymbolTable &symbols);

/// The same for a gradient of weights. Returns the group that stands for `group`.
GroupOp correlateByTiles(GroupOp group, const LibraryPlan &plan);

/// Notes for readers what else a group could have been (`incept.candidates`).
void noteCandidates(GroupOp group, const LibraryPlan &plan);

} // namespace incept
