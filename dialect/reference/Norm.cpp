// SPDX-License-Identifier: Apache-2.0
//
// Batch normalisation whole and in pieces, and other normalisations. The whole ops are written from the definition (two
// passes over the data), not from the pieces, so that comparing them tests the decomposition.

#include "dialect/reference/Evaluators.h"

#include <cmath>
#include <numeric>

using namespace mlir;

namespace incept::reference {

namespace {

/// Element `c` of an optional vector.
double valueOr(const Tensor *vector, int64_t c, double otherwise) { return vector ? vector->values[c] : otherwise; }

/// Sum over all elements of each channel of `term(index, channel)`.
template <typename Term>
void sumChannels(const Tensor &shape, Tensor &sums, Term term) {
  for (int64_t index = 0; index < shape.size(); ++index) {
    int64_t c = shape.channelOf(index);
    sums.values[c] += term(index, c);
  }
}

void batchNorm(BatchNormOp op, Values &values) {
  const Tensor &src = values[op.getSrc()], &beta = values[op.getBeta()], &mean = values[op.getMean()];
  const Tensor &variance = values[op.getVariance()], *gamma = values.optional(op.getGamma());
  Tensor &dst = values.result(op.getDst());
  double epsilon = op.getEpsilon().convertToDouble();
  for (int64_t index = 0; index < src.size(); ++index) {
    int64_t c = src.channelOf(index);
    dst.values[index] =
        valueOr(gamma, c, 1) * (src.values[index] - mean.values[c]) / std::sqrt(variance.values[c] + epsilon) +
        beta.values[c];
  }
}

void batchNormTraining(BatchNormTrainingOp op, Values &values) {
  const Tensor &src = values[op.getSrc()], &beta = values[op.getBeta()], *gamma = values.optional(op.getGamma());
  const Tensor &runningMean = values[op.getRunningMean()], &runningVar = values[op.getRunningVar()];
  Tensor &dst = values.result(op.getDst()), &mean = values.result(op.getMean());
  Tensor &invStd = values.result(op.getInvStd());
  Tensor &newMean = values.result(op.getNewRunningMean()), &newVar = values.result(op.getNewRunningVar());
  double epsilon = op.getEpsilon().convertToDouble(), decay = op.getDecay().convertToDouble();
  int64_t channels = mean.size();
  double count = double(src.size() / channels);

  sumChannels(src, mean, [&](int64_t index, int64_t) { return src.values[index] / count; });
  Tensor variance = mean;
  std::fill(variance.values.begin(), variance.values.end(), 0.0);
  sumChannels(src, variance, [&](int64_t index, int64_t c) {
    double difference = src.values[index] - mean.values[c];
    return difference * difference / count;
  });
  for (int64_t c = 0; c < channels; ++c) {
    invStd.values[c] = 1 / std::sqrt(variance.values[c] + epsilon);
    double unbiased = count > 1 ? variance.values[c] * count / (count - 1) : variance.values[c];
    newMean.values[c] = decay * runningMean.values[c] + (1 - decay) * mean.values[c];
    newVar.values[c] = decay * runningVar.values[c] + (1 - decay) * unbiased;
  }
  for (int64_t index = 0; index < src.size(); ++index) {
    int64_t c = src.channelOf(index);
    dst.values[index] = valueOr(gamma, c, 1) * (src.values[index] - mean.values[c]) * invStd.values[c] + beta.values[c];
  }
}

void batchNormBackward(BatchNormBackwardOp op, Values &values) {
  const Tensor &diffDst = values[op.getDiffDst()], &src = values[op.getSrc()], &mean = values[op.getMean()];
  const Tensor &invStd = values[op.getInvStd()], *gamma = values.optional(op.getGamma());
  Tensor &diffSrc = values.result(op.getDiffSrc()), &diffGamma = values.result(op.getDiffGamma());
  Tensor &diffBeta = values.result(op.getDiffBeta());
  double count = double(src.size() / mean.size());
  auto normalized = [&](int64_t index, int64_t c) { return (src.values[index] - mean.values[c]) * invStd.values[c]; };

  sumChannels(src, diffBeta, [&](int64_t index, int64_t) { return diffDst.values[index]; });
  sumChannels(src, diffGamma, [&](int64_t index, int64_t c) { return diffDst.values[index] * normalized(index, c); });
  for (int64_t index = 0; index < src.size(); ++index) {
    int64_t c = src.channelOf(index);
    diffSrc.values[index] =
        valueOr(gamma, c, 1) * invStd.values[c] *
        (diffDst.values[index] - diffBeta.values[c] / count - normalized(index, c) * diffGamma.values[c] / count);
  }
}

void channelSample(ChannelSampleOp op, Values &values) {
  Tensor &dst = values.result(op.getDst());
  for (int64_t c = 0; c < dst.size(); ++c)
    dst.values[c] = values[op.getSrc()].at(0, c, 0, 0);
}

void channelStats(ChannelStatsOp op, Values &values) {
  const Tensor &src = values[op.getSrc()], *shift = values.optional(op.getShift());
  auto shifted = [&](int64_t index, int64_t c) { return src.values[index] - valueOr(shift, c, 0); };
  sumChannels(src, values.result(op.getSum()), shifted);
  sumChannels(src, values.result(op.getSumSquares()),
              [&](int64_t index, int64_t c) { return shifted(index, c) * shifted(index, c); });
}

void channelSum(ChannelSumOp op, Values &values) {
  const Tensor &src = values[op.getSrc()];
  sumChannels(src, values.result(op.getDst()), [&](int64_t index, int64_t) { return src.values[index]; });
}

/// `count` is an extent (0) in kernel definitions only, which the interpreter does not run.
LogicalResult verifyCount(Operation *op, int64_t count) {
  if (count > 0)
    return success();
  return op->emitOpError() << "expected a positive count outside kernel definitions, but got " << count;
}

LogicalResult batchNormFinalize(BatchNormFinalizeOp op, Values &values) {
  const Tensor &sum = values[op.getSum()], &sumSquares = values[op.getSumSquares()];
  const Tensor *shift = values.optional(op.getShift()), *gamma = values.optional(op.getGamma());
  const Tensor &runningMean = values[op.getRunningMean()], &runningVar = values[op.getRunningVar()];
  double epsilon = op.getEpsilon().convertToDouble(), decay = op.getDecay().convertToDouble();
  double count = double(int64_t(op.getCount()));
  if (failed(verifyCount(op, op.getCount())))
    return failure();
  const Tensor *src = values.optional(op.getSrc());
  for (int64_t c = 0; c < sum.size(); ++c) {
    double average = sum.values[c] / count;
    double mean = valueOr(shift, c, 0) + average;
    double variance = std::max(sumSquares.values[c] / count - average * average, 0.0);
    if (src && mean * mean > BatchNormFinalizeOp::kMostSquare * (variance + epsilon)) {
      double total = 0, squares = 0;
      for (int64_t index = 0; index < src->size(); ++index)
        total += src->channelOf(index) == c ? src->values[index] : 0;
      mean = total / count;
      for (int64_t index = 0; index < src->size(); ++index)
        squares += src->channelOf(index) == c ? (src->values[index] - mean) * (src->values[index] - mean) : 0;
      variance = squares / count;
    }
    double invStd = 1 / std::sqrt(variance + epsilon);
    double unbiased = count > 1 ? variance * count / (count - 1) : variance;
    values.result(op.getMean()).values[c] = mean;
    values.result(op.getInvStd()).values[c] = invStd;
    values.result(op.getScale()).values[c] = valueOr(gamma, c, 1) * invStd;
    values.result(op.getNewRunningMean()).values[c] = decay * runningMean.values[c] + (1 - decay) * mean;
    values.result(op.getNewRunningVar()).values[c] = decay * runningVar.values[c] + (1 - decay) * unbiased;
    if (!op.getBeta())
      continue;
    double beta = values[op.getBeta()].values[c];
    bool isLost = mean * mean > BatchNormFinalizeOp::kMostSquareNarrow * (variance + epsilon);
    double factor = isLost ? 0 : valueOr(gamma, c, 1) * invStd;
    values.result(op.getFactors()[0]).values[c] = factor;
    values.result(op.getFactors()[1]).values[c] = isLost ? beta : beta - mean * factor;
  }
  return success();
}

void scaleShift(ScaleShiftOp op, Values &values) {
  const Tensor &src = values[op.getSrc()], &center = values[op.getCenter()], &scale = values[op.getScale()];
  const Tensor &shift = values[op.getShift()];
  Tensor &dst = values.result(op.getDst());
  for (int64_t index = 0; index < src.size(); ++index) {
    int64_t c = src.channelOf(index);
    dst.values[index] = (src.values[index] - center.values[c]) * scale.values[c] + shift.values[c];
  }
}

void batchNormBackwardStats(BatchNormBackwardStatsOp op, Values &values) {
  const Tensor &diffDst = values[op.getDiffDst()], &src = values[op.getSrc()], &mean = values[op.getMean()];
  sumChannels(src, values.result(op.getSum()), [&](int64_t index, int64_t) { return diffDst.values[index]; });
  sumChannels(src, values.result(op.getSumProduct()),
              [&](int64_t index, int64_t c) { return diffDst.values[index] * (src.values[index] - mean.values[c]); });
}

LogicalResult batchNormBackwardFinalize(BatchNormBackwardFinalizeOp op, Values &values) {
  const Tensor &sum = values[op.getSum()], &sumProduct = values[op.getSumProduct()];
  const Tensor &invStd = values[op.getInvStd()], *gamma = values.optional(op.getGamma());
  double count = double(int64_t(op.getCount()));
  if (failed(verifyCount(op, op.getCount())))
    return failure();
  for (int64_t c = 0; c < sum.size(); ++c) {
    double a = valueOr(gamma, c, 1) * invStd.values[c];
    values.result(op.getDiffGamma()).values[c] = sumProduct.values[c] * invStd.values[c];
    values.result(op.getDiffBeta()).values[c] = sum.values[c];
    values.result(op.getA()).values[c] = a;
    values.result(op.getB()).values[c] = -a * invStd.values[c] * invStd.values[c] * sumProduct.values[c] / count;
    values.result(op.getC()).values[c] = -a * sum.values[c] / count;
  }
  return success();
}

void batchNormBackwardApply(BatchNormBackwardApplyOp op, Values &values) {
  const Tensor &diffDst = values[op.getDiffDst()], &src = values[op.getSrc()];
  const Tensor *mean = values.optional(op.getMean());
  const Tensor &a = values[op.getA()], &b = values[op.getB()], &c = values[op.getC()];
  Tensor &diffSrc = values.result(op.getDiffSrc());
  for (int64_t index = 0; index < src.size(); ++index) {
    int64_t channel = src.channelOf(index);
    diffSrc.values[index] = a.values[channel] * diffDst.values[index] +
                            b.values[channel] * (src.values[index] - valueOr(mean, channel, 0)) + c.values[channel];
  }
}

void foldBatchNorm(FoldBatchNormOp op, Values &values) {
  const Tensor &beta = values[op.getBeta()], &mean = values[op.getMean()], &variance = values[op.getVariance()];
  const Tensor *gamma = values.optional(op.getGamma()), *bias = values.optional(op.getBias());
  double epsilon = op.getEpsilon().convertToDouble();
  for (int64_t c = 0; c < beta.size(); ++c) {
    double scale = valueOr(gamma, c, 1) / std::sqrt(variance.values[c] + epsilon);
    values.result(op.getScale()).values[c] = scale;
    values.result(op.getShift()).values[c] = beta.values[c] + (valueOr(bias, c, 0) - mean.values[c]) * scale;
  }
}

/// body(indices) for each pixel: those of its channels. Of (N,C) a row is a pixel.
template <typename Body>
void forEachPixel(const Tensor &src, Body body) {
  int64_t channels = src.shape[1], pixels = src.size() / (src.shape[0] * channels);
  std::vector<int64_t> indices(channels);
  for (int64_t n = 0; n < src.shape[0]; ++n)
    for (int64_t pixel = 0; pixel < pixels; ++pixel) {
      for (int64_t c = 0; c < channels; ++c)
        indices[c] = (n * channels + c) * pixels + pixel;
      body(indices);
    }
}

/// The same for each group of channels in each image, which lie one behind the other.
template <typename Body>
void forEachGroup(const Tensor &src, int64_t groups, Body body) {
  std::vector<int64_t> indices(src.size() / (src.shape[0] * groups));
  std::iota(indices.begin(), indices.end(), 0);
  for (int64_t part = 0; part < src.shape[0] * groups; ++part) {
    body(indices);
    for (int64_t &index : indices)
      index += int64_t(indices.size());
  }
}

struct Moments {
  double mean = 0, invStd = 0;
};

Moments momentsOf(const Tensor &src, ArrayRef<int64_t> indices, double epsilon) {
  double mean = 0, variance = 0;
  for (int64_t at : indices)
    mean += src.values[at] / double(indices.size());
  for (int64_t at : indices)
    variance += std::pow(src.values[at] - mean, 2) / double(indices.size());
  return {mean, 1 / std::sqrt(variance + epsilon)};
}

/// The normalisation of the values that belong together.
template <typename OpTy>
void normalize(OpTy op, Values &values, ArrayRef<int64_t> indices) {
  const Tensor &src = values[op.getSrc()];
  Tensor &dst = values.result(op.getDst());
  auto [mean, invStd] = momentsOf(src, indices, op.getEpsilon().convertToDouble());
  for (int64_t at : indices)
    dst.values[at] = (src.values[at] - mean) * invStd;
}

template <typename OpTy>
void normalizeBackward(OpTy op, Values &values, ArrayRef<int64_t> indices) {
  const Tensor &diffDst = values[op.getDiffDst()], &src = values[op.getSrc()];
  Tensor &diffSrc = values.result(op.getDiffSrc());
  auto [mean, invStd] = momentsOf(src, indices, op.getEpsilon().convertToDouble());
  double sum = 0, product = 0;
  for (int64_t at : indices) {
    sum += diffDst.values[at];
    product += diffDst.values[at] * (src.values[at] - mean) * invStd;
  }
  for (int64_t at : indices) {
    double x = (src.values[at] - mean) * invStd;
    diffSrc.values[at] = invStd * (diffDst.values[at] - (sum + x * product) / double(indices.size()));
  }
}

void normalizePixels(NormalizePixelsOp op, Values &values) {
  forEachPixel(values[op.getSrc()], [&](ArrayRef<int64_t> indices) { normalize(op, values, indices); });
}

void normalizePixelsBackward(NormalizePixelsBackwardOp op, Values &values) {
  forEachPixel(values[op.getSrc()], [&](ArrayRef<int64_t> indices) { normalizeBackward(op, values, indices); });
}

void normalizeGroups(NormalizeGroupsOp op, Values &values) {
  forEachGroup(values[op.getSrc()], op.getGroups(), [&](ArrayRef<int64_t> indices) { normalize(op, values, indices); });
}

void normalizeGroupsBackward(NormalizeGroupsBackwardOp op, Values &values) {
  forEachGroup(values[op.getSrc()], op.getGroups(),
               [&](ArrayRef<int64_t> indices) { normalizeBackward(op, values, indices); });
}

void softmax(SoftmaxOp op, Values &values) {
  const Tensor &src = values[op.getSrc()];
  Tensor &dst = values.result(op.getDst());
  forEachPixel(src, [&](ArrayRef<int64_t> indices) {
    double largest = src.values[indices[0]], sum = 0;
    for (int64_t at : indices)
      if (!(src.values[at] <= largest)) // a NaN stays
        largest = src.values[at];
    for (int64_t at : indices)
      sum += std::exp(src.values[at] - largest);
    for (int64_t at : indices)
      dst.values[at] = std::exp(src.values[at] - largest) / sum;
  });
}

void softmaxBackward(SoftmaxBackwardOp op, Values &values) {
  const Tensor &diffDst = values[op.getDiffDst()], &dst = values[op.getDst()];
  Tensor &diffSrc = values.result(op.getDiffSrc());
  forEachPixel(dst, [&](ArrayRef<int64_t> indices) {
    double sum = 0;
    for (int64_t at : indices)
      sum += diffDst.values[at] * dst.values[at];
    for (int64_t at : indices)
      diffSrc.values[at] = dst.values[at] * (diffDst.values[at] - sum);
  });
}

/// The windows of a local response norm, and what its values are divided by before the power.
template <typename OpTy>
struct ResponseNorm {
  explicit ResponseNorm(OpTy op)
      : size(op.getSize()), alpha(op.getAlpha().convertToDouble()), beta(op.getBeta().convertToDouble()),
        k(op.getK().convertToDouble()) {}

  int64_t size;
  double alpha, beta, k;

  /// True where the window of channel `c` has channel `other`.
  bool covers(int64_t c, int64_t other) const { return other >= c - size / 2 && other <= c + (size - 1) / 2; }

  double scale(const Tensor &src, ArrayRef<int64_t> indices, int64_t c) const {
    double sum = 0;
    for (int64_t other = 0; other < int64_t(indices.size()); ++other)
      if (covers(c, other))
        sum += std::pow(src.values[indices[other]], 2);
    return k + alpha / double(size) * sum;
  }
};

void localResponseNorm(LocalResponseNormOp op, Values &values) {
  const Tensor &src = values[op.getSrc()];
  Tensor &dst = values.result(op.getDst());
  ResponseNorm norm(op);
  forEachPixel(src, [&](ArrayRef<int64_t> indices) {
    for (auto [c, at] : llvm::enumerate(indices))
      dst.values[at] = src.values[at] / std::pow(norm.scale(src, indices, c), norm.beta);
  });
}

void localResponseNormBackward(LocalResponseNormBackwardOp op, Values &values) {
  const Tensor &diffDst = values[op.getDiffDst()], &src = values[op.getSrc()];
  Tensor &diffSrc = values.result(op.getDiffSrc());
  ResponseNorm norm(op);
  forEachPixel(src, [&](ArrayRef<int64_t> indices) {
    for (auto [j, from] : llvm::enumerate(indices)) {
      // What the gradient of this one value gives to each value of its window.
      double scale = norm.scale(src, indices, j), diff = diffDst.values[from];
      diffSrc.values[from] += diff * std::pow(scale, -norm.beta);
      double slope = -norm.beta * std::pow(scale, -norm.beta - 1) * 2 * norm.alpha / double(norm.size);
      for (auto [c, at] : llvm::enumerate(indices))
        if (norm.covers(j, c))
          diffSrc.values[at] += diff * src.values[from] * slope * src.values[at];
    }
  });
}

} // namespace

void attachNormEvaluators(MLIRContext *context) {
  Evaluator::attach<BatchNormOp, batchNorm>(context);
  Evaluator::attach<BatchNormTrainingOp, batchNormTraining>(context);
  Evaluator::attach<BatchNormBackwardOp, batchNormBackward>(context);
  Evaluator::attach<ChannelSampleOp, channelSample>(context);
  Evaluator::attach<ChannelStatsOp, channelStats>(context);
  Evaluator::attach<ChannelSumOp, channelSum>(context);
  Evaluator::attach<BatchNormFinalizeOp, batchNormFinalize>(context);
  Evaluator::attach<LocalResponseNormOp, localResponseNorm>(context);
  Evaluator::attach<LocalResponseNormBackwardOp, localResponseNormBackward>(context);
  Evaluator::attach<NormalizeGroupsOp, normalizeGroups>(context);
  Evaluator::attach<NormalizeGroupsBackwardOp, normalizeGroupsBackward>(context);
  Evaluator::attach<NormalizePixelsOp, normalizePixels>(context);
  Evaluator::attach<NormalizePixelsBackwardOp, normalizePixelsBackward>(context);
  Evaluator::attach<ScaleShiftOp, scaleShift>(context);
  Evaluator::attach<SoftmaxOp, softmax>(context);
  Evaluator::attach<SoftmaxBackwardOp, softmaxBackward>(context);
  Evaluator::attach<BatchNormBackwardStatsOp, batchNormBackwardStats>(context);
  Evaluator::attach<BatchNormBackwardFinalizeOp, batchNormBackwardFinalize>(context);
  Evaluator::attach<BatchNormBackwardApplyOp, batchNormBackwardApply>(context);
  Evaluator::attach<FoldBatchNormOp, foldBatchNorm>(context);
}

} // namespace incept::reference
