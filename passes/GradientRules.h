// SPDX-License-Identifier: Apache-2.0
//
// The gradient rules of all differentiable ops.
#pragma once

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace incept {

/// Attaches the Differentiable interface to the ops that have a rule when the dialect is loaded.
void registerGradientRules(mlir::DialectRegistry &registry);

} // namespace incept
