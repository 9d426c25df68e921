// SPDX-License-Identifier: Apache-2.0
//
// Elementwise kernels: the families `flat`, `map` and `reorder`. A thread reads all its vectors before it writes the
// first, so that their loads are in flight together.
#include "codegen/cuda/CudaEmitter.h"
#include "codegen/kernels/RowOperands.h"

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

  void compute(Values &values) {
    for (Operation &op : e.body().without_terminator()) {
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
  RowOperands operands(e, /*firstStride=*/2);
  if (failed(operands.check()))
    return failure();
  Body body(e);
  Value rows = e.extent(0), channels = e.extent(1), c = e.channel(), step = e.threadsY();
  int64_t inFlight = vectorsInFlight(e.definition, e.width);
  e.ifThen(e.less(c, channels), [&] {
    Values shared;
    operands.loadChannels(c, Lanes(), shared);
    SmallVector<Value> at = {e.add(e.mul(e.blockX(), e.mul(step, e.index(inFlight))), e.threadY())};
    while (int64_t(at.size()) < inFlight)
      at.push_back(e.add(at.back(), step));
    auto finish = [&](Value row, Values &values) {
      body.compute(values);
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
