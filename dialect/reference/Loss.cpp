// SPDX-License-Identifier: Apache-2.0
//
// Where images enter and the loss leaves.

#include "dialect/reference/Evaluators.h"

#include <algorithm>
#include <cmath>

using namespace mlir;

namespace incept::reference {

namespace {

void normalizeImage(NormalizeImageOp op, Values &values) {
  const Tensor &src = values[op.getSrc()]; // (N,H,W,C)
  Tensor &dst = values.result(op.getDst());
  for (int64_t n = 0; n < dst.shape[0]; ++n)
    for (int64_t c = 0; c < dst.shape[1]; ++c)
      for (int64_t h = 0; h < dst.shape[2]; ++h)
        for (int64_t w = 0; w < dst.shape[3]; ++w)
          dst.at(n, c, h, w) = (src.at(n, h, w, c) / 255 - op.getMean()[c]) / op.getStd()[c];
}

/// log softmax of row `n`.
std::vector<double> logSoftmax(const Tensor &logits, int64_t n) {
  int64_t classes = logits.shape[1];
  std::vector<double> row(classes);
  double largest = -INFINITY, sum = 0;
  for (int64_t k = 0; k < classes; ++k)
    largest = std::max(largest, logits.at(n, k));
  for (int64_t k = 0; k < classes; ++k)
    sum += std::exp(logits.at(n, k) - largest);
  for (int64_t k = 0; k < classes; ++k)
    row[k] = logits.at(n, k) - largest - std::log(sum);
  return row;
}

template <typename OpTy>
bool isIgnored(OpTy op, double label) {
  return op.getIgnoreLabel() && label == double(int64_t(*op.getIgnoreLabel()));
}

template <typename OpTy>
LogicalResult verifyLabels(OpTy op, const Tensor &labels, int64_t classes) {
  for (double label : labels.values)
    if (!(label >= 0 && label < double(classes)) && !isIgnored(op, label))
      return op->emitOpError() << "expected labels from 0 to " << classes - 1 << ", but got " << int64_t(label);
  return success();
}

/// The label of row `n`.
template <typename OpTy>
double labelOf(OpTy op, const Tensor &labels, int64_t n) {
  return labels.values[op.getReversed() ? labels.size() - 1 - n : n];
}

/// Probability of class `k` that the smoothed label asks for.
double target(double label, int64_t k, int64_t classes, double smoothing) {
  return (label == double(k) ? 1 - smoothing : 0) + smoothing / double(classes);
}

LogicalResult softmaxCrossEntropy(SoftmaxCrossEntropyOp op, Values &values) {
  const Tensor &logits = values[op.getLogits()], &labels = values[op.getLabels()];
  int64_t rows = logits.shape[0], classes = logits.shape[1];
  double smoothing = op.getLabelSmoothing().convertToDouble(), sum = 0;
  if (failed(verifyLabels(op, labels, classes)))
    return failure();
  int64_t counted = 0;
  for (int64_t n = 0; n < rows; ++n) {
    double label = labelOf(op, labels, n);
    if (isIgnored(op, label))
      continue;
    ++counted;
    std::vector<double> row = logSoftmax(logits, n);
    for (int64_t k = 0; k < classes; ++k)
      sum -= target(label, k, classes, smoothing) * row[k];
  }
  values.result(op.getLoss()).values[0] = sum / double(std::max<int64_t>(counted, 1));
  if (op.getCount())
    values.result(op.getCount()).values[0] = double(counted);
  return success();
}

LogicalResult softmaxCrossEntropyBackward(SoftmaxCrossEntropyBackwardOp op, Values &values) {
  const Tensor &logits = values[op.getLogits()], &labels = values[op.getLabels()];
  Tensor &diffLogits = values.result(op.getDiffLogits());
  int64_t rows = logits.shape[0], classes = logits.shape[1];
  double smoothing = op.getLabelSmoothing().convertToDouble(), weight = op.getWeight().convertToDouble();
  if (const Tensor *scale = values.optional(op.getScale()))
    weight *= scale->values[0];
  if (failed(verifyLabels(op, labels, classes)))
    return failure();
  const Tensor *count = values.optional(op.getCount());
  double counted = count ? std::max(count->values[0], 1.0) : double(rows);
  for (int64_t n = 0; n < rows; ++n) {
    double label = labelOf(op, labels, n);
    if (isIgnored(op, label))
      continue; // zeros
    std::vector<double> row = logSoftmax(logits, n);
    for (int64_t k = 0; k < classes; ++k)
      diffLogits.at(n, k) = weight * (std::exp(row[k]) - target(label, k, classes, smoothing)) / counted;
  }
  return success();
}

void meanLoss(MeanLossOp op, Values &values) {
  const Tensor &sum = values[op.getSum()], &count = values[op.getCount()];
  for (auto [total, rows, mean] : llvm::zip_equal(sum.values, count.values, values.result(op.getMean()).values))
    mean = total / std::max(rows, 1.0);
}

} // namespace

void attachLossEvaluators(MLIRContext *context) {
  Evaluator::attach<NormalizeImageOp, normalizeImage>(context);
  Evaluator::attach<SoftmaxCrossEntropyOp, softmaxCrossEntropy>(context);
  Evaluator::attach<SoftmaxCrossEntropyBackwardOp, softmaxCrossEntropyBackward>(context);
  Evaluator::attach<MeanLossOp, meanLoss>(context);
}

} // namespace incept::reference
