// SPDX-License-Identifier: Apache-2.0
//
// Checks that several verifiers share.
#pragma once

#include "dialect/InceptDialect.h"
#include "dialect/ShapeInference.h"

namespace incept {

/// Logical shape of a ranked tensor value.
inline llvm::ArrayRef<int64_t> shapeOf(mlir::Value value) {
  return llvm::cast<mlir::RankedTensorType>(value.getType()).getShape();
}

/// Checks that `value`, called `name` in the message, has the shape `expected`.
mlir::LogicalResult verifyShape(mlir::Operation *op, llvm::StringRef name, mlir::Value value,
                                llvm::ArrayRef<int64_t> expected);

/// Checks that each of `vectors` (null ones are skipped) is of rank 1 with `channels` values.
mlir::LogicalResult verifyChannelVectors(mlir::Operation *op, int64_t channels, mlir::ValueRange vectors);

} // namespace incept
