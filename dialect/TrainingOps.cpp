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
  return verifyNotNarrow(op, "logits", op.getLogits());
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

/// All tensors of an update but the scalars have the parameter's shape (C1).
static LogicalResult verifyUpdate(Operation *op, Value parameter) {
  SmallVector<Value> values(op->getOperands());
  llvm::append_range(values, op->getResults());
  for (Value value : values)
    if (!shapeOf(value).empty() && failed(verifyShape(op, "a tensor of the update", value, shapeOf(parameter))))
      return failure();
  return success();
}

LogicalResult SgdUpdateOp::verify() {
  // sgd_update_c1
  if (failed(verifyUpdate(*this, getParameter())))
    return failure();
  // sgd_update_c2
  return verifySameElement(*this, {getParameter(), getVelocity(), getNewParameter(), getNewVelocity()});
}

LogicalResult RmspropUpdateOp::verify() {
  // rmsprop_update_c1
  if (failed(verifyUpdate(*this, getParameter())))
    return failure();
  // rmsprop_update_c2
  return verifySameElement(
      *this, {getParameter(), getMeanSquare(), getVelocity(), getNewParameter(), getNewMeanSquare(), getNewVelocity()});
}

LogicalResult CountNonfiniteOp::verify() {
  // count_nonfinite_c1
  if (getSrcs().empty())
    return emitOpError() << "expected at least 1 operand, but got 0";
  return success();
}

LogicalResult LossScaleUpdateOp::verify() {
  // loss_scale_update_c1
  if (int64_t(getGrowthInterval()) < 1)
    return emitOpError() << "expected a positive growth_interval, but got " << int64_t(getGrowthInterval());
  return success();
}

} // namespace incept
