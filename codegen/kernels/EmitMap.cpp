// SPDX-License-Identifier: Apache-2.0
//
// The ops of elementwise kernels and of reductions, one vector at a time: the formulas of InceptNormOps.td,
// InceptElementwiseOps.td and InceptTrainingOps.td.
#include "codegen/kernels/KernelEmitter.h"
#include "codegen/kernels/UpdateFormula.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <cmath>

using namespace mlir;

namespace incept::kernels {

namespace {

class Formulas {
public:
  Formulas(KernelEmitter &emitter, Values &values, Value count) : e(emitter), values(values), count(count) {}

  Value get(Value value) { return values.lookup(value); }
  void set(Value value, Value emitted) { values[value] = emitted; }
  Value constant(double value) { return e.splatReal(value); }
  Value zero() { return constant(0.0); }
  Value sqrt(Value value) { return math::SqrtOp::create(e.builder, e.loc, value); }
  Value oneMinus(Value value) { return e.subf(constant(1.0), value); }

  void emitOp(ZerosOp op) { set(op.getDst(), zero()); }
  void emitOp(ReluOp op) { set(op.getDst(), e.maxKeepingNan(get(op.getSrc()), zero())); }
  void emitOp(CopyOp op) { set(op.getDst(), get(op.getSrc())); }
  void emitOp(CastOp op) { set(op.getDst(), get(op.getSrc())); } // memory has types, arithmetic is f32
  void emitOp(AddOp op) { set(op.getDst(), e.addf(get(op.getLhs()), get(op.getRhs()))); }
  void emitOp(ScaleOp op) { set(op.getDst(), e.mulf(get(op.getSrc()), constant(op.getFactor().convertToDouble()))); }

  /// condition ? a : b
  Value select(Value condition, Value a, Value b) { return arith::SelectOp::create(e.builder, e.loc, condition, a, b); }

  void emitOp(SelectOp op) {
    set(op.getDst(), select(e.isNotZero(get(op.getCondition())), get(op.getOnTrue()), get(op.getOnFalse())));
  }

  void emitOp(ReluBackwardOp op) {
    Value positive = arith::CmpFOp::create(e.builder, e.loc, arith::CmpFPredicate::OGT, get(op.getDst()), zero());
    set(op.getDiffSrc(), arith::SelectOp::create(e.builder, e.loc, positive, get(op.getDiffDst()), zero()));
  }

  Value compare(arith::CmpFPredicate how, Value a, double b) {
    return arith::CmpFOp::create(e.builder, e.loc, how, a, constant(b));
  }
  /// min(max(value, 0), 6), and NaN where it is.
  Value clampTo6(Value value) {
    Value low = e.maxKeepingNan(value, zero());
    return select(compare(arith::CmpFPredicate::OGT, low, 6.0), constant(6.0), low);
  }
  Value exp(Value value) { return math::ExpOp::create(e.builder, e.loc, value); }
  Value sigmoid(Value x) { return e.divf(constant(1.0), e.addf(constant(1.0), exp(e.subf(zero(), x)))); }
  /// The normal distribution's function.
  Value normal(Value x) {
    Value erf = math::ErfOp::create(e.builder, e.loc, e.mulf(x, constant(M_SQRT1_2)));
    return e.fma(erf, constant(0.5), constant(0.5));
  }
  Value hardSigmoid(Value x) { return e.mulf(clampTo6(e.addf(x, constant(3.0))), constant(1.0 / 6)); }

  void emitOp(ActivateOp op) { set(op.getDst(), activation(op, get(op.getSrc()))); }

  Value activation(ActivateOp op, Value x) {
    switch (op.getKind()) {
    case ActivationKind::Relu6:
      return clampTo6(x);
    case ActivationKind::LeakyRelu:
      return select(compare(arith::CmpFPredicate::OGT, x, 0.0), x,
                    e.mulf(x, constant(op.getSlope().convertToDouble())));
    case ActivationKind::Sigmoid:
      return sigmoid(x);
    case ActivationKind::Silu:
      return e.mulf(x, sigmoid(x));
    case ActivationKind::HardSigmoid:
      return hardSigmoid(x);
    case ActivationKind::HardSwish:
      return e.mulf(x, hardSigmoid(x));
    case ActivationKind::Gelu:
      return e.mulf(x, normal(x));
    }
    llvm_unreachable("unknown activation");
  }

  void emitOp(ActivateBackwardOp op) { set(op.getDiffSrc(), gradient(op, get(op.getDiffDst()), get(op.getSrc()))); }

  Value gradient(ActivateBackwardOp op, Value diff, Value x) {
    constexpr auto above = arith::CmpFPredicate::OGT, below = arith::CmpFPredicate::OLT;
    // `inside` between two corners, 0 at them and beyond.
    auto between = [&](double low, double high, Value inside) {
      return select(compare(above, x, low), select(compare(below, x, high), inside, zero()), zero());
    };
    switch (op.getKind()) {
    case ActivationKind::Relu6:
      return between(0.0, 6.0, diff);
    case ActivationKind::LeakyRelu:
      return select(compare(above, x, 0.0), diff, e.mulf(diff, constant(op.getSlope().convertToDouble())));
    case ActivationKind::Sigmoid: {
      Value y = sigmoid(x);
      return e.mulf(diff, e.mulf(y, oneMinus(y)));
    }
    case ActivationKind::Silu: {
      Value y = sigmoid(x);
      return e.mulf(diff, e.mulf(y, e.fma(x, oneMinus(y), constant(1.0))));
    }
    case ActivationKind::HardSigmoid:
      return between(-3.0, 3.0, e.mulf(diff, constant(1.0 / 6)));
    case ActivationKind::HardSwish: {
      Value middle = e.mulf(diff, e.fma(x, constant(1.0 / 3), constant(0.5)));
      return select(compare(below, x, -3.0), zero(), select(compare(above, x, 3.0), diff, middle));
    }
    case ActivationKind::Gelu: {
      Value density = e.mulf(exp(e.mulf(e.mulf(x, x), constant(-0.5))), constant(M_2_SQRTPI * M_SQRT1_2 / 2));
      return e.mulf(diff, e.fma(x, density, normal(x)));
    }
    }
    llvm_unreachable("unknown activation");
  }

  void emitOp(MultiplyOp op) { set(op.getDst(), e.mulf(get(op.getLhs()), get(op.getRhs()))); }

  void emitOp(ChannelAffineOp op) {
    Value src = get(op.getSrc()), scale = get(op.getScale());
    set(op.getDst(), op.getShift() ? e.fma(src, scale, get(op.getShift())) : e.mulf(src, scale));
  }

  void emitOp(AddBiasOp op) { set(op.getDst(), e.addf(get(op.getSrc()), get(op.getBias()))); }

  void emitOp(AddNOp op) {
    Value sum = get(op.getSrcs().front());
    for (Value src : op.getSrcs().drop_front())
      sum = e.addf(sum, get(src));
    set(op.getDst(), sum);
  }

  void emitOp(ScaleShiftOp op) {
    Value centered = e.subf(get(op.getSrc()), get(op.getCenter()));
    set(op.getDst(), e.fma(centered, get(op.getScale()), get(op.getShift())));
  }

  void emitOp(BatchNormFinalizeOp op) {
    Value offset = e.divf(get(op.getSum()), count);
    // Where a kernel has what the sums are of, it puts in its place what they are differences to.
    Value shift = op.getSrc() ? get(op.getSrc()) : op.getShift() ? get(op.getShift()) : Value();
    Value mean = shift ? e.addf(shift, offset) : offset;
    Value variance = e.subf(e.divf(get(op.getSumSquares()), count), e.mulf(offset, offset));
    variance = e.maxKeepingNan(variance, zero());
    Value epsilon = constant(op.getEpsilon().convertToDouble());
    Value invStd = e.divf(constant(1.0), sqrt(e.addf(variance, epsilon)));
    set(op.getMean(), mean);
    set(op.getInvStd(), invStd);
    Value scale = op.getGamma() ? e.mulf(get(op.getGamma()), invStd) : invStd;
    set(op.getScale(), scale);
    if (op.getBeta())
      setFactors(op, mean, e.addf(variance, epsilon), scale);
    // M / (M - 1), and 1 where a channel has one value only.
    Value less = e.maxKeepingNan(e.subf(count, constant(1.0)), constant(1.0));
    Value unbiased = e.divf(e.mulf(variance, count), less);
    double decay = op.getDecay().convertToDouble();
    auto follow = [&](Value running, Value batch) {
      return e.fma(constant(decay), running, e.mulf(constant(1.0 - decay), batch));
    };
    // A kernel over rows reads running statistics only where it writes the next ones.
    if (Value running = get(op.getRunningMean()))
      set(op.getNewRunningMean(), follow(running, mean));
    if (Value running = get(op.getRunningVar()))
      set(op.getNewRunningVar(), follow(running, unbiased));
  }

  /// What a library normalises with: the factor as it is in memory, since the other makes up for its rounding.
  void setFactors(BatchNormFinalizeOp op, Value mean, Value variance, Value scale) {
    Type element = cast<RankedTensorType>(op.getFactors().front().getType()).getElementType();
    Value beta = get(op.getBeta()), factor = e.rounded(scale, element);
    Value isLost = arith::CmpFOp::create(e.builder, e.loc, arith::CmpFPredicate::OGT, e.mulf(mean, mean),
                                         e.mulf(variance, constant(BatchNormFinalizeOp::kMostSquareNarrow)));
    set(op.getFactors()[0], select(isLost, zero(), factor));
    set(op.getFactors()[1], select(isLost, beta, e.fma(e.subf(zero(), mean), factor, beta)));
  }

  void emitOp(BatchNormBackwardFinalizeOp op) {
    Value invStd = get(op.getInvStd()), sum = get(op.getSum()), product = get(op.getSumProduct());
    Value a = op.getGamma() ? e.mulf(get(op.getGamma()), invStd) : invStd;
    Value minusA = e.subf(zero(), a);
    set(op.getDiffGamma(), e.mulf(product, invStd));
    set(op.getDiffBeta(), sum);
    set(op.getA(), a);
    set(op.getB(), e.divf(e.mulf(e.mulf(minusA, e.mulf(invStd, invStd)), product), count));
    set(op.getC(), e.divf(e.mulf(minusA, sum), count));
  }

  void emitOp(BatchNormBackwardApplyOp op) {
    Value src = get(op.getSrc()), centered = op.getMean() ? e.subf(src, get(op.getMean())) : src;
    Value rest = e.fma(get(op.getB()), centered, get(op.getC()));
    set(op.getDiffSrc(), e.fma(get(op.getA()), get(op.getDiffDst()), rest));
  }

  void emitOp(FoldBatchNormOp op) {
    Value deviation = sqrt(e.addf(get(op.getVariance()), constant(op.getEpsilon().convertToDouble())));
    Value scale = e.divf(op.getGamma() ? get(op.getGamma()) : constant(1.0), deviation);
    Value center = op.getBias() ? e.subf(get(op.getBias()), get(op.getMean())) : e.subf(zero(), get(op.getMean()));
    set(op.getScale(), scale);
    set(op.getShift(), e.fma(center, scale, get(op.getBeta())));
  }

  /// With L2 decay where the op asks for it.
  template <typename UpdateOp>
  Value decayedGradient(UpdateOp op, UpdateFormula &update) {
    Value gradient = update.gradient();
    return op.getDecay() ? e.fma(get(op.getWeightDecay()), get(op.getParameter()), gradient) : gradient;
  }

  void emitOp(SgdUpdateOp op) {
    UpdateFormula update(op, e, values);
    Value velocity = e.fma(get(op.getMomentum()), get(op.getVelocity()), decayedGradient(op, update));
    update.setSlot(0, velocity);
    update.setParameter(e.subf(get(op.getParameter()), e.mulf(get(op.getLearningRate()), velocity)));
  }

  void emitOp(NesterovUpdateOp op) {
    UpdateFormula update(op, e, values);
    Value gradient = decayedGradient(op, update), momentum = get(op.getMomentum());
    Value velocity = e.fma(momentum, get(op.getVelocity()), gradient), step = e.fma(momentum, velocity, gradient);
    update.setSlot(0, velocity);
    update.setParameter(e.subf(get(op.getParameter()), e.mulf(get(op.getLearningRate()), step)));
  }

  void emitOp(LarsUpdateOp op) {
    UpdateFormula update(op, e, values);
    Value size = sqrt(get(op.getParameterSquares())), slope = sqrt(get(op.getGradientSquares()));
    if (op.getUnscale())
      slope = e.mulf(slope, get(op.getUnscale()));
    Value whole = op.getDecay() ? e.fma(get(op.getWeightDecay()), size, slope) : slope;
    Value ratio = e.divf(e.mulf(get(op.getTrust()), size), whole);
    ratio = select(e.isNotZero(e.mulf(size, slope)), ratio, constant(1.0));
    Value scaled = e.mulf(e.mulf(get(op.getLearningRate()), ratio), decayedGradient(op, update));
    Value velocity = e.fma(get(op.getMomentum()), get(op.getVelocity()), scaled);
    update.setSlot(0, velocity);
    update.setParameter(e.subf(get(op.getParameter()), velocity));
  }

  /// Adam's new moments and the direction that they give.
  struct Moments {
    Value first, second, direction;
  };

  template <typename Op>
  Moments followMoments(Op op, Value gradient) {
    Value beta1 = get(op.getBeta1()), beta2 = get(op.getBeta2()), t = e.addf(get(op.getStep()), constant(1.0));
    Value first = e.fma(beta1, get(op.getFirstMoment()), e.mulf(oneMinus(beta1), gradient));
    Value square = e.mulf(oneMinus(beta2), e.mulf(gradient, gradient));
    Value second = e.fma(beta2, get(op.getSecondMoment()), square);
    Value deviation = e.addf(sqrt(e.divf(second, biasCorrection(e, beta2, t))), get(op.getEpsilon()));
    return {first, second, e.divf(e.divf(first, biasCorrection(e, beta1, t)), deviation)};
  }

  /// Sets the new moments and returns the direction.
  template <typename UpdateOp>
  Value follow(UpdateOp op, UpdateFormula &update, Value gradient) {
    Moments moments = followMoments(op, gradient);
    update.setSlot(0, moments.first);
    update.setSlot(1, moments.second);
    return moments.direction;
  }

  void emitOp(AdamUpdateOp op) {
    UpdateFormula update(op, e, values);
    Value direction = follow(op, update, decayedGradient(op, update));
    update.setParameter(e.subf(get(op.getParameter()), e.mulf(get(op.getLearningRate()), direction)));
  }

  void emitOp(AdamwUpdateOp op) {
    UpdateFormula update(op, e, values);
    Value direction = follow(op, update, update.gradient()), parameter = get(op.getParameter());
    if (op.getDecay())
      direction = e.fma(get(op.getWeightDecay()), parameter, direction);
    update.setParameter(e.subf(parameter, e.mulf(get(op.getLearningRate()), direction)));
  }

  void emitOp(LambDirectionOp op) {
    Value gradient = get(op.getGradient());
    if (op.getUnscale())
      gradient = e.mulf(gradient, get(op.getUnscale()));
    Value direction = followMoments(op, gradient).direction;
    set(op.getDirection(), e.fma(get(op.getWeightDecay()), get(op.getParameter()), direction));
  }

  void emitOp(LambUpdateOp op) {
    UpdateFormula update(op, e, values);
    Value direction = follow(op, update, update.gradient()), parameter = get(op.getParameter());
    if (op.getDecay())
      direction = e.fma(get(op.getWeightDecay()), parameter, direction);
    Value size = sqrt(get(op.getParameterSquares())), length = sqrt(get(op.getDirectionSquares()));
    Value ratio = select(e.isNotZero(e.mulf(size, length)), e.divf(size, length), constant(1.0));
    Value rate = e.mulf(get(op.getLearningRate()), ratio);
    update.setParameter(e.subf(parameter, e.mulf(rate, direction)));
  }

  void emitOp(ClipFactorOp op) {
    Value one = constant(1.0), unscale = op.getUnscale() ? get(op.getUnscale()) : one;
    Value norm = e.mulf(sqrt(get(op.getSquares())), unscale);
    Value ratio = e.divf(get(op.getLimit()), e.addf(norm, constant(1e-6)));
    Value isFree = arith::CmpFOp::create(e.builder, e.loc, arith::CmpFPredicate::OGE, ratio, one);
    Value factor = e.mulf(unscale, select(isFree, one, ratio));
    set(op.getFactor(), select(e.isNotZero(unscale), factor, zero())); // a step that is not made: the norm may be NaN
  }

  void emitOp(MeanLossOp op) {
    Value count = get(op.getCount()), one = constant(1.0);
    Value isMore = arith::CmpFOp::create(e.builder, e.loc, arith::CmpFPredicate::OGT, count, one);
    set(op.getMean(), e.divf(get(op.getSum()), select(isMore, count, one)));
  }

  void emitOp(ClipOp op) {
    Value limit = get(op.getLimit()), value = get(op.getSrc());
    if (op.getUnscale())
      limit = e.divf(limit, get(op.getUnscale()));
    Value least = e.subf(zero(), limit);
    auto is = [&](arith::CmpFPredicate than, Value bound) -> Value {
      return arith::CmpFOp::create(e.builder, e.loc, than, value, bound);
    };
    // Comparisons with a NaN are false.
    Value low = select(is(arith::CmpFPredicate::OLT, least), least, value);
    set(op.getDst(), select(is(arith::CmpFPredicate::OGT, limit), limit, low));
  }

  void emitOp(MixOp op) {
    Value share = get(op.getShare());
    set(op.getDst(), e.fma(share, get(op.getLhs()), e.mulf(oneMinus(share), get(op.getRhs()))));
  }

  void emitOp(AverageUpdateOp op) {
    Value step = get(op.getStep()), average = get(op.getAverage());
    Value warm = e.divf(e.addf(step, constant(1.0)), e.addf(step, constant(10.0)));
    Value decay = arith::MinNumFOp::create(e.builder, e.loc, get(op.getDecay()), warm);
    set(op.getNewAverage(), e.fma(oneMinus(decay), e.subf(get(op.getValue()), average), average));
  }

  void emitOp(RmspropUpdateOp op) {
    UpdateFormula update(op, e, values);
    Value gradient = decayedGradient(op, update), rate = get(op.getRmsDecay());
    Value square = e.fma(rate, get(op.getMeanSquare()), e.mulf(oneMinus(rate), e.mulf(gradient, gradient)));
    Value step = e.divf(e.mulf(get(op.getLearningRate()), gradient), sqrt(e.addf(square, get(op.getEpsilon()))));
    Value velocity = e.fma(get(op.getMomentum()), get(op.getVelocity()), step);
    update.setSlot(0, square);
    update.setSlot(1, velocity);
    update.setParameter(e.subf(get(op.getParameter()), velocity));
  }

  void emitOp(LossScaleUpdateOp op) {
    Value isBad = e.isNotZero(get(op.getBad())), scale = get(op.getScale());
    Value good = e.addf(get(op.getGoodSteps()), constant(1.0)), one = constant(1.0);
    Value grows = arith::CmpFOp::create(e.builder, e.loc, arith::CmpFPredicate::OGE, good,
                                        constant(double(int64_t(op.getGrowthInterval()))));
    Value larger = arith::MinNumFOp::create(e.builder, e.loc, e.mulf(scale, constant(2.0)), constant(16777216.0));
    Value smaller = arith::MaxNumFOp::create(e.builder, e.loc, e.mulf(scale, constant(0.5)), one);
    set(op.getUnscale(), select(isBad, zero(), e.divf(one, scale)));
    set(op.getNewScale(), select(isBad, smaller, select(grows, larger, scale)));
    set(op.getNewGoodSteps(), select(isBad, zero(), select(grows, zero(), good)));
  }

  // Reductions: what one row adds.
  void emitOp(ChannelSumOp op) { set(op.getDst(), get(op.getSrc())); }

  void emitOp(ChannelStatsOp op) {
    Value shifted = op.getShift() ? e.subf(get(op.getSrc()), get(op.getShift())) : get(op.getSrc());
    set(op.getSum(), shifted);
    set(op.getSumSquares(), e.mulf(shifted, shifted));
  }

  void emitOp(BatchNormBackwardStatsOp op) {
    Value diff = get(op.getDiffDst());
    set(op.getSum(), diff);
    set(op.getSumProduct(), e.mulf(diff, e.subf(get(op.getSrc()), get(op.getMean()))));
  }

private:
  KernelEmitter &e;
  Values &values;
  Value count;
};

constexpr auto formula = [](auto op, KernelEmitter &e, Values &values, Value count) {
  Formulas(e, values, count).emitOp(op);
};

} // namespace

void attachFormulas(MLIRContext *context) {
  FormulaRule::attachAll<formula, ZerosOp, ReluOp, CopyOp, CastOp, SelectOp, ReluBackwardOp, ActivateOp,
                         ActivateBackwardOp, MultiplyOp, ChannelAffineOp, AddBiasOp, AddOp, AddNOp, ScaleOp,
                         ScaleShiftOp, BatchNormFinalizeOp, BatchNormBackwardFinalizeOp, BatchNormBackwardApplyOp,
                         FoldBatchNormOp, SgdUpdateOp, NesterovUpdateOp, LarsUpdateOp, RmspropUpdateOp, AdamUpdateOp,
                         AdamwUpdateOp, LambDirectionOp, LambUpdateOp, ClipFactorOp, ClipOp, MixOp, AverageUpdateOp,
                         LossScaleUpdateOp, MeanLossOp, ChannelSumOp, ChannelStatsOp, BatchNormBackwardStatsOp>(
      context);
}

LogicalResult emitOp(KernelEmitter &e, Operation *op, Values &values, Value count) {
  auto formula = dyn_cast<FormulaRule>(op);
  if (!formula)
    return e.definition.emitOpError() << "'" << op->getName() << "' has no code on this target";
  if (isa<CountedOpInterface>(op) && !count)
    return e.definition.emitOpError() << "expected '" << op->getName()
                                      << "' in a kernel of family flat or combine, which has its count";
  return formula(e, values, count);
}

Value isNonfinite(KernelEmitter &e, Value value) {
  // A finite value minus itself is 0, anything else is NaN.
  bool isVector = isa<VectorType>(value.getType());
  Value zero = isVector ? e.splatReal(0.0) : e.real(0.0), one = isVector ? e.splatReal(1.0) : e.real(1.0);
  Value bad = arith::CmpFOp::create(e.builder, e.loc, arith::CmpFPredicate::UNE, e.subf(value, value), zero);
  return arith::SelectOp::create(e.builder, e.loc, bad, one, zero);
}

} // namespace incept::kernels
