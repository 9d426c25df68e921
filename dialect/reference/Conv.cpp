// SPDX-License-Identifier: Apache-2.0
//
// Convolutions, linear layers, their gradients, and reorder. All convolutions walk the same index set: the pairs of an
// output element and a weight that meet inside the image.

#include "dialect/reference/Evaluators.h"

using namespace mlir;

namespace incept::reference {

namespace {

/// Calls `visit(n, o, oh, ow, c, ih, iw, i, kh, kw)` for every term of the convolution dst[n,o,oh,ow] += src[n,c,ih,iw]
/// * weights[o,i,kh,kw], where c = g*I + i for the group g of output channel o. Terms in the padding are left out.
template <typename ConvOp, typename Visit>
void forEachTerm(ConvOp op, const Shape &src, const Shape &weights, const Shape &dst, Visit visit) {
  ArrayRef<int64_t> stride = op.getStride(), pad = op.getPadBegin(), dilation = op.getDilation();
  int64_t outputsPerGroup = weights[0] / int64_t(op.getGroups());
  for (int64_t n = 0; n < dst[0]; ++n)
    for (int64_t o = 0; o < dst[1]; ++o)
      for (int64_t i = 0; i < weights[1]; ++i)
        for (int64_t kh = 0; kh < weights[2]; ++kh)
          for (int64_t kw = 0; kw < weights[3]; ++kw)
            for (int64_t oh = 0; oh < dst[2]; ++oh) {
              int64_t ih = oh * stride[0] - pad[0] + kh * dilation[0];
              if (ih < 0 || ih >= src[2])
                continue;
              for (int64_t ow = 0; ow < dst[3]; ++ow) {
                int64_t iw = ow * stride[1] - pad[1] + kw * dilation[1];
                if (iw >= 0 && iw < src[3])
                  visit(n, o, oh, ow, o / outputsPerGroup * weights[1] + i, ih, iw, i, kh, kw);
              }
            }
}

void conv2d(Conv2DOp op, Values &values) {
  const Tensor &src = values[op.getSrc()], &weights = values[op.getWeights()];
  const Tensor *bias = values.optional(op.getBias());
  Tensor &dst = values.result(op.getDst());
  if (bias)
    for (int64_t index = 0; index < dst.size(); ++index)
      dst.values[index] = bias->values[dst.channelOf(index)];
  forEachTerm(op, src.shape, weights.shape, dst.shape,
              [&](int64_t n, int64_t o, int64_t oh, int64_t ow, int64_t c, int64_t ih, int64_t iw, int64_t i,
                  int64_t kh, int64_t kw) { dst.at(n, o, oh, ow) += src.at(n, c, ih, iw) * weights.at(o, i, kh, kw); });
  if (const Tensor *residual = values.optional(op.getResidual()))
    for (int64_t index = 0; index < dst.size(); ++index)
      dst.values[index] = dst.values[index] * op.getScale().convertToDouble() + residual->values[index];
  if (op.getRelu())
    for (double &value : dst.values)
      value = std::max(value, 0.0);
}

/// What is convolved: `src`, or the positive part of it by the vectors of its channels.
template <typename ConvOp>
Tensor normalizedSrc(ConvOp op, Values &values) {
  Tensor src = values[op.getSrc()];
  if (op.getFactor())
    for (int64_t index = 0; index < src.size(); ++index) {
      int64_t c = src.channelOf(index);
      src.values[index] =
          std::max(src.values[index] * values[op.getFactor()].values[c] + values[op.getOffset()].values[c], 0.0);
    }
  return src;
}

void conv2dStats(Conv2DStatsOp op, Values &values) {
  const Tensor src = normalizedSrc(op, values), &weights = values[op.getWeights()];
  Tensor &dst = values.result(op.getDst());
  Tensor &sum = values.result(op.getSum()), &sumSquares = values.result(op.getSumSquares());
  forEachTerm(op, src.shape, weights.shape, dst.shape,
              [&](int64_t n, int64_t o, int64_t oh, int64_t ow, int64_t c, int64_t ih, int64_t iw, int64_t i,
                  int64_t kh, int64_t kw) { dst.at(n, o, oh, ow) += src.at(n, c, ih, iw) * weights.at(o, i, kh, kw); });
  for (int64_t index = 0; index < dst.size(); ++index) {
    int64_t channel = dst.channelOf(index);
    sum.values[channel] += dst.values[index];
    sumSquares.values[channel] += dst.values[index] * dst.values[index];
  }
}

void conv2dBackwardData(Conv2DBackwardDataOp op, Values &values) {
  const Tensor &diffDst = values[op.getDiffDst()], &weights = values[op.getWeights()];
  Tensor &diffSrc = values.result(op.getDiffSrc());
  forEachTerm(op, diffSrc.shape, weights.shape, diffDst.shape,
              [&](int64_t n, int64_t o, int64_t oh, int64_t ow, int64_t c, int64_t ih, int64_t iw, int64_t i,
                  int64_t kh,
                  int64_t kw) { diffSrc.at(n, c, ih, iw) += diffDst.at(n, o, oh, ow) * weights.at(o, i, kh, kw); });
}

void conv2dBackwardNorm(Conv2DBackwardNormOp op, Values &values) {
  const Tensor &diffDst = values[op.getDiffDst()], &weights = values[op.getWeights()], &src = values[op.getSrc()];
  const Tensor &mean = values[op.getMean()], &invStd = values[op.getInvStd()];
  const Tensor &gamma = values[op.getGamma()], &beta = values[op.getBeta()];
  Tensor &diffSrc = values.result(op.getDiffSrc());
  Tensor &diffGamma = values.result(op.getDiffGamma()), &diffBeta = values.result(op.getDiffBeta());
  Tensor &a = values.result(op.getA()), &b = values.result(op.getB()), &c = values.result(op.getC());
  forEachTerm(op, diffSrc.shape, weights.shape, diffDst.shape,
              [&](int64_t n, int64_t o, int64_t oh, int64_t ow, int64_t c, int64_t ih, int64_t iw, int64_t i,
                  int64_t kh,
                  int64_t kw) { diffSrc.at(n, c, ih, iw) += diffDst.at(n, o, oh, ow) * weights.at(o, i, kh, kw); });
  for (int64_t index = 0; index < src.size(); ++index) {
    int64_t channel = src.channelOf(index);
    double normalized = (src.values[index] - mean.values[channel]) * invStd.values[channel];
    if (!(gamma.values[channel] * normalized + beta.values[channel] > 0))
      diffSrc.values[index] = 0;
    diffBeta.values[channel] += diffSrc.values[index];
    diffGamma.values[channel] += diffSrc.values[index] * normalized;
  }
  double count = double(src.size() / mean.size());
  for (int64_t channel = 0; channel < mean.size(); ++channel) {
    double scale = gamma.values[channel] * invStd.values[channel];
    a.values[channel] = scale;
    b.values[channel] = -scale * invStd.values[channel] * diffGamma.values[channel] / count;
    c.values[channel] = -scale * diffBeta.values[channel] / count - b.values[channel] * mean.values[channel];
  }
}

void conv2dBackwardWeights(Conv2DBackwardWeightsOp op, Values &values) {
  const Tensor src = normalizedSrc(op, values), &diffDst = values[op.getDiffDst()];
  Tensor &diffWeights = values.result(op.getDiffWeights());
  forEachTerm(op, src.shape, diffWeights.shape, diffDst.shape,
              [&](int64_t n, int64_t o, int64_t oh, int64_t ow, int64_t c, int64_t ih, int64_t iw, int64_t i,
                  int64_t kh,
                  int64_t kw) { diffWeights.at(o, i, kh, kw) += src.at(n, c, ih, iw) * diffDst.at(n, o, oh, ow); });
}

void linear(LinearOp op, Values &values) {
  const Tensor &src = values[op.getSrc()], &weights = values[op.getWeights()];
  const Tensor *bias = values.optional(op.getBias());
  Tensor &dst = values.result(op.getDst());
  for (int64_t n = 0; n < dst.shape[0]; ++n)
    for (int64_t k = 0; k < dst.shape[1]; ++k) {
      double sum = bias ? bias->values[k] : 0;
      for (int64_t c = 0; c < src.shape[1]; ++c)
        sum += src.at(n, c) * weights.at(k, c);
      dst.at(n, k) = sum;
    }
}

void linearBackwardData(LinearBackwardDataOp op, Values &values) {
  const Tensor &diffDst = values[op.getDiffDst()], &weights = values[op.getWeights()];
  Tensor &diffSrc = values.result(op.getDiffSrc());
  for (int64_t n = 0; n < diffSrc.shape[0]; ++n)
    for (int64_t c = 0; c < diffSrc.shape[1]; ++c)
      for (int64_t k = 0; k < diffDst.shape[1]; ++k)
        diffSrc.at(n, c) += diffDst.at(n, k) * weights.at(k, c);
}

void linearBackwardWeights(LinearBackwardWeightsOp op, Values &values) {
  const Tensor &src = values[op.getSrc()], &diffDst = values[op.getDiffDst()];
  Tensor &diffWeights = values.result(op.getDiffWeights());
  for (int64_t k = 0; k < diffWeights.shape[0]; ++k)
    for (int64_t c = 0; c < diffWeights.shape[1]; ++c)
      for (int64_t n = 0; n < src.shape[0]; ++n)
        diffWeights.at(k, c) += diffDst.at(n, k) * src.at(n, c);
}

void reorder(ReorderOp op, Values &values) {
  const Tensor &src = values[op.getSrc()];
  const Tensor *scales = values.optional(op.getScales());
  Tensor &dst = values.result(op.getDst());
  for (int64_t index = 0; index < dst.size(); ++index) {
    int64_t first = scales ? index / (dst.size() / dst.shape[0]) : 0;
    dst.values[index] = src.values[index] * (scales ? scales->values[first] : 1.0);
  }
}

} // namespace

void attachConvEvaluators(MLIRContext *context) {
  Evaluator::attach<Conv2DOp, conv2d>(context);
  Evaluator::attach<Conv2DStatsOp, conv2dStats>(context);
  Evaluator::attach<Conv2DBackwardDataOp, conv2dBackwardData>(context);
  Evaluator::attach<Conv2DBackwardNormOp, conv2dBackwardNorm>(context);
  Evaluator::attach<Conv2DBackwardWeightsOp, conv2dBackwardWeights>(context);
  Evaluator::attach<LinearOp, linear>(context);
  Evaluator::attach<LinearBackwardDataOp, linearBackwardData>(context);
  Evaluator::attach<LinearBackwardWeightsOp, linearBackwardWeights>(context);
  Evaluator::attach<ReorderOp, reorder>(context);
}

} // namespace incept::reference
