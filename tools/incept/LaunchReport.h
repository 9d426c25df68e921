// SPDX-License-Identifier: Apache-2.0
//
// What a compiled network launches, for `incept summary --target`.
#pragma once

#include "codegen/Codegen.h"
#include "frontend/Summary.h"
#include "passes/Target.h"

namespace incept {

/// The launches of an exec-phase module, entry point by entry point. Bounds are 0 where `peaks` are not known.
std::vector<LaunchReport> collectLaunches(mlir::ModuleOp module, const Target &target,
                                          const std::optional<Peaks> &peaks);

} // namespace incept
