// SPDX-License-Identifier: Apache-2.0
//
// Rules by which the ops of dialect/InceptTileOps.td are launched.
#pragma once

namespace mlir {
class MLIRContext;
}

namespace incept {

/// Lends the ops their rules; registerKernelRules (passes/KernelRules.h) does it with all others.
void attachTileRules(mlir::MLIRContext *context);

} // namespace incept
