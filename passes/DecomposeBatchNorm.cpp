// SPDX-License-Identifier: Apache-2.0
//
// Splits training batch norm and its gradient into sums over a channel, vector arithmetic, and one elementwise op.

#include "dialect/InceptOps.h"
#include "dialect/VerifierUtils.h"
#include "passes/Passes.h"

using namespace mlir;

namespace incept {
#define GEN_PASS_DEF_DECOMPOSEBATCHNORMPASS
#include "passes/Passes.h.inc"

namespace {

void decompose(BatchNormTrainingOp norm) {
  OpBuilder b(norm);
  Location loc = norm.getLoc();
  Type vector = norm.getBeta().getType();
  Value src = norm.getSrc();
  auto sample = ChannelSampleOp::create(b, loc, vector, src);
  auto stats = ChannelStatsOp::create(b, loc, vector, vector, src, sample);
  auto finalize =
      BatchNormFinalizeOp::create(b, loc, TypeRange{vector, vector, vector, vector, vector}, stats.getSum(),
                                  stats.getSumSquares(), sample, /*src=*/Value(), norm.getGamma(),
                                  /*beta=*/Value(), norm.getRunningMean(), norm.getRunningVar(), norm.getEpsilonAttr(),
                                  norm.getDecayAttr(), b.getI64IntegerAttr(rowsOf(shapeOf(src))));
  auto apply = ScaleShiftOp::create(b, loc, norm.getDst().getType(), src, finalize.getMean(), finalize.getScale(),
                                    norm.getBeta());
  for (Operation *op : {sample.getOperation(), stats.getOperation(), finalize.getOperation(), apply.getOperation()})
    setPath(op, getPath(norm));
  norm.replaceAllUsesWith(ValueRange{apply.getDst(), finalize.getMean(), finalize.getInvStd(),
                                     finalize.getNewRunningMean(), finalize.getNewRunningVar()});
  norm.erase();
}

void decompose(BatchNormBackwardOp norm) {
  OpBuilder b(norm);
  Location loc = norm.getLoc();
  Type vector = norm.getMean().getType();
  auto stats =
      BatchNormBackwardStatsOp::create(b, loc, vector, vector, norm.getDiffDst(), norm.getSrc(), norm.getMean());
  auto finalize = BatchNormBackwardFinalizeOp::create(
      b, loc, TypeRange{vector, vector, vector, vector, vector}, stats.getSum(), stats.getSumProduct(),
      norm.getInvStd(), norm.getGamma(), b.getI64IntegerAttr(rowsOf(shapeOf(norm.getSrc()))));
  auto apply = BatchNormBackwardApplyOp::create(b, loc, norm.getDiffSrc().getType(), norm.getDiffDst(), norm.getSrc(),
                                                norm.getMean(), finalize.getA(), finalize.getB(), finalize.getC());
  for (Operation *op : {stats.getOperation(), finalize.getOperation(), apply.getOperation()})
    setPath(op, getPath(norm));
  norm.replaceAllUsesWith(ValueRange{apply.getDiffSrc(), finalize.getDiffGamma(), finalize.getDiffBeta()});
  norm.erase();
}

struct DecomposeBatchNormPass : impl::DecomposeBatchNormPassBase<DecomposeBatchNormPass> {
  void runOnOperation() override {
    getOperation().walk([](BatchNormTrainingOp norm) { decompose(norm); });
    getOperation().walk([](BatchNormBackwardOp norm) { decompose(norm); });
  }
};

} // namespace
} // namespace incept
