// SPDX-License-Identifier: Apache-2.0
//
// Kernel definitions to machine code: MLIR functions, LLVM's optimiser, one object, one shared object. Nothing outside
// this process is run, and the result needs no library.
#pragma once

#include "codegen/cpu/Processor.h"
#include "dialect/InceptOps.h"

#include <string>
#include <vector>

namespace incept::cpu {

struct KernelOptions {
  std::string cpu;                             ///< LLVM's name of the CPU; empty means this machine's
  std::vector<std::string> *objects = nullptr; ///< where given, receives the relocatable objects too
};

/// Emits, for each of `definitions`, a function of its name, as MLIR on `!llvm.ptr`, with vectors of `vectorBits` bits.
mlir::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>>
emitKernels(mlir::MLIRContext *context, llvm::ArrayRef<exec::KernelDefOp> definitions, int64_t vectorBits);

/// Compiles the kernel definitions of `module` to a shared object (ELF, to be opened with dlopen). Errors are reported
/// at the definition or the module.
mlir::FailureOr<std::vector<char>> compileKernels(mlir::ModuleOp module, const KernelOptions &options);

} // namespace incept::cpu
