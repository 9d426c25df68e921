// SPDX-License-Identifier: Apache-2.0
//
// Physical layouts of values: what the layout phase writes into types and later passes read from them.
#pragma once

#include "dialect/InceptDialect.h"
#include "mlir/IR/BuiltinTypes.h"

namespace incept {

inline constexpr llvm::StringLiteral kNhwcFormat = "nhwc";
inline constexpr llvm::StringLiteral kDenseFormat = "dense";
/// True for activations in blocks of channels: N, C/8, H, W, 8 ("nchw8c"), or in blocks of 16. Between library calls
/// only; kernels work on NHWC.
inline bool isBlockedFormat(llvm::StringRef format) { return format == "nchw8c" || format == "nchw16c"; }

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

} // namespace incept
