// SPDX-License-Identifier: Apache-2.0

#include "codegen/kernels/UpdateFormula.h"
#include "mlir/Dialect/Math/IR/Math.h"

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

Value biasCorrection(KernelEmitter &e, Value beta, Value t) {
  // 1 - exp(x) with x = t log(beta). Where exp(x) is almost 1 the difference has lost digits: as Kahan has it, the
  // error of u = exp(x) is that of log(u), so that (1 - u) x / log(u) has none of it.
  auto log = [&](Value value) -> Value { return math::LogOp::create(e.builder, e.loc, value); };
  Value x = e.mulf(t, log(beta)), u = math::ExpOp::create(e.builder, e.loc, x);
  Value difference = e.subf(e.splatReal(1.0), u), exact = e.divf(e.mulf(difference, x), log(u));
  Value isSmall = arith::CmpFOp::create(e.builder, e.loc, arith::CmpFPredicate::OLT, u, e.splatReal(0.5));
  return arith::SelectOp::create(e.builder, e.loc, isSmall, difference, exact);
}

} // namespace incept::kernels
