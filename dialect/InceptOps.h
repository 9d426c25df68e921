// SPDX-License-Identifier: Apache-2.0
//
// The ops of both tiers.
#pragma once

#include "dialect/InceptDialect.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace incept {
class YieldOp;
} // namespace incept

#define GET_OP_CLASSES
#include "dialect/InceptOps.h.inc"
