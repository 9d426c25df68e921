// SPDX-License-Identifier: Apache-2.0
//
// The label of a row of logits, as the kernels of the loss and of its gradient read it on all targets.
#pragma once

#include "codegen/kernels/KernelEmitter.h"

namespace incept::kernels {

struct RowLabel {
  mlir::Value index;   ///< a class, whatever the label is
  mlir::Value isTaken; ///< false where the row is ignored; null where no label is
};

/// The label of row `n` of `batch`, of the operand behind the logits.
template <typename OpTy>
RowLabel loadLabel(OpTy op, KernelEmitter &e, mlir::Value n, mlir::Value batch, mlir::Value classes) {
  mlir::Value row = op.getReversed() ? e.sub(e.sub(batch, e.index(1)), n) : n;
  mlir::Value label = e.loadScalar(e.operand(1), row, e.builder.getI64Type());
  RowLabel result;
  // The runtime checks labels; a damaged one must still not read outside the row.
  result.index = e.max(e.min(label, e.sub(classes, e.index(1))), e.index(0));
  if (auto ignored = op.getIgnoreLabel())
    result.isTaken = mlir::arith::CmpIOp::create(e.builder, e.loc, mlir::arith::CmpIPredicate::ne, label,
                                                 e.index(int64_t(*ignored)));
  return result;
}

/// What divides the gradient of `op`: the number of rows that count, at least 1.
template <typename OpTy>
mlir::Value countRows(OpTy op, KernelEmitter &e, mlir::Value batch) {
  if (!op.getCount())
    return e.toReal(batch);
  mlir::Value count = e.loadScalar(e.operand(2), e.index(0), e.f32());
  return mlir::arith::MaximumFOp::create(e.builder, e.loc, count, e.real(1.0));
}

/// `value` where the row counts, else 0, also where `value` is no number.
inline mlir::Value unlessIgnored(KernelEmitter &e, const RowLabel &label, mlir::Value value, mlir::Value zero) {
  if (!label.isTaken)
    return value;
  return mlir::arith::SelectOp::create(e.builder, e.loc, label.isTaken, value, zero);
}

} // namespace incept::kernels
