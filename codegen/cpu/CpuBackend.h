// SPDX-License-Identifier: Apache-2.0
//
// The target `cpu` as a whole.
#pragma once

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace incept::cpu {

/// Registers the targets `#incept.target<cpu, "PROCESSOR", threads = N>`: a processor as LLVM calls it (default: this
/// machine's) and the threads of the program (default: one per core). oneDNN is held to what the processor has.
void registerTarget(mlir::DialectRegistry &registry);

} // namespace incept::cpu
