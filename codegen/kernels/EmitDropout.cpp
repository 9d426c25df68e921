// SPDX-License-Identifier: Apache-2.0
//
// Dropout with the counter-based Philox4x32-10 of Salmon et al. 2011. Each lane computes the words of its own element:
// four times the work of sharing a counter, on tensors so small that it does not show.
#include "codegen/kernels/KernelEmitter.h"

#include <array>
#include <cmath>

using namespace mlir;

namespace incept::kernels {

namespace {

/// Philox on vectors of u32.
class Philox {
public:
  explicit Philox(KernelEmitter &emitter)
      : e(emitter), i32(e.vectorOf(e.builder.getI32Type())), i64(e.vectorOf(e.builder.getI64Type())) {}

  std::array<Value, 4> words(std::array<Value, 4> counter, std::array<Value, 2> key) {
    for (int round = 0; round < 10; ++round) {
      if (round > 0)
        key = {add(key[0], 0x9E3779B9u), add(key[1], 0xBB67AE85u)};
      auto [low0, high0] = multiply(counter[0], 0xD2511F53u);
      auto [low1, high1] = multiply(counter[2], 0xCD9E8D57u);
      counter = {exclusive(exclusive(high1, counter[1]), key[0]), low1, exclusive(exclusive(high0, counter[3]), key[1]),
                 low0};
    }
    return counter;
  }

  Value constant32(uint32_t value) {
    return arith::ConstantOp::create(e.builder, e.loc, DenseElementsAttr::get(i32, APInt(32, value)));
  }
  Value constant64(uint64_t value) {
    return arith::ConstantOp::create(e.builder, e.loc, DenseElementsAttr::get(i64, APInt(64, value)));
  }
  Value exclusive(Value a, Value b) { return arith::XOrIOp::create(e.builder, e.loc, a, b); }
  Value widen(Value value) { return arith::ExtUIOp::create(e.builder, e.loc, i64, value); }
  Value low(Value value) { return arith::TruncIOp::create(e.builder, e.loc, i32, value); }
  Value high(Value value) { return low(arith::ShRUIOp::create(e.builder, e.loc, value, constant64(32))); }

private:
  Value add(Value value, uint32_t amount) { return e.add(value, constant32(amount)); }
  std::pair<Value, Value> multiply(Value value, uint32_t factor) {
    Value product = e.mul(widen(value), constant64(factor));
    return {low(product), high(product)};
  }

  KernelEmitter &e;
  VectorType i32, i64;
};

void emitDropout(DropoutOp op, KernelEmitter &e) {
  double keep = op.getKeep().convertToDouble();
  // word < keep * 2^32 for an integer word is word < its ceiling.
  uint64_t threshold = uint64_t(std::ceil(keep * 4294967296.0));
  uint64_t stream = uint64_t(op.getStream());
  Type i64 = e.builder.getI64Type();
  Value src = e.operand(0), dst = e.operand(4);
  Value seed = e.loadScalar(e.operand(1), e.index(0), i64), step = e.loadScalar(e.operand(2), e.index(0), i64),
        sampleBase = e.loadScalar(e.operand(3), e.index(0), i64);
  Value channels = e.extent(1), pixels = e.extent(2), srcStride = e.extent(3), dstStride = e.extent(4);
  Philox philox(e);
  // The halves of the 64-bit seed and stream are combined half by half, so they can be combined whole.
  Value key = philox.exclusive(e.splat(seed), philox.constant64(stream));
  std::array<Value, 2> keys = {philox.low(key), philox.high(key)};
  Value stepWord = philox.low(e.splat(step)), scale = e.splatReal(1.0 / keep), zero = e.splatReal(0.0);
  SmallVector<int64_t> lanes(e.width);
  for (auto [i, lane] : llvm::enumerate(lanes))
    lane = i;
  Value iota = arith::ConstantOp::create(e.builder, e.loc, DenseElementsAttr::get(e.vectorOf(i64), ArrayRef(lanes)));
  e.units([&](Value n) {
    Value sample = e.splat(e.add(sampleBase, n));
    Value sampleLow = philox.low(sample), sampleHigh = philox.high(sample);
    e.items(pixels, [&](Value pixel) {
      Value row = e.add(e.mul(n, pixels), pixel);
      e.vectors(channels, [&](Value c, Lanes active) {
        Value element = op.getPerSample() ? philox.constant64(0)
                                          : e.add(e.mul(e.add(e.splat(c), iota), e.splat(pixels)), e.splat(pixel));
        Value block = philox.low(arith::ShRUIOp::create(e.builder, e.loc, element, philox.constant64(2)));
        auto words = philox.words({block, sampleLow, sampleHigh, stepWord}, keys);
        Value which = arith::AndIOp::create(e.builder, e.loc, philox.low(element), philox.constant32(3));
        Value word = words[0];
        for (uint32_t i = 1; i < 4; ++i) {
          Value isIt = arith::CmpIOp::create(e.builder, e.loc, arith::CmpIPredicate::eq, which, philox.constant32(i));
          word = arith::SelectOp::create(e.builder, e.loc, isIt, words[i], word);
        }
        Value kept = arith::CmpIOp::create(e.builder, e.loc, arith::CmpIPredicate::ult, philox.widen(word),
                                           philox.constant64(threshold));
        Value value = e.loadReals(src, e.add(e.mul(row, srcStride), c), e.elementOf(0), active);
        Value result = arith::SelectOp::create(e.builder, e.loc, kept, e.mulf(value, scale), zero);
        e.storeReals(result, dst, e.add(e.mul(row, dstStride), c), e.elementOf(4), active);
      });
    });
  });
}

} // namespace

void attachDropoutLoops(MLIRContext *context) { LoopsRule<KernelEmitter>::attach<DropoutOp, emitDropout>(context); }

} // namespace incept::kernels
