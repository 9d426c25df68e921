// SPDX-License-Identifier: Apache-2.0
//
// Verifiers of batch normalisation, its pieces, and other normalisations.

#include "dialect/InceptOps.h"
#include "dialect/RunningStatistics.h"
#include "dialect/ShapeInference.h"
#include "dialect/VerifierUtils.h"

#include <cmath>

using namespace mlir;

namespace incept {

bool isRunningStatistic(Value argument) {
  return llvm::all_of(argument.getUses(), [](OpOperand &use) {
    auto finalize = dyn_cast<BatchNormFinalizeOp>(use.getOwner());
    return finalize && (use.get() == finalize.getRunningMean() || use.get() == finalize.getRunningVar()) &&
           use.get() != finalize.getSum() && use.get() != finalize.getSumSquares() &&
           use.get() != finalize.getGamma() && use.get() != finalize.getBeta();
  });
}

/// Checks the constants of a batch norm (constraint C2 of the ops that have them).
template <typename OpTy>
static LogicalResult verifyConstants(OpTy op) {
  double epsilon = op.getEpsilon().convertToDouble(), decay = op.getDecay().convertToDouble();
  if (!(epsilon > 0))
    return op.emitOpError() << "expected a positive epsilon, but got " << epsilon;
  if (!(decay >= 0 && decay <= 1))
    return op.emitOpError() << "expected a decay in [0, 1], but got " << decay;
  return success();
}

template <typename OpTy>
static LogicalResult verifyCount(OpTy op) {
  bool isExtent = op.getCount() == 0 && isa_and_nonnull<exec::KernelDefOp>(op->getParentOp());
  if (int64_t(op.getCount()) <= 0 && !isExtent)
    return op.emitOpError() << "expected a positive count, but got " << int64_t(op.getCount());
  return success();
}

/// All operands and results of `op` that are channel vectors have `channels` values.
static LogicalResult verifyAllVectors(Operation *op, int64_t channels) {
  SmallVector<Value> vectors;
  auto isVector = [](Value value) { return cast<RankedTensorType>(value.getType()).getRank() == 1; };
  llvm::copy_if(op->getOperands(), std::back_inserter(vectors), isVector);
  llvm::copy_if(op->getResults(), std::back_inserter(vectors), isVector);
  return verifyChannelVectors(op, channels, vectors);
}

LogicalResult BatchNormOp::verify() {
  // batch_norm_c1, batch_norm_c2
  if (failed(verifyShape(*this, "dst", getDst(), shapeOf(getSrc()))) ||
      failed(verifyAllVectors(*this, shapeOf(getSrc())[1])))
    return failure();
  return verifyConstants(*this);
}

LogicalResult BatchNormTrainingOp::verify() {
  // batch_norm_training_c1, batch_norm_training_c2
  if (failed(verifyShape(*this, "dst", getDst(), shapeOf(getSrc()))) ||
      failed(verifyAllVectors(*this, shapeOf(getSrc())[1])))
    return failure();
  return verifyConstants(*this);
}

LogicalResult BatchNormBackwardOp::verify() {
  // batch_norm_backward_c1
  if (failed(verifyShape(*this, "diff_dst", getDiffDst(), shapeOf(getSrc()))) ||
      failed(verifyShape(*this, "diff_src", getDiffSrc(), shapeOf(getSrc()))))
    return failure();
  return verifyAllVectors(*this, shapeOf(getSrc())[1]);
}

LogicalResult ChannelSampleOp::verify() {
  // channel_sample_c1
  if (failed(verifyAllVectors(*this, shapeOf(getSrc())[1])))
    return failure();
  // channel_sample_c2
  return verifySameElement(*this, {getSrc(), getDst()});
}

/// The sums of a reduction are f32 whatever it adds.
static LogicalResult verifySums(Operation *op) {
  for (Value sum : op->getResults())
    if (failed(verifyNotNarrow(op, "sums", sum)))
      return failure();
  return success();
}

LogicalResult ChannelStatsOp::verify() {
  // channel_stats_c1
  if (failed(verifyAllVectors(*this, shapeOf(getSrc())[1])))
    return failure();
  return verifySums(*this);
}

LogicalResult BatchNormFinalizeOp::verify() {
  // batch_norm_finalize_c1, batch_norm_finalize_c2
  if (failed(verifyAllVectors(*this, shapeOf(getSum())[0])) || failed(verifyConstants(*this)) ||
      failed(verifyCount(*this)))
    return failure();
  // batch_norm_finalize_c4
  if (getFactors().size() != (getBeta() ? 2 : 0) ||
      (getBeta() && getFactors().front().getType() != getFactors().back().getType()))
    return emitOpError() << "expected two factors of one type with beta and none without, but got "
                         << getFactors().size();
  // batch_norm_finalize_c3
  if (!getSrc())
    return success();
  if (getShift())
    return emitOpError() << "expected no shift beside what the sums are of: they are of it as it is";
  ArrayRef<int64_t> src = shapeOf(getSrc());
  bool isKnown = getCount() != 0; // in a kernel definition it is an extent
  if (src[1] != shapeOf(getSum())[0] || (isKnown && int64_t(getCount()) != rowsOf(src)))
    return emitOpError() << "expected sums of " << shapeOf(getSum())[0] << " channels with " << int64_t(getCount())
                         << " values each, but they are of " << formatShape(src);
  return success();
}

LogicalResult ScaleShiftOp::verify() {
  // scale_shift_c1
  auto src = shapeOf(getSrc());
  if (src.size() < 2)
    return emitOpError() << "expected src with a batch and a channel dimension, but got " << formatShape(src);
  if (failed(verifyShape(*this, "dst", getDst(), src)))
    return failure();
  return verifyAllVectors(*this, src[1]);
}

LogicalResult BatchNormBackwardStatsOp::verify() {
  // batch_norm_backward_stats_c1
  if (failed(verifyShape(*this, "diff_dst", getDiffDst(), shapeOf(getSrc()))) ||
      failed(verifyAllVectors(*this, shapeOf(getSrc())[1])))
    return failure();
  return verifySums(*this);
}

LogicalResult BatchNormBackwardFinalizeOp::verify() {
  // batch_norm_backward_finalize_c1, batch_norm_backward_finalize_c2
  if (failed(verifyAllVectors(*this, shapeOf(getSum())[0])))
    return failure();
  return verifyCount(*this);
}

LogicalResult BatchNormBackwardApplyOp::verify() {
  // batch_norm_backward_apply_c1
  if (failed(verifyShape(*this, "diff_dst", getDiffDst(), shapeOf(getSrc()))) ||
      failed(verifyShape(*this, "diff_src", getDiffSrc(), shapeOf(getSrc()))))
    return failure();
  return verifyAllVectors(*this, shapeOf(getSrc())[1]);
}

LogicalResult FoldBatchNormOp::verify() {
  // fold_batch_norm_c1
  if (!(getEpsilon().convertToDouble() > 0))
    return emitOpError() << "expected a positive epsilon";
  return verifyAllVectors(*this, shapeOf(getBeta())[0]);
}

/// Ops whose operands and result have one shape and one element type.
static LogicalResult verifyAlike(Operation *op) {
  Value result = op->getResult(0);
  for (Value operand : op->getOperands())
    if (failed(verifyShape(op, "an operand", operand, shapeOf(result))))
      return failure();
  SmallVector<Value> values(op->getOperands());
  values.push_back(result);
  return verifySameElement(op, values);
}

/// Normalisation of pixels or groups, and its gradient.
template <typename OpTy>
static LogicalResult verifyNormalize(OpTy op) {
  if (failed(verifyAlike(op)))
    return failure();
  if (!(op.getEpsilon().convertToDouble() > 0))
    return op.emitOpError() << "expected a positive epsilon, but got " << op.getEpsilon().convertToDouble();
  if constexpr (requires { op.getGroups(); }) {
    int64_t channels = shapeOf(op->getResult(0))[1], groups = op.getGroups();
    if (groups < 1 || (channels != ShapedType::kDynamic && channels % groups != 0))
      return op.emitOpError() << "expected groups that divide the " << channels << " channels, but got " << groups;
  }
  return success();
}

// normalize_pixels_c1, normalize_pixels_c2
LogicalResult NormalizePixelsOp::verify() { return verifyNormalize(*this); }

// normalize_pixels_backward_c1, normalize_pixels_backward_c2
LogicalResult NormalizePixelsBackwardOp::verify() { return verifyNormalize(*this); }

// normalize_groups_c1, normalize_groups_c2
LogicalResult NormalizeGroupsOp::verify() { return verifyNormalize(*this); }

// normalize_groups_backward_c1, normalize_groups_backward_c2
LogicalResult NormalizeGroupsBackwardOp::verify() { return verifyNormalize(*this); }

static LogicalResult verifySoftmax(Operation *op) {
  ArrayRef<int64_t> shape = shapeOf(op->getResult(0));
  if (shape.size() != 2 && shape.size() != 4)
    return op->emitOpError() << "expected (N,C,H,W) or (N,C), but got " << formatShape(shape);
  return verifyAlike(op);
}

// softmax_c1
LogicalResult SoftmaxOp::verify() { return verifySoftmax(*this); }

// softmax_backward_c1
LogicalResult SoftmaxBackwardOp::verify() { return verifySoftmax(*this); }

template <typename OpTy>
static LogicalResult verifyResponseNorm(OpTy op) {
  if (failed(verifyAlike(op)))
    return failure();
  if (int64_t size = op.getSize(); size < 1 || size > 255)
    return op.emitOpError() << "expected a size of 1 to 255, but got " << size;
  if (double k = op.getK().convertToDouble(); !(k > 0 && std::isfinite(k)))
    return op.emitOpError() << "expected a positive k, but got " << k;
  for (double factor : {op.getAlpha().convertToDouble(), op.getBeta().convertToDouble()})
    if (!(factor >= 0 && std::isfinite(factor)))
      return op.emitOpError() << "expected alpha and beta that are not negative, but got " << factor;
  return success();
}

// local_response_norm_c1, local_response_norm_c2
LogicalResult LocalResponseNormOp::verify() { return verifyResponseNorm(*this); }

// local_response_norm_backward_c1, local_response_norm_backward_c2
LogicalResult LocalResponseNormBackwardOp::verify() { return verifyResponseNorm(*this); }

} // namespace incept
