// SPDX-License-Identifier: Apache-2.0
//
// One step of each optimizer, element by element.

#include "dialect/reference/Evaluators.h"

#include <cmath>

using namespace mlir;

namespace incept::reference {

namespace {

/// The gradient of element `index` with L2 decay where the op asks for it.
template <typename OpTy>
double decayedGradient(OpTy op, const Values &values, int64_t index) {
  double gradient = values[op.getGradient()].values[index];
  if (op.getDecay())
    gradient += values[op.getWeightDecay()].values[0] * values[op.getParameter()].values[index];
  return gradient;
}

void sgdUpdate(SgdUpdateOp op, Values &values) {
  double rate = values[op.getLearningRate()].values[0], momentum = values[op.getMomentum()].values[0];
  const Tensor &parameter = values[op.getParameter()], &velocity = values[op.getVelocity()];
  Tensor &newParameter = values.result(op.getNewParameter()), &newVelocity = values.result(op.getNewVelocity());
  for (int64_t index = 0; index < parameter.size(); ++index) {
    double g = decayedGradient(op, values, index);
    newVelocity.values[index] = momentum * velocity.values[index] + g;
    newParameter.values[index] = parameter.values[index] - rate * newVelocity.values[index];
  }
}

void rmspropUpdate(RmspropUpdateOp op, Values &values) {
  double rate = values[op.getLearningRate()].values[0], momentum = values[op.getMomentum()].values[0];
  double rmsDecay = values[op.getRmsDecay()].values[0], epsilon = values[op.getEpsilon()].values[0];
  const Tensor &parameter = values[op.getParameter()], &velocity = values[op.getVelocity()];
  const Tensor &meanSquare = values[op.getMeanSquare()];
  Tensor &newParameter = values.result(op.getNewParameter()), &newVelocity = values.result(op.getNewVelocity());
  Tensor &newMeanSquare = values.result(op.getNewMeanSquare());
  for (int64_t index = 0; index < parameter.size(); ++index) {
    double g = decayedGradient(op, values, index);
    double square = rmsDecay * meanSquare.values[index] + (1 - rmsDecay) * g * g;
    newMeanSquare.values[index] = square;
    newVelocity.values[index] = momentum * velocity.values[index] + rate * g / std::sqrt(square + epsilon);
    newParameter.values[index] = parameter.values[index] - newVelocity.values[index];
  }
}

} // namespace

void addOptimizerEvaluators(EvaluatorTable &table) {
  addEvaluator<SgdUpdateOp, sgdUpdate>(table);
  addEvaluator<RmspropUpdateOp, rmspropUpdate>(table);
}

} // namespace incept::reference
