// SPDX-License-Identifier: Apache-2.0
//
// Elementwise kernels: the families `flat`, `map` and `reorder`. A thread reads all its vectors before it writes the
// first, so that their loads are in flight together.
#include "codegen/cuda/CudaEmitter.h"
#include "codegen/kernels/RowOperands.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace incept::cuda {

namespace {

/// The ops of a body on vectors that have been read.
class Body {
public:
  explicit Body(CudaEmitter &emitter) : e(emitter) {}

  /// The count of each op that has one, from extent `next` on.
  void loadCounts(unsigned next) {
    for (Operation &op : e.body())
      if (isa<CountedOpInterface>(op))
        counts[&op] = e.toReal(e.extent(next++));
  }

  /// `known`: values hold the results of these ops already.
  void compute(Values &values, ArrayRef<BatchNormFinalizeOp> known = {}) {
    for (Operation &op : e.body().without_terminator()) {
      if (llvm::is_contained(known, dyn_cast<BatchNormFinalizeOp>(op)))
        continue;
      Value count = counts.lookup(&op);
      if (succeeded(result))
        result = emitOp(e, &op, values, count ? e.splat(count) : Value());
    }
  }

  LogicalResult result = success();

private:
  CudaEmitter &e;
  llvm::DenseMap<Operation *, Value> counts;
};

/// What a kernel over rows computes of channels as a whole, before it goes over rows: batch norm's statistics from the
/// sums that a convolution gave. All blocks of a range of channels do it, the first one writes them. All threads of a
/// block take part: they meet at a barrier.
class Statistics {
public:
  Statistics(CudaEmitter &emitter, RowOperands &operands) : e(emitter), operands(operands) {
    for (Operation &op : e.body())
      if (auto finalize = dyn_cast<BatchNormFinalizeOp>(op))
        found.push_back(finalize);
  }

  ArrayRef<BatchNormFinalizeOp> ops() const { return found; }

  /// For the vector of channels from `c` on, of which `shared` has what is read of them. Threads that are not `inside`
  /// have another one's channels.
  LogicalResult emit(Value c, Value inside, Values &shared) {
    if (found.empty())
      return success();
    count = e.splat(e.toReal(e.extent(0)));
    SmallVector<Values> inputs(found.size(), shared);
    for (auto [op, values] : llvm::zip(found, inputs)) {
      takeLost(op, c, values);
      Values results = values;
      if (failed(emitOp(e, op, results, count)))
        return failure();
      for (Value result : op->getResults())
        shared[result] = results.lookup(result);
    }
    LogicalResult result = success();
    auto both = [&](Value a, Value b) -> Value { return arith::AndIOp::create(e.builder, e.loc, a, b); };
    Value isFirst = both(e.less(e.blockX(), e.index(1)), e.less(e.threadY(), e.index(1)));
    e.ifThen(both(isFirst, inside), [&] {
      Values all;
      for (auto [op, values] : llvm::zip(found, inputs)) {
        operands.loadReplaced(c, values);
        if (succeeded(result))
          result = emitOp(e, op, values, count);
        for (Value given : op->getResults())
          all[given] = values.lookup(given);
      }
      operands.storeVectors(c, all);
    });
    return result;
  }

private:
  /// Where sums lose a channel's variance, takes those of differences to the first pixel. The threads of a block that
  /// have the same channels share the rows, and each block reads all of them, which is slow; it is rare.
  void takeLost(BatchNormFinalizeOp op, Value c, Values &values) {
    Value sum = values.lookup(op.getSum()), squares = values.lookup(op.getSumSquares());
    Value mean = e.divf(sum, count), square = e.mulf(mean, mean);
    Value variance = e.maxKeepingNan(e.subf(e.divf(squares, count), square), e.splatReal(0.0));
    Value most = e.mulf(e.addf(variance, e.splatReal(op.getEpsilon().convertToDouble())),
                        e.splatReal(BatchNormFinalizeOp::kMostSquare));
    Value isLost = anyLane(arith::CmpFOp::create(e.builder, e.loc, arith::CmpFPredicate::OGT, square, most));
    Value first = operands.loadRow(op.getSrc(), e.index(0), c);
    SmallVector<Value> sums =
        addRows(op, c, first, arith::SelectOp::create(e.builder, e.loc, isLost, e.extent(0), e.index(0)));
    sums = addThreads(isLost, sums);
    auto choose = [&](Value taken, Value otherwise) -> Value {
      return arith::SelectOp::create(e.builder, e.loc, isLost, taken, otherwise);
    };
    values[op.getSum()] = choose(sums[0], sum);
    values[op.getSumSquares()] = choose(sums[1], squares);
    values[op.getSrc()] = choose(first, e.splatReal(0.0));
  }

  /// The sums of differences to `first` and of their squares, of this thread's part of `rows`.
  SmallVector<Value> addRows(BatchNormFinalizeOp op, Value c, Value first, Value rows) {
    constexpr int64_t kInFlight = 8;
    Value step = e.threadsY(), group = e.mul(step, e.index(kInFlight));
    Value full = e.sub(rows, e.rem(rows, group));
    // Terms that are read together are added up by themselves: fewer of them meet a large sum.
    auto add = [&](Value row, int64_t some, ValueRange carried) {
      SmallVector<Value> terms;
      for (int64_t i = 0; i < some; ++i)
        terms.push_back(operands.loadRow(op.getSrc(), e.add(row, e.mul(step, e.index(i))), c));
      SmallVector<Value> part(2, e.splatReal(0.0));
      for (Value term : terms) {
        Value difference = e.subf(term, first);
        part = {e.addf(part[0], difference), e.fma(difference, difference, part[1])};
      }
      return SmallVector<Value>{e.addf(carried[0], part[0]), e.addf(carried[1], part[1])};
    };
    SmallVector<Value> sums(2, e.splatReal(0.0));
    sums = e.strided(e.threadY(), full, group, sums,
                     [&](Value row, ValueRange carried) { return add(row, kInFlight, carried); });
    return e.strided(e.add(full, e.threadY()), rows, step, sums,
                     [&](Value row, ValueRange carried) { return add(row, 1, carried); });
  }

  /// The sums of a block's threads with the same channels, in their order. Those whose channels are not lost have none.
  SmallVector<Value> addThreads(Value isLost, ArrayRef<Value> sums) {
    int64_t apart = kBlockThreads * e.width; // row y of sum k lies at k * apart + y * columns
    Value memory = e.shared(sums.size() * apart, e.f32());
    Value columns = e.mul(e.threadsX(), e.index(e.width)), column = e.mul(e.threadX(), e.index(e.width));
    if (isFilled) // another op's sums have been read
      e.barrier();
    isFilled = true;
    e.ifThen(isLost, [&] {
      for (auto [k, sum] : llvm::enumerate(sums))
        e.storeVector(sum, memory, e.add(e.add(column, e.mul(e.threadY(), columns)), e.index(k * apart)), Lanes());
    });
    e.barrier();
    Value lines = arith::SelectOp::create(e.builder, e.loc, isLost, e.threadsY(), e.index(0));
    SmallVector<Value> none(sums.size(), e.splatReal(0.0));
    return e.loop(e.index(0), lines, 1, none, [&](Value y, ValueRange carried) {
      SmallVector<Value> next;
      for (auto [k, total] : llvm::enumerate(carried)) {
        Value at = e.add(e.add(column, e.mul(y, columns)), e.index(k * apart));
        next.push_back(e.addf(total, e.loadVector(memory, at, e.f32(), Lanes())));
      }
      return next;
    });
  }

  Value anyLane(Value lanes) {
    Value result = vector::ExtractOp::create(e.builder, e.loc, lanes, 0);
    for (int64_t lane = 1; lane < e.width; ++lane)
      result = arith::OrIOp::create(e.builder, e.loc, result, vector::ExtractOp::create(e.builder, e.loc, lanes, lane));
    return result;
  }

  CudaEmitter &e;
  RowOperands &operands;
  SmallVector<BatchNormFinalizeOp, 1> found;
  Value count;
  bool isFilled = false; ///< the shared memory
};

} // namespace

LogicalResult emitFlat(CudaEmitter &e) {
  RowOperands operands(e, /*firstStride=*/-1);
  if (failed(operands.check()))
    return failure();
  Body body(e);
  body.loadCounts(1);
  Value total = e.extent(0);
  int64_t width = e.width, inFlight = vectorsInFlight(e.definition, width), perPass = kBlockThreads * width;
  Value blockBegin = e.mul(e.blockX(), e.index(perPass * inFlight));
  Value blockEnd = e.add(blockBegin, e.index(perPass * inFlight));
  Value thread = e.threadX();
  e.ifElse(
      e.less(total, blockEnd),
      [&] { // the last block: element by element
        e.width = 1;
        e.strided(e.add(blockBegin, thread), total, e.index(kBlockThreads), {}, [&](Value i, ValueRange) {
          Values values;
          operands.loadFlat(i, Lanes(), values);
          body.compute(values);
          if (succeeded(body.result))
            operands.storeFlat(i, Lanes(), values);
          return SmallVector<Value>();
        });
        e.width = width;
      },
      [&] {
        SmallVector<Value> at;
        SmallVector<Values> values(inFlight);
        for (int64_t u = 0; u < inFlight; ++u) {
          at.push_back(e.add(e.add(blockBegin, e.index(u * perPass)), e.mul(thread, e.index(width))));
          operands.loadFlat(at[u], Lanes(), values[u]);
        }
        for (int64_t u = 0; u < inFlight; ++u)
          body.compute(values[u]);
        for (int64_t u = 0; u < inFlight && succeeded(body.result); ++u)
          operands.storeFlat(at[u], Lanes(), values[u]);
      });
  return body.result;
}

LogicalResult emitMap(CudaEmitter &e) {
  RowOperands operands(e, /*firstStride=*/2, /*writesVectors=*/true);
  if (failed(operands.check()))
    return failure();
  Body body(e);
  Statistics statistics(e, operands);
  Value rows = e.extent(0), channels = e.extent(1), c = e.channel(), step = e.threadsY();
  int64_t inFlight = vectorsInFlight(e.definition, e.width);
  Value inside = e.less(c, channels);
  Values shared;
  if (!statistics.ops().empty()) {
    c = e.min(c, e.sub(channels, e.index(e.width)));
    operands.loadChannels(c, Lanes(), shared);
    body.result = statistics.emit(c, inside, shared);
  }
  if (givesVectorsOnly(e.definition))
    return body.result;
  e.ifThen(inside, [&] {
    if (statistics.ops().empty())
      operands.loadChannels(c, Lanes(), shared);
    SmallVector<Value> at = {e.add(e.mul(e.blockX(), e.mul(step, e.index(inFlight))), e.threadY())};
    while (int64_t(at.size()) < inFlight)
      at.push_back(e.add(at.back(), step));
    auto finish = [&](Value row, Values &values) {
      body.compute(values, statistics.ops());
      if (succeeded(body.result))
        operands.store(row, c, Lanes(), values);
    };
    e.ifElse(
        e.less(at.back(), rows),
        [&] {
          SmallVector<Values> values(inFlight, shared);
          for (int64_t u = 0; u < inFlight; ++u)
            operands.load(at[u], c, Lanes(), values[u]);
          for (int64_t u = 0; u < inFlight; ++u)
            finish(at[u], values[u]);
        },
        [&] {
          e.strided(at.front(), rows, step, {}, [&](Value row, ValueRange) {
            Values values = shared;
            operands.load(row, c, Lanes(), values);
            finish(row, values);
            return SmallVector<Value>();
          });
        });
  });
  return body.result;
}

LogicalResult emitReorder(ReorderOp op, CudaEmitter &e) {
  if (!op.getScales())
    return e.definition.emitOpError() << "expected a reorder with scales";
  Value src = e.operand(0), scales = e.operand(1), dst = e.operand(2), row = e.blockX();
  e.vectors(e.extent(1), [&](Value c, Lanes lanes) {
    Value at = e.add(e.mul(row, e.extent(1)), c), scale = e.loadReal(scales, row, e.elementOf(1));
    Value value = e.loadReals(src, at, e.elementOf(0), lanes);
    e.storeReals(e.mulf(value, e.splat(scale)), dst, at, e.elementOf(2), lanes);
  });
  return success();
}

} // namespace incept::cuda
