// SPDX-License-Identifier: Apache-2.0
//
// What every compiler tool registers: the dialects, how ops are differentiated and how kernels are launched; and the
// targets there are.
#pragma once

#include "codegen/cpu/CpuBackend.h"
#include "codegen/cuda/CudaBackend.h"
#include "dialect/InceptDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/DialectRegistry.h"
#include "passes/GradientRules.h"
#include "passes/KernelRules.h"

namespace incept {

inline void registerDialects(mlir::DialectRegistry &registry) {
  registry.insert<InceptDialect, mlir::func::FuncDialect>();
  registerGradientRules(registry);
  registerKernelRules(registry);
}

/// The targets that programs are made for. `planCache` is the directory of cuDNN plans and cubins, empty for the
/// user's.
inline void registerTargets(mlir::DialectRegistry &registry, const std::string &planCache = "") {
  cpu::registerTarget(registry);
  cuda::registerTarget(registry, planCache);
}

} // namespace incept
