// SPDX-License-Identifier: Apache-2.0
//
// Lets a convolution apply the ReLU that follows it, in functions without gradients.

#include "dialect/InceptOps.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "passes/Passes.h"

using namespace mlir;

namespace incept {
#define GEN_PASS_DEF_FUSECONVRELUPASS
#include "passes/Passes.h.inc"

namespace {

struct FuseRelu : OpRewritePattern<ReluOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ReluOp relu, PatternRewriter &rewriter) const override {
    auto conv = relu.getSrc().getDefiningOp<Conv2DOp>();
    if (!conv)
      return rewriter.notifyMatchFailure(relu, "src is not a convolution");
    if (!conv->hasOneUse())
      return rewriter.notifyMatchFailure(relu, "the convolution's result has another use");
    if (llvm::any_of(relu->getUsers(), [](Operation *user) { return isa<ConcatOp, ConcatViewOp>(user); }))
      return rewriter.notifyMatchFailure(relu, "its generated kernel writes a slice of a concat, the library cannot");
    rewriter.modifyOpInPlace(conv, [&] { conv.setRelu(true); });
    rewriter.replaceOp(relu, conv.getDst());
    return success();
  }
};

struct FuseConvReluPass : impl::FuseConvReluPassBase<FuseConvReluPass> {
  void runOnOperation() override {
    if (getOperation().getName() == "forward_backward")
      return; // gradients need the value before the ReLU's place
    RewritePatternSet patterns(&getContext());
    patterns.add<FuseRelu>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace incept
