// SPDX-License-Identifier: Apache-2.0
//
// One row per op that is a kernel by itself. dialect/README.md says what the extents are.

#include "passes/KernelRules.h"
#include "dialect/VerifierUtils.h"
#include "mlir/IR/DialectRegistry.h"
#include "passes/LaunchCost.h"
#include "passes/LaunchShape.h"
#include "passes/Layouts.h"

using namespace mlir;

namespace incept {

int64_t strideOf(Value value) {
  LayoutAttr layout = layoutOf(value);
  return layout && layout.isSlice() ? layout.getStride() : shapeOf(value)[1];
}

namespace {

/// The op's window between `src` (or diff_src) and `dst` (or diff_dst). A unit is a row of the written image.
template <typename OpTy>
KernelWork window(OpTy op, ArrayRef<int64_t> src, ArrayRef<int64_t> dst) {
  ArrayRef<int64_t> written = shapeOf(op->getResult(0));
  KernelWork work = {{src[0], src[2], src[3], src[1], dst[2], dst[3]}, written[0] * written[2]};
  for (ArrayRef<int64_t> pair : {op.getKernel(), op.getStride(), op.getPadBegin(), op.getPadEnd()})
    llvm::append_range(work.extents, pair);
  for (Value operand : op->getOperands())
    work.extents.push_back(strideOf(operand));
  for (Value result : op->getResults())
    work.extents.push_back(strideOf(result));
  return work;
}
template <typename OpTy>
KernelWork pool(OpTy op) {
  return window(op, shapeOf(op.getSrc()), shapeOf(op.getDst()));
}
template <typename OpTy>
KernelWork poolBackward(OpTy op) {
  return window(op, shapeOf(op.getDiffSrc()), shapeOf(op.getDiffDst()));
}
/// True where windows that are `stride` apart on `in` pixels between two paddings are `out`.
bool isWindow(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t before, int64_t after) {
  constexpr int64_t kMost = int64_t(1) << 40; // sums do not overflow
  return kernel > 0 && stride > 0 && in < kMost && kernel < kMost && before < kernel && after < kernel &&
         in + before + after >= kernel && (in + before + after - kernel) / stride + 1 == out;
}
/// Of images with rows * columns pixels, the operands in order: src (diff_src) or dst (diff_dst) and its like.
using Extents = ArrayRef<int64_t>;
KernelReach windowReach(Extents e, int64_t units, ArrayRef<bool> isSmall) {
  KernelReach reach;
  int64_t large = saturatingProduct({e[0], e[1], e[2]}), small = saturatingProduct({e[0], e[4], e[5]});
  bool fits = isWindow(e[1], e[4], e[6], e[8], e[10], e[12]) && isWindow(e[2], e[5], e[7], e[9], e[11], e[13]);
  reach.units = fits ? units : 0;
  for (auto [index, isSmallOne] : llvm::enumerate(isSmall))
    reach.operands.push_back({isSmallOne ? small : large, e[3], e[14 + index]});
  return reach;
}
template <typename OpTy>
KernelReach poolReach(OpTy op, Extents e) {
  bool isSmall[] = {false, true, true};
  return windowReach(e, saturatingProduct({e[0], e[4]}), ArrayRef(isSmall).take_front(1 + op->getNumResults()));
}
template <typename OpTy>
KernelReach poolBackwardReach(OpTy op, Extents e) {
  bool isSmall[] = {true, true, false};
  return windowReach(e, saturatingProduct({e[0], e[1]}), ArrayRef(isSmall).take_back(1 + op->getNumOperands()));
}
/// Two or three tensors.
constexpr KernelLoops kPool = {16, UnitSize::Tile, 3, 14}, kIndexedPool = {17, UnitSize::Tile, 3, 14};

/// Images with `shape`, a unit each.
KernelWork images(ArrayRef<int64_t> shape, Value src, Value dst) {
  return {{shape[0], shape[2] * shape[3], shape[1], strideOf(src), strideOf(dst)}, shape[0]};
}
KernelWork globalAvgPool(GlobalAvgPoolOp op) { return images(shapeOf(op.getSrc()), op.getSrc(), op.getDst()); }
KernelWork globalAvgPoolBackward(GlobalAvgPoolBackwardOp op) {
  return images(shapeOf(op.getDiffSrc()), op.getDiffDst(), op.getDiffSrc());
}
KernelReach globalAvgPoolReach(GlobalAvgPoolOp, Extents e) {
  return {e[0], {{saturatingProduct({e[0], e[1]}), e[2], e[3]}, {e[0], e[2], e[4]}}};
}
KernelReach globalAvgPoolBackwardReach(GlobalAvgPoolBackwardOp, Extents e) {
  return {e[0], {{e[0], e[2], e[3]}, {saturatingProduct({e[0], e[1]}), e[2], e[4]}}};
}
constexpr KernelLoops kGlobalPool = {5, UnitSize::Tile, 2, 3};

KernelWork dropout(DropoutOp op) {
  ArrayRef<int64_t> shape = shapeOf(op.getSrc());
  return {{shape[0], shape[1], rowsOf(shape) / shape[0], strideOf(op.getSrc()), strideOf(op.getDst())}, shape[0]};
}

KernelReach dropoutReach(DropoutOp, Extents e) {
  int64_t rows = saturatingProduct({e[0], e[2]});
  return {e[0], {{rows, e[1], e[3]}, {}, {}, {}, {rows, e[1], e[4]}}};
}

KernelWork crossEntropy(SoftmaxCrossEntropyOp op) {
  ArrayRef<int64_t> logits = shapeOf(op.getLogits());
  return {{logits[0], logits[1], strideOf(op.getLogits())}, 1};
}
KernelWork crossEntropyBackward(SoftmaxCrossEntropyBackwardOp op) {
  ArrayRef<int64_t> logits = shapeOf(op.getLogits());
  return {{logits[0], logits[1], strideOf(op.getLogits()), strideOf(op.getDiffLogits())}, logits[0]};
}
KernelReach crossEntropyReach(SoftmaxCrossEntropyOp, Extents e) {
  return {1, {{e[0], e[1], e[2]}, KernelRows::dense(e[0]), {}}};
}
KernelReach crossEntropyBackwardReach(SoftmaxCrossEntropyBackwardOp op, Extents e) {
  KernelReach reach = {e[0], {{e[0], e[1], e[2]}, KernelRows::dense(e[0])}};
  if (op.getScale())
    reach.operands.push_back({});
  reach.operands.push_back({e[0], e[1], e[3]});
  return reach;
}

KernelWork normalizeImage(NormalizeImageOp op) {
  ArrayRef<int64_t> dst = shapeOf(op.getDst());
  return {{rowsOf(dst), dst[1], strideOf(op.getDst())}, rowsOf(dst)};
}
/// The channels are those of the constants.
KernelReach normalizeImageReach(NormalizeImageOp op, Extents e) {
  bool isIt = e[1] == int64_t(op.getMean().size());
  return {isIt ? e[0] : 0, {{e[0], e[1], e[1]}, {e[0], e[1], e[2]}}};
}
KernelWork importImage(ImportImageOp op) {
  ArrayRef<int64_t> dst = shapeOf(op.getDst());
  return {{dst[0], dst[1], dst[2] * dst[3], strideOf(op.getDst())}, rowsOf(dst)};
}

KernelReach importImageReach(ImportImageOp, Extents e) {
  int64_t rows = saturatingProduct({e[0], e[2]});
  return {rows, {KernelRows::dense(saturatingProduct({e[0], e[1], e[2]})), {rows, e[1], e[3]}}};
}

KernelWork reorder(ReorderOp op) {
  ArrayRef<int64_t> dst = shapeOf(op.getDst());
  return {{dst[0], *countElements(dst) / dst[0]}, dst[0]};
}
KernelReach reorderReach(ReorderOp op, Extents e) {
  KernelReach reach = {e[0], {{e[0], e[1], e[1]}}};
  if (op.getScales())
    reach.operands.push_back(KernelRows::dense(e[0]));
  reach.operands.push_back({e[0], e[1], e[1]});
  return reach;
}

/// Of one tensor; passes cut neighbours together.
KernelWork countNonfinite(CountNonfiniteOp op) {
  int64_t total = *countElements(shapeOf(op.getSrcs().front())), chunk = cutCount(total);
  return {{total, chunk}, (total + chunk - 1) / chunk};
}
KernelReach countNonfiniteReach(CountNonfiniteOp, Extents e) {
  int64_t units = e[1] ? e[0] / e[1] + (e[0] % e[1] != 0) : 0;
  return {units, {KernelRows::dense(e[0]), KernelRows::dense(units)}};
}

} // namespace

void registerKernelRules(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, InceptDialect *) {
    attachKernelRule<MaxPoolOp, kPool, pool, poolReach>(context);
    attachKernelRule<MaxPoolWithIndexOp, kIndexedPool, pool, poolReach>(context);
    attachKernelRule<MaxPoolBackwardOp, kIndexedPool, poolBackward, poolBackwardReach>(context);
    attachKernelRule<AvgPoolOp, kPool, pool, poolReach>(context);
    attachKernelRule<AvgPoolBackwardOp, kPool, poolBackward, poolBackwardReach>(context);
    attachKernelRule<GlobalAvgPoolOp, kGlobalPool, globalAvgPool, globalAvgPoolReach>(context);
    attachKernelRule<GlobalAvgPoolBackwardOp, kGlobalPool, globalAvgPoolBackward, globalAvgPoolBackwardReach>(context);
    attachKernelRule<DropoutOp, KernelLoops{5, UnitSize::Tile, 1, 3}, dropout, dropoutReach>(context);
    attachKernelRule<SoftmaxCrossEntropyOp, KernelLoops{3}, crossEntropy, crossEntropyReach>(context);
    attachKernelRule<SoftmaxCrossEntropyBackwardOp, KernelLoops{4}, crossEntropyBackward, crossEntropyBackwardReach>(
        context);
    attachKernelRule<NormalizeImageOp, KernelLoops{3, UnitSize::Thread}, normalizeImage, normalizeImageReach>(context);
    attachKernelRule<ImportImageOp, KernelLoops{4, UnitSize::Thread}, importImage, importImageReach>(context);
    // Where a target has no library for it.
    attachKernelRule<ReorderOp, KernelLoops{2, UnitSize::Row, 1}, reorder, reorderReach>(context);
    // A chunk has whole vectors; what is written are single counts.
    attachKernelRule<CountNonfiniteOp, KernelLoops{2, UnitSize::Block, 1, -1, 1}, countNonfinite, countNonfiniteReach>(
        context);
    attachFlopRules(context);
  });
}

} // namespace incept
