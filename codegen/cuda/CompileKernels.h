// SPDX-License-Identifier: Apache-2.0
//
// Kernel definitions to PTX, through the gpu and NVVM dialects and LLVM's NVPTX back end, and PTX to a cubin, through
// the toolkit's ptxas. PTX needs no toolkit.
#pragma once

#include "codegen/cuda/ShapeLaunch.h"

namespace incept::cuda {

/// An architecture as the code generator names it.
struct Architecture {
  std::string chip;     ///< "sm_90"
  std::string features; ///< version of PTX, "+ptx80"
};

/// The variants that an exec-phase module launches, as one gpu.module in `!llvm.ptr<1>`, gpu, scf, arith, math and
/// vector ops.
mlir::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>> emitKernels(mlir::ModuleOp module);

/// The same as the text of one PTX module. Errors are reported at launches, at definitions or at `module`.
mlir::FailureOr<std::string> compileToPtx(mlir::ModuleOp module, const Architecture &architecture);

/// What ptxas says of one kernel.
struct KernelUsage {
  std::string symbol;
  int64_t registers = 0, spillStores = 0, spillLoads = 0, stackBytes = 0, sharedBytes = 0;
};

/// Assembles PTX with the program `ptxas`; `usage`, where given, gets a row per kernel. On failure `error` is a
/// sentence without a final stop.
mlir::FailureOr<std::vector<char>> assemble(llvm::StringRef ptx, llvm::StringRef ptxas,
                                            const Architecture &architecture, std::string &error,
                                            std::vector<KernelUsage> *usage = nullptr);

} // namespace incept::cuda
