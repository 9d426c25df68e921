// SPDX-License-Identifier: Apache-2.0
//
// Prints an exec-phase module as a program image (runtime/program/ProgramFormat.h). It decides nothing.
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/ArrayRef.h"

#include <string>

namespace incept {

/// What the image says about the machine it was made for.
struct TargetFacts {
  std::string kind, isa, onednn;
  int64_t threads = 1, vectorBits = 0;
};

/// The bytes of the image: header and the blob "kernels".
mlir::FailureOr<std::string> writeImage(mlir::ModuleOp module, const TargetFacts &target, llvm::StringRef specText,
                                        llvm::ArrayRef<char> kernels);

} // namespace incept
