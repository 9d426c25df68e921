// SPDX-License-Identifier: Apache-2.0
//
// Lets a convolution end a residual block: conv -> scale -> add becomes the convolution's epilogue.

#include "dialect/EntryPoints.h"
#include "dialect/InceptOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "passes/Passes.h"
#include "passes/Target.h"

using namespace mlir;

namespace incept {
#define GEN_PASS_DEF_FUSECONVRESIDUALPASS
#include "passes/Passes.h.inc"

namespace {

struct FuseResidual : OpRewritePattern<AddOp> {
  FuseResidual(MLIRContext *context, const Target &target) : OpRewritePattern(context), target(target) {}

  LogicalResult matchAndRewrite(AddOp add, PatternRewriter &rewriter) const override {
    for (auto [value, residual] : {std::pair(add.getRhs(), add.getLhs()), std::pair(add.getLhs(), add.getRhs())}) {
      auto scale = value.getDefiningOp<ScaleOp>();
      auto conv = (scale ? scale.getSrc() : value).getDefiningOp<Conv2DOp>();
      if (!conv || !value.hasOneUse() || !conv->hasOneUse() || conv.getResidual() || conv.getRelu() ||
          !target.addsResidual(conv))
        continue;
      // In the add's place, where the residual is known.
      auto factor = scale ? scale.getFactorAttr() : conv.getScaleAttr();
      auto fused =
          Conv2DOp::create(rewriter, conv.getLoc(), conv.getType(), conv.getSrc(), conv.getWeights(), conv.getBias(),
                           residual, conv.getStrideAttr(), conv.getPadBeginAttr(), conv.getPadEndAttr(),
                           conv.getDilationAttr(), conv.getGroupsAttr(), factor, conv.getReluAttr());
      setPath(fused, getPath(conv));
      rewriter.replaceOp(add, fused.getDst());
      if (scale)
        rewriter.eraseOp(scale);
      rewriter.eraseOp(conv);
      return success();
    }
    return rewriter.notifyMatchFailure(add, "neither side is a convolution that may end in it");
  }

  const Target &target;
};

struct FuseConvResidualPass : impl::FuseConvResidualPassBase<FuseConvResidualPass> {
  void runOnOperation() override {
    if (isEntry(getOperation(), EntryPoint::ForwardBackward))
      return; // a convolution with a residual has no gradient
    const Target *target = findTarget(getOperation());
    if (!target)
      return signalPassFailure();
    RewritePatternSet patterns(&getContext());
    patterns.add<FuseResidual>(&getContext(), *target);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace

} // namespace incept
