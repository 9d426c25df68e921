// SPDX-License-Identifier: Apache-2.0
//
// Per-channel sums: map ops followed by reductions, chunk by chunk, and the kernel that adds the chunks' partial sums
// and goes on with them. Rows are read in memory order, four at a time, and added pairwise; the sums lie in the partial
// row, which stays in the first-level cache. The order of additions depends on the extents alone. Counting what is not
// finite is such a sum too.
#include "codegen/cpu/CpuEmitter.h"
#include "codegen/kernels/CombineBody.h"
#include "codegen/kernels/RowOperands.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/LaunchShape.h"

using namespace mlir;

namespace incept::cpu {

namespace {

class ReduceLoops {
public:
  explicit ReduceLoops(CpuEmitter &emitter) : e(emitter), operands(emitter, /*firstStride=*/3) {}

  LogicalResult emit() {
    if (failed(operands.check()))
      return failure();
    for (auto [index, value] : llvm::enumerate(e.definition.getYield().getValues()))
      if (value.getDefiningOp() && value.getDefiningOp()->hasTrait<OpTrait::Reduce>())
        sums.push_back({value, operands.output(index)});
    Value rows = e.extent(0), chunk = e.extent(2);
    channels = e.extent(1);
    ahead = e.rowsAhead(channels);
    e.loop(e.begin, e.end, 1, [&](Value part) {
      partial = e.mul(part, channels);
      Value first = e.mul(part, chunk), last = e.min(e.add(first, chunk), rows);
      e.vectors(channels, [&](Value c, Lanes lanes) {
        for (auto &[value, base] : sums)
          e.storeVector(e.splatReal(0.0), base, e.add(partial, c), lanes);
      });
      Value full = e.sub(last, e.rem(e.sub(last, first), e.index(kRows)));
      emitRows(first, full, kRows);
      emitRows(full, last, 1);
    });
    return result;
  }

private:
  static constexpr int64_t kRows = 4;

  /// Rows [from, to) in groups of `count`.
  void emitRows(Value from, Value to, int64_t count) {
    e.loop(from, to, count,
           [&](Value row) { e.vectors(channels, [&](Value c, Lanes lanes) { emitGroup(row, count, c, lanes); }); });
  }

  void emitGroup(Value row, int64_t count, Value c, Lanes lanes) {
    Values shared;
    operands.loadChannels(c, lanes, shared);
    SmallVector<SmallVector<Value>> terms(sums.size());
    for (int64_t i = 0; i < count && succeeded(result); ++i) {
      Values values = shared;
      Value at = e.add(row, e.index(i));
      operands.prefetch(e.add(at, ahead), c);
      operands.load(at, c, lanes, values);
      for (Operation &op : e.body().without_terminator())
        if (succeeded(result))
          result = emitOp(e, &op, values);
      if (failed(result))
        return;
      operands.store(at, c, lanes, values);
      for (auto [index, sum] : llvm::enumerate(sums))
        terms[index].push_back(values.lookup(sum.first));
    }
    for (auto [list, sum] : llvm::zip(terms, sums)) {
      Value offset = e.add(partial, c);
      Value old = e.loadVector(sum.second, offset, e.f32(), lanes);
      e.storeVector(e.addf(old, pairwise(list)), sum.second, offset, lanes);
    }
  }

  Value pairwise(ArrayRef<Value> values) {
    if (values.size() == 1)
      return values.front();
    size_t half = values.size() / 2;
    return e.addf(pairwise(values.take_front(half)), pairwise(values.drop_front(half)));
  }

  CpuEmitter &e;
  RowOperands operands;
  SmallVector<std::pair<Value, Value>> sums; ///< yielded value, address of its partial sums
  Value channels, ahead, partial;            ///< `partial`: first element of the current row of partial sums
  LogicalResult result = success();
};

} // namespace

LogicalResult emitReduce(CpuEmitter &e) { return ReduceLoops(e).emit(); }

/// Writes for each part of the tensor the sum of term(value), which takes a vector or a scalar.
static void emitTotal(CpuEmitter &e, function_ref<Value(Value)> term) {
  Value src = e.operand(0), partials = e.operand(1), total = e.extent(0), chunk = e.extent(1);
  Type element = e.elementOf(0);
  e.loop(e.begin, e.end, 1, [&](Value part) {
    Value from = e.mul(part, chunk), to = e.min(e.add(from, chunk), total);
    Value full = e.sub(to, e.rem(e.sub(to, from), e.index(e.width)));
    auto lanes = e.loop(from, full, e.width, ValueRange(e.splatReal(0.0)), [&](Value i, ValueRange sums) {
      return SmallVector<Value>{e.addf(sums[0], term(e.loadReals(src, i, element, Lanes())))};
    });
    Value sum = vector::ReductionOp::create(e.builder, e.loc, vector::CombiningKind::ADD, lanes[0]);
    auto rest = e.loop(full, to, 1, ValueRange(sum), [&](Value i, ValueRange sums) {
      return SmallVector<Value>{e.addf(sums[0], term(e.loadReal(src, i, element)))};
    });
    e.storeScalar(rest[0], partials, part);
  });
}

void emitCountNonfinite(CountNonfiniteOp, CpuEmitter &e) {
  emitTotal(e, [&](Value value) { return isNonfinite(e, value); });
}

void emitSumSquares(SumSquaresOp, CpuEmitter &e) {
  emitTotal(e, [&](Value value) { return e.mulf(value, value); });
}

LogicalResult emitCombine(CpuEmitter &e) {
  CombineBody body(e);
  if (failed(body.check()))
    return failure();
  Value count = e.extent(0), channels = e.extent(1);
  Value from = e.mul(e.begin, e.index(kCombineUnit)), to = e.min(e.mul(e.end, e.index(kCombineUnit)), channels);
  LogicalResult result = success();
  e.vectorsBetween(e.min(from, to), to, [&](Value c, Lanes lanes) {
    Values values;
    for (const CombineBody::Sum &sum : body.sums())
      values[sum.value] =
          e.loop(e.index(0), count, 1, ValueRange(e.splatReal(0.0)), [&](Value row, ValueRange carried) {
            Value value = e.loadVector(sum.partials, e.add(e.mul(row, channels), c), e.f32(), lanes);
            return SmallVector<Value>{e.addf(carried[0], value)};
          })[0];
    if (succeeded(result))
      result = body.finish(c, lanes, values);
  });
  return result;
}

LogicalResult emitReduceCombine(CpuEmitter &e) {
  return e.definition.emitOpError() << "expected sums of rows and of partial sums in two kernels on this target";
}

} // namespace incept::cpu
