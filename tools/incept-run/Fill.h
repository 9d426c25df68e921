// SPDX-License-Identifier: Apache-2.0
//
// Values for variables and arguments that no file gives, and how tensors are printed.
#pragma once

#include "dialect/reference/Interpreter.h"

namespace incept {

/// Sets every variable of `module`. A value depends on the seed, the variable's name and
/// the element's index only, so that two modules get the same values:
///   weights (parameters of rank 2 and more)   uniform in +-sqrt(6 / elements per output)
///   what must be positive (`init` of a positive constant, running variances, mean squares)   uniform in [0.5, 1.5) of
///   it i64 (labels)   uniform in [0, columns of io/logits), or [0, 2) where there are no logits u8             uniform
///   in [0, 256) all else       uniform in [-1, 1)
void fillVariables(mlir::ModuleOp module, uint64_t seed, reference::Interpreter &interpreter);

/// Arguments of `function` in the same way, named arg0, arg1, ...; fails with a diagnostic where a type has no tensor.
mlir::FailureOr<llvm::SmallVector<reference::Tensor>> fillArguments(mlir::ModuleOp module, llvm::StringRef function,
                                                                    uint64_t seed);

/// Prints `NAME SHAPE = v0 v1 ...` on one line, with six digits and at most 256 values.
void printTensor(llvm::raw_ostream &os, llvm::StringRef name, const reference::Tensor &tensor);

} // namespace incept
