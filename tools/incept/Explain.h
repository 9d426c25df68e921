// SPDX-License-Identifier: Apache-2.0
//
// What --explain prints: why the program is as it is, op by op and launch by launch.
#pragma once

#include "codegen/Codegen.h"

namespace incept {

/// What each op of a layout-phase module is done by, and what was declined.
void explainPlans(mlir::ModuleOp module, const Backend &backend);

/// The launches of an exec-phase module that do what several would, and those that could have been a part of another,
/// with what spoke against it.
void explainLaunches(mlir::ModuleOp module, const Backend &backend);

} // namespace incept
