// SPDX-License-Identifier: Apache-2.0
//
// Kernels whose threads take values together: the channels of a pixel, or those of a group in all pixels of an image.
// They come from memory once, and are near when they are read again.
#include "codegen/kernels/KernelEmitter.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace incept::kernels {

namespace {

/// Where a vector lies among the values that are taken together.
struct At {
  Value line;    ///< which pixel of an image; null where they are one pixel's
  Value channel; ///< of the pixel's, or of the group's
  Lanes lanes;
};

/// The tensors of such a kernel, and the loops over what belongs together.
class Parts {
public:
  Parts(KernelEmitter &emitter, bool isGroups)
      : e(emitter), pixels(isGroups ? e.extent(1) : Value()), groups(isGroups ? e.extent(2) : Value()),
        channels(e.extent(isGroups ? 3 : 1)), outer(e.extent(0)) {
    unsigned operands = e.body().getNumArguments() + e.definition.getYield().getValues().size();
    for (unsigned i = 0; i < operands; ++i) {
      bases.push_back(e.operand(i));
      strides.push_back(e.extent((isGroups ? 4 : 2) + i));
    }
  }

  KernelEmitter &e;
  Value pixels, groups, channels;

  /// body() for each part; what is below is about that part then.
  void forEach(llvm::function_ref<void()> body) {
    if (!pixels)
      return e.rows(outer, [&](Value row) {
        firstRow = row;
        across = channels;
        body();
      });
    e.groupUnits(groups, channels, [&](Value unit, Value count) {
      firstRow = e.mul(e.div(unit, groups), pixels);
      firstChannel = e.mul(e.rem(unit, groups), channels);
      across = e.mul(count, channels);
      body();
    });
  }

  Value load(unsigned operand, At at) {
    return e.loadReals(bases[operand], offset(operand, at), e.elementOf(operand), at.lanes);
  }
  void store(Value value, unsigned operand, At at) {
    e.storeReals(value, bases[operand], offset(operand, at), e.elementOf(operand), at.lanes);
  }

  // These give a vector.
  Value sum(llvm::function_ref<Value(At)> term) { return fold(KernelEmitter::Fold::Sum, term); }
  Value largest(llvm::function_ref<Value(At)> term) { return fold(KernelEmitter::Fold::Largest, term); }
  Value mean(llvm::function_ref<Value(At)> term) {
    Value count = e.toReal(pixels ? e.mul(pixels, channels) : channels);
    return e.mulf(sum(term), e.splat(e.divf(e.real(1.0), count)));
  }
  void along(llvm::function_ref<void(At)> body) {
    e.along(pixels, across, [&](Value line, Value c, Lanes lanes) { body({line, c, lanes}); });
  }

private:
  Value fold(KernelEmitter::Fold how, llvm::function_ref<Value(At)> term) {
    Value folded = e.fold(how, pixels, across, pixels ? channels : Value(), [&](Value line, Value c, Lanes lanes) {
      return term({line, c, lanes});
    });
    return pixels ? folded : e.splat(folded);
  }

  Value offset(unsigned operand, At at) {
    Value row = at.line ? e.add(firstRow, at.line) : firstRow;
    Value channel = firstChannel ? e.add(firstChannel, at.channel) : at.channel;
    return e.add(e.mul(row, strides[operand]), channel);
  }

  Value outer, firstRow, firstChannel, across; ///< of the channels that are gone over
  SmallVector<Value> bases, strides;
};

/// What the values of a part are normalised with.
class Normal {
public:
  /// The mean first, then the squares of what is left without it.
  Normal(Parts &parts, unsigned src, double epsilon) : parts(parts), e(parts.e), src(src) {
    mean = parts.mean([&](At at) { return parts.load(src, at); });
    Value variance = parts.mean([&](At at) {
      Value centered = e.subf(parts.load(src, at), mean);
      return e.mulf(centered, centered);
    });
    Value deviation = math::SqrtOp::create(e.builder, e.loc, e.addf(variance, e.splatReal(epsilon)));
    invStd = e.divf(e.splatReal(1.0), deviation);
  }

  Value operator()(At at) { return e.mulf(e.subf(parts.load(src, at), mean), invStd); }

  Value mean, invStd;

private:
  Parts &parts;
  KernelEmitter &e;
  unsigned src;
};

constexpr auto normalize = [](auto op, KernelEmitter &e) {
  constexpr bool isGroups = requires { op.getGroups(); };
  Parts parts(e, isGroups);
  parts.forEach([&] {
    Normal normal(parts, 0, op.getEpsilon().convertToDouble());
    parts.along([&](At at) { parts.store(normal(at), 1, at); });
  });
};

constexpr auto normalizeBackward = [](auto op, KernelEmitter &e) {
  constexpr bool isGroups = requires { op.getGroups(); };
  Parts parts(e, isGroups);
  parts.forEach([&] {
    Normal normal(parts, 1, op.getEpsilon().convertToDouble());
    auto diff = [&](At at) { return parts.load(0, at); };
    Value average = parts.mean(diff);
    Value slope = parts.mean([&](At at) { return e.mulf(diff(at), normal(at)); });
    parts.along([&](At at) {
      Value rest = e.subf(e.subf(diff(at), average), e.mulf(normal(at), slope));
      parts.store(e.mulf(rest, normal.invStd), 2, at);
    });
  });
};

void emitSoftmax(SoftmaxOp, KernelEmitter &e) {
  Parts parts(e, /*isGroups=*/false);
  parts.forEach([&] {
    Value largest = parts.largest([&](At at) { return parts.load(0, at); });
    auto power = [&](At at) -> Value {
      return math::ExpOp::create(e.builder, e.loc, e.subf(parts.load(0, at), largest));
    };
    Value share = e.divf(e.splatReal(1.0), parts.sum(power));
    parts.along([&](At at) { parts.store(e.mulf(power(at), share), 1, at); });
  });
}

void emitSoftmaxBackward(SoftmaxBackwardOp, KernelEmitter &e) {
  Parts parts(e, /*isGroups=*/false);
  parts.forEach([&] {
    Value expected = parts.sum([&](At at) { return e.mulf(parts.load(0, at), parts.load(1, at)); });
    parts.along([&](At at) { parts.store(e.mulf(parts.load(1, at), e.subf(parts.load(0, at), expected)), 2, at); });
  });
}

/// The windows of a local response norm, of the tensor that is operand `src`. Lanes beyond the pixel are 0.
class ResponseNorm {
public:
  template <typename OpTy>
  ResponseNorm(OpTy op, Parts &parts, unsigned src)
      : before(op.getSize() / 2), after((op.getSize() - 1) / 2), beta(op.getBeta().convertToDouble()),
        share(op.getAlpha().convertToDouble() / double(op.getSize())), parts(parts), e(parts.e), src(src),
        k(op.getK().convertToDouble()) {}

  int64_t before, after;
  double beta, share;

  /// Where a window is wider than a vector to a side, or a thread has one channel: the sum of term(other) over the
  /// channels from `below` under those of `at` to `above` over them.
  Value sumAround(At at, int64_t below, int64_t above, llvm::function_ref<Value(At)> term) {
    // Without offsets whose lanes all lie beyond the pixel.
    Value from = e.max(e.sub(at.channel, e.index(below)), e.index(1 - e.width));
    Value to = e.min(e.add(at.channel, e.index(above + 1)), parts.channels);
    return e.loop(from, to, 1, ValueRange(e.splatReal(0.0)), [&](Value channel, ValueRange carried) {
      return SmallVector<Value>{e.addf(carried[0], term({at.line, channel, e.lanesInside(channel, parts.channels)}))};
    })[0];
  }
  Value scale(At at) {
    return scaleOf(sumAround(at, before, after, [&](At other) { return square(other); }));
  }

  /// Elsewhere neighbours come from the vectors beside, so that each value is read once, and one power is computed of
  /// it.
  bool isInTurn() { return e.width > 1 && before <= e.width; }
  /// body(at, carried) for each vector of the pixel, from the first on; it gives what the next one gets.
  void inTurn(ValueRange init, llvm::function_ref<SmallVector<Value>(At, ValueRange)> body) {
    Value left = e.rem(parts.channels, e.index(e.width)), full = e.sub(parts.channels, left);
    auto carried = e.loop(e.index(0), full, e.width, init, [&](Value c, ValueRange values) {
      return body({Value(), c, Lanes()}, values);
    });
    e.ifThen(e.less(full, parts.channels), [&] { body({Value(), full, e.lanesInside(e.index(0), left)}, carried); });
  }
  /// So many vectors behind the channel.
  At behind(Value channel, int64_t vectors) {
    Value at = e.add(channel, e.index(vectors * e.width));
    return {Value(), at, e.lanesInside(at, parts.channels)};
  }
  /// The sum over the same channels as above, of terms in the vector before, in this one and in the next.
  Value sumBeside(Value last, Value middle, Value next, int64_t below, int64_t above) {
    Value sum = middle;
    for (int64_t i = 1; i <= below; ++i)
      sum = e.addf(sum, e.pick(last, middle, [&](int64_t lane) { return e.width - i + lane; }));
    for (int64_t i = 1; i <= above; ++i)
      sum = e.addf(sum, e.pick(middle, next, [&](int64_t lane) { return i + lane; }));
    return sum;
  }

  Value square(At at) {
    Value value = parts.load(src, at);
    return e.mulf(value, value);
  }
  /// What its power divides a value by, of the sum of squares of its window.
  Value scaleOf(Value squares) { return e.fma(squares, e.splatReal(share), e.splatReal(k)); }

  /// A positive number to the power.
  Value power(Value base, double exponent) {
    Value log = math::LogOp::create(e.builder, e.loc, base);
    return math::ExpOp::create(e.builder, e.loc, e.mulf(log, e.splatReal(exponent)));
  }

private:
  Parts &parts;
  KernelEmitter &e;
  unsigned src;
  double k;
};

void emitResponseNorm(LocalResponseNormOp op, KernelEmitter &e) {
  Parts parts(e, /*isGroups=*/false);
  ResponseNorm norm(op, parts, /*src=*/0);
  auto finish = [&](At at, Value scale) {
    parts.store(e.mulf(parts.load(0, at), norm.power(scale, -norm.beta)), 1, at);
  };
  parts.forEach([&] {
    if (!norm.isInTurn())
      return parts.along([&](At at) { finish(at, norm.scale(at)); });
    Value first = norm.square(norm.behind(e.index(0), 0));
    norm.inTurn({e.splatReal(0.0), first}, [&](At at, ValueRange squares) {
      Value next = norm.square(norm.behind(at.channel, 1));
      finish(at, norm.scaleOf(norm.sumBeside(squares[0], squares[1], next, norm.before, norm.after)));
      return SmallVector<Value>{squares[1], next};
    });
  });
}

void emitResponseNormBackward(LocalResponseNormBackwardOp op, KernelEmitter &e) {
  Parts parts(e, /*isGroups=*/false);
  ResponseNorm norm(op, parts, /*src=*/1);
  // What comes back through a value itself, and what goes to all that have it in their windows.
  auto shares = [&](At at, Value scale) {
    Value own = e.mulf(parts.load(0, at), norm.power(scale, -norm.beta));
    return std::make_pair(own, e.mulf(own, e.divf(parts.load(1, at), scale)));
  };
  auto finish = [&](At at, Value own, Value sum) {
    Value slope = e.mulf(parts.load(1, at), e.splatReal(-2 * norm.beta * norm.share));
    parts.store(e.fma(slope, sum, own), 2, at);
  };
  // Channel j has c in its window where c is as far behind j as j is before c.
  int64_t below = norm.after, above = norm.before;
  parts.forEach([&] {
    if (!norm.isInTurn())
      return parts.along([&](At at) {
        Value sum = norm.sumAround(at, below, above, [&](At other) { return shares(other, norm.scale(other)).second; });
        finish(at, shares(at, norm.scale(at)).first, sum);
      });
    // A vector's part in its neighbours is known a vector before they are finished, and squares another one before.
    Value zero = e.splatReal(0.0), none = e.index(0);
    Value first = norm.square(norm.behind(none, 0)), second = norm.square(norm.behind(none, 1));
    auto partsOf = [&](At at, Value last, Value middle, Value next) {
      return shares(at, norm.scaleOf(norm.sumBeside(last, middle, next, norm.before, norm.after)));
    };
    std::pair<Value, Value> start = partsOf(norm.behind(none, 0), zero, first, second);
    norm.inTurn({first, second, start.first, zero, start.second}, [&](At at, ValueRange carried) {
      Value next = norm.square(norm.behind(at.channel, 2));
      auto [nextOwn, nextGiven] = partsOf(norm.behind(at.channel, 1), carried[0], carried[1], next);
      finish(at, carried[2], norm.sumBeside(carried[3], carried[4], nextGiven, below, above));
      return SmallVector<Value>{carried[1], next, nextOwn, carried[4], nextGiven};
    });
  });
}

} // namespace

void attachNormLoops(MLIRContext *context) {
  using Loops = LoopsRule<KernelEmitter>;
  Loops::attachAll<normalize, NormalizePixelsOp, NormalizeGroupsOp>(context);
  Loops::attachAll<normalizeBackward, NormalizePixelsBackwardOp, NormalizeGroupsBackwardOp>(context);
  Loops::attach<SoftmaxOp, emitSoftmax>(context);
  Loops::attach<SoftmaxBackwardOp, emitSoftmaxBackward>(context);
  Loops::attach<LocalResponseNormOp, emitResponseNorm>(context);
  Loops::attach<LocalResponseNormBackwardOp, emitResponseNormBackward>(context);
}

} // namespace incept::kernels
