// SPDX-License-Identifier: Apache-2.0
//
// How convolutions by transforms of tiles are launched. dialect/README.md says what the extents are.

#include "passes/TileRules.h"
#include "dialect/TileOps.h"
#include "dialect/VerifierUtils.h"
#include "passes/KernelRules.h"

using namespace mlir;

namespace incept {

namespace {

using Given = ArrayRef<int64_t>;

/// True where no size that is computed of these overflows: no tensor in memory is larger.
bool isSmall(Given extents) {
  constexpr int64_t kMost = int64_t(1) << 40;
  int64_t product = 1;
  for (int64_t extent : extents)
    if (llvm::MulOverflow(product, std::max<int64_t>(extent, 1), product) || product > kMost)
      return false;
  return true;
}

KernelExtents transformExtents(TransformWeightsOp op) {
  ArrayRef<int64_t> weights = shapeOf(op.getWeights());
  return {weights[0], weights[1]};
}
KernelReach transformReach(TransformWeightsOp op, Given e) {
  TileShape shape = tileShape(op);
  int64_t k = e[op.getTransposed() ? 0 : 1], o = e[op.getTransposed() ? 1 : 0];
  if (!isSmall(e) || k < 1 || o < 1)
    return {0, {{}, {}}};
  return {ceilDivide(o, shape.panel()) * ceilDivide(k, shape.lanes),
          {KernelRows::dense(k * o * shape.taps()), KernelRows::dense(transformedElements(shape, k, o))}};
}

/// N, IH, IW, K, OH, OW, O, PT, PL, vertical of a convolution of `src` that gives `dst`.
template <typename OpTy>
KernelExtents images(OpTy op, Value src, Value dst) {
  ArrayRef<int64_t> s = shapeOf(src), d = shapeOf(dst), pad = op.getPadBegin();
  return {s[0], s[2], s[3], s[1], d[2], d[3], d[1], pad[0], pad[1], tileShape(op).isVertical()};
}

/// The shape for a launch: what a kernel's definition has is in a row.
TileShape shapeOfLaunch(TileShape shape, Given e) { return e[9] == 1 && !shape.isSquare() ? shape.turned() : shape; }
/// True where extents are those of images and nothing overflows.
bool areImages(const TileShape &shape, Given e) {
  bool hasSizes = llvm::all_of(e.take_front(7), [](int64_t size) { return size > 0; });
  TileShape turned = shapeOfLaunch(shape, e);
  return hasSizes && isSmall({e[0], e[1], e[2], e[3]}) && isSmall({e[0], e[4], e[5], e[6]}) &&
         isSmall({e[3], e[6], 64}) && e[7] < turned.kh && e[8] < turned.kw && e[9] <= (shape.isSquare() ? 0 : 1);
}

KernelExtents convolveExtents(ConvolveTilesOp op) {
  KernelExtents extents = images(op, op.getSrc(), op.getDst());
  llvm::append_values(extents, int64_t(op.getUnits()), int64_t(op.getBlock()), int64_t(op.getRelu()),
                      int64_t(op.getParts()), strideOf(op.getSrc()), strideOf(op.getDst()));
  return extents;
}
KernelReach convolveReach(ConvolveTilesOp op, Given e) {
  TileShape shape = tileShape(op).flat();
  KernelReach reach;
  int64_t units = e[10], block = e[11], parts = e[13];
  bool isIt = areImages(shape, e) && units > 0 && block > 0 && block % shape.rows() == 0 && isSmall({units, block}) &&
              parts > 0 && parts <= ceilDivide(e[6], shape.panel()) && units % parts == 0 &&
              units / parts <= countTiles(shapeOfLaunch(shape, e), e[0], e[4], e[5], e[7], e[8]) &&
              isSmall({e[3] + e[6], block, units, 64});
  reach.units = isIt ? units : 0;
  auto dense = [&](auto count) { reach.operands.push_back(isIt ? KernelRows::dense(count()) : KernelRows()); };
  reach.operands.push_back({saturatingProduct({e[0], e[1], e[2]}), e[3], e[14]});
  dense([&] { return transformedElements(shape, e[3], e[6]); });
  for (size_t vector = 0; op.getCenter() && vector < 3; ++vector)
    dense([&] { return e[3]; });
  if (op.getBias())
    dense([&] { return e[6]; });
  reach.operands.push_back({saturatingProduct({e[0], e[4], e[5]}), e[6], e[15]});
  dense([&] { return units * convolveScratch(shape, e[3], e[6], block); });
  return reach;
}

KernelExtents correlateExtents(CorrelateTilesOp op) {
  KernelExtents extents = images(op, op.getSrc(), op.getDiffDst());
  llvm::append_values(extents, op.getGrid()[0], op.getGrid()[1], int64_t(op.getBlock()), strideOf(op.getSrc()),
                      strideOf(op.getDiffDst()));
  return extents;
}
KernelReach correlateReach(CorrelateTilesOp op, Given e) {
  TileShape shape = tileShape(op).flat();
  int64_t gridK = e[10], gridO = e[11], block = e[12];
  bool isIt = areImages(shape, e) && gridK > 0 && gridO > 0 && block > 0 && gridK <= ceilDivide(e[3], shape.lanes) &&
              gridO <= ceilDivide(e[6], shape.panel()) && isSmall({e[3] + e[6], block, gridK, gridO, 64}) &&
              isSmall({e[3], e[6], gridK, gridO, 64});
  KernelRows scratchpad;
  if (isIt)
    scratchpad = KernelRows::dense(gridK * gridO * correlateScratch(shape, e[3], e[6], gridK, gridO, block));
  KernelReach reach;
  reach.units = isIt ? gridK * gridO : 0;
  reach.operands.push_back({saturatingProduct({e[0], e[1], e[2]}), e[3], e[13]});
  reach.operands.push_back({saturatingProduct({e[0], e[4], e[5]}), e[6], e[14]});
  if (op.getCenter())
    reach.operands.append(3, KernelRows::dense(e[3]));
  reach.operands.push_back(KernelRows::dense(saturatingProduct({e[3], e[6], shape.taps()})));
  reach.operands.push_back(scratchpad);
  return reach;
}

/// As KernelRule; what launches pass as extents is 1 or 0 in a definition, and windows lie in a row.
template <typename OpTy, KernelLoops loops, auto extents, auto reach>
struct TileRule : KernelOpInterface::ExternalModel<TileRule<OpTy, loops, extents, reach>, OpTy> {
  KernelExtents getExtents(Operation *op) const { return extents(cast<OpTy>(op)); }
  KernelLoops getLoops(Operation *) const { return loops; }
  KernelReach getReach(Operation *op, Given given) const { return reach(cast<OpTy>(op), given); }
  void eraseExtents(Operation *op) const {
    auto tiles = cast<OpTy>(op);
    TileShape flat = tileShape(tiles).flat();
    tiles.setKernel({flat.kh, flat.kw});
    tiles.setTile({flat.mh, flat.mw});
    if constexpr (requires { tiles.getPadBegin(); }) {
      tiles.setPadBegin({0, 0});
      tiles.setBlock(flat.rows());
    }
    if constexpr (requires { tiles.getUnits(); }) {
      tiles.setUnits(1);
      tiles.setParts(1);
      tiles.setRelu(false);
    }
    if constexpr (requires { tiles.getGrid(); })
      tiles.setGrid({1, 1});
  }
};

template <typename OpTy, KernelLoops loops, auto extents, auto reach>
void attach(MLIRContext *context) {
  OpTy::template attachInterface<TileRule<OpTy, loops, extents, reach>>(*context);
}

} // namespace

void attachTileRules(MLIRContext *context) {
  attach<TransformWeightsOp, KernelLoops{2}, transformExtents, transformReach>(context);
  attach<ConvolveTilesOp, KernelLoops{16, UnitSize::Block, -1, 14}, convolveExtents, convolveReach>(context);
  attach<CorrelateTilesOp, KernelLoops{15, UnitSize::Block, -1, 13}, correlateExtents, correlateReach>(context);
}

} // namespace incept
