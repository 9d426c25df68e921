// SPDX-License-Identifier: Apache-2.0
//
// How a tensor lies in memory, as launches see it.
#pragma once

#include "dialect/InceptOps.h"

namespace incept {

class Target;

/// Logical dimensions with physical strides where the layout is dense, NHWC or a channel slice; for a library's own
/// format the elements that it takes, padding included, one behind the other. Fails where the target does not know the
/// format.
mlir::FailureOr<mlir::MemRefType> memoryType(mlir::RankedTensorType type, const Target &target);

/// What the call of a library group reads, in the order of the op's operands or, `swapped`, with the first two
/// exchanged.
llvm::SmallVector<mlir::Value> libraryInputs(GroupOp group, bool swapped);

/// The memory of what that call reads and of what it writes: its plan's signature.
mlir::FailureOr<mlir::FunctionType> librarySignature(GroupOp group, bool swapped, const Target &target);

} // namespace incept
