// SPDX-License-Identifier: Apache-2.0
//
// Lets a 1x1 convolution go before the average pool that feeds it: both are linear, one mixes channels, the other
// pixels. The pool then works on the convolution's fewer channels, and the convolution reads what its siblings read.

#include "dialect/InceptOps.h"
#include "dialect/VerifierUtils.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "passes/Passes.h"

using namespace mlir;

namespace incept {
#define GEN_PASS_DEF_COMMUTEPOOLSPASS
#include "passes/Passes.h.inc"

namespace {

bool isAll(ArrayRef<int64_t> values, int64_t expected) {
  return llvm::all_of(values, [&](int64_t value) { return value == expected; });
}

struct MoveConvolutionFirst : OpRewritePattern<Conv2DOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(Conv2DOp conv, PatternRewriter &rewriter) const override {
    auto pool = conv.getSrc().getDefiningOp<AvgPoolOp>();
    if (!pool || !pool->hasOneUse())
      return rewriter.notifyMatchFailure(conv, "src is not an average pool of its own");
    ArrayRef<int64_t> weights = shapeOf(conv.getWeights());
    if (weights[2] != 1 || weights[3] != 1 || conv.getGroups() != 1 || !isAll(conv.getStride(), 1) ||
        !isAll(conv.getPadBegin(), 0) || !isAll(conv.getPadEnd(), 0))
      return rewriter.notifyMatchFailure(conv, "it mixes pixels, or not all channels");
    if (conv.getRelu() || conv.getResidual())
      return rewriter.notifyMatchFailure(conv, "it is not linear");
    if (conv.getBias() && pool.getIncludePad())
      return rewriter.notifyMatchFailure(conv, "the padding counts as zeros, to which the bias would be added");
    if (weights[0] > weights[1] || !isAll(pool.getStride(), 1))
      return rewriter.notifyMatchFailure(conv, "it would have more to do");
    ArrayRef<int64_t> src = shapeOf(pool.getSrc());
    auto type =
        RankedTensorType::get({src[0], weights[0], src[2], src[3]}, getElementTypeOrSelf(conv.getDst().getType()));
    auto first =
        Conv2DOp::create(rewriter, conv.getLoc(), type, pool.getSrc(), conv.getWeights(), conv.getBias(), Value(),
                         conv.getStrideAttr(), conv.getPadBeginAttr(), conv.getPadEndAttr(), conv.getDilationAttr(),
                         conv.getGroupsAttr(), conv.getScaleAttr(), conv.getReluAttr());
    auto second =
        AvgPoolOp::create(rewriter, pool.getLoc(), conv.getDst().getType(), first.getDst(), pool.getKernelAttr(),
                          pool.getStrideAttr(), pool.getPadBeginAttr(), pool.getPadEndAttr(), pool.getIncludePadAttr());
    setPath(first, getPath(conv));
    setPath(second, getPath(pool));
    rewriter.replaceOp(conv, second.getDst());
    return success();
  }
};

struct CommutePoolsPass : impl::CommutePoolsPassBase<CommutePoolsPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<MoveConvolutionFirst>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace incept
