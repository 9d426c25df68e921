// SPDX-License-Identifier: Apache-2.0
//
// Per-channel sums in two stages. `reduce`: a block adds the rows of one chunk, thread by thread, then across its
// threads in shared memory, and writes one row of partial sums; block y is a range of channels. `combine` adds those
// rows and goes on with the sums. `reduce_combine` does both: the last block of a range to finish adds the rows of all
// of them. Atomic accesses tell it that it is the last, and never add a value: the order of additions depends on the
// extents.
#include "codegen/cuda/CudaEmitter.h"
#include "codegen/kernels/CombineBody.h"
#include "codegen/kernels/RowOperands.h"

using namespace mlir;

namespace incept::cuda {

namespace {

class ReduceLoops {
public:
  explicit ReduceLoops(CudaEmitter &emitter)
      : e(emitter), isWhole(e.definition.getFamily() == KernelFamily::ReduceCombine),
        operands(emitter, /*firstStride=*/isWhole ? 4 : 3), late(e.definition.getLateOps()) {}

  LogicalResult emit() {
    if (failed(operands.check()))
      return failure();
    for (auto [index, value] : llvm::enumerate(e.definition.getYield().getValues()))
      if (value.getDefiningOp() && value.getDefiningOp()->hasTrait<OpTrait::Reduce>() &&
          !(isWhole && llvm::is_contained(llvm::make_first_range(sums), value)))
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
    if (isWhole && succeeded(result))
      e.ifThen(e.isLastOfRange(), [&] { combine(); });
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
        if (succeeded(result) && !late.contains(&op))
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
    threads = e.mul(e.threadsX(), e.threadsY());
    thread = e.add(e.mul(e.threadY(), e.threadsX()), e.threadX());
    base = e.mul(e.blockY(), columns);
    inRange = e.min(columns, e.sub(channels, base));
    for (auto [k, sum] : llvm::enumerate(sums)) {
      // Each sum begins with the threads that have none of the one before.
      Value used = e.rem(e.mul(columns, e.index(k)), threads);
      Value first = k == 0 ? thread : e.rem(e.sub(e.add(thread, threads), used), threads);
      e.strided(first, inRange, threads, {}, [&, k = k, to = sum.second](Value column, ValueRange) {
        Value from = e.add(column, e.index(k * kBlockThreads * e.width));
        auto total = e.loop(e.index(0), e.threadsY(), 1, ValueRange(e.real(0.0)), [&](Value y, ValueRange carried) {
          Value term = e.loadScalar(memory, e.add(from, e.mul(y, columns)), e.f32());
          return SmallVector<Value>{e.addf(carried[0], term)};
        });
        e.storeScalar(total[0], to, e.add(e.mul(e.blockX(), channels), e.add(base, column)));
        return SmallVector<Value>();
      });
    }
  }

  /// The threads share the channels of the block's range, and the rows of partial sums where there are threads left.
  void combine() {
    e.width = 1;
    CombineBody body(e);
    result = body.check();
    if (failed(result))
      return;
    Value groups = e.div(threads, columns), group = e.div(thread, columns), column = e.rem(thread, columns);
    Value isBusy = arith::AndIOp::create(e.builder, e.loc, e.less(group, groups), e.less(column, inRange));
    Value rows = arith::SelectOp::create(e.builder, e.loc, isBusy, e.blocksX(), e.index(0));
    for (auto [k, total] : llvm::enumerate(addPartials(group, rows, groups, e.add(base, column))))
      e.storeScalar(total, memory, e.add(e.index(k * kBlockThreads), thread));
    e.barrier();
    e.ifThen(e.less(thread, inRange), [&] {
      Values values;
      for (auto [k, sum] : llvm::enumerate(sums)) {
        Value from = e.add(e.index(k * kBlockThreads), thread);
        values[sum.first] =
            e.splat(e.loop(e.index(0), groups, 1, ValueRange(e.real(0.0)), [&](Value g, ValueRange carried) {
              Value term = e.loadScalar(memory, e.add(from, e.mul(g, columns)), e.f32());
              return SmallVector<Value>{e.addf(carried[0], term)};
            })[0]);
      }
      result = body.finish(e.add(base, thread), Lanes(), values);
    });
  }

  /// For each sum the partial sums of channel `at` in rows `from`, `from` + `step`, ..., some at a time.
  SmallVector<Value> addPartials(Value from, Value to, Value step, Value at) {
    constexpr int64_t kInFlight = 8;
    Value ahead = e.mul(step, e.index(kInFlight - 1)), pass = e.mul(step, e.index(kInFlight));
    Value passes = e.ceilDiv(e.max(e.sub(e.sub(to, from), ahead), e.index(0)), pass);
    Value full = e.add(from, e.mul(passes, pass));
    auto addSome = [&](Value row, int64_t count, ValueRange carried) {
      SmallVector<SmallVector<Value>> terms(sums.size());
      for (int64_t i = 0; i < count; ++i)
        for (auto [k, sum] : llvm::enumerate(sums)) {
          Value offset = e.add(e.mul(e.add(row, e.mul(step, e.index(i))), channels), at);
          terms[k].push_back(e.loadScalar(sum.second, offset, e.f32()));
        }
      SmallVector<Value> next(carried);
      for (auto [total, of] : llvm::zip(next, terms))
        for (Value term : of)
          total = e.addf(total, term);
      return next;
    };
    SmallVector<Value> totals(sums.size(), e.real(0.0));
    totals = e.strided(from, full, pass, totals,
                       [&](Value row, ValueRange carried) { return addSome(row, kInFlight, carried); });
    return e.strided(full, to, step, totals, [&](Value row, ValueRange carried) { return addSome(row, 1, carried); });
  }

  CudaEmitter &e;
  bool isWhole;
  RowOperands operands;
  llvm::SetVector<Operation *> late;
  SmallVector<std::pair<Value, Value>> sums; ///< yielded value, address of its partial sums
  Values shared;                             ///< channel vectors and scalars
  Value channels, c, safe;                   ///< `safe`: a channel that may be read by every thread
  Value columns, memory;                     ///< channels of a block, shared memory
  Value threads, thread, base, inRange;      ///< of this block: its first channel, and how many it has
  LogicalResult result = success();
};

} // namespace

LogicalResult emitReduce(CudaEmitter &e) { return ReduceLoops(e).emit(); }
LogicalResult emitReduceCombine(CudaEmitter &e) { return ReduceLoops(e).emit(); }

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

/// A block adds the pixels of an image for a range of channels, in the way of `reduce`.
void emitGlobalAvgPool(GlobalAvgPoolOp, CudaEmitter &e) {
  constexpr int64_t kInFlight = 2;
  Value src = e.operand(0), dst = e.operand(1), n = e.blockX(), y = e.threadY();
  Value pixels = e.extent(1), channels = e.extent(2), srcStride = e.extent(3), dstStride = e.extent(4);
  Value c = e.min(e.channel(), e.sub(channels, e.index(e.width))), step = e.threadsY();
  auto addPixels = [&](Value from, Value to, int64_t count, Value sum) {
    return e.strided(from, to, e.mul(step, e.index(count)), ValueRange(sum), [&](Value at, ValueRange carried) {
      SmallVector<Value> terms;
      for (int64_t i = 0; i < count; ++i) {
        Value pixel = e.add(e.add(e.mul(n, pixels), at), e.mul(step, e.index(i)));
        terms.push_back(e.loadReals(src, e.add(e.mul(pixel, srcStride), c), e.elementOf(0), Lanes()));
      }
      Value next = carried[0];
      for (Value term : terms)
        next = e.addf(next, term);
      return SmallVector<Value>{next};
    })[0];
  };
  Value ahead = e.mul(step, e.index(kInFlight - 1)), pass = e.mul(step, e.index(kInFlight));
  Value passes = e.ceilDiv(e.max(e.sub(e.sub(pixels, y), ahead), e.index(0)), pass);
  Value full = e.add(y, e.mul(passes, pass));
  Value sum = addPixels(full, pixels, 1, addPixels(y, full, kInFlight, e.splatReal(0.0)));
  Value columns = e.mul(e.threadsX(), e.index(e.width)), memory = e.shared(kBlockThreads * e.width, e.f32());
  e.storeVector(sum, memory, e.add(e.mul(y, columns), e.mul(e.threadX(), e.index(e.width))), Lanes());
  e.barrier();
  Value thread = e.add(e.mul(y, e.threadsX()), e.threadX()), base = e.mul(e.blockY(), columns);
  Value share = e.divf(e.real(1.0), e.toReal(pixels)), inRange = e.min(columns, e.sub(channels, base));
  e.strided(thread, inRange, e.mul(e.threadsX(), step), {}, [&](Value column, ValueRange) {
    Value total = e.loop(e.index(0), step, 1, ValueRange(e.real(0.0)), [&](Value row, ValueRange carried) {
      Value term = e.loadScalar(memory, e.add(e.mul(row, columns), column), e.f32());
      return SmallVector<Value>{e.addf(carried[0], term)};
    })[0];
    e.storeReal(e.mulf(total, share), dst, e.add(e.mul(n, dstStride), e.add(base, column)), e.elementOf(1));
    return SmallVector<Value>();
  });
}

} // namespace incept::cuda
