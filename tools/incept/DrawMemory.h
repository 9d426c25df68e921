// SPDX-License-Identifier: Apache-2.0
//
// Pictures of what a compiled network does with memory and time (`incept draw --memory`, `--launches`).
#pragma once

#include "frontend/Summary.h"
#include "mlir/IR/BuiltinOps.h"
#include "tools/incept/Svg.h"

namespace incept {

/// The arena of each function of a module in the planned phase: offsets upwards, the function's groups to the right, a
/// rectangle for each value and scratchpad, coloured by block. Its data are `offset`, `bytes`, and the groups `first`
/// and `last` that need it. Failure where an error has been emitted.
mlir::FailureOr<Svg> drawMemory(mlir::ModuleOp module);

/// The launches of each entry point from left to right, library calls above kernels, as wide as the time that they take
/// at least or, where the device's peaks are not known, as the bytes that they move. Data: `flops`, `bytes`.
Svg drawLaunches(llvm::ArrayRef<LaunchReport> launches);

} // namespace incept
