// SPDX-License-Identifier: Apache-2.0
//
// Softmax cross entropy with label smoothing and its gradient. A warp folds a row of logits: each lane takes every 32nd
// class, then the lanes are added in a butterfly, so that all of them have the result.
#include "codegen/cuda/CudaEmitter.h"
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

/// The label of row `n` of `batch`.
template <typename OpTy>
Value loadLabel(OpTy op, CudaEmitter &e, Value n, Value batch, Value classes) {
  Value row = op.getReversed() ? e.sub(e.sub(batch, e.index(1)), n) : n;
  Value label = e.loadScalar(e.operand(1), row, e.builder.getI64Type());
  // The runtime checks labels; a damaged one must still not read outside the row.
  return e.max(e.min(label, e.sub(classes, e.index(1))), e.index(0));
}

} // namespace

void emitSoftmaxCrossEntropy(SoftmaxCrossEntropyOp op, CudaEmitter &e) {
  double smoothing = op.getLabelSmoothing().convertToDouble();
  Value logits = e.operand(0), loss = e.operand(2);
  Value batch = e.extent(0), classes = e.extent(1), stride = e.extent(2);
  Type f64 = e.builder.getF64Type();
  auto widen = [&](Value value) -> Value { return arith::ExtFOp::create(e.builder, e.loc, f64, value); };
  constexpr int64_t kWarps = kBlockThreads / kWarp;
  Value zero = arith::ConstantOp::create(e.builder, e.loc, e.builder.getF64FloatAttr(0.0));
  Value memory = e.shared(kWarps, f64), warp = e.div(e.threadX(), e.index(kWarp));
  // A warp takes a row, and then the one as many rows behind as there are warps.
  Value first = e.add(e.mul(e.blockX(), e.index(kWarps)), warp), all = e.mul(e.blocksX(), e.index(kWarps));
  auto sum = e.strided(first, batch, all, ValueRange(zero), [&](Value n, ValueRange carried) {
    Value offset = e.mul(n, stride);
    LogitsRow row(e, offset, classes);
    Value largest = row.largest();
    Value logSum = math::LogOp::create(e.builder, e.loc, row.sumOfExp(largest));
    Value correct = e.loadReal(logits, e.add(offset, loadLabel(op, e, n, batch, classes)), e.elementOf(0));
    // -sum q log p = log sum exp(x - m) - sum q (x - m), since the q add up to 1.
    Value expected = e.mulf(e.real(1.0 - smoothing), e.subf(correct, largest));
    if (smoothing != 0.0) {
      Value mean = e.divf(row.sumOfDifferences(largest), e.toReal(classes));
      expected = e.addf(expected, e.mulf(e.real(smoothing), mean));
    }
    return SmallVector<Value>{arith::AddFOp::create(e.builder, e.loc, carried[0], widen(e.subf(logSum, expected)))};
  });
  Value isFirstLane = e.less(e.rem(e.threadX(), e.index(kWarp)), e.index(1));
  e.ifThen(isFirstLane, [&] { e.storeScalar(sum[0], memory, warp); });
  e.barrier();
  Value isFirst = e.less(e.threadX(), e.index(1)), ofBlocks = e.moduleMemory(kLossBlocks, f64, "losses");
  e.ifThen(isFirst, [&] {
    Value total = e.loadScalar(memory, e.index(0), f64);
    for (int64_t i = 1; i < kWarps; ++i)
      total = arith::AddFOp::create(e.builder, e.loc, total, e.loadScalar(memory, e.index(i), f64));
    e.storeScalar(total, ofBlocks, e.blockX());
  });
  Value isLast = e.isLastOfRange();
  e.ifThen(arith::AndIOp::create(e.builder, e.loc, isFirst, isLast), [&] {
    Value total = e.loop(e.index(0), e.blocksX(), 1, ValueRange(zero), [&](Value block, ValueRange carried) {
      Value term = e.loadScalar(ofBlocks, block, f64);
      return SmallVector<Value>{arith::AddFOp::create(e.builder, e.loc, carried[0], term)};
    })[0];
    Value mean = arith::DivFOp::create(e.builder, e.loc, total, widen(e.toReal(batch)));
    e.storeScalar(arith::TruncFOp::create(e.builder, e.loc, e.f32(), mean), loss, e.index(0));
  });
}

void emitSoftmaxCrossEntropyBackward(SoftmaxCrossEntropyBackwardOp op, CudaEmitter &e) {
  double smoothing = op.getLabelSmoothing().convertToDouble(), weight = op.getWeight().convertToDouble();
  unsigned last = op->getNumOperands(); // after logits, labels and the scale, where there is one
  Value logits = e.operand(0), diffLogits = e.operand(last);
  Value batch = e.extent(0), classes = e.extent(1), stride = e.extent(2), diffStride = e.extent(3);
  Value factor = e.divf(e.real(weight), e.toReal(batch)), spread = e.divf(e.real(smoothing), e.toReal(classes));
  if (op.getScale())
    factor = e.mulf(factor, e.loadScalar(e.operand(2), e.index(0), e.f32()));
  e.units([&](Value n) {
    Value offset = e.mul(n, stride), diffOffset = e.mul(n, diffStride);
    // Every warp folds the row for itself: it is short.
    LogitsRow row(e, offset, classes);
    Value largest = row.largest(), sum = row.sumOfExp(largest), label = loadLabel(op, e, n, batch, classes);
    e.strided(e.threadX(), classes, e.index(kBlockThreads), {}, [&](Value k, ValueRange) {
      Value x = e.loadReal(logits, e.add(offset, k), e.elementOf(0));
      Value probability = e.divf(math::ExpOp::create(e.builder, e.loc, e.subf(x, largest)), sum);
      Value diff = e.mulf(e.subf(probability, spread), factor);
      Value isLabel = arith::CmpIOp::create(e.builder, e.loc, arith::CmpIPredicate::eq, k, label);
      Value less = e.subf(diff, e.mulf(e.real(1.0 - smoothing), factor));
      diff = arith::SelectOp::create(e.builder, e.loc, isLabel, less, diff);
      e.storeReal(diff, diffLogits, e.add(diffOffset, k), e.elementOf(last));
      return SmallVector<Value>();
    });
  });
}

} // namespace incept::cuda
