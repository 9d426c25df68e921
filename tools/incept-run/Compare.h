// SPDX-License-Identifier: Apache-2.0
//
// Whether two modules compute the same.
#pragma once

#include "dialect/reference/Interpreter.h"

namespace incept {

/// A module and the interpreter that holds its variables.
struct Program {
  mlir::ModuleOp module;
  reference::Interpreter &interpreter;
};

/// Runs `functions` in turn in both programs (one that only one of them has is run there only) and compares the results
/// and the variables that both have, with an error per tensor that differs by more than `tolerance` times its largest
/// value (or 1, if that is larger). Fails also where nothing was written that could be compared.
mlir::LogicalResult comparePrograms(Program first, Program second, llvm::ArrayRef<std::string> functions, uint64_t seed,
                                    double tolerance);

} // namespace incept
