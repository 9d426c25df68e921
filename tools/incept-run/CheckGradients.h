// SPDX-License-Identifier: Apache-2.0
//
// Gradients against central differences.
#pragma once

#include "dialect/reference/Interpreter.h"

namespace incept {

/// Runs @forward_backward of a module of the training phase and compares `samples` elements of each grad/NAME with
/// (loss(p + h) - loss(p - h)) / 2h for h = 1e-5. An element that differs is tried again with smaller h: where a ReLU
/// or a maximum switches within h of the point, the difference goes away. Prints a line per parameter; fails with a
/// diagnostic at the parameter for each element that differs.
mlir::LogicalResult checkGradients(mlir::ModuleOp module, reference::Interpreter &interpreter, int64_t samples,
                                   uint64_t seed);

} // namespace incept
