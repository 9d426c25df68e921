// SPDX-License-Identifier: Apache-2.0
//
// Softmax cross entropy with label smoothing and its gradient.
#include "codegen/cpu/CpuEmitter.h"
#include "codegen/kernels/RowLabel.h"
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

} // namespace

void emitSoftmaxCrossEntropy(SoftmaxCrossEntropyOp op, CpuEmitter &e) {
  double smoothing = op.getLabelSmoothing().convertToDouble();
  Value logits = e.operand(0), loss = e.operand(2);
  Value batch = e.extent(0), classes = e.extent(1), stride = e.extent(2);
  Type f64 = e.builder.getF64Type();
  auto widen = [&](Value value) -> Value { return arith::ExtFOp::create(e.builder, e.loc, f64, value); };
  e.loop(e.begin, e.end, 1, [&](Value) {
    Value zero = arith::ConstantOp::create(e.builder, e.loc, e.builder.getF64FloatAttr(0.0));
    Value one = arith::ConstantOp::create(e.builder, e.loc, e.builder.getF64FloatAttr(1.0));
    SmallVector<Value> init(op.getCount() ? 2 : 1, zero); // the sum and, where it is not known, the number of rows
    auto sums = e.loop(e.index(0), batch, 1, init, [&](Value n, ValueRange carried) {
      Value offset = e.mul(n, stride);
      RowLabel label = loadLabel(op, e, n, batch, classes);
      LogitsRow row(e, logits, offset, classes);
      Value largest = row.largest();
      Value logSum = math::LogOp::create(e.builder, e.loc, row.sumOfExp(largest));
      Value correct = e.loadScalar(logits, e.add(offset, label.index), e.f32());
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
    Value rows = widen(e.toReal(batch));
    if (op.getCount()) {
      rows = arith::MaximumFOp::create(e.builder, e.loc, sums[1], one);
      e.storeScalar(arith::TruncFOp::create(e.builder, e.loc, e.f32(), sums[1]), e.operand(3), e.index(0));
    }
    Value mean = arith::DivFOp::create(e.builder, e.loc, sums[0], rows);
    e.storeScalar(arith::TruncFOp::create(e.builder, e.loc, e.f32(), mean), loss, e.index(0));
  });
}

void emitSoftmaxCrossEntropyBackward(SoftmaxCrossEntropyBackwardOp op, CpuEmitter &e) {
  double smoothing = op.getLabelSmoothing().convertToDouble(), weight = op.getWeight().convertToDouble();
  unsigned last = op->getNumOperands(); // after logits, labels and, where there are such, count and scale
  Value logits = e.operand(0), diffLogits = e.operand(last);
  Value batch = e.extent(0), classes = e.extent(1), stride = e.extent(2), diffStride = e.extent(3);
  Value factor = e.divf(e.real(weight), countRows(op, e, batch));
  if (op.getScale())
    factor = e.mulf(factor, e.loadScalar(e.operand(last - 1), e.index(0), e.f32()));
  Value spread = e.divf(e.real(smoothing), e.toReal(classes));
  Type element = e.elementOf(last);
  e.loop(e.begin, e.end, 1, [&](Value n) {
    Value offset = e.mul(n, stride), diffOffset = e.mul(n, diffStride);
    LogitsRow row(e, logits, offset, classes);
    RowLabel label = loadLabel(op, e, n, batch, classes);
    Value largest = row.largest();
    Value sum = row.sumOfExp(largest);
    auto probability = [&](Value x, Value shift, Value total) {
      return e.divf(math::ExpOp::create(e.builder, e.loc, e.subf(x, shift)), total);
    };
    Value shifts = e.splat(largest), sums = e.splat(sum), spreads = e.splat(spread), factors = e.splat(factor);
    e.vectors(classes, [&](Value k, Lanes lanes) {
      Value p = probability(e.loadVector(logits, e.add(offset, k), e.f32(), lanes), shifts, sums);
      Value diff = unlessIgnored(e, label, e.mulf(e.subf(p, spreads), factors), e.splatReal(0.0));
      e.storeReals(diff, diffLogits, e.add(diffOffset, k), element, lanes);
    });
    // The label's own class once more, so that it is rounded once.
    Value p = probability(e.loadScalar(logits, e.add(offset, label.index), e.f32()), largest, sum);
    Value diff = e.mulf(e.subf(p, spread), factor);
    diff = unlessIgnored(e, label, e.subf(diff, e.mulf(e.real(1.0 - smoothing), factor)), e.real(0.0));
    e.storeReal(diff, diffLogits, e.add(diffOffset, label.index), element);
  });
}

} // namespace incept::cpu
