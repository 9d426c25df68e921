// SPDX-License-Identifier: Apache-2.0
//
// How ops plug into the interpreter: each has an evaluator, which may rely on the op's verifier; the results' tensors
// exist already and are zero.
#pragma once

#include "dialect/InceptOps.h"
#include "dialect/OpRule.h"
#include "dialect/reference/Tensor.h"
#include "llvm/ADT/DenseMap.h"

#include <memory>

namespace incept::reference {

/// The tensors of the values computed so far.
class Values {
public:
  /// The tensor of a value that has been computed.
  const Tensor &operator[](mlir::Value value) const { return *tensors.find(value)->second; }
  /// The tensor of an optional operand, null where it is absent.
  const Tensor *optional(mlir::Value value) const { return value ? &(*this)[value] : nullptr; }
  /// The tensor of a result of the op that is evaluated.
  Tensor &result(mlir::Value value) { return *tensors.find(value)->second; }

  /// Adds a tensor of zeros for `value`; fails where its type has none (see makeTensor).
  mlir::LogicalResult create(mlir::Value value);
  void set(mlir::Value value, std::shared_ptr<Tensor> tensor) { tensors[value] = std::move(tensor); }
  /// The tensor of `value`, to be shared with another value (region arguments and results), null where it has none.
  std::shared_ptr<Tensor> share(mlir::Value value) const { return tensors.lookup(value); }

private:
  llvm::DenseMap<mlir::Value, std::shared_ptr<Tensor>> tensors;
};

/// Computes the results of an op from the values of its operands. Fails with a diagnostic where these are out of range.
class Evaluator : public OpRule<Evaluator, mlir::LogicalResult(Values &)> {
public:
  using OpRule::OpRule;
};

/// The gradient of element `index` as an update uses it: unscaled where gradients are scaled.
double updateGradient(UpdateOpInterface op, const Values &values, int64_t index);
/// What the evaluator of an update ends with: where the step is not made nothing has changed, and the copy in low
/// precision is the new parameter once more.
void finishUpdate(UpdateOpInterface op, Values &values);

// The evaluators of the dialect's own ops, each group in the file of its topic. The interpreter attaches them.
void attachConvEvaluators(mlir::MLIRContext *context);
void attachElementwiseEvaluators(mlir::MLIRContext *context);
void attachLossEvaluators(mlir::MLIRContext *context);
void attachNormEvaluators(mlir::MLIRContext *context);
void attachOptimizerEvaluators(mlir::MLIRContext *context);
void attachPoolEvaluators(mlir::MLIRContext *context);

} // namespace incept::reference
