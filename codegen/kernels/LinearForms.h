// SPDX-License-Identifier: Apache-2.0
//
// Products of a constant matrix and vectors of the processor.
#pragma once

#include "codegen/kernels/KernelEmitter.h"
#include "codegen/kernels/TileTransform.h"

namespace incept::kernels {

/// Emits matrix * values, entry by entry on vectors. Rows or columns that differ in the signs of some entries, as those
/// of points p and -p do, share the sums of the others and of these.
llvm::SmallVector<mlir::Value> emitProduct(KernelEmitter &e, const RealMatrix &matrix, mlir::ValueRange values);

} // namespace incept::kernels
