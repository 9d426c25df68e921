// SPDX-License-Identifier: Apache-2.0
//
// Counts what is not finite: a block one chunk of a tensor, some vectors of each thread in flight. Counts below 2^24
// are exact in f32, so they may be added in any order.
#include "codegen/cuda/CudaEmitter.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace incept::cuda {

namespace {

constexpr int32_t kWarp = 32;
constexpr int64_t kWarps = kBlockThreads / kWarp;

class CountLoops {
public:
  explicit CountLoops(CudaEmitter &emitter) : e(emitter), src(e.operand(0)), element(e.elementOf(0)), x(e.threadX()) {}

  void emit() {
    Value memory = e.shared(kWarps, e.f32());
    Value chunk = e.extent(1), from = e.mul(e.blockX(), chunk), to = e.min(e.add(from, chunk), e.extent(0));
    Value count = e.addf(addLanes(countVectors(from, to)), countTail(from, to));
    for (int32_t mask = kWarp / 2; mask > 0; mask /= 2)
      count = e.addf(count, e.shuffleXor(count, mask));
    e.ifThen(e.less(e.rem(x, e.index(kWarp)), e.index(1)),
             [&] { e.storeScalar(count, memory, e.div(x, e.index(kWarp))); });
    e.barrier();
    e.ifThen(e.less(x, e.index(1)), [&] {
      Value total = e.loadScalar(memory, e.index(0), e.f32());
      for (int64_t warp = 1; warp < kWarps; ++warp)
        total = e.addf(total, e.loadScalar(memory, e.index(warp), e.f32()));
      e.storeScalar(total, e.operand(1), e.blockX());
    });
  }

private:
  static constexpr int64_t kInFlight = 4;

  /// This thread's whole vectors: kInFlight at a time, then those that are left.
  Value countVectors(Value from, Value to) {
    int64_t step = kBlockThreads * e.width;
    Value begin = e.add(from, e.mul(x, e.index(e.width)));
    // Groups begin at the i with i + (kInFlight - 1) * step + width <= to.
    Value last = e.sub(to, e.index((kInFlight - 1) * step + e.width - 1));
    Value groups = e.ceilDiv(e.max(e.sub(last, begin), e.index(0)), e.index(step * kInFlight));
    Value full = e.add(begin, e.mul(groups, e.index(step * kInFlight)));
    Value counts = countStrided(begin, full, step, kInFlight, e.splatReal(0.0));
    return countStrided(full, e.sub(to, e.index(e.width - 1)), step, 1, counts);
  }

  Value countStrided(Value from, Value to, int64_t step, int64_t vectors, Value counts) {
    return e.strided(from, to, e.index(step * vectors), ValueRange(counts), [&](Value i, ValueRange carried) {
      SmallVector<Value> values;
      for (int64_t u = 0; u < vectors; ++u)
        values.push_back(e.loadReals(src, e.add(i, e.index(u * step)), element, Lanes()));
      Value sum = carried[0];
      for (Value value : values)
        sum = e.addf(sum, isNonfinite(e, value));
      return SmallVector<Value>{sum};
    })[0];
  }

  Value addLanes(Value vector) {
    Value sum = vector::ExtractOp::create(e.builder, e.loc, vector, 0);
    for (int64_t lane = 1; lane < e.width; ++lane)
      sum = e.addf(sum, vector::ExtractOp::create(e.builder, e.loc, vector, lane));
    return sum;
  }

  /// The elements after the last whole vector of the chunk, fewer than a vector: one for each of the first threads.
  Value countTail(Value from, Value to) {
    Value rest = e.sub(to, e.rem(e.sub(to, from), e.index(e.width)));
    return e.strided(e.add(rest, x), to, e.index(kBlockThreads), ValueRange(e.real(0.0)),
                     [&](Value i, ValueRange carried) {
                       Value bad = isNonfinite(e, e.loadReal(src, i, element));
                       return SmallVector<Value>{e.addf(carried[0], bad)};
                     })[0];
  }

  CudaEmitter &e;
  Value src;
  Type element;
  Value x;
};

} // namespace

void emitCountNonfinite(CountNonfiniteOp, CudaEmitter &e) { CountLoops(e).emit(); }

} // namespace incept::cuda
