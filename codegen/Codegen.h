// SPDX-License-Identifier: Apache-2.0
//
// From an exec-phase module to one executable.
#pragma once

#include "mlir/IR/BuiltinOps.h"

#include <string>

namespace incept {

struct CodegenOptions {
  std::string stub;     ///< path of the prebuilt runtime executable
  std::string output;   ///< path of the executable to write
  std::string specText; ///< kept in the image for `info`
  int threads = 1;
  std::string cpu; ///< LLVM's name of the CPU; empty means this machine's
};

/// Compiles kernels, writes the program image and joins it to a copy of the stub. The output appears whole or not at
/// all. Diagnostics are emitted on the module.
mlir::LogicalResult emitCpuExecutable(mlir::ModuleOp module, const CodegenOptions &options);

} // namespace incept
