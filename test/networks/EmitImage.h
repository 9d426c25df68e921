// SPDX-License-Identifier: Apache-2.0
//
// From an exec-phase module to a program image. Apart, since compiler and runtime both have backends and peaks.
#pragma once

#include "mlir/IR/BuiltinOps.h"

#include <string>

namespace incept::tests {

mlir::FailureOr<std::string> emitImage(mlir::ModuleOp module);

} // namespace incept::tests
