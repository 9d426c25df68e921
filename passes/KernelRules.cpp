// SPDX-License-Identifier: Apache-2.0
//
// Two functions and a row per op that is a kernel by itself. dialect/README.md says what the extents are.

#include "passes/KernelRules.h"
#include "dialect/VerifierUtils.h"
#include "mlir/IR/DialectRegistry.h"
#include "passes/LaunchCost.h"
#include "passes/LaunchShape.h"
#include "passes/Layouts.h"
#include "passes/TileRules.h"

using namespace mlir;

namespace incept {

int64_t strideOf(Value value) {
  LayoutAttr layout = layoutOf(value);
  return layout && layout.isSlice() ? layout.getStride() : shapeOf(value)[1];
}

namespace {

using Given = ArrayRef<int64_t>;

/// The op's window between `src` (or diff_src) and `dst` (or diff_dst).
template <typename OpTy>
KernelExtents window(OpTy op, ArrayRef<int64_t> src, ArrayRef<int64_t> dst) {
  KernelExtents extents = {src[0], src[2], src[3], src[1], dst[2], dst[3]};
  for (ArrayRef<int64_t> pair : {op.getKernel(), op.getStride(), op.getPadBegin(), op.getPadEnd()})
    llvm::append_range(extents, pair);
  for (Value operand : op->getOperands())
    extents.push_back(strideOf(operand));
  for (Value result : op->getResults())
    extents.push_back(strideOf(result));
  return extents;
}
constexpr auto pool = [](auto op) { return window(op, shapeOf(op.getSrc()), shapeOf(op.getDst())); };
constexpr auto poolBackward = [](auto op) { return window(op, shapeOf(op.getDiffSrc()), shapeOf(op.getDiffDst())); };
/// True where windows that are `stride` apart on `in` pixels between two paddings are `out`.
bool isWindow(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t before, int64_t after) {
  constexpr int64_t kMost = int64_t(1) << 40; // sums do not overflow
  return kernel > 0 && stride > 0 && in < kMost && kernel < kMost && before < kernel && after < kernel &&
         in + before + after >= kernel && (in + before + after - kernel) / stride + 1 == out;
}
/// A unit is a row of the written image, which is the small one, dst, or of a gradient the large one, diff_src.
template <bool isBackward>
KernelReach poolReach(Operation *op, Given e) {
  KernelReach reach;
  if (isWindow(e[1], e[4], e[6], e[8], e[10], e[12]) && isWindow(e[2], e[5], e[7], e[9], e[11], e[13]))
    reach.units = saturatingProduct({e[0], e[isBackward ? 1 : 4]});
  int64_t large = saturatingProduct({e[0], e[1], e[2]}), small = saturatingProduct({e[0], e[4], e[5]});
  unsigned ins = op->getNumOperands(), all = ins + op->getNumResults();
  for (unsigned i = 0; i < all; ++i)
    reach.operands.push_back({(i < ins) == isBackward ? small : large, e[3], e[14 + i]});
  return reach;
}
/// Of two or three tensors.
constexpr KernelLoops kPool = {16, UnitSize::Tile, 3, 14}, kIndexedPool = {17, UnitSize::Tile, 3, 14};

/// Images with `shape`, a unit each.
KernelExtents images(ArrayRef<int64_t> shape, Value src, Value dst) {
  return {shape[0], shape[2] * shape[3], shape[1], strideOf(src), strideOf(dst)};
}
KernelExtents globalAvgPool(GlobalAvgPoolOp op) { return images(shapeOf(op.getSrc()), op.getSrc(), op.getDst()); }
KernelReach globalAvgPoolReach(Operation *, Given e) {
  return {e[0], {{saturatingProduct({e[0], e[1]}), e[2], e[3]}, {e[0], e[2], e[4]}}};
}
KernelExtents globalAvgPoolBackward(GlobalAvgPoolBackwardOp op) {
  return images(shapeOf(op.getDiffSrc()), op.getDiffDst(), op.getDiffSrc());
}
KernelReach globalAvgPoolBackwardReach(Operation *, Given e) {
  return {e[0], {{e[0], e[2], e[3]}, {saturatingProduct({e[0], e[1]}), e[2], e[4]}}};
}
constexpr KernelLoops kGlobalPool = {5, UnitSize::Tile, 2, 3};

/// A unit is an image, as of the global pool, and there is a factor for each of its channels.
KernelExtents gate(GateOp op) {
  ArrayRef<int64_t> shape = shapeOf(op.getSrc());
  return {
      shape[0], shape[2] * shape[3], shape[1], strideOf(op.getSrc()), strideOf(op.getFactor()), strideOf(op.getDst())};
}
KernelReach gateReach(Operation *, Given e) {
  int64_t rows = saturatingProduct({e[0], e[1]});
  return {e[0], {{rows, e[2], e[3]}, {e[0], e[2], e[4]}, {rows, e[2], e[5]}}};
}
KernelExtents gateBackward(GateBackwardOp op) {
  ArrayRef<int64_t> shape = shapeOf(op.getSrc());
  return {shape[0],
          shape[2] * shape[3],
          shape[1],
          strideOf(op.getDiffDst()),
          strideOf(op.getSrc()),
          strideOf(op.getDiffFactor())};
}
KernelReach gateBackwardReach(Operation *, Given e) {
  int64_t rows = saturatingProduct({e[0], e[1]});
  return {e[0], {{rows, e[2], e[3]}, {rows, e[2], e[4]}, {e[0], e[2], e[5]}}};
}
constexpr KernelLoops kGate = {6, UnitSize::Tile, 2, 3};

/// As of pools, without a window.
KernelExtents adaptive(ArrayRef<int64_t> large, ArrayRef<int64_t> small, Value src, Value dst) {
  return {large[0], large[2], large[3], large[1], small[2], small[3], strideOf(src), strideOf(dst)};
}
KernelExtents adaptiveAvgPool(AdaptiveAvgPoolOp op) {
  return adaptive(shapeOf(op.getSrc()), shapeOf(op.getDst()), op.getSrc(), op.getDst());
}
KernelExtents adaptiveAvgPoolBackward(AdaptiveAvgPoolBackwardOp op) {
  return adaptive(shapeOf(op.getDiffSrc()), shapeOf(op.getDiffDst()), op.getDiffDst(), op.getDiffSrc());
}
template <bool isBackward>
KernelReach adaptiveReach(Operation *, Given e) {
  int64_t large = saturatingProduct({e[0], e[1], e[2]}), small = saturatingProduct({e[0], e[4], e[5]});
  return {saturatingProduct({e[0], e[isBackward ? 1 : 4]}),
          {{isBackward ? small : large, e[3], e[6]}, {isBackward ? large : small, e[3], e[7]}}};
}
KernelExtents resize(ResizeOp op) {
  return adaptive(shapeOf(op.getSrc()), shapeOf(op.getDst()), op.getSrc(), op.getDst());
}
KernelExtents resizeBackward(ResizeBackwardOp op) {
  return adaptive(shapeOf(op.getDiffSrc()), shapeOf(op.getDiffDst()), op.getDiffDst(), op.getDiffSrc());
}
template <bool isBackward>
KernelReach resizeReach(Operation *op, Given e) {
  KernelReach reach = adaptiveReach<isBackward>(op, e);
  if (std::max({e[1], e[2], e[4], e[5]}) > kMostResized)
    reach.units = 0;
  return reach;
}
constexpr KernelLoops kAdaptive = {8, UnitSize::Tile, 3, 6};

/// Some rows are a unit, so that threads which share a row have enough of them.
int64_t rowUnits(int64_t rows) { return rows / kRowsUnit + (rows % kRowsUnit != 0); }

KernelExtents channelShuffle(ChannelShuffleOp op) {
  ArrayRef<int64_t> shape = shapeOf(op.getSrc());
  return {rowsOf(shape), shape[1], int64_t(op.getGroups()), strideOf(op.getSrc()), strideOf(op.getDst())};
}
KernelReach channelShuffleReach(Operation *, Given e) {
  bool isIt = e[2] > 0 && e[1] % e[2] == 0;
  return {isIt ? rowUnits(e[0]) : 0, {{e[0], e[1], e[3]}, {e[0], e[1], e[4]}}};
}

/// Between an image and the row of its elements.
KernelExtents flattened(ArrayRef<int64_t> image, Value src, Value dst) {
  return {image[0], image[1], image[2] * image[3], strideOf(src), strideOf(dst)};
}
KernelExtents flattenPixels(FlattenPixelsOp op) { return flattened(shapeOf(op.getSrc()), op.getSrc(), op.getDst()); }
KernelExtents unflattenPixels(UnflattenPixelsOp op) {
  return flattened(shapeOf(op.getDst()), op.getSrc(), op.getDst());
}
template <bool isBackward>
KernelReach flattenedReach(Operation *, Given e) {
  int64_t rows = saturatingProduct({e[0], e[2]});
  KernelReach reach = {rows, {{rows, e[1], e[3]}, {e[0], saturatingProduct({e[1], e[2]}), e[4]}}};
  if (isBackward)
    reach.operands = {{e[0], saturatingProduct({e[1], e[2]}), e[3]}, {rows, e[1], e[4]}};
  return reach;
}

constexpr auto pixelRows = [](auto op) {
  ArrayRef<int64_t> shape = shapeOf(op->getResult(0));
  KernelExtents extents = {rowsOf(shape), shape[1]};
  for (Value operand : op->getOperands())
    extents.push_back(strideOf(operand));
  extents.push_back(strideOf(op->getResult(0)));
  return extents;
};
KernelReach pixelRowsReach(Operation *op, Given e) {
  KernelReach reach = {rowUnits(e[0]), {}};
  for (unsigned i = 0; i <= op->getNumOperands(); ++i)
    reach.operands.push_back({e[0], e[1], e[2 + i]});
  return reach;
}

/// Vectors of a row's channels, where rows begin at their multiples.
template <unsigned operands>
constexpr KernelLoops kPixelRows = {2 + operands, UnitSize::Block, 1, 2};

/// A unit is a group of channels in all pixels of an image.
constexpr auto groups = [](auto op) {
  ArrayRef<int64_t> shape = shapeOf(op->getResult(0));
  int64_t count = op.getGroups();
  KernelExtents extents = {shape[0], shape[2] * shape[3], count, shape[1] / count};
  for (Value operand : op->getOperands())
    extents.push_back(strideOf(operand));
  extents.push_back(strideOf(op->getResult(0)));
  return extents;
};
KernelReach groupsReach(Operation *op, Given e) {
  KernelReach reach = {saturatingProduct({e[0], e[2]}), {}};
  for (unsigned i = 0; i <= op->getNumOperands(); ++i)
    reach.operands.push_back({saturatingProduct({e[0], e[1]}), saturatingProduct({e[2], e[3]}), e[4 + i]});
  return reach;
}
template <unsigned operands>
constexpr KernelLoops kGroups = {4 + operands, UnitSize::Block, 3, 4};

KernelExtents dropout(DropoutOp op) {
  ArrayRef<int64_t> shape = shapeOf(op.getSrc());
  return {shape[0], shape[1], rowsOf(shape) / shape[0], strideOf(op.getSrc()), strideOf(op.getDst())};
}
KernelReach dropoutReach(Operation *, Given e) {
  int64_t rows = saturatingProduct({e[0], e[2]});
  return {e[0], {{rows, e[1], e[3]}, {}, {}, {}, {rows, e[1], e[4]}}};
}

/// All rows in one unit; lowering cuts them for targets whose units cannot wait for each other.
KernelExtents crossEntropy(SoftmaxCrossEntropyOp op) {
  ArrayRef<int64_t> logits = shapeOf(op.getLogits());
  return {logits[0], logits[1], logits[0], strideOf(op.getLogits())};
}
KernelReach crossEntropyReach(SoftmaxCrossEntropyOp op, Given e) {
  int64_t units = e[2] > 0 ? e[0] / e[2] + (e[0] % e[2] != 0) : 0;
  KernelReach reach = {units, {{e[0], e[1], e[3]}, KernelRows::dense(e[0]), KernelRows::dense(units)}};
  if (op.getCount())
    reach.operands.push_back(KernelRows::dense(units));
  return reach;
}
KernelExtents crossEntropyBackward(SoftmaxCrossEntropyBackwardOp op) {
  ArrayRef<int64_t> logits = shapeOf(op.getLogits());
  return {logits[0], logits[1], strideOf(op.getLogits()), strideOf(op.getDiffLogits())};
}
KernelReach crossEntropyBackwardReach(SoftmaxCrossEntropyBackwardOp op, Given e) {
  KernelReach reach = {e[0], {{e[0], e[1], e[2]}, KernelRows::dense(e[0])}};
  reach.operands.append(op->getNumOperands() - 2, {}); // count and scale, where they are
  reach.operands.push_back({e[0], e[1], e[3]});
  return reach;
}

KernelExtents normalizeImage(NormalizeImageOp op) {
  ArrayRef<int64_t> dst = shapeOf(op.getDst());
  return {rowsOf(dst), dst[1], strideOf(op.getDst())};
}
/// The channels are those of the constants.
KernelReach normalizeImageReach(NormalizeImageOp op, Given e) {
  bool isIt = e[1] == int64_t(op.getMean().size());
  return {isIt ? e[0] : 0, {{e[0], e[1], e[1]}, {e[0], e[1], e[2]}}};
}

KernelExtents importImage(ImportImageOp op) {
  ArrayRef<int64_t> dst = shapeOf(op.getDst());
  return {dst[0], dst[1], dst[2] * dst[3], strideOf(op.getDst())};
}
KernelReach importImageReach(Operation *, Given e) {
  int64_t rows = saturatingProduct({e[0], e[2]});
  return {rows, {KernelRows::dense(saturatingProduct({rows, e[1]})), {rows, e[1], e[3]}}};
}

KernelExtents reorder(ReorderOp op) {
  ArrayRef<int64_t> dst = shapeOf(op.getDst());
  return {dst[0], *countElements(dst) / dst[0]};
}
KernelReach reorderReach(ReorderOp op, Given e) {
  KernelReach reach = {e[0], {{e[0], e[1], e[1]}}};
  if (op.getScales())
    reach.operands.push_back(KernelRows::dense(e[0]));
  reach.operands.push_back({e[0], e[1], e[1]});
  return reach;
}

/// Of one tensor; lowering cuts neighbours together.
constexpr auto total = [](auto op) -> KernelExtents {
  int64_t elements = *countElements(shapeOf(op.getSrcs().front()));
  return {elements, cutCount(elements)};
};
KernelReach totalReach(Operation *, Given e) {
  int64_t units = e[1] ? e[0] / e[1] + (e[0] % e[1] != 0) : 0;
  return {units, {KernelRows::dense(e[0]), KernelRows::dense(units)}};
}

void attachRules(MLIRContext *c, InceptDialect *) {
  attachKernelRule<MaxPoolOp, kPool, pool, poolReach<false>>(c);
  attachKernelRule<MaxPoolWithIndexOp, kIndexedPool, pool, poolReach<false>>(c);
  attachKernelRule<MaxPoolBackwardOp, kIndexedPool, poolBackward, poolReach<true>>(c);
  attachKernelRule<AvgPoolOp, kPool, pool, poolReach<false>>(c);
  attachKernelRule<AvgPoolBackwardOp, kPool, poolBackward, poolReach<true>>(c);
  attachKernelRule<GlobalAvgPoolOp, kGlobalPool, globalAvgPool, globalAvgPoolReach>(c);
  attachKernelRule<GlobalAvgPoolBackwardOp, kGlobalPool, globalAvgPoolBackward, globalAvgPoolBackwardReach>(c);
  attachKernelRule<GateOp, kGate, gate, gateReach>(c);
  attachKernelRule<GateBackwardOp, kGate, gateBackward, gateBackwardReach>(c);
  attachKernelRule<AdaptiveAvgPoolOp, kAdaptive, adaptiveAvgPool, adaptiveReach<false>>(c);
  attachKernelRule<AdaptiveAvgPoolBackwardOp, kAdaptive, adaptiveAvgPoolBackward, adaptiveReach<true>>(c);
  attachKernelRule<ResizeOp, kAdaptive, resize, resizeReach<false>>(c);
  attachKernelRule<ResizeBackwardOp, kAdaptive, resizeBackward, resizeReach<true>>(c);
  attachKernelRule<ChannelShuffleOp, KernelLoops{5, UnitSize::Block, -1, 3}, channelShuffle, channelShuffleReach>(c);
  attachKernelRule<FlattenPixelsOp, KernelLoops{5, UnitSize::Thread, -1, 3}, flattenPixels, flattenedReach<false>>(c);
  attachKernelRule<UnflattenPixelsOp, KernelLoops{5, UnitSize::Thread, -1, 3}, unflattenPixels, flattenedReach<true>>(
      c);
  attachKernelRule<NormalizePixelsOp, kPixelRows<2>, pixelRows, pixelRowsReach>(c);
  attachKernelRule<NormalizePixelsBackwardOp, kPixelRows<3>, pixelRows, pixelRowsReach>(c);
  attachKernelRule<NormalizeGroupsOp, kGroups<2>, groups, groupsReach>(c);
  attachKernelRule<NormalizeGroupsBackwardOp, kGroups<3>, groups, groupsReach>(c);
  attachKernelRule<SoftmaxOp, kPixelRows<2>, pixelRows, pixelRowsReach>(c);
  attachKernelRule<SoftmaxBackwardOp, kPixelRows<3>, pixelRows, pixelRowsReach>(c);
  // Neighbours of a vector do not begin where vectors do.
  attachKernelRule<LocalResponseNormOp, KernelLoops{4, UnitSize::Block, -1, 2}, pixelRows, pixelRowsReach>(c);
  attachKernelRule<LocalResponseNormBackwardOp, KernelLoops{5, UnitSize::Block, -1, 2}, pixelRows, pixelRowsReach>(c);
  attachKernelRule<DropoutOp, KernelLoops{5, UnitSize::Tile, 1, 3}, dropout, dropoutReach>(c);
  attachKernelRule<SoftmaxCrossEntropyOp, KernelLoops{4}, crossEntropy, crossEntropyReach>(c);
  attachKernelRule<SoftmaxCrossEntropyBackwardOp, KernelLoops{4}, crossEntropyBackward, crossEntropyBackwardReach>(c);
  attachKernelRule<NormalizeImageOp, KernelLoops{3, UnitSize::Thread}, normalizeImage, normalizeImageReach>(c);
  attachKernelRule<ImportImageOp, KernelLoops{4, UnitSize::Thread}, importImage, importImageReach>(c);
  // Where a target has no library for it.
  attachKernelRule<ReorderOp, KernelLoops{2, UnitSize::Row, 1}, reorder, reorderReach>(c);
  // A chunk has whole vectors; what is written are single numbers.
  attachKernelRule<CountNonfiniteOp, KernelLoops{2, UnitSize::Block, 1, -1, 1}, total, totalReach>(c);
  attachKernelRule<SumSquaresOp, KernelLoops{2, UnitSize::Block, 1, -1, 1}, total, totalReach>(c);
  attachTileRules(c);
  attachFlopRules(c);
}

} // namespace

void registerKernelRules(DialectRegistry &registry) { registry.addExtension(attachRules); }

} // namespace incept
