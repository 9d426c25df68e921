// SPDX-License-Identifier: Apache-2.0
//
// Checks that several verifiers share.
#pragma once

#include "dialect/InceptDialect.h"
#include "dialect/ShapeInference.h"
#include "mlir/IR/TypeUtilities.h"

namespace incept {

/// Logical shape of a ranked tensor value.
inline llvm::ArrayRef<int64_t> shapeOf(mlir::Value value) {
  return llvm::cast<mlir::RankedTensorType>(value.getType()).getShape();
}

/// Checks that `value`, called `name` in the message, has the shape `expected`.
mlir::LogicalResult verifyShape(mlir::Operation *op, llvm::StringRef name, mlir::Value value,
                                llvm::ArrayRef<int64_t> expected);

inline mlir::Type elementOf(mlir::Value value) { return mlir::getElementTypeOrSelf(value.getType()); }

/// Checks that all of `values` (null ones are skipped) have the element type of the first.
mlir::LogicalResult verifySameElement(mlir::Operation *op, mlir::ValueRange values);

/// Checks that `result`, called `name` in the message, has the element type `element` or is f32.
mlir::LogicalResult verifyElementOrF32(mlir::Operation *op, llvm::StringRef name, mlir::Value result,
                                       mlir::Type element);

/// Checks that `value`, called `name` in the message, is not narrower than f32: sums, logits.
mlir::LogicalResult verifyNotNarrow(mlir::Operation *op, llvm::StringRef name, mlir::Value value);

/// Checks that each of `vectors` (null ones are skipped) is of rank 1 with `channels` values.
mlir::LogicalResult verifyChannelVectors(mlir::Operation *op, int64_t channels, mlir::ValueRange vectors);

} // namespace incept
