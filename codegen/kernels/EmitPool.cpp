// SPDX-License-Identifier: Apache-2.0
//
// Pools, resizing and their gradients. A unit is one row of the written image; each pixel's channels are vectors, and
// its window, clipped to the image, is two inner loops. Gradients are in gather form: each element is written once.
#include "codegen/kernels/KernelEmitter.h"

#include <functional>
#include <limits>

using namespace mlir;

namespace incept::kernels {

namespace {

/// The extents of a pool, in the order of dialect/README.md.
struct Window {
  explicit Window(KernelEmitter &e)
      : ih(e.extent(1)), iw(e.extent(2)), c(e.extent(3)), oh(e.extent(4)), ow(e.extent(5)), kh(e.extent(6)),
        kw(e.extent(7)), sh(e.extent(8)), sw(e.extent(9)), pt(e.extent(10)), pl(e.extent(11)), pb(e.extent(12)),
        pr(e.extent(13)) {}
  Value ih, iw, c, oh, ow, kh, kw, sh, sw, pt, pl, pb, pr;
};
constexpr unsigned kFirstStride = 14;

/// The part of one axis that a window covers: [first, last) of the image; `origin` is the window's begin (it may lie in
/// the padding) and `padded` the number of its positions inside the padded image.
struct Span {
  Value origin, first, last, padded;
};

Span windowSpan(KernelEmitter &e, Value out, Value stride, Value padBegin, Value kernel, Value size, Value padEnd) {
  Span span;
  span.origin = e.sub(e.mul(out, stride), padBegin);
  Value end = e.add(span.origin, kernel);
  span.first = e.max(span.origin, e.index(0));
  span.last = e.min(end, size);
  span.padded = e.sub(e.min(end, e.add(size, padEnd)), span.origin);
  return span;
}

/// The windows [first, last) of one axis that contain image position `in`.
std::pair<Value, Value> coveringWindows(KernelEmitter &e, Value in, Value stride, Value padBegin, Value kernel,
                                        Value windows) {
  Value position = e.add(in, padBegin);
  // First window: the smallest o with o * stride + kernel > position.
  Value beyond = e.max(e.add(e.sub(position, kernel), e.index(1)), e.index(0));
  return {e.ceilDiv(beyond, stride), e.min(e.add(e.div(position, stride), e.index(1)), windows)};
}

/// Element offset of pixel (n, h, w) of an image with `height` x `width` pixels.
Value pixel(KernelEmitter &e, Value n, Value h, Value w, Value height, Value width, Value stride) {
  return e.mul(e.add(e.mul(e.add(e.mul(n, height), h), width), w), stride);
}

/// for each (unit, w): body(n, h, w) with unit = n * height + h.
void pixels(KernelEmitter &e, Value height, Value width, llvm::function_ref<void(Value, Value, Value)> body) {
  e.units([&](Value unit) {
    Value n = e.div(unit, height), h = e.rem(unit, height);
    e.items(width, [&](Value w) { body(n, h, w); });
  });
}

/// What is read at a position of a window, and what becomes of the carried values with it.
struct WindowBody {
  llvm::function_ref<SmallVector<Value>(Value h, Value w)> read;
  llvm::function_ref<SmallVector<Value>(Value h, Value w, ArrayRef<Value> read, ValueRange carried)> use;
};

/// Row by row. Some positions of a row at a time are read before the first of them is used (windowGroups).
SmallVector<Value> overWindow(KernelEmitter &e, std::pair<Value, Value> rows, std::pair<Value, Value> columns,
                              ArrayRef<Value> init, WindowBody body) {
  return e.loop(rows.first, rows.second, 1, init, [&](Value h, ValueRange outer) {
    SmallVector<Value> carried(outer);
    Value from = columns.first;
    for (int64_t group : e.windowGroups()) {
      Value to = columns.second;
      if (group > 1) {
        Value groups = e.div(e.max(e.sub(to, from), e.index(0)), e.index(group));
        to = e.add(from, e.mul(groups, e.index(group)));
      }
      carried = e.loop(from, to, group, carried, [&](Value w, ValueRange inner) {
        SmallVector<Value> at = {w};
        SmallVector<SmallVector<Value>> read = {body.read(h, w)};
        for (int64_t i = 1; i < group; ++i) {
          at.push_back(e.add(w, e.index(i)));
          read.push_back(body.read(h, at[i]));
        }
        SmallVector<Value> next(inner);
        for (int64_t i = 0; i < group; ++i)
          next = body.use(h, at[i], read[i], next);
        return next;
      });
      from = to;
    }
    return carried;
  });
}

/// The divisor of an average.
Value averageCount(KernelEmitter &e, const Span &rows, const Span &columns, bool includePad) {
  Value count = includePad ? e.mul(rows.padded, columns.padded)
                           : e.mul(e.sub(rows.last, rows.first), e.sub(columns.last, columns.first));
  return e.toReal(count);
}

Value toI32(KernelEmitter &e, Value value) {
  return arith::TruncIOp::create(e.builder, e.loc, e.builder.getI32Type(), value);
}

/// True where `value` is greater than `best` or not a number.
Value beats(KernelEmitter &e, Value value, Value best) {
  Value greater = arith::CmpFOp::create(e.builder, e.loc, arith::CmpFPredicate::OGT, value, best);
  Value isNan = arith::CmpFOp::create(e.builder, e.loc, arith::CmpFPredicate::UNO, value, value);
  return arith::OrIOp::create(e.builder, e.loc, greater, isNan);
}

void emitMaxPool(Operation *op, KernelEmitter &e) {
  bool withIndex = isa<MaxPoolWithIndexOp>(op);
  Window p(e);
  Value src = e.operand(0), dst = e.operand(1), srcStride = e.extent(kFirstStride),
        dstStride = e.extent(kFirstStride + 1);
  Value workspace = withIndex ? e.operand(2) : Value();
  Value workspaceStride = withIndex ? e.extent(kFirstStride + 2) : Value();
  pixels(e, p.oh, p.ow, [&](Value n, Value oh, Value ow) {
    Span rows = windowSpan(e, oh, p.sh, p.pt, p.kh, p.ih, p.pb),
         columns = windowSpan(e, ow, p.sw, p.pl, p.kw, p.iw, p.pr);
    auto position = [&](Value h, Value w) {
      return e.splat(toI32(e, e.add(e.mul(e.sub(h, rows.origin), p.kw), e.sub(w, columns.origin))));
    };
    Value out = pixel(e, n, oh, ow, p.oh, p.ow, dstStride);
    e.vectorBlocks(p.c, [&](ArrayRef<Value> block, Lanes lanes) {
      // Carried: the best values, then the positions they were at.
      size_t count = block.size();
      SmallVector<Value> init(count, e.splatReal(-std::numeric_limits<double>::infinity()));
      if (withIndex)
        init.append(count, position(rows.first, columns.first));
      auto read = [&](Value h, Value w) {
        Value in = pixel(e, n, h, w, p.ih, p.iw, srcStride);
        return llvm::map_to_vector<6>(block,
                                      [&](Value c) { return e.loadReals(src, e.add(in, c), e.elementOf(0), lanes); });
      };
      auto use = [&](Value h, Value w, ArrayRef<Value> values, ValueRange carried) {
        SmallVector<Value> next(carried);
        Value here = withIndex ? position(h, w) : Value();
        for (size_t i = 0; i < count; ++i) {
          Value wins = beats(e, values[i], carried[i]);
          next[i] = arith::SelectOp::create(e.builder, e.loc, wins, values[i], carried[i]);
          if (withIndex)
            next[count + i] = arith::SelectOp::create(e.builder, e.loc, wins, here, carried[count + i]);
        }
        return next;
      };
      auto best = overWindow(e, {rows.first, rows.last}, {columns.first, columns.last}, init, {read, use});
      for (size_t i = 0; i < count; ++i)
        e.storeReals(best[i], dst, e.add(out, block[i]), e.elementOf(1), lanes);
      if (!withIndex)
        return;
      Value indexOut = pixel(e, n, oh, ow, p.oh, p.ow, workspaceStride);
      for (size_t i = 0; i < count; ++i) {
        Value bytes = arith::TruncIOp::create(e.builder, e.loc, e.vectorOf(e.builder.getI8Type()), best[count + i]);
        e.storeVector(bytes, workspace, e.add(indexOut, block[i]), lanes);
      }
    });
  });
}

/// Of one window position and a vector of channels: what is read, and the sum with it.
using Reader = std::function<SmallVector<Value>(Value c, Lanes lanes)>;
using Adder = std::function<Value(ArrayRef<Value> read, Value sum)>;

/// A pool that sums: for every written pixel, the sum over window positions of what `read` reads and `add` adds, then
/// `finish`. Both prepare scalars once for a block of channels.
struct SummingPool {
  KernelEmitter &e;
  Value channels, height, width, dst, dstStride;
  Type dstElement;

  using Range = std::pair<Value, Value>;

  void emit(llvm::function_ref<std::pair<Range, Range>(Value h, Value w)> ranges,
            llvm::function_ref<Reader(Value n, Value y, Value x)> read,
            llvm::function_ref<Adder(Value h, Value w, Value y, Value x)> add,
            llvm::function_ref<Value(Value h, Value w)> divisor) {
    pixels(e, height, width, [&](Value n, Value h, Value w) {
      auto [rows, columns] = ranges(h, w);
      Value out = pixel(e, n, h, w, height, width, dstStride);
      Value by = divisor ? e.splat(e.divf(e.real(1.0), divisor(h, w))) : Value();
      e.vectorBlocks(channels, [&](ArrayRef<Value> block, Lanes lanes) {
        SmallVector<Value> init(block.size(), e.splatReal(0.0));
        auto readAll = [&](Value y, Value x) {
          Reader reader = read(n, y, x);
          SmallVector<Value> all;
          for (Value c : block)
            llvm::append_range(all, reader(c, lanes));
          return all;
        };
        auto addAll = [&](Value y, Value x, ArrayRef<Value> all, ValueRange carried) {
          Adder adder = add(h, w, y, x);
          SmallVector<Value> next(carried);
          size_t each = all.size() / block.size();
          for (auto [i, sum] : llvm::enumerate(next))
            sum = adder(all.slice(i * each, each), sum);
          return next;
        };
        auto sums = overWindow(e, rows, columns, init, {readAll, addAll});
        for (auto [c, sum] : llvm::zip(block, sums))
          e.storeReals(by ? e.mulf(sum, by) : sum, dst, e.add(out, c), dstElement, lanes);
      });
    });
  }
};

/// Reads the channels of a pixel of an operand with so many pixels.
auto readPixels(KernelEmitter &e, unsigned operand, Value height, Value width, Value stride) {
  return [&e, operand, height, width, stride](Value n, Value h, Value w) -> Reader {
    Value at = pixel(e, n, h, w, height, width, stride);
    return [&e, operand, at](Value c, Lanes lanes) {
      return SmallVector<Value>{e.loadReals(e.operand(operand), e.add(at, c), e.elementOf(operand), lanes)};
    };
  };
}

/// Adds what was read, or its product with `share`.
Adder addRead(KernelEmitter &e, Value share = {}) {
  return [&e, share](ArrayRef<Value> read, Value sum) {
    return share ? e.fma(read[0], share, sum) : e.addf(sum, read[0]);
  };
}

void emitMaxPoolBackward(MaxPoolBackwardOp, KernelEmitter &e) {
  Window p(e);
  Value diffDst = e.operand(0), workspace = e.operand(1), diffSrc = e.operand(2);
  Value diffDstStride = e.extent(kFirstStride), workspaceStride = e.extent(kFirstStride + 1),
        diffSrcStride = e.extent(kFirstStride + 2);
  SummingPool pool{e, p.c, p.ih, p.iw, diffSrc, diffSrcStride, e.elementOf(2)};
  pool.emit(
      [&](Value ih, Value iw) {
        return std::pair(coveringWindows(e, ih, p.sh, p.pt, p.kh, p.oh),
                         coveringWindows(e, iw, p.sw, p.pl, p.kw, p.ow));
      },
      [&](Value n, Value oh, Value ow) -> Reader {
        Value indexAt = pixel(e, n, oh, ow, p.oh, p.ow, workspaceStride);
        Value diffAt = pixel(e, n, oh, ow, p.oh, p.ow, diffDstStride);
        return [&e, workspace, diffDst, indexAt, diffAt](Value c, Lanes lanes) {
          return SmallVector<Value>{e.loadVector(workspace, e.add(indexAt, c), e.builder.getI8Type(), lanes),
                                    e.loadReals(diffDst, e.add(diffAt, c), e.elementOf(0), lanes)};
        };
      },
      [&](Value ih, Value iw, Value oh, Value ow) -> Adder {
        // Where this pixel lies in window (oh, ow).
        Value kh = e.sub(e.add(ih, p.pt), e.mul(oh, p.sh)), kw = e.sub(e.add(iw, p.pl), e.mul(ow, p.sw));
        Value here = e.splat(toI32(e, e.add(e.mul(kh, p.kw), kw)));
        return [&e, here](ArrayRef<Value> read, Value sum) {
          Value at = arith::ExtUIOp::create(e.builder, e.loc, e.vectorOf(e.builder.getI32Type()), read[0]);
          Value same = arith::CmpIOp::create(e.builder, e.loc, arith::CmpIPredicate::eq, at, here);
          return e.addf(sum, arith::SelectOp::create(e.builder, e.loc, same, read[1], e.splatReal(0.0)));
        };
      },
      nullptr);
}

void emitAvgPool(AvgPoolOp op, KernelEmitter &e) {
  bool includePad = op.getIncludePad();
  Window p(e);
  auto spans = [&](Value oh, Value ow) {
    return std::pair(windowSpan(e, oh, p.sh, p.pt, p.kh, p.ih, p.pb), windowSpan(e, ow, p.sw, p.pl, p.kw, p.iw, p.pr));
  };
  SummingPool pool{e, p.c, p.oh, p.ow, e.operand(1), e.extent(kFirstStride + 1), e.elementOf(1)};
  pool.emit(
      [&](Value oh, Value ow) {
        auto [rows, columns] = spans(oh, ow);
        return std::pair(std::pair(rows.first, rows.last), std::pair(columns.first, columns.last));
      },
      readPixels(e, 0, p.ih, p.iw, e.extent(kFirstStride)), [&](Value, Value, Value, Value) { return addRead(e); },
      [&](Value oh, Value ow) {
        auto [rows, columns] = spans(oh, ow);
        return averageCount(e, rows, columns, includePad);
      });
}

void emitAvgPoolBackward(AvgPoolBackwardOp op, KernelEmitter &e) {
  bool includePad = op.getIncludePad();
  Window p(e);
  SummingPool pool{e, p.c, p.ih, p.iw, e.operand(1), e.extent(kFirstStride + 1), e.elementOf(1)};
  pool.emit(
      [&](Value ih, Value iw) {
        return std::pair(coveringWindows(e, ih, p.sh, p.pt, p.kh, p.oh),
                         coveringWindows(e, iw, p.sw, p.pl, p.kw, p.ow));
      },
      readPixels(e, 0, p.oh, p.ow, e.extent(kFirstStride)),
      [&](Value, Value, Value oh, Value ow) {
        Span rows = windowSpan(e, oh, p.sh, p.pt, p.kh, p.ih, p.pb);
        Span columns = windowSpan(e, ow, p.sw, p.pl, p.kw, p.iw, p.pr);
        return addRead(e, e.splat(e.divf(e.real(1.0), averageCount(e, rows, columns, includePad))));
      },
      nullptr);
}

/// Where a part lies of an axis divided into `parts`: [first, last) of `size`. The parts that an element lies in are
/// the same with the two exchanged.
std::pair<Value, Value> partOf(KernelEmitter &e, Value part, Value size, Value parts) {
  Value begin = e.mul(part, size);
  return {e.div(begin, parts), e.ceilDiv(e.add(begin, size), parts)};
}

/// Elements of a part.
Value partSize(KernelEmitter &e, std::pair<Value, Value> rows, std::pair<Value, Value> columns) {
  return e.toReal(e.mul(e.sub(rows.second, rows.first), e.sub(columns.second, columns.first)));
}

void emitAdaptiveAvgPool(AdaptiveAvgPoolOp, KernelEmitter &e) {
  Value ih = e.extent(1), iw = e.extent(2), oh = e.extent(4), ow = e.extent(5);
  SummingPool pool{e, e.extent(3), oh, ow, e.operand(1), e.extent(7), e.elementOf(1)};
  pool.emit([&](Value h, Value w) { return std::pair(partOf(e, h, ih, oh), partOf(e, w, iw, ow)); },
            readPixels(e, 0, ih, iw, e.extent(6)), [&](Value, Value, Value, Value) { return addRead(e); },
            [&](Value h, Value w) { return partSize(e, partOf(e, h, ih, oh), partOf(e, w, iw, ow)); });
}

void emitAdaptiveAvgPoolBackward(AdaptiveAvgPoolBackwardOp, KernelEmitter &e) {
  Value ih = e.extent(1), iw = e.extent(2), oh = e.extent(4), ow = e.extent(5);
  SummingPool pool{e, e.extent(3), ih, iw, e.operand(1), e.extent(7), e.elementOf(1)};
  pool.emit([&](Value h, Value w) { return std::pair(partOf(e, h, oh, ih), partOf(e, w, ow, iw)); },
            readPixels(e, 0, oh, ow, e.extent(6)),
            [&](Value, Value, Value h, Value w) {
              Value count = partSize(e, partOf(e, h, ih, oh), partOf(e, w, iw, ow));
              return addRead(e, e.splat(e.divf(e.real(1.0), count)));
            },
            nullptr);
}

/// One axis of a resized image, of `inputs` pixels made `outputs`.
class ResizedAxis {
public:
  ResizedAxis(KernelEmitter &emitter, ResizeMode mode, Value inputs, Value outputs)
      : e(emitter), isNearest(mode == ResizeMode::Nearest), inputs(inputs), outputs(outputs) {}

  /// The inputs [first, last) that output `o` reads.
  std::pair<Value, Value> inputsOf(Value o) {
    if (isNearest) {
      Value at = e.div(e.mul(o, inputs), outputs);
      return {at, e.add(at, e.index(1))};
    }
    Value first = e.div(position(o), scale());
    return {first, e.min(e.add(first, e.index(2)), inputs)};
  }

  /// The outputs [first, last) that read input `i`.
  std::pair<Value, Value> outputsOf(Value i) {
    if (isNearest) {
      Value begin = e.mul(i, outputs);
      return {e.ceilDiv(begin, inputs), e.ceilDiv(e.add(begin, outputs), inputs)};
    }
    // Those with a position beyond that of the input before and short of the one after it.
    auto firstBeyond = [&](Value before) {
      Value at = e.sub(e.mul(before, outputs), inputs);
      return e.ceilDiv(e.max(at, e.index(0)), e.mul(inputs, e.index(2)));
    };
    Value middle = e.mul(i, e.index(2));
    return {firstBeyond(e.sub(middle, e.index(1))), e.min(firstBeyond(e.add(middle, e.index(3))), outputs)};
  }

  /// How much of input `i` is in output `o`, which reads it: f32.
  Value share(Value o, Value i) {
    if (isNearest)
      return e.real(1.0);
    Value at = position(o), first = e.div(at, scale());
    Value second = e.min(e.add(first, e.index(1)), e.sub(inputs, e.index(1)));
    Value ofSecond = e.divf(e.toReal(e.rem(at, scale())), e.toReal(scale()));
    auto where = [&](Value position, Value value) -> Value {
      Value same = arith::CmpIOp::create(e.builder, e.loc, arith::CmpIPredicate::eq, position, i);
      return arith::SelectOp::create(e.builder, e.loc, same, value, e.real(0.0));
    };
    return e.addf(where(first, e.subf(e.real(1.0), ofSecond)), where(second, ofSecond));
  }

private:
  /// Where output `o` lies, (o + 1/2) * inputs / outputs - 1/2 or 0, in parts of which an input has `scale`.
  Value position(Value o) {
    Value odd = e.add(e.mul(o, e.index(2)), e.index(1));
    return e.max(e.sub(e.mul(odd, inputs), outputs), e.index(0));
  }
  Value scale() { return e.mul(outputs, e.index(2)); }

  KernelEmitter &e;
  bool isNearest;
  Value inputs, outputs;
};

void emitResize(ResizeOp op, KernelEmitter &e) {
  ResizedAxis rows(e, op.getMode(), e.extent(1), e.extent(4)), columns(e, op.getMode(), e.extent(2), e.extent(5));
  SummingPool pool{e, e.extent(3), e.extent(4), e.extent(5), e.operand(1), e.extent(7), e.elementOf(1)};
  pool.emit([&](Value oh, Value ow) { return std::pair(rows.inputsOf(oh), columns.inputsOf(ow)); },
            readPixels(e, 0, e.extent(1), e.extent(2), e.extent(6)),
            [&](Value oh, Value ow, Value ih, Value iw) {
              return addRead(e, e.splat(e.mulf(rows.share(oh, ih), columns.share(ow, iw))));
            },
            nullptr);
}

void emitResizeBackward(ResizeBackwardOp op, KernelEmitter &e) {
  ResizedAxis rows(e, op.getMode(), e.extent(1), e.extent(4)), columns(e, op.getMode(), e.extent(2), e.extent(5));
  SummingPool pool{e, e.extent(3), e.extent(1), e.extent(2), e.operand(1), e.extent(7), e.elementOf(1)};
  pool.emit([&](Value ih, Value iw) { return std::pair(rows.outputsOf(ih), columns.outputsOf(iw)); },
            readPixels(e, 0, e.extent(4), e.extent(5), e.extent(6)),
            [&](Value ih, Value iw, Value oh, Value ow) {
              return addRead(e, e.splat(e.mulf(rows.share(oh, ih), columns.share(ow, iw))));
            },
            nullptr);
}

void emitGlobalAvgPool(GlobalAvgPoolOp, KernelEmitter &e) {
  Value src = e.operand(0), dst = e.operand(1);
  Value pixelCount = e.extent(1), channels = e.extent(2), srcStride = e.extent(3), dstStride = e.extent(4);
  Value share = e.splat(e.divf(e.real(1.0), e.toReal(pixelCount)));
  e.units([&](Value n) {
    e.vectors(channels, [&](Value c, Lanes lanes) {
      auto sum = e.loop(e.index(0), pixelCount, 1, ValueRange(e.splatReal(0.0)), [&](Value at, ValueRange carried) {
        Value offset = e.add(e.mul(e.add(e.mul(n, pixelCount), at), srcStride), c);
        return SmallVector<Value>{e.addf(carried[0], e.loadReals(src, offset, e.elementOf(0), lanes))};
      });
      e.storeReals(e.mulf(sum[0], share), dst, e.add(e.mul(n, dstStride), c), e.elementOf(1), lanes);
    });
  });
}

void emitGlobalAvgPoolBackward(GlobalAvgPoolBackwardOp, KernelEmitter &e) {
  Value diffDst = e.operand(0), diffSrc = e.operand(1);
  Value pixelCount = e.extent(1), channels = e.extent(2), diffDstStride = e.extent(3), diffSrcStride = e.extent(4);
  Value share = e.splat(e.divf(e.real(1.0), e.toReal(pixelCount)));
  e.units([&](Value n) {
    e.items(pixelCount, [&](Value at) {
      Value row = e.mul(e.add(e.mul(n, pixelCount), at), diffSrcStride);
      e.vectors(channels, [&](Value c, Lanes lanes) {
        Value diff = e.loadReals(diffDst, e.add(e.mul(n, diffDstStride), c), e.elementOf(0), lanes);
        e.storeReals(e.mulf(diff, share), diffSrc, e.add(row, c), e.elementOf(1), lanes);
      });
    });
  });
}

} // namespace

void attachPoolLoops(MLIRContext *context) {
  using Loops = LoopsRule<KernelEmitter>;
  Loops::attachAll<emitMaxPool, MaxPoolOp, MaxPoolWithIndexOp>(context);
  Loops::attach<MaxPoolBackwardOp, emitMaxPoolBackward>(context);
  Loops::attach<AdaptiveAvgPoolOp, emitAdaptiveAvgPool>(context);
  Loops::attach<AdaptiveAvgPoolBackwardOp, emitAdaptiveAvgPoolBackward>(context);
  Loops::attach<ResizeOp, emitResize>(context);
  Loops::attach<ResizeBackwardOp, emitResizeBackward>(context);
  Loops::attach<AvgPoolOp, emitAvgPool>(context);
  Loops::attach<AvgPoolBackwardOp, emitAvgPoolBackward>(context);
  Loops::attach<GlobalAvgPoolOp, emitGlobalAvgPool>(context);
  Loops::attach<GlobalAvgPoolBackwardOp, emitGlobalAvgPoolBackward>(context);
}

} // namespace incept::kernels
