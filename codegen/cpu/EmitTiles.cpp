// SPDX-License-Identifier: Apache-2.0
//
// Convolutions by transforms of tiles (dialect/InceptTileOps.td). A unit goes through its tiles block by block:
// transforms what lies under each, multiplies matrices point by point, and transforms the products back. A transformed
// tile's channels are stored vector by vector with the tiles of a block side by side, [point][channels /
// lanes][tile][lane], so that a product reads one stretch of memory with constant distances between its rows.
#include "codegen/cpu/EmitTiles.h"
#include "codegen/cpu/TileLoops.h"

#include <limits>

using namespace mlir;

namespace incept::cpu {

namespace {

/// The first of `parts` nearly equal parts of `count` that is `index` or behind.
Value cut(CpuEmitter &e, Value index, Value count, Value parts) { return e.div(e.mul(index, count), parts); }

/// Fills [0, count) with zeros, whole vectors.
void clear(CpuEmitter &e, Value base, Value count) {
  e.loop(e.index(0), count, e.width, [&](Value i) { e.storeVector(e.splatReal(0.0), base, i, Lanes()); });
}

/// What an op normalises by, whose first such operand is `first`.
template <typename OpTy>
std::optional<TileNormalization> normalizationOf(OpTy op, CpuEmitter &e, unsigned first) {
  if (!op.getCenter())
    return std::nullopt;
  return TileNormalization{e.operand(first), e.operand(first + 1), e.operand(first + 2)};
}

void emitConvolveTiles(ConvolveTilesOp op, CpuEmitter &e) {
  TileShape shape = tileShape(op).flat();
  e.width = shape.lanes;
  bool hasBias = bool(op.getBias());
  int64_t lanes = shape.lanes, panel = shape.panel(), points = shape.points();
  std::optional<TileNormalization> how = normalizationOf(op, e, 2);
  unsigned next = how ? 5 : 2; // operand
  Value src = e.operand(0), weights = e.operand(1), bias = hasBias ? e.operand(next++) : Value();
  Value dst = e.operand(next), scratchpad = e.operand(next + 1);
  Value n = e.extent(0), ih = e.extent(1), iw = e.extent(2), k = e.extent(3), oh = e.extent(4), ow = e.extent(5),
        o = e.extent(6), padTop = e.extent(7), padLeft = e.extent(8), units = e.extent(10), block = e.extent(11);
  Value zero = e.index(0);
  TileGrid grid{oh, ow, e.extent(9)};
  TileImage from{src, ih, iw, e.extent(14), padTop, padLeft}, to{dst, oh, ow, e.extent(15), zero, zero};
  if (shape.writeStep() > 1) {
    // Where the window begins in what is written; of what is read, the pixels that reach its first tap begin there.
    Value before = e.index((shape.kh - 1) / shape.stride), step = e.index(shape.stride);
    grid.height = e.ceilDiv(e.add(oh, padTop), step), grid.width = e.ceilDiv(e.add(ow, padLeft), step);
    from.padTop = from.padLeft = before;
    to.padTop = padTop, to.padLeft = padLeft;
  }
  Value least = arith::SelectOp::create(e.builder, e.loc, e.less(e.index(0), e.extent(12)), e.real(0.0),
                                        e.real(-std::numeric_limits<double>::infinity()));
  Value parts = e.extent(13), shares = e.div(units, parts); // of channels, of tiles
  Value blocks = e.ceilDiv(k, e.index(lanes)), panels = e.ceilDiv(o, e.index(panel));
  // The parts of a unit's scratchpad, as convolveScratch counts them.
  Value zerosSize = e.mul(blocks, e.index(lanes)), spareSize = e.mul(panels, e.index(panel));
  Value placesSize = e.mul(e.ceilDiv(e.mul(block, e.index(2 * shape.outputs())), e.index(16)), e.index(16));
  Value tilePitch = e.add(e.mul(e.mul(blocks, block), e.index(lanes)), e.index(kTileSkew));
  Value productPitch = e.add(e.mul(block, e.index(panel)), e.index(kTileSkew));
  Value placesAt = e.add(zerosSize, spareSize), tilesAt = e.add(placesAt, placesSize);
  Value productsAt = e.add(tilesAt, e.mul(tilePitch, e.index(points)));
  Value size = e.add(productsAt, e.mul(productPitch, e.index(points)));
  Value panelPitch = e.mul(zerosSize, e.index(panel)), total = countTiles(e, shape, n, grid);
  e.units([&](Value unit) {
    Value zeros = e.address(scratchpad, e.mul(unit, size), e.f32());
    auto part = [&](Value offset) { return e.address(zeros, offset, e.f32()); };
    Value spare = part(zerosSize), places = part(placesAt);
    TileBuffer transformed{part(tilesAt), tilePitch, block}, products{part(productsAt), productPitch, block};
    clear(e, zeros, zerosSize);
    Value ofTiles = e.div(unit, parts), ofPanels = e.rem(unit, parts), one = e.index(1);
    Value last = cut(e, e.add(ofTiles, one), total, shares);
    Value firstPanel = cut(e, ofPanels, panels, parts), lastPanel = cut(e, e.add(ofPanels, one), panels, parts);
    e.strided(cut(e, ofTiles, total, shares), last, block, {}, [&](Value first, ValueRange) {
      TileRange range{first, e.min(block, e.sub(last, first))};
      emitFindOutputs(e, shape, to, grid, spare, range, places);
      emitTransformInputs(e, shape, how ? &*how : nullptr, from, grid, zeros, range, {e.index(0), k}, transformed);
      e.loop(firstPanel, lastPanel, 1, [&](Value p) {
        Value right = e.address(weights, e.mul(p, e.mul(panelPitch, e.index(points))), e.f32());
        emitTileProducts(e, shape, transformed, right, panelPitch, blocks, range.count, products);
        TileChannels channels{e.mul(p, e.index(panel)), o};
        emitTransformOutputs(e, shape, products, places, range.count, channels, least, bias);
      });
      return SmallVector<Value>();
    });
  });
}

void emitCorrelateTiles(CorrelateTilesOp op, CpuEmitter &e) {
  TileShape shape = tileShape(op).flat();
  e.width = shape.lanes;
  int64_t lanes = shape.lanes, panel = shape.panel(), points = shape.points();
  std::optional<TileNormalization> how = normalizationOf(op, e, 2);
  unsigned next = how ? 5 : 2; // operand
  Value src = e.operand(0), diffDst = e.operand(1), diffWeights = e.operand(next), scratchpad = e.operand(next + 1);
  Value n = e.extent(0), ih = e.extent(1), iw = e.extent(2), k = e.extent(3), oh = e.extent(4), ow = e.extent(5),
        o = e.extent(6), padTop = e.extent(7), padLeft = e.extent(8), gridK = e.extent(10), gridO = e.extent(11),
        block = e.extent(12);
  TileGrid grid{oh, ow, e.extent(9)};
  TileImage source{src, ih, iw, e.extent(13), padTop, padLeft},
      gradient{diffDst, oh, ow, e.extent(14), e.index(0), e.index(0)};
  Value blocks = e.ceilDiv(k, e.index(lanes)), panels = e.ceilDiv(o, e.index(panel));
  Value myBlocks = e.ceilDiv(blocks, gridK), myPanels = e.ceilDiv(panels, gridO);
  // The parts of a unit's scratchpad, as correlateScratch counts them.
  Value zerosSize = e.max(e.mul(blocks, e.index(lanes)), e.mul(panels, e.index(panel)));
  Value sourcePitch = e.add(e.mul(e.mul(myBlocks, block), e.index(lanes)), e.index(kTileSkew));
  Value gradientPitch = e.add(e.mul(e.mul(myPanels, block), e.index(panel)), e.index(kTileSkew));
  Value sumPitch = e.mul(e.mul(myBlocks, e.index(lanes)), e.mul(myPanels, e.index(panel)));
  Value gradientAt = e.add(zerosSize, e.mul(sourcePitch, e.index(points)));
  Value sumsAt = e.add(gradientAt, e.mul(gradientPitch, e.index(points)));
  Value sumsSize = e.mul(sumPitch, e.index(points)), size = e.add(sumsAt, sumsSize);
  Value total = countTiles(e, shape, n, grid);
  e.units([&](Value unit) {
    Value zeros = e.address(scratchpad, e.mul(unit, size), e.f32());
    auto part = [&](Value offset) { return e.address(zeros, offset, e.f32()); };
    TileBuffer sources{part(zerosSize), sourcePitch, block}, gradients{part(gradientAt), gradientPitch, block};
    clear(e, zeros, zerosSize);
    // This unit's channels, in whole vectors and panels.
    Value ofK = e.div(unit, gridO), ofO = e.rem(unit, gridO), one = e.index(1);
    Value firstBlock = cut(e, ofK, blocks, gridK), firstPanel = cut(e, ofO, panels, gridO);
    Value blockCount = e.sub(cut(e, e.add(ofK, one), blocks, gridK), firstBlock);
    Value panelCount = e.sub(cut(e, e.add(ofO, one), panels, gridO), firstPanel);
    TileChannels ins{e.mul(firstBlock, e.index(lanes)), e.min(k, e.mul(e.add(firstBlock, blockCount), e.index(lanes)))};
    TileChannels outs{e.mul(firstPanel, e.index(panel)),
                      e.min(o, e.mul(e.add(firstPanel, panelCount), e.index(panel)))};
    TileSums sums{part(sumsAt), sumPitch, blockCount, panelCount, myPanels};
    e.strided(e.index(0), total, block, {}, [&](Value first, ValueRange) {
      TileRange range{first, e.min(block, e.sub(total, first))};
      emitTransformInputs(e, shape, how ? &*how : nullptr, source, grid, zeros, range, ins, sources);
      emitTransformGradients(e, shape, gradient, grid, zeros, range, outs, gradients);
      emitSumProducts(e, shape, sources, gradients, range, sums);
      return SmallVector<Value>();
    });
    emitTransformTaps(e, shape, sums, ins, outs, k, o, diffWeights);
  });
}

} // namespace

void attachTileLoops(MLIRContext *context) {
  using Loops = LoopsRule<CpuEmitter>;
  Loops::attach<TransformWeightsOp, emitTransformWeights>(context);
  Loops::attach<ConvolveTilesOp, emitConvolveTiles>(context);
  Loops::attach<CorrelateTilesOp, emitCorrelateTiles>(context);
}

} // namespace incept::cpu
