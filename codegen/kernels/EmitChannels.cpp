// SPDX-License-Identifier: Apache-2.0
//
// Gates, normalised pixels, and ops that only move channels.
#include "codegen/kernels/KernelEmitter.h"
#include "mlir/Dialect/Math/IR/Math.h"

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

void emitChannelShuffle(ChannelShuffleOp, KernelEmitter &e) {
  Value src = e.operand(0), dst = e.operand(1);
  Value channels = e.extent(1), groups = e.extent(2), srcStride = e.extent(3), dstStride = e.extent(4);
  Value each = e.div(channels, groups);
  e.smallUnits(e.extent(0), [&](Value row) {
    Value from = e.mul(row, srcStride), to = e.mul(row, dstStride);
    e.loop(e.index(0), each, 1, [&](Value i) {
      e.loop(e.index(0), groups, 1, [&](Value group) {
        Value value = e.loadReal(src, e.add(from, e.add(e.mul(group, each), i)), e.elementOf(0));
        e.storeReal(value, dst, e.add(to, e.add(e.mul(i, groups), group)), e.elementOf(1));
      });
    });
  });
}

/// Between an image, NHWC in memory, and the row of its elements in the order C, H, W.
void emitFlatten(Operation *op, KernelEmitter &e) {
  bool isForward = isa<FlattenPixelsOp>(op);
  Value src = e.operand(0), dst = e.operand(1), channels = e.extent(1), pixels = e.extent(2);
  Value imageStride = e.extent(isForward ? 3 : 4), rowStride = e.extent(isForward ? 4 : 3);
  e.smallUnits(e.mul(e.extent(0), pixels), [&](Value unit) {
    Value n = e.div(unit, pixels), pixel = e.rem(unit, pixels);
    e.loop(e.index(0), channels, 1, [&](Value c) {
      Value inImage = e.add(e.mul(unit, imageStride), c);
      Value inRow = e.add(e.mul(n, rowStride), e.add(e.mul(c, pixels), pixel));
      Value value = e.loadReal(src, isForward ? inImage : inRow, e.elementOf(0));
      e.storeReal(value, dst, isForward ? inRow : inImage, e.elementOf(1));
    });
  });
}

/// What the channels of a pixel are normalised with.
struct Moments {
  Value mean, invStd;
};

class PixelNorm {
public:
  PixelNorm(KernelEmitter &emitter, double epsilon)
      : channels(emitter.extent(1)), e(emitter), epsilon(epsilon), share(e.divf(e.real(1.0), e.toReal(channels))) {}

  Value channels;

  Value mean(llvm::function_ref<Value(Value, Lanes)> term) { return e.mulf(e.sumOfRow(channels, term), share); }

  /// Of the pixel at `offset` of `base`: the mean first, then the squares of what is left without it.
  Moments moments(Value base, Value offset, Type element) {
    auto load = [&](Value c, Lanes lanes) { return e.loadReals(base, e.add(offset, c), element, lanes); };
    Value average = mean(load), center = e.splat(average);
    Value variance = mean([&](Value c, Lanes lanes) {
      Value centered = e.subf(load(c, lanes), center);
      return e.mulf(centered, centered);
    });
    Value deviation = math::SqrtOp::create(e.builder, e.loc, e.addf(variance, e.real(epsilon)));
    return {center, e.splat(e.divf(e.real(1.0), deviation))};
  }

private:
  KernelEmitter &e;
  double epsilon;
  Value share;
};

void emitNormalizePixels(NormalizePixelsOp op, KernelEmitter &e) {
  Value src = e.operand(0), dst = e.operand(1), rows = e.extent(0), srcStride = e.extent(2), dstStride = e.extent(3);
  PixelNorm norm(e, op.getEpsilon().convertToDouble());
  e.rows(rows, [&](Value row) {
    Value from = e.mul(row, srcStride), to = e.mul(row, dstStride);
    auto [mean, invStd] = norm.moments(src, from, e.elementOf(0));
    e.alongRow(norm.channels, [&, mean = mean, invStd = invStd](Value c, Lanes lanes) {
      Value value = e.loadReals(src, e.add(from, c), e.elementOf(0), lanes);
      e.storeReals(e.mulf(e.subf(value, mean), invStd), dst, e.add(to, c), e.elementOf(1), lanes);
    });
  });
}

void emitNormalizePixelsBackward(NormalizePixelsBackwardOp op, KernelEmitter &e) {
  Value diffDst = e.operand(0), src = e.operand(1), diffSrc = e.operand(2), rows = e.extent(0);
  Value diffStride = e.extent(2), srcStride = e.extent(3), toStride = e.extent(4);
  PixelNorm norm(e, op.getEpsilon().convertToDouble());
  e.rows(rows, [&](Value row) {
    Value diffAt = e.mul(row, diffStride), srcAt = e.mul(row, srcStride), to = e.mul(row, toStride);
    Moments moments = norm.moments(src, srcAt, e.elementOf(1));
    auto diff = [&](Value c, Lanes lanes) { return e.loadReals(diffDst, e.add(diffAt, c), e.elementOf(0), lanes); };
    auto normal = [&](Value c, Lanes lanes) {
      Value value = e.loadReals(src, e.add(srcAt, c), e.elementOf(1), lanes);
      return e.mulf(e.subf(value, moments.mean), moments.invStd);
    };
    Value average = e.splat(norm.mean(diff));
    Value slope = e.splat(norm.mean([&](Value c, Lanes lanes) { return e.mulf(diff(c, lanes), normal(c, lanes)); }));
    e.alongRow(norm.channels, [&](Value c, Lanes lanes) {
      Value rest = e.subf(e.subf(diff(c, lanes), average), e.mulf(normal(c, lanes), slope));
      e.storeReals(e.mulf(rest, moments.invStd), diffSrc, e.add(to, c), e.elementOf(2), lanes);
    });
  });
}

} // namespace

void attachChannelLoops(MLIRContext *context) {
  using Loops = LoopsRule<KernelEmitter>;
  Loops::attach<GateOp, emitGate>(context);
  Loops::attach<GateBackwardOp, emitGateBackward>(context);
  Loops::attach<ChannelShuffleOp, emitChannelShuffle>(context);
  Loops::attachAll<emitFlatten, FlattenPixelsOp, UnflattenPixelsOp>(context);
  Loops::attach<NormalizePixelsOp, emitNormalizePixels>(context);
  Loops::attach<NormalizePixelsBackwardOp, emitNormalizePixelsBackward>(context);
}

} // namespace incept::kernels
