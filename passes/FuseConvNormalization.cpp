// SPDX-License-Identifier: Apache-2.0
//
// Lets convolutions and gradients of weights normalise what they read, where nothing else reads the normalised
// activation from memory.

#include "dialect/EntryPoints.h"
#include "dialect/InceptOps.h"
#include "dialect/VerifierUtils.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "passes/LaunchCost.h"
#include "passes/Layouts.h"
#include "passes/Passes.h"
#include "passes/Placement.h"
#include "passes/Target.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/Format.h"

using namespace mlir;

namespace incept {
#define GEN_PASS_DEF_FUSECONVNORMALIZATIONPASS
#include "passes/Passes.h.inc"

namespace {

constexpr llvm::StringLiteral kReasonAttr = "incept.normalized";

/// A batch norm's ReLU, the library ops that read it, and those that may take their place.
struct Candidate {
  ReluOp relu;
  ScaleShiftOp normalize;
  BatchNormFinalizeOp norm;
  SmallVector<Operation *, 2> readers, fused;
};

/// A batch norm beside another that gives factors too.
using Finalizers = llvm::MapVector<Operation *, BatchNormFinalizeOp>;

/// True where a library op reads `use` as the image that it convolves.
bool isConvolved(OpOperand &use) {
  return isa<Conv2DOp, Conv2DStatsOp, Conv2DBackwardWeightsOp>(use.getOwner()) && use.getOperandNumber() == 0;
}

/// Finds the batch norm and the readers. Returns what is in the way, empty where nothing is.
std::string match(ReluOp relu, Candidate &found) {
  found.relu = relu;
  for (OpOperand &use : relu->getUses())
    if (isConvolved(use))
      found.readers.push_back(use.getOwner());
  found.normalize = relu.getSrc().getDefiningOp<ScaleShiftOp>();
  if (found.normalize)
    found.norm = found.normalize.getCenter().getDefiningOp<BatchNormFinalizeOp>();
  if (!found.norm || found.norm.getMean() != found.normalize.getCenter() ||
      found.norm.getScale() != found.normalize.getScale())
    return "what it reads is not the ReLU of a batch norm";
  for (OpOperand &use : relu->getUses()) {
    auto mask = dyn_cast<ReluBackwardOp>(use.getOwner());
    // Kernels compute masks from what batch norm reads.
    if (!isConvolved(use) && !(mask && use.get() == mask.getDst() && use.get() != mask.getDiffDst()))
      return ("'" + use.getOwner()->getName().getStringRef() + "' reads it too, from memory").str();
    if (isa<Conv2DOp>(use.getOwner()))
      return "a convolution that reads it gives no statistics";
  }
  if (Operation *beta = found.normalize.getShift().getDefiningOp(); beta && !beta->isBeforeInBlock(found.norm))
    return "the batch norm's beta comes after its statistics";
  return {};
}

/// The batch norm with factors, beside `norm`, whose results nobody uses yet.
BatchNormFinalizeOp makeFinalizer(BatchNormFinalizeOp norm, Value beta, Type element) {
  OpBuilder builder(norm);
  SmallVector<Type> types(norm.getResultTypes());
  types.append(2, RankedTensorType::get(shapeOf(norm.getMean()), element));
  auto result =
      BatchNormFinalizeOp::create(builder, norm.getLoc(), types, norm.getSum(), norm.getSumSquares(), norm.getShift(),
                                  norm.getSrc(), norm.getGamma(), beta, norm.getRunningMean(), norm.getRunningVar(),
                                  norm.getEpsilonAttr(), norm.getDecayAttr(), norm.getCountAttr());
  setPath(result, getPath(norm));
  return result;
}

/// `reader` beside itself, reading `src` and normalising it.
Operation *makeFused(Operation *reader, Value src, ValueRange factors) {
  OpBuilder builder(reader);
  Operation *fused =
      TypeSwitch<Operation *, Operation *>(reader)
          .Case([&](Conv2DStatsOp op) {
            return Conv2DStatsOp::create(builder, op.getLoc(), op.getResultTypes(), src, op.getWeights(), factors[0],
                                         factors[1], op.getStrideAttr(), op.getPadBeginAttr(), op.getPadEndAttr(),
                                         op.getDilationAttr(), op.getGroupsAttr());
          })
          .Case([&](Conv2DBackwardWeightsOp op) {
            return Conv2DBackwardWeightsOp::create(
                builder, op.getLoc(), op.getDiffWeights().getType(), src, op.getDiffDst(), factors[0], factors[1],
                op.getStrideAttr(), op.getPadBeginAttr(), op.getPadEndAttr(), op.getDilationAttr(), op.getGroupsAttr());
          });
  setPath(fused, getPath(reader));
  return fused;
}

int64_t bytesOf(ValueRange values) {
  int64_t bytes = 0;
  for (Value value : values)
    bytes +=
        cast<RankedTensorType>(value.getType()).getNumElements() * elementBytes(getElementTypeOrSelf(value.getType()));
  return bytes;
}

/// Why the activation should stay in memory, empty where it should not.
std::string decline(const Candidate &candidate, const Target &target) {
  ScaleShiftOp normalize = candidate.normalize;
  Value src = normalize.getSrc();
  Placement place = placementOf(src);
  ArrayRef<int64_t> root = shapeOf(place.root);
  SmallVector<LaunchWork> together, apart;
  std::string why;
  for (auto [reader, fused] : llvm::zip_equal(candidate.readers, candidate.fused)) {
    if (root.size() == 4 && root[1] != shapeOf(src)[1] &&
        !target.acceptsSlice(fused, src, {root[1], place.channelOffset}))
      return "the library does not read the channel slice that batch norm does";
    auto alone = target.plan(reader, "any", why);
    if (failed(alone))
      return why;
    auto both = target.plan(fused, "any", why);
    if (failed(both))
      return why;
    LaunchCost cost = costTogether({fused});
    cost.bytes += bytesOf(fused->getResults()); // which nobody uses yet
    together.push_back(target.describeCall(*both, cost));
    apart.push_back(target.describeCall(*alone, costTogether({reader})));
  }
  apart.push_back({LaunchKind::Map, Arithmetic::F32, costTogether({normalize, ReluOp(candidate.relu)})});
  // Sums that a convolution gave were finalised by the kernel that normalises.
  BatchNormFinalizeOp norm = candidate.norm;
  if (norm.getSrc())
    together.push_back({LaunchKind::Map, Arithmetic::F32, {0, 2 * bytesOf(norm->getResults())}});
  double seconds = secondsOf(target, together), now = secondsOf(target, apart);
  if (seconds > now)
    llvm::raw_string_ostream(why) << "it would take " << llvm::format("%.1f us", seconds * 1e6) << " with all that "
                                  << "read it, against " << llvm::format("%.1f us", now * 1e6);
  return why;
}

void fuse(Candidate &candidate) {
  for (auto [reader, fused] : llvm::zip_equal(candidate.readers, candidate.fused)) {
    reader->replaceAllUsesWith(fused);
    reader->erase();
  }
  for (Operation *op : {candidate.relu.getOperation(), candidate.normalize.getOperation()})
    if (op->use_empty())
      op->erase();
}

struct FuseConvNormalizationPass : impl::FuseConvNormalizationPassBase<FuseConvNormalizationPass> {
  void stay(ArrayRef<Operation *> readers, StringRef why) {
    for (Operation *reader : readers)
      reader->setAttr(kReasonAttr, StringAttr::get(&getContext(), why));
  }

  /// Those that nothing is in the way of, with the ops beside their readers.
  SmallVector<Candidate, 0> collect(Finalizers &finalizers) {
    SmallVector<Candidate, 0> candidates;
    for (ReluOp relu : getOperation().getOps<ReluOp>()) {
      Candidate candidate;
      std::string why = match(relu, candidate);
      if (!why.empty() || candidate.readers.empty()) {
        stay(candidate.readers, why);
        continue;
      }
      BatchNormFinalizeOp &finalizer = finalizers[candidate.norm];
      if (!finalizer)
        finalizer = makeFinalizer(candidate.norm, candidate.normalize.getShift(), elementOf(relu.getDst()));
      if (finalizer.getBeta() != candidate.normalize.getShift()) {
        stay(candidate.readers, "the batch norm's statistics have factors with another beta");
        continue;
      }
      candidates.push_back(std::move(candidate));
    }
    for (Candidate &candidate : candidates)
      for (Operation *reader : candidate.readers)
        candidate.fused.push_back(
            makeFused(reader, candidate.normalize.getSrc(), finalizers[candidate.norm].getFactors()));
    return candidates;
  }

  void runOnOperation() override {
    const Target *target = findTarget(getOperation());
    if (!target)
      return signalPassFailure();
    if (!target->normalizesSources() || isEntry(getOperation(), EntryPoint::Infer))
      return;
    for (Conv2DStatsOp conv : getOperation().getOps<Conv2DStatsOp>())
      if (!conv.getSrc().getDefiningOp<ReluOp>())
        stay({conv}, "what it reads is not the ReLU of a batch norm");
    Finalizers finalizers;
    SmallVector<Candidate, 0> candidates = collect(finalizers);
    SmallVector<Operation *> asked;
    for (Candidate &candidate : candidates) {
      asked.append(candidate.readers);
      asked.append(candidate.fused);
    }
    target->prepare(asked);
    for (Candidate &candidate : candidates) {
      std::string why = decline(candidate, *target);
      if (why.empty()) {
        fuse(candidate);
        continue;
      }
      stay(candidate.readers, why);
      for (Operation *fused : candidate.fused)
        fused->erase();
    }
    for (auto [norm, finalizer] : finalizers) {
      if (llvm::all_of(finalizer.getFactors(), [](Value factor) { return factor.use_empty(); })) {
        finalizer->erase();
        continue;
      }
      norm->replaceAllUsesWith(finalizer->getResults().drop_back(2));
      norm->erase();
    }
  }
};

} // namespace
} // namespace incept
