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
constexpr KernelLoops kGlobalPool = {5, UnitSize::Tile, 2, 3};

KernelWork dropout(DropoutOp op) {
  ArrayRef<int64_t> shape = shapeOf(op.getSrc());
  return {{shape[0], shape[1], rowsOf(shape) / shape[0], strideOf(op.getSrc()), strideOf(op.getDst())}, shape[0]};
}

KernelWork crossEntropy(SoftmaxCrossEntropyOp op) {
  ArrayRef<int64_t> logits = shapeOf(op.getLogits());
  return {{logits[0], logits[1], strideOf(op.getLogits())}, 1};
}
KernelWork crossEntropyBackward(SoftmaxCrossEntropyBackwardOp op) {
  ArrayRef<int64_t> logits = shapeOf(op.getLogits());
  return {{logits[0], logits[1], strideOf(op.getLogits()), strideOf(op.getDiffLogits())}, logits[0]};
}

KernelWork normalizeImage(NormalizeImageOp op) {
  ArrayRef<int64_t> dst = shapeOf(op.getDst());
  return {{rowsOf(dst), dst[1], strideOf(op.getDst())}, rowsOf(dst)};
}
KernelWork importImage(ImportImageOp op) {
  ArrayRef<int64_t> dst = shapeOf(op.getDst());
  return {{dst[0], dst[1], dst[2] * dst[3], strideOf(op.getDst())}, rowsOf(dst)};
}

KernelWork reorder(ReorderOp op) {
  ArrayRef<int64_t> dst = shapeOf(op.getDst());
  return {{dst[0], *countElements(dst) / dst[0]}, dst[0]};
}

/// Of one tensor; passes cut neighbours together.
KernelWork countNonfinite(CountNonfiniteOp op) {
  int64_t total = *countElements(shapeOf(op.getSrcs().front())), chunk = cutCount(total);
  return {{total, chunk}, (total + chunk - 1) / chunk};
}

} // namespace

void registerKernelRules(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, InceptDialect *) {
    attachKernelRule<MaxPoolOp, kPool, pool>(context);
    attachKernelRule<MaxPoolWithIndexOp, kIndexedPool, pool>(context);
    attachKernelRule<MaxPoolBackwardOp, kIndexedPool, poolBackward>(context);
    attachKernelRule<AvgPoolOp, kPool, pool>(context);
    attachKernelRule<AvgPoolBackwardOp, kPool, poolBackward>(context);
    attachKernelRule<GlobalAvgPoolOp, kGlobalPool, globalAvgPool>(context);
    attachKernelRule<GlobalAvgPoolBackwardOp, kGlobalPool, globalAvgPoolBackward>(context);
    attachKernelRule<DropoutOp, KernelLoops{5, UnitSize::Tile, 1, 3}, dropout>(context);
    attachKernelRule<SoftmaxCrossEntropyOp, KernelLoops{3}, crossEntropy>(context);
    attachKernelRule<SoftmaxCrossEntropyBackwardOp, KernelLoops{4}, crossEntropyBackward>(context);
    attachKernelRule<NormalizeImageOp, KernelLoops{3, UnitSize::Thread}, normalizeImage>(context);
    attachKernelRule<ImportImageOp, KernelLoops{4, UnitSize::Thread}, importImage>(context);
    // Where a target has no library for it.
    attachKernelRule<ReorderOp, KernelLoops{2, UnitSize::Row, 1}, reorder>(context);
    // A chunk has whole vectors; what is written are single counts.
    attachKernelRule<CountNonfiniteOp, KernelLoops{2, UnitSize::Block, 1, -1, 1}, countNonfinite>(context);
    attachFlopRules(context);
  });
}

} // namespace incept
