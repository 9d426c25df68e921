// SPDX-License-Identifier: Apache-2.0
//
// Steps from emitted kernels to machine code that all targets share.
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Passes/PassBuilder.h"

namespace llvm {
class Module;
class TargetMachine;
} // namespace llvm

namespace incept::kernels {

/// exp and log become arithmetic, so that kernels need no math library.
void expandMath(mlir::ModuleOp module);

/// LLVM's default optimisations for the machine, without a C library: loops stay loops.
void optimize(llvm::Module &module, llvm::TargetMachine &machine,
              const llvm::PipelineTuningOptions &tuning = llvm::PipelineTuningOptions());

} // namespace incept::kernels
