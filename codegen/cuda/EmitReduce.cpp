// SPDX-License-Identifier: Apache-2.0
//
// Per-channel sums in two stages, without atomics. `reduce`: a block adds the rows of one chunk, thread by thread, then
// across its threads in shared memory, and writes one row of partial sums; block y is a range of channels. `combine`
// adds those rows and goes on with the sums. The order of additions depends on the extents alone.
#include "codegen/cuda/CudaEmitter.h"
#include "codegen/kernels/CombineBody.h"
#include "codegen/kernels/RowOperands.h"

using namespace mlir;

namespace incept::cuda {

namespace {

class ReduceLoops {
public:
  explicit ReduceLoops(CudaEmitter &emitter) : e(emitter), operands(emitter, /*firstStride=*/3) {}

  LogicalResult emit() {
    if (failed(operands.check()))
      return failure();
    for (auto [index, value] : llvm::enumerate(e.definition.getYield().getValues()))
      if (value.getDefiningOp() && value.getDefiningOp()->hasTrait<OpTrait::Reduce>())
        sums.push_back({value, operands.output(index)});
    channels = e.extent(1);
    c = e.channel();
    Value inside = e.less(c, channels);
    Value first = e.mul(e.blockX(), e.extent(2)), last = e.min(e.add(first, e.extent(2)), e.extent(0));
    // Threads beyond the last channel add no rows, but meet the others at the barrier.
    last = arith::SelectOp::create(e.builder, e.loc, inside, last, first);
    safe = e.min(c, e.sub(channels, e.index(e.width)));
    operands.loadChannels(safe, Lanes(), shared);
    writeToShared(addRows(e.add(first, e.threadY()), last));
    e.barrier();
    addThreads();
    return result;
  }

private:
  /// This thread's rows from `from` on, as many at a time as loads should be in flight.
  SmallVector<Value> addRows(Value from, Value to) {
    int64_t inFlight = vectorsInFlight(e.definition, e.width);
    Value step = e.threadsY(), ahead = e.mul(step, e.index(inFlight - 1)), group = e.mul(step, e.index(inFlight));
    // Whole groups begin at the rows r with r + ahead < to.
    Value groups = e.ceilDiv(e.max(e.sub(e.sub(to, from), ahead), e.index(0)), group);
    Value full = e.add(from, e.mul(groups, group));
    SmallVector<Value> carried(sums.size(), e.splatReal(0.0));
    carried = e.strided(from, full, group, carried,
                        [&](Value row, ValueRange values) { return addGroup(row, step, inFlight, values); });
    return e.strided(full, to, step, carried,
                     [&](Value row, ValueRange values) { return addGroup(row, step, 1, values); });
  }

  SmallVector<Value> addGroup(Value row, Value step, int64_t count, ValueRange carried) {
    SmallVector<Values> values(count, shared);
    SmallVector<Value> at = {row};
    for (int64_t u = 0; u < count; ++u) {
      if (u > 0)
        at.push_back(e.add(at.back(), step));
      operands.load(at[u], safe, Lanes(), values[u]);
    }
    SmallVector<Value> next(carried);
    for (int64_t u = 0; u < count; ++u) {
      for (Operation &op : e.body().without_terminator())
        if (succeeded(result))
          result = emitOp(e, &op, values[u]);
      if (failed(result))
        return next;
      operands.store(at[u], safe, Lanes(), values[u]);
      for (auto [sum, total] : llvm::zip(sums, next))
        total = e.addf(total, values[u].lookup(sum.first));
    }
    return next;
  }

  /// Row y of sum k lies at k * kBlockThreads * width + y * columns.
  void writeToShared(ArrayRef<Value> totals) {
    columns = e.mul(e.threadsX(), e.index(e.width));
    memory = e.shared(sums.size() * kBlockThreads * e.width, e.f32());
    Value at = e.add(e.mul(e.threadY(), columns), e.mul(e.threadX(), e.index(e.width)));
    for (auto [k, total] : llvm::enumerate(totals))
      e.storeVector(total, memory, e.add(at, e.index(k * kBlockThreads * e.width)), Lanes());
  }

  void addThreads() {
    Value threads = e.mul(e.threadsX(), e.threadsY());
    Value thread = e.add(e.mul(e.threadY(), e.threadsX()), e.threadX());
    Value base = e.mul(e.blockY(), columns);
    e.strided(thread, e.min(columns, e.sub(channels, base)), threads, {}, [&](Value column, ValueRange) {
      for (auto [index, sum] : llvm::enumerate(sums)) {
        Value from = e.add(column, e.index(index * kBlockThreads * e.width));
        auto total = e.loop(e.index(0), e.threadsY(), 1, ValueRange(e.real(0.0)), [&](Value y, ValueRange carried) {
          Value term = e.loadScalar(memory, e.add(from, e.mul(y, columns)), e.f32());
          return SmallVector<Value>{e.addf(carried[0], term)};
        });
        e.storeScalar(total[0], sum.second, e.add(e.mul(e.blockX(), channels), e.add(base, column)));
      }
      return SmallVector<Value>();
    });
  }

  CudaEmitter &e;
  RowOperands operands;
  SmallVector<std::pair<Value, Value>> sums; ///< yielded value, address of its partial sums
  Values shared;                             ///< channel vectors and scalars
  Value channels, c, safe;                   ///< `safe`: a channel that may be read by every thread
  Value columns, memory;                     ///< channels of this block, shared memory
  LogicalResult result = success();
};

} // namespace

LogicalResult emitReduce(CudaEmitter &e) { return ReduceLoops(e).emit(); }

namespace {

/// Adds partial sums: thread (x, y) of a block the rows y, y + kRows, ... of channel x, then row 0 of threads the rest
/// and what is computed of the sums.
class CombineLoops {
public:
  explicit CombineLoops(CudaEmitter &emitter)
      : e(emitter), combine(emitter), channels(e.extent(1)), x(e.threadX()), y(e.threadY()),
        c(e.add(e.mul(e.blockX(), e.index(kColumns)), x)), isInside(e.less(c, channels)) {}

  LogicalResult emit() {
    if (failed(combine.check()))
      return failure();
    ArrayRef<CombineBody::Sum> sums = combine.sums();
    Value memory = e.shared(sums.size() * kBlockThreads, e.f32());
    for (auto [i, sum] : llvm::enumerate(sums))
      e.storeScalar(addRows(sum.partials), memory, place(i, y));
    e.barrier();
    Value isFirst = e.less(y, e.index(1));
    LogicalResult result = success();
    e.ifThen(arith::AndIOp::create(e.builder, e.loc, isFirst, isInside), [&] {
      Values values;
      for (auto [i, sum] : llvm::enumerate(sums)) {
        Value total = e.loadScalar(memory, place(i, e.index(0)), e.f32());
        for (int64_t row = 1; row < kRows; ++row)
          total = e.addf(total, e.loadScalar(memory, place(i, e.index(row)), e.f32()));
        values[sum.value] = e.splat(total);
      }
      result = combine.finish(c, Lanes(), values);
    });
    return result;
  }

private:
  static constexpr int64_t kColumns = 32, kRows = kBlockThreads / kColumns, kInFlight = 8;

  Value place(unsigned sum, Value row) {
    return e.add(e.index(sum * kBlockThreads), e.add(e.mul(row, e.index(kColumns)), x));
  }

  /// kInFlight rows at a time, then those that are left.
  Value addRows(Value partials) {
    Value rows = arith::SelectOp::create(e.builder, e.loc, isInside, e.extent(0), e.index(0));
    Value ahead = e.index(kRows * (kInFlight - 1)), group = e.index(kRows * kInFlight);
    Value groups = e.ceilDiv(e.max(e.sub(e.sub(rows, y), ahead), e.index(0)), group);
    Value full = e.add(y, e.mul(groups, group));
    return addStrided(partials, full, rows, 1, addStrided(partials, y, full, kInFlight, e.real(0.0)));
  }

  Value addStrided(Value partials, Value from, Value to, int64_t count, Value sum) {
    return e.strided(from, to, e.index(kRows * count), ValueRange(sum), [&](Value row, ValueRange carried) {
      SmallVector<Value> values;
      for (int64_t i = 0; i < count; ++i)
        values.push_back(e.loadScalar(partials, e.add(e.mul(e.add(row, e.index(i * kRows)), channels), c), e.f32()));
      Value next = carried[0];
      for (Value value : values)
        next = e.addf(next, value);
      return SmallVector<Value>{next};
    })[0];
  }

  CudaEmitter &e;
  CombineBody combine;
  Value channels, x, y, c, isInside;
};

} // namespace

LogicalResult emitCombine(CudaEmitter &e) { return CombineLoops(e).emit(); }

} // namespace incept::cuda
