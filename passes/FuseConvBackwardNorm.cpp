// SPDX-License-Identifier: Apache-2.0
//
// Lets the gradient of a convolution's data go on with that of the ReLU and the batch norm before it.

#include "dialect/EntryPoints.h"
#include "dialect/InceptOps.h"
#include "dialect/VerifierUtils.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "passes/LaunchCost.h"
#include "passes/Layouts.h"
#include "passes/Passes.h"
#include "passes/Placement.h"
#include "passes/Target.h"
#include "llvm/Support/Format.h"

using namespace mlir;

namespace incept {
#define GEN_PASS_DEF_FUSECONVBACKWARDNORMPASS
#include "passes/Passes.h.inc"

namespace {

constexpr llvm::StringLiteral kReasonAttr = "incept.norm_gradient";

/// The gradient of a convolution's data, what goes on with it, and the op that may take the place of all but `apply`,
/// which then takes the factors that it gives.
struct Candidate {
  Conv2DBackwardDataOp conv;
  ReluBackwardOp mask;
  ScaleShiftOp normalize;   ///< whose ReLU the mask is of
  BatchNormFinalizeOp norm; ///< in the forward pass
  BatchNormBackwardStatsOp stats;
  BatchNormBackwardFinalizeOp finalize;
  BatchNormBackwardApplyOp apply;
  Conv2DBackwardNormOp fused;
};

/// A user of this kind; null where there is none.
template <typename OpTy>
OpTy userOf(Value value) {
  OpTy found;
  for (Operation *user : value.getUsers())
    if (auto op = dyn_cast<OpTy>(user))
      found = op;
  return found;
}

bool usedOnlyBy(Value value, ArrayRef<Operation *> ops) {
  return llvm::all_of(value.getUsers(), [&](Operation *user) { return llvm::is_contained(ops, user); });
}

/// True where `value` is computed before `op`.
bool isThere(Value value, Operation *op) {
  Operation *producer = value.getDefiningOp();
  return !producer || producer->isBeforeInBlock(op);
}

/// True where what follows the mask is the gradient of the batch norm whose ReLU it is of.
bool isOfOneNorm(const Candidate &found) {
  ScaleShiftOp normalize = found.normalize;
  BatchNormFinalizeOp norm = found.norm;
  BatchNormBackwardStatsOp stats = found.stats;
  BatchNormBackwardFinalizeOp finalize = found.finalize;
  BatchNormBackwardApplyOp apply = found.apply;
  Value masked = ReluBackwardOp(found.mask).getDiffSrc(), src = normalize.getSrc(), mean = normalize.getCenter();
  return norm.getMean() == mean && norm.getScale() == normalize.getScale() && stats.getDiffDst() == masked &&
         stats.getSrc() == src && stats.getMean() == mean && apply.getDiffDst() == masked && apply.getSrc() == src &&
         apply.getMean() == mean && finalize.getSum() == stats.getSum() &&
         finalize.getSumProduct() == stats.getSumProduct() && finalize.getInvStd() == norm.getInvStd() &&
         finalize.getGamma() == norm.getGamma() && apply.getA() == finalize.getA() && apply.getB() == finalize.getB() &&
         apply.getC() == finalize.getC();
}

/// Finds the ReLU and the batch norm before the convolution. Returns what is in the way, empty where nothing is.
StringRef match(Conv2DBackwardDataOp conv, Candidate &found) {
  constexpr StringLiteral kNoNorm = "what is convolved is not a ReLU of a batch norm";
  constexpr StringLiteral kNoGradient = "no gradient of a batch norm follows the mask";
  found.conv = conv;
  if (llvm::any_of(conv.getDiffSrc().getUsers(), [](Operation *user) { return isa<AddNOp>(user); }))
    return "what is convolved has other uses";
  if (!conv.getDiffSrc().hasOneUse())
    return "several read the gradient, as where a concat is convolved";
  found.mask = dyn_cast<ReluBackwardOp>(*conv.getDiffSrc().user_begin());
  if (!found.mask || found.mask.getDiffDst() != conv.getDiffSrc())
    return kNoNorm;
  Value masked = found.mask.getDiffSrc();
  auto relu = found.mask.getDst().getDefiningOp<ReluOp>();
  found.normalize = relu ? relu.getSrc().getDefiningOp<ScaleShiftOp>() : ScaleShiftOp();
  if (!found.normalize)
    return kNoNorm;
  found.norm = found.normalize.getCenter().getDefiningOp<BatchNormFinalizeOp>();
  if (!found.norm)
    return kNoNorm;
  found.stats = userOf<BatchNormBackwardStatsOp>(masked);
  found.apply = userOf<BatchNormBackwardApplyOp>(masked);
  if (!found.stats || !found.apply)
    return kNoGradient;
  found.finalize = userOf<BatchNormBackwardFinalizeOp>(found.stats.getSum());
  if (!found.finalize)
    return kNoGradient;
  if (!isOfOneNorm(found))
    return "the mask is of another batch norm than the gradient behind it";
  if (!usedOnlyBy(masked, {found.stats, found.apply}))
    return "the masked gradient has other uses";
  // What is known of sums and factors goes with them.
  BatchNormBackwardFinalizeOp finalize = found.finalize;
  for (Value sum : found.stats->getResults())
    if (!usedOnlyBy(sum, {finalize}))
      return "the sums have other uses";
  for (Value factor : {finalize.getA(), finalize.getB(), finalize.getC()})
    if (!usedOnlyBy(factor, {found.apply}))
      return "the factors have other uses";
  if (!found.norm.getGamma())
    return "the batch norm before it has no factor gamma";
  const Value vectors[] = {found.norm.getMean(), found.norm.getInvStd(), found.norm.getGamma(),
                           found.normalize.getShift()};
  if (llvm::any_of(vectors, [](Value vector) { return elementBytes(getElementTypeOrSelf(vector.getType())) < 4; }))
    return "the batch norm before it has vectors that are not f32";
  if (!isThere(found.normalize.getSrc(), conv) ||
      !llvm::all_of(vectors, [&](Value vector) { return isThere(vector, conv); }))
    return "what the batch norm reads or gives comes later";
  return {};
}

/// The op beside the convolution, which nobody uses yet.
Conv2DBackwardNormOp makeFused(const Candidate &candidate) {
  Conv2DBackwardDataOp conv = candidate.conv;
  BatchNormFinalizeOp norm = candidate.norm;
  OpBuilder builder(conv);
  Type vector = norm.getMean().getType();
  auto fused = Conv2DBackwardNormOp::create(
      builder, conv.getLoc(), TypeRange{conv.getType(), vector, vector, vector, vector, vector}, conv.getDiffDst(),
      conv.getWeights(), ScaleShiftOp(candidate.normalize).getSrc(), norm.getMean(), norm.getInvStd(), norm.getGamma(),
      ScaleShiftOp(candidate.normalize).getShift(), conv.getStrideAttr(), conv.getPadBeginAttr(), conv.getPadEndAttr(),
      conv.getDilationAttr(), conv.getGroupsAttr());
  setPath(fused, getPath(conv));
  return fused;
}

int64_t bytesOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getNumElements() * elementBytes(getElementTypeOrSelf(value.getType()));
}

/// What the call costs that does all.
LaunchCost costOfFused(Conv2DBackwardNormOp fused) {
  LaunchCost cost = costTogether({fused.getOperation()});
  for (Value result : fused->getResults()) // which nobody uses yet
    cost.bytes += bytesOf(result);
  return cost;
}

/// What the reduction costs that the call takes the place of. What comes behind masks again rather than read what is
/// masked, and activations that only the mask is of are computed anew.
LaunchCost costOfSums(const Candidate &candidate) {
  ReluBackwardOp mask = candidate.mask;
  SmallVector<Operation *> ops = {mask, candidate.stats};
  for (Operation *op = mask.getDst().getDefiningOp(); op->hasOneUse() && op != candidate.norm;
       op = op->getOperand(0).getDefiningOp()) {
    ops.push_back(op);
    if (isa<ScaleShiftOp>(op))
      break;
  }
  LaunchCost cost = costTogether(ops);
  cost.bytes -= bytesOf(mask.getDiffSrc());
  return cost;
}

/// Why the two should stay apart, empty where they should not.
std::string decline(const Candidate &candidate, const Target &target) {
  std::string why;
  Conv2DBackwardDataOp gradient = candidate.conv;
  Conv2DBackwardNormOp fused = candidate.fused;
  Placement place = placementOf(fused.getSrc());
  ArrayRef<int64_t> root = shapeOf(place.root);
  if (root.size() == 4 && root[1] != shapeOf(fused.getSrc())[1] &&
      !target.acceptsSlice(fused, fused.getSrc(), {root[1], place.channelOffset}))
    return "the library does not read the channel slice that batch norm does";
  auto alone = target.plan(gradient, "any", why);
  if (failed(alone))
    return why;
  auto both = target.plan(fused, "any", why);
  if (failed(both))
    return why;
  LaunchCost together = costOfFused(fused), conv = costTogether({gradient.getOperation()}),
             sums = costOfSums(candidate);
  double seconds = secondsOf(target, {target.describeCall(*both, together)}),
         apart = secondsOf(target, {target.describeCall(*alone, conv), reductionOf(sums)});
  if (seconds > apart)
    llvm::raw_string_ostream(why) << "it would take " << llvm::format("%.1f us", seconds * 1e6) << " and "
                                  << both->scratchpadBytes << " bytes of workspace, against "
                                  << llvm::format("%.1f us", apart * 1e6) << " for both";
  return why;
}

void fuse(Candidate &candidate) {
  Conv2DBackwardNormOp fused = candidate.fused;
  BatchNormBackwardApplyOp apply = candidate.apply;
  BatchNormBackwardFinalizeOp finalize = candidate.finalize;
  finalize.getDiffGamma().replaceAllUsesWith(fused.getDiffGamma());
  finalize.getDiffBeta().replaceAllUsesWith(fused.getDiffBeta());
  apply.getDiffDstMutable().set(fused.getDiffSrc());
  apply.getMeanMutable().clear();
  apply.getAMutable().set(fused.getA());
  apply.getBMutable().set(fused.getB());
  apply.getCMutable().set(fused.getC());
  for (Operation *op : {finalize.getOperation(), candidate.stats.getOperation(), candidate.mask.getOperation(),
                        candidate.conv.getOperation()})
    op->erase();
}

struct FuseConvBackwardNormPass : impl::FuseConvBackwardNormPassBase<FuseConvBackwardNormPass> {
  /// Not those that are transposed convolutions of the forward pass.
  SmallVector<Conv2DBackwardDataOp> gradientsOfData() {
    if (isEntry(getOperation(), EntryPoint::Infer))
      return {};
    SmallVector<Conv2DBackwardDataOp> found;
    for (Operation &op : getOperation().getBody().front())
      if (isa<LossOpInterface>(op))
        found.clear();
      else if (auto conv = dyn_cast<Conv2DBackwardDataOp>(op))
        found.push_back(conv);
    return found;
  }

  void runOnOperation() override {
    const Target *target = findTarget(getOperation());
    if (!target)
      return signalPassFailure();
    if (!target->givesNormGradients())
      return;
    auto stay = [&](Conv2DBackwardDataOp conv, StringRef why) {
      conv->setAttr(kReasonAttr, StringAttr::get(&getContext(), why));
    };
    SmallVector<Candidate, 0> candidates;
    for (Conv2DBackwardDataOp conv : gradientsOfData()) {
      Candidate candidate;
      StringRef why = match(conv, candidate);
      if (why.empty())
        candidates.push_back(candidate);
      else
        stay(conv, why);
    }
    SmallVector<Operation *> asked;
    for (Candidate &candidate : candidates) {
      candidate.fused = makeFused(candidate);
      asked.append({candidate.conv, candidate.fused});
    }
    target->prepare(asked);
    for (Candidate &candidate : candidates) {
      std::string why = decline(candidate, *target);
      if (why.empty()) {
        fuse(candidate);
        continue;
      }
      stay(candidate.conv, why);
      candidate.fused.erase();
    }
  }
};

} // namespace
} // namespace incept
