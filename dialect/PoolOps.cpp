// SPDX-License-Identifier: Apache-2.0
//
// Verifiers of pooling and resizing ops.

#include "dialect/InceptOps.h"
#include "dialect/Kernels.h"
#include "dialect/VerifierUtils.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;

namespace incept {

/// Checks that pooling `src` under the attributes of `op` gives the shape of `dst`.
template <typename OpTy>
static LogicalResult verifyPool(OpTy op, Value src, Value dst) {
  auto emitError = [&] { return op.emitOpError(); };
  auto window =
      makeWindow(emitError, op.getKernel(), op.getStride(), op.getPadBegin(), op.getPadEnd(), ArrayRef<int64_t>{1, 1});
  if (failed(window))
    return failure();
  auto inferred = inferPool(emitError, shapeOf(src), *window);
  if (failed(inferred))
    return failure();
  if (failed(verifyShape(op, "the pool's result", dst, *inferred)))
    return failure();
  return verifySameElement(op, {src, dst});
}

template <typename OpTy>
static LogicalResult verifyIndexed(OpTy op, Value dst) {
  // max_pool_with_index_c1, max_pool_with_index_c2: positions are stored in a byte.
  if (op.getKernel().size() == 2 &&
      (op.getKernel()[0] > 255 || op.getKernel()[1] > 255 || op.getKernel()[0] * op.getKernel()[1] > 255))
    return op.emitOpError() << "expected a window of at most 255 elements, but got " << op.getKernel()[0] << "x"
                            << op.getKernel()[1];
  return verifyShape(op, "workspace", op.getWorkspace(), shapeOf(dst));
}

// max_pool_c1, max_pool_c2
LogicalResult MaxPoolOp::verify() { return verifyPool(*this, getSrc(), getDst()); }

LogicalResult MaxPoolWithIndexOp::verify() {
  if (failed(verifyPool(*this, getSrc(), getDst())))
    return failure();
  return verifyIndexed(*this, getDst());
}

LogicalResult MaxPoolWithIndexOp::canonicalize(MaxPoolWithIndexOp op, PatternRewriter &rewriter) {
  if (!op.getWorkspace().use_empty())
    return failure();
  auto pool = MaxPoolOp::create(rewriter, op.getLoc(), op.getDst().getType(), op.getSrc(), op.getKernelAttr(),
                                op.getStrideAttr(), op.getPadBeginAttr(), op.getPadEndAttr());
  setPath(pool, getPath(op));
  rewriter.replaceAllUsesWith(op.getDst(), pool.getDst());
  rewriter.eraseOp(op);
  return success();
}

LogicalResult MaxPoolBackwardOp::verify() {
  // max_pool_backward_c1
  if (failed(verifyPool(*this, getDiffSrc(), getDiffDst())))
    return failure();
  return verifyIndexed(*this, getDiffDst());
}

// avg_pool_c1
LogicalResult AvgPoolOp::verify() { return verifyPool(*this, getSrc(), getDst()); }

// avg_pool_backward_c1
LogicalResult AvgPoolBackwardOp::verify() { return verifyPool(*this, getDiffSrc(), getDiffDst()); }

LogicalResult GlobalAvgPoolOp::verify() {
  // global_avg_pool_c1
  auto src = shapeOf(getSrc());
  if (failed(verifyShape(*this, "dst", getDst(), {src[0], src[1], 1, 1})))
    return failure();
  return verifySameElement(*this, {getSrc(), getDst()});
}

LogicalResult GlobalAvgPoolBackwardOp::verify() {
  // global_avg_pool_backward_c1
  auto src = shapeOf(getDiffSrc());
  if (failed(verifyShape(*this, "diff_dst", getDiffDst(), {src[0], src[1], 1, 1})))
    return failure();
  return verifySameElement(*this, {getDiffDst(), getDiffSrc()});
}

/// For what fits any two sizes: only images and channels have to agree.
static LogicalResult verifyAdaptive(Operation *op, Value src, StringRef name, Value dst) {
  auto large = shapeOf(src), small = shapeOf(dst);
  if (failed(verifyShape(op, name, dst, {large[0], large[1], small[2], small[3]})))
    return failure();
  return verifySameElement(op, {src, dst});
}

// adaptive_avg_pool_c1
LogicalResult AdaptiveAvgPoolOp::verify() { return verifyAdaptive(*this, getSrc(), "dst", getDst()); }

// adaptive_avg_pool_backward_c1
LogicalResult AdaptiveAvgPoolBackwardOp::verify() {
  return verifyAdaptive(*this, getDiffSrc(), "diff_dst", getDiffDst());
}

static LogicalResult verifyResized(Operation *op, Value src, StringRef name, Value dst) {
  for (Value image : {src, dst})
    for (int64_t size : shapeOf(image).drop_front(2))
      if (size > kMostResized)
        return op->emitOpError() << "expected heights and widths below 2^15, but got " << formatShape(shapeOf(image));
  return verifyAdaptive(op, src, name, dst);
}

// resize_c1, resize_c2
LogicalResult ResizeOp::verify() { return verifyResized(*this, getSrc(), "dst", getDst()); }

// resize_backward_c1, resize_backward_c2
LogicalResult ResizeBackwardOp::verify() { return verifyResized(*this, getDiffSrc(), "diff_dst", getDiffDst()); }

} // namespace incept
