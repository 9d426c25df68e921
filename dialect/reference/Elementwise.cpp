// SPDX-License-Identifier: Apache-2.0
//
// Elementwise ops, dropout, and the ops that join and split channels. Views compute the same as their copying twins.

#include "dialect/reference/Evaluators.h"
#include "dialect/reference/Philox.h"

#include <algorithm>
#include <cmath>

using namespace mlir;

namespace incept::reference {

namespace {

void zeros(ZerosOp, Values &) {} // results are zero at the start

void relu(ReluOp op, Values &values) {
  Tensor &dst = values.result(op.getDst());
  for (int64_t index = 0; index < dst.size(); ++index)
    dst.values[index] = std::max(values[op.getSrc()].values[index], 0.0);
}

void reluBackward(ReluBackwardOp op, Values &values) {
  Tensor &diffSrc = values.result(op.getDiffSrc());
  for (int64_t index = 0; index < diffSrc.size(); ++index)
    diffSrc.values[index] = values[op.getDst()].values[index] > 0 ? values[op.getDiffDst()].values[index] : 0;
}

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

double activation(ActivationKind kind, double x, double slope) {
  switch (kind) {
  case ActivationKind::Relu6:
    return std::min(std::max(x, 0.0), 6.0);
  case ActivationKind::LeakyRelu:
    return x > 0 ? x : slope * x;
  case ActivationKind::Sigmoid:
    return sigmoid(x);
  case ActivationKind::Silu:
    return x * sigmoid(x);
  case ActivationKind::HardSigmoid:
    return std::min(std::max(x + 3, 0.0), 6.0) / 6;
  case ActivationKind::HardSwish:
    return x * std::min(std::max(x + 3, 0.0), 6.0) / 6;
  case ActivationKind::Gelu:
    return x * (1 + std::erf(x / std::sqrt(2.0))) / 2;
  }
  llvm_unreachable("unknown activation");
}

double derivative(ActivationKind kind, double x, double slope) {
  switch (kind) {
  case ActivationKind::Relu6:
    return x > 0 && x < 6;
  case ActivationKind::LeakyRelu:
    return x > 0 ? 1 : slope;
  case ActivationKind::Sigmoid:
    return sigmoid(x) * (1 - sigmoid(x));
  case ActivationKind::Silu:
    return sigmoid(x) * (1 + x * (1 - sigmoid(x)));
  case ActivationKind::HardSigmoid:
    return x > -3 && x < 3 ? 1.0 / 6 : 0;
  case ActivationKind::HardSwish:
    return x < -3 ? 0 : x > 3 ? 1 : x / 3 + 0.5;
  case ActivationKind::Gelu: {
    double density = std::exp(-x * x / 2) / std::sqrt(2 * M_PI);
    return (1 + std::erf(x / std::sqrt(2.0))) / 2 + x * density;
  }
  }
  llvm_unreachable("unknown activation");
}

void activate(ActivateOp op, Values &values) {
  Tensor &dst = values.result(op.getDst());
  double slope = op.getSlope().convertToDouble();
  for (int64_t index = 0; index < dst.size(); ++index)
    dst.values[index] = activation(op.getKind(), values[op.getSrc()].values[index], slope);
}

void activateBackward(ActivateBackwardOp op, Values &values) {
  Tensor &diffSrc = values.result(op.getDiffSrc());
  double slope = op.getSlope().convertToDouble();
  for (int64_t index = 0; index < diffSrc.size(); ++index)
    diffSrc.values[index] =
        values[op.getDiffDst()].values[index] * derivative(op.getKind(), values[op.getSrc()].values[index], slope);
}

/// For ops whose result has the values of their operand, rounded to its type: copy, cast, flatten, random_drop (outside
/// training) and images that are imported.
template <typename OpTy>
void sameValues(OpTy op, Values &values) {
  values.result(op.getDst()).values = values[op.getSrc()].values;
}

void select(SelectOp op, Values &values) {
  bool condition = values[op.getCondition()].values[0] != 0;
  values.result(op.getDst()).values = values[condition ? op.getOnTrue() : op.getOnFalse()].values;
}

void add(AddOp op, Values &values) {
  Tensor &dst = values.result(op.getDst());
  for (int64_t index = 0; index < dst.size(); ++index)
    dst.values[index] = values[op.getLhs()].values[index] + values[op.getRhs()].values[index];
}

void addN(AddNOp op, Values &values) {
  Tensor &dst = values.result(op.getDst());
  for (Value src : op.getSrcs())
    for (int64_t index = 0; index < dst.size(); ++index)
      dst.values[index] += values[src].values[index];
}

void multiply(MultiplyOp op, Values &values) {
  Tensor &dst = values.result(op.getDst());
  for (int64_t index = 0; index < dst.size(); ++index)
    dst.values[index] = values[op.getLhs()].values[index] * values[op.getRhs()].values[index];
}

void channelAffine(ChannelAffineOp op, Values &values) {
  const Tensor &src = values[op.getSrc()];
  Tensor &dst = values.result(op.getDst());
  for (int64_t index = 0; index < dst.size(); ++index) {
    int64_t c = src.channelOf(index);
    double shift = op.getShift() ? values[op.getShift()].values[c] : 0;
    dst.values[index] = src.values[index] * values[op.getScale()].values[c] + shift;
  }
}

void addBias(AddBiasOp op, Values &values) {
  const Tensor &src = values[op.getSrc()];
  Tensor &dst = values.result(op.getDst());
  for (int64_t index = 0; index < dst.size(); ++index)
    dst.values[index] = src.values[index] + values[op.getBias()].values[src.channelOf(index)];
}

/// In logical order an image's channels are not the innermost.
void pixelRows(PixelRowsOp op, Values &values) {
  const Tensor &src = values[op.getSrc()];
  Tensor &dst = values.result(op.getDst());
  bool isImage = src.shape.size() == 4;
  const Shape &image = isImage ? src.shape : dst.shape;
  int64_t channels = image[1], pixels = image[2] * image[3];
  for (int64_t index = 0; index < dst.size(); ++index) {
    // Of the image's element (n,c,pixel) the place in the matrix, or the other way round.
    int64_t n = index / (channels * pixels), rest = index % (channels * pixels);
    int64_t c = isImage ? rest % channels : rest / pixels, pixel = isImage ? rest / channels : rest % pixels;
    int64_t from = isImage ? c * pixels + pixel : pixel * channels + c;
    dst.values[index] = src.values[n * channels * pixels + from];
  }
}

void gate(GateOp op, Values &values) {
  const Tensor &src = values[op.getSrc()], &factor = values[op.getFactor()];
  Tensor &dst = values.result(op.getDst());
  int64_t pixels = src.shape[2] * src.shape[3];
  for (int64_t index = 0; index < dst.size(); ++index)
    dst.values[index] = src.values[index] * factor.values[index / pixels];
}

void gateBackward(GateBackwardOp op, Values &values) {
  const Tensor &diffDst = values[op.getDiffDst()], &src = values[op.getSrc()];
  Tensor &diffFactor = values.result(op.getDiffFactor());
  int64_t pixels = src.shape[2] * src.shape[3];
  for (int64_t index = 0; index < src.size(); ++index)
    diffFactor.values[index / pixels] += diffDst.values[index] * src.values[index];
}

void channelShuffle(ChannelShuffleOp op, Values &values) {
  const Tensor &src = values[op.getSrc()];
  Tensor &dst = values.result(op.getDst());
  int64_t channels = src.shape[1], groups = op.getGroups(), pixels = src.shape[2] * src.shape[3];
  for (int64_t index = 0; index < dst.size(); ++index) {
    int64_t n = index / (channels * pixels), c = index / pixels % channels;
    int64_t from = c % groups * (channels / groups) + c / groups;
    dst.values[index] = src.values[(n * channels + from) * pixels + index % pixels];
  }
}

void scale(ScaleOp op, Values &values) {
  Tensor &dst = values.result(op.getDst());
  double factor = op.getFactor().convertToDouble();
  for (int64_t index = 0; index < dst.size(); ++index)
    dst.values[index] = values[op.getSrc()].values[index] * factor;
}

uint32_t low(uint64_t value) { return uint32_t(value); }
uint32_t high(uint64_t value) { return uint32_t(value >> 32); }

LogicalResult dropout(DropoutOp op, Values &values) {
  const Tensor &src = values[op.getSrc()];
  Tensor &dst = values.result(op.getDst());
  double keep = op.getKeep().convertToDouble();
  for (Value scalar : {op.getSeed(), op.getStep(), op.getSampleBase()})
    if (std::abs(values[scalar].values[0]) > 9007199254740992.0) // 2^53
      return op.emitOpError() << "expected seed, step and sample_base of at most 2^53, but got "
                              << values[scalar].values[0];
  if (src.shape.size() < 2)
    return op.emitOpError() << "expected src with samples and elements, but got shape " << formatShape(src.shape);

  auto integer = [&](Value scalar) { return uint64_t(int64_t(values[scalar].values[0])); };
  uint64_t seed = integer(op.getSeed()), step = integer(op.getStep()), stream = uint64_t(op.getStream());
  uint64_t sampleBase = integer(op.getSampleBase());
  int64_t elements = src.size() / src.shape[0];
  PhiloxKey key{low(seed) ^ low(stream), high(seed) ^ high(stream)};
  for (int64_t n = 0; n < src.shape[0]; ++n) {
    uint64_t sample = sampleBase + uint64_t(n);
    for (int64_t e = 0; e < elements; ++e) { // e = (c*H + h)*W + w
      uint64_t element = op.getPerSample() ? 0 : uint64_t(e);
      PhiloxCounter words = philox4x32({low(element / 4), low(sample), high(sample), low(step)}, key);
      bool isKept = double(words[element % 4]) < keep * 4294967296.0;
      dst.values[n * elements + e] = isKept ? src.values[n * elements + e] / keep : 0;
    }
  }
  return success();
}

template <typename OpTy>
void concat(OpTy op, Values &values) {
  Tensor &dst = values.result(op.getDst());
  int64_t offset = 0;
  for (Value operand : op.getSrcs()) {
    const Tensor &src = values[operand];
    for (int64_t n = 0; n < src.shape[0]; ++n)
      for (int64_t c = 0; c < src.shape[1]; ++c)
        for (int64_t h = 0; h < src.shape[2]; ++h)
          for (int64_t w = 0; w < src.shape[3]; ++w)
            dst.at(n, offset + c, h, w) = src.at(n, c, h, w);
    offset += src.shape[1];
  }
}

template <typename OpTy>
void slice(OpTy op, Values &values) {
  const Tensor &src = values[op.getSrc()];
  Tensor &dst = values.result(op.getDst());
  for (int64_t n = 0; n < dst.shape[0]; ++n)
    for (int64_t c = 0; c < dst.shape[1]; ++c)
      for (int64_t h = 0; h < dst.shape[2]; ++h)
        for (int64_t w = 0; w < dst.shape[3]; ++w)
          dst.at(n, c, h, w) = src.at(n, int64_t(op.getOffset()) + c, h, w);
}

void split(SplitOp op, Values &values) {
  const Tensor &src = values[op.getSrc()];
  int64_t offset = 0;
  for (Value result : op.getDsts()) {
    Tensor &dst = values.result(result);
    for (int64_t n = 0; n < dst.shape[0]; ++n)
      for (int64_t c = 0; c < dst.shape[1]; ++c)
        for (int64_t h = 0; h < dst.shape[2]; ++h)
          for (int64_t w = 0; w < dst.shape[3]; ++w)
            dst.at(n, c, h, w) = src.at(n, offset + c, h, w);
    offset += dst.shape[1];
  }
}

void joinRows(JoinRowsOp op, Values &values) {
  Tensor &dst = values.result(op.getDst());
  auto end = dst.values.begin();
  for (Value operand : op.getSrcs()) {
    const Tensor &src = values[operand];
    end = std::copy(src.values.begin(), src.values.end(), end);
  }
}

void sliceRows(SliceRowsOp op, Values &values) {
  const Tensor &src = values[op.getSrc()];
  Tensor &dst = values.result(op.getDst());
  int64_t begin = int64_t(op.getOffset()) * (src.size() / src.shape[0]);
  std::copy_n(src.values.begin() + begin, dst.size(), dst.values.begin());
}

} // namespace

void attachElementwiseEvaluators(MLIRContext *context) {
  Evaluator::attach<ReluOp, relu>(context);
  Evaluator::attach<ZerosOp, zeros>(context);
  Evaluator::attach<ReluBackwardOp, reluBackward>(context);
  Evaluator::attach<ActivateOp, activate>(context);
  Evaluator::attach<ActivateBackwardOp, activateBackward>(context);
  Evaluator::attach<MultiplyOp, multiply>(context);
  Evaluator::attach<ChannelAffineOp, channelAffine>(context);
  Evaluator::attach<AddBiasOp, addBias>(context);
  Evaluator::attach<PixelRowsOp, pixelRows>(context);
  Evaluator::attach<GateOp, gate>(context);
  Evaluator::attach<GateBackwardOp, gateBackward>(context);
  Evaluator::attach<ChannelShuffleOp, channelShuffle>(context);
  // In logical order, that of the interpreter, an image is a row.
  Evaluator::attach<FlattenPixelsOp, sameValues<FlattenPixelsOp>>(context);
  Evaluator::attach<UnflattenPixelsOp, sameValues<UnflattenPixelsOp>>(context);
  Evaluator::attach<CopyOp, sameValues<CopyOp>>(context);
  Evaluator::attach<CastOp, sameValues<CastOp>>(context);
  Evaluator::attach<SelectOp, select>(context);
  Evaluator::attach<FlattenOp, sameValues<FlattenOp>>(context);
  Evaluator::attach<RandomDropOp, sameValues<RandomDropOp>>(context);
  Evaluator::attach<ImportImageOp, sameValues<ImportImageOp>>(context);
  Evaluator::attach<AddOp, add>(context);
  Evaluator::attach<AddNOp, addN>(context);
  Evaluator::attach<ScaleOp, scale>(context);
  Evaluator::attach<DropoutOp, dropout>(context);
  Evaluator::attach<ConcatOp, concat<ConcatOp>>(context);
  Evaluator::attach<ConcatViewOp, concat<ConcatViewOp>>(context);
  Evaluator::attach<SliceOp, slice<SliceOp>>(context);
  Evaluator::attach<SplitOp, split>(context);
  Evaluator::attach<JoinRowsOp, joinRows>(context);
  Evaluator::attach<SliceRowsOp, sliceRows>(context);
  Evaluator::attach<SliceViewOp, slice<SliceViewOp>>(context);
}

} // namespace incept::reference
