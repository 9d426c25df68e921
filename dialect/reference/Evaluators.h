// SPDX-License-Identifier: Apache-2.0
//
// How the families of ops plug into the interpreter: each registers one evaluator per op. An evaluator may rely on the
// op's verifier; the results' tensors exist already and are zero.
#pragma once

#include "dialect/InceptOps.h"
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

/// Computes the results of `op`. Fails with a diagnostic where the values of operands are out of range.
using Evaluator = mlir::LogicalResult (*)(mlir::Operation *op, Values &values);
using EvaluatorTable = llvm::DenseMap<mlir::TypeID, Evaluator>;

/// Adds `function`, which takes the op by its class, to `table`. It returns void or a LogicalResult.
template <typename OpTy, auto function>
void addEvaluator(EvaluatorTable &table) {
  table[mlir::TypeID::get<OpTy>()] = [](mlir::Operation *op, Values &values) -> mlir::LogicalResult {
    if constexpr (std::is_void_v<decltype(function(llvm::cast<OpTy>(op), values))>) {
      function(llvm::cast<OpTy>(op), values);
      return mlir::success();
    } else {
      return function(llvm::cast<OpTy>(op), values);
    }
  };
}

void addConvEvaluators(EvaluatorTable &table);
void addElementwiseEvaluators(EvaluatorTable &table);
void addLossEvaluators(EvaluatorTable &table);
void addNormEvaluators(EvaluatorTable &table);
void addOptimizerEvaluators(EvaluatorTable &table);
void addPoolEvaluators(EvaluatorTable &table);

} // namespace incept::reference
