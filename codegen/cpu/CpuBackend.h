// SPDX-License-Identifier: Apache-2.0
//
// The target `cpu` as a whole.
#pragma once

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace incept::cpu {

/// Registers the target `#incept.target<cpu, threads = N>` (default: one per core), for this machine's processor.
void registerTarget(mlir::DialectRegistry &registry);

} // namespace incept::cpu
