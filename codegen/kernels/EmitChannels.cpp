// SPDX-License-Identifier: Apache-2.0
//
// Gates, and ops that only move channels.
#include "codegen/kernels/KernelEmitter.h"

using namespace mlir;

namespace incept::kernels {

namespace {

void emitGate(GateOp, KernelEmitter &e) {
  Value src = e.operand(0), factor = e.operand(1), dst = e.operand(2);
  Value pixels = e.extent(1), channels = e.extent(2), srcStride = e.extent(3), factorStride = e.extent(4),
        dstStride = e.extent(5);
  e.units([&](Value n) {
    e.items(pixels, [&](Value pixel) {
      Value row = e.add(e.mul(n, pixels), pixel);
      e.vectors(channels, [&](Value c, Lanes lanes) {
        Value by = e.loadReals(factor, e.add(e.mul(n, factorStride), c), e.elementOf(1), lanes);
        Value value = e.loadReals(src, e.add(e.mul(row, srcStride), c), e.elementOf(0), lanes);
        e.storeReals(e.mulf(value, by), dst, e.add(e.mul(row, dstStride), c), e.elementOf(2), lanes);
      });
    });
  });
}

void emitGateBackward(GateBackwardOp, KernelEmitter &e) {
  Value diffDst = e.operand(0), src = e.operand(1), diffFactor = e.operand(2);
  Value pixels = e.extent(1), channels = e.extent(2), diffStride = e.extent(3), srcStride = e.extent(4),
        factorStride = e.extent(5);
  e.units([&](Value n) {
    e.vectors(channels, [&](Value c, Lanes lanes) {
      auto sum = e.loop(e.index(0), pixels, 1, ValueRange(e.splatReal(0.0)), [&](Value pixel, ValueRange carried) {
        Value row = e.add(e.mul(n, pixels), pixel);
        Value diff = e.loadReals(diffDst, e.add(e.mul(row, diffStride), c), e.elementOf(0), lanes);
        Value value = e.loadReals(src, e.add(e.mul(row, srcStride), c), e.elementOf(1), lanes);
        return SmallVector<Value>{e.fma(diff, value, carried[0])};
      });
      e.storeReals(sum[0], diffFactor, e.add(e.mul(n, factorStride), c), e.elementOf(2), lanes);
    });
  });
}

/// A row of channels, those of the groups in turn: channel i of group g, of `each`, goes to i * groups + g.
class ShuffledRow {
public:
  ShuffledRow(KernelEmitter &emitter, Value src, Value from, Value dst, Value to, Value groups, Value each)
      : e(emitter), src(src), from(from), dst(dst), to(to), groups(groups), each(each) {}

  /// A thread per channel.
  void byThreads() {
    e.along(Value(), e.mul(groups, each), [&](Value, Value c, Lanes lanes) {
      Value at = e.add(e.mul(e.rem(c, groups), each), e.div(c, groups));
      store(load(at, lanes), c, lanes);
    });
  }

  /// In vectors where there are two groups, or two channels in each, which is back from there.
  void byVectors() {
    auto isTwo = [&](Value count) -> Value {
      return arith::CmpIOp::create(e.builder, e.loc, arith::CmpIPredicate::eq, count, e.index(2));
    };
    Value none = e.index(0);
    auto back = [&] { oneByOne(none, pairs(groups, /*isBack=*/true)); };
    auto any = [&] { oneByOne(none, none); };
    e.ifElse(
        isTwo(groups), [&] { oneByOne(pairs(each, /*isBack=*/false), none); },
        [&] { e.ifElse(isTwo(each), back, any); });
  }

private:
  Value load(Value at, Lanes lanes) { return e.loadReals(src, e.add(from, at), e.elementOf(0), lanes); }
  void store(Value value, Value at, Lanes lanes) { e.storeReals(value, dst, e.add(to, at), e.elementOf(1), lanes); }

  /// Two halves of `half` channels become pairs, or pairs halves. Returns how many pairs filled vectors.
  Value pairs(Value half, bool isBack) {
    int64_t width = e.width;
    Value full = e.sub(half, e.rem(half, e.index(width)));
    e.loop(e.index(0), full, width, [&](Value i) {
      Value low = e.add(i, i), high = e.add(low, e.index(width)), other = e.add(half, i);
      Value a = load(isBack ? low : i, Lanes()), b = load(isBack ? high : other, Lanes());
      for (int64_t second : {0, 1}) {
        Value picked = e.pick(a, b, [&](int64_t lane) {
          return isBack ? 2 * lane + second : (lane + second * width) / 2 + lane % 2 * width;
        });
        store(picked, isBack ? (second ? other : i) : (second ? high : low), Lanes());
      }
    });
    return full;
  }

  /// Channels from `firstChannel` of the groups from `firstGroup`.
  void oneByOne(Value firstChannel, Value firstGroup) {
    e.loop(firstChannel, each, 1, [&](Value i) {
      e.loop(firstGroup, groups, 1, [&](Value group) {
        Value value = e.loadReal(src, e.add(from, e.add(e.mul(group, each), i)), e.elementOf(0));
        e.storeReal(value, dst, e.add(to, e.add(e.mul(i, groups), group)), e.elementOf(1));
      });
    });
  }

  KernelEmitter &e;
  Value src, from, dst, to, groups, each;
};

void emitChannelShuffle(ChannelShuffleOp, KernelEmitter &e) {
  Value src = e.operand(0), dst = e.operand(1);
  Value groups = e.extent(2), srcStride = e.extent(3), dstStride = e.extent(4), each = e.div(e.extent(1), groups);
  e.rows(e.extent(0), [&](Value row) {
    ShuffledRow shuffled(e, src, e.mul(row, srcStride), dst, e.mul(row, dstStride), groups, each);
    e.width == 1 ? shuffled.byThreads() : shuffled.byVectors();
  });
}

/// Between images, NHWC in memory, and the rows of their elements in the order C, H, W.
class FlatImages {
public:
  FlatImages(KernelEmitter &emitter, bool isForward)
      : e(emitter), isForward(isForward), src(e.operand(0)), dst(e.operand(1)), channels(e.extent(1)),
        pixels(e.extent(2)), imageStride(e.extent(isForward ? 3 : 4)), rowStride(e.extent(isForward ? 4 : 3)) {}

  void emit() {
    e.unitRuns(e.mul(e.extent(0), pixels), pixels, [&](Value first, Value count) {
      if (e.width == 1)
        return e.loop(e.index(0), channels, 1, [&](Value c) {
          Value value = e.loadReal(src, isForward ? inImage(first, c) : inRow(first, c), e.elementOf(0));
          e.storeReal(value, dst, isForward ? inRow(first, c) : inImage(first, c), e.elementOf(1));
        });
      e.ifElse(
          e.less(e.index(e.width - 1), count), [&] { squares(first, count, Lanes()); },
          [&] { squares(first, count, e.lanesInside(e.index(0), count)); });
    });
  }

private:
  // Where channel c of a pixel lies; pixels are counted over all images.
  Value inImage(Value pixel, Value c) { return e.add(e.mul(pixel, imageStride), c); }
  Value inRow(Value pixel, Value c) {
    Value row = e.mul(e.div(pixel, pixels), rowStride);
    return e.add(row, e.add(e.mul(c, pixels), e.rem(pixel, pixels)));
  }

  /// `count` neighbouring pixels of an image: in squares of a vector's channels, which are turned over in registers.
  /// `run` are the lanes that are pixels.
  void squares(Value first, Value count, Lanes run) {
    e.vectors(channels, [&](Value c, Lanes lanes) {
      // What is beyond is read from the last one instead, and not written.
      SmallVector<Value> square;
      for (int64_t i = 0; i < e.width; ++i)
        square.push_back(isForward ? load(inImage(e.add(first, inside(i, count, run)), c), lanes)
                                   : load(inRow(first, e.add(c, inside(i, e.sub(channels, c), lanes))), run));
      turn(square);
      for (int64_t i = 0; i < e.width; ++i)
        isForward
            ? where(i, e.sub(channels, c), lanes, [&] { store(square[i], inRow(first, e.add(c, e.index(i))), run); })
            : where(i, count, run, [&] { store(square[i], inImage(e.add(first, e.index(i)), c), lanes); });
    });
  }

  /// i, or the last of `count` where that is less and lanes are left out.
  Value inside(int64_t i, Value count, Lanes lanes) {
    return lanes.mask && i > 0 ? e.min(e.index(i), e.sub(count, e.index(1))) : e.index(i);
  }
  void where(int64_t i, Value count, Lanes lanes, llvm::function_ref<void()> body) {
    lanes.mask &&i > 0 ? e.ifThen(e.less(e.index(i), count), body) : body();
  }

  /// Lane i of vector j becomes lane j of vector i.
  void turn(SmallVectorImpl<Value> &square) {
    for (int64_t side = 1; side < e.width; side *= 2)
      for (int64_t i = 0; i < e.width; ++i) {
        if (i & side)
          continue;
        Value a = square[i], b = square[i + side];
        square[i] = e.pick(a, b, [&](int64_t lane) { return lane & side ? e.width + lane - side : lane; });
        square[i + side] = e.pick(a, b, [&](int64_t lane) { return lane & side ? e.width + lane : lane + side; });
      }
  }

  Value load(Value at, Lanes lanes) { return e.loadReals(src, at, e.elementOf(0), lanes); }
  void store(Value value, Value at, Lanes lanes) { e.storeReals(value, dst, at, e.elementOf(1), lanes); }

  KernelEmitter &e;
  bool isForward;
  Value src, dst, channels, pixels, imageStride, rowStride;
};

void emitFlatten(Operation *op, KernelEmitter &e) { FlatImages(e, isa<FlattenPixelsOp>(op)).emit(); }

} // namespace

void attachChannelLoops(MLIRContext *context) {
  using Loops = LoopsRule<KernelEmitter>;
  Loops::attach<GateOp, emitGate>(context);
  Loops::attach<GateBackwardOp, emitGateBackward>(context);
  Loops::attach<ChannelShuffleOp, emitChannelShuffle>(context);
  Loops::attachAll<emitFlatten, FlattenPixelsOp, UnflattenPixelsOp>(context);
}

} // namespace incept::kernels
