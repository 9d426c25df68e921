// SPDX-License-Identifier: Apache-2.0
//
// What every compiler tool registers: the dialects, how ops are differentiated, and how kernels are launched.
#pragma once

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

} // namespace incept
