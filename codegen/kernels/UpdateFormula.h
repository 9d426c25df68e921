// SPDX-License-Identifier: Apache-2.0
//
// What the formulas of all optimizers have in common.
#pragma once

#include "codegen/kernels/KernelEmitter.h"

namespace incept::kernels {

/// One vector of an update: an optimizer's formula gives it the new slots and the new parameter.
class UpdateFormula {
public:
  UpdateFormula(UpdateOpInterface op, KernelEmitter &emitter, Values &values) : op(op), e(emitter), values(values) {}

  /// The gradient, unscaled where gradients are scaled.
  mlir::Value gradient();
  /// Sets slot `index`; it keeps its value where the step is not made.
  void setSlot(unsigned index, mlir::Value value) { set(op.getSlots()[index], op.getNewSlots()[index], value); }
  /// The same of the parameter, and of its copy in low precision where one is kept.
  void setParameter(mlir::Value value);

private:
  void set(mlir::Value before, mlir::Value after, mlir::Value value);

  UpdateOpInterface op;
  KernelEmitter &e;
  Values &values;
};

/// 1 - beta^t, also where the two are close: what the moments of Adam are divided by. Both f32, scalars or vectors.
mlir::Value biasCorrection(KernelEmitter &e, mlir::Value beta, mlir::Value t);

} // namespace incept::kernels
