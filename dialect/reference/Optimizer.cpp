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

void nesterovUpdate(NesterovUpdateOp op, Values &values) {
  double rate = values[op.getLearningRate()].values[0], momentum = values[op.getMomentum()].values[0];
  const Tensor &parameter = values[op.getParameter()], &velocity = values[op.getVelocity()];
  Tensor &newParameter = values.result(op.getNewParameter()), &newVelocity = values.result(op.getNewVelocity());
  for (int64_t index = 0; index < parameter.size(); ++index) {
    double g = decayedGradient(op, values, index), v = momentum * velocity.values[index] + g;
    newVelocity.values[index] = v;
    newParameter.values[index] = parameter.values[index] - rate * (g + momentum * v);
  }
  finishUpdate(op, values);
}

void larsUpdate(LarsUpdateOp op, Values &values) {
  auto number = [&](Value value) { return values[value].values[0]; };
  double rate = number(op.getLearningRate()), momentum = number(op.getMomentum());
  double decay = op.getDecay() ? number(op.getWeightDecay()) : 0,
         unscale = op.getUnscale() ? number(op.getUnscale()) : 1;
  double size = std::sqrt(number(op.getParameterSquares()));
  double slope = std::sqrt(number(op.getGradientSquares())) * unscale;
  double ratio = size > 0 && slope > 0 ? number(op.getTrust()) * size / (slope + decay * size) : 1;
  const Tensor &parameter = values[op.getParameter()], &velocity = values[op.getVelocity()];
  Tensor &newParameter = values.result(op.getNewParameter()), &newVelocity = values.result(op.getNewVelocity());
  for (int64_t index = 0; index < parameter.size(); ++index) {
    double v = momentum * velocity.values[index] + rate * ratio * decayedGradient(op, values, index);
    newVelocity.values[index] = v;
    newParameter.values[index] = parameter.values[index] - v;
  }
  finishUpdate(op, values);
}

/// Adam's new moments of one element, and the direction that they give.
struct Moments {
  double first, second, direction;
};

template <typename OpTy>
Moments followMoments(OpTy op, const Values &values, int64_t index, double gradient) {
  auto number = [&](Value value) { return values[value].values[0]; };
  double beta1 = number(op.getBeta1()), beta2 = number(op.getBeta2()), t = number(op.getStep()) + 1;
  double first = beta1 * values[op.getFirstMoment()].values[index] + (1 - beta1) * gradient;
  double second = beta2 * values[op.getSecondMoment()].values[index] + (1 - beta2) * gradient * gradient;
  double deviation = std::sqrt(second / (1 - std::pow(beta2, t))) + number(op.getEpsilon());
  return {first, second, first / (1 - std::pow(beta1, t)) / deviation};
}

/// Adam in both forms: decay is part of the gradient, or weights shrink by themselves.
template <bool isDecoupled, typename OpTy>
void adamUpdate(OpTy op, Values &values) {
  auto number = [&](Value value) { return values[value].values[0]; };
  double rate = number(op.getLearningRate()), decay = isDecoupled && op.getDecay() ? number(op.getWeightDecay()) : 0;
  const Tensor &parameter = values[op.getParameter()];
  for (int64_t index = 0; index < parameter.size(); ++index) {
    double g = isDecoupled ? updateGradient(op, values, index) : decayedGradient(op, values, index);
    Moments moments = followMoments(op, values, index, g);
    values.result(op.getNewFirstMoment()).values[index] = moments.first;
    values.result(op.getNewSecondMoment()).values[index] = moments.second;
    double old = parameter.values[index];
    values.result(op.getNewParameter()).values[index] = old - rate * (moments.direction + decay * old);
  }
  finishUpdate(op, values);
}

void lambDirection(LambDirectionOp op, Values &values) {
  double decay = values[op.getWeightDecay()].values[0];
  const Tensor *unscale = values.optional(op.getUnscale());
  const Tensor &parameter = values[op.getParameter()];
  for (int64_t index = 0; index < parameter.size(); ++index) {
    double g = values[op.getGradient()].values[index] * (unscale ? unscale->values[0] : 1);
    values.result(op.getDirection()).values[index] =
        followMoments(op, values, index, g).direction + decay * parameter.values[index];
  }
}

void lambUpdate(LambUpdateOp op, Values &values) {
  auto number = [&](Value value) { return values[value].values[0]; };
  double rate = number(op.getLearningRate()), decay = op.getDecay() ? number(op.getWeightDecay()) : 0;
  double size = std::sqrt(number(op.getParameterSquares())), length = std::sqrt(number(op.getDirectionSquares()));
  double ratio = size > 0 && length > 0 ? size / length : 1;
  const Tensor &parameter = values[op.getParameter()];
  for (int64_t index = 0; index < parameter.size(); ++index) {
    Moments moments = followMoments(op, values, index, updateGradient(op, values, index));
    values.result(op.getNewFirstMoment()).values[index] = moments.first;
    values.result(op.getNewSecondMoment()).values[index] = moments.second;
    double old = parameter.values[index];
    values.result(op.getNewParameter()).values[index] = old - rate * ratio * (moments.direction + decay * old);
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

void sumSquares(SumSquaresOp op, Values &values) {
  double &sum = values.result(op.getSum()).values[0];
  for (Value src : op.getSrcs())
    for (double value : values[src].values)
      sum += value * value;
}

void clipFactor(ClipFactorOp op, Values &values) {
  const Tensor *given = values.optional(op.getUnscale());
  double unscale = given ? given->values[0] : 1, norm = std::sqrt(values[op.getSquares()].values[0]) * unscale;
  double ratio = values[op.getLimit()].values[0] / (norm + 1e-6);
  values.result(op.getFactor()).values[0] = unscale == 0 ? 0 : unscale * (ratio >= 1 ? 1 : ratio);
}

void clip(ClipOp op, Values &values) {
  const Tensor *unscale = values.optional(op.getUnscale());
  double limit = values[op.getLimit()].values[0] / (unscale ? unscale->values[0] : 1);
  for (auto [value, clipped] : llvm::zip_equal(values[op.getSrc()].values, values.result(op.getDst()).values))
    clipped = value > limit ? limit : value < -limit ? -limit : value;
}

void mix(MixOp op, Values &values) {
  double share = values[op.getShare()].values[0];
  const Tensor &lhs = values[op.getLhs()], &rhs = values[op.getRhs()];
  Tensor &dst = values.result(op.getDst());
  for (int64_t i = 0; i < lhs.size(); ++i)
    dst.values[i] = share * lhs.values[i] + (1 - share) * rhs.values[i];
}

void averageUpdate(AverageUpdateOp op, Values &values) {
  double step = values[op.getStep()].values[0];
  double decay = std::min(values[op.getDecay()].values[0], (1 + step) / (10 + step));
  const Tensor &average = values[op.getAverage()], &value = values[op.getValue()];
  Tensor &result = values.result(op.getNewAverage());
  for (int64_t i = 0; i < average.size(); ++i)
    result.values[i] = average.values[i] + (1 - decay) * (value.values[i] - average.values[i]);
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
  Evaluator::attach<NesterovUpdateOp, nesterovUpdate>(context);
  Evaluator::attach<LarsUpdateOp, larsUpdate>(context);
  Evaluator::attach<RmspropUpdateOp, rmspropUpdate>(context);
  Evaluator::attach<AdamUpdateOp, adamUpdate<false, AdamUpdateOp>>(context);
  Evaluator::attach<AdamwUpdateOp, adamUpdate<true, AdamwUpdateOp>>(context);
  Evaluator::attach<LambDirectionOp, lambDirection>(context);
  Evaluator::attach<LambUpdateOp, lambUpdate>(context);
  Evaluator::attach<SumSquaresOp, sumSquares>(context);
  Evaluator::attach<ClipFactorOp, clipFactor>(context);
  Evaluator::attach<ClipOp, clip>(context);
  Evaluator::attach<MixOp, mix>(context);
  Evaluator::attach<AverageUpdateOp, averageUpdate>(context);
  Evaluator::attach<CountNonfiniteOp, countNonfinite>(context);
  Evaluator::attach<LossScaleUpdateOp, lossScaleUpdate>(context);
}

} // namespace incept::reference
