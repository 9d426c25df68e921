// SPDX-License-Identifier: Apache-2.0
//
// What a network is made of: layers, parameters and multiply-accumulates.
#pragma once

#include "mlir/IR/BuiltinOps.h"

namespace llvm {
class raw_ostream;
} // namespace llvm

namespace incept {

/// Prints a table, or with `json` an object of `network`, `parameters` (trainable scalars), `states` (running
/// statistics), `macs` (multiply-accumulates of convolutions and linear layers, one image, forward) and `layers[]` with
/// `name`, `op`, `src` and `dst` (shapes with the batch; `src` is that of the first operand), `parameters`, `macs`. The
/// module is in the graph phase. `memory` (byte counts by name, `incept.memory` of the exec phase) is printed where it
/// is given.
void printSummary(mlir::ModuleOp module, llvm::raw_ostream &os, bool json, mlir::DictionaryAttr memory = {});

} // namespace incept
