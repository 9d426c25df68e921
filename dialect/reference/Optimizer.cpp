// SPDX-License-Identifier: Apache-2.0
//
// One step of each optimizer, element by element, and of loss scaling.

#include "dialect/reference/Evaluators.h"

#include <algorithm>
#include <cmath>

using namespace mlir;

namespace incept::reference {

double updateGradient(UpdateOpInterface op, const Values &values, int64_t index) {
  const Tensor *unscale = values.optional(op.getUnscale());
  return values[op.getGradient()].values[index] * (unscale ? unscale->values[0] : 1);
}

void finishUpdate(UpdateOpInterface op, Values &values) {
  if (const Tensor *unscale = values.optional(op.getUnscale()); unscale && unscale->values[0] == 0) {
    values.result(op.getNewParameter()).values = values[op.getParameter()].values;
    for (auto [slot, newSlot] : llvm::zip_equal(op.getSlots(), op.getNewSlots()))
      values.result(newSlot).values = values[slot].values;
  }
  if (op.getCopy())
    values.result(op.getCopy()).values = values[op.getNewParameter()].values;
}

namespace {

/// With L2 decay where the op asks for it.
template <typename OpTy>
double decayedGradient(OpTy op, const Values &values, int64_t index) {
  double gradient = updateGradient(op, values, index);
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
  finishUpdate(op, values);
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
  finishUpdate(op, values);
}

void countNonfinite(CountNonfiniteOp op, Values &values) {
  double &count = values.result(op.getCount()).values[0];
  for (Value src : op.getSrcs())
    count += double(llvm::count_if(values[src].values, [](double value) { return !std::isfinite(value); }));
}

void lossScaleUpdate(LossScaleUpdateOp op, Values &values) {
  double bad = values[op.getBad()].values[0], scale = values[op.getScale()].values[0];
  double good = values[op.getGoodSteps()].values[0] + 1;
  bool grows = good >= double(int64_t(op.getGrowthInterval()));
  values.result(op.getUnscale()).values[0] = bad > 0 ? 0 : 1 / scale;
  values.result(op.getNewScale()).values[0] = bad > 0 ? std::max(scale / 2, 1.0)
                                              : grows ? std::min(scale * 2, 16777216.0)
                                                      : scale; // 2^24
  values.result(op.getNewGoodSteps()).values[0] = bad > 0 || grows ? 0 : good;
}

} // namespace

void attachOptimizerEvaluators(MLIRContext *context) {
  Evaluator::attach<SgdUpdateOp, sgdUpdate>(context);
  Evaluator::attach<RmspropUpdateOp, rmspropUpdate>(context);
  Evaluator::attach<CountNonfiniteOp, countNonfinite>(context);
  Evaluator::attach<LossScaleUpdateOp, lossScaleUpdate>(context);
}

} // namespace incept::reference
