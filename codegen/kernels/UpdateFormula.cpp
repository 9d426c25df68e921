// SPDX-License-Identifier: Apache-2.0

#include "codegen/kernels/UpdateFormula.h"

using namespace mlir;

namespace incept::kernels {

Value UpdateFormula::gradient() {
  Value gradient = values.lookup(op.getGradient());
  return op.getUnscale() ? e.mulf(gradient, values.lookup(op.getUnscale())) : gradient;
}

void UpdateFormula::setParameter(Value value) {
  set(op.getParameter(), op.getNewParameter(), value);
  if (op.getCopy())
    values[op.getCopy()] = values.lookup(op.getNewParameter());
}

void UpdateFormula::set(Value before, Value after, Value value) {
  if (op.getUnscale()) {
    Value isMade = e.isNotZero(values.lookup(op.getUnscale()));
    value = arith::SelectOp::create(e.builder, e.loc, isMade, value, values.lookup(before));
  }
  values[after] = value;
}

} // namespace incept::kernels
