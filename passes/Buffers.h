// SPDX-License-Identifier: Apache-2.0
//
// What the groups of a function need of the arena: scheduling asks for it in any order, memory planning in the final
// one.
#pragma once

#include "dialect/InceptOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace incept {

class Target;

/// Bytes that `root` (a group's or a concat_view's result, see placementOf) takes, a multiple of kAlignment; an error
/// has been emitted where its size is unknown.
mlir::FailureOr<int64_t> bufferBytes(mlir::Value root, const Target &target);

/// Bytes of temporary memory while `group` runs, a multiple of kAlignment: a library's scratchpad, which its plan
/// knows, a reduction's partial sums, or a count's partial counts.
int64_t scratchpadBytes(GroupOp group, const Target &target);

/// The values that live in the variable they are written to, with that write: a group computes each behind all uses of
/// the variable's old value. Every other write needs a copy.
llvm::DenseMap<mlir::Value, WriteOp> valuesInVariables(mlir::func::FuncOp function);

} // namespace incept
