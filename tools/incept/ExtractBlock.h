// SPDX-License-Identifier: Apache-2.0
//
// The ops of one block of a network, for people and tests that look at them (`incept compile --only`).
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace incept {

/// A module of the ops in `module` whose path is `path` or below it, at any phase: "." is all of them. A group belongs
/// to every block that an op in it belongs to. Each function with such ops has those alone, in their order, and the
/// reads, slices and step values that they use; other values from outside are its arguments, with the path of the op
/// that made them as `incept.from`, and what is used outside are its results. What the ops name stays: variables,
/// plans, kernels, regions. The text of the description is left out, so that a test in its comments does not find
/// itself. Where there is no such op, `problem` says which there are.
mlir::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>> extractBlock(mlir::ModuleOp module, llvm::StringRef path,
                                                                std::string &problem);

} // namespace incept
