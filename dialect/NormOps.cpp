// SPDX-License-Identifier: Apache-2.0
//
// Verifiers of batch-normalisation ops and their pieces.

#include "dialect/InceptOps.h"
#include "dialect/VerifierUtils.h"

using namespace mlir;

namespace incept {

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
  if (failed(verifyAllVectors(*this, shapeOf(getSum())[0])) || failed(verifyConstants(*this)))
    return failure();
  return verifyCount(*this);
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

/// Normalisation of pixels, and its gradient: images of one shape.
template <typename OpTy>
static LogicalResult verifyNormalize(OpTy op, Value dst) {
  for (Value operand : op->getOperands())
    if (failed(verifyShape(op, "an operand", operand, shapeOf(dst))))
      return failure();
  if (!(op.getEpsilon().convertToDouble() > 0))
    return op.emitOpError() << "expected a positive epsilon, but got " << op.getEpsilon().convertToDouble();
  SmallVector<Value> values(op->getOperands());
  values.push_back(dst);
  return verifySameElement(op, values);
}

// normalize_pixels_c1, normalize_pixels_c2
LogicalResult NormalizePixelsOp::verify() { return verifyNormalize(*this, getDst()); }

// normalize_pixels_backward_c1, normalize_pixels_backward_c2
LogicalResult NormalizePixelsBackwardOp::verify() { return verifyNormalize(*this, getDiffSrc()); }

} // namespace incept
