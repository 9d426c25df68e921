// SPDX-License-Identifier: Apache-2.0
//
// Verifiers of convolution and linear ops.

#include "dialect/InceptOps.h"
#include "dialect/ShapeInference.h"
#include "dialect/VerifierUtils.h"

using namespace mlir;

namespace incept {

/// Checks that a convolution of `src` with `weights` under the attributes of `op` gives `dst`.
template <typename OpTy>
static LogicalResult verifyConvolution(OpTy op, Value src, Value weights, Value dst) {
  auto emitError = [&] { return op.emitOpError(); };
  auto weightShape = shapeOf(weights);
  auto window = makeWindow(emitError, weightShape.drop_front(2), op.getStride(), op.getPadBegin(), op.getPadEnd(),
                           op.getDilation());
  if (failed(window))
    return failure();
  auto inferred = inferConv2D(emitError, shapeOf(src), weightShape, *window, op.getGroups());
  if (failed(inferred))
    return failure();
  if (!sameShape(*inferred, shapeOf(dst))) {
    auto diagnostic = op.emitOpError() << "expected a convolution of " << formatShape(shapeOf(src)) << " to give "
                                       << formatShape(*inferred) << ", but got " << formatShape(shapeOf(dst));
    return diagnostic;
  }
  return success();
}

LogicalResult Conv2DOp::verify() {
  // conv2d_c1, conv2d_c2, conv2d_c4
  if (failed(verifyConvolution(*this, getSrc(), getWeights(), getDst())))
    return failure();
  // conv2d_c6
  if (getResidual() ? shapeOf(getResidual()) != shapeOf(getDst()) ||
                          getElementTypeOrSelf(getResidual()) != getElementTypeOrSelf(getDst())
                    : !getScale().isExactlyValue(1.0))
    return emitOpError() << "expected a residual like dst, " << getDst().getType() << ", and a scale only with one";
  // conv2d_c3
  if (getBias() && failed(verifyChannelVectors(*this, shapeOf(getWeights())[0], {getBias()})))
    return failure();
  // conv2d_c5
  if (getBias() && failed(verifyElementOrF32(*this, "bias", getBias(), elementOf(getSrc()))))
    return failure();
  return verifySameElement(*this, {getSrc(), getWeights(), getDst()});
}

/// Checks the vectors with which an op normalises its `src`.
template <typename OpTy>
static LogicalResult verifyNormalized(OpTy op) {
  if (bool(op.getFactor()) != bool(op.getOffset()))
    return op.emitOpError() << "expected factor and offset together";
  if (!op.getFactor())
    return success();
  if (failed(verifyChannelVectors(op, shapeOf(op.getSrc())[1], {op.getFactor(), op.getOffset()})))
    return failure();
  return verifySameElement(op, {op.getSrc(), op.getFactor(), op.getOffset()});
}

LogicalResult Conv2DStatsOp::verify() {
  // conv2d_stats_c1
  if (failed(verifyConvolution(*this, getSrc(), getWeights(), getDst())))
    return failure();
  // conv2d_stats_c2
  if (failed(verifySameElement(*this, {getSrc(), getWeights(), getDst()})))
    return failure();
  // conv2d_stats_c4
  if (failed(verifyNormalized(*this)))
    return failure();
  // conv2d_stats_c3
  if (failed(verifyChannelVectors(*this, shapeOf(getDst())[1], {getSum(), getSumSquares()})))
    return failure();
  return success(succeeded(verifyNotNarrow(*this, "sums", getSum())) &&
                 succeeded(verifyNotNarrow(*this, "sums", getSumSquares())));
}

LogicalResult Conv2DBackwardDataOp::verify() {
  // conv2d_backward_data_c1
  if (failed(verifyConvolution(*this, getDiffSrc(), getWeights(), getDiffDst())))
    return failure();
  // conv2d_backward_data_c2
  return verifySameElement(*this, {getDiffDst(), getWeights(), getDiffSrc()});
}

LogicalResult Conv2DBackwardNormOp::verify() {
  // conv2d_backward_norm_c1
  if (failed(verifyConvolution(*this, getDiffSrc(), getWeights(), getDiffDst())))
    return failure();
  // conv2d_backward_norm_c2
  if (failed(verifySameElement(*this, {getDiffDst(), getWeights(), getSrc(), getDiffSrc()})) ||
      failed(verifyShape(*this, "src", getSrc(), shapeOf(getDiffSrc()))))
    return failure();
  // conv2d_backward_norm_c3
  SmallVector<Value> vectors = {getMean(), getInvStd(), getGamma(), getBeta()};
  llvm::append_range(vectors, getResults().drop_front());
  if (failed(verifyChannelVectors(*this, shapeOf(getSrc())[1], vectors)))
    return failure();
  for (Value vector : vectors)
    if (failed(verifyNotNarrow(*this, "vectors", vector)))
      return failure();
  return success();
}

/// The gradient of weights is summed in f32 and may stay so.
template <typename OpTy>
static LogicalResult verifyWeightGradient(OpTy op) {
  if (failed(verifySameElement(op, {op.getSrc(), op.getDiffDst()})))
    return failure();
  return verifyElementOrF32(op, "diff_weights", op.getDiffWeights(), elementOf(op.getSrc()));
}

LogicalResult Conv2DBackwardWeightsOp::verify() {
  // conv2d_backward_weights_c1
  if (failed(verifyConvolution(*this, getSrc(), getDiffWeights(), getDiffDst())))
    return failure();
  // conv2d_backward_weights_c3
  if (failed(verifyNormalized(*this)))
    return failure();
  // conv2d_backward_weights_c2
  return verifyWeightGradient(*this);
}

static LogicalResult verifyLinear(Operation *op, Value src, Value weights, Value dst) {
  auto inferred = inferLinear([&] { return op->emitOpError(); }, shapeOf(src), shapeOf(weights));
  if (failed(inferred))
    return failure();
  return verifyShape(op, "dst", dst, *inferred);
}

LogicalResult LinearOp::verify() {
  // linear_c1, linear_c2
  if (failed(verifyLinear(*this, getSrc(), getWeights(), getDst())))
    return failure();
  if (getBias() && failed(verifyChannelVectors(*this, shapeOf(getWeights())[0], {getBias()})))
    return failure();
  // linear_c3
  if (failed(verifySameElement(*this, {getSrc(), getWeights()})))
    return failure();
  return verifyElementOrF32(*this, "dst", getDst(), elementOf(getSrc()));
}

LogicalResult LinearBackwardDataOp::verify() {
  // linear_backward_data_c1
  if (failed(verifyLinear(*this, getDiffSrc(), getWeights(), getDiffDst())))
    return failure();
  // linear_backward_data_c2
  return verifySameElement(*this, {getDiffDst(), getWeights(), getDiffSrc()});
}

LogicalResult LinearBackwardWeightsOp::verify() {
  // linear_backward_weights_c1
  if (failed(verifyLinear(*this, getSrc(), getDiffWeights(), getDiffDst())))
    return failure();
  // linear_backward_weights_c2
  return verifyWeightGradient(*this);
}

OpOperand *Conv2DOp::getWeightsOperand() { return &getWeightsMutable(); }
bool Conv2DOp::decidesWeightsFormat() { return true; }
OpOperand *Conv2DStatsOp::getWeightsOperand() { return &getWeightsMutable(); }
bool Conv2DStatsOp::decidesWeightsFormat() { return true; }
OpOperand *Conv2DBackwardDataOp::getWeightsOperand() { return &getWeightsMutable(); }
OpOperand *Conv2DBackwardNormOp::getWeightsOperand() { return &getWeightsMutable(); }
/// Of a transposed convolution, which is the first to read its weights; a gradient comes after the convolution.
bool Conv2DBackwardDataOp::decidesWeightsFormat() { return true; }
OpResult Conv2DBackwardWeightsOp::getWeightsResult() { return (*this)->getResult(0); }

LogicalResult ReorderOp::verify() {
  // reorder_c1
  if (failed(verifyShape(*this, "dst", getDst(), shapeOf(getSrc()))))
    return failure();
  if (getScales())
    return verifyChannelVectors(*this, shapeOf(getSrc())[0], {getScales()});
  return success();
}

} // namespace incept
