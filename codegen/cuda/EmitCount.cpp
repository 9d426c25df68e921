// SPDX-License-Identifier: Apache-2.0
//
// Sums over all elements, of what is not finite or of squares: a block one chunk of a tensor, some vectors of each
// thread in flight. The order of additions depends on sizes alone.
#include "codegen/cuda/CudaEmitter.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace incept::cuda {

namespace {

constexpr int64_t kWarps = kBlockThreads / kWarp;

/// Adds up term(value), which takes a vector or a scalar.
class TotalLoops {
public:
  TotalLoops(CudaEmitter &emitter, function_ref<Value(Value)> term)
      : e(emitter), term(term), src(e.operand(0)), element(e.elementOf(0)), x(e.threadX()) {}

  void emit() {
    Value memory = e.shared(kWarps, e.f32());
    Value chunk = e.extent(1), from = e.mul(e.blockX(), chunk), to = e.min(e.add(from, chunk), e.extent(0));
    Value sum = e.addf(addLanes(sumVectors(from, to)), sumTail(from, to));
    for (int32_t mask = kWarp / 2; mask > 0; mask /= 2)
      sum = e.addf(sum, e.shuffleXor(sum, mask));
    e.ifThen(e.less(e.rem(x, e.index(kWarp)), e.index(1)),
             [&] { e.storeScalar(sum, memory, e.div(x, e.index(kWarp))); });
    e.barrier();
    e.ifThen(e.less(x, e.index(1)), [&] {
      Value total = e.loadScalar(memory, e.index(0), e.f32());
      for (int64_t warp = 1; warp < kWarps; ++warp)
        total = e.addf(total, e.loadScalar(memory, e.index(warp), e.f32()));
      e.storeScalar(total, e.operand(1), e.blockX());
    });
  }

private:
  static constexpr int64_t kInFlight = kMostInFlight;

  /// This thread's whole vectors: kInFlight at a time, then those that are left.
  Value sumVectors(Value from, Value to) {
    int64_t step = kBlockThreads * e.width;
    Value begin = e.add(from, e.mul(x, e.index(e.width)));
    // Groups begin at the i with i + (kInFlight - 1) * step + width <= to.
    Value last = e.sub(to, e.index((kInFlight - 1) * step + e.width - 1));
    Value groups = e.ceilDiv(e.max(e.sub(last, begin), e.index(0)), e.index(step * kInFlight));
    Value full = e.add(begin, e.mul(groups, e.index(step * kInFlight)));
    Value sums = sumStrided(begin, full, step, kInFlight, e.splatReal(0.0));
    return sumStrided(full, e.sub(to, e.index(e.width - 1)), step, 1, sums);
  }

  Value sumStrided(Value from, Value to, int64_t step, int64_t vectors, Value sums) {
    return e.strided(from, to, e.index(step * vectors), ValueRange(sums), [&](Value i, ValueRange carried) {
      SmallVector<Value> values;
      for (int64_t u = 0; u < vectors; ++u)
        values.push_back(e.loadReals(src, e.add(i, e.index(u * step)), element, Lanes()));
      Value sum = carried[0];
      for (Value value : values)
        sum = e.addf(sum, term(value));
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
  Value sumTail(Value from, Value to) {
    Value rest = e.sub(to, e.rem(e.sub(to, from), e.index(e.width)));
    return e.strided(e.add(rest, x), to, e.index(kBlockThreads), ValueRange(e.real(0.0)),
                     [&](Value i, ValueRange carried) {
                       return SmallVector<Value>{e.addf(carried[0], term(e.loadReal(src, i, element)))};
                     })[0];
  }

  CudaEmitter &e;
  function_ref<Value(Value)> term;
  Value src;
  Type element;
  Value x;
};

} // namespace

void emitCountNonfinite(CountNonfiniteOp, CudaEmitter &e) {
  TotalLoops(e, [&](Value value) { return isNonfinite(e, value); }).emit();
}

void emitSumSquares(SumSquaresOp, CudaEmitter &e) {
  TotalLoops(e, [&](Value value) { return e.mulf(value, value); }).emit();
}

} // namespace incept::cuda
