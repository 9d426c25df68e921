// SPDX-License-Identifier: Apache-2.0
//
// Softmax cross entropy with label smoothing and its gradient. A warp folds a row of logits: each lane takes every 32nd
// class, then the lanes are added in a butterfly, so that all of them have the result.
#include "codegen/cuda/CudaEmitter.h"
#include "codegen/kernels/RowLabel.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <limits>

using namespace mlir;

namespace incept::cuda {

namespace {

class LogitsRow {
public:
  LogitsRow(CudaEmitter &emitter, Value offset, Value classes)
      : e(emitter), base(e.operand(0)), offset(offset), classes(classes), lane(e.rem(e.threadX(), e.index(kWarp))) {}

  /// The largest logit (NaN where one is).
  Value largest() {
    return fold(
        -std::numeric_limits<double>::infinity(), [](Value logit) { return logit; },
        [&](Value a, Value b) -> Value { return arith::MaximumFOp::create(e.builder, e.loc, a, b); });
  }
  /// Sum of exp(logit - shift).
  Value sumOfExp(Value shift) {
    return fold(
        0.0, [&](Value logit) -> Value { return math::ExpOp::create(e.builder, e.loc, e.subf(logit, shift)); },
        [&](Value a, Value b) { return e.addf(a, b); });
  }
  /// Sum of the logits minus `shift`.
  Value sumOfDifferences(Value shift) {
    return fold(
        0.0, [&](Value logit) { return e.subf(logit, shift); }, [&](Value a, Value b) { return e.addf(a, b); });
  }

private:
  Value fold(double init, llvm::function_ref<Value(Value)> term, llvm::function_ref<Value(Value, Value)> combine) {
    auto carried = e.strided(lane, classes, e.index(kWarp), ValueRange(e.real(init)), [&](Value k, ValueRange values) {
      Value logit = e.loadReal(base, e.add(offset, k), e.elementOf(0));
      return SmallVector<Value>{combine(values[0], term(logit))};
    });
    Value result = carried[0];
    for (int32_t mask = kWarp / 2; mask > 0; mask /= 2)
      result = combine(result, e.shuffleXor(result, mask));
    return result;
  }

  CudaEmitter &e;
  Value base, offset, classes, lane;
};

} // namespace

void emitSoftmaxCrossEntropy(SoftmaxCrossEntropyOp op, CudaEmitter &e) {
  double smoothing = op.getLabelSmoothing().convertToDouble();
  Value logits = e.operand(0), loss = e.operand(2);
  Value batch = e.extent(0), classes = e.extent(1), stride = e.extent(3);
  Type f64 = e.builder.getF64Type();
  auto widen = [&](Value value) -> Value { return arith::ExtFOp::create(e.builder, e.loc, f64, value); };
  constexpr int64_t kWarps = kBlockThreads / kWarp;
  Value zero = arith::ConstantOp::create(e.builder, e.loc, e.builder.getF64FloatAttr(0.0));
  Value one = arith::ConstantOp::create(e.builder, e.loc, e.builder.getF64FloatAttr(1.0));
  // The sum and, where it is not known, the number of rows.
  SmallVector<Value> init(op.getCount() ? 2 : 1, zero);
  SmallVector<Value> memory = {e.shared(kWarps, f64)}, ofBlocks = {e.moduleMemory(kLossBlocks, f64, "losses")};
  if (op.getCount()) {
    memory.push_back(e.shared(kWarps, f64, "_rows"));
    ofBlocks.push_back(e.moduleMemory(kLossBlocks, f64, "rows"));
  }
  Value warp = e.div(e.threadX(), e.index(kWarp));
  // A warp takes a row, and then the one as many rows behind as there are warps.
  Value first = e.add(e.mul(e.blockX(), e.index(kWarps)), warp), all = e.mul(e.blocksX(), e.index(kWarps));
  auto sums = e.strided(first, batch, all, init, [&](Value n, ValueRange carried) {
    Value offset = e.mul(n, stride);
    RowLabel label = loadLabel(op, e, n, batch, classes);
    LogitsRow row(e, offset, classes);
    Value largest = row.largest();
    Value logSum = math::LogOp::create(e.builder, e.loc, row.sumOfExp(largest));
    Value correct = e.loadReal(logits, e.add(offset, label.index), e.elementOf(0));
    // -sum q log p = log sum exp(x - m) - sum q (x - m), since the q add up to 1.
    Value expected = e.mulf(e.real(1.0 - smoothing), e.subf(correct, largest));
    if (smoothing != 0.0) {
      Value mean = e.divf(row.sumOfDifferences(largest), e.toReal(classes));
      expected = e.addf(expected, e.mulf(e.real(smoothing), mean));
    }
    Value own = unlessIgnored(e, label, widen(e.subf(logSum, expected)), zero);
    SmallVector<Value> next = {arith::AddFOp::create(e.builder, e.loc, carried[0], own)};
    if (op.getCount())
      next.push_back(arith::AddFOp::create(e.builder, e.loc, carried[1], unlessIgnored(e, label, one, zero)));
    return next;
  });
  Value isFirstLane = e.less(e.rem(e.threadX(), e.index(kWarp)), e.index(1));
  e.ifThen(isFirstLane, [&] {
    for (auto [sum, place] : llvm::zip_equal(sums, memory))
      e.storeScalar(sum, place, warp);
  });
  e.barrier();
  Value isFirst = e.less(e.threadX(), e.index(1));
  e.ifThen(isFirst, [&] {
    for (auto [place, blocks] : llvm::zip_equal(memory, ofBlocks)) {
      Value total = e.loadScalar(place, e.index(0), f64);
      for (int64_t i = 1; i < kWarps; ++i)
        total = arith::AddFOp::create(e.builder, e.loc, total, e.loadScalar(place, e.index(i), f64));
      e.storeScalar(total, blocks, e.blockX());
    }
  });
  Value isLast = e.isLastOfRange();
  e.ifThen(arith::AndIOp::create(e.builder, e.loc, isFirst, isLast), [&] {
    auto totals = e.loop(e.index(0), e.blocksX(), 1, init, [&](Value block, ValueRange carried) {
      SmallVector<Value> next;
      for (auto [sum, blocks] : llvm::zip_equal(carried, ofBlocks))
        next.push_back(arith::AddFOp::create(e.builder, e.loc, sum, e.loadScalar(blocks, block, f64)));
      return next;
    });
    Value rows = widen(e.toReal(batch));
    if (op.getCount()) {
      rows = arith::MaximumFOp::create(e.builder, e.loc, totals[1], one);
      e.storeScalar(arith::TruncFOp::create(e.builder, e.loc, e.f32(), totals[1]), e.operand(3), e.index(0));
    }
    Value mean = arith::DivFOp::create(e.builder, e.loc, totals[0], rows);
    e.storeScalar(arith::TruncFOp::create(e.builder, e.loc, e.f32(), mean), loss, e.index(0));
  });
}

void emitSoftmaxCrossEntropyBackward(SoftmaxCrossEntropyBackwardOp op, CudaEmitter &e) {
  double smoothing = op.getLabelSmoothing().convertToDouble(), weight = op.getWeight().convertToDouble();
  unsigned last = op->getNumOperands(); // after logits, labels and, where there are such, count and scale
  Value logits = e.operand(0), diffLogits = e.operand(last);
  Value batch = e.extent(0), classes = e.extent(1), stride = e.extent(2), diffStride = e.extent(3);
  Value factor = e.divf(e.real(weight), countRows(op, e, batch));
  Value spread = e.divf(e.real(smoothing), e.toReal(classes));
  if (op.getScale())
    factor = e.mulf(factor, e.loadScalar(e.operand(last - 1), e.index(0), e.f32()));
  e.units([&](Value n) {
    Value offset = e.mul(n, stride), diffOffset = e.mul(n, diffStride);
    // Every warp folds the row for itself: it is short.
    LogitsRow row(e, offset, classes);
    Value largest = row.largest(), sum = row.sumOfExp(largest);
    RowLabel label = loadLabel(op, e, n, batch, classes);
    e.strided(e.threadX(), classes, e.index(kBlockThreads), {}, [&](Value k, ValueRange) {
      Value x = e.loadReal(logits, e.add(offset, k), e.elementOf(0));
      Value probability = e.divf(math::ExpOp::create(e.builder, e.loc, e.subf(x, largest)), sum);
      Value diff = e.mulf(e.subf(probability, spread), factor);
      Value isLabel = arith::CmpIOp::create(e.builder, e.loc, arith::CmpIPredicate::eq, k, label.index);
      Value less = e.subf(diff, e.mulf(e.real(1.0 - smoothing), factor));
      diff = arith::SelectOp::create(e.builder, e.loc, isLabel, less, diff);
      diff = unlessIgnored(e, label, diff, e.real(0.0));
      e.storeReal(diff, diffLogits, e.add(diffOffset, k), e.elementOf(last));
      return SmallVector<Value>();
    });
  });
}

} // namespace incept::cuda
