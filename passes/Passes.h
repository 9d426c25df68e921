// SPDX-License-Identifier: Apache-2.0
//
// Creation and registration of the passes that Passes.td describes.
#pragma once

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

#include <memory>

namespace incept {

class Target;

#define GEN_PASS_DECL
#include "passes/Passes.h.inc"

// Passes that ask a target; without one (as in pass tests) they ask the fake target.
std::unique_ptr<mlir::Pass> createAssignPrecisionPass(std::shared_ptr<const Target> target,
                                                      const AssignPrecisionPassOptions &options);
std::unique_ptr<mlir::Pass> createFuseConvResidualPass(std::shared_ptr<const Target> target);
std::unique_ptr<mlir::Pass> createFuseConvReluPass(std::shared_ptr<const Target> target);
std::unique_ptr<mlir::Pass> createPlaceConcatsPass(std::shared_ptr<const Target> target);
std::unique_ptr<mlir::Pass> createAssignLayoutsPass(std::shared_ptr<const Target> target);
std::unique_ptr<mlir::Pass> createSchedulePass(std::shared_ptr<const Target> target);
std::unique_ptr<mlir::Pass> createPlanMemoryPass(std::shared_ptr<const Target> target,
                                                 const PlanMemoryPassOptions &options);
std::unique_ptr<mlir::Pass> createLowerToExecPass(std::shared_ptr<const Target> target);
std::unique_ptr<mlir::Pass> createShapeLaunchesPass(std::shared_ptr<const Target> target);

#define GEN_PASS_REGISTRATION
#include "passes/Passes.h.inc"

} // namespace incept
