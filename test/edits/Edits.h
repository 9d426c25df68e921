// SPDX-License-Identifier: Apache-2.0
//
// Single edits of a module, each drawn from a seed: what a hand, a tool or a pass with a mistake may do to IR.
#pragma once

#include "mlir/IR/BuiltinOps.h"

#include <cstdint>
#include <string>

namespace incept::test {

/// Makes one edit and says which, empty where the one that was drawn is not possible.
std::string edit(mlir::ModuleOp module, uint64_t seed);

} // namespace incept::test
