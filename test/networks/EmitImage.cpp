// SPDX-License-Identifier: Apache-2.0

#include "test/networks/EmitImage.h"
#include "codegen/Codegen.h"
#include "passes/Target.h"

namespace incept::tests {

mlir::FailureOr<std::string> emitImage(mlir::ModuleOp module) {
  const Target *target = findTarget(module);
  if (!target)
    return mlir::failure();
  return target->backend()->emitImage(module);
}

} // namespace incept::tests
