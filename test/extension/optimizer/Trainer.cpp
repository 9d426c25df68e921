// SPDX-License-Identifier: Apache-2.0

#include "test/extension/optimizer/Trainer.h"
#include "codegen/kernels/UpdateFormula.h"
#include "dialect/VerifierUtils.h"
#include "dialect/reference/Evaluators.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/OpImplementation.h"
#include "passes/KernelRules.h"
#include "passes/LaunchCost.h"

#include <cmath>

using namespace mlir;

#include "test/extension/optimizer/TrainerDialect.cpp.inc"
#define GET_OP_CLASSES
#include "test/extension/optimizer/TrainerOps.cpp.inc"

namespace incept::trainer {

void TrainerDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "test/extension/optimizer/TrainerOps.cpp.inc"
      >();
}

const Optimizer &AdamwUpdateOp::getOptimizer() { return kAdamw; }

// The loss.

StringRef BrierOp::getLossKind() { return "brier"; }

Value BrierOp::buildLoss(OpBuilder &builder, Location loc, Value logits, Value labels, DictionaryAttr) {
  return create(builder, loc, RankedTensorType::get({}, elementOf(logits)), logits, labels).getLoss();
}

Value BrierOp::buildGradient(OpBuilder &builder, double weight) {
  return BrierBackwardOp::create(builder, getLoc(), getLogits().getType(), getLogits(), getLabels(), Value(),
                                 builder.getF64FloatAttr(weight))
      .getDiffLogits();
}

OpOperand &BrierOp::getLogitsOperand() { return getLogitsMutable(); }
OpOperand &BrierBackwardOp::getLogitsOperand() { return getLogitsMutable(); }
void BrierBackwardOp::setLossScale(Value scale) { getScaleMutable().assign(scale); }

// Launches: one thread adds the loss, a thread has a row of the gradient.

KernelExtents BrierOp::getExtents() {
  ArrayRef<int64_t> logits = shapeOf(getLogits());
  return {logits[0], logits[1], strideOf(getLogits())};
}
KernelReach BrierOp::getReach(ArrayRef<int64_t> e) { return {1, {{e[0], e[1], e[2]}, KernelRows::dense(e[0]), {}}}; }
KernelLoops BrierOp::getLoops() { return {.extents = 3, .unit = UnitSize::Thread}; }
void BrierOp::eraseExtents() {}

KernelExtents BrierBackwardOp::getExtents() {
  ArrayRef<int64_t> logits = shapeOf(getLogits());
  return {logits[0], logits[1], strideOf(getLogits()), strideOf(getDiffLogits())};
}
KernelReach BrierBackwardOp::getReach(ArrayRef<int64_t> e) {
  KernelReach reach = {e[0], {{e[0], e[1], e[2]}, KernelRows::dense(e[0])}};
  if (getScale())
    reach.operands.push_back({});
  reach.operands.push_back({e[0], e[1], e[3]});
  return reach;
}
KernelLoops BrierBackwardOp::getLoops() { return {.extents = 4, .unit = UnitSize::Thread}; }
void BrierBackwardOp::eraseExtents() {}

namespace {

int64_t adamwFlops(AdamwUpdateOp op) { return 16 * *countElements(shapeOf(op.getParameter())); }

// What the interpreter computes.

void evaluateAdamw(AdamwUpdateOp op, reference::Values &values) {
  auto number = [&](Value value) { return values[value].values[0]; };
  double rate = number(op.getLearningRate()), epsilon = number(op.getEpsilon());
  double beta1 = number(op.getBeta1()), beta2 = number(op.getBeta2()), t = number(op.getStep()) + 1;
  double decay = op.getDecay() ? number(op.getWeightDecay()) : 0;
  const reference::Tensor &parameter = values[op.getParameter()];
  for (int64_t i = 0; i < parameter.size(); ++i) {
    double g = reference::updateGradient(op, values, i);
    double &m = values.result(op.getNewFirstMoment()).values[i], &v = values.result(op.getNewSecondMoment()).values[i];
    m = beta1 * values[op.getFirstMoment()].values[i] + (1 - beta1) * g;
    v = beta2 * values[op.getSecondMoment()].values[i] + (1 - beta2) * g * g;
    double direction = m / (1 - std::pow(beta1, t)) / (std::sqrt(v / (1 - std::pow(beta2, t))) + epsilon);
    values.result(op.getNewParameter()).values[i] =
        parameter.values[i] - rate * (direction + decay * parameter.values[i]);
  }
  reference::finishUpdate(op, values);
}

/// Row `n` of the probabilities, and of their distances from the labels.
std::pair<std::vector<double>, std::vector<double>> rowOf(const reference::Tensor &logits,
                                                          const reference::Tensor &labels, int64_t n) {
  std::vector<double> p(logits.shape[1]);
  double largest = -INFINITY, sum = 0;
  for (size_t k = 0; k < p.size(); ++k)
    largest = std::max(largest, logits.at(n, k));
  for (size_t k = 0; k < p.size(); ++k)
    sum += p[k] = std::exp(logits.at(n, k) - largest);
  for (double &value : p)
    value /= sum;
  std::vector<double> distances = p;
  distances[size_t(labels.values[n])] -= 1;
  return {p, distances};
}

LogicalResult verifyLabels(Operation *op, const reference::Tensor &labels, int64_t classes) {
  for (double label : labels.values)
    if (!(label >= 0 && label < double(classes)))
      return op->emitOpError() << "expected labels from 0 to " << classes - 1 << ", but got " << int64_t(label);
  return success();
}

LogicalResult evaluateBrier(BrierOp op, reference::Values &values) {
  const reference::Tensor &logits = values[op.getLogits()], &labels = values[op.getLabels()];
  if (failed(verifyLabels(op, labels, logits.shape[1])))
    return failure();
  double &loss = values.result(op.getLoss()).values[0];
  for (int64_t n = 0; n < logits.shape[0]; ++n)
    for (double distance : rowOf(logits, labels, n).second)
      loss += distance * distance / double(logits.shape[0]);
  return success();
}

LogicalResult evaluateBrierBackward(BrierBackwardOp op, reference::Values &values) {
  const reference::Tensor &logits = values[op.getLogits()], &labels = values[op.getLabels()];
  if (failed(verifyLabels(op, labels, logits.shape[1])))
    return failure();
  double factor = 2 * op.getWeight().convertToDouble() / double(logits.shape[0]);
  if (const reference::Tensor *scale = values.optional(op.getScale()))
    factor *= scale->values[0];
  for (int64_t n = 0; n < logits.shape[0]; ++n) {
    auto [p, distances] = rowOf(logits, labels, n);
    double mean = 0;
    for (size_t k = 0; k < p.size(); ++k)
      mean += p[k] * distances[k];
    for (size_t k = 0; k < p.size(); ++k)
      values.result(op.getDiffLogits()).at(n, k) = factor * p[k] * (distances[k] - mean);
  }
  return success();
}

// What the code generators emit.

/// 1 - beta^t = 1 - exp(x) with x = t log(beta), where the two are close without what their difference loses: as Kahan
/// has it, the error of u = exp(x) is that of log(u).
Value momentCorrection(kernels::KernelEmitter &e, Value beta, Value t) {
  auto log = [&](Value value) { return math::LogOp::create(e.builder, e.loc, value).getResult(); };
  Value one = e.splatReal(1.0), x = e.mulf(t, log(beta)), u = math::ExpOp::create(e.builder, e.loc, x);
  Value difference = e.subf(one, u), exact = e.divf(e.mulf(difference, x), log(u));
  Value isSmall = arith::CmpFOp::create(e.builder, e.loc, arith::CmpFPredicate::OLT, u, e.splatReal(0.5));
  return arith::SelectOp::create(e.builder, e.loc, isSmall, difference, exact);
}

void emitAdamw(AdamwUpdateOp op, kernels::KernelEmitter &e, kernels::Values &values, Value) {
  auto get = [&](Value value) { return values.lookup(value); };
  auto sqrt = [&](Value value) { return math::SqrtOp::create(e.builder, e.loc, value).getResult(); };
  kernels::UpdateFormula update(op, e, values);
  Value one = e.splatReal(1.0), g = update.gradient(), t = e.addf(get(op.getStep()), one);
  Value beta1 = get(op.getBeta1()), beta2 = get(op.getBeta2()), parameter = get(op.getParameter());
  Value m = e.fma(beta1, get(op.getFirstMoment()), e.mulf(e.subf(one, beta1), g));
  Value v = e.fma(beta2, get(op.getSecondMoment()), e.mulf(e.subf(one, beta2), e.mulf(g, g)));
  Value deviation = e.addf(sqrt(e.divf(v, momentCorrection(e, beta2, t))), get(op.getEpsilon()));
  Value direction = e.divf(e.divf(m, momentCorrection(e, beta1, t)), deviation);
  if (op.getDecay())
    direction = e.fma(get(op.getWeightDecay()), parameter, direction);
  update.setSlot(0, m);
  update.setSlot(1, v);
  update.setParameter(e.subf(parameter, e.mulf(get(op.getLearningRate()), direction)));
}

/// The softmax of one row of logits, one class after the other.
class Softmax {
public:
  Softmax(kernels::KernelEmitter &emitter, Value row)
      : e(emitter), logits(e.operand(0)), classes(e.extent(1)), offset(e.mul(row, e.extent(2))),
        label(e.loadScalar(e.operand(1), row, e.builder.getI64Type())) {
    largest = fold(-std::numeric_limits<double>::infinity(),
                   [&](Value k, Value carried) { return e.maxKeepingNan(logit(k), carried); });
    sum = fold(0.0, [&](Value k, Value carried) { return e.addf(carried, power(k)); });
  }

  /// body(k, carried) for each class.
  Value fold(double init, llvm::function_ref<Value(Value, Value)> body) {
    return e.loop(e.index(0), classes, 1, ValueRange(e.real(init)),
                  [&](Value k, ValueRange carried) { return SmallVector<Value>{body(k, carried[0])}; })[0];
  }
  Value probability(Value k) { return e.divf(power(k), sum); }
  /// Of a class' probability from what the label says.
  Value distance(Value k, Value probability) {
    Value isIt = arith::CmpIOp::create(e.builder, e.loc, arith::CmpIPredicate::eq, k, label);
    return arith::SelectOp::create(e.builder, e.loc, isIt, e.subf(probability, e.real(1.0)), probability);
  }

private:
  Value logit(Value k) { return e.loadReal(logits, e.add(offset, k), e.f32()); }
  Value power(Value k) { return math::ExpOp::create(e.builder, e.loc, e.subf(logit(k), largest)); }

  kernels::KernelEmitter &e;
  Value logits, classes, offset, label, largest, sum;
};

void emitBrier(BrierOp, kernels::KernelEmitter &e) {
  Value batch = e.extent(0), loss = e.operand(2);
  e.smallUnits(e.index(1), [&](Value) {
    auto total = e.loop(e.index(0), batch, 1, ValueRange(e.real(0.0)), [&](Value n, ValueRange carried) {
      Softmax row(e, n);
      Value squares = row.fold(0.0, [&](Value k, Value sum) {
        Value distance = row.distance(k, row.probability(k));
        return e.fma(distance, distance, sum);
      });
      return SmallVector<Value>{e.addf(carried[0], squares)};
    });
    e.storeReal(e.divf(total[0], e.toReal(batch)), loss, e.index(0), e.elementOf(2));
  });
}

void emitBrierBackward(BrierBackwardOp op, kernels::KernelEmitter &e) {
  unsigned last = op->getNumOperands(); // after logits, labels and the scale, where there is one
  Value batch = e.extent(0), classes = e.extent(1), stride = e.extent(3), diffLogits = e.operand(last);
  Value factor = e.divf(e.real(2 * op.getWeight().convertToDouble()), e.toReal(batch));
  if (op.getScale())
    factor = e.mulf(factor, e.loadReal(e.operand(2), e.index(0), e.elementOf(2)));
  e.smallUnits(batch, [&](Value n) {
    Softmax row(e, n);
    Value mean = row.fold(0.0, [&](Value k, Value sum) {
      Value p = row.probability(k);
      return e.fma(p, row.distance(k, p), sum);
    });
    e.loop(e.index(0), classes, 1, [&](Value k) {
      Value p = row.probability(k), difference = e.subf(row.distance(k, p), mean);
      Value diff = e.mulf(factor, e.mulf(p, difference));
      e.storeReal(diff, diffLogits, e.add(e.mul(n, stride), k), e.elementOf(last));
    });
  });
}

} // namespace

void registerTrainer(DialectRegistry &registry) {
  registry.insert<TrainerDialect>();
  // A module names an optimizer and a loss by their kinds, before it has an op of theirs.
  registry.addExtension(+[](MLIRContext *context, InceptDialect *) { context->loadDialect<TrainerDialect>(); });
  registry.addExtension(+[](MLIRContext *context, TrainerDialect *) {
    FlopRule::attach<AdamwUpdateOp, adamwFlops>(context);
    reference::Evaluator::attach<AdamwUpdateOp, evaluateAdamw>(context);
    reference::Evaluator::attach<BrierOp, evaluateBrier>(context);
    reference::Evaluator::attach<BrierBackwardOp, evaluateBrierBackward>(context);
    kernels::FormulaRule::attach<AdamwUpdateOp, emitAdamw>(context);
    kernels::LoopsRule<kernels::KernelEmitter>::attach<BrierOp, emitBrier>(context);
    kernels::LoopsRule<kernels::KernelEmitter>::attach<BrierBackwardOp, emitBrierBackward>(context);
  });
}

} // namespace incept::trainer
