// SPDX-License-Identifier: Apache-2.0
//
// What is printed of a phase is all that there is: a check that tests turn on with INCEPT_CHECK_ROUNDTRIP=1.
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "passes/Phases.h"

namespace incept {

/// Where the environment has INCEPT_CHECK_ROUNDTRIP=1: prints the module, parses the text and compares, locations
/// included. Reports a difference as an error of the module.
mlir::LogicalResult checkRoundTrip(mlir::ModuleOp module, Phase phase);

} // namespace incept
