// SPDX-License-Identifier: Apache-2.0
//
// Physical layouts of values: what the layout phase writes into types and later passes read from them.
#pragma once

#include "dialect/InceptDialect.h"
#include "mlir/IR/BuiltinTypes.h"

namespace incept {

inline constexpr llvm::StringLiteral kNhwcFormat = "nhwc";
inline constexpr llvm::StringLiteral kDenseFormat = "dense";
/// Activations in blocks of 8 channels: N, C/8, H, W, 8. Between library calls only; kernels work on NHWC.
inline constexpr llvm::StringLiteral kBlockedFormat = "nchw8c";

/// The layout of a value's type, null before the layout phase.
LayoutAttr layoutOf(mlir::Value value);
/// `type` with another layout.
mlir::RankedTensorType withLayout(mlir::RankedTensorType type, LayoutAttr layout);
/// The format as the target and the program image write it: "" for dense.
llvm::StringRef libraryFormat(LayoutAttr layout);
/// The operand whose layout `result` has, element by element: null where an op gives its results one of its own.
mlir::OpOperand *layoutSource(mlir::OpResult result);
/// Size of one element in bytes.
int64_t elementBytes(mlir::Type type);

/// A value's place in the value whose buffer it lies in: follows views to the root.
struct Placement {
  mlir::Value root;          ///< a group's result, a concat_view's result or a read
  int64_t channelOffset = 0; ///< first channel in the root
  int64_t rowElements = 0;   ///< elements of the rows before it, for a range of rows

  /// First element in the root, in NHWC or, for rows, in a format that keeps them apart.
  int64_t elementOffset() const { return channelOffset + rowElements; }
};
Placement placementOf(mlir::Value value);

/// True where an op behind `op` in its block computes with `value` or a view of it.
bool isUsedAfter(mlir::Value value, mlir::Operation *op);

} // namespace incept
