// SPDX-License-Identifier: Apache-2.0
//
// How a tensor lies in memory, as launches see it.
#pragma once

#include "mlir/IR/BuiltinTypes.h"

namespace incept {

class Target;

/// Logical dimensions with physical strides where the layout is dense, NHWC or a channel slice; for a library's own
/// format the elements that it takes, padding included, one behind the other. Fails where the target does not know the
/// format.
mlir::FailureOr<mlir::MemRefType> memoryType(mlir::RankedTensorType type, const Target &target);

} // namespace incept
