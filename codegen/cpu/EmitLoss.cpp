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

/// Up to so many vectors of classes a row has a lane of its own.
constexpr int64_t kFewClasses = 4;

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

/// Some rows of few classes, each in a lane of its own; those from `end` on are the last one, and count nothing.
class LogitsLanes {
public:
  LogitsLanes(CpuEmitter &emitter, Value base, Value first, Value end, Value stride, Value classes)
      : e(emitter), base(base), classes(classes) {
    for (int64_t lane = 0; lane < e.width; ++lane) {
      Value row = e.add(first, e.index(lane));
      isRow.push_back(e.less(row, end));
      rows.push_back(e.min(row, e.sub(end, e.index(1))));
      offsets.push_back(e.mul(rows.back(), stride));
    }
  }

  Value largest() {
    return overClasses(-std::numeric_limits<double>::infinity(), [&](Value carried, Value logits) -> Value {
      return arith::MaximumFOp::create(e.builder, e.loc, carried, logits);
    });
  }
  Value sumOfExp(Value shift) {
    return overClasses(0.0, [&](Value carried, Value logits) {
      return e.addf(carried, math::ExpOp::create(e.builder, e.loc, e.subf(logits, shift)));
    });
  }
  Value sumOfDifferences(Value shift) {
    return overClasses(0.0, [&](Value carried, Value logits) { return e.addf(carried, e.subf(logits, shift)); });
  }

  /// The logits of the labels, and which rows count.
  template <typename OpTy>
  std::pair<Value, Value> labelled(OpTy op, Value batch) {
    SmallVector<Value> correct, counts;
    for (int64_t lane = 0; lane < e.width; ++lane) {
      RowLabel label = loadLabel(op, e, rows[lane], batch, classes);
      correct.push_back(e.loadScalar(base, e.add(offsets[lane], label.index), e.f32()));
      Value one = unlessIgnored(e, label, e.real(1.0), e.real(0.0));
      counts.push_back(arith::SelectOp::create(e.builder, e.loc, isRow[lane], one, e.real(0.0)));
    }
    return {together(correct), e.isNotZero(together(counts))};
  }

private:
  Value overClasses(double init, llvm::function_ref<Value(Value, Value)> combine) {
    return e.loop(e.index(0), classes, 1, ValueRange(e.splatReal(init)), [&](Value k, ValueRange carried) {
      SmallVector<Value> logits;
      for (Value offset : offsets)
        logits.push_back(e.loadScalar(base, e.add(offset, k), e.f32()));
      return SmallVector<Value>{combine(carried[0], together(logits))};
    })[0];
  }

  Value together(ArrayRef<Value> scalars) {
    return vector::FromElementsOp::create(e.builder, e.loc, e.vectorOf(e.f32()), scalars);
  }

  CpuEmitter &e;
  Value base, classes;
  SmallVector<Value> isRow, rows, offsets;
};

} // namespace

void emitSoftmaxCrossEntropy(SoftmaxCrossEntropyOp op, CpuEmitter &e) {
  double smoothing = op.getLabelSmoothing().convertToDouble();
  Value logits = e.operand(0), loss = e.operand(2);
  Value batch = e.extent(0), classes = e.extent(1), chunk = e.extent(2), stride = e.extent(3);
  Type f64 = e.builder.getF64Type();
  VectorType lanesOfF64 = e.vectorOf(f64);
  auto widen = [&](Value value) -> Value {
    Type type = isa<VectorType>(value.getType()) ? Type(lanesOfF64) : f64;
    return arith::ExtFOp::create(e.builder, e.loc, type, value);
  };
  // -sum q log p = log sum exp(x - m) - sum q (x - m), since the q add up to 1: of a row, or of a row in each lane.
  auto lossOf = [&](auto &rows, Value correct, Value count) {
    Value largest = rows.largest();
    Value logSum = math::LogOp::create(e.builder, e.loc, rows.sumOfExp(largest));
    auto real = [&](double value) { return isa<VectorType>(correct.getType()) ? e.splatReal(value) : e.real(value); };
    Value expected = e.mulf(real(1.0 - smoothing), e.subf(correct, largest));
    if (smoothing != 0.0)
      expected = e.addf(expected, e.mulf(real(smoothing), e.divf(rows.sumOfDifferences(largest), count)));
    return widen(e.subf(logSum, expected));
  };
  e.loop(e.begin, e.end, 1, [&](Value part) {
    Value first = e.mul(part, chunk), last = e.min(e.add(first, chunk), batch);
    Value zero = arith::ConstantOp::create(e.builder, e.loc, e.builder.getF64FloatAttr(0.0));
    Value one = arith::ConstantOp::create(e.builder, e.loc, e.builder.getF64FloatAttr(1.0));
    Value zeros = arith::ConstantOp::create(e.builder, e.loc, e.builder.getZeroAttr(lanesOfF64));
    Value ones = arith::ConstantOp::create(e.builder, e.loc, DenseElementsAttr::get(lanesOfF64, 1.0));
    size_t sumCount = op.getCount() ? 2 : 1; // the sum and, where it is not known, the number of rows
    auto addTo = [&](ValueRange carried, ArrayRef<Value> terms) {
      SmallVector<Value> next;
      for (size_t i = 0; i < sumCount; ++i)
        next.push_back(arith::AddFOp::create(e.builder, e.loc, carried[i], terms[i]));
      return next;
    };
    // Of few classes each row is a lane of its own, else each class is.
    Value classCount = e.toReal(classes), isFew = e.less(classes, e.index(kFewClasses * e.width + 1));
    Value few = arith::SelectOp::create(e.builder, e.loc, isFew, last, first);
    auto lanes = e.loop(first, few, e.width, SmallVector<Value>(sumCount, zeros), [&](Value n, ValueRange carried) {
      LogitsLanes rows(e, logits, n, last, stride, classes);
      auto [correct, isTaken] = rows.labelled(op, batch);
      Value own = lossOf(rows, correct, e.splat(classCount));
      auto taken = [&, mask = isTaken](Value value) -> Value {
        return arith::SelectOp::create(e.builder, e.loc, mask, value, zeros);
      };
      return addTo(carried, {taken(own), taken(ones)});
    });
    SmallVector<Value> init;
    for (Value sum : lanes)
      init.push_back(vector::ReductionOp::create(e.builder, e.loc, vector::CombiningKind::ADD, sum));
    auto sums = e.loop(few, last, 1, init, [&](Value n, ValueRange carried) {
      Value offset = e.mul(n, stride);
      RowLabel label = loadLabel(op, e, n, batch, classes);
      LogitsRow row(e, logits, offset, classes);
      Value own = lossOf(row, e.loadScalar(logits, e.add(offset, label.index), e.f32()), classCount);
      return addTo(carried, {unlessIgnored(e, label, own, zero), unlessIgnored(e, label, one, zero)});
    });
    Value rows = widen(e.toReal(batch));
    if (op.getCount()) {
      // Only a launch of one unit knows the number of all rows that count.
      Value isWhole = e.less(batch, e.add(chunk, e.index(1)));
      Value counted = arith::MaximumFOp::create(e.builder, e.loc, sums[1], one);
      rows = arith::SelectOp::create(e.builder, e.loc, isWhole, counted, one);
      e.storeScalar(arith::TruncFOp::create(e.builder, e.loc, e.f32(), sums[1]), e.operand(3), part);
    }
    Value mean = arith::DivFOp::create(e.builder, e.loc, sums[0], rows);
    e.storeScalar(arith::TruncFOp::create(e.builder, e.loc, e.f32(), mean), loss, part);
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
