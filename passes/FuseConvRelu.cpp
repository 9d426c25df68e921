// SPDX-License-Identifier: Apache-2.0
//
// Lets a convolution apply the ReLU that follows it, in functions without gradients.

#include "dialect/EntryPoints.h"
#include "dialect/InceptOps.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "passes/Passes.h"
#include "passes/Placement.h"
#include "passes/Target.h"

using namespace mlir;

namespace incept {
#define GEN_PASS_DEF_FUSECONVRELUPASS
#include "passes/Passes.h.inc"

namespace {

struct FuseRelu : OpRewritePattern<ReluOp> {
  FuseRelu(MLIRContext *context, const Target &target) : OpRewritePattern(context), target(target) {}

  LogicalResult matchAndRewrite(ReluOp relu, PatternRewriter &rewriter) const override {
    auto conv = relu.getSrc().getDefiningOp<Conv2DOp>();
    if (!conv)
      return rewriter.notifyMatchFailure(relu, "src is not a convolution");
    if (!conv->hasOneUse())
      return rewriter.notifyMatchFailure(relu, "the convolution's result has another use");
    if (llvm::any_of(relu->getUses(), [&](OpOperand &use) {
          auto concat = dyn_cast<ConcatOp>(use.getOwner());
          return concat &&
                 !target.acceptsSlice(conv, conv.getDst(), slicesOf(concat.getSrcs())[use.getOperandNumber()]);
        }))
      return rewriter.notifyMatchFailure(relu,
                                         "its generated kernel writes a slice of a concat, which the library cannot");
    rewriter.modifyOpInPlace(conv, [&] { conv.setRelu(true); });
    rewriter.replaceOp(relu, conv.getDst());
    return success();
  }

  const Target &target;
};

struct FuseConvReluPass : impl::FuseConvReluPassBase<FuseConvReluPass> {
  void runOnOperation() override {
    if (isEntry(getOperation(), EntryPoint::ForwardBackward))
      return; // gradients need the value before the ReLU's place
    const Target *target = findTarget(getOperation());
    if (!target)
      return signalPassFailure();
    RewritePatternSet patterns(&getContext());
    patterns.add<FuseRelu>(&getContext(), *target);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace

} // namespace incept
