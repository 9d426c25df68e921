// SPDX-License-Identifier: Apache-2.0
//
// Verifiers of staging, loss and optimizer ops.

#include "dialect/InceptOps.h"
#include "dialect/VerifierUtils.h"

using namespace mlir;

namespace incept {

LogicalResult NormalizeImageOp::verify() {
  // normalize_image_c1
  auto src = shapeOf(getSrc());
  if (failed(verifyShape(*this, "dst", getDst(), {src[0], src[3], src[1], src[2]})))
    return failure();
  for (auto values : {getMean(), getStd()})
    if (src[3] != ShapedType::kDynamic && int64_t(values.size()) != src[3])
      return emitOpError() << "expected mean and std of " << src[3] << " values, but got " << values.size();
  if (!llvm::all_of(getStd(), [](double value) { return value > 0; }))
    return emitOpError() << "expected positive std values";
  return success();
}

// import_image_c1
LogicalResult ImportImageOp::verify() { return verifyShape(*this, "dst", getDst(), shapeOf(getSrc())); }

template <typename OpTy>
static LogicalResult verifyLoss(OpTy op) {
  // softmax_cross_entropy_c1
  double smoothing = op.getLabelSmoothing().convertToDouble();
  if (!(smoothing >= 0 && smoothing < 1))
    return op.emitOpError() << "expected label_smoothing in [0, 1), but got " << smoothing;
  if (failed(verifyShape(op, "labels", op.getLabels(), {shapeOf(op.getLogits())[0]})))
    return failure();
  // softmax_cross_entropy_c2, softmax_cross_entropy_backward_c2
  if (failed(verifyNotNarrow(op, "logits", op.getLogits())))
    return failure();
  // softmax_cross_entropy_c3, softmax_cross_entropy_backward_c3
  bool counts = bool(op.getCount()), ignores = bool(op.getIgnoreLabelAttr());
  if (counts != ignores)
    return op.emitOpError() << "expected count with ignore_label, but got only " << (counts ? "count" : "ignore_label");
  if (counts && !elementOf(op.getCount()).isF32())
    return op.emitOpError() << "expected count of type f32, but got " << elementOf(op.getCount());
  return success();
}

LogicalResult SoftmaxCrossEntropyOp::verify() {
  if (failed(verifyLoss(*this)))
    return failure();
  return verifyNotNarrow(*this, "loss", getLoss());
}

LogicalResult SoftmaxCrossEntropyBackwardOp::verify() {
  // softmax_cross_entropy_backward_c1
  if (failed(verifyLoss(*this)))
    return failure();
  return verifyShape(*this, "diff_logits", getDiffLogits(), shapeOf(getLogits()));
}

LogicalResult verifyUpdate(Operation *op) {
  auto update = cast<UpdateOpInterface>(op);
  const Optimizer &optimizer = update.getOptimizer();
  size_t operands = 2 + optimizer.slots.size() + optimizer.scalars(), results = 1 + optimizer.slots.size();
  if (op->getNumOperands() < operands || op->getNumOperands() > operands + 1 || op->getNumResults() < results ||
      op->getNumResults() > results + 1)
    return op->emitOpError() << "expected the operands and results of optimizer " << optimizer.kind;
  // sgd_update_c1, nesterov_update_c1, lars_update_c1, lamb_update_c1, rmsprop_update_c1, adam_update_c1,
  // adamw_update_c1
  SmallVector<Value> tensors(op->getOperands().take_front(2 + optimizer.slots.size()));
  llvm::append_range(tensors, op->getResults());
  for (Value value : tensors)
    if (failed(verifyShape(op, "a tensor of the update", value, shapeOf(update.getParameter()))))
      return failure();
  // sgd_update_c2, nesterov_update_c2, lars_update_c2, lamb_update_c2, rmsprop_update_c2, adam_update_c2,
  // adamw_update_c2
  SmallVector<Value> alike = {update.getParameter(), update.getNewParameter()};
  llvm::append_range(alike, update.getSlots());
  llvm::append_range(alike, update.getNewSlots());
  return verifySameElement(op, alike);
}

const Optimizer &SgdUpdateOp::getOptimizer() { return optimizers::kSgd; }
const Optimizer &NesterovUpdateOp::getOptimizer() { return optimizers::kNesterov; }
const Optimizer &LarsUpdateOp::getOptimizer() { return optimizers::kLars; }
const Optimizer &LambUpdateOp::getOptimizer() { return optimizers::kLamb; }
const Optimizer &RmspropUpdateOp::getOptimizer() { return optimizers::kRmsprop; }
const Optimizer &AdamUpdateOp::getOptimizer() { return optimizers::kAdam; }
const Optimizer &AdamwUpdateOp::getOptimizer() { return optimizers::kAdamw; }

Value LambUpdateOp::buildDirection(OpBuilder &builder, Location loc, ValueRange operands, Value unscale) {
  // Between the slots and the other numbers stands the learning rate, which a direction does not know.
  SmallVector<Value> taken(operands.take_front(4));
  llvm::append_range(taken, operands.drop_front(5));
  if (unscale)
    taken.push_back(unscale);
  return LambDirectionOp::create(builder, loc, TypeRange(operands[0].getType()), taken);
}

LogicalResult LambDirectionOp::verify() {
  // lamb_direction_c1
  for (Value value : {getGradient(), getFirstMoment(), getSecondMoment(), getDirection()})
    if (failed(verifyShape(*this, "a tensor of the direction", value, shapeOf(getParameter()))))
      return failure();
  // lamb_direction_c2
  return verifySameElement(*this, {getParameter(), getFirstMoment(), getSecondMoment(), getDirection()});
}

void LambDirectionOp::setUnscale(Value unscale) {
  if (!getUnscale()) // that of clipping counts for both
    getUnscaleMutable().assign(unscale);
}

void ClipFactorOp::setUnscale(Value unscale) { getUnscaleMutable().assign(unscale); }
void ClipOp::setUnscale(Value unscale) { getUnscaleMutable().assign(unscale); }

/// The first registered op that implements `Interface` and whose `kindOf` is `kind`.
template <typename Interface, typename KindOf>
static std::optional<RegisteredOperationName> findOp(MLIRContext *context, StringRef kind, KindOf kindOf) {
  for (RegisteredOperationName name : context->getRegisteredOperations())
    if (auto *found = name.getInterface<Interface>(); found && kindOf(*found) == kind)
      return name;
  return std::nullopt;
}

std::optional<RegisteredOperationName> UpdateOpInterface::find(MLIRContext *context, StringRef kind) {
  return findOp<UpdateOpInterface>(context, kind, [](auto &found) { return found.getOptimizer().kind; });
}

std::optional<RegisteredOperationName> LossOpInterface::find(MLIRContext *context, StringRef kind) {
  return findOp<LossOpInterface>(context, kind, [](auto &found) { return found.getLossKind(); });
}

StringRef SoftmaxCrossEntropyOp::getLossKind() { return kLosses[0]; }

Value SoftmaxCrossEntropyOp::buildLoss(OpBuilder &builder, Location loc, Value logits, Value labels,
                                       DictionaryAttr training) {
  auto smoothing = training ? training.getAs<FloatAttr>("label_smoothing") : FloatAttr();
  auto ignored = training ? training.getAs<IntegerAttr>("ignore_label") : IntegerAttr();
  Type count = ignored ? RankedTensorType::get({}, builder.getF32Type()) : Type();
  return create(builder, loc, RankedTensorType::get({}, elementOf(logits)), count, logits, labels,
                builder.getF64FloatAttr(smoothing ? smoothing.getValueAsDouble() : 0.0), /*reversed=*/UnitAttr(),
                ignored)
      .getLoss();
}

Value SoftmaxCrossEntropyOp::buildGradient(OpBuilder &builder, double weight) {
  return SoftmaxCrossEntropyBackwardOp::create(builder, getLoc(), getLogits().getType(), getLogits(), getLabels(),
                                               getCount(), /*scale=*/Value(), getLabelSmoothingAttr(),
                                               builder.getF64FloatAttr(weight), getReversedAttr(), getIgnoreLabelAttr())
      .getDiffLogits();
}

bool SoftmaxCrossEntropyOp::reverseLabels() {
  setReversed(true);
  return true;
}

OpOperand &SoftmaxCrossEntropyOp::getLogitsOperand() { return getLogitsMutable(); }
OpOperand &SoftmaxCrossEntropyBackwardOp::getLogitsOperand() { return getLogitsMutable(); }
void SoftmaxCrossEntropyBackwardOp::setLossScale(Value scale) { getScaleMutable().assign(scale); }

LogicalResult CountNonfiniteOp::verify() {
  // count_nonfinite_c1
  if (getSrcs().empty())
    return emitOpError() << "expected at least 1 operand, but got 0";
  return success();
}

LogicalResult SumSquaresOp::verify() {
  // sum_squares_c1
  if (getSrcs().empty())
    return emitOpError() << "expected at least 1 operand, but got 0";
  return success();
}

LogicalResult ClipOp::verify() {
  // clip_c1
  if (failed(verifyShape(*this, "dst", getDst(), shapeOf(getSrc()))))
    return failure();
  return verifySameElement(*this, {getSrc(), getDst()});
}

LogicalResult MixOp::verify() {
  // mix_c1
  if (failed(verifyShape(*this, "rhs", getRhs(), shapeOf(getLhs()))) ||
      failed(verifyShape(*this, "dst", getDst(), shapeOf(getLhs()))))
    return failure();
  return verifySameElement(*this, {getLhs(), getRhs(), getDst()});
}

LogicalResult AverageUpdateOp::verify() {
  // average_update_c1
  if (failed(verifyShape(*this, "value", getValue(), shapeOf(getAverage()))) ||
      failed(verifyShape(*this, "new_average", getNewAverage(), shapeOf(getAverage()))))
    return failure();
  return verifySameElement(*this, {getAverage(), getValue(), getNewAverage()});
}

LogicalResult LossScaleUpdateOp::verify() {
  // loss_scale_update_c1
  if (int64_t(getGrowthInterval()) < 1)
    return emitOpError() << "expected a positive growth_interval, but got " << int64_t(getGrowthInterval());
  return success();
}

} // namespace incept
