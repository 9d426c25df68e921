// SPDX-License-Identifier: Apache-2.0
//
// Kernel definitions to PTX, through the gpu and NVVM dialects and LLVM's NVPTX back end: it needs no toolkit.
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

} // namespace incept::cuda
