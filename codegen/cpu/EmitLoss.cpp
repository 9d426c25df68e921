// SPDX-License-Identifier: Apache-2.0
//
// Softmax cross entropy with label smoothing and its gradient.
#include "codegen/cpu/CpuEmitter.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace incept::cpu {

namespace {

/// Passes over one row of logits. Sums run lane by lane and are added across lanes at the end.
class LogitsRow {
public:
  LogitsRow(CpuEmitter &emitter, Value base, Value offset, Value classes)
      : e(emitter), base(base), offset(offset), classes(classes) {}

  /// The largest logit (NaN where one is).
  Value largest() {
    Value low = e.splatReal(-std::numeric_limits<double>::infinity());
    Value best = reduce(low, low, [&](Value carried, Value logits) {
      return arith::MaximumFOp::create(e.builder, e.loc, carried, logits);
    });
    return acrossLanes(vector::CombiningKind::MAXIMUMF, best);
  }

  /// Sum of exp(logit - shift).
  Value sumOfExp(Value shift) {
    Value minus = e.splat(shift);
    Value zero = e.splatReal(0.0);
    Value sum = reduce(zero, e.splatReal(-std::numeric_limits<double>::infinity()), [&](Value carried, Value logits) {
      return e.addf(carried, math::ExpOp::create(e.builder, e.loc, e.subf(logits, minus)));
    });
    return acrossLanes(vector::CombiningKind::ADD, sum);
  }

  /// Sum of the logits minus `shift`.
  Value sumOfDifferences(Value shift) {
    Value minus = e.splat(shift);
    Value sum = reduce(e.splatReal(0.0), minus,
                       [&](Value carried, Value logits) { return e.addf(carried, e.subf(logits, minus)); });
    return acrossLanes(vector::CombiningKind::ADD, sum);
  }

private:
  /// Folds vectors of logits; lanes beyond the row read as `neutral`.
  Value reduce(Value init, Value neutral, llvm::function_ref<Value(Value, Value)> combine) {
    Value full = e.sub(classes, e.rem(classes, e.index(e.width)));
    auto carried = e.loop(e.index(0), full, e.width, ValueRange(init), [&](Value k, ValueRange values) {
      return SmallVector<Value>{combine(values[0], e.loadVector(base, e.add(offset, k), e.f32(), {}))};
    });
    // The rest of the row, one class at a time in the first lane.
    auto rest = e.loop(full, classes, 1, ValueRange(carried[0]), [&](Value k, ValueRange values) {
      Value one = e.loadScalar(base, e.add(offset, k), e.f32());
      Value lanes = vector::InsertOp::create(e.builder, e.loc, one, neutral, ArrayRef<int64_t>{0});
      return SmallVector<Value>{combine(values[0], lanes)};
    });
    return rest[0];
  }

  Value acrossLanes(vector::CombiningKind kind, Value value) {
    return vector::ReductionOp::create(e.builder, e.loc, kind, value);
  }

  CpuEmitter &e;
  Value base, offset, classes;
};

/// The label of row `n` of `batch`.
template <typename OpTy>
Value loadLabel(OpTy op, CpuEmitter &e, Value n, Value batch, Value classes) {
  Value row = op.getReversed() ? e.sub(e.sub(batch, e.index(1)), n) : n;
  Value label = e.loadScalar(e.operand(1), row, e.builder.getI64Type());
  // The runtime checks labels; a damaged one must still not read outside the row.
  return e.max(e.min(label, e.sub(classes, e.index(1))), e.index(0));
}

} // namespace

void emitSoftmaxCrossEntropy(SoftmaxCrossEntropyOp op, CpuEmitter &e) {
  double smoothing = op.getLabelSmoothing().convertToDouble();
  Value logits = e.operand(0), loss = e.operand(2);
  Value batch = e.extent(0), classes = e.extent(1), stride = e.extent(2);
  Type f64 = e.builder.getF64Type();
  auto widen = [&](Value value) -> Value { return arith::ExtFOp::create(e.builder, e.loc, f64, value); };
  e.loop(e.begin, e.end, 1, [&](Value) {
    Value zero = arith::ConstantOp::create(e.builder, e.loc, e.builder.getF64FloatAttr(0.0));
    auto sum = e.loop(e.index(0), batch, 1, ValueRange(zero), [&](Value n, ValueRange carried) {
      Value offset = e.mul(n, stride);
      LogitsRow row(e, logits, offset, classes);
      Value largest = row.largest();
      Value logSum = math::LogOp::create(e.builder, e.loc, row.sumOfExp(largest));
      Value correct = e.loadScalar(logits, e.add(offset, loadLabel(op, e, n, batch, classes)), e.f32());
      // -sum q log p = log sum exp(x - m) - sum q (x - m), since the q add up to 1.
      Value expected = e.mulf(e.real(1.0 - smoothing), e.subf(correct, largest));
      if (smoothing != 0.0) {
        Value mean = e.divf(row.sumOfDifferences(largest), e.toReal(classes));
        expected = e.addf(expected, e.mulf(e.real(smoothing), mean));
      }
      return SmallVector<Value>{arith::AddFOp::create(e.builder, e.loc, carried[0], widen(e.subf(logSum, expected)))};
    });
    Value mean = arith::DivFOp::create(e.builder, e.loc, sum[0], widen(e.toReal(batch)));
    e.storeScalar(arith::TruncFOp::create(e.builder, e.loc, e.f32(), mean), loss, e.index(0));
  });
}

void emitSoftmaxCrossEntropyBackward(SoftmaxCrossEntropyBackwardOp op, CpuEmitter &e) {
  double smoothing = op.getLabelSmoothing().convertToDouble(), weight = op.getWeight().convertToDouble();
  unsigned last = op->getNumOperands(); // after logits, labels and the scale, where there is one
  Value logits = e.operand(0), diffLogits = e.operand(last);
  Value batch = e.extent(0), classes = e.extent(1), stride = e.extent(2), diffStride = e.extent(3);
  Value factor = e.divf(e.real(weight), e.toReal(batch));
  if (op.getScale())
    factor = e.mulf(factor, e.loadScalar(e.operand(2), e.index(0), e.f32()));
  Value spread = e.divf(e.real(smoothing), e.toReal(classes));
  Type element = e.elementOf(last);
  e.loop(e.begin, e.end, 1, [&](Value n) {
    Value offset = e.mul(n, stride), diffOffset = e.mul(n, diffStride);
    LogitsRow row(e, logits, offset, classes);
    Value largest = row.largest();
    Value sum = row.sumOfExp(largest);
    auto probability = [&](Value x, Value shift, Value total) {
      return e.divf(math::ExpOp::create(e.builder, e.loc, e.subf(x, shift)), total);
    };
    Value shifts = e.splat(largest), sums = e.splat(sum), spreads = e.splat(spread), factors = e.splat(factor);
    e.vectors(classes, [&](Value k, Lanes lanes) {
      Value p = probability(e.loadVector(logits, e.add(offset, k), e.f32(), lanes), shifts, sums);
      e.storeReals(e.mulf(e.subf(p, spreads), factors), diffLogits, e.add(diffOffset, k), element, lanes);
    });
    // The label's own class once more, so that it is rounded once.
    Value label = loadLabel(op, e, n, batch, classes);
    Value p = probability(e.loadScalar(logits, e.add(offset, label), e.f32()), largest, sum);
    Value diff = e.mulf(e.subf(p, spread), factor);
    e.storeReal(e.subf(diff, e.mulf(e.real(1.0 - smoothing), factor)), diffLogits, e.add(diffOffset, label), element);
  });
}

} // namespace incept::cpu
