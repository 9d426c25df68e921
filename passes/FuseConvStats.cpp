// SPDX-License-Identifier: Apache-2.0
//
// Lets a convolution give the sums of its result that batch norm would read it again for.

#include "dialect/InceptOps.h"
#include "dialect/ShapeInference.h"
#include "dialect/VerifierUtils.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "passes/LaunchCost.h"
#include "passes/Passes.h"
#include "passes/Target.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/Format.h"

using namespace mlir;

namespace incept {
#define GEN_PASS_DEF_FUSECONVSTATSPASS
#include "passes/Passes.h.inc"

namespace {

constexpr llvm::StringLiteral kReasonAttr = "incept.statistics";

/// The sums of a convolution's channels from `offset` on, and who finalises them.
struct Sums {
  ChannelStatsOp stats;
  int64_t offset;
  SmallVector<BatchNormFinalizeOp, 1> finalizers;
};

/// All who go on with sums, empty where it is not batch norm alone, with the shift that the sums have.
SmallVector<BatchNormFinalizeOp, 1> finalizersOf(ChannelStatsOp stats) {
  llvm::SmallSetVector<Operation *, 1> users;
  for (Value sum : stats->getResults())
    users.insert_range(sum.getUsers());
  SmallVector<BatchNormFinalizeOp, 1> result;
  for (Operation *user : users) {
    auto finalize = dyn_cast<BatchNormFinalizeOp>(user);
    if (!finalize || finalize.getShift() != stats.getShift() || finalize.getSum() != stats.getSum() ||
        finalize.getSumSquares() != stats.getSumSquares())
      return {};
    result.push_back(finalize);
  }
  return result;
}

/// The sums that are taken of `value`, the channels of a convolution's result from `offset` on, and of views of it.
void collectSums(Value value, int64_t offset, SmallVectorImpl<Sums> &sums) {
  for (Operation *user : value.getUsers()) {
    if (auto view = dyn_cast<SliceViewOp>(user)) {
      collectSums(view.getDst(), offset + int64_t(view.getOffset()), sums);
      continue;
    }
    auto stats = dyn_cast<ChannelStatsOp>(user);
    if (!stats || stats.getSrc() != value)
      continue;
    // A shift is no part of what a library adds up; batch norm's own is there to keep the sums exact.
    auto sample = stats.getShift() ? stats.getShift().getDefiningOp<ChannelSampleOp>() : ChannelSampleOp();
    if (stats.getShift() && (!sample || sample.getSrc() != value))
      continue;
    if (auto finalizers = finalizersOf(stats); !finalizers.empty())
      sums.push_back({stats, offset, std::move(finalizers)});
  }
}

/// Gives `sums` those of all channels of a convolution, `sum` and `sumSquares`.
void takeSums(Sums &sums, Value sum, Value sumSquares) {
  Value src = sums.stats.getSrc();
  for (BatchNormFinalizeOp finalize : sums.finalizers) {
    OpBuilder builder(finalize);
    auto part = [&](Value whole, Value like) -> Value {
      if (whole.getType() == like.getType())
        return whole;
      auto rows = SliceRowsOp::create(builder, finalize.getLoc(), like.getType(), whole,
                                      builder.getI64IntegerAttr(sums.offset));
      setPath(rows, getPath(finalize));
      return rows;
    };
    Value ownSum = part(sum, finalize.getSum()), ownSquares = part(sumSquares, finalize.getSumSquares());
    finalize.getSumMutable().set(ownSum);
    finalize.getSumSquaresMutable().set(ownSquares);
    finalize.getShiftMutable().clear();
    finalize.getSrcMutable().assign(src);
  }
  Value shift = sums.stats.getShift();
  sums.stats.erase();
  if (shift && shift.use_empty())
    shift.getDefiningOp()->erase();
}

/// A convolution and the sums of its result, and the op that may take the place of both.
struct Candidate {
  Conv2DOp conv;
  SmallVector<Sums, 1> sums;
  Conv2DStatsOp fused;
};

/// The op beside the convolution, which nobody uses yet.
Conv2DStatsOp makeFused(Conv2DOp conv) {
  OpBuilder builder(conv);
  auto vector = RankedTensorType::get({shapeOf(conv.getDst())[1]}, builder.getF32Type());
  auto fused =
      Conv2DStatsOp::create(builder, conv.getLoc(), TypeRange{conv.getType(), vector, vector}, conv.getSrc(),
                            conv.getWeights(), /*factor=*/Value(), /*offset=*/Value(), conv.getStrideAttr(),
                            conv.getPadBeginAttr(), conv.getPadEndAttr(), conv.getDilationAttr(), conv.getGroupsAttr());
  setPath(fused, getPath(conv));
  return fused;
}

/// Why the convolution should stay without the sums, empty where it should not.
std::string decline(const Candidate &candidate, const Target &target) {
  std::string why;
  Conv2DOp conv = candidate.conv;
  auto alone = target.plan(conv, "any", why);
  if (failed(alone))
    return why;
  auto both = target.plan(candidate.fused, "any", why);
  if (failed(both))
    return why;
  SmallVector<LaunchWork> launches = {target.describeCall(*alone, costTogether({conv.getOperation()}))};
  SmallVector<Operation *> ops = {conv};
  for (const Sums &part : candidate.sums) {
    ops.push_back(part.stats);
    launches.push_back(reductionOf(costTogether({ops.back()})));
  }
  double fused = secondsOf(target, {target.describeCall(*both, costTogether(ops))}),
         apart = secondsOf(target, launches);
  if (fused > apart)
    llvm::raw_string_ostream(why) << "it would take "
                                  << llvm::format("%.1f us, against %.1f us", fused * 1e6, apart * 1e6) << " for both";
  return why;
}

void fuse(Candidate &candidate) {
  candidate.conv.getDst().replaceAllUsesWith(candidate.fused.getDst());
  for (Sums &part : candidate.sums)
    takeSums(part, candidate.fused.getSum(), candidate.fused.getSumSquares());
  candidate.conv.erase();
}

struct FuseConvStatsPass : impl::FuseConvStatsPassBase<FuseConvStatsPass> {
  void runOnOperation() override {
    const Target *target = findTarget(getOperation());
    if (!target)
      return signalPassFailure();
    if (!target->givesStatistics())
      return;
    SmallVector<Candidate, 0> candidates;
    for (Conv2DOp conv : getOperation().getOps<Conv2DOp>()) {
      SmallVector<Sums, 1> sums;
      if (!conv.getBias() && !conv.getResidual() && !conv.getRelu())
        collectSums(conv.getDst(), 0, sums);
      if (!sums.empty())
        candidates.push_back({conv, std::move(sums), {}});
    }
    SmallVector<Operation *> asked;
    for (Candidate &candidate : candidates) {
      candidate.fused = makeFused(candidate.conv);
      asked.append({candidate.conv, candidate.fused});
    }
    target->prepare(asked);
    for (Candidate &candidate : candidates) {
      std::string why = decline(candidate, *target);
      if (why.empty()) {
        fuse(candidate);
        continue;
      }
      candidate.conv->setAttr(kReasonAttr, StringAttr::get(&getContext(), why));
      candidate.fused.erase();
    }
  }
};

} // namespace
} // namespace incept
