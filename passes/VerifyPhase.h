// SPDX-License-Identifier: Apache-2.0
//
// What the planned and the exec phase promise of memory.
#pragma once

#include "passes/Placement.h"

namespace incept {

/// Checks that every value of `function` has a place: in the variable that it is written to, or in the arena, aligned,
/// inside its bytes, and apart from all that is needed at the same time.
mlir::LogicalResult verifyMemory(mlir::func::FuncOp function, const Target &target, PlacementAnalysis &placements);

/// Checks that variables have places of their own, that plans are the target's, and that launches read fields,
/// variables and what was written before them.
mlir::LogicalResult verifyExec(mlir::ModuleOp module, const Target &target);

} // namespace incept
