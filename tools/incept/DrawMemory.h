// SPDX-License-Identifier: Apache-2.0
//
// The picture of what a compiled network does with memory (`incept draw --memory`).
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "tools/incept/Svg.h"

namespace incept {

/// The arena of each function of a module in the planned phase: offsets upwards, the function's groups to the right, a
/// rectangle for each value and scratchpad, coloured by block. Its data are `offset`, `bytes`, and the groups `first`
/// and `last` that need it. Failure where an error has been emitted.
mlir::FailureOr<Svg> drawMemory(mlir::ModuleOp module);

} // namespace incept
